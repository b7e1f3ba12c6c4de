package io.lockstep.tests.onejvm;

import io.lockstep.tsdstore.Codec;
import io.lockstep.tsdstore.ReadContext;
import io.lockstep.tsdstore.ServiceException;
import io.lockstep.tsdstore.StateKey;
import io.lockstep.tsdstore.TransactionContext;
import io.lockstep.tsdstore.TransactionService;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.StringJoiner;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Adds up numbers: each message is one, each answer the sum so far, each ended transaction a row. Touched only by the
 * lane of its node; {@link #hold} and {@link #release} are the drill's.
 */
final class TallyService implements TransactionService {
    static final String NAME = "tally";

    private static final StateKey<Long> SUM = new StateKey<>("sum", new Codec<>() {
        @Override
        public byte[] encode(Long value) {
            return ByteBuffer.allocate(Long.BYTES).putLong(value).array();
        }

        @Override
        public Long decode(byte[] bytes) {
            return ByteBuffer.wrap(bytes).getLong();
        }
    });

    private final Gate gate = new Gate();
    /** What somebody is about to do to this node's records by hand; null: nothing. */
    private volatile @Nullable String byHand;
    /** When that was done, by {@link System#nanoTime}; 0: not yet. */
    private volatile long byHandAtNs;
    /** Added to every total: what a service must not do, if it is no constant. */
    private volatile LongSupplier ofItsOwn = () -> 0;

    /** The next message of a transaction does not end before {@link #release}. */
    void hold() {
        gate.close();
    }

    /** Waits until a message is in execution, and held. */
    void awaitHeld() {
        gate.awaitSomebody();
    }

    void release() {
        gate.open();
    }

    /** With its next message this node's records, and no other's, are changed by this statement. */
    void changeByHand(String sql) {
        byHandAtNs = 0;
        byHand = sql;
    }

    long changedByHandAtNs() {
        return byHandAtNs;
    }

    /** From now on totals depend on something that no entry says. */
    void use(LongSupplier something) {
        ofItsOwn = something;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public void createRecords(Connection records) throws SQLException {
        try (Statement create = records.createStatement()) {
            create.execute("create table ended (session varchar, id bigint, total bigint, primary key (session, id))");
        }
    }

    @Override
    public byte[] handle(TransactionContext context, byte[] message) throws ServiceException, SQLException {
        long sum;
        try {
            sum = context.get(SUM).orElse(0L) + Long.parseLong(new String(message, StandardCharsets.UTF_8));
        } catch (NumberFormatException e) {
            throw new ServiceException("a message is one whole number");
        }
        context.put(SUM, sum);
        String hand = byHand;
        if (hand != null) {
            byHand = null;
            try (Statement statement = context.records().createStatement()) {
                statement.execute(hand);
            }
            byHandAtNs = System.nanoTime();
        }
        if (context.isTermination()) {
            insert(context, sum + ofItsOwn.getAsLong());
        }
        gate.pass();
        return Long.toString(sum).getBytes(StandardCharsets.UTF_8);
    }

    /** One line for each ended transaction: session, id, total; a transaction that was rolled back has the total -1. */
    @Override
    public byte[] read(ReadContext context, byte[] question) throws SQLException {
        StringJoiner lines = new StringJoiner("\n");
        try (Statement select = context.records().createStatement();
                ResultSet rows = select.executeQuery("select session, id, total from ended order by session, id")) {
            while (rows.next()) {
                lines.add(rows.getString(1) + " " + rows.getLong(2) + " " + rows.getLong(3));
            }
        }
        return lines.toString().getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public void onRollback(TransactionContext context) throws SQLException {
        gate.pass();
        insert(context, -1);
    }

    @Override
    public void onExpire(TransactionContext context) throws SQLException {
        insert(context, -1);
    }

    /** Fails when the transaction has ended before: the key is there. */
    private static void insert(TransactionContext context, long total) throws SQLException {
        try (PreparedStatement insert = context.records().prepareStatement("insert into ended values (?, ?, ?)")) {
            insert.setString(1, context.session().toString());
            insert.setLong(2, context.transaction());
            insert.setLong(3, total);
            insert.executeUpdate();
        }
    }
}
