package io.lockstep.tsdstore.sql;

import io.lockstep.wire.Invariant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import org.h2.api.ErrorCode;
import org.h2.command.Command;
import org.h2.command.Prepared;
import org.h2.command.query.ForUpdate;
import org.h2.command.query.Query;
import org.h2.engine.Constants;
import org.h2.engine.Database;
import org.h2.engine.Session;
import org.h2.engine.SessionLocal;
import org.h2.index.Index;
import org.h2.message.DbException;
import org.h2.mvstore.MVMap;
import org.h2.mvstore.MVStoreException;
import org.h2.mvstore.db.MVIndex;
import org.h2.mvstore.db.MVPrimaryIndex;
import org.h2.mvstore.db.MVTable;
import org.h2.mvstore.tx.Transaction;
import org.h2.mvstore.tx.TransactionStore;
import org.h2.result.ResultInterface;
import org.h2.result.ResultWithGeneratedKeys;
import org.h2.schema.Schema;
import org.h2.table.Table;
import org.h2.value.ValueTimestampTimeZone;
import org.h2.value.VersionedValue;
import org.jspecify.annotations.Nullable;

/**
 * Executes one statement once: H2's own {@code Command.executeUpdate} without its retries, its waits and its commits.
 * Touched only by the lane.
 *
 * <p>With one thread for all transactions nobody can be waited for: a statement that meets a lock is undone at once and
 * says so. H2's own loop would try again without undoing its first try, which gives false duplicate keys and uses up
 * identities.
 */
final class Attempts {
    /** H2's operation id: 40 bits of log id below the transaction's id. */
    private static final int LOG_ID_BITS = 40;

    private static final String TABLE_MAP = "table.";
    private static final String INDEX_MAP = "index.";
    private static final String LOCKED_BY = "is locked by tx ";
    private static final String ENTRY = "Map entry <";
    private static final String WITH_KEY = "> with key <";
    /** Changes of a transaction that are looked through for one in a unique index; beyond, it may hold anything. */
    private static final int CHANGES_MAX = 1_000;

    private final Database database;
    private final RunningStatements running;
    private final UserCode userCode;
    private final boolean isTimeOfTransaction;
    /** Whose H2 transaction has this id. */
    private final @Nullable SqlSession[] byTransaction = new SqlSession[1 << 16];

    private final IdentityHashMap<SessionLocal, SqlSession> byH2 = new IdentityHashMap<>();

    Attempts(SqlDatabase database, DatabaseSettings settings, RunningStatements running) {
        this.database = database.database();
        this.userCode = database.userCode();
        this.isTimeOfTransaction = settings.isTimeOfTransaction();
        this.running = running;
    }

    void opened(SqlSession session) {
        byH2.put(session.h2(), session);
    }

    /** A session of a copy, perhaps in the middle of a transaction. */
    void adopted(SqlSession session) {
        opened(session);
        Transaction transaction = H2Fields.transaction(session.h2());
        if (transaction != null) {
            byTransaction[transaction.getId()] = session;
        }
    }

    void closed(SqlSession session) {
        byH2.remove(session.h2());
    }

    /** What the clock shows to statements from here on; where its time is that of its transaction only the first counts. */
    void setTime(SessionLocal h2, ValueTimestampTimeZone time) {
        if (!isTimeOfTransaction || !H2Fields.isTimeSet(h2)) {
            H2Fields.setTime(h2, time);
        }
    }

    /** What an attempt came to: exactly one is not null. */
    record Attempt(
            @Nullable ResultInterface rows,
            @Nullable ResultWithGeneratedKeys update,
            @Nullable DbException failure,
            @Nullable Conflict conflict) {}

    /**
     * Executes it. A failure has undone the statement, or for 40001 the whole transaction.
     *
     * @param keys H2's request for generated keys
     * @param waitMillis what the statement says itself about waiting, see {@link SqlStatement#waitMillis}
     */
    Attempt attempt(
            SqlSession session,
            Command command,
            Object keys,
            long maxRows,
            int waitMillis,
            ValueTimestampTimeZone time) {
        return attempt(session, session.executing(), command, keys, maxRows, waitMillis, time);
    }

    /** As {@link #attempt}, of a change that is too short to be cut off. */
    Attempt attemptWhole(SqlSession session, Command command, int waitMillis, ValueTimestampTimeZone time) {
        return attempt(session, null, command, false, 0, waitMillis, time);
    }

    /** @param message may be cut off meanwhile; null: nothing cuts it off */
    private Attempt attempt(
            SqlSession session,
            @Nullable SqlMessage message,
            Command command,
            Object keys,
            long maxRows,
            int waitMillis,
            ValueTimestampTimeZone time) {
        SessionLocal h2 = session.h2();
        h2.lock();
        try {
            boolean isTransactional = command.isTransactional();
            if (!isTransactional) {
                // H2 commits before such a statement, even before one that then fails.
                h2.commit(true);
                session.hasCommitted = true;
            }
            setTime(h2, time);
            h2.clearViewIndexCache();
            SessionLocal.Savepoint start = h2.setSavepoint();
            Transaction transaction = h2.getTransaction();
            byTransaction[transaction.getId()] = session;
            h2.startStatementWithinTransaction(command);
            H2Fields.waitForNothing(transaction);
            int lockTimeout = h2.getLockTimeout();
            if (!isTransactional) {
                H2Fields.setLockTimeout(h2, 0);
                H2Fields.numberTemporaryNames(h2.getDatabase());
            }
            Session outer = h2.setThreadLocalSession();
            UserCode.Turn turn = userCode.begin(h2, command, isTransactional, message);
            if (message != null) {
                message.executes(h2);
            }
            running.laneExecutes(!session.hasCommitted);
            try {
                if (message != null) {
                    checkCut(message);
                }
                Attempt done = execute(command, keys, maxRows, waitMillis);
                if (turn != null) {
                    turn.check();
                }
                return done;
            } catch (RuntimeException | Error e) {
                RuntimeException failure = failure(turn, e);
                executed(message, h2);
                if (turn != null) {
                    turn.end();
                }
                if (message != null && isCut(message, failure)) {
                    h2.rollbackTo(start);
                    throw new CutOff();
                }
                return undo(session, start, DbException.convert(failure), waitMillis);
            } finally {
                running.laneGoesOn();
                executed(message, h2);
                if (turn != null) {
                    turn.end();
                }
                h2.resetThreadLocalSession(outer);
                h2.endStatement();
                if (!isTransactional) {
                    H2Fields.setLockTimeout(h2, lockTimeout);
                    h2.commit(true);
                }
                Transaction after = H2Fields.transaction(h2);
                if (after != null) {
                    H2Fields.forgetRollback(after);
                }
            }
        } finally {
            h2.unlock();
        }
    }

    private static void executed(@Nullable SqlMessage message, SessionLocal h2) {
        if (message != null) {
            message.executed(h2);
        }
    }

    private static RuntimeException failure(UserCode.@Nullable Turn turn, Throwable failure) {
        if (turn != null) {
            return turn.failure(failure);
        }
        if (failure instanceof Error error) {
            throw error;
        }
        return (RuntimeException) failure;
    }

    /** Cut off before it began, or on the active: then it is not executed here at all. */
    private static void checkCut(SqlMessage message) {
        if (message.isCutHere() || (message.adopted == null && message.cut != null)) {
            throw new CutOff();
        }
    }

    /** Whether it failed by being cut off; H2 may have wrapped that, or have met something else on its way out. */
    private static boolean isCut(SqlMessage message, RuntimeException failure) {
        return failure instanceof CutOff
                || (message.adopted == null
                        && message.cut != null
                        && !SqlErrors.isNodesOwn(failure)
                        && !(failure instanceof Invariant.InvariantBroken));
    }

    private static Attempt execute(Command command, Object keys, long maxRows, int waitMillis) {
        if (command.isQuery()) {
            Prepared prepared = waitMillis > 0 ? H2Fields.prepared(command) : null;
            if (prepared instanceof Query query) {
                // Not by way of the command, which would parse it again, and find the time to wait again.
                query.setForUpdate(ForUpdate.DEFAULT);
                return new Attempt(query.query(maxRows), null, null, null);
            }
            return new Attempt(command.query(maxRows), null, null, null);
        }
        return new Attempt(null, command.update(keys), null, null);
    }

    private Attempt undo(SqlSession session, SessionLocal.Savepoint start, DbException failure, int waitMillis) {
        SessionLocal h2 = session.h2();
        if (failure.getErrorCode() == ErrorCode.DEADLOCK_1) {
            h2.rollback();
            return new Attempt(null, null, failure, null);
        }
        Conflict conflict = SqlErrors.isLocked(failure) ? conflict(session, failure) : null;
        h2.rollbackTo(start);
        if (conflict == null || waitMillis == 0) {
            return new Attempt(null, null, timedOut(failure), null);
        }
        return new Attempt(null, null, null, conflict);
    }

    /** H2 would have tried until its timeout, in vain: nobody has the row but the statement itself. */
    private static DbException timedOut(DbException failure) {
        return SqlErrors.isLocked(failure) && failure.getErrorCode() != ErrorCode.LOCK_TIMEOUT_1
                ? DbException.get(ErrorCode.LOCK_TIMEOUT_1, failure)
                : failure;
    }

    // ---- who has it ------------------------------------------------------------------------------------------------

    /** Who could have what an attempt met; null when nobody. */
    private @Nullable Conflict conflict(SqlSession session, DbException failure) {
        String text = lockedText(failure);
        String table = tableOf(failure);
        String lockedTable = failure.getErrorCode() == ErrorCode.LOCK_TIMEOUT_1 ? table : null;
        if (text != null) {
            int at = text.lastIndexOf(LOCKED_BY) + LOCKED_BY.length();
            SqlSession holder = byTransaction[Integer.parseInt(text, at, text.indexOf(' ', at), 10)];
            if (holder == null || holder == session) {
                return null;
            }
            return new Conflict(rowOf(text), List.of(holder), false, table, lockedTable);
        }
        List<SqlSession> holders = failure.getErrorCode() == ErrorCode.CONCURRENT_UPDATE_1
                ? insertersInto(table, session)
                : failure.getErrorCode() == ErrorCode.LOCK_TIMEOUT_1 ? usersOf(table, session) : List.of();
        boolean needsAll = failure.getErrorCode() == ErrorCode.LOCK_TIMEOUT_1;
        return holders.isEmpty() ? null : new Conflict(null, holders, needsAll, table, lockedTable);
    }

    private static @Nullable String lockedText(DbException failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof MVStoreException) {
                String text = String.valueOf(cause.getMessage());
                return text.contains(LOCKED_BY) ? text : null;
            }
        }
        return null;
    }

    /** The row that H2's text names, if it is one of a table. */
    private static @Nullable RowName rowOf(String text) {
        int map = text.indexOf(ENTRY) + ENTRY.length();
        int mapEnd = text.indexOf(WITH_KEY, map);
        if (!text.startsWith(TABLE_MAP, map) || mapEnd < 0) {
            return null;
        }
        int key = mapEnd + WITH_KEY.length();
        return new RowName(text.substring(map, mapEnd), Long.parseLong(text, key, text.indexOf('>', key), 10));
    }

    /** What stands in quotes in H2's message. */
    private static @Nullable String tableOf(DbException failure) {
        String message = String.valueOf(failure.getMessage());
        int start = message.indexOf('"');
        int end = message.indexOf('"', start + 1);
        return start < 0 || end < 0 ? null : message.substring(start + 1, end);
    }

    /** Sessions that have put something into a unique index of a table of this name, in ascending order. */
    private List<SqlSession> insertersInto(@Nullable String name, SqlSession but) {
        List<SqlSession> found = new ArrayList<>();
        for (MVTable table : tables(name)) {
            Set<String> maps = uniqueMaps(table);
            for (SessionLocal writer : H2Fields.writersOf(table)) {
                SqlSession session = byH2.get(writer);
                if (session != null && session != but && !found.contains(session) && hasChanged(writer, maps)) {
                    found.add(session);
                }
            }
        }
        found.sort(Comparator.comparing((SqlSession session) -> session.name));
        return found;
    }

    private static Set<String> uniqueMaps(MVTable table) {
        Set<String> maps = new HashSet<>();
        for (Index index : table.getIndexes()) {
            if (index instanceof MVIndex<?, ?> stored && index.getIndexType().isUnique()) {
                String map = stored.getMVMap().getName();
                // An integer primary key has the table's own map, where a conflict names its holder.
                if (map.startsWith(INDEX_MAP)) {
                    maps.add(map);
                }
            }
        }
        return maps;
    }

    private static boolean hasChanged(SessionLocal writer, Set<String> maps) {
        Transaction transaction = H2Fields.transaction(writer);
        if (transaction == null) {
            return false;
        }
        Iterator<TransactionStore.Change> changes = transaction.getChanges(0);
        for (int i = 0; i < CHANGES_MAX && changes.hasNext(); i++) {
            if (maps.contains(changes.next().mapName)) {
                return true;
            }
        }
        return changes.hasNext();
    }

    /** Sessions that have written to a table of this name, in ascending order. */
    private List<SqlSession> usersOf(@Nullable String name, SqlSession but) {
        List<SqlSession> found = new ArrayList<>();
        for (MVTable table : tables(name)) {
            for (SessionLocal user : H2Fields.writersOf(table)) {
                add(found, byH2.get(user), but);
            }
            SessionLocal owner = H2Fields.exclusiveOwnerOf(table);
            add(found, owner == null ? null : byH2.get(owner), but);
        }
        found.sort(Comparator.comparing((SqlSession session) -> session.name));
        return found;
    }

    /** Sessions that have changed anything in their open transactions, in ascending order. */
    List<SqlSession> writers(SqlSession but) {
        List<SqlSession> found = new ArrayList<>();
        for (SqlSession session : byH2.values()) {
            Transaction transaction = H2Fields.transaction(session.h2());
            if (session != but && transaction != null && transaction.hasChanges()) {
                found.add(session);
            }
        }
        found.sort(Comparator.comparing((SqlSession session) -> session.name));
        return found;
    }

    private static void add(List<SqlSession> to, @Nullable SqlSession session, SqlSession but) {
        if (session != null && session != but && !to.contains(session)) {
            to.add(session);
        }
    }

    private List<MVTable> tables(@Nullable String name) {
        List<MVTable> found = new ArrayList<>();
        if (name != null) {
            for (Schema schema : database.getAllSchemasNoMeta()) {
                if (schema.getId() >= Constants.MAIN_SCHEMA_ID
                        && schema.findTableOrView(database.getSystemSession(), name) instanceof MVTable table) {
                    found.add(table);
                }
            }
        }
        return found;
    }

    /** Who has the row now; null when nobody has. */
    @Nullable SqlSession holderOf(RowName row) {
        MVTable table = database.getStore().getTable(row.map());
        if (table == null) {
            return null;
        }
        Table found = table;
        MVMap<Long, ? extends VersionedValue<?>> rows =
                ((MVPrimaryIndex) found.getScanIndex(database.getSystemSession())).getMVMap();
        VersionedValue<?> value = rows.get(row.key());
        long operation = value == null ? 0 : value.getOperationId();
        if (operation == 0) {
            return null;
        }
        SqlSession session = byTransaction[(int) (operation >>> LOG_ID_BITS)];
        Transaction transaction = session == null || session.h2 == null ? null : H2Fields.transaction(session.h2);
        return transaction != null && transaction.getId() == (int) (operation >>> LOG_ID_BITS) ? session : null;
    }
}
