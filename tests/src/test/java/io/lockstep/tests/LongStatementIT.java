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
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Real processes whose lane is held for seconds, or would be for ever, or whose heap a statement would fill (row 62). */
@Timeout(value = 6, unit = TimeUnit.MINUTES)
class LongStatementIT {
    private static final int ROWS = 100_000;
    private static final String ENDLESS = "SYSTEM_RANGE(1, 1000000) A, SYSTEM_RANGE(1, 1000000) B";

    @TempDir
    private static Path folder;

    private static TestCluster cluster;
    private static LockstepClient auditor;

    @BeforeAll
    static void start() throws SQLException {
        cluster = TestCluster.start(TestCluster.plan(folder, "prepaid-calls")
                .withHeapMebibytes(256)
                .withSettings(Map.of("statement-limit", "30s")));
        auditor = cluster.client("auditor");
        try (Connection connection = connect()) {
            run(
                    connection,
                    "CREATE TABLE T(ID INT PRIMARY KEY, V BIGINT)",
                    "INSERT INTO T SELECT X, 0 FROM SYSTEM_RANGE(1, " + ROWS + ")",
                    "CREATE SEQUENCE S");
        }
    }

    @AfterAll
    static void stop() {
        auditor.close();
        cluster.close();
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

    /** Asks for it on another thread. */
    private static CompletableFuture<Integer> inBackground(Statement statement, String sql) {
        return CompletableFuture.supplyAsync(() -> {
            try {
                return statement.executeUpdate(sql);
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        });
    }

    private static void awaitTold(String text) {
        await().atMost(LIMIT).until(() -> cluster.processes()
                .status()
                .activeNode()
                .map(each -> String.valueOf(each.reason()).contains(text))
                .orElse(false));
    }

    private static int codeOf(Throwable failure) {
        Throwable cause = failure;
        while (cause != null) {
            if (cause instanceof SQLException sql) {
                return sql.getErrorCode();
            }
            cause = cause.getCause();
        }
        return 0;
    }

    @Test
    void whileAStatementHoldsTheLaneNobodyIsSuspectedAndTheStatusTellsIt() throws Exception {
        cluster.allInSync();
        long term = cluster.processes().status().term();
        try (Connection connection = connect();
                Connection reader = connect();
                Statement statement = connection.createStatement()) {
            CompletableFuture<Integer> update = inBackground(
                    statement,
                    "UPDATE T SET V = (SELECT COUNT(*) FROM SYSTEM_RANGE(1, 200) R WHERE R.X <= T.ID) WHERE ID <= 20000");
            awaitTold("UPDATE T SET V =");
            ClusterStatus.NodeStatus told =
                    cluster.processes().status().activeNode().orElseThrow();
            assertThat(told.reason()).contains("executing since", "session", "request");
            assertThat(told.inSync()).isTrue();
            assertThat(update).succeedsWithin(LIMIT);
            assertThat(one(reader, "SELECT COUNT(*) FROM T WHERE V > 0")).isEqualTo(20_000);
            cluster.equalEverywhere(auditor);
        }
        assertThat(cluster.processes().status().term()).isEqualTo(term);
    }

    @Test
    void aCrossJoinThatNeverEndsIsEndedByItsClientOrByTheDatabase() throws Exception {
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            run(connection, "UPDATE T SET V = -1 WHERE ID = 1");
            CompletableFuture<Integer> pending =
                    inBackground(statement, "INSERT INTO T SELECT -NEXT VALUE FOR S, 1 FROM " + ENDLESS);
            awaitTold("INSERT INTO T SELECT");
            statement.cancel();
            assertThat(pending).failsWithin(LIMIT).withThrowableThat().satisfies(e -> assertThat(codeOf(e))
                    .isEqualTo(57014));
            statement.setQueryTimeout(1);
            for (String sql : List.of(
                    "SELECT COUNT(*) FROM " + ENDLESS,
                    "DELETE FROM T WHERE ID IN (SELECT A.X FROM " + ENDLESS + " WHERE A.X + B.X < 0)")) {
                assertThatThrownBy(() -> statement.execute(sql))
                        .satisfies(e -> assertThat(codeOf(e)).isEqualTo(57014));
            }
            statement.setQueryTimeout(0);
            assertThatThrownBy(() -> statement.execute("SELECT COUNT(*) FROM " + ENDLESS))
                    .hasMessageContaining("statement-limit")
                    .hasMessageContaining("30000 ms");
            assertThat(one(connection, "SELECT V FROM T WHERE ID = 1")).isEqualTo(-1);
            connection.rollback();
            cluster.equalEverywhere(auditor);
        }
    }

    @Test
    void aStatementThatWouldFillTheHeapIsEndedAndItsTransactionGoesOn() throws Exception {
        cluster.allInSync();
        long term = cluster.processes().status().term();
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            run(connection, "UPDATE T SET V = -2 WHERE ID = 2");
            String grouped = "SELECT A.X AS A, B.X AS B, COUNT(*) FROM " + ENDLESS + " GROUP BY A.X, B.X";
            for (String sql : List.of(
                    "SELECT COUNT(*) FROM (" + grouped + ")",
                    "INSERT INTO T SELECT -NEXT VALUE FOR S, 1 FROM (" + grouped + ")",
                    "SELECT A.X, B.X FROM " + ENDLESS + " ORDER BY B.X, A.X")) {
                assertThatThrownBy(() -> statement.execute(sql)).as(sql).satisfies(e -> assertThat(codeOf(e))
                        .isEqualTo(53200));
            }
            assertThat(one(connection, "SELECT V FROM T WHERE ID = 2")).isEqualTo(-2);
            connection.rollback();
            cluster.equalEverywhere(auditor);
        }
        assertThat(cluster.processes().status().term()).isEqualTo(term);
        assertThat(cluster.fallen()).isEmpty();
    }

    @Test
    void aStatementThatRunsWhenTheActiveIsKilledCountsOnce() throws Exception {
        cluster.allInSync();
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            run(connection, "UPDATE T SET V = 5 WHERE ID = 3");
            CompletableFuture<Integer> update = inBackground(
                    statement,
                    "UPDATE T SET V = V + (SELECT COUNT(*) FROM SYSTEM_RANGE(1, 200) R WHERE R.X <= 200 + T.ID)"
                            + " WHERE ID BETWEEN 50001 AND 70000");
            awaitTold("UPDATE T SET V = V +");
            cluster.active().kill();
            assertThat(update).succeedsWithin(LIMIT).isEqualTo(20_000);
            connection.commit();
            assertThat(one(connection, "SELECT SUM(V) FROM T WHERE ID BETWEEN 50001 AND 70000"))
                    .isEqualTo(20_000 * 200);
            assertThat(one(connection, "SELECT V FROM T WHERE ID = 3")).isEqualTo(5);
            assertThat(connection.unwrap(LockstepConnection.class).takeoversSurvived())
                    .isOne();
            cluster.equalEverywhere(auditor);
        }
    }
}
