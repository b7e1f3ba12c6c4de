package io.lockstep.tsdstore.sql;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.sqlwire.GeneratedKeys;
import io.lockstep.sqlwire.SqlAction;
import java.math.BigDecimal;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.h2.value.Value;
import org.h2.value.ValueDecfloat;
import org.h2.value.ValueInteger;
import org.h2.value.ValueNumeric;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What may be executed by the thread that has heartbeats to send: nothing that could take long. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BriefMessagesTest {
    private static final long MILLI = 1_000_000;
    private static final SqlAction COMMIT = new SqlAction.End(true);

    private final SqlEngine engine = new SqlEngine(ClassesTest.CONFIG);
    private long nowNs = 1_700_000_000_000_000_000L;
    private long names;
    private final SqlClient client = client();

    @BeforeEach
    void tables() {
        client.run("create table t(id int primary key, v int, k int unique, s varchar, at timestamp(9))");
        client.run("insert into t select x, x, x, 'a', null from system_range(1, 99)");
        client.run("create table log(id bigint generated always as identity primary key, v int,"
                + " at timestamp(9) default current_timestamp)");
        client.run("create table child(id int primary key, t int references t(id) on update cascade)");
        client.run("create table checked(id int primary key, s varchar, check (s regexp '^a*$'))");
        client.run("create table computed(id int primary key, v int, w int as (v * v))");
        client.run("alter table computed add constraint once unique(w)");
        client.run("create table stamped(id int primary key, v int, at timestamp(9) on update current_timestamp)");
        client.run("insert into stamped values (1, 1, null)");
        client.run("create table coded(code varchar unique, v int)");
        client.run("create table exact(id int primary key, d decfloat, n numeric(100), s varchar)");
        client.run("create table called(id int primary key, w varchar default upper(current_user))");
        client.run("create table doc(id int primary key, text clob)");
        client.run("create view seen as select * from t");
    }

    @AfterEach
    void close() {
        engine.close();
    }

    private SqlClient client() {
        return new SqlClient(engine, ++names, () -> nowNs += MILLI).open();
    }

    private static SqlAction.Execute prepared(int number, Object... parameters) {
        return new SqlAction.Execute(number, null, SqlClient.values(parameters), GeneratedKeys.NONE, 0, 0, 0, 0, false);
    }

    private boolean isBrief(String sql, Object... parameters) {
        client.say(new SqlAction.Prepare(1, sql));
        return client.isBrief(prepared(1, parameters));
    }

    // ---- by its form -----------------------------------------------------------------------------------------------

    @ParameterizedTest
    @ValueSource(
            strings = {
                "update t set v = v + 1 where id = 1",
                "update stamped set v = 2 where id = 1",
                "update t set v = - v * 2, at = current_timestamp where k = 1",
                "insert into log(v) values (1)",
                "insert into log(v, at) values (1, default), (2, current_timestamp)",
                "insert into child values (1, 1)",
                "insert into computed(id, v) values (1, 2)",
            })
    void isOneRowByItsKeyOrSomeThatAreWrittenDown(String sql) {
        assertThat(isBrief(sql)).isTrue();
        client.manual();
        assertThat(client.again(1)).isIn("1", "2");
        assertThat(client.isBrief(COMMIT)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "update t set v = v + 1",
                "update t set v = 0 where id = 5.5",
                "update coded set v = 0 where code = 5",
                "update exact set d = d + 1 where id = 1",
                "update exact set n = n * n * n * n where id = 1",
                "update exact set d = s where id = 1",
                "update t set v = 0 where v = 1",
                "update t set v = 0 where id > 1",
                "update t set v = (select count(*) from t) where id = 1",
                "update t set s = repeat(s, 1000000) where id = 1",
                "update t set s = regexp_replace(s, '(a+)+$', '') where id = 1",
                "update t set s = case when s regexp '(a+)+$' then 'x' end where id = 1",
                "update t set s = cast(v as varchar) where id = 1",
                "update t set s = 'b' where id = 1 and v = 1",
                "update t set id = 100 where id = 1",
                "update computed set v = 1 where id = 1",
                "update checked set s = 'a' where id = 1",
                "update doc set text = 'a' where id = 1",
                "delete from t where id = 1",
                "insert into log(v) select v from t",
                "insert into log(v) values ((select count(*) from t))",
                "insert into log(v) values (length(repeat(?, 1000000)))",
                "insert into checked values (1, 'aaa')",
                "insert into called(id) values (1)",
                "insert into doc values (1, 'a')",
                "merge into t key(id) values (1, 1, 1, 'a', null)",
                "select count(*) from t for update",
                "create table other(id int)",
                "call 1",
                "commit",
            })
    void isNothingThatCouldTakeLong(String sql) {
        assertThat(isBrief(sql)).isFalse();
    }

    @Test
    void isNoInsertOfManyRows() {
        assertThat(isBrief("insert into log(v) values (1)" + ", (1)".repeat(15)))
                .isTrue();
        assertThat(isBrief("insert into log(v) values (1)" + ", (1)".repeat(16)))
                .isFalse();
    }

    @Test
    void isNoTextThatIsToBeCompiledAndNoListOrBatch() {
        assertThat(client.isBrief(SqlClient.statement("update t set v = 0 where id = 1")))
                .isFalse();
        client.say(new SqlAction.Prepare(2, "update t set v = 1 where id = 1; update t set v = 1 where id = 2"));
        assertThat(client.isBrief(prepared(2))).isFalse();
        client.say(new SqlAction.Prepare(1, "update t set v = v + ? where id = ?"));
        assertThat(client.isBrief(prepared(1, 1, 1))).isTrue();
        assertThat(client.isBrief(new SqlAction.Batch(
                        1, null, Collections.singletonList(SqlClient.values(1, 1)), GeneratedKeys.NONE, 0)))
                .isFalse();
        assertThat(client.isBrief(new SqlAction.Prepare(3, "select 1"))).isFalse();
        assertThat(client.isBrief(prepared(7))).as("not known").isFalse();
    }

    @Test
    void isNoneOnceItsTableHasGotWhatCouldTakeLong() {
        String sql = "update t set v = v + 1 where id = 1";
        assertThat(isBrief(sql)).isTrue();
        client.run("alter table t add constraint c check (v > 0)");
        assertThat(client.isBrief(prepared(1))).as("it will be compiled anew").isFalse();
        client.again(1);
        assertThat(client.isBrief(prepared(1))).as("compiled anew").isFalse();
        client.run("alter table t drop constraint c");
        client.again(1);
        assertThat(client.isBrief(prepared(1))).isTrue();
    }

    @Test
    void aReadIsBriefWhenItHasBeenFoundToLookUpOneRowByItsKeyAndComputesNothing() {
        client.say(new SqlAction.Prepare(1, "select v, s as t from t where id = ?"));
        assertThat(client.isBriefRead(prepared(1, 1))).as("not known yet").isFalse();
        assertThat(client.readKey(prepared(1, 1))).isNotNull();
        assertThat(client.isBriefRead(prepared(1, 1))).isTrue();
        assertThat(client.isBriefRead(new SqlAction.End(true))).isFalse();
        client.run("create table later(id int)");
        assertThat(client.isBriefRead(prepared(1, 1)))
                .as("it will be planned anew")
                .isFalse();
        client.readKey(prepared(1, 1));
        assertThat(client.isBriefRead(prepared(1, 1))).isTrue();

        int number = 2;
        for (String other : List.of(
                "select regexp_replace(s, '(a+)+$', '') from t where id = 1",
                "select v from t where id = 1 and s regexp '(a+)+$'",
                "select count(*) from t where id = 1",
                "select text from doc where id = 1",
                "select v from t where id = 1 fetch first 1 rows only",
                "select v from t where v = 1",
                "select a.v from t a, t b where a.id = 1")) {
            client.say(new SqlAction.Prepare(number, other));
            client.readKey(prepared(number));
            assertThat(client.isBriefRead(prepared(number++))).as(other).isFalse();
        }
    }

    @Test
    void isNothingWithValuesThatTakeLongToBeComputedWith() {
        client.say(new SqlAction.Prepare(1, "update t set v = v + ? where id = ?"));
        assertThat(client.isBrief(prepared(1, 1, 1))).isTrue();
        assertThat(client.isBrief(prepared(1, "1", 1))).isTrue();
        assertThat(client.isBrief(prepared(1, "1".repeat(20_000), 1))).isFalse();
        for (Value value : List.of(
                ValueDecfloat.get(new BigDecimal("1E100000000")),
                ValueNumeric.get(new BigDecimal("1E-1000")),
                ValueNumeric.get(new BigDecimal("1".repeat(100))))) {
            Value[] values = {value, ValueInteger.get(1)};
            assertThat(client.isBrief(new SqlAction.Execute(1, null, values, GeneratedKeys.NONE, 0, 0, 0, 0, false)))
                    .isFalse();
        }
    }

    @Test
    void isNothingThatIsLong() {
        client.say(new SqlAction.Prepare(1, "select v from coded where code = ?"));
        client.readKey(prepared(1, "a"));
        assertThat(client.isBriefRead(prepared(1, "a"))).isTrue();
        assertThat(client.isBriefRead(prepared(1, "a".repeat(9_000)))).isFalse();

        SqlClient deferring = new SqlClient(engine, ++names, () -> nowNs += MILLI).openDeferring();
        client.run("insert into coded values ('a', 1)");
        client.run("alter table coded add note varchar");
        deferring.say(new SqlAction.Prepare(1, "update coded set note = ? where code = ?"));
        deferring.manual();
        deferring.again(1, "b", "a");
        assertThat(deferring.isBrief(COMMIT)).isTrue();
        deferring.again(1, "b".repeat(9_000), "a");
        assertThat(deferring.isBrief(COMMIT)).isFalse();
    }

    @Test
    void nothingIsBriefInASessionWithTemporaryTablesWhichACommitMayDrop() {
        client.say(new SqlAction.Prepare(1, "update t set v = v + 1 where id = 1"));
        assertThat(client.isBrief(prepared(1))).isTrue();
        client.run("create local temporary table x(id int) on commit drop");
        client.again(1);
        client.run("create local temporary table x(id int)");
        client.again(1);
        assertThat(client.isBrief(prepared(1))).isFalse();
        client.run("drop table x");
        client.again(1);
        assertThat(client.isBrief(prepared(1))).isTrue();
    }

    // ---- by its transaction ----------------------------------------------------------------------------------------

    @Test
    void theEndOfATransactionIsBriefWhenAllOfItWasAndThatIsNotMuch() {
        client.say(new SqlAction.Prepare(1, "update t set v = v + 1 where id = ?"));
        client.manual();
        for (int row = 1; row <= 20; row++) {
            assertThat(client.isBrief(prepared(1, row))).isTrue();
            client.again(1, row);
        }
        assertThat(client.isBrief(COMMIT)).isTrue();
        for (int row = 21; row <= 99; row++) {
            client.again(1, row);
        }
        assertThat(client.isBrief(COMMIT)).as("much").isFalse();
        assertThat(client.isBrief(prepared(1, 1))).isFalse();
        assertThat(client.commit()).isEqualTo("Done");
        assertThat(client.isBrief(prepared(1, 1))).isTrue();

        client.again(1, 1);
        assertThat(client.isBrief(COMMIT)).isTrue();
        client.run("delete from child");
        assertThat(client.isBrief(COMMIT)).as("not all of it was brief").isFalse();
        assertThat(client.rollback()).isEqualTo("Done");
        assertThat(client.isBrief(COMMIT)).as("nothing is open").isTrue();
    }

    @Test
    void aCommitThatDoesDeferredUpdatesIsBriefWhenTheyAre() {
        SqlClient deferring = new SqlClient(engine, ++names, () -> nowNs += MILLI).openDeferring();
        deferring.say(new SqlAction.Prepare(1, "update t set v = v + 1 where id = ?"));
        deferring.say(new SqlAction.Prepare(2, "update t set s = repeat(s, 10) where id = ?"));
        deferring.manual();
        deferring.again(1, 1);
        assertThat(deferring.isBrief(COMMIT)).isTrue();
        deferring.again(2, 1);
        deferring.again(1, 2);
        assertThat(engine.openTransactions()).isZero();
        assertThat(deferring.isBrief(COMMIT)).isFalse();
        assertThat(deferring.commit()).isEqualTo("Done");
        deferring.again(1, 1);
        assertThat(deferring.isBrief(COMMIT)).isTrue();
        client.run("alter table t add constraint c check (v > 0)");
        assertThat(deferring.isBrief(COMMIT)).as("it would be compiled anew").isFalse();
        assertThat(deferring.commit()).isEqualTo("Done");
        client.run("alter table t drop constraint c");
        for (int row = 1; row <= 17; row++) {
            deferring.again(1, row);
        }
        assertThat(deferring.isBrief(COMMIT)).isFalse();
    }

    @Test
    void switchingAutocommitOnEndsTheTransactionToo() {
        client.say(new SqlAction.Prepare(1, "update t set v = v + 1 where id = ?"));
        client.manual();
        client.run("delete from t where id > 90");
        client.isAutoCommit = true;
        assertThat(client.isBrief(prepared(1, 1))).isFalse();
    }

    @Test
    void nothingIsBriefWhileSomebodyWaitsForALock() {
        SqlClient other = client().manual();
        client.say(new SqlAction.Prepare(1, "update t set v = v + 1 where id = ?"));
        client.manual();
        client.again(1, 1);
        assertThat(client.isBrief(COMMIT)).isTrue();
        assertThat(other.run("update t set v = 0 where id = 1")).isEqualTo("waits");
        assertThat(client.isBrief(COMMIT)).as("the other would be tried again").isFalse();
        client.commit();
        other.retry();
        assertThat(client.isBrief(prepared(1, 2))).isTrue();
    }

    @Test
    void aSessionThatSomebodyElseHasIsNotWaitedForAndIsNotReadMeanwhile() throws Exception {
        client.say(new SqlAction.Prepare(1, "update t set v = v + 1 where id = ?"));
        client.say(new SqlAction.Prepare(2, "select v from t where id = ?"));
        SqlAction update = prepared(1, 1);
        SqlAction select = prepared(2, 1);
        assertThat(client.readKey(select)).isNotNull();
        ExecutorService somebody = Executors.newSingleThreadExecutor();
        try {
            assertThat(somebody.submit(() -> client.holdsIfBrief(update)).get()).isTrue();
            assertThat(client.isBrief(update)).isFalse();
            assertThat(client.readKey(select)).isNull();
            somebody.submit(() -> engine.letGo(client.name)).get();
        } finally {
            somebody.shutdown();
        }
        assertThat(client.isBrief(update)).isTrue();
        assertThat(client.readKey(select)).isNotNull();
    }

    @Test
    void ofATransactionThatCameWithACopyNobodyKnowsWhatItHasDone() {
        client.say(new SqlAction.Prepare(1, "update t set v = v + 1 where id = ?"));
        client.manual().again(1, 1);
        assertThat(client.isBrief(COMMIT)).isTrue();
        try (SqlEngine copy = new SqlEngine(ClassesTest.CONFIG)) {
            engine.replan();
            EngineCopyTest.install(EngineCopyTest.items(engine.snapshot()), copy);
            SqlClient there = client.at(copy);
            assertThat(there.isBrief(COMMIT)).isFalse();
            assertThat(there.commit()).isEqualTo("Done");
            assertThat(there.again(1, 1)).isEqualTo("1");
            assertThat(there.isBrief(COMMIT)).isTrue();
        }
    }
}
