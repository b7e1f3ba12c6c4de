package io.lockstep.tsdstore.sql;

import io.lockstep.sqlwire.GeneratedKeys;
import io.lockstep.sqlwire.SqlAction;
import io.lockstep.sqlwire.SqlOutcome;
import java.util.Arrays;
import org.h2.api.ErrorCode;
import org.h2.command.Command;
import org.h2.command.CommandInterface;
import org.h2.engine.IsolationLevel;
import org.h2.engine.SessionLocal;
import org.h2.message.DbException;
import org.h2.result.ResultWithGeneratedKeys;
import org.h2.value.Value;
import org.h2.value.ValueCollectionBase;
import org.h2.value.ValueLob;
import org.h2.value.ValueTimestampTimeZone;
import org.jspecify.annotations.Nullable;

/** Puts off what {@link DeferredUpdates} finds fit for it, and does it when its time has come. Touched only by the lane. */
final class DeferredExecution {
    /** Updates that a transaction defers; those beyond are done at once. */
    private static final int DEFERRED_MAX = 256;

    private final StatementCompiler compiler;
    private final Attempts attempts;

    DeferredExecution(StatementCompiler compiler, Attempts attempts) {
        this.compiler = compiler;
        this.attempts = attempts;
    }

    /** Whether it is answered now and done later. */
    static boolean defers(
            SqlSession session,
            SqlMessage message,
            SqlStatement statement,
            Command command,
            SqlAction.Execute execute) {
        SessionLocal h2 = session.h2();
        if (execute.statement() == 0
                || statement.isAtOnce
                || execute.isCommitted()
                || h2.getAutoCommit()
                || !(execute.keys() instanceof GeneratedKeys.None)
                || h2.getIsolationLevel() != IsolationLevel.READ_COMMITTED
                || session.deferred.size() >= DEFERRED_MAX
                || execute.parameters().length < command.getParameters().size()
                || DeferredUpdates.form(h2, statement, command).kind() != DeferredUpdates.Kind.DEFERRABLE) {
            return false;
        }
        for (Value each : execute.parameters()) {
            if (each == null || hasLargeObjects(each)) {
                return false;
            }
        }
        StatementCompiler.setParameters(command, execute.parameters(), 0);
        if (!DeferredUpdates.changesOneRow(h2, command)) {
            return false;
        }
        session.deferred.add(new Deferred(execute.statement(), statement, execute.parameters(), message.body));
        return true;
    }

    /** Whether its message alone does not have all of it. */
    private static boolean hasLargeObjects(Value value) {
        return value instanceof ValueLob
                || (value instanceof ValueCollectionBase many
                        && Arrays.stream(many.getList()).anyMatch(DeferredExecution::hasLargeObjects));
    }

    /** Does what a statement could see, or what is to be committed. @return as {@link #doAll} */
    Statements.@Nullable Progress beforeIt(
            SqlSession session,
            SqlMessage message,
            SqlStatement statement,
            Command command,
            SqlAction.Execute execute,
            ValueTimestampTimeZone time) {
        int type = command.getCommandType();
        boolean isNeeded = type != CommandInterface.ROLLBACK
                && type != CommandInterface.ROLLBACK_TO_SAVEPOINT
                && !session.deferred.isEmpty()
                && (execute.isCommitted() || !isApart(session, DeferredUpdates.form(session.h2(), statement, command)));
        return isNeeded
                ? doAll(session, message, type == CommandInterface.COMMIT || execute.isCommitted(), time)
                : null;
    }

    private boolean isApart(SqlSession session, DeferredUpdates.Form form) {
        try {
            for (Deferred each : session.deferred) {
                SqlStatement deferred = each.statement();
                Command command = compiler.command(session.h2(), deferred);
                if (!DeferredUpdates.isApart(form, DeferredUpdates.form(session.h2(), deferred, command))) {
                    return false;
                }
            }
            return true;
        } catch (DbException e) {
            SqlErrors.check(e);
            return false; // its table has gone: told where it is done
        }
    }

    /**
     * Does the updates that were answered before, in their order.
     *
     * @param isEnd whether the transaction ends here, so that nothing of it sees them
     * @return why the message must be tried again, or is not done; null when they are done
     */
    Statements.@Nullable Progress doAll(
            SqlSession session, SqlMessage message, boolean isEnd, ValueTimestampTimeZone time) {
        while (!session.deferred.isEmpty()) {
            Deferred next = session.deferred.getFirst();
            SqlStatement statement = next.statement();
            statement.isAtOnce |= !isEnd;
            Attempts.Attempt attempt;
            try {
                Command command = compiler.command(session.h2(), statement);
                StatementCompiler.setParameters(command, next.parameters(), 0);
                attempt = attempts.attemptWhole(session, command, statement.waitMillis, time);
            } catch (DbException e) {
                return Statements.Progress.of(broken(session, message, statement, e));
            }
            if (attempt.conflict() != null) {
                return Statements.Progress.of(attempt.conflict());
            }
            ResultWithGeneratedKeys update = attempt.update();
            if (update == null || update.getUpdateCount() != 1) {
                return Statements.Progress.of(broken(session, message, statement, attempt.failure()));
            }
            session.deferred.removeFirst();
            message.firstConflictNs = SqlMessage.NONE;
            attempts.setTime(session.h2(), time); // what is compiled next must not ask this node's clock
        }
        return null;
    }

    /** What an update was answered with has become wrong: its transaction is undone. */
    private static SqlOutcome broken(
            SqlSession session, SqlMessage message, SqlStatement statement, @Nullable DbException cause) {
        if (cause != null) {
            SqlErrors.check(cause); // the trouble may be this node's alone
        }
        Statements.undoTransaction(session, message);
        statement.isAtOnce = true; // what its own transaction does to it may be the cause, and would be again
        String what = "an update that was deferred (deferUpdates) changes no row any more: " + statement.sql
                + (cause == null ? "" : "; " + cause.getMessage());
        return Statements.failed(message, DbException.get(ErrorCode.DEADLOCK_1, what));
    }
}
