package io.lockstep.jdbc;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * What a transaction costs the application's thread in the driver, socket included: processor time, allocation and
 * messages. Prints what {@code docs/performance.md} says. Run by hand; one thread asks.
 */
final class DriverFigures {
    private static final int ACCOUNTS = 100_000;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private DriverFigures() {}

    /** One transaction. */
    private interface Unit {
        void run() throws SQLException;
    }

    /**
     * Prints the figures.
     *
     * @param args transactions of a round, rounds; both may be left out
     */
    public static void main(String[] args) throws SQLException {
        int transactions = args.length > 0 ? Integer.parseInt(args[0]) : 20_000;
        int rounds = args.length > 1 ? Integer.parseInt(args[1]) : 4;
        try (SqlServer server = new SqlServer(new EngineSessions());
                Connection connection = DriverManager.getConnection(server.url(), "app", "app")) {
            create(connection);
            for (int round = 0; round < rounds; round++) {
                measure(connection, transactions, server);
            }
        }
    }

    private static void create(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("CREATE TABLE account(id INT PRIMARY KEY, balance BIGINT NOT NULL, filler CHAR(80))");
            statement.execute("CREATE TABLE history(id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account INT,"
                    + " delta BIGINT, at TIMESTAMP)");
            statement.execute("INSERT INTO account SELECT x, 0, 'filler' FROM SYSTEM_RANGE(1, " + ACCOUNTS + ")");
        }
    }

    private static void measure(Connection connection, int transactions, SqlServer server) throws SQLException {
        SplittableRandom random = new SplittableRandom(1);
        try (PreparedStatement update =
                        connection.prepareStatement("UPDATE account SET balance = balance + ? WHERE id = ?");
                PreparedStatement select = connection.prepareStatement("SELECT balance FROM account WHERE id = ?");
                PreparedStatement insert = connection.prepareStatement(
                        "INSERT INTO history(account, delta, at) VALUES (?, ?, CURRENT_TIMESTAMP)")) {
            Unit change = () -> {
                update.setLong(1, 1);
                update.setInt(2, 1 + random.nextInt(ACCOUNTS));
                update.executeUpdate();
            };
            Unit read = () -> {
                select.setInt(1, 1 + random.nextInt(ACCOUNTS));
                try (ResultSet rows = select.executeQuery()) {
                    rows.next();
                }
            };
            connection.setAutoCommit(false);
            measure("w1", transactions, server, () -> {
                change.run();
                read.run();
                change.run();
                change.run();
                insert.setInt(1, 1);
                insert.setLong(2, 1);
                insert.executeUpdate();
                connection.commit();
            });
            connection.setAutoCommit(true);
            measure("w2", transactions, server, change);
            measure("w3", transactions, server, read);
        }
    }

    private static void measure(String what, int transactions, SqlServer server, Unit unit) throws SQLException {
        final int ordered = server.ordered.get();
        final int reads = server.reads.get();
        final long bytes = THREADS.getCurrentThreadAllocatedBytes();
        final long cpuNs = THREADS.getCurrentThreadCpuTime();
        final long userNs = THREADS.getCurrentThreadUserTime();
        for (int i = 0; i < transactions; i++) {
            unit.run();
        }
        long userUsedNs = THREADS.getCurrentThreadUserTime() - userNs;
        long usedNs = THREADS.getCurrentThreadCpuTime() - cpuNs;
        System.out.printf(
                Locale.ROOT,
                "%s: %6.2f us (%.2f in the kernel), %,7d bytes, %.2f ordered messages and %.2f reads a transaction%n",
                what,
                usedNs / 1e3 / transactions,
                (usedNs - userUsedNs) / 1e3 / transactions,
                (THREADS.getCurrentThreadAllocatedBytes() - bytes) / transactions,
                (server.ordered.get() - ordered) / (double) transactions,
                (server.reads.get() - reads) / (double) transactions);
    }
}
