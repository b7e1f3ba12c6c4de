package io.lockstep.distributor;

import io.lockstep.wire.Identity;
import io.lockstep.wire.RequestKind;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One transaction of a client's session: a sequence of messages performed in its entirety or not at all. Safe from any
 * thread; messages take effect in the order in which they were handed in.
 *
 * <p>Blocking methods wait for the answer and must not be called on the thread {@code client}, on which stages complete.
 * A message that failed with {@link LockstepException.Outcome#REFUSED_BY_SERVICE} has changed nothing, and the
 * transaction goes on.
 */
public final class LockstepTransaction {
    private final LockstepClient client;
    private final Identity session;
    private final long id;
    private final byte[] firstAnswer;
    private final AtomicLong lastRequestId;

    LockstepTransaction(LockstepClient client, Identity session, long id, byte[] firstAnswer) {
        this.client = client;
        this.session = session;
        this.id = id;
        this.firstAnswer = firstAnswer;
        this.lastRequestId = new AtomicLong(id);
    }

    /** The session that it belongs to. */
    public Identity session() {
        return session;
    }

    /** Request id of its first message; unique within the session. */
    public long id() {
        return id;
    }

    /** What the service answered to the first message. */
    public byte[] firstAnswer() {
        return firstAnswer;
    }

    /** Sends a further message and waits for the answer. @throws LockstepException it did not end well */
    public byte[] send(byte[] message) {
        return client.await(sendAsync(message));
    }

    /** Sends a further message; completes exceptionally with {@link LockstepException}. */
    public CompletionStage<byte[]> sendAsync(byte[] message) {
        return client.submit(RequestKind.CONTINUE, id, message, this::answered);
    }

    /** Sends the termination message and waits for the answer. @throws LockstepException it did not end well */
    public byte[] end(byte[] message) {
        return client.await(endAsync(message));
    }

    /** Sends the termination message; completes exceptionally with {@link LockstepException}. */
    public CompletionStage<byte[]> endAsync(byte[] message) {
        return client.submit(RequestKind.END, id, message, this::answered);
    }

    /** Rolls the transaction back. @throws LockstepException it did not end well */
    public void rollback() {
        client.await(rollbackAsync());
    }

    /** Rolls the transaction back; completes exceptionally with {@link LockstepException}. */
    public CompletionStage<Void> rollbackAsync() {
        return client.submit(RequestKind.ROLLBACK, id, new byte[0], ending -> {
            answered(ending);
            return null;
        });
    }

    /** Request id of the latest of its messages that was answered well. */
    public long lastRequestId() {
        return lastRequestId.get();
    }

    private byte[] answered(Ending ending) {
        lastRequestId.accumulateAndGet(ending.requestId(), Math::max);
        return ending.body();
    }

    @Override
    public String toString() {
        return "transaction " + session + "#" + id;
    }
}
