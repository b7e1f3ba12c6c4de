package io.lockstep.tsdstore.sql;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.sqlwire.GeneratedKeys;
import io.lockstep.sqlwire.SqlAction;
import io.lockstep.sqlwire.SqlOutcome;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is a read, what is not, and what a read sees. */
class ReadsTest {
    private static final String NO = "NotARead";

    private final SqlEngine engine = new SqlEngine(SqlConfig.DEFAULT);
    private long nowNs = 1_700_000_000_000_000_000L;
    private final SqlClient a = open(1);
    private final SqlClient b = open(2);

    @BeforeEach
    void table() {
        a.run("create table t(id int primary key, v int)");
        a.run("insert into t select x, x from system_range(1, 5)");
        a.run("create sequence s");
    }

    @AfterEach
    void close() {
        engine.close();
    }

    private SqlClient open(long name) {
        return new SqlClient(engine, name, () -> nowNs += 1_000_000).open();
    }

    private static String read(SqlClient client, String sql, Object... parameters) {
        return SqlClient.text(client.read(SqlClient.statement(sql, parameters)));
    }

    @Test
    void answersAPlainQuery() {
        assertThat(read(a, "select v from t where id = ?", 3)).isEqualTo("3");
        assertThat(read(a, "select v from t where id = ?", 4)).isEqualTo("4");
        assertThat(read(a, "select count(*) from information_schema.tables where table_name = 'T'"))
                .isEqualTo("1");
    }

    @Test
    void answersAPreparedQuery() {
        a.say(new SqlAction.Prepare(7, "select v from t where id = ?"));
        assertThat(SqlClient.text(a.read(
                        new SqlAction.Execute(7, null, SqlClient.values(2), GeneratedKeys.NONE, 0, 0, 0, 0, false))))
                .isEqualTo("2");
    }

    @Test
    void isNoReadWhenItHasAnEffectOrMustBeEqual() {
        assertThat(read(a, "select * from t for update")).isEqualTo(NO);
        assertThat(read(a, "select * from final table (insert into t values(9, 9))"))
                .isEqualTo(NO);
        assertThat(read(a, "values next value for s")).isEqualTo(NO);
        assertThat(read(a, "select * from (values (next value for s))")).isEqualTo(NO);
        assertThat(read(a, "select id from t limit (next value for s)")).isEqualTo(NO);
        assertThat(read(a, "select nextval('s')")).isEqualTo(NO);
        a.run("create view w as values (next value for s)");
        assertThat(read(a, "select * from w")).isEqualTo(NO);
        assertThat(read(a, "select 1 where exists (select * from w)")).isEqualTo(NO);
        assertThat(read(a, "select @x := 5")).isEqualTo(NO);
        assertThat(read(a, "select rand()")).isEqualTo(NO);
        assertThat(read(a, "select current_timestamp")).isEqualTo(NO);
        assertThat(read(a, "delete from t")).isEqualTo(NO);
        assertThat(read(a, "call 1")).isEqualTo(NO);
        assertThat(read(a, "select 1; select 2")).isEqualTo(NO);
        assertThat(read(a, "select nothing from t")).isEqualTo(NO);
        assertThat(read(a, "select x from system_range(1, 2000)")).isEqualTo(NO);
        assertThat(a.run("values next value for s")).isEqualTo("1");
    }

    @Test
    void seesTheSessionsOwnChangesAndNobodyElseDoes() {
        a.manual().run("update t set v = 100 where id = 1");
        assertThat(read(a, "select v from t where id = 1")).isEqualTo("100");
        assertThat(read(b, "select v from t where id = 1")).isEqualTo("1");
        assertThat(read(a, "select v from t where id = 1")).isEqualTo("100");
        a.run("update t set v = 200 where id = 1");
        assertThat(read(a, "select v from t where id = 1")).isEqualTo("200");
        a.rollback();
        assertThat(read(a, "select v from t where id = 1")).isEqualTo("1");
        assertThat(read(b, "select sum(v) from t")).isEqualTo("15");
    }

    @Test
    void leavesTheTransactionAsItWas() {
        a.manual().run("update t set v = 100 where id = 1");
        a.run("savepoint s");
        assertThat(read(a, "select v from t where id = 1")).isEqualTo("100");
        a.run("update t set v = 300 where id = 2");
        a.run("rollback to savepoint s");
        a.commit();
        assertThat(read(b, "select v from t where id <= 2 order by id")).isEqualTo("100 2");
        assertThat(engine.openTransactions()).isZero();
    }

    @Test
    void readsInTheSessionsSchemaAndTimeZone() {
        a.run("create schema other");
        a.run("create table other.t(id int)");
        a.run("insert into other.t values(77)");
        assertThat(read(a, "select count(*) from t")).isEqualTo("5");
        a.run("set schema other");
        assertThat(read(a, "select * from t")).isEqualTo("77");
        assertThat(read(b, "select count(*) from t")).isEqualTo("5");
        b.run("set time zone '+05:00'");
        String sql = "select cast(timestamp '2020-01-01 00:00:00' as timestamp with time zone)";
        assertThat(read(b, sql)).isEqualTo(b.run(sql));
    }

    @Test
    void leavesWhatDependsOnTheSessionToTheLane() {
        a.run("create local temporary table t2(id int)");
        assertThat(read(a, "select * from t")).isEqualTo(NO);
        b.run("set session characteristics as transaction isolation level repeatable read");
        assertThat(read(b, "select * from t")).isEqualTo(NO);
        assertThat(read(new SqlClient(engine, 99, () -> nowNs), "select 1")).isEqualTo(NO);
    }

    @Test
    void fetchesFromAnOpenResult() {
        a.say(new SqlAction.Execute(
                0, "select x from system_range(1, 25)", SqlClient.values(), GeneratedKeys.NONE, 0, 5, 10, 0, false));
        assertThat(SqlClient.text(a.read(new SqlAction.Fetch(5, 23, 10)))).isEqualTo("24 25");
    }

    private static String readKey(SqlClient client, int statement, Object... parameters) {
        SqlOutcome outcome = client.readKey(new SqlAction.Execute(
                statement, null, SqlClient.values(parameters), GeneratedKeys.NONE, 0, 0, 0, 0, false));
        return outcome == null ? "left to another thread" : SqlClient.text(outcome);
    }

    @Test
    void looksUpOneRowByItsKeyOnTheLane() {
        a.run("create unique index by_two on t(v, id)");
        a.say(new SqlAction.Prepare(1, "select v from t where id = ?"));
        a.say(new SqlAction.Prepare(2, "select id from t where id = ? + 1 and v > 0"));
        assertThat(readKey(a, 1, 3)).isEqualTo("3");
        assertThat(readKey(a, 1, 9)).isEmpty();
        assertThat(readKey(a, 2, 3)).isEqualTo("4");
        a.manual().run("update t set v = 100 where id = 1");
        b.say(new SqlAction.Prepare(1, "select v from t where id = ?"));
        assertThat(readKey(a, 1, 1)).isEqualTo("100");
        assertThat(readKey(b, 1, 1)).isEqualTo("1");
        a.commit();
        assertThat(readKey(b, 1, 1)).isEqualTo("100");
    }

    @Test
    void leavesAReadWhoseTimeHasNoBoundToAnotherThread() {
        a.run("create index by_v on t(v)");
        String[] texts = {
            "select v from t where id > ?",
            "select id from t where v = ?",
            "select v from t where id in (?, 2)",
            "select a.v from t a join t b on b.id = a.id where a.id = ?",
            "select (select sum(x) from system_range(1, 1000)) from t where id = ?",
            "select v from t where id = ? and exists (table t)",
            "select * from (select v from t where id = ?)",
            "select x from system_range(1, 5) where x = ?",
            "select ?"
        };
        for (int i = 0; i < texts.length; i++) {
            a.say(new SqlAction.Prepare(i + 1, texts[i]));
            assertThat(readKey(a, i + 1, 3)).as(texts[i]).isEqualTo("left to another thread");
        }
        assertThat(a.readKey(SqlClient.statement("select v from t where id = 1")))
                .isNull();
    }

    @Test
    void leavesALookUpToAnotherThreadWhenItsKeyIsGone() {
        a.say(new SqlAction.Prepare(1, "select v from t where id = ?"));
        assertThat(readKey(a, 1, 3)).isEqualTo("3");
        a.run("alter table t drop primary key");
        assertThat(readKey(a, 1, 3)).isEqualTo("left to another thread");
        assertThat(SqlClient.text(a.read(
                        new SqlAction.Execute(1, null, SqlClient.values(3), GeneratedKeys.NONE, 0, 0, 0, 0, false))))
                .isEqualTo("3");
    }

    @Test
    void answersMetadata() {
        int getTableTypes = 13;
        assertThat(SqlClient.text(a.read(new SqlAction.Metadata(getTableTypes, SqlClient.values(), 0, 0))))
                .contains("BASE TABLE");
    }
}
