package io.lockstep.jdbc;

import io.lockstep.distributor.Ending;
import io.lockstep.distributor.LockstepException;
import io.lockstep.wire.AnswerCode;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLNonTransientException;
import java.sql.SQLSyntaxErrorException;
import java.sql.SQLTimeoutException;
import java.sql.SQLTransientConnectionException;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * The SQLStates that this driver gives by itself, each with the exception that JDBC wants for it. All others are the
 * database's own, with H2's codes, states and texts unchanged. A takeover gives none.
 */
enum SqlState {
    /** No distributor, or no active behind one, could be reached to open a connection. */
    CANNOT_CONNECT("08001", SQLTransientConnectionException::new),
    /** The connection is closed. */
    CLOSED("08003", SQLNonTransientConnectionException::new),
    /** The session is lost, and the open transaction with it; nothing of the statement was executed. */
    CONNECTION_LOST("08006", SQLNonTransientConnectionException::new),
    /** No active could be reached by the deadline: the statement may or may not have been executed. */
    UNKNOWN_OUTCOME("08007", SQLNonTransientConnectionException::new),
    /** The other side said what this driver does not understand. */
    PROTOCOL("08P01", SQLNonTransientConnectionException::new),
    /** The deadline came before the statement's turn; it was barred and will never be executed. */
    NOT_IN_TIME("HYT01", SQLTimeoutException::new),
    /** A message is longer than may travel. */
    TOO_LONG("54000", SQLSyntaxErrorException::new),
    /** The database refused the message itself; the text says why. */
    REFUSED("58000", SQLNonTransientException::new),
    /** The statement ended a node's process before, and is never executed again (rule R17). */
    QUARANTINED("58030", SQLNonTransientException::new),
    /** Neither H2 nor Lockstep has it. */
    NOT_SUPPORTED("0A000", SQLFeatureNotSupportedException::new),
    /** A property or URL is not what it must be. */
    INVALID_PROPERTY("HY024", SQLNonTransientConnectionException::new);

    private final String code;
    private final BiFunction<String, String, SQLException> maker;

    SqlState(String code, BiFunction<String, String, SQLException> maker) {
        this.code = code;
        this.maker = maker;
    }

    /** The five characters. */
    String code() {
        return code;
    }

    SQLException exception(String text) {
        return maker.apply(text, code);
    }

    SQLException exception(String text, Throwable cause) {
        SQLException exception = exception(text);
        exception.initCause(cause);
        return exception;
    }

    /** What became of a connection that could not be opened. */
    static SQLException ofOpening(LockstepException failure) {
        return CANNOT_CONNECT.exception(String.valueOf(failure.getMessage()), failure);
    }

    /** What a request that ended badly means to the application. */
    static SqlState of(Ending ending) {
        AnswerCode code = ending.code();
        if (ending.problem() == LockstepException.Outcome.UNKNOWN) {
            return UNKNOWN_OUTCOME;
        }
        return code == null ? CONNECTION_LOST : of(code, ending.requestId());
    }

    private static SqlState of(@Nullable AnswerCode code, long requestId) {
        if (code == null) {
            return CONNECTION_LOST;
        }
        return switch (code) {
            case VOIDED -> NOT_IN_TIME;
            case QUARANTINED -> QUARANTINED;
            case REFUSED -> requestId == 0 ? TOO_LONG : REFUSED;
            case SERVICE_ERROR, SERVICE_FAILED, TRANSACTION_UNKNOWN, TRANSACTION_ENDED -> REFUSED;
            case OK, ID_REUSED, EXPIRED, UNKNOWN_SESSION, GAP, LOG_LACKS_SEEN, BUSY, NOT_ACTIVE -> CONNECTION_LOST;
        };
    }

    /** Whether the connection is of no use afterwards. */
    boolean endsConnection() {
        return switch (this) {
            case CANNOT_CONNECT, CLOSED, CONNECTION_LOST, UNKNOWN_OUTCOME, PROTOCOL -> true;
            case NOT_IN_TIME, TOO_LONG, REFUSED, QUARANTINED, NOT_SUPPORTED, INVALID_PROPERTY -> false;
        };
    }
}
