package io.lockstep.tsdstore;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;

/** What a read may use. */
public interface ReadContext {
    /** The active's header clock, never falling. */
    Instant time();

    /** The records; what is written here is rolled back. */
    Connection records() throws SQLException;
}
