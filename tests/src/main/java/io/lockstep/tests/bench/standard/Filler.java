package io.lockstep.tests.bench.standard;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Types;
import org.jspecify.annotations.Nullable;

/** Fills one table in batches, each a transaction of its own. Touched by the thread that creates the tables. */
final class Filler implements AutoCloseable {
    private static final int BATCH_ROWS = 500;

    private final Connection connection;
    private final PreparedStatement insert;
    private int pending;

    /** @param columns how many the table has */
    Filler(Connection connection, String table, int columns) throws SQLException {
        this.connection = connection;
        this.insert =
                connection.prepareStatement("INSERT INTO " + table + " VALUES (?" + ", ?".repeat(columns - 1) + ")");
    }

    void add(@Nullable Object... values) throws SQLException {
        for (int i = 0; i < values.length; i++) {
            Object value = values[i];
            if (value == null) {
                insert.setNull(i + 1, Types.NULL);
            } else {
                insert.setObject(i + 1, value);
            }
        }
        insert.addBatch();
        if (++pending == BATCH_ROWS) {
            flush();
        }
    }

    private void flush() throws SQLException {
        if (pending > 0) {
            insert.executeBatch();
            connection.commit();
            pending = 0;
        }
    }

    @Override
    public void close() throws SQLException {
        try (insert) {
            flush();
        }
    }
}
