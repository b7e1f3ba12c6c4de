package io.lockstep.tests;

import static io.lockstep.tests.TestCluster.LIMIT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.lockstep.distributor.LockstepClient;
import io.lockstep.jdbc.LockstepConnection;
import io.lockstep.server.ClusterStatus;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** JDBC against real processes, whose active is ended by SIGKILL (rows 13, 14, 67, 88). */
@Timeout(value = 4, unit = TimeUnit.MINUTES)
class SqlIT {
    @TempDir
    private static Path folder;

    private static TestCluster cluster;
    private static LockstepClient auditor;

    @BeforeAll
    static void start() {
        cluster = TestCluster.start(TestCluster.plan(folder, "prepaid-calls"));
        auditor = cluster.client("auditor");
    }

    @AfterAll
    static void stop() {
        auditor.close();
        cluster.close();
    }

    @BeforeEach
    void begin() throws SQLException {
        cluster.allInSync();
        try (Connection connection = connect()) {
            run(
                    connection,
                    "DROP TABLE IF EXISTS T",
                    "CREATE TABLE T(ID INT PRIMARY KEY, V INT)",
                    "INSERT INTO T SELECT X, 0 FROM SYSTEM_RANGE(1, 3000)");
        }
    }

    /** Its socket lives on for other connections, so that nothing but its own word tells that it is gone. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whoIsGivenUpWhileItWaitsLetsGoOfWhatItHas(boolean isAborted) throws Exception {
        try (Connection holder = connect();
                Connection other = connect()) {
            Connection waiter = connect();
            for (Connection each : List.of(holder, waiter)) {
                each.setAutoCommit(false);
            }
            run(holder, "UPDATE T SET V = 1 WHERE ID = 1");
            run(waiter, "UPDATE T SET V = 1 WHERE ID = 2");
            CompletableFuture<Void> waits = new CompletableFuture<>();
            Thread asking = new Thread(() -> {
                try {
                    run(waiter, "UPDATE T SET V = 2 WHERE ID = 1");
                    waits.complete(null);
                } catch (SQLException e) {
                    waits.completeExceptionally(e);
                }
            });
            asking.start();
            await().atMost(LIMIT).until(() -> Arrays.stream(asking.getStackTrace())
                    .anyMatch(frame -> frame.getMethodName().equals("await")));
            run(other, "UPDATE T SET V = 9 WHERE ID = 3"); // on the same connection, so that it comes after
            if (isAborted) {
                waiter.abort(Runnable::run);
            } else {
                waiter.close();
            }
            assertThat(waits).failsWithin(LIMIT);
            run(other, "SET LOCK_TIMEOUT 15000", "UPDATE T SET V = 3 WHERE ID = 2");
            holder.rollback();
        }
    }

    private static Connection connect() throws SQLException {
        return DriverManager.getConnection(
                cluster.processes().jdbcUrl() + "&connectTimeout=" + LIMIT.toSeconds(), "app", "app");
    }

    private static void run(Connection connection, String... statements) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    private static long one(Connection connection, String query) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(query)) {
            rows.next();
            return rows.getLong(1);
        }
    }

    @Test
    void theStatusCountsWhatWasRefusedAndWhy() throws SQLException {
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            assertThatThrownBy(() -> statement.execute("CALL DATABASE_PATH()")).isInstanceOf(SQLException.class);
        }
        await().atMost(LIMIT).untilAsserted(() -> {
            ClusterStatus.SqlStatus sql =
                    cluster.processes().status().activeNode().orElseThrow().sql();
            assertThat(sql).isNotNull();
            assertThat(sql.statements()).isGreaterThan(1);
            assertThat(sql.refused()).containsEntry("DATABASE_PATH would not be equal on all nodes", 1L);
        });
    }

    /** Only while a backup is in sync: with none, nobody could take over. */
    private static void killActive() {
        cluster.allInSync();
        cluster.active().kill();
    }

    /** Something that may fail as JDBC does. */
    private interface Work {
        void run() throws SQLException;
    }

    private static CompletableFuture<Void> inBackground(Work work) {
        return CompletableFuture.runAsync(() -> {
            try {
                work.run();
            } catch (SQLException e) {
                throw new AssertionError(e);
            }
        });
    }

    @Test
    void aTransactionGoesOnWhenTheActiveIsKilledBetweenItsStatements() throws SQLException {
        try (Connection connection = connect()) {
            connection.setAutoCommit(false);
            run(connection, "UPDATE T SET V = V + 1 WHERE ID <= 10", "SAVEPOINT S", "DELETE FROM T WHERE ID > 5");
            killActive();
            run(connection, "ROLLBACK TO SAVEPOINT S", "UPDATE T SET V = V + 1 WHERE ID = 1");
            connection.commit();
            assertThat(one(connection, "SELECT SUM(V) FROM T")).isEqualTo(11);
            assertThat(connection.unwrap(LockstepConnection.class).takeoversSurvived())
                    .isOne();
            cluster.equalEverywhere(auditor);
        }
    }

    @Test
    void aResultGoesOnWhenTheActiveIsKilledInItsMiddle() throws SQLException {
        try (Connection connection = connect()) {
            connection.setAutoCommit(false);
            run(connection, "UPDATE T SET V = ID");
            try (Statement statement = connection.createStatement()) {
                statement.setFetchSize(100);
                ResultSet rows = statement.executeQuery("SELECT ID, V FROM T ORDER BY ID");
                for (int id = 1; id <= 3_000; id++) {
                    if (id == 1_234) {
                        killActive();
                    }
                    assertThat(rows.next()).isTrue();
                    assertThat(rows.getInt(2)).isEqualTo(id);
                }
                assertThat(rows.next()).isFalse();
            }
            connection.rollback();
            assertThat(one(connection, "SELECT SUM(V) FROM T")).isZero();
            cluster.equalEverywhere(auditor);
        }
    }

    @Test
    void aBatchCountsOnceWhenTheActiveIsKilledInItsMiddle() throws Exception {
        try (Connection connection = connect()) {
            connection.setAutoCommit(false);
            CompletableFuture<Void> batch = inBackground(() -> {
                try (PreparedStatement update = connection.prepareStatement("UPDATE T SET V = V + 1 WHERE ID = ?")) {
                    for (int round = 0; round < 4; round++) {
                        for (int id = 1; id <= 3_000; id++) {
                            update.setInt(1, id);
                            update.addBatch();
                        }
                        assertThat(update.executeBatch()).hasSize(3_000).containsOnly(1);
                    }
                }
            });
            killActive();
            batch.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
            connection.commit();
            assertThat(one(connection, "SELECT SUM(V) FROM T")).isEqualTo(12_000);
            cluster.equalEverywhere(auditor);
        }
    }

    @Test
    void eachCommitCountsOnceWhenTheActiveIsKilledBeforeItAnswers() throws Exception {
        try (Connection connection = connect()) {
            connection.setAutoCommit(false);
            CompletableFuture<Void> commits = inBackground(() -> {
                for (int i = 0; i < 500; i++) {
                    run(connection, "UPDATE T SET V = V + 1 WHERE ID = 7");
                    connection.commit();
                }
            });
            killActive();
            commits.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
            assertThat(one(connection, "SELECT V FROM T WHERE ID = 7")).isEqualTo(500);
            cluster.equalEverywhere(auditor);
        }
    }

    @Test
    void whoWaitsForALockGetsItAtTheNextActive() throws Exception {
        try (Connection holder = connect();
                Connection waiter = connect()) {
            holder.setAutoCommit(false);
            waiter.setAutoCommit(false);
            run(waiter, "SET LOCK_TIMEOUT 60000");
            run(holder, "UPDATE T SET V = 5 WHERE ID = 1");
            CompletableFuture<Void> waiting = inBackground(() -> run(waiter, "UPDATE T SET V = V * 2 WHERE ID = 1"));
            run(holder, "UPDATE T SET V = 6 WHERE ID = 2");
            killActive();
            assertThat(one(holder, "SELECT SUM(V) FROM T")).isEqualTo(11);
            assertThat(waiting).isNotDone();
            holder.commit();
            waiting.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
            waiter.commit();
            assertThat(one(holder, "SELECT V FROM T WHERE ID = 1")).isEqualTo(10);
            cluster.equalEverywhere(auditor);
        }
    }
}
