package io.lockstep.tsdstore;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.SQLException;
import java.sql.SQLRecoverableException;
import java.sql.SQLTransientConnectionException;
import java.util.Set;
import org.h2.api.ErrorCode;

/**
 * Tells this node's own trouble (rule R2) from what executing the message gives on every node. Safe from any thread,
 * because nothing is kept.
 */
final class NodeTrouble {
    /**
     * H2 codes for memory, disk and a closed database; and for what depends on timing, which a lane with the records for
     * itself never sees.
     */
    private static final Set<Integer> CODES = Set.of(
            ErrorCode.OUT_OF_MEMORY,
            ErrorCode.IO_EXCEPTION_1,
            ErrorCode.IO_EXCEPTION_2,
            ErrorCode.FILE_CORRUPTED_1,
            ErrorCode.DATABASE_IS_CLOSED,
            ErrorCode.DATABASE_CALLED_AT_SHUTDOWN,
            ErrorCode.CONNECTION_BROKEN_1,
            ErrorCode.GENERAL_ERROR_1,
            ErrorCode.LOCK_TIMEOUT_1,
            ErrorCode.DEADLOCK_1,
            ErrorCode.CONCURRENT_UPDATE_1,
            ErrorCode.STATEMENT_WAS_CANCELED);

    private static final int CAUSES_MAX = 64;

    private NodeTrouble() {}

    /**
     * Returns when the failure is the message's own.
     *
     * @throws NodeFailure it is this node's
     * @throws Error one is among the causes: it goes to whoever ends the process
     */
    static void check(Exception failure) {
        Throwable cause = failure;
        for (int i = 0; cause != null && i < CAUSES_MAX; i++, cause = cause.getCause()) {
            if (cause instanceof Error error) {
                throw error;
            }
            if (isOwn(cause)) {
                throw new NodeFailure("this node cannot execute: " + cause, failure);
            }
        }
    }

    private static boolean isOwn(Throwable cause) {
        if (cause instanceof SQLException sql && CODES.contains(sql.getErrorCode())) {
            return true;
        }
        return cause instanceof IOException
                || cause instanceof UncheckedIOException
                || cause instanceof InterruptedException
                || cause instanceof SQLTransientConnectionException
                || cause instanceof SQLRecoverableException;
    }
}
