package io.lockstep.sqlwire;

/**
 * One message of a SQL session: the body of a request. Immutable; arrays must not be changed by anyone.
 *
 * @param isAutoCommit whether each statement commits by itself; applied before the action (switching it on commits)
 * @param closedStatements statements that the client has closed since its last message
 * @param closedResults results that the client has closed since its last message
 */
public record SqlRequest(boolean isAutoCommit, int[] closedStatements, int[] closedResults, SqlAction action) {
    private static final int[] NONE = new int[0];

    /** A message that closes nothing. */
    public static SqlRequest of(boolean isAutoCommit, SqlAction action) {
        return new SqlRequest(isAutoCommit, NONE, NONE, action);
    }
}
