package io.lockstep.jdbc;

import java.sql.Connection;
import java.sql.SQLException;

/**
 * What a connection to a Lockstep database can tell beyond JDBC; had by {@code connection.unwrap(LockstepConnection.class)}.
 * Safe from any thread.
 */
public interface LockstepConnection extends Connection {
    /** Term of the latest answer: rises by one with every takeover. */
    long term();

    /** How many takeovers this connection has survived. */
    int takeoversSurvived();

    /** Name of the session that all nodes know this connection by. */
    String sessionName();

    /**
     * Name of the node that is active now, as a distributor knows; empty when none is. Asks a distributor; where the URL
     * names nodes, it is the one that this connection talks to.
     *
     * @throws SQLException no distributor answered
     */
    String active() throws SQLException;
}
