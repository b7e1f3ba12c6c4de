package io.lockstep.sqlwire;

import java.util.List;
import java.util.Map;
import org.h2.value.TypeInfo;
import org.h2.value.Value;
import org.jspecify.annotations.Nullable;

/** What an action gave. Immutable; arrays must not be changed by anyone. */
public sealed interface SqlOutcome {
    /**
     * Answer to {@link SqlAction.Hello}.
     *
     * @param nonce the client's, continued by the node
     */
    record Challenge(byte[] salt, int iterations, String nonce) implements SqlOutcome {}

    /**
     * The session is open.
     *
     * @param signature proves that the node knows the password too, 32 bytes
     * @param facts about the database: version of H2, mode, limits
     */
    record Welcome(byte[] signature, Map<String, String> facts) implements SqlOutcome {}

    /**
     * A statement is prepared.
     *
     * @param commandType H2's code, see {@code org.h2.command.CommandInterface}
     * @param isReadable whether it may be asked as a read, which is not ordered
     * @param columns of its result; null when it gives none
     */
    record Prepared(
            int commandType,
            boolean isQuery,
            boolean isReadable,
            List<Parameter> parameters,
            @Nullable List<SqlColumn> columns)
            implements SqlOutcome {}

    /** A parameter of a prepared statement; {@code nullable} as in {@link SqlColumn}. */
    record Parameter(TypeInfo type, int nullable) {}

    /**
     * A statement without a result was executed.
     *
     * @param count rows changed
     * @param keys generated ones; null when none were asked for
     */
    record Updated(long count, @Nullable Rows keys) implements SqlOutcome {}

    /**
     * Rows of a result.
     *
     * @param columns null in answers to {@link SqlAction.Fetch}
     * @param firstRow number of the first row in {@code rows}, from 0
     * @param totalRows of the whole result
     * @param isOpen whether the node keeps the result for {@link SqlAction.Fetch}
     */
    record Rows(@Nullable List<SqlColumn> columns, List<Value[]> rows, long firstRow, long totalRows, boolean isOpen)
            implements SqlOutcome {}

    /**
     * A batch was executed.
     *
     * @param counts one for each row of parameters, {@code java.sql.Statement.EXECUTE_FAILED} where it failed
     * @param failures in order
     */
    record Batched(
            long[] counts, List<Failed> failures, @Nullable Rows keys) implements SqlOutcome {}

    /** A piece of a large object; {@code isLast} when nothing follows it. */
    record Piece(byte[] bytes, boolean isLast) implements SqlOutcome {}

    /** Done, and nothing to say. */
    record Done() implements SqlOutcome {}

    /** Asked as a read, but it is none, or its result does not fit: to be asked again as an ordered message. */
    record NotARead() implements SqlOutcome {}

    /**
     * An error, equal on all nodes.
     *
     * @param code H2's
     * @param sql the statement; null when the text has it already or there is none
     */
    record Failed(
            String sqlState,
            int code,
            String message,
            @Nullable String sql) implements SqlOutcome {}
}
