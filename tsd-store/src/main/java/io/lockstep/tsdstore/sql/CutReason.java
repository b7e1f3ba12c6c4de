package io.lockstep.tsdstore.sql;

import org.h2.api.ErrorCode;

/** Why the active ends a statement that runs. */
public enum CutReason {
    /** The client cancelled it. */
    CANCELLED("57014", ErrorCode.STATEMENT_WAS_CANCELED),
    /** Its query timeout is over. */
    QUERY_TIMEOUT("57014", ErrorCode.STATEMENT_WAS_CANCELED),
    /** It runs for longer than the database allows any statement. */
    STATEMENT_LIMIT("57014", ErrorCode.STATEMENT_WAS_CANCELED),
    /** The heap is nearly full, and it may be what fills it; 53200 is "out of memory" of the standard's class 53. */
    MEMORY_LIMIT("53200", 53200),
    /** The node is no active any more: nobody will hear of it. */
    DEPOSED("57014", ErrorCode.STATEMENT_WAS_CANCELED);

    final String sqlState;
    final int code;

    CutReason(String sqlState, int code) {
        this.sqlState = sqlState;
        this.code = code;
    }
}
