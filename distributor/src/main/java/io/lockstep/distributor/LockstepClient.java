package io.lockstep.distributor;

import io.lockstep.wire.Identity;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;

/**
 * An application's door to one logical database: one session, whose transactions outlive the nodes that they run on.
 * Safe from any thread; stages complete on the thread {@code client}, which must never be blocked.
 */
public final class LockstepClient implements AutoCloseable {
    private LockstepClient() {}

    /** Settings of a client under construction. */
    public static Builder builder() {
        return new Builder();
    }

    /** Begins a transaction and waits for the answer to its first message. @throws LockstepException it did not begin */
    public LockstepTransaction begin(byte[] message) {
        throw new UnsupportedOperationException();
    }

    /** Begins a transaction; completes exceptionally with {@link LockstepException}. */
    public CompletionStage<LockstepTransaction> beginAsync(byte[] message) {
        throw new UnsupportedOperationException();
    }

    /** Asks a question without effect and waits for the answer. @throws LockstepException there is none */
    public byte[] read(byte[] question) {
        throw new UnsupportedOperationException();
    }

    /** Asks a question without effect; completes exceptionally with {@link LockstepException}. */
    public CompletionStage<byte[]> readAsync(byte[] question) {
        throw new UnsupportedOperationException();
    }

    /** Orders a digest of the whole state on every node; completes exceptionally with {@link LockstepException}. */
    public CompletionStage<DigestAnswer> digestAsync() {
        throw new UnsupportedOperationException();
    }

    /** Calls the listener, on the client's thread, whenever a new active is heard from for the first time. */
    public void onTermChange(Consumer<TermChange> listener) {
        throw new UnsupportedOperationException();
    }

    /** The session's name. */
    public Identity session() {
        throw new UnsupportedOperationException();
    }

    /** Term of the latest answer. */
    public long term() {
        throw new UnsupportedOperationException();
    }

    /** Requests handed in and not yet ended. */
    public int inFlight() {
        throw new UnsupportedOperationException();
    }

    /** Ends the session and rolls back its open transactions; waits for that only a bounded time. */
    @Override
    public void close() {
        throw new UnsupportedOperationException();
    }

    /** Collects a client's settings; not safe for use by several threads. */
    public static final class Builder {
        private Builder() {}

        /** Reaches the database through one of these distributors, in this order. */
        public Builder distributors(List<InetSocketAddress> addresses) {
            throw new UnsupportedOperationException();
        }

        /** Reaches the database through a distributor inside this process. */
        public Builder embedded(DistributorConfig config) {
            throw new UnsupportedOperationException();
        }

        /** Cluster id that every frame carries; default {@code lockstep}. */
        public Builder cluster(String cluster) {
            throw new UnsupportedOperationException();
        }

        /** What the distributor's status calls this client. */
        public Builder label(String label) {
            throw new UnsupportedOperationException();
        }

        /** Every request ends by then; default 30 s. */
        public Builder requestTimeout(Duration timeout) {
            throw new UnsupportedOperationException();
        }

        /** How long {@link #open} may take; default 10 s. */
        public Builder connectTimeout(Duration timeout) {
            throw new UnsupportedOperationException();
        }

        /** Requests sent and unanswered at a time; default 1,024. */
        public Builder windowRequests(int requests) {
            throw new UnsupportedOperationException();
        }

        /** Opens the session. @throws LockstepException it could not be opened; says why and what to do */
        public LockstepClient open() {
            throw new UnsupportedOperationException();
        }
    }
}
