package io.lockstep.distributor;

import io.github.resilience4j.core.IntervalFunction;
import io.lockstep.wire.Connection;
import io.lockstep.wire.ConnectionListener;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Request;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Drives one session: takes the application's calls and the channel's frames to the {@link SessionCore}, and keeps a
 * channel open. Owns the thread {@code client}; other threads leave notes in its inbox.
 */
final class ClientAgent {
    private static final Logger LOG = LoggerFactory.getLogger(ClientAgent.class);
    private static final int DRAIN_MAX = 1_024;
    private static final long TICK_NS = TimeUnit.MILLISECONDS.toNanos(2);
    private static final long IDLE_NS = TimeUnit.MILLISECONDS.toNanos(20);
    private static final Ending LATE = Ending.failed(
            0, LockstepException.Outcome.NOT_EXECUTED, null, "not sent: the client is closed; open a new one");
    private static final Duration PAUSE_MIN = Duration.ofMillis(20);
    private static final Duration PAUSE_MAX = Duration.ofSeconds(1);

    private final Dialer dialer;
    private final Inbox inbox = new Inbox(Integer.MAX_VALUE);
    private final IntervalFunction pauses = IntervalFunction.ofExponentialRandomBackoff(PAUSE_MIN, 2.0, 0.5, PAUSE_MAX);
    private final SessionCore<Call> core;
    private final CompletableFuture<Identity> opened = new CompletableFuture<>();
    private final CompletableFuture<Ending> over = new CompletableFuture<>();
    private final List<Consumer<TermChange>> termListeners = new CopyOnWriteArrayList<>();
    private final Thread thread;

    /** The attempt or connection of now; null while pausing. */
    private @Nullable Channel channel;

    private int attempts;
    private int failures;
    private long nextAttemptNs;
    private long lastTickNs;
    private volatile long term;
    private volatile String lastFailure = "";
    /** Set before the thread looks into the inbox for the last time. */
    private volatile boolean hasLeft;

    ClientAgent(SessionConfig config, Dialer dialer, long nonce, int firstChoice, Duration openingLimit) {
        this.dialer = dialer;
        this.attempts = firstChoice;
        long nowNs = System.nanoTime();
        this.nextAttemptNs = nowNs;
        this.lastTickNs = nowNs;
        this.core = new SessionCore<>(config, new CoreEffects(), nonce, openingLimit.toNanos(), nowNs);
        this.thread = new Thread(this::run, "client");
        this.thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    /** Completed with the session's name; exceptionally never. */
    CompletableFuture<Identity> opened() {
        return opened;
    }

    /** Completed when the session is over, with why, or with a good ending when it was closed as asked. */
    CompletableFuture<Ending> over() {
        return over;
    }

    long term() {
        return term;
    }

    /** Why the latest attempt to reach a distributor failed; empty when none did. */
    String lastFailure() {
        return lastFailure;
    }

    boolean isOwnThread() {
        return Thread.currentThread() == thread;
    }

    void onTermChange(Consumer<TermChange> listener) {
        termListeners.add(listener);
    }

    /** Takes a call; its ending follows. The number of calls is bounded by the {@link LockstepClient}. */
    void submit(Call call) {
        inbox.put(this, call);
        if (hasLeft) {
            call.ending().complete(LATE); // too late for the thread's last look; does nothing if it was not
        }
    }

    /** Asks for the session's end; {@link #over} follows within the limit. */
    void close(Duration limit) {
        inbox.put(this, limit);
    }

    /** Waits until the thread has left, or the limit is over. */
    void awaitEnd(Duration limit) {
        try {
            thread.join(limit.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    // ---- the thread -----------------------------------------------------------------------------------------------

    private void run() {
        try {
            while (core.state() != SessionState.ENDED) {
                turn();
            }
        } catch (RuntimeException | Error e) {
            LOG.error("client of session {} stops: a fault of its own", core.session(), e);
            core.abort(Ending.failed(
                    0, LockstepException.Outcome.UNKNOWN, null, "the client met a fault of its own and stopped: " + e));
        } finally {
            hasLeft = true;
            inbox.drain(this::onNote, Integer.MAX_VALUE);
            Channel last = channel;
            if (last != null) {
                last.leave("the session is over");
            }
            dialer.close();
        }
    }

    private void turn() {
        int done = inbox.drain(this::onNote, DRAIN_MAX);
        long nowNs = System.nanoTime();
        if (nowNs - lastTickNs >= TICK_NS) {
            lastTickNs = nowNs;
            dialWhenAway(nowNs);
            core.tick(nowNs);
        }
        if (done == 0 && core.state() != SessionState.ENDED) {
            inbox.await(core.isIdle() && channel != null ? IDLE_NS : TICK_NS);
        }
    }

    private void onNote(Object source, Object note) {
        long nowNs = System.nanoTime();
        if (note instanceof Call call) {
            core.submit(call, call.kind(), call.transaction(), call.body(), nowNs);
        } else if (note instanceof Duration limit) {
            core.close(limit.toNanos(), nowNs);
        } else if (source == channel && channel != null) {
            onChannelNote(channel, note, nowNs);
        } else if (source instanceof Channel stale && note == Signal.UP) {
            stale.leave("replaced by a newer connection");
        }
    }

    private void onChannelNote(Channel from, Object note, long nowNs) {
        if (note instanceof Frame.Reply reply) {
            failures = 0;
            core.onReply(reply.term(), reply.answer(), nowNs);
        } else if (note == Signal.UP) {
            from.isUp = true;
            core.onChannelUp(nowNs);
        } else if (note == Signal.DOWN || note instanceof String) {
            if (note instanceof String failure) {
                lastFailure = failure;
            }
            leave(nowNs);
        }
    }

    private void dialWhenAway(long nowNs) {
        if (channel == null && nowNs >= nextAttemptNs && core.state() != SessionState.ENDED) {
            Channel next = new Channel();
            channel = next;
            dialer.dial(attempts++, next, next::failed);
        }
    }

    /** No channel any more: the next distributor is tried at once, and with pauses when all of them have failed. */
    private void leave(long nowNs) {
        Channel left = channel;
        channel = null;
        if (left != null && left.isUp) {
            core.onChannelDown();
        }
        failures = Math.min(failures + 1, 1_000);
        int rounds = failures / dialer.choices();
        nextAttemptNs = rounds == 0 || failures == 1
                ? nowNs
                : nowNs + TimeUnit.MILLISECONDS.toNanos(pauses.apply(Math.min(rounds, 30)));
    }

    /** What the core wants done. */
    private final class CoreEffects implements SessionCore.Effects<Call> {
        @Override
        public void send(Request request) {
            Channel now = channel;
            if (now != null) {
                now.send(new Frame.Ask(term, request));
            }
        }

        @Override
        public void ended(Call call, Ending ending) {
            call.ending().complete(ending);
        }

        @Override
        public void opened(Identity session) {
            opened.complete(session);
        }

        @Override
        public void over(@Nullable Ending problem) {
            over.complete(problem != null ? problem : new Ending(0, Identity.NONE, null, null, new byte[0]));
        }

        @Override
        public void changeChannel(String reason) {
            LOG.info("session {} changes its distributor: {}", core.session(), reason);
            Channel now = channel;
            if (now != null) {
                now.leave(reason);
                leave(System.nanoTime());
            }
        }

        @Override
        public void termChanged(long newTerm) {
            term = newTerm;
            TermChange change = new TermChange(newTerm, nowMicros());
            for (Consumer<TermChange> listener : termListeners) {
                listener.accept(change);
            }
        }
    }

    private static long nowMicros() {
        Instant now = Instant.now();
        return now.getEpochSecond() * 1_000_000 + now.getNano() / 1_000;
    }

    // ---- network threads ------------------------------------------------------------------------------------------

    /** What a network thread tells about a channel, beside frames. */
    private enum Signal {
        UP,
        DOWN
    }

    /** One attempt and the connection that came of it; called by network threads, leaves notes. */
    private final class Channel implements ConnectionListener {
        private volatile @Nullable Connection connection;
        /** Touched only by the client's thread. */
        private boolean isUp;

        @Override
        public void onOpen(Connection opened) {
            connection = opened;
            inbox.put(this, Signal.UP);
        }

        @Override
        public void onFrame(Connection from, long incarnation, Frame frame) {
            inbox.put(this, frame);
        }

        @Override
        public void onClosed(Connection closed, String reason) {
            lastFailure = reason;
            inbox.put(this, Signal.DOWN);
        }

        void failed(String reason) {
            inbox.put(this, reason);
        }

        void send(Frame frame) {
            Connection now = connection;
            if (now != null) {
                now.send(frame);
            }
        }

        void leave(String reason) {
            Connection now = connection;
            if (now != null) {
                now.close(reason);
            }
        }
    }
}
