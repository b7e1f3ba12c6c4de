package io.lockstep.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.internal.database.DatabaseType;
import org.flywaydb.core.internal.database.h2.H2DatabaseType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Flyway with a Lockstep URL and nothing else said. */
@Timeout(60)
class LockstepDatabaseTypeTest {
    @Test
    void takesOurUrlsAndLeavesThoseOfH2() {
        DatabaseType ours = new LockstepDatabaseType();
        DatabaseType h2s = new H2DatabaseType();

        assertThat(ours.handlesJDBCUrl("jdbc:lockstep://host/db")).isTrue();
        assertThat(h2s.handlesJDBCUrl("jdbc:lockstep://host/db")).isFalse();
        assertThat(ours.handlesJDBCUrl("jdbc:h2:mem:db")).isFalse();
    }

    @Test
    void flywayMigratesThroughOurUrl() throws Exception {
        try (SqlServer server = new SqlServer(new EngineSessions())) {
            Flyway flyway = Flyway.configure()
                    .dataSource(server.url(), "app", "app")
                    .locations("classpath:migrations")
                    .load();

            assertThat(flyway.migrate().migrationsExecuted).isEqualTo(1);
            assertThat(flyway.migrate().migrationsExecuted).isZero();

            try (Connection connection = DriverManager.getConnection(server.url(), "app", "app");
                    Statement statement = connection.createStatement();
                    ResultSet rows = statement.executeQuery("SELECT BALANCE FROM ACCOUNT WHERE ID = 1")) {
                assertThat(rows.next()).isTrue();
                assertThat(rows.getInt(1)).isEqualTo(100);
            }
        }
    }
}
