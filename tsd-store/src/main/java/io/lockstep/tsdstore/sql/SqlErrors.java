package io.lockstep.tsdstore.sql;

import io.lockstep.sqlwire.SqlOutcome;
import io.lockstep.tsdstore.NodeFailure;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.SQLException;
import java.util.Set;
import java.util.regex.Pattern;
import org.h2.api.ErrorCode;
import org.h2.jdbc.JdbcException;
import org.h2.message.DbException;
import org.jspecify.annotations.Nullable;

/** Tells errors that are equal on all nodes from this node's own trouble. Safe from any thread, because nothing is kept. */
final class SqlErrors {
    /** H2's code for "another transaction has the row, or the table". */
    private static final Set<Integer> LOCKED = Set.of(
            ErrorCode.LOCK_TIMEOUT_1,
            ErrorCode.CONCURRENT_UPDATE_1,
            ErrorCode.ROW_NOT_FOUND_IN_PRIMARY_INDEX,
            ErrorCode.ROW_NOT_FOUND_WHEN_DELETING_1);

    private static final Set<Integer> OWN = Set.of(
            ErrorCode.OUT_OF_MEMORY,
            ErrorCode.IO_EXCEPTION_1,
            ErrorCode.IO_EXCEPTION_2,
            ErrorCode.FILE_CORRUPTED_1,
            ErrorCode.DATABASE_IS_CLOSED,
            ErrorCode.DATABASE_CALLED_AT_SHUTDOWN,
            ErrorCode.CONNECTION_BROKEN_1,
            ErrorCode.STATEMENT_WAS_CANCELED);

    /** H2's codes for what a user's class has thrown. */
    private static final Set<Integer> OF_CLASS = Set.of(
            ErrorCode.EXCEPTION_IN_FUNCTION_1,
            ErrorCode.ERROR_EXECUTING_TRIGGER_3,
            ErrorCode.ERROR_CREATING_TRIGGER_OBJECT_3);

    private static final Set<Integer> SYNTAX = Set.of(ErrorCode.SYNTAX_ERROR_1, ErrorCode.SYNTAX_ERROR_2);

    private static final int CAUSES_MAX = 64;

    /** How H2 tells of a large object in a row: by a number, or an address, that is this node's own. */
    private static final Pattern OBJECT = Pattern.compile("/\\* (?:table: -?\\d+ id: -?\\d+|[\\w.$]+@[0-9a-f]+) \\*/");

    /** How H2 names the arguments of a method that failed, where they have no text: by what is another on each node. */
    private static final Pattern ARGUMENT =
            Pattern.compile("conn\\d+: url=\\S+ user=[^,)]+|((?:\\[+[A-Z]?)?[\\w.$]*;?)@[0-9a-f]+");

    private SqlErrors() {}

    /** Whether H2 would have waited. */
    static boolean isLocked(DbException failure) {
        return LOCKED.contains(failure.getErrorCode());
    }

    /**
     * What the client gets.
     *
     * @param sql the statement; null when the failure names it already, or there is none
     * @throws NodeFailure the trouble is this node's own
     * @throws Error one is among the causes: it goes to whoever ends the process
     */
    static SqlOutcome.Failed outcome(RuntimeException failure, @Nullable String sql) {
        if (failure instanceof LimitException limit) {
            return limit(String.valueOf(limit.getMessage()));
        }
        check(failure);
        return told(failure, sql);
    }

    /** What the client gets of a failure that is an outcome for sure. */
    static SqlOutcome.Failed told(RuntimeException failure, @Nullable String sql) {
        DbException converted = DbException.convert(failure);
        if (sql != null) {
            converted = converted.addSQL(sql);
        }
        SQLException e = converted.getSQLException();
        String state = e.getSQLState() == null ? "HY000" : e.getSQLState();
        String message = e instanceof JdbcException named
                ? equalOnAllNodes(String.valueOf(named.getOriginalMessage()))
                : String.valueOf(e.getMessage());
        if (OF_CLASS.contains(e.getErrorCode())) {
            message = ARGUMENT.matcher(message).replaceAll(found -> found.group(1) == null ? "conn" : "$1");
        }
        String of = e instanceof JdbcException named ? named.getSQL() : null;
        if (Secrets.isIn(of) || Secrets.isIn(message)) {
            // A syntax error tells the text, with a mark in it.
            boolean isTold = SYNTAX.contains(e.getErrorCode());
            message = isTold ? "Syntax error in SQL statement \"" + Secrets.HIDDEN + "\"" : message;
            of = Secrets.HIDDEN;
        }
        return new SqlOutcome.Failed(state, e.getErrorCode(), message, of);
    }

    private static String equalOnAllNodes(String text) {
        return text.contains(" */") ? OBJECT.matcher(text).replaceAll("/* large object */") : text;
    }

    /** What the client gets of a statement that was ended while it ran. */
    static SqlOutcome.Failed cut(CutReason reason, SqlConfig config, @Nullable String sql) {
        String text =
                switch (reason) {
                    case STATEMENT_LIMIT ->
                        "The statement ran for longer than "
                                + config.statementLimit().toMillis()
                                + " ms, the setting statement-limit, and was undone";
                    case MEMORY_LIMIT ->
                        "The statement was undone because more than " + config.heapMaxPercent()
                                + " % of the node's memory were in use, the setting heap-max-percent";
                    case CANCELLED, QUERY_TIMEOUT, DEPOSED -> "";
                };
        return text.isEmpty()
                ? told(DbException.get(ErrorCode.STATEMENT_WAS_CANCELED), sql)
                : new SqlOutcome.Failed(reason.sqlState, reason.code, text, sql);
    }

    /** Something that no database with Lockstep does. */
    static DbException refused(String what) {
        return DbException.getUnsupportedException(what);
    }

    /** A limit that the node was configured with; 54000 is "program limit exceeded". */
    static SqlOutcome.Failed limit(String what) {
        return new SqlOutcome.Failed("54000", 54000, what, null);
    }

    /** Whether a failure's code, where it is H2's, says something of this node. */
    static boolean isOfNode(DbException failure) {
        return OWN.contains(failure.getErrorCode());
    }

    /** Whether the trouble is this node's own, but for a cancellation. */
    static boolean isNodesOwn(RuntimeException failure) {
        boolean isOfClass = false;
        Throwable cause = failure;
        for (int i = 0; cause != null && i < CAUSES_MAX; i++, cause = cause.getCause()) {
            isOfClass |= isOfClass(cause);
            boolean isCancelled = (cause instanceof DbException h2
                            && h2.getErrorCode() == ErrorCode.STATEMENT_WAS_CANCELED)
                    || (cause instanceof SQLException sql && sql.getErrorCode() == ErrorCode.STATEMENT_WAS_CANCELED);
            if (isError(cause, isOfClass) || (isOwn(cause, isOfClass) && !isCancelled)) {
                return true;
            }
        }
        return false;
    }

    /** @throws NodeFailure the trouble is this node's own @throws Error one is among the causes */
    static void check(RuntimeException failure) {
        boolean isOfClass = false;
        Throwable cause = failure;
        for (int i = 0; cause != null && i < CAUSES_MAX; i++, cause = cause.getCause()) {
            isOfClass |= isOfClass(cause);
            if (cause instanceof Error error && isError(cause, isOfClass)) {
                throw error;
            }
            if (isOwn(cause, isOfClass)) {
                throw new NodeFailure("this node cannot execute: " + cause, failure);
            }
        }
    }

    /** Whether it, and what is behind it, is a user's class's: a code of H2's for that, or a SQLException of its own. */
    private static boolean isOfClass(Throwable cause) {
        return (cause instanceof DbException h2 && OF_CLASS.contains(h2.getErrorCode()))
                || (cause instanceof SQLException sql
                        && (OF_CLASS.contains(sql.getErrorCode())
                                // What H2 has no words for it tells as one of these.
                                || (!(sql instanceof JdbcException)
                                        && sql.getErrorCode() != ErrorCode.GENERAL_ERROR_1)));
    }

    /** Of a class's errors only those say something of the node that are the machine's. */
    private static boolean isError(Throwable cause, boolean isOfClass) {
        return cause instanceof Error && (!isOfClass || cause instanceof VirtualMachineError);
    }

    private static boolean isOwn(Throwable cause, boolean isOfClass) {
        return (!isOfClass && (cause instanceof IOException || cause instanceof UncheckedIOException))
                || cause instanceof NodeFailure
                || (cause instanceof SQLException sql
                        && sql instanceof JdbcException
                        && OWN.contains(sql.getErrorCode()))
                || (cause instanceof DbException h2 && OWN.contains(h2.getErrorCode()));
    }
}
