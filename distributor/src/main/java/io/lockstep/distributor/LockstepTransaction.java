package io.lockstep.distributor;

import io.lockstep.wire.Identity;
import java.util.concurrent.CompletionStage;

/**
 * One transaction of a client's session: a sequence of messages performed in its entirety or not at all. Safe from any
 * thread; messages take effect in the order in which they were handed in.
 */
public final class LockstepTransaction {
    private LockstepTransaction() {}

    /** The session that it belongs to. */
    public Identity session() {
        throw new UnsupportedOperationException();
    }

    /** Request id of its first message; unique within the session. */
    public long id() {
        throw new UnsupportedOperationException();
    }

    /** What the service answered to the first message. */
    public byte[] firstAnswer() {
        throw new UnsupportedOperationException();
    }

    /** Sends a further message and waits for the answer. @throws LockstepException it did not end well */
    public byte[] send(byte[] message) {
        throw new UnsupportedOperationException();
    }

    /** Sends a further message; completes exceptionally with {@link LockstepException}. */
    public CompletionStage<byte[]> sendAsync(byte[] message) {
        throw new UnsupportedOperationException();
    }

    /** Sends the termination message and waits for the answer. @throws LockstepException it did not end well */
    public byte[] end(byte[] message) {
        throw new UnsupportedOperationException();
    }

    /** Sends the termination message; completes exceptionally with {@link LockstepException}. */
    public CompletionStage<byte[]> endAsync(byte[] message) {
        throw new UnsupportedOperationException();
    }

    /** Rolls the transaction back. @throws LockstepException it did not end well */
    public void rollback() {
        throw new UnsupportedOperationException();
    }

    /** Rolls the transaction back; completes exceptionally with {@link LockstepException}. */
    public CompletionStage<Void> rollbackAsync() {
        throw new UnsupportedOperationException();
    }

    /** Request id of the latest of its messages that was sent. */
    public long lastRequestId() {
        throw new UnsupportedOperationException();
    }
}
