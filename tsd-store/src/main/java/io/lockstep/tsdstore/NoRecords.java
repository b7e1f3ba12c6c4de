package io.lockstep.tsdstore;

import io.lockstep.tsdstore.sql.SqlSessions;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import org.jspecify.annotations.Nullable;

/** For services that keep everything in their transactions' state. Safe from any thread, because it holds nothing. */
public final class NoRecords extends Records {
    @Override
    String settings() {
        return "";
    }

    @Override
    String kind() {
        return "none";
    }

    @Override
    void create(TransactionService service) {}

    @Override
    @Nullable SqlSessions sql() {
        return null;
    }

    @Override
    void begin(long timeNs, long seed) {}

    @Override
    Connection connection() throws SQLException {
        throw new SQLFeatureNotSupportedException("this database was set up without records", "0A000");
    }

    @Override
    void commit() {}

    @Override
    void rollback() {}

    @Override
    Connection readConnection(long timeNs) throws SQLException {
        return connection();
    }

    @Override
    void endRead() {}

    @Override
    Snapshot snapshot() {
        return new Snapshot() {
            @Override
            public boolean writeNext(StateWriter out) {
                return false;
            }

            @Override
            public void close() {}
        };
    }

    @Override
    void install(StateTag tag, StateReader item) {
        throw new IllegalArgumentException("records in a copy for a database without");
    }

    @Override
    void installed() {}

    @Override
    public void close() {}
}
