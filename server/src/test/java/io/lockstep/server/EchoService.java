package io.lockstep.server;

import io.lockstep.tsdstore.TransactionContext;
import io.lockstep.tsdstore.TransactionService;

/** The smallest service: answers what it was asked. Touched only by the lane. */
public final class EchoService implements TransactionService {
    @Override
    public String name() {
        return "echo";
    }

    @Override
    public byte[] handle(TransactionContext context, byte[] message) {
        return message.clone();
    }

    @Override
    public void onRollback(TransactionContext context) {}

    @Override
    public void onExpire(TransactionContext context) {}
}
