package io.lockstep.tests.clients;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import liquibase.Contexts;
import liquibase.Liquibase;
import liquibase.change.Change;
import liquibase.change.core.TagDatabaseChange;
import liquibase.changelog.ChangeSet;
import liquibase.changelog.DatabaseChangeLog;
import liquibase.changelog.visitor.AbstractChangeExecListener;
import liquibase.database.DatabaseFactory;
import liquibase.database.jvm.JdbcConnection;
import liquibase.resource.ClassLoaderResourceAccessor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** Liquibase, which goes by the name of the product. */
@Timeout(300)
@ExtendWith(RunningDatabase.class)
class LiquibaseIT {
    @Test
    void aChangeSetGoesOnWhenTheActiveIsKilled(Database database) throws Exception {
        List<String> failures = new ArrayList<>();
        try (Connection connection = database.connect()) {
            Liquibase liquibase = new Liquibase(
                    "changes/changelog.yaml",
                    new ClassLoaderResourceAccessor(),
                    DatabaseFactory.getInstance().findCorrectDatabaseImplementation(new JdbcConnection(connection)));
            liquibase.setChangeExecListener(new AbstractChangeExecListener() {
                @Override
                public void willRun(
                        Change change, ChangeSet set, DatabaseChangeLog log, liquibase.database.Database target) {
                    if (change instanceof TagDatabaseChange) {
                        database.killActive();
                    }
                }

                @Override
                public void runFailed(
                        ChangeSet set, DatabaseChangeLog log, liquibase.database.Database target, Exception failure) {
                    failures.add(set + ": " + failure);
                }
            });
            liquibase.update(new Contexts());
            assertThat(liquibase.listUnrunChangeSets(new Contexts(), new liquibase.LabelExpression()))
                    .isEmpty();
        }
        assertThat(failures).isEmpty();
        assertThat(database.rows("SELECT ID, EXECTYPE FROM DATABASECHANGELOG ORDER BY ORDEREXECUTED"))
                .containsExactly("accounts EXECUTED", "transfer EXECUTED");
        assertThat(database.rows("SELECT LOCKED FROM DATABASECHANGELOGLOCK")).containsExactly("false");
        assertThat(database.rows("SELECT ID, BALANCE FROM ACCOUNT ORDER BY ID")).containsExactly("1 70", "2 130");
        assertThat(database.rows("SELECT ID, ACCOUNT, AMOUNT FROM POSTING ORDER BY ID"))
                .containsExactly("1 1 -30", "2 2 30");
    }
}
