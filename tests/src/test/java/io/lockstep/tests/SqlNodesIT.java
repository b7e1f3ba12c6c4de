package io.lockstep.tests;

import static io.lockstep.tests.TestCluster.LIMIT;
import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.distributor.LockstepClient;
import io.lockstep.jdbc.LockstepConnection;
import io.lockstep.server.ChildProcess;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** JDBC with the nodes themselves: no distributor runs, and the active is ended by SIGKILL in mid-transaction. */
@Timeout(value = 4, unit = TimeUnit.MINUTES)
class SqlNodesIT {
    @TempDir
    private Path folder;

    @Test
    void transactionsGoOnAtTheNextNodeWithoutAnyDistributor() throws Exception {
        // Three nodes are an odd number of voters by themselves.
        try (TestCluster cluster =
                TestCluster.start(TestCluster.plan(folder, "prepaid-calls").withBackups(2))) {
            ChildProcess active = cluster.active();
            ChildProcess distributor = cluster.processes().distributors().get(0);
            distributor.kill();
            distributor.onExit().join();
            try (Connection connection = connect(cluster);
                    Connection waiter = connect(cluster)) {
                LockstepConnection ours = connection.unwrap(LockstepConnection.class);
                assertThat(ours.active()).isEqualTo(active.name());
                run(connection, "CREATE TABLE T(ID INT PRIMARY KEY, V INT)");
                run(connection, "INSERT INTO T SELECT X, 0 FROM SYSTEM_RANGE(1, 1000)");
                connection.setAutoCommit(false);
                waiter.setAutoCommit(false);
                run(waiter, "SET LOCK_TIMEOUT 60000");
                run(connection, "UPDATE T SET V = V + 1 WHERE ID <= 10", "SAVEPOINT S", "DELETE FROM T WHERE ID > 5");
                CompletableFuture<Void> waiting = CompletableFuture.runAsync(() -> changeLater(waiter));
                try (Statement statement = connection.createStatement()) {
                    statement.setFetchSize(10);
                    run(connection, "ROLLBACK TO SAVEPOINT S");
                    ResultSet rows = statement.executeQuery("SELECT ID FROM T ORDER BY ID");
                    for (int id = 1; id <= 1_000; id++) {
                        if (id == 500) {
                            active.kill();
                        }
                        assertThat(rows.next()).isTrue();
                        assertThat(rows.getInt(1)).isEqualTo(id);
                    }
                }
                run(connection, "UPDATE T SET V = V + 1 WHERE ID = 1");
                assertThat(waiting).isNotDone();
                connection.commit();
                waiting.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
                waiter.commit();
                assertThat(sum(connection)).isEqualTo(10 + 1 + 100);
                assertThat(ours.takeoversSurvived()).isOne();
                assertThat(ours.active()).isNotEqualTo(active.name());
            }
            distributor.restart(LIMIT);
            cluster.allInSync();
            try (LockstepClient auditor = cluster.client("auditor")) {
                cluster.equalEverywhere(auditor);
            }
        }
    }

    private static Connection connect(TestCluster cluster) throws SQLException {
        return DriverManager.getConnection(
                cluster.processes().jdbcUrlOfNodes() + "&connectTimeout=" + LIMIT.toSeconds(), "app", "app");
    }

    private static void changeLater(Connection waiter) {
        try (PreparedStatement update = waiter.prepareStatement("UPDATE T SET V = V + 100 WHERE ID = ?")) {
            update.setInt(1, 1);
            assertThat(update.executeUpdate()).isOne();
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    private static long sum(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT SUM(V) FROM T")) {
            rows.next();
            return rows.getLong(1);
        }
    }

    private static void run(Connection connection, String... statements) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }
}
