package io.lockstep.distributor;

import io.lockstep.distributor.LockstepException.Outcome;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.BlockingConnection;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Limits;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A session, with a distributor or with the active itself, whose callers carry their own requests: the thread that asks
 * writes the socket, and reads it until it has its answer. Sessions of a process that lead to the same place share their
 * connection ({@link SharedChannel}). Safe from any thread.
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

    private static final long CLOSE_LIMIT_NS = TimeUnit.SECONDS.toNanos(2);
    private static final long TICK_MOST_NS = TimeUnit.SECONDS.toNanos(1);

    private final SharedChannel channel;
    private final Identity provisional;
    private final ReentrantLock lock = new ReentrantLock();
    private final Call opening = new Call();
    private final Call closing = new Call();

    // Touched only under the lock.
    private final SessionCore<Call> core;
    /** The connection that the core knows of. */
    private @Nullable BlockingConnection connection;

    private boolean hasAppended;
    /** Why the connection leads nowhere; null while it does. */
    private @Nullable String reasonToLeave;

    private int takeovers;
    private @Nullable Ending over;
    /** Calls that have ended, and whose waiters are to be woken when the lock is free: they take it first of all. */
    private List<Call> ended = List.of();
    /** Who waits, and until when it sleeps: it is woken when there is something to do before. */
    private @Nullable Thread ticker;

    private long tickAtNs = Long.MAX_VALUE;

    private volatile long term;
    /** Written under the lock: whether requests can be made. */
    private volatile boolean isOpen;

    /** One request between its caller and its answer; one thread at most waits for it. */
    public static final class Call {
        private volatile long requestId;
        private volatile @Nullable Ending ending;
        /** Who waits; set before it looks for the ending, as the ending is set before its waiter is woken. */
        volatile @Nullable Thread waiter;

        /** Where the {@link SharedChannel} keeps it while it sleeps; negative while it does not. Under that one's lock. */
        int sleepingAt = -1;

        /** Its number in the session; 0 as long as it has not been sent. */
        public long requestId() {
            return requestId;
        }

        /** How it ended; null as long as it has not. */
        public @Nullable Ending ending() {
            return ending;
        }
    }

    private DirectSession(SharedChannel channel, SessionConfig config, long openingNs) {
        long nonce = RANDOM.nextLong(1, Long.MAX_VALUE);
        this.provisional = Identity.provisional(nonce);
        this.core = new SessionCore<>(config, new CoreEffects(), nonce, openingNs, System.nanoTime());
        this.channel = channel;
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
        return open(false, distributors, cluster, label, requestTimeout, touchInterval, openingLimit);
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
        return open(true, nodes, cluster, label, requestTimeout, touchInterval, openingLimit);
    }

    private static DirectSession open(
            boolean isAtNodes,
            List<InetSocketAddress> addresses,
            String cluster,
            String label,
            Duration requestTimeout,
            Duration touchInterval,
            Duration openingLimit) {
        SessionConfig config = new SessionConfig(requestTimeout, WINDOW_REQUESTS, WINDOW_REQUESTS, touchInterval);
        SharedChannel.Place place = new SharedChannel.Place(isAtNodes, List.copyOf(addresses), cluster, label);
        DirectSession session =
                SharedChannel.join(place, channel -> new DirectSession(channel, config, openingLimit.toNanos()));
        session.awaitOpening();
        return session;
    }

    private void awaitOpening() {
        Ending why;
        try {
            why = channel.await(this, opening);
        } catch (RuntimeException | Error e) {
            abort("the opening failed: " + e);
            throw e;
        }
        if (why.problem() != null) {
            String last = channel.lastFailure();
            throw new LockstepException(
                    why.problem(), why.code(), why.text() + (last.isEmpty() ? "" : "; last failure: " + last));
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
        } finally {
            unlock();
        }
        return call;
    }

    /** Waits for a request's end; an interrupt does not end the wait. */
    public Ending await(Call call) {
        return channel.await(this, call);
    }

    /** Sends a request and waits for its end. */
    public Ending ask(RequestKind kind, byte[] body, long timeoutNs) {
        return await(submit(kind, body, timeoutNs));
    }

    // ---- what happens to it: called by whoever has the channel's turn, or waits itself -----------------------------

    /** The call has ended; {@link #unlock} wakes its waiter. Under the lock. */
    private void end(Call call, Ending how) {
        call.ending = how;
        if (ended.isEmpty()) {
            ended = List.of(call);
        } else {
            ended = new ArrayList<>(ended);
            ended.add(call);
        }
    }

    /** Gives the lock back, and does what may not be done under it. */
    private void unlock() {
        BlockingConnection now = connection;
        String reason = reasonToLeave;
        reasonToLeave = null;
        boolean isFlushDue = hasAppended;
        hasAppended = false;
        boolean isOver = over != null;
        Identity name = core.session();
        Thread late = ticker != Thread.currentThread() && core.nextTickNs() < tickAtNs ? ticker : null;
        List<Call> done = ended;
        ended = List.of();
        lock.unlock();
        LockSupport.unpark(late);
        for (int i = 0; i < done.size(); i++) {
            LockSupport.unpark(done.get(i).waiter);
        }
        if (isFlushDue) {
            channel.flush();
        }
        if (reason != null && now != null) {
            channel.leaveConnection(now, reason);
        }
        if (isOver) {
            channel.leave(this, name);
        }
    }

    /**
     * Lets time pass for the session.
     *
     * @param waiting who sleeps then, and is woken when there is something to do before; null when nobody does
     * @return when it is to pass again, at the latest
     */
    long tickWhenDue(@Nullable Thread waiting) {
        lock.lock();
        try {
            BlockingConnection now = channel.connection();
            if (now != null && now != connection) {
                meet(now); // whoever was to tell of it has not come so far
            }
            long nowNs = System.nanoTime();
            if (core.nextTickNs() - nowNs <= 0) {
                core.tick(nowNs);
            }
            long nextNs = nowNs + Math.max(0, Math.min(TICK_MOST_NS, core.nextTickNs() - nowNs));
            if (waiting != null) {
                ticker = waiting;
                tickAtNs = nextNs;
            }
            return nextNs;
        } finally {
            unlock();
        }
    }

    private void meet(BlockingConnection opened) {
        if (connection != null) {
            core.onChannelDown();
        }
        connection = opened;
        core.onChannelUp(System.nanoTime());
    }

    /**
     * There is a connection; whoever says so flushes it when all know. One that is not the channel's any more does
     * nothing, nor does one that is known.
     */
    void onConnection(BlockingConnection opened) {
        lock.lock();
        try {
            if (opened == channel.connection() && opened != connection) {
                meet(opened);
            }
            hasAppended = false;
        } finally {
            unlock();
        }
    }

    /** That connection is over. */
    void onConnectionLost(BlockingConnection left) {
        lock.lock();
        try {
            if (left == connection) {
                connection = null;
                core.onChannelDown();
            }
        } finally {
            unlock();
        }
    }

    /** An answer came. A fault of this session's ends this session alone. */
    void onReply(Frame.Reply reply, long nowNs) {
        try {
            lock.lock();
            try {
                core.onReply(reply.term(), reply.answer(), nowNs);
            } finally {
                unlock();
            }
        } catch (RuntimeException e) {
            LOG.error("session {} is given up: a fault of the client", provisional, e);
            abort("a fault of the client: " + e);
        }
    }

    // ---- between requests -----------------------------------------------------------------------------------------

    /** Does what is due while nobody asks; returns soon. Not for the caller of a request. */
    public void care() {
        channel.care();
        tickWhenDue(null);
    }

    /** What it is called until it is open. */
    Identity provisional() {
        return provisional;
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
        return channel.door().active();
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
        return !isOpen;
    }

    /** Asks the distributor of now how the database is, on a connection of its own; a JSON document. */
    public String status(Duration limit) throws IOException {
        return channel.status(limit);
    }

    // ---- the end --------------------------------------------------------------------------------------------------

    /** Ends the session and rolls back what is open; waits for that up to 2 s. */
    @Override
    public void close() {
        lock.lock();
        try {
            isOpen = false;
            if (over == null) {
                core.close(CLOSE_LIMIT_NS, System.nanoTime());
            }
        } finally {
            unlock();
        }
        var unused = channel.await(this, closing);
    }

    /** Ends the session at once, without waiting for anybody: what was sent stays unknown. */
    public void abort(String reason) {
        lock.lock();
        try {
            if (over == null) {
                core.abort(Ending.failed(0, Outcome.UNKNOWN, null, reason));
            }
        } finally {
            unlock();
        }
    }

    /** What the core wants done; called under the lock. */
    private final class CoreEffects implements SessionCore.Effects<Call> {
        @Override
        public void send(Request request) {
            BlockingConnection now = connection;
            if (now != null) {
                // What finds no room is lost, as it is with a connection that breaks, and repeated after a while.
                hasAppended |= now.append(new Frame.Ask(channel.door().askTerm(term), request));
            }
        }

        @Override
        public void numbered(Call call, long requestId) {
            call.requestId = requestId;
        }

        @Override
        public void ended(Call call, Ending ending) {
            ticker = null;
            end(call, ending);
        }

        @Override
        public void opened(Identity session) {
            channel.named(session, DirectSession.this);
            isOpen = true;
            end(opening, new Ending(0, session, null, null, new byte[0]));
        }

        @Override
        public void over(@Nullable Ending problem) {
            Ending how = problem != null ? problem : new Ending(0, Identity.NONE, null, null, new byte[0]);
            over = how;
            isOpen = false;
            BlockingConnection now = connection;
            Identity name = core.session();
            boolean isKnownThere = how.problem() != null && how.code() != AnswerCode.UNKNOWN_SESSION;
            if (now != null && isKnownThere && !name.isProvisional()) {
                // The connection may go on without it, so its end has to be said; nobody waits for the answer.
                hasAppended |= now.append(channel.farewell(term, name));
            }
            if (opening.ending() == null) {
                end(opening, how);
            }
            end(closing, how);
        }

        @Override
        public void changeChannel(String reason) {
            if (channel.isToBeLeft(System.nanoTime())) {
                reasonToLeave = reason;
            }
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
