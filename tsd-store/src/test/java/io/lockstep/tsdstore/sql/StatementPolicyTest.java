package io.lockstep.tsdstore.sql;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.sqlwire.SqlAction;
import io.lockstep.sqlwire.SqlOutcome;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the owner may do, and what nobody may. */
class StatementPolicyTest {
    private final SqlEngine engine = new SqlEngine(SqlConfig.DEFAULT);
    private long nowNs = 1_700_000_000_000_000_000L;
    private final SqlClient owner = new SqlClient(engine, 1, () -> nowNs += 1_000_000).open();

    @BeforeEach
    void table() {
        owner.run("create table t(id int primary key, v varchar)");
        owner.run("insert into t values(1, 'one')");
    }

    @AfterEach
    void close() {
        engine.close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "create alias f as 'int f() { return 1; }'",
                "create alias f for 'java.lang.Math.abs'",
                "create aggregate g for 'java.lang.String'",
                "create trigger g before insert on t as 'org.h2.api.Trigger create() { return null; }'",
                "create trigger g before insert on t call 'java.lang.String'",
                "create linked table l('', 'jdbc:h2:mem:', '', '', 'T')",
                "call link_schema('s', '', 'jdbc:h2:mem:', '', '', 'PUBLIC')",
                "call file_read('/etc/passwd')",
                "call file_write('x', '/tmp/x')",
                "select * from csvread('/etc/passwd')",
                "call csvwrite('/tmp/x', 'select 1')",
                "script",
                "script to '/tmp/x'",
                "runscript from '/tmp/x'",
                "backup to '/tmp/x'",
                "shutdown",
                "shutdown immediately",
                "shutdown compact",
                "shutdown defrag",
                "checkpoint",
                "checkpoint sync",
                "create user u password 'x' admin",
                "create user u password 'x' || 'y'",
                "create user u password (select v from t)",
                "create user u password ''",
                "create user u salt '00' hash '00'",
                "drop user app",
                "drop user lockstep",
                "alter user lockstep set password 'x'",
                "alter user app set password (select v from t)",
                "revoke alter any schema from app",
                "alter user app admin true",
                "alter user app rename to other",
                "set mode mysql",
                "set collation english",
                "set ignorecase true",
                "set default_null_ordering high",
                "set exclusive 1",
                "set throttle 100",
                "set lazy_query_execution 1",
                "set db_close_delay 0",
                "set trace_level_file 3",
                "set referential_integrity false",
                "set allow_literals none",
                "set max_memory_rows 1",
                "set default_lock_timeout 1",
                "set database_event_listener 'java.lang.String'",
                "set java_object_serializer 'java.lang.String'",
                "set builtin_alias_override true",
                "set authenticator true",
                "prepare commit x",
                "commit transaction x",
                "rollback transaction x",
                "prepare p as select 1",
                "execute immediate 'shutdown'",
                "call session_id()",
                "call \"SESSION_ID\"()",
                "call /* a comment */ session_id /* another */ ()",
                "select transaction_id() from t",
                "create view w as select session_id() s",
                "create table d(id int default session_id())",
                "select _rowid_ from t",
                "delete from t where _rowid_ = 1",
                "call random_uuid(7)",
                "call database_path()",
                "call memory_used()",
                "call disk_space_used('T')",
                "call abort_session(1)",
                "call cancel_session(1)",
                "create table j(o java_object)",
                "drop all objects delete files",
                "select 1; shutdown",
                "select * from information_schema.sessions",
                "select * from information_schema.locks",
                "insert into t select session_id, 'x' from information_schema.sessions"
            })
    void refusesWithAReason(String sql) {
        SqlOutcome outcome = owner.say(SqlClient.statement(sql));
        assertThat(outcome).isInstanceOf(SqlOutcome.Failed.class);
        SqlOutcome.Failed failed = (SqlOutcome.Failed) outcome;
        assertThat(failed.code()).as(failed.message()).isEqualTo(50100);
        assertThat(failed.sqlState()).isEqualTo("HYC00");
        assertThat(failed.message()).startsWith("Feature not supported: ");
        assertThat(owner.run("select * from t")).isEqualTo("1,one");
    }

    /** Whatever the operator allows: source is none, and each name is one. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "create alias f as 'int f() { return 1; }'",
                "create alias f as $$int f() { return 1; }$$",
                "create alias f as U&'int f() { return 1; }'",
                "create alias if not exists f deterministic as 'int f() { return 1; }'",
                "create force alias f as 'int f() { return 1; }'",
                "create force alias f for 'io.lockstep.tsdstore.sql.Methods.twice'",
                "create alias f for 'java.lang.System.exit'",
                "create alias f for ' java.lang . System.exit(int)'",
                "create alias f for \"java.lang.System.exit\"",
                "create alias f for 'io.lockstep.tsdstore.sql.Methods2.twice'",
                "create alias f for 'io.lockstep.tsdstore.sql.methods.twice'",
                "create alias f for 'io.lockstep.tsdstore.sql.Methods(x.y)'",
                "create alias f for 'io.lockstep.tsdstore.sql.Methods.twice(java.lang.System.exit)x.y'",
                "create alias f deterministic for 'io.lockstep.tsdstore.sql.Methods.value'",
                "create aggregate f for 'java.lang.String'",
                "create force aggregate f for 'io.lockstep.tsdstore.sql.Methods'",
                "create trigger g before insert on t as 'org.h2.api.Trigger create() { return null; }'",
                "create trigger g before insert on t as $$//javascript\nnull$$",
                "create force trigger g before insert on t queue 1 nowait as $$#ruby\nnil$$",
                "create trigger g before insert on t for each row call 'java.lang.String'",
                "create force trigger g before insert on t call 'io.lockstep.tsdstore.sql.Methods'",
                "create trigger g after insert, rollback on t for each row call 'io.lockstep.tsdstore.sql.Audit'",
                "select 1; create alias f as 'int f() { return 1; }'",
                "explain analyze select 1; create alias f for 'java.lang.System.exit'",
                "execute immediate 'create alias f for \"io.lockstep.tsdstore.sql.Methods.twice\"'",
                "prepare p as create alias f for 'java.lang.System.exit'",
                "create table e(id int) engine \"io.lockstep.tsdstore.sql.Methods\""
            })
    void refusesSourceAndClassesThatAreNotListed(String sql) {
        DatabaseSettings settings =
                DatabaseSettings.DEFAULT.withClasses(List.of(Methods.class.getName(), Audit.class.getName()));
        try (SqlEngine listed = new SqlEngine(SqlConfig.DEFAULT.withSettings(settings))) {
            SqlClient client = new SqlClient(listed, 1, () -> nowNs += 1_000_000).open();
            client.run("create table t(id int primary key, v varchar)");
            assertThat(client.run(sql)).isNotEqualTo("0").startsWith("error ");
            assertThat(client.run("select f()")).isEqualTo("error 90022");
            assertThat(client.run("select count(*) from information_schema.triggers"))
                    .isEqualTo("0");
        }
        assertThat(owner.run(sql)).startsWith("error ");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "create alias f for 'io.lockstep.tsdstore.sql.Methods.twice'",
                "create alias f for \"io.lockstep.tsdstore.sql.Methods.twice\"",
                "create alias if not exists f deterministic for 'io.lockstep.tsdstore.sql.Methods.twice(int)'",
                "create alias public.f for 'io.lockstep.tsdstore.sql.Methods.overloaded(int, int)'",
                "create aggregate if not exists f for 'io.lockstep.tsdstore.sql.Product'",
                "create trigger g after insert, update, delete, select on t call 'io.lockstep.tsdstore.sql.Audit'",
                "create trigger if not exists g before insert on t for each row queue 5 nowait call"
                        + " 'io.lockstep.tsdstore.sql.Audit'"
            })
    void letsTheOwnerMakeWhatIsListed(String sql) {
        try (SqlEngine listed = new SqlEngine(ClassesTest.CONFIG)) {
            SqlClient client = new SqlClient(listed, 1, () -> nowNs += 1_000_000).open();
            client.run("create table t(id int primary key, v varchar)");
            assertThat(client.run(sql)).isEqualTo("0");
        }
    }

    @Test
    void namesTheSettingWhereAClassIsNotListed() {
        for (String sql : List.of(
                "create alias f for 'com.example.Tax.of'",
                "create aggregate f for 'com.example.Tax'",
                "create trigger f after insert on t call 'com.example.Tax'")) {
            SqlOutcome.Failed failed = (SqlOutcome.Failed) owner.say(SqlClient.statement(sql));
            assertThat(failed).isNotNull();
            assertThat(failed.message()).contains("class com.example.Tax is not in the setting databases.NAME.classes");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"set cluster 'a,b'"})
    void refusesWhatOnlyAnAdministratorOfH2May(String sql) {
        assertThat(owner.run(sql)).isIn("error 50100", "error 90040");
        assertThat(owner.run("select * from t")).isEqualTo("1,one");
    }

    @Test
    void refusesAChangeWhosePlanDependsOnTheClock() {
        StringBuilder joined = new StringBuilder("insert into t select 9, 'x' from j1");
        for (int i = 1; i <= 6; i++) {
            owner.run("create table j" + i + "(id int primary key)");
            joined.append(i == 1 ? "" : " join j" + i + " using (id)");
        }
        assertThat(owner.run(joined.toString())).isEqualTo("error 50100");
        String query = joined.substring(joined.indexOf("select"));
        assertThat(owner.run("create table six as " + query)).isEqualTo("error 50100");
        assertThat(owner.run("explain analyze " + joined)).isEqualTo("error 50100");
        assertThat(owner.run("delete from t where id in (" + query.replace("9, 'x'", "j1.id") + ")"))
                .isEqualTo("error 50100");
        owner.run("create view joined as " + query);
        assertThat(owner.run("insert into t select * from joined")).isEqualTo("error 50100");
        assertThat(owner.run("create table five as select j1.id from j1 join j2 using (id)"))
                .isEqualTo("0");
        assertThat(owner.run("insert into t select 9, 'x' from j1 join j2 using (id) join j3 using (id)"))
                .isEqualTo("0");
    }

    @Test
    void namesTheSettingWhereSomethingIsTheDatabases() {
        SqlOutcome.Failed failed = (SqlOutcome.Failed) owner.say(SqlClient.statement("set mode mysql"));
        assertThat(failed).isNotNull();
        assertThat(failed.message()).contains("MODE is a setting of the database, see databases.NAME.mode");
    }

    @Test
    void refusesAlreadyToPrepare() {
        assertThat(SqlClient.text(owner.say(new SqlAction.Prepare(1, "shutdown"))))
                .isEqualTo("error 50100");
        assertThat(SqlClient.text(owner.say(new SqlAction.Prepare(1, "call session_id()"))))
                .isEqualTo("error 50100");
    }

    @Test
    void takesWordsForFunctionsOnlyWhereTheyAreCalled() {
        owner.run("create table words(session_id int, memory_used int, file_read varchar)");
        assertThat(owner.run("insert into words values(1, 2, 'call session_id()')"))
                .isEqualTo("1");
        assertThat(owner.run("select session_id, memory_used from words -- session_id()"))
                .isEqualTo("1,2");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "create schema s2",
                "create table s2(id int)",
                "create view w as select * from t",
                "create domain d as int check (value > 0)",
                "create sequence q",
                "create index i on t(v)",
                "create global temporary table g(id int)",
                "create local temporary table l(id int)",
                "create synonym y for t",
                "create constant c value 1",
                "alter table t add column w int",
                "truncate table t",
                "comment on table t is 'x'",
                "grant select on t to public",
                "set schema public",
                "set @x = 1",
                "explain select * from t",
                "call random_uuid()",
                "call random_uuid(4)",
                "analyze",
                "select * from information_schema.tables where table_name = 'T'"
            })
    void letsTheOwnerDo(String sql) {
        assertThat(owner.run(sql)).doesNotStartWith("error");
    }

    @Test
    void dropsWhatTheOwnerOwns() {
        owner.run("create schema s");
        owner.run("create table s.x(id int generated always as identity)");
        owner.run("create view v as select * from t, s.x");
        owner.run("create sequence q");
        owner.run("create domain d as int");
        assertThat(owner.run("drop all objects")).isEqualTo("0");
        assertThat(owner.run("select count(*) from information_schema.tables where table_schema = 'PUBLIC'"))
                .isEqualTo("0");
        assertThat(owner.run("select schema_name from information_schema.schemata order by 1"))
                .isEqualTo("INFORMATION_SCHEMA PUBLIC");
        assertThat(owner.run("select count(*) from information_schema.sequences"))
                .isEqualTo("0");
        assertThat(owner.run("create table t(id int)")).isEqualTo("0");
        assertThat(owner.run("create schema s")).isEqualTo("0");
    }
}
