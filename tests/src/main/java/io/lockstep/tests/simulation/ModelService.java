package io.lockstep.tests.simulation;

import io.lockstep.tsdstore.Codec;
import io.lockstep.tsdstore.ReadContext;
import io.lockstep.tsdstore.ServiceException;
import io.lockstep.tsdstore.StateKey;
import io.lockstep.tsdstore.TransactionContext;
import io.lockstep.tsdstore.TransactionService;
import io.lockstep.wire.Identity;
import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * The service that simulated nodes run. A transaction's state is the fold of the operations that it saw, with one
 * savepoint, and the books chain all that was done: an operation that is lost, doubled or out of order shows in every
 * later answer. Answers also carry the header's chance and time, so that a backup that used its own would differ.
 */
final class ModelService implements TransactionService {
    /** What a message does. */
    enum Act {
        /** Folds its operation in. */
        ADD,
        /** Also sets the savepoint. */
        SAVE,
        /** Goes back to the savepoint first. */
        BACK,
        /** Also holds an amount of an account, unless another transaction does. */
        HOLD,
        /** Changes something and then refuses. */
        REFUSE,
        /** Changes something and then breaks. */
        BREAK,
        /** Ends the process that executes it, where the schedule permits; else as ADD. */
        POISON
    }

    static final int MESSAGE_BYTES = 10;
    static final int ANSWER_BYTES = 40;
    private static final Act[] ACTS = Act.values();

    /** A transaction between two of its messages. */
    record Fold(long value, long saved) {
        static final Fold FIRST = new Fold(1, 1);

        Fold after(Act act, long operation) {
            long from = act == Act.BACK ? saved : value;
            long next = from * 31 + operation;
            return new Fold(next, act == Act.SAVE ? next : saved);
        }
    }

    private static final StateKey<Fold> FOLD = new StateKey<>("fold", new Codec<Fold>() {
        @Override
        public byte[] encode(Fold fold) {
            return ByteBuffer.allocate(16)
                    .putLong(fold.value)
                    .putLong(fold.saved)
                    .array();
        }

        @Override
        public Fold decode(byte[] bytes) {
            ByteBuffer in = ByteBuffer.wrap(bytes);
            return new Fold(in.getLong(), in.getLong());
        }
    });

    /** Told of every execution of a poisonous message. */
    @FunctionalInterface
    interface Taster {
        /** Whether the process ends in this message. */
        boolean diesOf(Identity session, long requestId);
    }

    /** The process has ended in a message. */
    static final class Died extends Error {
        private static final long serialVersionUID = 1L;

        Died() {
            super("died of poison", null, false, false);
        }
    }

    private final @Nullable MemoryBooks memory;
    private final Taster taster;

    /** @param memory where the books are; null when they are in the database */
    ModelService(@Nullable MemoryBooks memory, Taster taster) {
        this.memory = memory;
        this.taster = taster;
    }

    static byte[] message(Act act, int account, long operation) {
        return ByteBuffer.allocate(MESSAGE_BYTES)
                .put((byte) act.ordinal())
                .put((byte) account)
                .putLong(operation)
                .array();
    }

    @Override
    public String name() {
        return "model";
    }

    @Override
    public void createRecords(Connection records) throws SQLException {
        H2Books.create(records);
    }

    @Override
    public byte[] handle(TransactionContext context, byte[] message) throws ServiceException, SQLException {
        ByteBuffer in = ByteBuffer.wrap(message);
        Act act = ACTS[in.get()];
        int account = in.get();
        long operation = in.getLong();
        if (act == Act.POISON && taster.diesOf(context.session(), context.requestId())) {
            throw new Died();
        }
        Fold fold = context.get(FOLD).orElse(Fold.FIRST).after(act, operation);
        context.put(FOLD, fold);
        Books books = memory != null ? memory : new H2Books(context.records());
        if (memory == null && (act == Act.REFUSE || act == Act.BREAK)) {
            books.note(operation); // undone with the message
        }
        if (act == Act.REFUSE) {
            throw new ServiceException("operation " + operation + " is refused");
        } else if (act == Act.BREAK) {
            throw new IllegalStateException("operation " + operation + " breaks");
        } else if (act == Act.HOLD) {
            if (books.isHeld(account)) {
                throw new ServiceException("account " + account + " is held");
            }
            books.hold(context.session(), context.transaction(), account, operation & 7);
        }
        if (context.isTermination()) {
            books.settle(context.session(), context.transaction(), account);
        }
        books.note(operation);
        long[] version = books.version();
        return ByteBuffer.allocate(ANSWER_BYTES)
                .putLong(fold.value)
                .putLong(version[0])
                .putLong(version[1])
                .putLong(context.random().nextLong())
                .putLong(context.time().toEpochMilli())
                .array();
    }

    @Override
    public byte[] read(ReadContext context, byte[] question) throws SQLException {
        Books books = memory != null ? memory : new H2Books(context.records());
        long[] version = books.version();
        long[] sums = books.sums();
        return ByteBuffer.allocate(ANSWER_BYTES)
                .putLong(sums[0])
                .putLong(version[0])
                .putLong(version[1])
                .putLong(sums[1])
                .putLong(context.time().toEpochMilli())
                .array();
    }

    @Override
    public void onRollback(TransactionContext context) throws SQLException {
        giveBack(context);
    }

    @Override
    public void onExpire(TransactionContext context) throws SQLException {
        giveBack(context);
    }

    private void giveBack(TransactionContext context) throws SQLException {
        Books books = memory != null ? memory : new H2Books(context.records());
        books.settle(context.session(), context.transaction(), -1);
        books.note(-context.transaction());
        context.remove(FOLD);
    }
}
