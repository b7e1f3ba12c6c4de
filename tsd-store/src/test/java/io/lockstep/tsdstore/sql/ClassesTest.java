package io.lockstep.tsdstore.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockstep.sqlwire.GeneratedKeys;
import io.lockstep.sqlwire.SqlAction;
import io.lockstep.sqlwire.SqlOutcome;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.h2.value.Value;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Functions, triggers and aggregates of the operator's classes: on two nodes whose clocks differ, statement by statement. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ClassesTest {
    static final SqlConfig CONFIG = SqlConfig.DEFAULT.withSettings(DatabaseSettings.DEFAULT.withClasses(
            List.of(Methods.class.getName(), Audit.class.getName(), Product.class.getName())));

    private final SqlEngine active = new SqlEngine(CONFIG);
    private final SqlEngine backup = new SqlEngine(CONFIG);
    private long timeNs = 1_700_000_000_000_000_000L;
    private final SqlClient a = new SqlClient(active, 1, () -> timeNs);
    private final SqlClient b = new SqlClient(backup, 1, () -> timeNs);
    private final SqlClient other = new SqlClient(active, 2, () -> timeNs);
    private final SqlClient otherTwin = new SqlClient(backup, 2, () -> timeNs);

    @BeforeEach
    void open() {
        a.open();
        b.open();
        other.open();
        otherTwin.open();
        both("create table t(id int primary key, v int)");
        both("insert into t values(1, 10), (2, 20), (3, 30)");
        both("create table log(n int generated always as identity primary key, who varchar, what varchar,"
                + " at timestamp with time zone, id uuid)");
        both("create table g(id int generated always as identity primary key, k int unique)");
    }

    @AfterEach
    void close() {
        active.close();
        backup.close();
    }

    private static String method(String name) {
        return "'" + Methods.class.getName() + '.' + name + "'";
    }

    /** The same message on both nodes. */
    private String both(String sql) {
        return both(a, b, sql);
    }

    private String others(String sql) {
        return both(other, otherTwin, sql);
    }

    private String both(SqlClient here, SqlClient there, String sql) {
        timeNs += 60_000_000_000L;
        there.isAutoCommit = here.isAutoCommit;
        String text = SqlClient.text(here.say(SqlClient.statement(sql)));
        assertThat(SqlClient.text(there.say(SqlClient.statement(sql)))).as(sql).isEqualTo(text);
        assertThat(there.lastBytes).as(sql).isEqualTo(here.lastBytes);
        assertEqual(sql);
        return text;
    }

    private String retry(SqlClient here, SqlClient there) {
        String text = SqlClient.text(here.retry());
        assertThat(SqlClient.text(there.retry())).isEqualTo(text);
        assertEqual("retry");
        return text;
    }

    private void assertEqual(String what) {
        Items.assertSame(what, EngineCopyTest.items(backup.snapshot()), EngineCopyTest.items(active.snapshot()));
    }

    private String rows() {
        return both("select id, v from t order by id");
    }

    private String message(String sql) {
        both(sql);
        SqlOutcome outcome = other.say(SqlClient.statement(sql));
        otherTwin.say(SqlClient.statement(sql));
        assertThat(outcome).isInstanceOf(SqlOutcome.Failed.class);
        return ((SqlOutcome.Failed) outcome).message();
    }

    // ---- what the owner makes --------------------------------------------------------------------------------------

    @Test
    void aFunctionComputesInQueriesChangesViewsDefaultsChecksAndComputedColumns() {
        assertThat(both("create alias twice deterministic for " + method("twice")))
                .isEqualTo("0");
        assertThat(both("select twice(v) from t order by id")).isEqualTo("20 40 60");
        assertThat(both("update t set v = twice(v) where id = 1")).isEqualTo("1");
        assertThat(both("create view doubled as select id, twice(v) w from t")).isEqualTo("0");
        assertThat(both("select w from doubled order by id")).isEqualTo("40 40 60");
        assertThat(both("create table c(id int default twice(21), v int check (twice(v) < 100),"
                        + " w int generated always as (twice(v)))"))
                .isEqualTo("0");
        assertThat(both("insert into c(v) values(30)")).isEqualTo("1");
        assertThat(both("insert into c(v) values(50)")).isEqualTo("error 23513");
        assertThat(both("select * from c")).isEqualTo("42,30,60");
        assertThat(both("drop alias twice")).isEqualTo("error 90107");
        assertThat(both("drop view doubled")).isEqualTo("0");
        assertThat(both("drop table c")).isEqualTo("0");
        assertThat(both("drop alias twice")).isEqualTo("0");
        assertThat(both("select twice(1)")).isEqualTo("error 90022");
    }

    @Test
    void aFunctionThatIsMadeAnewIsAnotherForWhoHasPreparedAStatement() {
        both("create alias f for " + method("twice"));
        SqlAction prepare = new SqlAction.Prepare(7, "select f(7)");
        SqlAction execute = new SqlAction.Execute(7, null, new Value[0], GeneratedKeys.NONE, 0, 0, 0, 0, false);
        a.say(prepare);
        assertThat(SqlClient.text(a.say(execute))).isEqualTo("14");
        a.run("drop alias f");
        a.run("create alias f for " + method("thrice"));
        assertThat(SqlClient.text(a.say(execute))).isEqualTo("21");
    }

    @Test
    void aTriggerFiresForRowsAndForStatements() {
        String audit = " call '" + Audit.class.getName() + "'";
        assertThat(both("create trigger each after insert, update, delete on t for each row" + audit))
                .isEqualTo("0");
        assertThat(both("create trigger once after update on t" + audit)).isEqualTo("0");
        assertThat(both("update t set v = v + 1")).isEqualTo("3");
        assertThat(both("insert into t values(4, 40)")).isEqualTo("1");
        assertThat(both("delete from t where id = 4")).isEqualTo("1");
        assertThat(both("select who, what from log order by n"))
                .isEqualTo("EACH,1>1 EACH,2>2 EACH,3>3 ONCE,->- EACH,->4 EACH,4>-");
        assertThat(both("select count(distinct id), count(distinct at) from log"))
                .isEqualTo("6,3");
        assertThat(both("drop trigger each")).isEqualTo("0");
        assertThat(both("drop trigger once")).isEqualTo("0");
        assertThat(both("update t set v = 0")).isEqualTo("3");
        assertThat(both("select count(*) from log")).isEqualTo("6");
    }

    @Test
    void anAggregateAggregates() {
        assertThat(both("create aggregate product for '" + Product.class.getName() + "'"))
                .isEqualTo("0");
        assertThat(both("select product(v) from t")).isEqualTo("6000");
        assertThat(both("create view p as select product(v) x from t")).isEqualTo("0");
        assertThat(both("select x from p")).isEqualTo("6000");
        assertThat(both("update t set v = 0 where id = 1")).isEqualTo("1");
        assertThat(both("select product(v) from t")).isEqualTo("error 90105");
        assertThat(both("drop view p")).isEqualTo("0");
        assertThat(both("drop aggregate product")).isEqualTo("0");
    }

    @Test
    void whatFailsFailsAsWithH2() {
        assertThat(both("create alias f for " + method("nothing"))).isEqualTo("error 90139");
        assertThat(both("create alias f for " + method("ambiguous"))).isEqualTo("error 90073");
        assertThat(both("create alias f for " + method("overloaded"))).isEqualTo("0");
        assertThat(both("select f(1), f(1, 2)")).isEqualTo("1,3");
        assertThat(both("select f(1, 2, 3)")).isEqualTo("error 90087");
        assertThat(both("create alias f for " + method("twice"))).isEqualTo("error 90076");
        assertThat(both("create alias if not exists f for " + method("twice"))).isEqualTo("0");
        assertThat(both("select f(1)")).isEqualTo("1");
        assertThat(both("drop alias nothing")).isEqualTo("error 90077");
        assertThat(both("create trigger x after insert on nowhere call '" + Audit.class.getName() + "'"))
                .isEqualTo("error 42102");
        assertThat(both("create trigger x after insert on t call '" + Methods.class.getName() + "'"))
                .isEqualTo("error 90043");
        assertThat(both("drop trigger x")).isEqualTo("error 90042");
        assertThat(both("create aggregate x for '" + Methods.class.getName() + "'"))
                .startsWith("error ");
    }

    @Test
    void makingOneCommitsAsOtherDefinitionsDo() {
        a.manual();
        both("update t set v = 11 where id = 1");
        both("create alias twice for " + method("twice"));
        a.rollback();
        b.rollback();
        assertThat(rows()).isEqualTo("1,11 2,20 3,30");
    }

    @Test
    void onlyTheOwnerMakesAndDropsThemAndEverybodyCalls() {
        both("create user bob password 'secret'");
        both("create schema hers");
        both("create table hers.x(id int primary key)");
        both("grant insert, select on t to bob");
        both("create alias twice for " + method("twice"));
        both("create aggregate product for '" + Product.class.getName() + "'");
        both("create trigger each after insert on t for each row call '" + Audit.class.getName() + "'");
        both("grant insert on log to bob");
        SqlClient bob = new SqlClient(active, 3, () -> timeNs);
        SqlClient bobsTwin = new SqlClient(backup, 3, () -> timeNs);
        bob.logIn("bob", "secret");
        bobsTwin.logIn("bob", "secret");
        for (String sql : List.of(
                "create alias thrice for " + method("thrice"),
                "create aggregate p for '" + Product.class.getName() + "'",
                "drop alias twice",
                "drop aggregate product")) {
            assertThat(both(bob, bobsTwin, sql)).as(sql).isEqualTo("error 90040");
        }
        String trigger = "create trigger mine after insert on %s call '" + Audit.class.getName() + "'";
        assertThat(both(bob, bobsTwin, trigger.formatted("t"))).isEqualTo("error 90096");
        assertThat(both(bob, bobsTwin, "drop trigger each")).isEqualTo("error 90096");
        assertThat(both(bob, bobsTwin, "select twice(v) from t order by id")).isEqualTo("20 40 60");
        assertThat(both(bob, bobsTwin, "insert into t values(4, 4)")).isEqualTo("1");
        both("grant alter any schema to bob");
        assertThat(both(bob, bobsTwin, trigger.formatted("hers.x"))).isEqualTo("0");
    }

    @Test
    void aFunctionHasTheRightsOfWhoCallsIt() {
        both("create user bob password 'secret'");
        both("create alias add for " + method("add"));
        SqlClient bob = new SqlClient(active, 3, () -> timeNs);
        bob.logIn("bob", "secret");
        assertThat(bob.run("call add(1, 1)")).isEqualTo("error 90096");
        assertThat(a.run("call add(1, 1)")).isEqualTo("11");
    }

    @Test
    void droppingAllObjectsDropsThem() {
        both("create alias twice for " + method("twice"));
        both("create aggregate product for '" + Product.class.getName() + "'");
        both("create trigger each after insert on t for each row call '" + Audit.class.getName() + "'");
        both("create view p as select product(twice(v)) x from t");
        assertThat(both("drop all objects")).isEqualTo("0");
        assertThat(both("select count(*) from information_schema.routines where routine_schema = 'PUBLIC'"))
                .isEqualTo("0");
        assertThat(both("select count(*) from information_schema.triggers")).isEqualTo("0");
        assertThat(both("create alias twice for " + method("twice"))).isEqualTo("0");
        assertThat(both("create aggregate product for '" + Product.class.getName() + "'"))
                .isEqualTo("0");
    }

    // ---- statements within ------------------------------------------------------------------------------------------

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aFunctionChangesRowsInTheTransactionThatCallsIt(boolean isAutoCommit) {
        both("create alias add for " + method("add"));
        a.isAutoCommit = isAutoCommit;
        assertThat(both("call add(1, 5)")).isEqualTo("15");
        assertThat(a.last == null ? null : a.last.isAutoCommit()).isEqualTo(isAutoCommit);
        a.rollback();
        b.rollback();
        a.isAutoCommit = true;
        assertThat(both("select v from t where id = 1")).isEqualTo(isAutoCommit ? "15" : "10");
    }

    /** H2 takes the node's own time once a statement within another has ended. */
    @ParameterizedTest
    @ValueSource(strings = {"REGULAR", "MySQL", "PostgreSQL", "Oracle"})
    void timeAndChanceBehindAStatementWithinAreTheMessages(String mode) {
        DatabaseSettings settings = new DatabaseSettings(
                        mode,
                        DatabaseSettings.NO_COLLATION,
                        DatabaseSettings.IdentifierCase.UPPER,
                        false,
                        DatabaseSettings.NullOrdering.LOW)
                .withClasses(List.of(Methods.class.getName()));
        try (SqlEngine one = new SqlEngine(SqlConfig.DEFAULT.withSettings(settings))) {
            SqlClient client = new SqlClient(one, 1, () -> timeNs).open();
            client.run("create alias one_text for " + method("oneText"));
            for (String within : List.of("current_timestamp", "random_uuid()", "rand()")) {
                timeNs += 3_600_000_000_000L;
                String got = client.run("select one_text('select extract(epoch from current_timestamp)')"
                        + ", extract(epoch from current_timestamp), one_text('select " + within + "')");
                String seconds = Long.toString(timeNs / 1_000_000_000L);
                assertThat(got).as(mode + " " + got).startsWith(seconds).contains("," + seconds);
            }
        }
        both("create alias one_text for " + method("oneText"));
        assertThat(both("select one_text('select random_uuid()'), one_text('select rand()'), random_uuid(), rand()"))
                .doesNotStartWith("error");
        assertThat(both("create table s as select one_text('select 1') x, current_timestamp y, random_uuid() z"))
                .isEqualTo("0");
    }

    @Test
    void generatedKeysWithinAreThere() {
        both("create alias inserted for " + method("inserted"));
        assertThat(both("call inserted(7)")).isEqualTo("1");
        assertThat(both("call inserted(8)")).isEqualTo("2");
    }

    /** The second statement is done again, and must not be taken for one that H2 tries again. */
    @Test
    void anErrorWithinIsTheFunctionsToHandle() {
        both("create alias say_twice for " + method("sayTwice"));
        assertThat(both("call say_twice('insert into g(k) values(7)')")).isEqualTo("done 23505");
        assertThat(both("call say_twice('insert into t values(1, 1)')")).isEqualTo("23505 23505");
        assertThat(both("select count(*) from g")).isEqualTo("1");
    }

    /** Its inner calls must not be taken for an outer one that H2 tries again. */
    @Test
    void aFunctionCallsItselfAndMeetsALockAtTheBottom() {
        both("create alias descend for " + method("descend"));
        assertThat(both("call descend(3)")).isEqualTo("14");
        other.manual();
        others("update t set v = 20 where id = 1");
        assertThat(both("call descend(3)")).isEqualTo("waits");
        other.rollback();
        otherTwin.rollback();
        assertThat(retry(a, b)).isEqualTo("15");
    }

    @Test
    void aStatementWithinThatMeetsALockIsUndoneAndTriedAgain() {
        both("create alias add for " + method("add"));
        other.manual();
        a.manual();
        assertThat(others("update t set v = 21 where id = 2")).isEqualTo("1");
        assertThat(both("select add(1, 1), add(2, 1)")).isEqualTo("waits");
        assertThat(active.ready()).isEmpty();
        other.commit();
        otherTwin.commit();
        assertThat(active.ready()).containsExactly(a.name);
        assertThat(retry(a, b)).isEqualTo("11,22");
        a.commit();
        b.commit();
        assertThat(rows()).isEqualTo("1,11 2,22 3,30");
    }

    @Test
    void aLockThatTheFunctionHidesIsMetAllTheSame() {
        both("create alias add_quietly for " + method("addQuietly"));
        other.manual();
        others("update t set v = 21 where id = 2");
        assertThat(both("call add_quietly(1, 2)")).isEqualTo("waits");
        other.rollback();
        otherTwin.rollback();
        assertThat(retry(a, b)).isEqualTo("both");
        assertThat(rows()).isEqualTo("1,11 2,21 3,30");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "insert into g(k) values(7)",
                "update t set v = 0 where id >= 1",
                "select * from t where id <= 2 for update",
                "delete from t where id = 2",
                "merge into t key(id) values(2, 2)",
                "select * from final table (update t set v = 5 where id = 2)",
                "insert into t select x, x from system_range(101, 103)"
            })
    void everyKindOfLockIsMetWithin(String sql) {
        both("create alias say for " + method("say"));
        other.manual();
        others("update t set v = 21 where id = 2");
        others("insert into g(k) values(7)");
        others("insert into t values(103, 0)");
        long began = System.nanoTime();
        assertThat(both("call say('" + sql + "')")).isEqualTo("waits");
        // H2's own loop tries until the lock timeout, two seconds, on each of both lanes.
        assertThat(System.nanoTime() - began).isLessThan(2_000_000_000L);
        other.rollback();
        otherTwin.rollback();
        assertThat(retry(a, b)).isEqualTo("said");
    }

    @Test
    void aFunctionThatDoesNotWantToWaitIsTold() {
        both("create alias say for " + method("say"));
        other.manual();
        others("update t set v = 21 where id = 2");
        assertThat(both("call say('select * from t where id = 2 for update nowait')"))
                .isEqualTo("hidden");
        assertThat(both("call say('select * from t where id = 2 for update wait 30')"))
                .isEqualTo("waits");
    }

    @Test
    void aTriggerThatMeetsALockWaits() {
        both("create table k(id int primary key, v int)");
        both("create unique index once on log(what)");
        both("create trigger each after insert on k for each row call '" + Audit.class.getName() + "'");
        other.manual();
        a.manual();
        others("insert into log(who, what) values('other', '->2')");
        assertThat(both("insert into k values(1, 1), (2, 2)")).isEqualTo("waits");
        other.rollback();
        otherTwin.rollback();
        assertThat(retry(a, b)).isEqualTo("2");
        assertThat(both("select what from log order by n")).isEqualTo("->1 ->2");
    }

    @Test
    void aDeadlockWithinIsFound() {
        both("create alias add for " + method("add"));
        a.manual();
        other.manual();
        both("update t set v = 0 where id = 1");
        others("update t set v = 0 where id = 2");
        assertThat(both("call add(2, 1)")).isEqualTo("waits");
        assertThat(others("call add(1, 1)")).isEqualTo("error 40001");
        assertThat(active.ready()).containsExactly(a.name);
        assertThat(retry(a, b)).isEqualTo("21");
    }

    // ---- what is refused within -------------------------------------------------------------------------------------

    /** Some H2 refuses by itself within a function, before anybody hears of them: those the function may hide. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "create table x(id int)",
                "drop table t",
                "truncate table t",
                "commit",
                "rollback",
                "savepoint s",
                "set schema public",
                "set query_timeout 10",
                "set lock_timeout 10",
                "set autocommit on",
                "begin",
                "set mode mysql",
                "create alias f for 'java.lang.Math.abs'",
                "execute immediate 'shutdown'",
                "shutdown",
                "script",
                "call session_id()",
                "update t set v = 1; commit",
                "update t set v = 1; drop table t"
            })
    void whatAFunctionMustNotSayIsNotDone(String sql) {
        both("create alias say for " + method("say"));
        both("create alias add for " + method("add"));
        a.manual();
        other.manual();
        both("update t set v = 33 where id = 3");
        String call = "say('" + sql.replace("'", "''") + "')";
        assertThat(both("select add(1, 0), " + call)).isIn("error 50100", "error 90058", "10,hidden");
        // Never by the node's clock, which is years ahead.
        assertThat(both("select " + call + ", extract(epoch from current_timestamp)"))
                .matches("error 50100|error 90058|hidden,1700000\\d{3}");
        assertThat(rows()).isIn("1,10 2,20 3,33", "1,1 2,1 3,1");
        a.rollback();
        b.rollback();
        assertThat(rows()).isEqualTo("1,10 2,20 3,30");
    }

    @Test
    void severalStatementsInOneTextMeetALockAsOneDoes() {
        both("create alias say for " + method("say"));
        other.manual();
        others("update t set v = 21 where id = 2");
        String call = "call say('update t set v = 1 where id = 1; update t set v = 2 where id = 2')";
        assertThat(both(call)).isEqualTo("waits");
        other.rollback();
        otherTwin.rollback();
        assertThat(retry(a, b)).isEqualTo("said");
        assertThat(rows()).isEqualTo("1,1 2,2 3,30");
    }

    @ParameterizedTest
    @CsvSource({"commit,true", "commit,false", "auto_commit,true", "auto_commit,false"})
    void aFunctionDoesNotEndTheTransaction(String name, boolean isFirst) {
        both("create alias add for " + method("add"));
        both("create alias commit for " + method("commit"));
        both("create alias auto_commit for " + method("autoCommit"));
        a.manual();
        if (!isFirst) {
            both("update t set v = 33 where id = 3");
        }
        String call = '"' + name.toUpperCase(Locale.ROOT) + "\"()";
        assertThat(both(isFirst ? "select " + call + ", current_timestamp" : "select add(1, 1), " + call))
                .isEqualTo("error 50100");
        assertThat(rows()).isEqualTo(isFirst ? "1,10 2,20 3,30" : "1,10 2,20 3,33");
        a.rollback();
        b.rollback();
        assertThat(rows()).isEqualTo("1,10 2,20 3,30");
        assertThat(both("create table c as select " + call + " x, current_timestamp y"))
                .isEqualTo("error 50100");
        assertThat(both("select count(*) from t")).isEqualTo("3");
    }

    /** H2 itself fails to: should it learn to, the session would be gone on the lane. */
    @Test
    void aFunctionDoesNotCloseTheSession() {
        both("create alias close for " + method("close"));
        a.manual();
        both("set @kept = 5");
        both("update t set v = 33 where id = 3");
        assertThat(both("select \"CLOSE\"() from t")).isEqualTo("hidden hidden hidden");
        assertThat(both("select @kept")).isEqualTo("5");
        assertThat(rows()).isEqualTo("1,10 2,20 3,33");
    }

    @Test
    void aFunctionThatCancelsItselfEndsItsStatementOnly() {
        both("create alias cancel for " + method("cancel"));
        both("create alias say for " + method("say"));
        assertThat(both("select cancel()")).isEqualTo("cancelled");
        assertThat(both("select cancel(), say('select count(*) from t')")).isEqualTo("cancelled,said");
        assertThat(both("select cancel(), count(*) from system_range(1, 10000)"))
                .isEqualTo("cancelled,10000");
        assertThat(rows()).isEqualTo("1,10 2,20 3,30");
    }

    /** It would run beside the lane, whenever it gets there. */
    @ParameterizedTest
    @ValueSource(strings = {"update t set v = 0", "select count(*) from t", "commit"})
    void whatAFunctionSaysOnAThreadOfItsOwnIsNotDone(String sql) throws InterruptedException {
        a.run("create alias elsewhere for " + method("elsewhere"));
        a.manual();
        a.run("update t set v = 11 where id = 1");
        assertThat(a.run("select elsewhere('" + sql + "')")).isEqualTo("nothing");
        Thread late = Methods.KEPT_THREAD.getAndSet(null);
        assertThat(late).isNotNull();
        late.join();
        assertThat(Methods.LATE.get()).isEqualTo("hidden");
        assertThat(a.run("select id, v from t order by id")).isEqualTo("1,11 2,20 3,30");
        a.rollback();
        assertThat(a.run("select id, v from t order by id")).isEqualTo("1,10 2,20 3,30");
    }

    // ---- reads ------------------------------------------------------------------------------------------------------

    private String read(String sql) {
        return SqlClient.text(a.read(SqlClient.statement(sql)));
    }

    /** By a prepared statement; "waits" when the lane leaves it to others. */
    private String readKey(String sql) {
        a.say(new SqlAction.Prepare(9, sql));
        b.say(new SqlAction.Prepare(9, sql));
        return SqlClient.text(
                a.readKey(new SqlAction.Execute(9, null, new Value[0], GeneratedKeys.NONE, 0, 0, 0, 0, false)));
    }

    @Test
    void onlyWhatIsDeterministicIsReadBesideTheLane() {
        both("create alias twice deterministic for " + method("twice"));
        both("create alias thrice for " + method("thrice"));
        both("create alias table_of for " + method("rows"));
        both("create aggregate product for '" + Product.class.getName() + "'");
        both("create view w as select thrice(v) x from t");
        assertThat(read("select twice(v) from t order by id")).isEqualTo("20 40 60");
        // Its time is not that of a look-up, so it is nothing for the lane.
        assertThat(readKey("select twice(v) from t where id = 1")).isEqualTo("waits");
        assertThat(readKey("select v from t where id = 1")).isEqualTo("10");
        assertThat(read("select thrice(v) from t")).isEqualTo("NotARead");
        assertThat(read("select x from w")).isEqualTo("NotARead");
        assertThat(read("select v from t where id = thrice(1)")).isEqualTo("NotARead");
        assertThat(read("select product(v) from t")).isEqualTo("NotARead");
        assertThat(read("select * from table_of(3)")).isEqualTo("NotARead");
        assertThat(both("select * from table_of(3)")).isEqualTo("1,10 2,20 3,30");
    }

    @Test
    void aTableWithATriggerOnSelectIsNotReadBesideTheLane() {
        both("create view w as select * from t");
        assertThat(read("select count(*) from t")).isEqualTo("3");
        assertThat(read("select count(*) from w")).isEqualTo("3");
        both("create trigger watch before select on t call '" + Audit.class.getName() + "'");
        assertThat(read("select count(*) from t")).isEqualTo("NotARead");
        assertThat(read("select count(*) from w")).isEqualTo("NotARead");
        b.say(new SqlAction.Prepare(0, "select count(*) from t"));
        assertThat(a.say(new SqlAction.Prepare(0, "select count(*) from t")))
                .isInstanceOfSatisfying(SqlOutcome.Prepared.class, prepared -> assertThat(prepared.isReadable())
                        .isFalse());
        assertThat(both("select count(*) from t")).isEqualTo("3");
        assertThat(both("select count(*) from log")).isEqualTo("1");
        both("drop trigger watch");
        assertThat(read("select count(*) from t")).isEqualTo("3");
    }

    @Test
    void aFunctionChangesNothingWhereItIsOnlyPrepared() {
        both("create alias bad_rows for " + method("badRows"));
        assertThat(read("select * from bad_rows()")).isEqualTo("NotARead");
        assertThat(both("select * from bad_rows()")).isEqualTo("error 50100");
        assertThat(rows()).isEqualTo("1,10 2,20 3,30");
        assertThat(both("create alias d deterministic for " + method("add"))).isEqualTo("error 50100");
    }

    // ---- failures ---------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @CsvSource({
        "runtime,90105,broken",
        "io,90105,broken",
        "sql,45000,broken",
        "cancelled,90105,broken",
        "closed,90105,broken",
        "assertion,90105,broken",
        "linkage,90105,broken",
        "other,90105,other3false"
    })
    void whatAFunctionThrowsIsH2sOwnErrorAndEqual(String what, int code, String text) {
        both("create alias fail for " + method("fail"));
        String call = "select fail('" + what + "', x'010203')";
        assertThat(both(call)).isEqualTo("error " + code);
        assertThat(message(call)).contains(text);
        assertThat(rows()).isEqualTo("1,10 2,20 3,30");
    }

    @Test
    void whatATriggerThrowsIsH2sOwnErrorAndEqual() {
        both("create trigger each after insert on t for each row call '" + Audit.class.getName() + "'");
        assertThat(both("insert into t values(5, 5), (6, -1)")).isEqualTo("error 90044");
        assertThat(both("select count(*) from log")).isEqualTo("0");
        assertThat(rows()).isEqualTo("1,10 2,20 3,30");
    }

    @ParameterizedTest
    @ValueSource(strings = {"stack", "memory"})
    void theMachinesOwnErrorsGoToWhoeverEndsTheProcess(String what) {
        both("create alias fail for " + method("fail"));
        assertThatThrownBy(() -> a.run("select fail('" + what + "', x'01')")).isInstanceOf(VirtualMachineError.class);
    }

    // ---- ends from outside ------------------------------------------------------------------------------------------

    /** Whatever the method makes of it: on the backup no statement of it has failed. */
    @Test
    void aMethodThatHidesThatItWasEndedIsEndedAllTheSame() {
        both("create alias dawdle for " + method("dawdle"));
        both("create alias add for " + method("add"));
        both("insert into t select x, 0 from system_range(100, 2000)");
        Methods.IS_DAWDLING.set(false);
        Thread outside = new Thread(() -> {
            while (!Methods.IS_DAWDLING.get()) {
                Thread.onSpinWait();
            }
            active.running().cutAll(CutReason.STATEMENT_LIMIT);
        });
        outside.start();
        SqlAction call = SqlClient.statement("select add(1, 1), dawdle()");
        assertThat(SqlClient.text(a.say(call))).isEqualTo("error 57014");
        assertThat(a.remains).isNotEmpty();
        assertThat(SqlClient.text(b.sayCut(call, a.remains))).isEqualTo("error 57014");
        assertEqual("cut");
        assertThat(both("select v from t where id = 1")).isEqualTo("10");
    }

    // ---- copies -----------------------------------------------------------------------------------------------------

    private SqlEngine copyOf(SqlEngine source, SqlConfig config) {
        source.replan();
        SqlEngine copy = new SqlEngine(config);
        EngineCopyTest.install(EngineCopyTest.items(source.snapshot()), copy);
        return copy;
    }

    /** Everything that depends on a class, each on a thing before it, and two triggers made against the order of ids. */
    private void shop() {
        String audit = "call '" + Audit.class.getName() + "'";
        both("create table gap(id int)");
        both("create table other_gap(id int)");
        both("create alias twice deterministic for " + method("twice"));
        both("create alias thrice for " + method("thrice"));
        both("create alias table_of for " + method("rows"));
        both("create alias add for " + method("add"));
        both("create domain even as int check (twice(value) < 1000)");
        both("create table c(id int default twice(21), v even check (twice(v) < 100),"
                + " w int generated always as (twice(v)))");
        both("create aggregate product for '" + Product.class.getName() + "'");
        both("create view p as select product(thrice(v)) x from t");
        both("create view q as select * from table_of(2)");
        both("create table e(id int, x bigint default (select product(v) from t))");
        both("create view r as select id, v from t");
        both("create trigger first_made after insert, update on t for each row " + audit);
        both("create trigger late instead of insert on r for each row " + audit);
        both("drop table gap");
        both("create trigger later instead of insert, update on r for each row " + audit);
        both("drop table other_gap");
        both("create trigger then_made after insert on t for each row " + audit);
        both("insert into t values(4, 4)");
        both("insert into c(v) values(30)");
    }

    @Test
    void aCopyHasThemWithAllThatDependsOnThemAndFiresNoTriggerWhileItIsMade() {
        shop();
        a.manual();
        both("update t set v = 41 where id = 4");
        both("select add(1, 1)");
        a.isAutoCommit = false;
        String log = both("select who, what from log order by n");
        assertThat(log).isEqualTo("FIRST_MADE,->4 THEN_MADE,->4 FIRST_MADE,4>4 FIRST_MADE,1>1");
        SqlEngine copy = copyOf(backup, CONFIG);
        backup.replan();
        try (copy) {
            Items.assertSame("copied", EngineCopyTest.items(copy.snapshot()), EngineCopyTest.items(backup.snapshot()));
            SqlClient c = b.at(copy);
            for (String sql : List.of(
                    "select who, what, at, id from log order by n",
                    "select * from p",
                    "select * from q",
                    "insert into e(id) values(1)",
                    "select * from e",
                    "insert into c(v) values(31)",
                    "insert into c(v) values(50)",
                    "select * from c",
                    "insert into t values(5, 5)",
                    "insert into r values(6, 6)",
                    "select who from log order by n desc limit 2",
                    "update t set v = thrice(v) where id > 3",
                    "select add(1, 1)",
                    "select who, what, at, id from log order by n",
                    "rollback",
                    "select count(*) from log",
                    "drop alias twice",
                    "drop trigger first_made",
                    "insert into t values(5, 5)",
                    "select product(v) from t")) {
                timeNs += 60_000_000_000L;
                String text = SqlClient.text(b.say(SqlClient.statement(sql)));
                assertThat(SqlClient.text(c.say(SqlClient.statement(sql))))
                        .as(sql)
                        .isEqualTo(text);
                assertThat(c.lastBytes).as(sql).isEqualTo(b.lastBytes);
                Items.assertSame(sql, EngineCopyTest.items(copy.snapshot()), EngineCopyTest.items(backup.snapshot()));
            }
        }
    }

    @Test
    void anotherListOfClassesOrAnotherVersionOfOneIsAnotherDatabase() {
        DatabaseSettings plain = DatabaseSettings.DEFAULT;
        DatabaseSettings other = plain.withClasses(Map.of(Methods.class.getName(), "00"));
        DatabaseSettings fewer = plain.withClasses(List.of(Methods.class.getName()));
        assertThat(plain.text()).isEmpty();
        assertThat(CONFIG.origin())
                .isNotEqualTo(SqlConfig.DEFAULT.origin())
                .isNotEqualTo(CONFIG.withSettings(fewer).origin());
        assertThat(CONFIG.withSettings(fewer).origin())
                .isNotEqualTo(CONFIG.withSettings(other).origin());
        for (DatabaseSettings each : List.of(plain, other, fewer)) {
            assertThatThrownBy(() -> copyOf(active, SqlConfig.DEFAULT.withSettings(each)))
                    .hasMessageContaining(Methods.class.getName())
                    .hasMessageContaining("make them equal");
        }
    }
}
