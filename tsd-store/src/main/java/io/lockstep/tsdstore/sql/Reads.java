package io.lockstep.tsdstore.sql;

import io.lockstep.sqlwire.GeneratedKeys;
import io.lockstep.sqlwire.LobReferences;
import io.lockstep.sqlwire.SqlAction;
import io.lockstep.sqlwire.SqlCodec;
import io.lockstep.sqlwire.SqlColumn;
import io.lockstep.sqlwire.SqlOutcome;
import io.lockstep.sqlwire.SqlProtocolException;
import io.lockstep.sqlwire.SqlReply;
import io.lockstep.sqlwire.SqlRequest;
import io.lockstep.wire.Invariant;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import org.h2.command.Command;
import org.h2.engine.Database;
import org.h2.engine.IsolationLevel;
import org.h2.engine.Session;
import org.h2.engine.SessionLocal;
import org.h2.engine.User;
import org.h2.expression.ParameterInterface;
import org.h2.jdbc.meta.DatabaseMetaServer;
import org.h2.message.DbException;
import org.h2.mvstore.tx.Transaction;
import org.h2.result.ResultInterface;
import org.h2.table.MetaTable;
import org.h2.table.Table;
import org.h2.util.TimeZoneProvider;
import org.h2.value.Value;
import org.h2.value.ValueLob;
import org.jspecify.annotations.Nullable;

/**
 * Messages that change nothing and are not ordered. Safe from any thread, because each one has an H2 session of its own
 * while it works.
 *
 * <p>Never the client's: a plan made there would be made at another moment than on the other nodes. Within an open
 * transaction that has changed something the other session borrows the transaction. Whatever is not plainly a read,
 * fails, or is too large for one answer is a {@link SqlOutcome.NotARead}: then it is ordered.
 */
final class Reads implements AutoCloseable {
    private static final int COMMANDS_MAX = 256;
    /** Of the lane's reader: to plan costs it more than to look up. */
    private static final int LANE_COMMANDS_MAX = 2_048;

    private static final long NANOS_PER_MILLI = 1_000_000;

    private final SqlConfig config;
    private final SqlDatabase database;
    private final Refusals refusals;
    private final RunningStatements running;
    private final Map<User, Deque<Reader>> idle = new ConcurrentHashMap<>();
    /** The lane's own, touched by the lane only. */
    private final Map<User, Reader> lanes = new HashMap<>();

    Reads(SqlConfig config, SqlDatabase database, Refusals refusals, RunningStatements running) {
        this.config = config;
        this.running = running;
        this.database = database;
        this.refusals = refusals;
    }

    byte[] read(@Nullable SqlSession session, long requestId, byte[] body) {
        // With the rights of who asks: an H2 session is one user's for its life.
        User user = session == null ? null : session.loggedIn();
        User as = user == null ? database.owner() : user;
        Deque<Reader> free = idle.get(as);
        if (free == null) {
            forgetDropped();
            free = idle.computeIfAbsent(as, none -> new ConcurrentLinkedDeque<>());
        }
        Reader first = free.pollFirst();
        Reader reader = first == null ? new Reader(database.open(as), COMMANDS_MAX) : first;
        try {
            return reader.read(session, requestId, body);
        } finally {
            free.addFirst(reader);
        }
    }

    /**
     * A look-up by key with a prepared statement; null when it is another read. Called by whoever holds the lane.
     *
     * @param isBriefOnly only a short message whose statement was found before to be brief
     */
    byte @Nullable [] readKey(@Nullable SqlSession session, boolean isBriefOnly, byte[] body) {
        if (session == null || (isBriefOnly && !BriefMessages.isShort(body)) || !session.lock.tryLock()) {
            return null;
        }
        try {
            SessionLocal clients = session.h2;
            return clients == null ? null : lanes(clients.getUser()).readKey(session, clients, isBriefOnly, body);
        } finally {
            session.lock.unlock();
        }
    }

    private Reader lanes(User user) {
        Reader known = lanes.get(user);
        if (known != null) {
            return known;
        }
        for (User each : List.copyOf(lanes.keySet())) {
            Reader dropped = each.isValid() ? null : lanes.remove(each);
            if (dropped != null) {
                dropped.h2.close();
                running.drop(dropped.place);
            }
        }
        Reader opened = new Reader(database.open(user), LANE_COMMANDS_MAX);
        lanes.put(user, opened);
        return opened;
    }

    @Override
    public void close() {
        idle.clear();
        lanes.clear();
    }

    /** Of users that are gone nobody will ask again. */
    private void forgetDropped() {
        for (User each : List.copyOf(idle.keySet())) {
            if (!each.isValid()) {
                Deque<Reader> dropped = idle.remove(each);
                if (dropped != null) {
                    for (Reader reader : dropped) {
                        reader.h2.close();
                        running.drop(reader.place);
                    }
                }
            }
        }
    }

    /** What a query's plan depends on beside the schema. */
    private record Plan(String sql, String schema, @Nullable String searchPath, String timeZone) {}

    /**
     * A query as this reader's H2 session has it; null when it is none.
     *
     * @param isByKey whether it looks up one row of one table by a unique key
     * @param isBrief whether it does, and takes little time for certain
     * @param isOfSchema whether it reads what a statement changes before it is committed: where sequences stand
     */
    private record Planned(
            @Nullable Command command,
            long schemaChanges,
            List<SqlColumn> columns,
            boolean isByKey,
            boolean isBrief,
            boolean isOfSchema) {}

    /** A read at work. */
    private static final class ReadRun extends Run {
        private final @Nullable String text;

        ReadRun(long requestId, @Nullable String text) {
            super(requestId);
            this.text = text;
        }

        @Override
        String sql() {
            return shortened(text);
        }
    }

    /** One H2 session for reading, used by one thread at a time. */
    private final class Reader {
        private final SessionLocal h2;
        private final RunningStatements.Place place = running.newPlace();
        /** Every look-up by key, which takes too little to be ended. */
        private final Run byKey = new ReadRun(0, null);

        private final SqlCodec codec = new SqlCodec(LobReferences.INLINE);
        private final Map<Plan, Planned> plans;

        Reader(SessionLocal h2, int plansMax) {
            this.h2 = h2;
            this.plans = new LinkedHashMap<>(16, 0.75f, true) {
                private static final long serialVersionUID = 1L;

                @Override
                protected boolean removeEldestEntry(Map.Entry<Plan, Planned> eldest) {
                    return size() > plansMax;
                }
            };
        }

        /** Called under the session's lock. */
        byte @Nullable [] readKey(SqlSession session, SessionLocal clients, boolean isBriefOnly, byte[] body) {
            SqlRequest request;
            try {
                request = codec.decodeRequest(body);
            } catch (SqlProtocolException e) {
                return null;
            }
            if (!(request.action() instanceof SqlAction.Execute execute) || execute.sql() != null) {
                return null;
            }
            SqlStatement statement = session.statements.get(execute.statement());
            if (statement == null || statement.isLongRead || !canRead(session, clients, request)) {
                return null;
            }
            try {
                adopt(clients);
                String sql = sql(session, execute);
                boolean isByKey = isBriefOnly
                        ? sql != null && isKnownAsBrief(sql) && BriefMessages.areSmall(execute.parameters())
                        : sql != null && isByKey(sql);
                if (sql == null || !isByKey) {
                    statement.isLongRead |= !isBriefOnly;
                    return null;
                }
                Transaction transaction = H2Fields.transaction(clients);
                SqlOutcome outcome = transaction != null && transaction.hasChanges()
                        ? borrow(clients, transaction, sql, execute, byKey)
                        : query(sql, execute, byKey);
                if (outcome instanceof SqlOutcome.Rows) {
                    refusals.asked();
                }
                return codec.encode(new SqlReply(request.isAutoCommit(), transaction != null, null, null, outcome));
            } catch (Invariant.InvariantBroken e) {
                throw e;
            } catch (RuntimeException e) {
                return null;
            }
        }

        private boolean isByKey(String sql) {
            h2.lock();
            try {
                return planned(sql).isByKey();
            } finally {
                h2.unlock();
            }
        }

        /** Only look-ups by key are. */
        private boolean isKnownAsBrief(String sql) {
            Planned known = plans.get(plan(sql));
            return known != null
                    && known.isBrief()
                    && known.schemaChanges() == h2.getDatabase().getModificationMetaId();
        }

        byte[] read(@Nullable SqlSession session, long requestId, byte[] body) {
            SqlRequest request;
            try {
                request = codec.decodeRequest(body);
            } catch (SqlProtocolException e) {
                return notARead(true, false);
            }
            if (session == null) {
                return notARead(request.isAutoCommit(), false);
            }
            boolean isLocked = true;
            session.lock.lock();
            try {
                SessionLocal clients = session.h2;
                if (clients == null || !canRead(session, clients, request)) {
                    return notARead(request.isAutoCommit(), false);
                }
                Transaction transaction = H2Fields.transaction(clients);
                boolean isInTransaction = transaction != null;
                SqlOutcome outcome;
                if (request.action() instanceof SqlAction.Fetch fetch) {
                    outcome = fetch(session, fetch);
                } else if (request.action() instanceof SqlAction.ReadLob readLob) {
                    ValueLob lob = session.lobs.named.get(readLob.lob());
                    session.lock.unlock();
                    isLocked = false;
                    outcome = SessionLobs.piece(readLob, lob);
                } else if (request.action() instanceof SqlAction.Metadata metadata) {
                    session.lock.unlock();
                    isLocked = false;
                    outcome = metadata(metadata);
                } else if (request.action() instanceof SqlAction.Execute execute) {
                    adopt(clients);
                    String sql = sql(session, execute);
                    Run run = new ReadRun(requestId, sql);
                    int millis = execute.timeoutMillis() > 0 ? execute.timeoutMillis() : session.queryTimeoutMillis;
                    running.begin(place, run, session.name, millis * NANOS_PER_MILLI);
                    if (transaction != null && transaction.hasChanges()) {
                        outcome = borrow(clients, transaction, sql, execute, run);
                    } else {
                        // From here on nothing of the session is touched: a long query holds up nobody.
                        session.lock.unlock();
                        isLocked = false;
                        outcome = query(sql, execute, run);
                    }
                    if (outcome instanceof SqlOutcome.Rows) {
                        refusals.asked();
                    }
                } else {
                    outcome = new SqlOutcome.NotARead();
                }
                return codec.encode(new SqlReply(request.isAutoCommit(), isInTransaction, null, null, outcome));
            } catch (Invariant.InvariantBroken e) {
                throw e;
            } catch (RuntimeException e) {
                // Whatever it is, the lane will tell: it has the client's own session.
                return notARead(request.isAutoCommit(), false);
            } finally {
                running.end(place);
                if (isLocked) {
                    session.lock.unlock();
                }
            }
        }

        private byte[] notARead(boolean isAutoCommit, boolean isInTransaction) {
            return codec.encode(new SqlReply(isAutoCommit, isInTransaction, null, null, new SqlOutcome.NotARead()));
        }

        private boolean canRead(SqlSession session, SessionLocal clients, SqlRequest request) {
            return session.waiting == null
                    && session.deferred.isEmpty()
                    && request.closedStatements().length == 0
                    && request.closedResults().length == 0
                    && request.isAutoCommit() == clients.getAutoCommit()
                    && clients.getIsolationLevel() == IsolationLevel.READ_COMMITTED
                    && clients.getNonKeywords() == null
                    && !clients.isVariableBinary()
                    && !clients.isTruncateLargeLength()
                    && !H2Fields.hasTemporaryTables(clients);
        }

        /** What a plan depends on is as the client has it. */
        private void adopt(SessionLocal clients) {
            if (!h2.getCurrentSchemaName().equals(clients.getCurrentSchemaName())) {
                h2.setCurrentSchemaName(clients.getCurrentSchemaName());
            }
            if (!Arrays.equals(h2.getSchemaSearchPath(), clients.getSchemaSearchPath())) {
                h2.setSchemaSearchPath(clients.getSchemaSearchPath());
            }
            TimeZoneProvider zone = clients.currentTimeZone();
            if (!zone.equals(h2.currentTimeZone())) {
                h2.setTimeZone(zone);
            }
        }

        private SqlOutcome fetch(SqlSession session, SqlAction.Fetch fetch) {
            SqlResult result = session.results.get(fetch.result());
            if (result == null || SqlRows.hasLongObjects(result)) {
                return new SqlOutcome.NotARead();
            }
            int rows = fetch.rows() == 0
                    ? config.firstAnswerRowsMax()
                    : Math.min(fetch.rows(), config.firstAnswerRowsMax());
            return SqlRows.fetch(result, fetch.fromRow(), rows, config.firstAnswerBytesMax());
        }

        private SqlOutcome metadata(SqlAction.Metadata metadata) {
            h2.lock();
            try {
                ResultInterface rows = DatabaseMetaServer.process(h2, metadata.method(), metadata.arguments());
                SqlOutcome outcome = rows(SqlRows.columns(rows), rows);
                return running.isLaneUnseen() ? new SqlOutcome.NotARead() : outcome;
            } catch (DbException e) {
                return new SqlOutcome.NotARead();
            } finally {
                h2.unlock();
            }
        }

        /** The statement's text; null when it is not one statement. */
        private @Nullable String sql(SqlSession session, SqlAction.Execute execute) {
            if (!(execute.keys() instanceof GeneratedKeys.None)) {
                return null;
            }
            if (execute.sql() != null) {
                return execute.sql().length() <= config.statementCharactersMax() ? execute.sql() : null;
            }
            SqlStatement statement = session.statements.get(execute.statement());
            return statement == null || !statement.parts.isEmpty() ? null : statement.sql;
        }

        private SqlOutcome borrow(
                SessionLocal clients,
                Transaction transaction,
                @Nullable String sql,
                SqlAction.Execute execute,
                Run run) {
            for (Table table : H2Fields.updates(clients)) {
                h2.registerTableAsUpdated(table);
            }
            H2Fields.setTransaction(h2, transaction);
            try {
                return query(sql, execute, run);
            } finally {
                H2Fields.setTransaction(h2, null);
                H2Fields.updates(h2).clear();
            }
        }

        private SqlOutcome query(@Nullable String sql, SqlAction.Execute execute, Run run) {
            if (sql == null) {
                return new SqlOutcome.NotARead();
            }
            boolean isBorrowed = H2Fields.transaction(h2) != null;
            h2.lock();
            try {
                Planned planned = planned(sql);
                Command command = planned.command();
                if (command == null) {
                    return new SqlOutcome.NotARead();
                }
                List<? extends ParameterInterface> parameters = command.getParameters();
                for (int i = 0; i < parameters.size(); i++) {
                    Value value = i < execute.parameters().length ? execute.parameters()[i] : null;
                    parameters.get(i).setValue(value, true);
                }
                long more = config.firstAnswerRowsMax() + 1L;
                long rowsMax = execute.maxRows() == 0 ? more : Math.min(execute.maxRows(), more);
                h2.startStatementWithinTransaction(command);
                Session outer = h2.setThreadLocalSession();
                run.executes(h2);
                try {
                    if (run.cut != null) {
                        return ended(run, sql);
                    }
                    ResultInterface rows = database.userCode().reading(h2, command, () -> command.query(rowsMax));
                    SqlOutcome outcome = rows(SqlRows.columns(rows, planned.columns()), rows);
                    return planned.isOfSchema() && running.isLaneUnseen() ? new SqlOutcome.NotARead() : outcome;
                } catch (DbException e) {
                    return ended(run, sql);
                } finally {
                    run.executed(h2);
                    h2.resetThreadLocalSession(outer);
                    h2.endStatement();
                }
            } catch (DbException e) {
                return new SqlOutcome.NotARead();
            } finally {
                if (!isBorrowed) {
                    h2.commit(true);
                }
                h2.unlock();
            }
        }

        /** Not as far as its rows: it was cut off, or the lane will tell what it fails with. */
        private SqlOutcome ended(Run run, String sql) {
            CutReason cut = run.cut;
            return cut == null ? new SqlOutcome.NotARead() : SqlErrors.cut(cut, config, sql);
        }

        private SqlOutcome rows(List<SqlColumn> columns, ResultInterface rows) {
            if (rows.getRowCount() > config.firstAnswerRowsMax()) {
                rows.close();
                return new SqlOutcome.NotARead();
            }
            SqlResult result = SqlRows.materialize(rows, config.firstAnswerBytesMax());
            // An answer that names an object must be ordered: the name is to be known on all nodes.
            return result == null || SqlRows.hasLongObjects(result)
                    ? new SqlOutcome.NotARead()
                    : new SqlOutcome.Rows(
                            columns, result.rows(), 0, result.rows().size(), false);
        }

        private Plan plan(String sql) {
            String[] path = h2.getSchemaSearchPath();
            return new Plan(
                    sql,
                    h2.getCurrentSchemaName(),
                    path == null ? null : String.join("\n", path),
                    h2.currentTimeZone().getId());
        }

        private Planned planned(String sql) {
            Plan plan = plan(sql);
            Database of = database.database();
            long schemaChanges = of.getModificationMetaId();
            Planned known = plans.get(plan);
            if (known != null && known.schemaChanges() == schemaChanges) {
                return known;
            }
            Planned made = new Planned(null, schemaChanges, List.of(), false, false, false);
            if (StatementPolicy.judge(h2, sql).isEmpty()) {
                UserCode userCode = database.userCode();
                Command command = userCode.reading(h2, null, () -> h2.prepareLocal(sql));
                StatementPolicy.judge(command, H2Fields.prepared(command), false, userCode.classes());
                if (StatementPolicy.isRead(h2, sql, command)) {
                    boolean isByKey = StatementPolicy.isByKey(h2, sql, command);
                    made = new Planned(
                            command,
                            schemaChanges,
                            SqlRows.columns(command.getMetaData()),
                            isByKey,
                            isByKey && BriefMessages.isBriefRead(sql, H2Fields.prepared(command)),
                            command.getDependencies().stream().anyMatch(MetaTable.class::isInstance));
                }
            }
            plans.put(plan, made);
            return made;
        }
    }
}
