package io.lockstep.backupnode;

import io.lockstep.tsdstore.TransactionContext;
import io.lockstep.tsdstore.TransactionService;

/** Echoes its messages, with a random number of the header's, so that a backup that used its own would differ. */
final class TallyService implements TransactionService {
    @Override
    public String name() {
        return "tally";
    }

    @Override
    public byte[] handle(TransactionContext context, byte[] message) {
        byte[] answer = message.clone();
        answer[0] = (byte) context.random().nextInt();
        return answer;
    }

    @Override
    public void onRollback(TransactionContext context) {}

    @Override
    public void onExpire(TransactionContext context) {}
}
