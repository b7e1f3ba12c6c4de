package io.lockstep.distributor;

import io.lockstep.distributor.LockstepException.Outcome;
import io.lockstep.membership.Members;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Limits;
import io.lockstep.wire.Peer;
import io.lockstep.wire.RequestKind;
import io.lockstep.wire.Transport;
import io.lockstep.wire.TransportConfig;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * An application's door to one logical database: one session, whose transactions outlive the nodes that they run on.
 * Safe from any thread; stages complete on the thread {@code client}, which must never be blocked.
 *
 * <p>Every request ends by its timeout with an answer or a {@link LockstepException} that says whether it took effect.
 * Requests take effect in the order in which they were handed in.
 */
public final class LockstepClient implements AutoCloseable {
    private static final int QUEUE_MAX = 65_536;
    private static final Duration CLOSE_LIMIT_MAX = Duration.ofSeconds(2);
    private static final int BODY_MAX = Limits.bodyMaxBytes(Limits.FRAME_MAX_BYTES_DEFAULT);
    private static final SecureRandom RANDOM = new SecureRandom();

    private final ClientAgent agent;
    private final SessionConfig config;
    private final Identity session;
    private final AtomicInteger inFlight = new AtomicInteger();

    private LockstepClient(ClientAgent agent, SessionConfig config, Identity session) {
        this.agent = agent;
        this.config = config;
        this.session = session;
    }

    /** Settings of a client under construction. */
    public static Builder builder() {
        return new Builder();
    }

    /** Begins a transaction and waits for the answer to its first message. @throws LockstepException it did not begin */
    public LockstepTransaction begin(byte[] message) {
        return await(beginAsync(message));
    }

    /** Begins a transaction; completes exceptionally with {@link LockstepException}. */
    public CompletionStage<LockstepTransaction> beginAsync(byte[] message) {
        return submit(
                RequestKind.BEGIN,
                0,
                message,
                ending -> new LockstepTransaction(this, session, ending.requestId(), ending.body()));
    }

    /** Asks a question without effect and waits for the answer. @throws LockstepException there is none */
    public byte[] read(byte[] question) {
        return await(readAsync(question));
    }

    /** Asks a question without effect; completes exceptionally with {@link LockstepException}. */
    public CompletionStage<byte[]> readAsync(byte[] question) {
        return submit(RequestKind.READ, 0, question, Ending::body);
    }

    /** Orders a digest of the whole state on every node; completes exceptionally with {@link LockstepException}. */
    public CompletionStage<DigestAnswer> digestAsync() {
        return submit(
                RequestKind.DIGEST,
                0,
                new byte[0],
                ending -> new DigestAnswer(
                        ending.entry().position(),
                        ByteBuffer.wrap(ending.body()).getLong()));
    }

    /**
     * Calls the listener whenever a new active is heard from for the first time.
     *
     * @param listener called on the thread {@code client}; must not block, and must not throw
     */
    public void onTermChange(Consumer<TermChange> listener) {
        agent.onTermChange(listener);
    }

    /** The session's name. */
    public Identity session() {
        return session;
    }

    /** Term of the latest answer. */
    public long term() {
        return agent.term();
    }

    /** Requests handed in and not yet ended. */
    public int inFlight() {
        return inFlight.get();
    }

    /**
     * Ends the session and rolls back its open transactions. What waits unsent ends as not executed; what was sent is
     * still answered. Waits for that up to 2 s.
     */
    @Override
    public void close() {
        Duration limit =
                config.requestTimeout().compareTo(CLOSE_LIMIT_MAX) < 0 ? config.requestTimeout() : CLOSE_LIMIT_MAX;
        agent.close(limit);
        if (!agent.isOwnThread()) {
            agent.awaitEnd(limit.plusSeconds(1));
        }
    }

    <R> CompletableFuture<R> submit(
            RequestKind kind, long transaction, byte[] message, Function<Ending, @Nullable R> whenGood) {
        CompletableFuture<Ending> ending = new CompletableFuture<>();
        CompletableFuture<R> result = new CompletableFuture<>();
        int before = inFlight.getAndIncrement();
        CompletableFuture<Void> unused = ending.thenAccept(end -> {
            inFlight.getAndDecrement();
            finish(result, end, whenGood);
        });
        if (message.length > BODY_MAX) {
            ending.complete(Ending.failed(
                    0,
                    Outcome.NOT_EXECUTED,
                    AnswerCode.REFUSED,
                    "not sent: the message has " + message.length + " bytes, " + BODY_MAX + " are allowed; split it"));
        } else if (before >= QUEUE_MAX + config.windowRequests()) {
            ending.complete(Ending.failed(
                    0,
                    Outcome.NOT_EXECUTED,
                    AnswerCode.BUSY,
                    "not sent: " + before + " requests are on their way, which is the limit; wait for some of them"));
        } else {
            agent.submit(new Call(kind, transaction, message, ending));
        }
        return result;
    }

    private <R> void finish(CompletableFuture<R> result, Ending end, Function<Ending, @Nullable R> whenGood) {
        if (end.problem() != null) {
            result.completeExceptionally(failure(end));
            return;
        }
        try {
            result.complete(whenGood.apply(end));
        } catch (RuntimeException e) {
            result.completeExceptionally(new LockstepException(
                    Outcome.UNKNOWN, end.code(), "executed, but its answer is not what this client understands: " + e));
        }
    }

    /** Waits for a stage of this client. */
    <R> R await(CompletionStage<R> stage) {
        if (agent.isOwnThread()) {
            throw new IllegalStateException(
                    "a blocking call on the thread that completes it would wait for ever; use the asynchronous variant");
        }
        try {
            return stage.toCompletableFuture().get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LockstepException(
                    Outcome.UNKNOWN, null, "interrupted while waiting for the answer; the request goes on without you");
        } catch (ExecutionException e) {
            if (e.getCause() instanceof LockstepException failure) {
                // A new one, so that the stack names the caller and not only the client's thread.
                LockstepException here =
                        new LockstepException(failure.outcome(), failure.code(), String.valueOf(failure.getMessage()));
                here.addSuppressed(failure);
                throw here;
            }
            throw new IllegalStateException("a fault of our own", e.getCause());
        }
    }

    private LockstepException failure(Ending ending) {
        boolean isService = ending.problem() == Outcome.REFUSED_BY_SERVICE;
        String where =
                ending.requestId() == 0 ? "" : " (request " + ending.requestId() + " of session " + session + ")";
        Outcome problem = ending.problem() == null ? Outcome.UNKNOWN : ending.problem();
        return new LockstepException(problem, ending.code(), isService ? ending.text() : ending.text() + where);
    }

    /** Collects a client's settings; not safe for use by several threads. */
    public static final class Builder {
        private List<InetSocketAddress> distributors = List.of();
        private @Nullable DistributorConfig embedded;
        private @Nullable Members members;
        private String cluster = "lockstep";
        private String label = "client";
        private Duration requestTimeout = Duration.ofSeconds(30);
        private Duration connectTimeout = Duration.ofSeconds(10);
        private Duration touchInterval = Duration.ofSeconds(20);
        private int windowRequests = 1_024;

        private Builder() {}

        /** Reaches the database through one of these distributors: the first that answers, in this order. */
        public Builder distributors(List<InetSocketAddress> addresses) {
            distributors = List.copyOf(addresses);
            return this;
        }

        /** Reaches the database through a distributor inside this process, which knows the nodes that its settings name. */
        public Builder embedded(DistributorConfig config) {
            embedded = config;
            return this;
        }

        /** Reaches the database through a distributor inside this process, which finds the nodes through the members. */
        public Builder embedded(DistributorConfig config, Members directory) {
            embedded = config;
            members = directory;
            return this;
        }

        /** Cluster id that every frame carries; default {@code lockstep}. An embedded distributor has its own setting. */
        public Builder cluster(String value) {
            cluster = value;
            return this;
        }

        /** What the distributor's status calls this client; default {@code client}. */
        public Builder label(String value) {
            label = value;
            return this;
        }

        /** Every request ends by then; 100 ms to 1 hour, default 30 s. */
        public Builder requestTimeout(Duration timeout) {
            requestTimeout = timeout;
            return this;
        }

        /** How long {@link #open} may take; default 10 s. */
        public Builder connectTimeout(Duration timeout) {
            connectTimeout = timeout;
            return this;
        }

        /** An idle session shows a sign of life that often: a third of the nodes' session limit; default 20 s. */
        public Builder touchInterval(Duration interval) {
            touchInterval = interval;
            return this;
        }

        /** Requests sent and unanswered at a time; 1 to 65,536, default 1,024. */
        public Builder windowRequests(int requests) {
            windowRequests = requests;
            return this;
        }

        /**
         * Opens the session.
         *
         * @throws LockstepException it could not be opened; says why and what to do
         * @throws IllegalArgumentException a setting is out of its range, or no way to the database is named
         */
        public LockstepClient open() {
            SessionConfig config = new SessionConfig(requestTimeout, windowRequests, QUEUE_MAX, touchInterval);
            if (connectTimeout.isNegative() || connectTimeout.isZero()) {
                throw new IllegalArgumentException(
                        "connectTimeout is " + connectTimeout + ", but must be longer than zero");
            }
            long nonce = RANDOM.nextLong(1, Long.MAX_VALUE);
            Peer self = new Peer(label, Peer.Role.CLIENT, nonce);
            ClientAgent agent = new ClientAgent(config, dialer(self), nonce, 0, connectTimeout);
            agent.start();
            return new LockstepClient(agent, config, awaitOpening(agent));
        }

        private Dialer dialer(Peer self) {
            DistributorConfig inside = embedded;
            if (inside != null) {
                return new Dialer.ToEmbedded(
                        new Distributor(inside, self.incarnation(), members, DistributorHooks.none()), self);
            }
            if (distributors.isEmpty()) {
                throw new IllegalArgumentException(
                        "no way to the database: name distributors(...), or embedded(...) with the nodes' addresses");
            }
            return new Dialer.ToNetwork(distributors, new Transport(TransportConfig.defaults(cluster, self)));
        }

        private Identity awaitOpening(ClientAgent agent) {
            try {
                CompletableFuture.anyOf(agent.opened(), agent.over())
                        .get(connectTimeout.toMillis() + 1_000, TimeUnit.MILLISECONDS);
            } catch (InterruptedException e) {
                agent.close(Duration.ZERO);
                Thread.currentThread().interrupt();
                throw new LockstepException(Outcome.NOT_EXECUTED, null, "interrupted while opening a session");
            } catch (ExecutionException | TimeoutException e) {
                agent.close(Duration.ZERO);
                throw new IllegalStateException("a fault of our own: the opening has not ended", e);
            }
            Identity name = agent.opened().getNow(Identity.NONE);
            if (!name.equals(Identity.NONE)) {
                return name;
            }
            Ending why = agent.over().join();
            String last = agent.lastFailure();
            throw new LockstepException(
                    Outcome.NOT_EXECUTED, why.code(), why.text() + (last.isEmpty() ? "" : "; last failure: " + last));
        }
    }
}
