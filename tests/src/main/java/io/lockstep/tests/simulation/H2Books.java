package io.lockstep.tests.simulation;

import io.lockstep.wire.Identity;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** Books in a node's H2 database, within one message. Touched only by the schedule's thread. */
final class H2Books implements Books {
    private final Connection records;

    H2Books(Connection records) {
        this.records = records;
    }

    static void create(Connection records) throws SQLException {
        try (Statement statement = records.createStatement()) {
            statement.execute("CREATE SCHEMA SIM");
            statement.execute("CREATE TABLE SIM.VERSION (ID INT PRIMARY KEY, COMMITS BIGINT, DIGEST BIGINT)");
            statement.execute("CREATE TABLE SIM.ACCOUNT (ID INT PRIMARY KEY, BALANCE BIGINT)");
            statement.execute("CREATE TABLE SIM.HELD (ACCOUNT INT PRIMARY KEY, TERM BIGINT, POSITION BIGINT,"
                    + " TRANSACTION BIGINT, AMOUNT BIGINT)");
            statement.execute("INSERT INTO SIM.VERSION VALUES (0, 0, 0)");
            for (int account = 0; account < ACCOUNTS; account++) {
                statement.execute("INSERT INTO SIM.ACCOUNT VALUES (" + account + ", " + BALANCE + ")");
            }
        }
    }

    @Override
    public boolean isHeld(int account) throws SQLException {
        return query("SELECT COUNT(*) FROM SIM.HELD WHERE ACCOUNT = ?", account)[0] > 0;
    }

    @Override
    public void hold(Identity session, long transaction, int account, long amount) throws SQLException {
        update("UPDATE SIM.ACCOUNT SET BALANCE = BALANCE - ? WHERE ID = ?", amount, account);
        update(
                "INSERT INTO SIM.HELD VALUES (?, ?, ?, ?, ?)",
                account,
                session.term(),
                session.position(),
                transaction,
                amount);
    }

    @Override
    public void settle(Identity session, long transaction, int to) throws SQLException {
        try (PreparedStatement held = records.prepareStatement(
                "SELECT ACCOUNT, AMOUNT FROM SIM.HELD WHERE TERM = ? AND POSITION = ? AND TRANSACTION = ?")) {
            held.setLong(1, session.term());
            held.setLong(2, session.position());
            held.setLong(3, transaction);
            try (ResultSet rows = held.executeQuery()) {
                while (rows.next()) {
                    int account = rows.getInt(1);
                    update(
                            "UPDATE SIM.ACCOUNT SET BALANCE = BALANCE + ? WHERE ID = ?",
                            rows.getLong(2),
                            to < 0 ? account : to);
                    update("DELETE FROM SIM.HELD WHERE ACCOUNT = ?", account);
                }
            }
        }
    }

    @Override
    public void note(long operation) throws SQLException {
        long digest = Books.chain(version()[1], operation);
        update("UPDATE SIM.VERSION SET COMMITS = COMMITS + 1, DIGEST = ? WHERE ID = 0", digest);
    }

    @Override
    public long[] version() throws SQLException {
        return query("SELECT COMMITS, DIGEST FROM SIM.VERSION WHERE ID = ?", 0);
    }

    @Override
    public long[] sums() throws SQLException {
        return query(
                "SELECT (SELECT SUM(BALANCE) FROM SIM.ACCOUNT), (SELECT COALESCE(SUM(AMOUNT), 0) FROM SIM.HELD) WHERE ? = 0",
                0);
    }

    private void update(String sql, long... values) throws SQLException {
        try (PreparedStatement statement = records.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) {
                statement.setLong(i + 1, values[i]);
            }
            statement.executeUpdate();
        }
    }

    private long[] query(String sql, long value) throws SQLException {
        try (PreparedStatement statement = records.prepareStatement(sql)) {
            statement.setLong(1, value);
            try (ResultSet row = statement.executeQuery()) {
                long[] columns = new long[row.getMetaData().getColumnCount()];
                if (row.next()) {
                    for (int i = 0; i < columns.length; i++) {
                        columns[i] = row.getLong(i + 1);
                    }
                }
                return columns;
            }
        }
    }
}
