package io.lockstep.tests.simulation;

import io.lockstep.tsdstore.Codec;
import io.lockstep.tsdstore.ServiceException;
import io.lockstep.tsdstore.StateKey;
import io.lockstep.tsdstore.TransactionContext;
import io.lockstep.tsdstore.TransactionService;
import java.nio.ByteBuffer;

/**
 * The service that simulated nodes run: a transaction's state is the fold of the operations that it saw, so an operation
 * that is lost, doubled or out of order shows in every later answer. Answers also carry the header's chance and time, so
 * that a backup that used its own would differ.
 */
final class FoldService implements TransactionService {
    private static final StateKey<Long> FOLD = new StateKey<>("fold", new Codec<Long>() {
        @Override
        public byte[] encode(Long value) {
            return ByteBuffer.allocate(8).putLong(value).array();
        }

        @Override
        public Long decode(byte[] bytes) {
            return ByteBuffer.wrap(bytes).getLong();
        }
    });

    static long fold(long state, long operation) {
        return state * 31 + operation;
    }

    @Override
    public String name() {
        return "fold";
    }

    @Override
    public byte[] handle(TransactionContext context, byte[] message) throws ServiceException {
        long operation = ByteBuffer.wrap(message).getLong();
        long state = fold(context.get(FOLD).orElse(1L), operation);
        context.put(FOLD, state);
        if (operation % 17 == 0) {
            throw new ServiceException("operation " + operation + " is refused");
        }
        return ByteBuffer.allocate(24)
                .putLong(state)
                .putLong(context.random().nextLong())
                .putLong(context.time().toEpochMilli())
                .array();
    }

    @Override
    public void onRollback(TransactionContext context) {
        context.remove(FOLD);
    }

    @Override
    public void onExpire(TransactionContext context) {
        context.remove(FOLD);
    }
}
