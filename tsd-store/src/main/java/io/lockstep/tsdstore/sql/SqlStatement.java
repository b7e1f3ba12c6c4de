package io.lockstep.tsdstore.sql;

import io.lockstep.sqlwire.SqlColumn;
import java.util.List;
import org.h2.command.Command;
import org.h2.command.Prepared;
import org.jspecify.annotations.Nullable;

/** One statement that a session has prepared. Touched only by the lane. */
final class SqlStatement {
    /** What {@link #waitMillis} is when the statement does not say how long to wait. */
    static final int AS_SESSION = -1;

    /** As the client wrote it. */
    final String sql;
    /** Texts of its parts, when it is a list of statements; empty for one statement. */
    final List<String> parts;

    /** What H2 has made of it; null for a list of statements, and after a copy until its next execution. */
    @Nullable Command command;
    /** H2's count of schema changes when it was made. */
    long schemaChanges;
    /** How long FOR UPDATE waits for a row: 0 not at all, {@link #AS_SESSION} as the session does. */
    int waitMillis = AS_SESSION;

    /** Columns of the last result and what they were made of. */
    @Nullable List<SqlColumn> columns;

    @Nullable Prepared columnsOf;

    /** Whether it has been found to be no look-up by key, so that as a read it is not the lane's. */
    boolean isLongRead;

    /** What it is to deferred updates, as last judged; null before. */
    DeferredUpdates.@Nullable Form form;
    /** What was last judged by {@link BriefMessages}; null before. */
    @Nullable Command judgedBrief;
    /** Whether {@link #judgedBrief} takes little time for certain. */
    boolean isBrief;
    /** Whether its transaction has asked for something that could see what it does, or it could not be done. */
    boolean isAtOnce;

    SqlStatement(String sql, List<String> parts) {
        this.sql = sql;
        this.parts = parts;
    }
}
