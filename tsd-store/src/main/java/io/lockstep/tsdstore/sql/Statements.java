package io.lockstep.tsdstore.sql;

import io.lockstep.sqlwire.GeneratedKeys;
import io.lockstep.sqlwire.SqlAction;
import io.lockstep.sqlwire.SqlColumn;
import io.lockstep.sqlwire.SqlOutcome;
import io.lockstep.wire.Invariant;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.h2.api.ErrorCode;
import org.h2.command.Command;
import org.h2.command.CommandInterface;
import org.h2.command.Prepared;
import org.h2.command.dml.SetTypes;
import org.h2.engine.SessionLocal;
import org.h2.expression.ParameterInterface;
import org.h2.jdbc.meta.DatabaseMetaServer;
import org.h2.message.DbException;
import org.h2.mvstore.tx.Transaction;
import org.h2.result.ResultInterface;
import org.h2.result.ResultWithGeneratedKeys;
import org.h2.value.Value;
import org.h2.value.ValueTimestampTimeZone;
import org.jspecify.annotations.Nullable;

/** What the messages of a session that is logged in do. Touched only by the lane. */
final class Statements {
    /** {@code LOCK_TIMEOUT 0} is this to H2, in milliseconds. */
    private static final int LOCK_TIMEOUT_OF_ZERO = 2_000;

    private static final long NANOS_PER_MILLI = 1_000_000;

    /**
     * How far a message has got: done with an outcome, or in conflict.
     *
     * @param outcome of no meaning in a conflict
     * @param hasRolledBack whether it let go of locks without ending its transaction
     */
    record Progress(SqlOutcome outcome, @Nullable Conflict conflict, boolean hasRolledBack) {
        private static final SqlOutcome NONE = new SqlOutcome.Done();

        static Progress of(SqlOutcome outcome) {
            return new Progress(outcome, null, false);
        }

        static Progress of(Conflict conflict) {
            return new Progress(NONE, conflict, false);
        }
    }

    private final SqlConfig config;
    private final Attempts attempts;
    private final StatementCompiler compiler;
    private final DeferredExecution deferred;
    private final OwnerCommands ownerCommands;
    private final Accounts accounts;

    Statements(
            SqlConfig config, SqlDatabase database, Attempts attempts, OwnerCommands ownerCommands, Accounts accounts) {
        this.config = config;
        this.attempts = attempts;
        this.compiler = new StatementCompiler(config, database.userCode());
        this.deferred = new DeferredExecution(compiler, attempts);
        this.ownerCommands = ownerCommands;
        this.accounts = accounts;
    }

    /** Does what the message asks for, or goes on with it, as far as it gets. */
    Progress perform(SqlSession session, SqlMessage message, ValueTimestampTimeZone time) {
        SessionLocal h2 = session.h2();
        attempts.setTime(h2, time);
        try {
            Progress late = message.isBegun ? null : begin(session, message, time);
            return late != null ? late : perform(session, message, message.request.action(), time);
        } catch (Invariant.InvariantBroken | CutOff e) {
            throw e;
        } catch (RuntimeException e) {
            // H2's refusals, and what it does not expect of its callers: nothing of it has had an effect.
            return Progress.of(SqlErrors.outcome(e, null));
        }
    }

    /** What stands in a message beside its action. @return why it must be tried again, or not be done; null: go on */
    private @Nullable Progress begin(SqlSession session, SqlMessage message, ValueTimestampTimeZone time) {
        SessionLocal h2 = session.h2();
        for (int closed : message.request.closedStatements()) {
            session.statements.remove(closed);
        }
        for (int closed : message.request.closedResults()) {
            closeResult(session, closed);
        }
        if (message.request.isAutoCommit() != h2.getAutoCommit()) {
            Progress late = deferred.doAll(session, message, true, time);
            if (late != null) {
                return late;
            }
            h2.setAutoCommit(message.request.isAutoCommit());
            if (message.request.isAutoCommit()) {
                commit(session);
            }
            attempts.setTime(h2, time);
        }
        message.isBegun = true;
        return null;
    }

    private Progress perform(SqlSession session, SqlMessage message, SqlAction action, ValueTimestampTimeZone time) {
        session.isLongTransaction |= !(action instanceof SqlAction.Execute);
        if (action instanceof SqlAction.Execute execute) {
            return execute(session, message, execute, time);
        } else if (action instanceof SqlAction.Batch batch) {
            return batch(session, message, batch, time);
        } else if (action instanceof SqlAction.End end) {
            Progress late = end.isCommit() ? deferred.doAll(session, message, true, time) : null;
            if (late != null) {
                return late;
            }
            if (end.isCommit()) {
                commit(session);
            } else {
                rollback(session);
            }
            return Progress.of(new SqlOutcome.Done());
        } else if (action instanceof SqlAction.Prepare prepare) {
            return Progress.of(prepare(session, prepare));
        } else if (action instanceof SqlAction.Fetch fetch) {
            return Progress.of(fetch(session, fetch));
        } else if (action instanceof SqlAction.ReadLob read) {
            return Progress.of(SessionLobs.piece(read, session.lobs.named.get(read.lob())));
        } else if (action instanceof SqlAction.Metadata metadata) {
            return Progress.of(metadata(session, metadata));
        } else if (action instanceof SqlAction.WriteLob write) {
            session.lobs.write(write.lob(), write.offset(), write.bytes(), config.resultBytesMax());
            return Progress.of(new SqlOutcome.Done());
        } else if (action instanceof SqlAction.Apply || action instanceof SqlAction.Cancel) {
            return Progress.of(new SqlOutcome.Done());
        } else {
            throw SqlErrors.refused(action.getClass().getSimpleName());
        }
    }

    // ---- statements ------------------------------------------------------------------------------------------------

    private SqlOutcome prepare(SqlSession session, SqlAction.Prepare prepare) {
        SqlStatement statement = compiler.prepared(session, prepare.statement(), prepare.sql());
        Command command = statement.command;
        if (command == null) {
            // A list: what its first statement says, as H2 does it.
            SqlStatement first = compiler.parse(session.h2(), statement.parts.get(0));
            command = first.command;
        }
        if (command == null) {
            throw DbException.getInternalError(prepare.sql());
        }
        List<SqlOutcome.Parameter> parameters = new ArrayList<>();
        for (ParameterInterface parameter : command.getParameters()) {
            parameters.add(new SqlOutcome.Parameter(parameter.getType(), parameter.getNullable()));
        }
        List<SqlColumn> columns = null;
        if (command.isQuery()) {
            ResultInterface template = command.getMetaData();
            columns = template == null ? null : SqlRows.columns(template);
        }
        boolean isReadable = statement.parts.isEmpty() && StatementPolicy.isRead(session.h2(), prepare.sql(), command);
        return new SqlOutcome.Prepared(command.getCommandType(), command.isQuery(), isReadable, parameters, columns);
    }

    private Progress execute(
            SqlSession session, SqlMessage message, SqlAction.Execute execute, ValueTimestampTimeZone time) {
        SqlStatement statement = message.statement;
        if (statement == null) {
            statement = compiler.statement(session, execute.statement(), execute.sql());
            message.statement = statement;
        }
        if (!statement.parts.isEmpty()) {
            session.isLongTransaction = true;
            Progress late = deferred.doAll(session, message, false, time);
            return late != null ? late : list(session, message, statement, execute, time);
        }
        Command command = compiler.command(session.h2(), statement);
        session.isLongTransaction |= execute.sql() != null || !BriefMessages.isBrief(statement, command);
        if (session.defersUpdates) {
            if (DeferredExecution.defers(session, message, statement, command, execute)) {
                return Progress.of(new SqlOutcome.Updated(1, null));
            }
            attempts.setTime(session.h2(), time);
            Progress late = deferred.beforeIt(session, message, statement, command, execute, time);
            if (late != null) {
                return late;
            }
        }
        StatementCompiler.setParameters(command, execute.parameters(), 0);
        return one(session, statement, command, execute, time);
    }

    // ---- lists -----------------------------------------------------------------------------------------------------

    /**
     * Several statements in one text; what the first one gives is the outcome, as H2 has it. If one fails, what those
     * before it did is undone, too ({@link #finish}).
     */
    private Progress list(
            SqlSession session,
            SqlMessage message,
            SqlStatement list,
            SqlAction.Execute execute,
            ValueTimestampTimeZone time) {
        if (message.changesFound == SqlMessage.NONE) {
            message.changesFound = changes(H2Fields.transaction(session.h2()));
        }
        while (message.done < list.parts.size()) {
            SqlStatement part = compiler.parse(session.h2(), list.parts.get(message.done));
            Command command = compiler.command(session.h2(), part);
            StatementCompiler.setParameters(command, execute.parameters(), message.parametersDone);
            Progress progress = one(session, part, command, execute, time);
            if (progress.conflict() != null || progress.outcome() instanceof SqlOutcome.Failed) {
                return progress;
            }
            if (message.first == null) {
                message.first = progress.outcome();
            }
            message.parametersDone += command.getParameters().size();
            message.done++;
            message.firstConflictNs = SqlMessage.NONE;
            if (session.h2().getAutoCommit() && message.done < list.parts.size()) {
                commit(session);
            }
            attempts.setTime(session.h2(), time);
        }
        SqlOutcome first = message.first;
        return Progress.of(first == null ? new SqlOutcome.Updated(0, null) : first);
    }

    private static long changes(@Nullable Transaction transaction) {
        return transaction == null ? 0 : transaction.setSavepoint();
    }

    /**
     * Undoes what a list has done. H2 counts changes and not transactions: where the list itself has ended the one that it
     * began in, as many of the next one stay as that had before.
     */
    private static void undo(SessionLocal h2, long changesFound) {
        Transaction transaction = H2Fields.transaction(h2);
        if (transaction != null && changes(transaction) > changesFound) {
            h2.lock();
            try {
                SessionLocal.Savepoint found = h2.setSavepoint();
                H2Internals.place(found, H2Internals.logIndex(found), changesFound);
                h2.rollbackTo(found);
                H2Fields.forgetRollback(transaction);
            } finally {
                h2.unlock();
            }
        }
    }

    /** One execution of one statement. */
    private Progress one(
            SqlSession session,
            SqlStatement statement,
            Command command,
            SqlAction.Execute execute,
            ValueTimestampTimeZone time) {
        int type = command.getCommandType();
        if (type == CommandInterface.COMMIT || type == CommandInterface.ROLLBACK) {
            if (type == CommandInterface.COMMIT) {
                commit(session);
            } else {
                rollback(session);
            }
            return Progress.of(new SqlOutcome.Updated(0, null));
        }
        if (type == CommandInterface.ANALYZE || type == CommandInterface.DROP_ALL_OBJECTS) {
            return owners(session, statement, type);
        }
        Prepared prepared = H2Fields.prepared(command);
        if (prepared != null && Accounts.isOurs(type, prepared)) {
            commitAll(session);
            accounts.execute(session, statement.sql, prepared);
            return Progress.of(new SqlOutcome.Updated(0, null));
        }
        if (prepared != null && OwnerCommands.isAboutClasses(prepared)) {
            commitAll(session);
            ownerCommands.define(session, statement.sql, prepared);
            return Progress.of(new SqlOutcome.Updated(0, null));
        }
        Attempts.Attempt attempt = attempts.attempt(
                session, command, keys(execute.keys()), rowsMax(execute.maxRows()), statement.waitMillis, time);
        if (attempt.conflict() != null) {
            return Progress.of(attempt.conflict());
        }
        if (attempt.failure() != null) {
            if (attempt.failure().getErrorCode() == ErrorCode.DEADLOCK_1) {
                session.deferred.clear(); // they went with their transaction
            }
            return Progress.of(SqlErrors.outcome(attempt.failure(), statement.sql));
        }
        ResultInterface rows = attempt.rows();
        if (rows != null) {
            return Progress.of(
                    rows(session, columns(statement, command, rows), rows, execute.result(), execute.fetchRows()));
        }
        afterUpdate(session, command, type);
        if (type == CommandInterface.ROLLBACK_TO_SAVEPOINT) {
            session.deferred.clear(); // all of them came after the savepoint, before which they would have been done
        }
        ResultWithGeneratedKeys update = attempt.update();
        if (update == null) {
            throw DbException.getInternalError(statement.sql);
        }
        return new Progress(
                new SqlOutcome.Updated(update.getUpdateCount(), generated(update)),
                null,
                type == CommandInterface.ROLLBACK_TO_SAVEPOINT);
    }

    /** One row more than is allowed in any case: so that a result without end ends. */
    private long rowsMax(long wanted) {
        long most = Math.min(config.resultRowsMax(), config.resultBytesMax() / SqlRows.ROW_BYTES) + 1;
        return wanted == 0 ? most : Math.min(wanted, most);
    }

    /** What H2 would let only its administrator do. */
    private Progress owners(SqlSession session, SqlStatement statement, int type) {
        commitAll(session);
        if (type == CommandInterface.ANALYZE) {
            ownerCommands.analyze(session, statement.sql);
        } else {
            Conflict conflict = ownerCommands.dropAllObjects(session);
            if (conflict != null) {
                return Progress.of(conflict);
            }
        }
        return Progress.of(new SqlOutcome.Updated(0, null));
    }

    private static void afterUpdate(SqlSession session, Command command, int type) {
        SessionLocal h2 = session.h2();
        if (type == CommandInterface.SET
                && H2Fields.prepared(command) instanceof org.h2.command.dml.Set set
                && H2Fields.typeOf(set) == SetTypes.QUERY_TIMEOUT) {
            session.queryTimeoutMillis = h2.getQueryTimeout();
            h2.setQueryTimeout(0);
        }
        if (h2.getDatabase().isSysTableLockedBy(h2)) {
            // A sequence was made or changed; its values are kept by another session of H2's own, which never waits.
            commit(session);
        }
    }

    private static SqlOutcome.@Nullable Rows generated(ResultWithGeneratedKeys update) {
        ResultInterface keys = update.getGeneratedKeys();
        if (keys == null) {
            return null;
        }
        List<SqlColumn> columns = SqlRows.columns(keys);
        SqlResult all = SqlRows.materialize(keys, Long.MAX_VALUE);
        List<Value[]> rows = all == null ? List.of() : all.rows();
        return new SqlOutcome.Rows(columns, rows, 0, rows.size(), false);
    }

    private static Object keys(GeneratedKeys keys) {
        if (keys instanceof GeneratedKeys.All) {
            return true;
        } else if (keys instanceof GeneratedKeys.ByIndex byIndex) {
            return byIndex.columns().stream().mapToInt(Integer::intValue).toArray();
        } else if (keys instanceof GeneratedKeys.ByName byName) {
            return byName.columns().toArray(new String[0]);
        }
        return false;
    }

    private Progress batch(SqlSession session, SqlMessage message, SqlAction.Batch batch, ValueTimestampTimeZone time) {
        SqlStatement statement = message.statement;
        if (statement == null) {
            statement = compiler.statement(session, batch.statement(), batch.sql());
            message.statement = statement;
            message.counts = new long[batch.parameters().size()];
        }
        Progress late = deferred.doAll(session, message, false, time);
        if (late != null) {
            return late;
        }
        Object keys = keys(batch.keys());
        boolean hasRolledBack = false;
        while (message.done < message.counts.length) {
            attempts.setTime(session.h2(), time);
            long count;
            try {
                Command command = compiler.command(session.h2(), statement);
                if (command.isQuery()) {
                    throw DbException.get(ErrorCode.METHOD_NOT_ALLOWED_FOR_QUERY);
                }
                StatementCompiler.setParameters(command, batch.parameters().get(message.done), 0);
                Attempts.Attempt attempt = attempts.attempt(session, command, keys, 0, statement.waitMillis, time);
                if (attempt.conflict() != null) {
                    return Progress.of(attempt.conflict());
                }
                if (attempt.failure() != null) {
                    throw attempt.failure();
                }
                ResultWithGeneratedKeys update = attempt.update();
                count = update == null ? 0 : update.getUpdateCount();
                SqlOutcome.Rows generated = update == null ? null : generated(update);
                if (generated != null) {
                    message.keyColumns = message.keyColumns == null || message.keyColumns.isEmpty()
                            ? generated.columns()
                            : message.keyColumns;
                    message.keyRows.addAll(generated.rows());
                }
                afterUpdate(session, command, command.getCommandType());
                hasRolledBack |= command.getCommandType() == CommandInterface.ROLLBACK_TO_SAVEPOINT;
            } catch (DbException e) {
                message.failures.add(SqlErrors.outcome(e, statement.sql));
                count = Statement.EXECUTE_FAILED;
            }
            message.counts[message.done++] = count;
            message.firstConflictNs = SqlMessage.NONE;
        }
        return new Progress(batched(message, batch.keys()), null, hasRolledBack);
    }

    private static SqlOutcome batched(SqlMessage message, GeneratedKeys keys) {
        SqlOutcome.Rows rows = keys instanceof GeneratedKeys.None
                ? null
                : new SqlOutcome.Rows(
                        message.keyColumns == null ? List.of() : message.keyColumns,
                        message.keyRows,
                        0,
                        message.keyRows.size(),
                        false);
        return new SqlOutcome.Batched(message.counts, List.copyOf(message.failures), rows);
    }

    // ---- results ---------------------------------------------------------------------------------------------------

    private static List<SqlColumn> columns(SqlStatement statement, Command command, ResultInterface rows) {
        Prepared of = H2Fields.prepared(command);
        List<SqlColumn> columns = statement.columns;
        if (columns == null || statement.columnsOf != of) {
            columns = SqlRows.columns(rows);
            statement.columns = columns;
            statement.columnsOf = of;
        }
        return SqlRows.columns(rows, columns);
    }

    private SqlOutcome rows(
            SqlSession session, List<SqlColumn> columns, ResultInterface rows, int number, int fetchRows) {
        SqlResult result = SqlRows.materialize(rows, config.resultBytesMax() - session.resultBytes);
        if (result == null) {
            return SqlErrors.limit("The open results of this session would take more than the "
                    + config.resultBytesMax() + " bytes of the setting result-max-bytes");
        }
        int total = result.rows().size();
        if (total > config.resultRowsMax()) {
            return SqlErrors.limit(
                    "The result has more than the " + config.resultRowsMax() + " rows of the setting result-max-rows");
        }
        int rowsMax = fetchRows == 0 ? config.firstAnswerRowsMax() : Math.min(fetchRows, config.firstAnswerRowsMax());
        int first = number == 0 ? total : SqlRows.fitting(result.rows(), 0, rowsMax, config.firstAnswerBytesMax());
        if (first == total) {
            return new SqlOutcome.Rows(columns, result.rows(), 0, total, false);
        }
        if (session.results.size() >= config.openResultsMax()) {
            return SqlErrors.limit("This would be one result more than the " + config.openResultsMax()
                    + " that a session may have open, the setting open-results-max");
        }
        closeResult(session, number);
        session.results.put(number, result);
        session.resultBytes += result.bytes();
        return new SqlOutcome.Rows(columns, result.rows().subList(0, first), 0, total, true);
    }

    private static void closeResult(SqlSession session, int number) {
        SqlResult closed = session.results.remove(number);
        if (closed != null) {
            session.resultBytes -= closed.bytes();
        }
    }

    private SqlOutcome fetch(SqlSession session, SqlAction.Fetch fetch) {
        SqlResult result = session.results.get(fetch.result());
        if (result == null) {
            throw DbException.get(ErrorCode.OBJECT_CLOSED);
        }
        int rows =
                fetch.rows() == 0 ? config.firstAnswerRowsMax() : Math.min(fetch.rows(), config.firstAnswerRowsMax());
        return SqlRows.fetch(result, fetch.fromRow(), rows, config.firstAnswerBytesMax());
    }

    private SqlOutcome metadata(SqlSession session, SqlAction.Metadata metadata) {
        SessionLocal h2 = session.h2();
        h2.lock();
        try {
            ResultInterface rows = DatabaseMetaServer.process(h2, metadata.method(), metadata.arguments());
            return rows(session, SqlRows.columns(rows), rows, metadata.result(), metadata.fetchRows());
        } finally {
            h2.unlock();
        }
    }

    // ---- endings ---------------------------------------------------------------------------------------------------

    private static void commit(SqlSession session) {
        session.hasCommitted = true;
        SessionLocal h2 = session.h2();
        h2.lock();
        try {
            h2.commit(false);
            unlockSchema(h2);
        } finally {
            h2.unlock();
        }
    }

    /** As H2 does before a definition, even before one that then fails. */
    private static void commitAll(SqlSession session) {
        session.hasCommitted = true;
        SessionLocal h2 = session.h2();
        h2.lock();
        try {
            h2.commit(true);
        } finally {
            h2.unlock();
        }
    }

    /** A temporary table that goes at the end of a transaction leaves the schema locked until the next one ends. */
    private static void unlockSchema(SessionLocal h2) {
        if (!h2.getLocks().isEmpty()) {
            h2.commit(true);
        }
    }

    private static void rollback(SqlSession session) {
        session.deferred.clear();
        SessionLocal h2 = session.h2();
        h2.lock();
        try {
            h2.rollback();
            unlockSchema(h2);
        } finally {
            h2.unlock();
        }
    }

    /** A message that was to commit by switching autocommit on leaves it on: there is nothing any more that it would commit. */
    static void undoTransaction(SqlSession session, SqlMessage message) {
        rollback(session);
        if (!message.isBegun) {
            session.h2().setAutoCommit(message.request.isAutoCommit());
        }
    }

    /** The message is done: what H2 does after a statement. */
    void finish(SqlSession session, SqlMessage message, SqlOutcome outcome) {
        SessionLocal h2 = session.h2();
        SqlAction action = message.request.action();
        boolean isStatement = action instanceof SqlAction.Execute || action instanceof SqlAction.Batch;
        boolean isCommitted = action instanceof SqlAction.Execute execute
                && execute.isCommitted()
                && !(outcome instanceof SqlOutcome.Failed);
        if (isStatement) {
            session.lobs.forgetUploads();
        }
        if (outcome instanceof SqlOutcome.Failed && message.changesFound != SqlMessage.NONE) {
            undo(h2, message.changesFound);
        }
        if (isStatement && (h2.getAutoCommit() || isCommitted)) {
            commit(session);
        } else {
            endIfIdle(h2);
        }
    }

    /** Ends a transaction that holds nothing: each open one makes everybody's statements slower. */
    private static void endIfIdle(SessionLocal h2) {
        Transaction transaction = H2Fields.transaction(h2);
        if (transaction != null
                && !transaction.hasChanges()
                && transaction.allowNonRepeatableRead()
                && !H2Fields.hasSavepoints(h2)) {
            h2.lock();
            try {
                h2.commit(true);
            } finally {
                h2.unlock();
            }
        }
    }

    /** How much of its query timeout a message has left, for this attempt; 0 when it has none. */
    long timeoutNs(SqlSession session, SqlMessage message, long timeNs) {
        long millis = timeoutMillis(session, message);
        return millis == 0 ? 0 : Math.max(1, message.firstTimeNs + millis * NANOS_PER_MILLI - timeNs);
    }

    private static long timeoutMillis(SqlSession session, SqlMessage message) {
        SqlAction action = message.request.action();
        int ofMessage = action instanceof SqlAction.Execute execute
                ? execute.timeoutMillis()
                : action instanceof SqlAction.Batch batch ? batch.timeoutMillis() : 0;
        return ofMessage > 0 ? ofMessage : session.queryTimeoutMillis;
    }

    /** The message is about to wait. */
    void await(SqlSession session, SqlMessage message, Conflict conflict, long timeNs) {
        if (message.firstConflictNs == SqlMessage.NONE) {
            message.firstConflictNs = timeNs;
        }
        message.lockedTable = conflict.lockedTable();
        SqlStatement statement = message.statement;
        int own = statement == null ? SqlStatement.AS_SESSION : statement.waitMillis;
        int ofSession = session.h2().getLockTimeout();
        long wait = own > 0 ? own : ofSession > 0 ? ofSession : LOCK_TIMEOUT_OF_ZERO;
        message.giveUpNs = message.firstConflictNs + wait * NANOS_PER_MILLI;
        long query = timeoutMillis(session, message);
        long cancelNs = query == 0 ? Long.MAX_VALUE : message.firstTimeNs + query * NANOS_PER_MILLI;
        message.isCancelledByTime = cancelNs < message.giveUpNs;
        message.giveUpNs = Math.min(message.giveUpNs, cancelNs);
        endIfIdle(session.h2());
    }

    /** The session would wait for itself: all that it did in its transaction is undone. */
    SqlOutcome deadlock(SqlSession session, SqlMessage message, Conflict conflict) {
        undoTransaction(session, message);
        String table = conflict.table();
        return failed(message, DbException.get(ErrorCode.DEADLOCK_1, table == null ? "" : table));
    }

    /** The message was ended while it ran, at the statement that it had got to. */
    SqlOutcome cutOff(SqlMessage message, SqlOutcome.Failed failure) {
        return failed(message, failure);
    }

    /** Why the message is ended, as the client will hear of it. */
    SqlOutcome.Failed failure(SqlMessage message, CutReason reason) {
        SqlStatement statement = message.statement;
        return SqlErrors.cut(reason, config, statement == null ? null : statement.sql);
    }

    /** The message has waited in vain. */
    SqlOutcome givenUp(SqlMessage message, GiveUp reason) {
        boolean isCancelled = reason == GiveUp.CANCELLED || message.isCancelledByTime;
        String table = message.lockedTable;
        DbException failure = isCancelled
                ? DbException.get(ErrorCode.STATEMENT_WAS_CANCELED)
                : table == null
                        ? DbException.get(ErrorCode.LOCK_TIMEOUT_1, (Throwable) null)
                        : DbException.get(ErrorCode.LOCK_TIMEOUT_1, table);
        return failed(message, failure);
    }

    /** The failure of what the message is at; of a batch what comes after is not done either. */
    static SqlOutcome failed(SqlMessage message, DbException failure) {
        SqlStatement statement = message.statement;
        return failed(message, SqlErrors.told(failure, statement == null ? null : statement.sql));
    }

    private static SqlOutcome failed(SqlMessage message, SqlOutcome.Failed failed) {
        if (message.request.action() instanceof SqlAction.Batch batch) {
            message.failures.add(failed);
            if (message.statement == null) {
                message.counts = new long[batch.parameters().size()]; // it has not begun
            }
            Arrays.fill(message.counts, message.done, message.counts.length, Statement.EXECUTE_FAILED);
            message.done = message.counts.length;
            return batched(message, batch.keys());
        }
        return failed;
    }
}
