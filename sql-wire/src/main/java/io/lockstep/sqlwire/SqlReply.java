package io.lockstep.sqlwire;

import org.jspecify.annotations.Nullable;

/**
 * What a message of a SQL session gave: the body of an answer.
 *
 * @param isAutoCommit the session's state afterwards
 * @param isInTransaction whether the session has a transaction open afterwards
 * @param schema the session's current schema, when this message changed it or opened the session
 * @param timeZone the session's time zone, when this message changed it or opened the session
 */
public record SqlReply(
        boolean isAutoCommit,
        boolean isInTransaction,
        @Nullable String schema,
        @Nullable String timeZone,
        SqlOutcome outcome) {}
