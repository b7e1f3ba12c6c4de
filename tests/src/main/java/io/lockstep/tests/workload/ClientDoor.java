package io.lockstep.tests.workload;

import io.lockstep.distributor.LockstepClient;
import io.lockstep.distributor.LockstepTransaction;
import io.lockstep.examples.calls.CallMessage;
import io.lockstep.examples.calls.CallQuestion;
import io.lockstep.wire.Identity;
import java.util.concurrent.CompletionStage;

/** The database through its client. Safe from any thread, because the client is. */
final class ClientDoor implements CallDoor {
    private final LockstepClient client;

    ClientDoor(LockstepClient client) {
        this.client = client;
    }

    @Override
    public Identity session() {
        return client.session();
    }

    @Override
    public CompletionStage<Conversation> begin(CallMessage message) {
        return client.beginAsync(message.encode()).thenApply(Transaction::new);
    }

    @Override
    public byte[] beginAndWait(CallMessage message) {
        return client.begin(message.encode()).firstAnswer();
    }

    @Override
    public byte[] ask(CallQuestion question) {
        return client.read(question.encode());
    }

    @Override
    public void close() {
        client.close();
    }

    private record Transaction(LockstepTransaction transaction) implements Conversation {
        @Override
        public long id() {
            return transaction.id();
        }

        @Override
        public byte[] firstAnswer() {
            return transaction.firstAnswer();
        }

        @Override
        public CompletionStage<byte[]> send(CallMessage message) {
            return transaction.sendAsync(message.encode());
        }

        @Override
        public CompletionStage<byte[]> end(CallMessage message) {
            return transaction.endAsync(message.encode());
        }

        @Override
        public long lastRequestId() {
            return transaction.lastRequestId();
        }
    }
}
