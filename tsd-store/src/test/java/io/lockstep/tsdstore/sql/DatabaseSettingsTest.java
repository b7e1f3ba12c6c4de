package io.lockstep.tsdstore.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockstep.sqlwire.SqlOutcome;
import io.lockstep.tsdstore.sql.DatabaseSettings.IdentifierCase;
import io.lockstep.tsdstore.sql.DatabaseSettings.NullOrdering;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a database is set to: the same on two nodes, in every mode, and another copy is refused. */
class DatabaseSettingsTest {
    /** 2023-11-14 22:13:20 UTC. */
    private static final long START_NS = 1_700_000_000_000_000_000L;

    private static SqlConfig of(String mode, IdentifierCase names, NullOrdering nulls) {
        return SqlConfig.DEFAULT.withSettings(
                new DatabaseSettings(mode, DatabaseSettings.NO_COLLATION, names, false, nulls));
    }

    private static SqlConfig of(String mode) {
        return of(mode, IdentifierCase.UPPER, NullOrdering.LOW);
    }

    static List<String> modes() {
        return DatabaseSettings.modes();
    }

    /** Two nodes execute alike, though their clocks and H2's own numbers differ. */
    private static void both(SqlConfig config, String... statements) {
        try (SqlEngine one = new SqlEngine(config);
                SqlEngine other = new SqlEngine(config)) {
            long[] nowNs = {START_NS};
            for (int i = 0; i < 5; i++) {
                new SqlClient(other, 100 + i, () -> START_NS).open().manual().run("select 1");
            }
            SqlClient a = new SqlClient(one, 1, () -> nowNs[0]).open();
            SqlClient b = new SqlClient(other, 1, () -> nowNs[0]).open();
            for (String sql : statements) {
                nowNs[0] += 90_000_000_000L;
                String text = a.run(sql);
                assertThat(text).as(sql).doesNotStartWith("error");
                assertThat(b.run(sql)).as(sql).isEqualTo(text);
                assertThat(b.lastBytes).as(sql).isEqualTo(a.lastBytes);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("modes")
    void theTimeIsTheHeadersInEveryMode(String mode) {
        try (SqlEngine engine = new SqlEngine(of(mode))) {
            long[] nowNs = {START_NS};
            SqlClient client = new SqlClient(engine, 1, () -> nowNs[0]).open();
            client.run("create table t(id int primary key, at timestamp default current_timestamp)");
            client.run("insert into t(id) values(1)");
            nowNs[0] += 3_600_000_000_000L;
            client.run("insert into t(id) values(2)");
            assertThat(client.run("select extract(hour from at), extract(minute from at) from t order by id"))
                    .isEqualTo("22,13 23,13");
            client.manual();
            client.run("insert into t(id) values(3)");
            nowNs[0] += 60_000_000_000L;
            client.run("insert into t(id) values(4)");
            // Within a transaction time stands still in some modes and goes on in others; never by the node's clock.
            assertThat(client.run("select extract(minute from at) from t where id > 2 order by id"))
                    .isIn("13 13", "13 14");
            client.commit();
        }
    }

    @ParameterizedTest
    @MethodSource("modes")
    void statementsAreEqualOnTwoNodesInEveryMode(String mode) {
        both(
                of(mode),
                "create table t(id int primary key, at timestamp default current_timestamp, u uuid default random_uuid())",
                "insert into t(id) values(1), (2)",
                "update t set at = localtimestamp where id = 1",
                "insert into t(id, at) select id + 10, current_timestamp from t",
                "select * from t order by id",
                "select current_date, current_timestamp, localtime, rand(), random_uuid()");
    }

    @Test
    void mySqlsTimeAndNamesAreEqual() {
        both(
                of("MySQL", IdentifierCase.LOWER, NullOrdering.LOW),
                "create table `t`(id int auto_increment primary key, at datetime default now() on update now(), v int)",
                "insert into t(v) values(1)",
                "insert into t(id, v) values(1, 2) on duplicate key update v = v + 1",
                "insert ignore into t(id, v) values(1, 3)",
                "select now(), curdate(), curtime(), unix_timestamp(), random_uuid(), last_insert_id()",
                "select * from t");
    }

    @Test
    void postgreSqlsTimeAndNamesAreEqual() {
        both(
                of("PostgreSQL", IdentifierCase.LOWER, NullOrdering.HIGH),
                "create table t(id serial primary key, at timestamp with time zone default now(), v text)",
                "insert into t(v) values('a') on conflict do nothing",
                "select now(), current_timestamp, localtimestamp, gen_random_uuid(), lastval()",
                "select table_name from information_schema.tables where table_schema = 'public'",
                "select * from t order by id");
    }

    @Test
    void oraclesTimeIsEqual() {
        both(
                of("Oracle"),
                "create table t(id number(10) primary key, at date default sysdate, g uuid default random_uuid())",
                "insert into t(id) values(1)",
                "select sysdate, systimestamp, current_timestamp, random_uuid() from dual",
                "select * from t");
    }

    @Test
    void msSqlServersTimeIsEqual() {
        both(
                of("MSSQLServer"),
                "create table t(id int identity(1, 1) primary key, at datetime default getdate(), g uniqueidentifier"
                        + " default newid())",
                "insert into t(at) values(getdate())",
                "insert into t default values",
                "select getdate(), newid(), scope_identity()",
                "select * from t");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "MSSQLServer | select newsequentialid()",
                "MSSQLServer | create table t(id uniqueidentifier default newsequentialid())",
                "Oracle | select sys_guid() from dual",
                "PostgreSQL | select pg_relation_size('t')",
                "PostgreSQL | select pg_total_relation_size('t')",
                "PostgreSQL | select pg_postmaster_start_time()",
                "MySQL | select uuid(7)"
            })
    void aModesFunctionsThatDifferAreRefused(String mode, String sql) {
        try (SqlEngine engine = new SqlEngine(of(mode))) {
            SqlClient client = new SqlClient(engine, 1, () -> START_NS).open();
            assertThat(client.run(sql)).isEqualTo("error 50100");
        }
    }

    @Test
    void theNodesOwnTablesAreRefusedWhateverTheCaseOfNames() {
        try (SqlEngine engine = new SqlEngine(of("PostgreSQL", IdentifierCase.LOWER, NullOrdering.LOW))) {
            SqlClient client = new SqlClient(engine, 1, () -> START_NS).open();
            assertThat(client.run("select * from information_schema.sessions")).isEqualTo("error 50100");
            assertThat(client.run("create user bob password 'secret'")).isEqualTo("0");
            assertThat(SqlClient.text(new SqlClient(engine, 2, () -> START_NS).logIn("bob", "secret")))
                    .isEqualTo("Welcome");
            assertThat(client.run("grant alter any schema to bob")).isEqualTo("0");
        }
    }

    @Test
    void whatIsSetIsSeen() {
        SqlConfig config = SqlConfig.DEFAULT.withSettings(new DatabaseSettings(
                "regular", "german strength primary", IdentifierCase.EXACT, true, NullOrdering.LAST));
        try (SqlEngine engine = new SqlEngine(config)) {
            SqlClient client = new SqlClient(engine, 1, () -> START_NS);
            SqlOutcome.Welcome welcome = (SqlOutcome.Welcome) client.logIn("app", "app");
            assertThat(welcome).isNotNull();
            assertThat(welcome.facts())
                    .containsEntry("databaseToUpper", "false")
                    .containsEntry("databaseToLower", "false")
                    .containsEntry("caseInsensitiveIdentifiers", "true");
            client.run("create table Mixed(v varchar)");
            client.run("insert into MIXED values('z'), (null), ('\u00e4'), ('A')");
            assertThat(client.run("select v from mixed where v = 'z' or v is null order by v"))
                    .isEqualTo("z null");
            assertThat(client.run("select count(*) from mixed where v = 'a'")).isEqualTo("2");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"mode", "collation", "names", "nulls"})
    void aCopyOfADatabaseThatIsSetDifferentlyIsRefused(String what) {
        DatabaseSettings other =
                switch (what) {
                    case "mode" -> of("MySQL").settings();
                    case "collation" ->
                        new DatabaseSettings("REGULAR", "GERMAN", IdentifierCase.UPPER, false, NullOrdering.LOW);
                    case "names" ->
                        of("REGULAR", IdentifierCase.LOWER, NullOrdering.LOW).settings();
                    default ->
                        of("REGULAR", IdentifierCase.UPPER, NullOrdering.HIGH).settings();
                };
        try (SqlEngine source = new SqlEngine(SqlConfig.DEFAULT);
                SqlEngine into = new SqlEngine(SqlConfig.DEFAULT.withSettings(other))) {
            byte[] items = EngineCopyTest.items(source.snapshot());
            assertThatThrownBy(() -> EngineCopyTest.install(items, into)).hasMessageContaining("make them equal");
        }
    }

    @Test
    void theBeginningOfTheChainSaysWhatIsSetAndTellsNoPassword() {
        SqlConfig d = SqlConfig.DEFAULT;
        assertThat(d.origin()).isEmpty();
        assertThat(d.text()).isEmpty();
        SqlConfig secret = d.withOwner("app", "hush");
        assertThat(secret.text()).isEmpty();
        assertThat(secret.origin()).isNotEmpty().doesNotContain("hush");
        assertThat(d.withOwner("boss", "app").text()).isEqualTo("owner boss");
        assertThat(of("MySQL").text()).startsWith("mode MySQL");
        assertThat(of("MySQL").origin()).isNotEqualTo(of("Oracle").origin());
    }

    @Test
    void noClassOfThisProcessCanBeNamedWhoeverLoadsH2First() {
        assertThat(DatabaseSettings.modes()).contains("MySQL");
        assertThat(System.getProperty("h2.allowedClasses")).isEqualTo("io.lockstep.none");
        assertThat(System.getProperty("h2.maxOpenTransactions")).isEqualTo("65535");
    }

    @Test
    void refusesWhatH2DoesNotHave() {
        assertThatThrownBy(() -> DatabaseSettings.mode("dbase")).hasMessageContaining("dbase");
        assertThatThrownBy(() -> DatabaseSettings.collation("KLINGON")).hasMessageContaining("KLINGON");
        assertThatThrownBy(() -> DatabaseSettings.collation("GERMAN'; DROP")).hasMessageContaining("no collation");
        assertThatThrownBy(() -> new DatabaseSettings(
                        "REGULAR", DatabaseSettings.NO_COLLATION, IdentifierCase.UPPER, true, NullOrdering.LOW))
                .hasMessageContaining("identifier-case exact");
    }
}
