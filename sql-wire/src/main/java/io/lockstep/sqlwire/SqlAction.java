package io.lockstep.sqlwire;

import java.util.List;
import java.util.Map;
import org.h2.value.Value;
import org.jspecify.annotations.Nullable;

/**
 * What a SQL session is asked to do: one JDBC action. Immutable; arrays must not be changed by anyone.
 *
 * <p>Statements and results are named by numbers that the client gives out, from 1, each once in a session; 0 is none.
 */
public sealed interface SqlAction {
    /**
     * First of two steps of logging in (SCRAM-SHA-256, RFC 5802 and 7677); answered with {@link SqlOutcome.Challenge}.
     *
     * @param nonce the client's, at least 18 random bytes in base 64
     */
    record Hello(String user, String nonce) implements SqlAction {}

    /**
     * Second step; answered with {@link SqlOutcome.Welcome}.
     *
     * @param proof the client's proof of the password, 32 bytes
     * @param settings of the session: see the node's list of their names
     */
    record Prove(byte[] proof, Map<String, String> settings) implements SqlAction {}

    /** Prepares a statement; answered with {@link SqlOutcome.Prepared}. */
    record Prepare(int statement, String sql) implements SqlAction {}

    /**
     * Executes a statement; answered with {@link SqlOutcome.Updated} or {@link SqlOutcome.Rows}.
     *
     * @param statement prepared before, or 0, or a new number together with {@code sql}, which prepares it first
     * @param sql the text; null for a statement that was prepared before
     * @param parameters their values; a null is a parameter that was not set
     * @param maxRows at most so many rows; 0: all
     * @param result name of the result, for rows beyond the first answer; 0: all rows must fit into the first answer
     * @param fetchRows rows in the first answer, about; 0: the node's choice
     * @param timeoutMillis query timeout; 0: none
     * @param isCommitted whether to commit afterwards, if it did not fail
     */
    record Execute(
            int statement,
            @Nullable String sql,
            @Nullable Value[] parameters,
            GeneratedKeys keys,
            long maxRows,
            int result,
            int fetchRows,
            int timeoutMillis,
            boolean isCommitted)
            implements SqlAction {}

    /** Executes a statement once for each row of parameters; answered with {@link SqlOutcome.Batched}. */
    record Batch(
            int statement,
            @Nullable String sql,
            List<@Nullable Value[]> parameters,
            GeneratedKeys keys,
            int timeoutMillis)
            implements SqlAction {}

    /**
     * Rows of an open result; answered with {@link SqlOutcome.Rows} without columns.
     *
     * @param fromRow number of the first row, from 0
     */
    record Fetch(int result, long fromRow, int rows) implements SqlAction {}

    /** Commits or rolls back; answered with {@link SqlOutcome.Done}. */
    record End(boolean isCommit) implements SqlAction {}

    /** Does nothing but apply what stands in {@link SqlRequest} beside it; answered with {@link SqlOutcome.Done}. */
    record Apply() implements SqlAction {}

    /**
     * A method of {@code DatabaseMetaData}; answered with {@link SqlOutcome.Rows}.
     *
     * @param method H2's code of the method, see {@code org.h2.jdbc.meta.DatabaseMetaServer}
     */
    record Metadata(int method, Value[] arguments, int result, int fetchRows) implements SqlAction {}

    /** A piece of a large object that a row named; answered with {@link SqlOutcome.Piece}. */
    record ReadLob(long lob, long offset, int length) implements SqlAction {}

    /**
     * A piece of a large object on its way up; answered with {@link SqlOutcome.Done}. A parameter may then name it.
     *
     * @param lob given out by the client, from 1
     * @param offset in bytes; pieces come in order
     */
    record WriteLob(long lob, long offset, byte[] bytes) implements SqlAction {}

    /** Cancels an earlier request of this session if it still runs or waits; answered with {@link SqlOutcome.Done}. */
    record Cancel(long requestId) implements SqlAction {}
}
