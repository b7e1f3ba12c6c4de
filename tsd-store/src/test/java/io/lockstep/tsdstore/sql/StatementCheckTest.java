package io.lockstep.tsdstore.sql;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.sqlwire.SqlOutcome;
import io.lockstep.tsdstore.sql.StatementCheck.Finding;
import io.lockstep.tsdstore.sql.StatementCheck.Verdict;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What is said of a script before anybody runs it. */
class StatementCheckTest {
    private final StatementCheck check = new StatementCheck(SqlConfig.DEFAULT);

    @AfterEach
    void close() {
        check.close();
    }

    @Test
    void judgesEachStatementAgainstTheDefinitionsBeforeIt() {
        assertThat(verdicts("""
                -- a comment; with a semicolon
                CREATE TABLE t(id INT PRIMARY KEY, "odd ; name" VARCHAR);
                INSERT INTO t VALUES(?, 'a;b'); /* nothing ; more */
                SELECT * FROM t WHERE id = ?;
                SELECT $$ ; $$;
                SELECT * FROM u;
                CREATE VIEW u AS SELECT id FROM t;
                SELECT * FROM u
                """))
                .containsExactly(
                        "2 PROTECTED",
                        "3 PROTECTED",
                        "4 PROTECTED",
                        "5 PROTECTED",
                        "6 INVALID",
                        "7 PROTECTED",
                        "8 PROTECTED");
    }

    @Test
    void saysWhyAndWhereSomethingIsRefused() {
        List<Finding> findings = findings("""
                CREATE TABLE t(id INT);

                -- what a node could not do alike
                INSERT INTO t
                VALUES(SESSION_ID());
                CREATE ALIAS f AS 'int f() { return 1; }';
                SHUTDOWN;
                SELECT _ROWID_ FROM t;
                """);
        assertThat(findings).extracting(Finding::line).containsExactly(1, 4, 6, 7, 8);
        assertThat(findings.get(1).verdict()).isEqualTo(Verdict.REFUSED);
        assertThat(findings.get(1).reason()).isEqualTo("SESSION_ID would not be equal on all nodes");
        assertThat(findings.get(1).statement()).isEqualTo("INSERT INTO t VALUES(SESSION_ID())");
        assertThat(findings.get(2).reason()).startsWith("CREATE ALIAS");
        assertThat(findings.get(3).reason()).isEqualTo("SHUTDOWN reaches beyond the database");
        assertThat(findings.get(4).verdict()).isEqualTo(Verdict.REFUSED);
    }

    @Test
    void knowsTheClassesThatTheDatabaseIsToHave() {
        String script = """
                CREATE TABLE t(id INT);
                CREATE ALIAS twice DETERMINISTIC FOR 'io.lockstep.tsdstore.sql.Methods.twice';
                CREATE AGGREGATE product FOR 'io.lockstep.tsdstore.sql.Product';
                CREATE TRIGGER audit AFTER INSERT ON t CALL 'io.lockstep.tsdstore.sql.Audit';
                SELECT product(twice(id)) FROM t;
                CREATE ALIAS f AS 'int f() { return 1; }';
                CREATE ALIAS g FOR 'java.lang.Math.abs';
                """;
        try (StatementCheck listed = new StatementCheck(ClassesTest.CONFIG)) {
            List<Finding> findings = new ArrayList<>();
            listed.check(new StringReader(script), findings::add);
            assertThat(findings)
                    .extracting(Finding::verdict)
                    .containsExactly(
                            Verdict.PROTECTED,
                            Verdict.PROTECTED,
                            Verdict.PROTECTED,
                            Verdict.PROTECTED,
                            Verdict.PROTECTED,
                            Verdict.REFUSED,
                            Verdict.REFUSED);
        }
        List<Finding> findings = findings(script);
        assertThat(findings.subList(1, 4))
                .allMatch(each -> each.verdict() == Verdict.REFUSED
                        && each.reason().contains("is not in the setting databases.NAME.classes"));
    }

    @Test
    void goesOnBehindWhatItDoesNotUnderstand() {
        List<Finding> findings = findings("SELEC 1;\nSELECT 1;\nSELECT 'never closed");
        assertThat(findings)
                .extracting(Finding::verdict)
                .containsExactly(Verdict.INVALID, Verdict.PROTECTED, Verdict.INVALID);
        assertThat(findings.get(0).reason()).contains("Syntax error");
        assertThat(findings.get(2).line()).isEqualTo(3);
    }

    @Test
    void namesWhatH2DoesWrongOnAllNodesAlike() {
        List<Finding> findings = findings("""
                CREATE TABLE parent(id INT PRIMARY KEY);
                CREATE TABLE child(id INT PRIMARY KEY, parent_id INT REFERENCES parent);
                INSERT INTO child VALUES(1, 1);
                """);
        assertThat(findings).extracting(Finding::verdict).containsOnly(Verdict.PROTECTED);
        assertThat(findings.get(0).weaknesses()).isEmpty();
        assertThat(findings.get(1).weaknesses())
                .singleElement()
                .asString()
                .startsWith("foreign key from CHILD to PARENT: ");
        assertThat(findings.get(2).weaknesses()).isEmpty();
    }

    @Test
    void hasOneSchemaForAllScripts() {
        assertThat(verdicts("CREATE TABLE t(id INT)")).containsExactly("1 PROTECTED");
        assertThat(verdicts("SELECT id FROM t; ; \n -- nothing\n")).containsExactly("1 PROTECTED");
    }

    @Test
    void anEngineCountsWhatItRefusesByReason() {
        try (SqlEngine engine = new SqlEngine(SqlConfig.DEFAULT)) {
            SqlClient client = new SqlClient(engine, 1, () -> 1_700_000_000_000_000_000L).open();
            client.run("create table t(id int)");
            client.run("select * from nowhere");
            client.run("call session_id()");
            client.run("call session_id()");
            client.run("shutdown");
            client.read(SqlClient.statement("select * from t"));

            Refusals.Counted counted = engine.refusals().counted();
            assertThat(counted.statements()).isEqualTo(6);
            assertThat(counted.refused()).isEqualTo(3);
            assertThat(counted.reasons())
                    .containsEntry("SESSION_ID would not be equal on all nodes", 2L)
                    .containsEntry("SHUTDOWN reaches beyond the database", 1L);
        }
    }

    @Test
    void theTableOfReasonsIsBounded() {
        try (SqlEngine engine = new SqlEngine(SqlConfig.DEFAULT)) {
            for (int i = 0; i < 100; i++) {
                engine.refusals()
                        .refused(new SqlOutcome.Failed("HYC00", 50100, "Feature not supported: \"" + i + "\"", null));
            }
            Refusals.Counted counted = engine.refusals().counted();
            assertThat(counted.reasons()).hasSizeLessThanOrEqualTo(33).containsKey(Refusals.OTHERS);
            assertThat(counted.refused()).isEqualTo(100);
        }
    }

    private List<String> verdicts(String script) {
        return findings(script).stream()
                .map(each -> each.line() + " " + each.verdict())
                .toList();
    }

    private List<Finding> findings(String script) {
        List<Finding> findings = new ArrayList<>();
        check.check(new StringReader(script), findings::add);
        return findings;
    }
}
