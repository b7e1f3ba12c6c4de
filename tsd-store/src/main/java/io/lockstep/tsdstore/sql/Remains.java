package io.lockstep.tsdstore.sql;

import static java.util.Objects.requireNonNull;

import io.lockstep.sqlwire.SqlOutcome;
import io.lockstep.tsdstore.StateReader;
import io.lockstep.tsdstore.StateWriter;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.h2.engine.Database;
import org.h2.engine.SessionLocal;
import org.h2.mvstore.db.MVTable;
import org.h2.mvstore.tx.Transaction;
import org.h2.schema.Schema;
import org.h2.schema.Sequence;
import org.h2.table.Table;

/**
 * What a statement that was cut off leaves behind though it is undone, which only the active can know: how far sequences
 * and row numbers have got, tables that the transaction keeps locked, values of the session's own. Immutable; made and
 * applied by the lane.
 *
 * @param cutAt which statement of the message it was, from 0: those before it are done
 * @param logId number of changes of the transaction; -1 when none is open
 * @param sequences base value and margin by the sequence's id
 * @param lastKeys of tables, by their id
 * @param locks ids of tables that the session has locked, negative when nobody else may use them
 */
record Remains(
        int cutAt,
        SqlOutcome.Failed failure,
        long logId,
        Map<Integer, long[]> sequences,
        Map<Integer, Long> lastKeys,
        int[] locks,
        long[] objectIds,
        int[] idsToRelease,
        SessionSettings settings) {

    /** As they are after a message that was cut off. */
    static Remains of(Database database, SessionLocal session, int cutAt, SqlOutcome.Failed failure) {
        Map<Integer, long[]> sequences = new TreeMap<>();
        Map<Integer, Long> lastKeys = new TreeMap<>();
        for (Schema schema : SqlSnapshot.userSchemas(database)) {
            for (Sequence each : schema.getAllSequences()) {
                sequences.put(each.getId(), new long[] {each.getBaseValue(), H2Internals.margin(each)});
            }
        }
        tables(database, session)
                .forEach(
                        (id, each) -> lastKeys.put(id, H2Internals.lastKey(each).get()));
        Transaction transaction = H2Fields.transaction(session);
        BitSet released = H2Internals.idsToRelease(session);
        BitSet ids = H2Internals.objectIds(database);
        long[] objectIds;
        synchronized (ids) {
            objectIds = ids.toLongArray();
        }
        return new Remains(
                cutAt,
                failure,
                transaction == null ? -1 : transaction.setSavepoint(),
                sequences,
                lastKeys,
                SqlSnapshot.locks(session),
                objectIds,
                released == null ? new int[0] : released.stream().toArray(),
                SessionSettings.of(session));
    }

    /** Tables of the schemas and of the session itself, by id. */
    private static Map<Integer, MVTable> tables(Database database, SessionLocal session) {
        Map<Integer, MVTable> found = new HashMap<>();
        for (Schema schema : SqlSnapshot.userSchemas(database)) {
            for (Table each : schema.getAllTablesAndViews(null)) {
                if (each instanceof MVTable stored) {
                    found.put(each.getId(), stored);
                }
            }
        }
        for (Table each : session.getLocalTempTables()) {
            if (each instanceof MVTable stored) {
                found.put(each.getId(), stored);
            }
        }
        return found;
    }

    // ---- on the other nodes ----------------------------------------------------------------------------------------

    /**
     * Makes a node equal that has done all of the message but the statement that was cut off.
     *
     * @throws IllegalStateException the node is another than the active was
     */
    void applyTo(Database database, SessionLocal session) {
        Transaction transaction = H2Fields.transaction(session);
        long changes = transaction == null ? -1 : transaction.setSavepoint();
        if (changes != logId) {
            throw new IllegalStateException("after a statement that was cut off the transaction has " + changes
                    + " changes here, not " + logId);
        }
        Map<Integer, Sequence> found = new HashMap<>();
        for (Schema schema : SqlSnapshot.userSchemas(database)) {
            for (Sequence each : schema.getAllSequences()) {
                found.put(each.getId(), each);
            }
        }
        Map<Integer, MVTable> tables = tables(database, session);
        if (!found.keySet().equals(sequences.keySet()) || !tables.keySet().equals(lastKeys.keySet())) {
            throw new IllegalStateException("other tables or sequences here than where a statement was cut off: "
                    + tables.keySet() + found.keySet() + ", not " + lastKeys.keySet() + sequences.keySet());
        }
        sequences.forEach((id, stand) -> H2Internals.stand(requireNonNull(found.get(id)), stand[0], stand[1]));
        lastKeys.forEach(
                (id, key) -> H2Internals.lastKey(requireNonNull(tables.get(id))).set(key));
        session.lock();
        try {
            for (int id : locks) {
                MVTable table = tables.get(Math.abs(id));
                if (table == null) {
                    throw new IllegalStateException("a lock on a table that is not here: " + id);
                }
                table.lock(session, id < 0 ? Table.EXCLUSIVE_LOCK : Table.WRITE_LOCK);
            }
            settings.adoptBy(session, found::get);
        } finally {
            session.unlock();
        }
        BitSet ids = H2Internals.objectIds(database);
        synchronized (ids) {
            ids.clear();
            ids.or(BitSet.valueOf(objectIds));
        }
        if (idsToRelease.length > 0) {
            BitSet released = new BitSet();
            Arrays.stream(idsToRelease).forEach(released::set);
            H2Internals.setIdsToRelease(session, released);
        }
    }

    // ---- as bytes --------------------------------------------------------------------------------------------------

    byte[] toBytes(Database database) {
        StateWriter out = new StateWriter();
        out.putInt(cutAt);
        out.putString(failure.sqlState());
        out.putInt(failure.code());
        out.putString(failure.message());
        out.putByte(failure.sql() == null ? 0 : 1);
        out.putString(failure.sql() == null ? "" : failure.sql());
        out.putLong(logId);
        out.putInt(sequences.size());
        sequences.forEach((id, stand) -> {
            out.putInt(id);
            out.putLong(stand[0]);
            out.putLong(stand[1]);
        });
        out.putInt(lastKeys.size());
        lastKeys.forEach((id, key) -> {
            out.putInt(id);
            out.putLong(key);
        });
        put(out, locks);
        out.putInt(objectIds.length);
        for (long each : objectIds) {
            out.putLong(each);
        }
        put(out, idsToRelease);
        settings.write(out, new ValueWriter(new FrozenLobs(database)));
        return Arrays.copyOf(out.buffer(), out.size());
    }

    /** @throws IllegalArgumentException they are none */
    static Remains of(byte[] bytes, ValueReader values) {
        StateReader in = new StateReader(ByteBuffer.wrap(bytes));
        int cutAt = in.getInt();
        String state = in.getString();
        int code = in.getInt();
        String message = in.getString();
        boolean hasSql = in.getByte() == 1;
        String sql = in.getString();
        SqlOutcome.Failed failure = new SqlOutcome.Failed(state, code, message, hasSql ? sql : null);
        long logId = in.getLong();
        Map<Integer, long[]> sequences = new TreeMap<>();
        for (int left = in.getInt(); left > 0; left--) {
            sequences.put(in.getInt(), new long[] {in.getLong(), in.getLong()});
        }
        Map<Integer, Long> lastKeys = new TreeMap<>();
        for (int left = in.getInt(); left > 0; left--) {
            lastKeys.put(in.getInt(), in.getLong());
        }
        int[] locks = numbers(in);
        long[] objectIds = new long[in.getInt()];
        for (int i = 0; i < objectIds.length; i++) {
            objectIds[i] = in.getLong();
        }
        int[] idsToRelease = numbers(in);
        return new Remains(
                cutAt,
                failure,
                logId,
                sequences,
                lastKeys,
                locks,
                objectIds,
                idsToRelease,
                SessionSettings.read(in, values));
    }

    private static void put(StateWriter out, int[] numbers) {
        out.putInt(numbers.length);
        for (int each : numbers) {
            out.putInt(each);
        }
    }

    private static int[] numbers(StateReader in) {
        int[] numbers = new int[in.getInt()];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = in.getInt();
        }
        return numbers;
    }
}
