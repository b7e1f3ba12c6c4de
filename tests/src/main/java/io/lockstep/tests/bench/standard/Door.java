package io.lockstep.tests.bench.standard;

import java.sql.Connection;
import java.sql.SQLException;

/** Opens connections to the database that is measured. Safe from any thread. */
interface Door {
    /** A new connection, as the driver opens it. */
    Connection connect() throws SQLException;
}
