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
import org.h2.tools.Server;

/**
 * What a transaction costs the application's thread in the driver, socket included, beside H2's own driver: processor time,
 * allocation and messages. Prints what {@code docs/performance.md} says. Run by hand; one thread asks.
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
                measure("lockstep", connection, transactions, server);
            }
        }
        Server h2 = Server.createTcpServer("-tcpPort", "0", "-ifNotExists").start();
        try (Connection connection =
                DriverManager.getConnection("jdbc:h2:tcp://127.0.0.1:" + h2.getPort() + "/mem:figures", "sa", "")) {
            create(connection);
            for (int round = 0; round < rounds; round++) {
                measure("h2", connection, transactions, null);
            }
        } finally {
            h2.stop();
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

    private static void measure(
            String who, Connection connection, int transactions, @org.jspecify.annotations.Nullable SqlServer server)
            throws SQLException {
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
            measure(who, "w1", transactions, server, () -> {
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
            measure(who, "w2", transactions, server, change);
            measure(who, "w3", transactions, server, read);
        }
    }

    private static void measure(
            String who, String what, int transactions, @org.jspecify.annotations.Nullable SqlServer server, Unit unit)
            throws SQLException {
        int ordered = server == null ? 0 : server.ordered.get();
        int reads = server == null ? 0 : server.reads.get();
        long bytes = THREADS.getCurrentThreadAllocatedBytes();
        long cpuNs = THREADS.getCurrentThreadCpuTime();
        long userNs = THREADS.getCurrentThreadUserTime();
        for (int i = 0; i < transactions; i++) {
            unit.run();
        }
        userNs = THREADS.getCurrentThreadUserTime() - userNs;
        cpuNs = THREADS.getCurrentThreadCpuTime() - cpuNs;
        bytes = THREADS.getCurrentThreadAllocatedBytes() - bytes;
        System.out.printf(
                Locale.ROOT,
                "%-8s %s: %6.2f us (%.2f in the kernel), %,7d bytes a transaction",
                who,
                what,
                cpuNs / 1e3 / transactions,
                (cpuNs - userNs) / 1e3 / transactions,
                bytes / transactions);
        if (server != null) {
            System.out.printf(
                    Locale.ROOT,
                    "; %.2f ordered messages, %.2f reads",
                    (server.ordered.get() - ordered) / (double) transactions,
                    (server.reads.get() - reads) / (double) transactions);
        }
        System.out.println();
    }
}
