package io.lockstep.tests.clients;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import io.lockstep.jdbc.LockstepConnection;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.core.io.ClassPathResource;
import org.springframework.jdbc.core.ConnectionCallback;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.simple.SimpleJdbcInsert;
import org.springframework.jdbc.datasource.init.ResourceDatabasePopulator;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/** Spring's templates over HikariCP, which is told the URL, user and password and nothing else. */
@Timeout(300)
@ExtendWith(RunningDatabase.class)
class SpringIT {
    @Test
    void aTransactionGoesOnWhenTheActiveIsKilledAndThePoolLosesNoConnection(Database database) throws Exception {
        try (HikariDataSource pool = pool(database)) {
            new ResourceDatabasePopulator(new ClassPathResource("accounts.sql")).execute(pool);
            JdbcTemplate jdbc = new JdbcTemplate(pool);
            TransactionTemplate transaction = new TransactionTemplate(new JdbcTransactionManager(pool));
            List<Connection> before = allConnections(pool);

            transaction.executeWithoutResult(status -> {
                assertThat(jdbc.queryForObject("SELECT BALANCE FROM ACCOUNT WHERE ID = 1 FOR UPDATE", Integer.class))
                        .isEqualTo(100);
                assertThat(jdbc.update("UPDATE ACCOUNT SET BALANCE = BALANCE - ? WHERE ID = ?", 30, 1))
                        .isEqualTo(1);
                Object savepoint = status.createSavepoint();
                assertThat(post(jdbc, 1, -99)).isEqualTo(1);

                database.killActive();

                status.rollbackToSavepoint(savepoint);
                assertThat(post(jdbc, 1, -30)).isEqualTo(2);
                assertThat(jdbc.batchUpdate(
                                "UPDATE ACCOUNT SET BALANCE = BALANCE + ? WHERE ID = ?",
                                List.of(new Object[] {10, 2}, new Object[] {20, 2})))
                        .containsExactly(1, 1);
                assertThat(post(jdbc, 2, 30)).isEqualTo(3);
                assertThat(jdbc.execute((ConnectionCallback<Integer>) connection ->
                                connection.unwrap(LockstepConnection.class).takeoversSurvived()))
                        .isEqualTo(1);
            });

            assertThat(allConnections(pool)).containsExactlyInAnyOrderElementsOf(before);
        }
        assertThat(database.rows("SELECT ID, BALANCE FROM ACCOUNT ORDER BY ID")).containsExactly("1 70", "2 130");
        assertThat(database.rows("SELECT ID, ACCOUNT, AMOUNT FROM POSTING ORDER BY ID"))
                .containsExactly("2 1 -30", "3 2 30");
    }

    private static HikariDataSource pool(Database database) {
        HikariDataSource pool = new HikariDataSource();
        pool.setJdbcUrl(database.url());
        pool.setUsername(Database.USER);
        pool.setPassword(Database.PASSWORD);
        return pool;
    }

    private static long post(JdbcTemplate jdbc, int account, int amount) {
        return new SimpleJdbcInsert(jdbc)
                .withTableName("POSTING")
                .usingColumns("ACCOUNT", "AMOUNT")
                .usingGeneratedKeyColumns("ID")
                .executeAndReturnKey(java.util.Map.of("ACCOUNT", account, "AMOUNT", amount))
                .longValue();
    }

    /** Every connection of the pool at once; each answers a question. */
    private static List<Connection> allConnections(HikariDataSource pool) throws Exception {
        List<Connection> proxies = new ArrayList<>();
        try {
            List<Connection> ours = new ArrayList<>();
            for (int i = 0; i < pool.getMaximumPoolSize(); i++) {
                Connection connection = pool.getConnection();
                proxies.add(connection);
                try (var statement = connection.createStatement();
                        var rows = statement.executeQuery("SELECT COUNT(*) FROM ACCOUNT")) {
                    assertThat(rows.next()).isTrue();
                    assertThat(rows.getInt(1)).isEqualTo(2);
                }
                ours.add(requireNonNull(connection.unwrap(LockstepConnection.class)));
            }
            return ours;
        } finally {
            for (Connection connection : proxies) {
                connection.close();
            }
        }
    }
}
