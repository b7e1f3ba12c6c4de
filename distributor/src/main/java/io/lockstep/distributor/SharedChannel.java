package io.lockstep.distributor;

import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.BlockingConnection;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Peer;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one connection of all sessions of this process that lead to the same place, carried by the threads that wait for
 * answers: one of them has the <em>turn</em> and reads for all, or dials when there is no connection; the others sleep
 * until their answer is there, or the turn is theirs. So an answer costs no hand-over where one session asks, and a
 * read and a write serve many where many do. Safe from any thread.
 *
 * <p>Locks: a session's own may be held when this class takes its own, never the other way round. Whoever has the turn
 * holds neither while it reads or dials.
 */
final class SharedChannel {
    /**
     * The place.
     *
     * @param isAtNodes whether the addresses are those of nodes
     * @param label what the other side's status calls this client
     */
    record Place(boolean isAtNodes, List<InetSocketAddress> addresses, String cluster, String label) {}

    private static final Logger LOG = LoggerFactory.getLogger(SharedChannel.class);
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final long ATTEMPT_NS = TimeUnit.SECONDS.toNanos(1);
    private static final long PAUSE_MIN_NS = TimeUnit.MILLISECONDS.toNanos(20);
    private static final long PAUSE_MAX_NS = TimeUnit.SECONDS.toNanos(1);
    /** The thread with the turn looks after its own session that often. */
    private static final long READ_MOST_NS = TimeUnit.MILLISECONDS.toNanos(250);
    /** An attempt gets that much also where whoever makes it has less left, or it would be in vain for the others, too. */
    private static final long ATTEMPT_LEAST_NS = TimeUnit.MILLISECONDS.toNanos(200);
    /** A node says twice a second that it is active; more than come between two rounds of care. */
    private static final int CARE_FRAMES = 64;
    /** Sessions are cared for one after the other; once for all of them is enough. */
    private static final long CARE_PAUSE_NS = TimeUnit.MILLISECONDS.toNanos(100);
    /** A write that takes longer has met somebody who does not read. */
    private static final long WRITE_STALL_NS = TimeUnit.SECONDS.toNanos(5);
    /** For so long nothing at all must have come before one session's wish makes all of them leave; doubled each time. */
    private static final long PATIENCE_MIN_NS = TimeUnit.MILLISECONDS.toNanos(1_250);

    private static final long PATIENCE_MAX_NS = TimeUnit.SECONDS.toNanos(20);

    private static final int CLOSE_LIMIT_MS = 30_000;

    private static final Map<Place, SharedChannel> CHANNELS = new HashMap<>();

    private final Place place;
    private final Door door;
    private final Peer self;
    /** By name and by provisional name; read by whoever has the turn. */
    private final Map<Identity, DirectSession> sessionsByName = new ConcurrentHashMap<>();

    private final ReentrantLock lock = new ReentrantLock();
    // Touched only under the lock.
    private final Set<DirectSession> sessions = new HashSet<>();
    /** Those that sleep without the turn; each knows its place here. */
    private final List<DirectSession.Call> sleepers = new ArrayList<>();

    private boolean isTaken;
    private long lastCareNs;

    // Written under the lock.
    private volatile @Nullable BlockingConnection connection;
    private volatile int sessionCount;

    /** Touched only by whoever has the turn. */
    private int attempts;

    private volatile int failures;
    private volatile long nextAttemptNs;
    private volatile long patienceNs = PATIENCE_MIN_NS;
    private volatile String lastFailure = "";

    private SharedChannel(Place place) {
        this.place = place;
        this.door = place.isAtNodes ? new ActiveDoor() : new DistributorDoor();
        this.self = door.self(place.label, RANDOM.nextLong(1, Long.MAX_VALUE));
        long nowNs = System.nanoTime();
        this.nextAttemptNs = nowNs;
        this.lastCareNs = nowNs - CARE_PAUSE_NS;
    }

    /** A session of this place, which is told of its connection as soon as there is one. */
    static DirectSession join(Place place, Function<SharedChannel, DirectSession> made) {
        SharedChannel channel;
        DirectSession session;
        BlockingConnection now;
        synchronized (CHANNELS) {
            channel = CHANNELS.computeIfAbsent(place, SharedChannel::new);
            session = made.apply(channel);
            now = channel.add(session);
        }
        if (now != null) {
            session.onConnection(now);
            channel.flush();
        }
        return session;
    }

    private @Nullable BlockingConnection add(DirectSession session) {
        sessionsByName.put(session.provisional(), session);
        lock.lock();
        try {
            sessions.add(session);
            sessionCount = sessions.size();
            return connection;
        } finally {
            lock.unlock();
        }
    }

    /** The session has a name; answers may come under the provisional one all the same. */
    void named(Identity name, DirectSession session) {
        sessionsByName.put(name, session);
    }

    /** The session is over. The last one that leaves ends the connection, too; further calls do nothing. */
    void leave(DirectSession session, Identity name) {
        sessionsByName.remove(session.provisional());
        sessionsByName.remove(name);
        synchronized (CHANNELS) {
            BlockingConnection last = null;
            lock.lock();
            try {
                sessions.remove(session);
                sessionCount = sessions.size();
                if (sessions.isEmpty()) {
                    last = connection;
                    connection = null;
                    CHANNELS.remove(place, this);
                }
            } finally {
                lock.unlock();
            }
            if (last != null) {
                last.close();
            }
        }
    }

    // ---- sending --------------------------------------------------------------------------------------------------

    /** The connection of now; null while there is none. */
    @Nullable BlockingConnection connection() {
        return connection;
    }

    /** Writes what sessions have appended to the connection, unless another thread does. Not under a session's lock. */
    void flush() {
        BlockingConnection now = connection;
        if (now != null) {
            // On a virtual thread an interrupt would close the socket, which is everybody's.
            boolean isInterrupted = Thread.interrupted();
            try {
                now.flush(sessionCount > 1);
            } catch (IOException e) {
                leaveConnection(now, String.valueOf(e.getMessage()));
            } finally {
                if (isInterrupted) {
                    Thread.currentThread().interrupt();
                }
            }
        }
    }

    /** What is said of a session that is given up for ever: whoever is there closes it, and nobody waits for the answer. */
    Frame farewell(long term, Identity session) {
        return new Frame.Ask(
                door.askTerm(term),
                new Request(
                        session,
                        Integer.MAX_VALUE,
                        0,
                        RequestKind.CLOSE,
                        0,
                        0,
                        0,
                        Identity.NONE,
                        CLOSE_LIMIT_MS,
                        false,
                        new byte[0]));
    }

    // ---- waiting --------------------------------------------------------------------------------------------------

    /** Waits for a call's end and does meanwhile what is to be done for all; an interrupt is kept for later. */
    Ending await(DirectSession session, DirectSession.Call call) {
        Ending known = call.ending();
        if (known != null) {
            return known;
        }
        boolean hasTurn = false;
        boolean isInterrupted = Thread.interrupted();
        call.waiter = Thread.currentThread();
        try {
            while (true) {
                // First of all: whoever was woken for its ending takes no lock that the waker may still need.
                Ending ending = call.ending();
                if (ending != null) {
                    return ending;
                }
                long untilNs = session.tickWhenDue(Thread.currentThread());
                hasTurn = hasTurn || (call.ending() == null && takeTurn(call));
                if (call.ending() == null && hasTurn) {
                    carry(untilNs);
                } else if (call.ending() == null) {
                    leaveWhoDoesNotRead();
                    LockSupport.parkNanos(this, untilNs - System.nanoTime());
                }
                isInterrupted |= Thread.interrupted();
            }
        } finally {
            endWait(call, hasTurn);
            if (isInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Takes the turn if nobody has it; else the call is among those that get it. */
    private boolean takeTurn(DirectSession.Call call) {
        lock.lock();
        try {
            if (!isTaken) {
                withdraw(call);
                isTaken = true;
                return true;
            }
            if (call.sleepingAt < 0) {
                sleepers.add(call);
                call.sleepingAt = sleepers.size() - 1;
            }
            return false;
        } finally {
            lock.unlock();
        }
    }

    /** Somebody has to carry on if others wait, also where the turn was free: it may have been meant for this call. */
    private void endWait(DirectSession.@Nullable Call call, boolean hasTurn) {
        Thread next = null;
        lock.lock();
        try {
            if (call != null) {
                withdraw(call);
            }
            if (hasTurn) {
                isTaken = false;
            }
            if (!isTaken && !sleepers.isEmpty()) {
                next = sleepers.get(sleepers.size() - 1).waiter;
            }
        } finally {
            lock.unlock();
        }
        LockSupport.unpark(next);
    }

    /** The call does not sleep any more. */
    private void withdraw(DirectSession.Call call) {
        if (call.sleepingAt >= 0) {
            DirectSession.Call last = sleepers.remove(sleepers.size() - 1);
            if (last != call) {
                sleepers.set(call.sleepingAt, last);
                last.sleepingAt = call.sleepingAt;
            }
            call.sleepingAt = -1;
        }
    }

    // ---- whoever has the turn -------------------------------------------------------------------------------------

    private void carry(long untilNs) {
        BlockingConnection now = connection;
        if (now == null) {
            dial(untilNs);
        } else {
            read(now, Math.min(READ_MOST_NS, untilNs - System.nanoTime()));
        }
    }

    /** Waits for a frame, and takes all that came with it. @return whether any came */
    private boolean read(BlockingConnection from, long limitNs) {
        try {
            Frame frame = from.receive((int) Math.max(1, (limitNs + 999_999) / 1_000_000));
            boolean isAny = frame != null;
            while (frame != null && from == connection) {
                onFrame(from, frame);
                frame = from.next();
            }
            return isAny;
        } catch (IOException e) {
            leaveConnection(from, String.valueOf(e.getMessage()));
            return false;
        } catch (RuntimeException e) {
            LOG.error("a frame from {} cannot be taken", from, e);
            leaveConnection(from, "a fault of the client: " + e);
            return false;
        }
    }

    private void onFrame(BlockingConnection from, Frame frame) {
        long nowNs = System.nanoTime();
        String reason = door.reasonToLeave(frame, nowNs);
        if (reason != null) {
            leaveConnection(from, reason);
        } else if (frame instanceof Frame.Reply reply) {
            AnswerCode code = reply.answer().code();
            if (code != AnswerCode.BUSY && code != AnswerCode.GAP && code != AnswerCode.NOT_ACTIVE) {
                patienceNs = PATIENCE_MIN_NS;
            }
            failures = 0;
            DirectSession session = sessionsByName.get(reply.answer().session());
            if (session != null) {
                session.onReply(reply, nowNs);
            } else if (code == AnswerCode.OK && reply.answer().session().isProvisional()) {
                // Whoever wanted this session has given up before it was open.
                from.append(farewell(reply.term(), reply.answer().entry()));
                flush();
            }
        }
    }

    private void dial(long untilNs) {
        long nowNs = System.nanoTime();
        if (nowNs - nextAttemptNs < 0) {
            LockSupport.parkNanos(this, Math.min(nextAttemptNs, untilNs) - nowNs);
            return;
        }
        InetSocketAddress address = place.addresses.get(attempts++ % place.addresses.size());
        long limitNs = Math.min(ATTEMPT_NS, Math.max(ATTEMPT_LEAST_NS, untilNs - nowNs));
        BlockingConnection opened;
        try {
            opened = BlockingConnection.open(address, Duration.ofNanos(limitNs), place.cluster, self);
            admit(opened, nowNs + limitNs);
        } catch (IOException e) {
            lastFailure = door.what() + " at " + address + ": " + e;
            postpone();
            return;
        }
        for (DirectSession session : taken(opened)) {
            session.onConnection(opened);
        }
        flush();
    }

    private void admit(BlockingConnection opened, long beforeNs) throws IOException {
        boolean isWanted = false;
        try {
            door.admit(opened, beforeNs);
            isWanted = true;
        } finally {
            if (!isWanted) {
                opened.close();
            }
        }
    }

    /** The connection is the one of now. @return whom to tell; nobody when all sessions have left meanwhile */
    private List<DirectSession> taken(BlockingConnection opened) {
        lock.lock();
        try {
            if (sessions.isEmpty()) {
                opened.close();
                return List.of();
            }
            connection = opened;
            return List.copyOf(sessions);
        } finally {
            lock.unlock();
        }
    }

    /** The next address is tried at once, and with pauses when all of them have failed. */
    private void postpone() {
        lock.lock();
        try {
            failures = Math.min(failures + 1, 1_000);
            int rounds = failures / place.addresses.size();
            long pauseNs =
                    rounds == 0 || failures == 1 ? 0 : Math.min(PAUSE_MAX_NS, PAUSE_MIN_NS << Math.min(rounds - 1, 10));
            nextAttemptNs = System.nanoTime() + pauseNs - (pauseNs == 0 ? 0 : RANDOM.nextLong(pauseNs / 2));
        } finally {
            lock.unlock();
        }
    }

    // ---- the connection's end -------------------------------------------------------------------------------------

    /** Leaves this connection if it is the one of now, and tells all sessions. Not under a session's lock. */
    void leaveConnection(BlockingConnection left, String reason) {
        List<DirectSession> told;
        lock.lock();
        try {
            if (left != connection) {
                return;
            }
            LOG.debug("{} sessions leave {}: {}", sessions.size(), left, reason);
            lastFailure = reason;
            connection = null;
            told = List.copyOf(sessions);
        } finally {
            lock.unlock();
        }
        left.close();
        postpone();
        for (DirectSession session : told) {
            session.onConnectionLost(left);
        }
    }

    // ---- between requests -----------------------------------------------------------------------------------------

    /** Does what is due while nobody waits; returns soon. */
    void care() {
        leaveWhoDoesNotRead();
        if (!takeTurnToCare()) {
            return;
        }
        BlockingConnection now = connection;
        try {
            for (int frames = 0; frames < CARE_FRAMES && now != null && now == connection; frames++) {
                if (!read(now, 1)) {
                    break;
                }
            }
            if (connection == null && System.nanoTime() - nextAttemptNs >= 0) {
                dial(System.nanoTime() + ATTEMPT_NS);
            }
        } finally {
            endWait(null, true);
        }
    }

    private void leaveWhoDoesNotRead() {
        BlockingConnection now = connection;
        if (now != null && now.writingNs() > WRITE_STALL_NS) {
            leaveConnection(now, "nobody reads what is written");
        }
    }

    private boolean takeTurnToCare() {
        lock.lock();
        try {
            long nowNs = System.nanoTime();
            if (isTaken || (connection != null && nowNs - lastCareNs < CARE_PAUSE_NS)) {
                return false;
            }
            lastCareNs = nowNs;
            isTaken = true;
            return true;
        } finally {
            lock.unlock();
        }
    }

    // ---- what is known --------------------------------------------------------------------------------------------

    /**
     * Whether a session that hears nothing is to leave for another place, which makes all others leave, too: not while the
     * other side shows that it works, since then what was asked takes its time, or waits for somebody's lock.
     */
    boolean isToBeLeft(long nowNs) {
        BlockingConnection now = connection;
        boolean isQuiet = now != null && (sessionCount == 1 || now.unansweredNs() > patienceNs);
        if (!isQuiet || door.isAlive(nowNs)) {
            return false;
        }
        patienceNs = Math.min(2 * patienceNs, PATIENCE_MAX_NS);
        return true;
    }

    Door door() {
        return door;
    }

    /** Why the latest attempt or connection failed; empty when none did. */
    String lastFailure() {
        return lastFailure;
    }

    /** Asks whoever is there how the database is, on a connection of its own; a JSON document. */
    String status(Duration limit) throws IOException {
        long beforeNs = System.nanoTime() + limit.toNanos();
        IOException trouble = new IOException("no " + door.what());
        Peer asking = door.self(place.label, RANDOM.nextLong(1, Long.MAX_VALUE));
        for (InetSocketAddress address : place.addresses) {
            try (BlockingConnection asked = BlockingConnection.open(address, limit, place.cluster, asking)) {
                asked.send(new Frame.StatusAsk(0, "status"));
                while (System.nanoTime() - beforeNs < 0) {
                    Frame frame = asked.receive((int) Math.max(1, (beforeNs - System.nanoTime()) / 1_000_000));
                    if (frame instanceof Frame.StatusReply reply) {
                        return reply.json();
                    }
                }
            } catch (IOException e) {
                trouble = e;
            }
        }
        throw trouble;
    }
}
