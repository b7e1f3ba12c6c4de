package io.lockstep.tests.workload;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;

/** SQL transactions of one kind, and what must be true of them. Safe from any thread: every teller calls it. */
interface SqlLoad {
    /** Statements that make what the load needs. */
    List<String> setUp();

    /**
     * One transaction, from {@link SqlTeller#begin} to its end.
     *
     * @throws SQLException the application has seen an error, which is a defect
     */
    void transact(SqlTeller teller) throws SQLException;

    /** Compares what was answered with what the database holds, when all transactions have ended. */
    void audit(Connection database, SqlAudit audit) throws SQLException;
}
