package io.lockstep.tests.clients;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import java.sql.Statement;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.migration.BaseJavaMigration;
import org.flywaydb.core.api.migration.Context;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** Flyway, which finds its plugin in the driver's jar. */
@Timeout(300)
@ExtendWith(RunningDatabase.class)
class FlywayIT {
    /** The second migration: a transfer, in the middle of which the active dies. */
    static final class V2__transfer extends BaseJavaMigration {
        private final Database database;

        V2__transfer(Database database) {
            this.database = database;
        }

        @Override
        public void migrate(Context context) throws SQLException {
            try (Statement statement = context.getConnection().createStatement()) {
                statement.executeUpdate("UPDATE ACCOUNT SET BALANCE = BALANCE - 30 WHERE ID = 1");
                statement.executeUpdate("INSERT INTO POSTING(ACCOUNT, AMOUNT) VALUES (1, -30)");

                database.killActive();

                statement.executeUpdate("UPDATE ACCOUNT SET BALANCE = BALANCE + 30 WHERE ID = 2");
                statement.executeUpdate("INSERT INTO POSTING(ACCOUNT, AMOUNT) VALUES (2, 30)");
            }
        }
    }

    @Test
    void aMigrationGoesOnWhenTheActiveIsKilled(Database database) throws Exception {
        Flyway flyway = Flyway.configure()
                .dataSource(database.url(), Database.USER, Database.PASSWORD)
                .locations("classpath:migrations")
                .javaMigrations(new V2__transfer(database))
                .load();

        var result = flyway.migrate();

        assertThat(result.success).isTrue();
        assertThat(result.migrationsExecuted).isEqualTo(2);
        assertThat(flyway.validateWithResult().validationSuccessful).isTrue();
        assertThat(database.rows("SELECT \"version\", \"success\" FROM \"flyway_schema_history\""
                        + " WHERE \"version\" IS NOT NULL ORDER BY \"installed_rank\""))
                .containsExactly("1 true", "2 true");
        assertThat(database.rows("SELECT ID, BALANCE FROM ACCOUNT ORDER BY ID")).containsExactly("1 70", "2 130");
        assertThat(database.rows("SELECT ID, ACCOUNT, AMOUNT FROM POSTING ORDER BY ID"))
                .containsExactly("1 1 -30", "2 2 30");
    }
}
