package io.lockstep.distributor;

import io.lockstep.distributor.LockstepException.Outcome;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.BlockingConnection;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Limits;
import io.lockstep.wire.Peer;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A session, with a distributor or with the active itself, whose callers carry their own requests: the thread that asks writes the socket, and reads it until it has
 * its answer, so that an answer costs no hand-over between threads. Safe from any thread; one of those that wait reads
 * for all of them.
 *
 * <p>Between requests nobody reads. Whoever opens such sessions calls {@link #care} of each every second or so, from a
 * thread of its own, so that the session shows signs of life and a broken connection is noticed.
 */
public final class DirectSession implements AutoCloseable {
    /** Longest body of a request. */
    public static final int BODY_MAX_BYTES = Limits.bodyMaxBytes(Limits.FRAME_MAX_BYTES_DEFAULT);

    private static final Logger LOG = LoggerFactory.getLogger(DirectSession.class);
    private static final SecureRandom RANDOM = new SecureRandom();
    /** Requests of one session at a time: one, a cancel or two beside it, and the session's own. */
    private static final int WINDOW_REQUESTS = 64;

    private static final long ATTEMPT_NS = TimeUnit.SECONDS.toNanos(1);
    private static final long PAUSE_MIN_NS = TimeUnit.MILLISECONDS.toNanos(20);
    private static final long PAUSE_MAX_NS = TimeUnit.SECONDS.toNanos(1);
    private static final long CLOSE_LIMIT_NS = TimeUnit.SECONDS.toNanos(2);
    /** Another thread's request may have an earlier deadline than any that the reading thread knew of. */
    private static final int READ_MOST_MILLIS = 250;
    /** A node says twice a second that it is active; more than come between two rounds of care. */
    private static final int CARE_FRAMES = 64;
    /** A write that takes longer has met somebody who does not read. */
    private static final long WRITE_STALL_NS = TimeUnit.SECONDS.toNanos(5);

    private final List<InetSocketAddress> addresses;
    private final Door door;
    private final String cluster;
    private final Peer self;
    private final ReentrantLock lock = new ReentrantLock();
    /** A request has ended, or nobody reads any more. */
    private final Condition changed = lock.newCondition();

    // Touched only under the lock.
    private final SessionCore<Call> core;
    private @Nullable BlockingConnection connection;
    private boolean isBroken;
    /** Whether somebody reads or dials without the lock. */
    private boolean hasReader;

    private int attempts;
    private int failures;
    private int takeovers;
    private long nextAttemptNs;
    private @Nullable Ending over;

    private volatile boolean isOpened;
    private volatile long term;
    private volatile String lastFailure = "";
    /** {@link System#nanoTime} when a write began; 0 while nobody writes. */
    private volatile long writingSinceNs;

    /** The connection of now, for {@link #care} while somebody is stuck in a write. */
    private volatile @Nullable BlockingConnection written;

    /** One request between its caller and its answer. */
    public static final class Call {
        private volatile long requestId;
        private volatile @Nullable Ending ending;

        /** Its number in the session; 0 as long as it has not been sent. */
        public long requestId() {
            return requestId;
        }

        /** How it ended; null as long as it has not. */
        public @Nullable Ending ending() {
            return ending;
        }
    }

    private DirectSession(
            List<InetSocketAddress> addresses,
            Door door,
            String cluster,
            String label,
            SessionConfig config,
            long openingNs) {
        long nonce = RANDOM.nextLong(1, Long.MAX_VALUE);
        long nowNs = System.nanoTime();
        this.addresses = addresses;
        this.door = door;
        this.cluster = cluster;
        this.self = door.self(label, nonce);
        this.core = new SessionCore<>(config, new CoreEffects(), nonce, openingNs, nowNs);
        this.nextAttemptNs = nowNs;
    }

    /**
     * Opens a session through the first of the distributors that answers, in this order.
     *
     * @param distributors one or more; names are resolved at each attempt
     * @param label what the distributor's status calls this client
     * @param openingLimit how long it may take
     * @throws LockstepException it could not be opened; says why
     */
    public static DirectSession open(
            List<InetSocketAddress> distributors,
            String cluster,
            String label,
            Duration requestTimeout,
            Duration touchInterval,
            Duration openingLimit) {
        return open(distributors, new DistributorDoor(), cluster, label, requestTimeout, touchInterval, openingLimit);
    }

    /**
     * Opens a session with the nodes themselves, without a distributor between: it looks for the active among them, and
     * again after each takeover.
     *
     * @param nodes one or more, with their ports for peers; names are resolved at each attempt
     * @throws LockstepException it could not be opened; says why
     */
    public static DirectSession openAtNodes(
            List<InetSocketAddress> nodes,
            String cluster,
            String label,
            Duration requestTimeout,
            Duration touchInterval,
            Duration openingLimit) {
        return open(nodes, new ActiveDoor(), cluster, label, requestTimeout, touchInterval, openingLimit);
    }

    private static DirectSession open(
            List<InetSocketAddress> addresses,
            Door door,
            String cluster,
            String label,
            Duration requestTimeout,
            Duration touchInterval,
            Duration openingLimit) {
        SessionConfig config = new SessionConfig(requestTimeout, WINDOW_REQUESTS, WINDOW_REQUESTS, touchInterval);
        DirectSession session =
                new DirectSession(List.copyOf(addresses), door, cluster, label, config, openingLimit.toNanos());
        session.awaitOpening();
        return session;
    }

    private void awaitOpening() {
        lock.lock();
        try {
            while (over == null && !isOpened) {
                carry();
            }
            Ending why = over;
            if (why != null) {
                throw new LockstepException(
                        why.problem() == null ? Outcome.NOT_EXECUTED : why.problem(),
                        why.code(),
                        why.text() + (lastFailure.isEmpty() ? "" : "; last failure: " + lastFailure));
            }
        } finally {
            leaveConnectionWhenOver();
            lock.unlock();
        }
    }

    // ---- requests -------------------------------------------------------------------------------------------------

    /**
     * Sends a request; {@link #await} has its end.
     *
     * @param timeoutNs it ends by then; 100 ms to 1 hour
     */
    public Call submit(RequestKind kind, byte[] body, long timeoutNs) {
        Call call = new Call();
        if (body.length > BODY_MAX_BYTES) {
            call.ending = Ending.failed(
                    0,
                    Outcome.NOT_EXECUTED,
                    AnswerCode.REFUSED,
                    "not sent: the message has " + body.length + " bytes, " + BODY_MAX_BYTES + " are allowed");
            return call;
        }
        lock.lock();
        try {
            core.submit(call, kind, 0, body, timeoutNs, System.nanoTime());
            leaveWhenBroken();
        } finally {
            lock.unlock();
        }
        return call;
    }

    /** Waits for a request's end; an interrupt does not end the wait. */
    public Ending await(Call call) {
        Ending ending = call.ending;
        if (ending != null) {
            return ending;
        }
        lock.lock();
        try {
            while (true) {
                ending = call.ending;
                if (ending != null) {
                    return ending;
                }
                if (hasReader) {
                    changed.awaitUninterruptibly();
                } else {
                    carry();
                }
            }
        } finally {
            changed.signalAll(); // one of those that still wait reads now
            leaveConnectionWhenOver();
            lock.unlock();
        }
    }

    /** Sends a request and waits for its end. */
    public Ending ask(RequestKind kind, byte[] body, long timeoutNs) {
        return await(submit(kind, body, timeoutNs));
    }

    // ---- one step of whoever waits, under the lock ----------------------------------------------------------------

    /** Waits without the lock for a frame, a connection or the next thing to do, and does what follows from it. */
    private void carry() {
        hasReader = true;
        try {
            BlockingConnection now = connection;
            if (now == null) {
                dial();
            } else {
                read(now, Math.max(1, Math.min(READ_MOST_MILLIS, millisUntil(core.nextTickNs()))));
            }
        } finally {
            hasReader = false;
        }
        long nowNs = System.nanoTime();
        if (core.nextTickNs() - nowNs <= 0) {
            core.tick(nowNs);
            leaveWhenBroken();
        }
    }

    private static int millisUntil(long timeNs) {
        long millis = (timeNs - System.nanoTime() + 999_999) / 1_000_000;
        return (int) Math.max(0, Math.min(Integer.MAX_VALUE, millis));
    }

    private void read(BlockingConnection from, int timeoutMillis) {
        Frame frame = null;
        IOException trouble = null;
        lock.unlock();
        try {
            frame = from.receive(timeoutMillis);
        } catch (IOException e) {
            trouble = e;
        } finally {
            lock.lock();
        }
        if (from != connection) {
            return;
        }
        if (trouble != null) {
            onBroken(trouble);
        } else if (frame != null) {
            String reason = door.reasonToLeave(frame, System.nanoTime());
            if (reason != null) {
                onBroken(new IOException(reason));
            } else if (frame instanceof Frame.Reply reply) {
                failures = 0;
                core.onReply(reply.term(), reply.answer(), System.nanoTime());
            }
        }
        leaveWhenBroken();
    }

    private void dial() {
        long nowNs = System.nanoTime();
        if (nowNs - nextAttemptNs < 0) {
            waitUntil(Math.min(nextAttemptNs, Math.max(nowNs + 1_000_000, core.nextTickNs())));
            return;
        }
        InetSocketAddress address = addresses.get(attempts++ % addresses.size());
        long limitNs = Math.min(ATTEMPT_NS, Math.max(1_000_000, core.nextTickNs() - nowNs));
        BlockingConnection opened = null;
        IOException trouble = null;
        lock.unlock();
        try {
            opened = admitted(
                    BlockingConnection.open(address, Duration.ofNanos(limitNs), cluster, self), nowNs + limitNs);
        } catch (IOException e) {
            trouble = e;
        } finally {
            lock.lock();
        }
        if (opened == null) {
            lastFailure = door.what() + " at " + address + ": " + trouble;
            postpone();
        } else if (core.state() == SessionState.ENDED) {
            opened.close();
        } else {
            connection = opened;
            written = opened;
            isBroken = false;
            core.onChannelUp(System.nanoTime());
            leaveWhenBroken();
        }
    }

    private BlockingConnection admitted(BlockingConnection opened, long beforeNs) throws IOException {
        try {
            door.admit(opened, beforeNs);
            return opened;
        } catch (IOException | RuntimeException e) {
            opened.close();
            throw e;
        }
    }

    /** Waits without the lock; an interrupt is kept for later, since what was asked for has been sent. */
    private void waitUntil(long timeNs) {
        boolean isInterrupted = false;
        try {
            for (long leftNs = timeNs - System.nanoTime(); leftNs > 0; ) {
                try {
                    leftNs = changed.awaitNanos(leftNs) > 0 ? 0 : timeNs - System.nanoTime();
                } catch (InterruptedException e) {
                    isInterrupted = true;
                }
            }
        } finally {
            if (isInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** The next distributor is tried at once, and with pauses when all of them have failed. */
    private void postpone() {
        failures = Math.min(failures + 1, 1_000);
        int rounds = failures / addresses.size();
        long pauseNs =
                rounds == 0 || failures == 1 ? 0 : Math.min(PAUSE_MAX_NS, PAUSE_MIN_NS << Math.min(rounds - 1, 10));
        nextAttemptNs = System.nanoTime() + pauseNs - (pauseNs == 0 ? 0 : RANDOM.nextLong(pauseNs / 2));
    }

    private void onBroken(IOException trouble) {
        lastFailure = String.valueOf(trouble.getMessage());
        isBroken = true;
    }

    /** After every call into the core: what it found broken is left. */
    private void leaveWhenBroken() {
        BlockingConnection left = connection;
        if (isBroken && left != null) {
            LOG.debug("session {} leaves {}: {}", core.session(), left, lastFailure);
            connection = null;
            written = null;
            isBroken = false;
            left.close();
            core.onChannelDown();
            postpone();
        }
    }

    private void leaveConnectionWhenOver() {
        BlockingConnection left = connection;
        if (over != null && left != null) {
            connection = null;
            written = null;
            left.close();
        }
    }

    // ---- between requests -----------------------------------------------------------------------------------------

    /** Does what is due while nobody asks; returns at once when somebody does. Not for the caller of a request. */
    public void care() {
        BlockingConnection stuck = written;
        long sinceNs = writingSinceNs;
        if (stuck != null && sinceNs != 0 && System.nanoTime() - sinceNs > WRITE_STALL_NS) {
            stuck.close();
        }
        if (!lock.tryLock()) {
            return;
        }
        try {
            if (!hasReader && over == null) {
                BlockingConnection now = connection;
                hasReader = true;
                try {
                    if (now != null) {
                        readAll(now);
                    } else if (System.nanoTime() - nextAttemptNs >= 0) {
                        dial();
                    }
                } finally {
                    hasReader = false;
                }
                core.tick(System.nanoTime());
                leaveWhenBroken();
                changed.signalAll();
            }
            leaveConnectionWhenOver();
        } finally {
            lock.unlock();
        }
    }

    /** What came meanwhile; bounded, since whoever asks is not to wait for long. */
    private void readAll(BlockingConnection from) {
        for (int frames = 0; frames < CARE_FRAMES && from == connection; frames++) {
            read(from, 1);
            if (!from.hasRead()) {
                return;
            }
        }
    }

    /** Whether something of the session's own is unanswered, so that {@link #care} should come again soon. */
    public boolean isBusy() {
        if (!lock.tryLock()) {
            return false;
        }
        try {
            return over == null && (connection == null || !core.isIdle());
        } finally {
            lock.unlock();
        }
    }

    // ---- what is known --------------------------------------------------------------------------------------------

    /** The session's name. */
    public Identity session() {
        lock.lock();
        try {
            return core.session();
        } finally {
            lock.unlock();
        }
    }

    /** Term of the latest answer. */
    public long term() {
        return term;
    }

    /** Name of the active that it talks to itself; null where a distributor is between, or nobody is found yet. */
    public @Nullable String active() {
        return door.active();
    }

    /** How often the active has changed in the life of this session. */
    public int takeovers() {
        lock.lock();
        try {
            return takeovers;
        } finally {
            lock.unlock();
        }
    }

    /** Whether it is closed or lost. */
    public boolean isOver() {
        lock.lock();
        try {
            return over != null || core.state() != SessionState.OPEN;
        } finally {
            lock.unlock();
        }
    }

    /** Asks the distributor of now how the database is, on a connection of its own; a JSON document. */
    public String status(Duration limit) throws IOException {
        long beforeNs = System.nanoTime() + limit.toNanos();
        IOException trouble = new IOException("no distributor");
        for (InetSocketAddress address : addresses) {
            try (BlockingConnection asked = BlockingConnection.open(address, limit, cluster, self)) {
                asked.send(new Frame.StatusAsk(0, "status"));
                while (System.nanoTime() - beforeNs < 0) {
                    Frame frame = asked.receive(Math.max(1, millisUntil(beforeNs)));
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

    // ---- the end --------------------------------------------------------------------------------------------------

    /** Ends the session and rolls back what is open; waits for that up to 2 s. */
    @Override
    public void close() {
        lock.lock();
        try {
            if (over == null) {
                core.close(CLOSE_LIMIT_NS, System.nanoTime());
                leaveWhenBroken();
            }
            long beforeNs = System.nanoTime() + CLOSE_LIMIT_NS + ATTEMPT_NS;
            while (over == null && System.nanoTime() - beforeNs < 0) {
                if (hasReader) {
                    waitUntil(beforeNs);
                } else {
                    carry();
                }
            }
        } finally {
            leaveConnectionWhenOver();
            changed.signalAll();
            lock.unlock();
        }
    }

    /** Ends the session at once, without asking anybody: what was sent stays unknown; the nodes close it later. */
    public void abort(String reason) {
        BlockingConnection now = written;
        if (now != null) {
            now.close();
        }
        lock.lock();
        try {
            core.abort(Ending.failed(0, Outcome.UNKNOWN, null, reason));
            leaveConnectionWhenOver();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** What the core wants done; called under the lock. */
    private final class CoreEffects implements SessionCore.Effects<Call> {
        @Override
        public void send(Request request) {
            BlockingConnection now = connection;
            if (now == null || isBroken) {
                return;
            }
            writingSinceNs = System.nanoTime() | 1;
            try {
                now.send(new Frame.Ask(door.askTerm(term), request));
            } catch (IOException e) {
                onBroken(e);
            } finally {
                writingSinceNs = 0;
            }
        }

        @Override
        public void numbered(Call call, long requestId) {
            call.requestId = requestId;
        }

        @Override
        public void ended(Call call, Ending ending) {
            call.ending = ending;
            changed.signalAll();
        }

        @Override
        public void opened(Identity session) {
            isOpened = true;
        }

        @Override
        public void over(@Nullable Ending problem) {
            over = problem != null ? problem : new Ending(0, Identity.NONE, null, null, new byte[0]);
            changed.signalAll();
        }

        @Override
        public void changeChannel(String reason) {
            if (door.isAlive(System.nanoTime())) {
                return; // what is asked for takes its time, or waits for somebody's lock
            }
            LOG.debug("session {} changes its {}: {}", core.session(), door.what(), reason);
            lastFailure = reason;
            isBroken = true;
        }

        @Override
        public void termChanged(long newTerm) {
            if (term != 0) {
                takeovers++;
            }
            term = newTerm;
        }
    }
}
