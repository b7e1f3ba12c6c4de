package io.lockstep.tsdstore.sql;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.sqlwire.GeneratedKeys;
import io.lockstep.sqlwire.SqlAction;
import io.lockstep.sqlwire.SqlOutcome;
import io.lockstep.sqlwire.SqlRequest;
import io.lockstep.wire.Identity;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.h2.api.ErrorCode;
import org.h2.value.Value;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** An update by key is answered before it has its row, and is done all the same, or its transaction is undone. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DeferredUpdatesTest {
    private static final long MILLI = 1_000_000;
    private static final String ADD = "update t set v = v + ? where id = ?";
    private static final int ADDS = 1;

    private final SqlEngine engine = new SqlEngine(ClassesTest.CONFIG);
    private long nowNs = 1_700_000_000_000_000_000L;
    private long names;
    private final SqlClient plain = client().open();
    private final SqlClient a = client().openDeferring();
    private final SqlClient b = client().openDeferring();

    @BeforeEach
    void tables() {
        plain.run("create table t(id int primary key, v int, k int unique, at timestamp(9))");
        plain.run("insert into t select x, x, x, null from system_range(1, 9)");
        plain.run("create table history(id bigint generated always as identity primary key, v int,"
                + " at timestamp(9) default current_timestamp)");
        a.manual();
        b.manual();
        plain.manual();
    }

    @AfterEach
    void close() {
        engine.close();
    }

    private SqlClient client() {
        return new SqlClient(engine, ++names, () -> nowNs += MILLI);
    }

    /** What everybody sees. */
    private String values() {
        SqlClient reader = client().open();
        return reader.run("select v from t order by id");
    }

    private boolean isHeld(int id) {
        return isHeld("t", id);
    }

    /** Whether a session holds the row, as whoever wants it finds out. */
    private boolean isHeld(String table, int id) {
        SqlClient other = client().open().manual();
        boolean isHeld = other.run("select id from " + table + " where id = ? for update", id)
                .equals("waits");
        engine.close(other.name);
        return isHeld;
    }

    // ---- what it is for --------------------------------------------------------------------------------------------

    @Test
    void isAnsweredThoughSomebodyHasTheRowAndIsDoneWhenItIsFree() {
        plain.run("update t set v = 100 where id = 1");
        assertThat(a.prepared(ADDS, ADD, 7, 1)).isEqualTo("1");
        assertThat(a.commit()).isEqualTo("waits");
        assertThat(plain.commit()).isEqualTo("Done");
        assertThat(engine.ready()).containsExactly(a.name);
        assertThat(SqlClient.text(a.retry())).isEqualTo("Done");
        assertThat(values()).isEqualTo("107 2 3 4 5 6 7 8 9");
    }

    @Test
    void holdsNothingBeforeItsTransactionEnds() {
        assertThat(a.prepared(ADDS, ADD, 1, 1)).isEqualTo("1");
        assertThat(b.prepared(ADDS, ADD, 2, 1)).isEqualTo("1");
        assertThat(isHeld(1)).isFalse();
        assertThat(engine.openTransactions()).isZero();
        assertThat(b.commit()).isEqualTo("Done");
        assertThat(a.commit()).isEqualTo("Done");
        assertThat(values()).isEqualTo("4 2 3 4 5 6 7 8 9");
    }

    @Test
    void tellsTheClientThatItsTransactionIsOpenSoThatItCommits() {
        a.prepared(ADDS, ADD, 1, 1);
        assertThat(a.last).isNotNull().matches(reply -> reply.isInTransaction());
        a.commit();
        assertThat(a.last).isNotNull().matches(reply -> !reply.isInTransaction());
    }

    @Test
    void isDoneInItsOrderWithTheOthersOfItsTransaction() {
        assertThat(a.prepared(1, "update t set v = v * ? where id = ?", 10, 3)).isEqualTo("1");
        assertThat(a.prepared(2, ADD, 1, 3)).isEqualTo("1");
        assertThat(a.again(1, 2, 3)).isEqualTo("1");
        a.commit();
        assertThat(values()).isEqualTo("1 2 62 4 5 6 7 8 9");
    }

    @Test
    void goesWithARollbackThatWaitsForNobody() {
        for (String rollback : List.of("message", "text")) {
            plain.run("update t set v = 0 where id = 1");
            assertThat(a.prepared(ADDS, ADD, 1, 1)).isEqualTo("1");
            assertThat(rollback.equals("text") ? a.run("rollback") : a.rollback())
                    .isIn("0", "Done");
            plain.rollback();
            assertThat(a.commit()).isEqualTo("Done");
        }
        assertThat(values()).isEqualTo("1 2 3 4 5 6 7 8 9");
    }

    @Test
    void goesWithARollbackToASavepointThatWaitsForNobodyAndStaysWhenThereIsNoSuchSavepoint() {
        plain.run("update t set v = 0 where id = 1");
        a.run("savepoint s");
        a.prepared(ADDS, ADD, 1, 1);
        assertThat(a.run("rollback to savepoint s")).isEqualTo("0");
        a.again(ADDS, 1, 2);
        assertThat(a.run("rollback to savepoint other")).isEqualTo("error 90063");
        assertThat(a.commit()).isEqualTo("Done");
        plain.rollback();
        assertThat(values()).isEqualTo("1 3 3 4 5 6 7 8 9");
    }

    @Test
    void goesWithItsSession() {
        a.prepared(ADDS, ADD, 1, 1);
        engine.close(a.name);
        assertThat(values()).isEqualTo("1 2 3 4 5 6 7 8 9");
    }

    // ---- what comes after it in its transaction --------------------------------------------------------------------

    @ParameterizedTest
    @ValueSource(
            strings = {
                "select v from t where id = 1",
                "update t set v = v where id between 1 and 2",
                "delete from t where id = 9",
                "savepoint s",
                "insert into t values(10, 0, 10, null)",
                "select 1; select 2",
                "merge into history(v) key(v) values(1)",
                "set @x = 1",
                "create local temporary table temporary(id int) transactional",
                "select id from final table (insert into history(v) values(1))"
            })
    void isDoneBeforeWhateverCouldSeeIt(String sql) {
        a.prepared(ADDS, ADD, 7, 1);
        assertThat(a.run(sql)).doesNotStartWith("error");
        assertThat(isHeld(1)).isTrue();
        a.commit();
        assertThat(values()).startsWith("8 ");
    }

    @Test
    void isDoneBeforeABatch() {
        a.prepared(ADDS, ADD, 7, 1);
        a.say(new SqlAction.Batch(0, ADD, List.<@Nullable Value[]>of(SqlClient.values(1, 1)), GeneratedKeys.NONE, 0));
        assertThat(isHeld(1)).isTrue();
    }

    @Test
    void isDoneBeforeTheSessionCommitsByItself() {
        a.prepared(ADDS, ADD, 7, 1);
        assertThat(a.say(SqlRequest.of(true, new SqlAction.Apply()))).isInstanceOf(SqlOutcome.Done.class);
        assertThat(values()).startsWith("8 ");
        a.isAutoCommit = true;
        assertThat(a.again(ADDS, 1, 1)).isEqualTo("1");
        assertThat(values()).startsWith("9 ");
    }

    @Test
    void waitsBeforeTheSessionCommitsByItself() {
        plain.run("update t set v = 100 where id = 1");
        a.prepared(ADDS, ADD, 7, 1);
        assertThat(a.say(SqlRequest.of(true, SqlClient.statement("select v from t where id = 1"))))
                .isNull();
        plain.commit();
        assertThat(SqlClient.text(a.retry())).isEqualTo("107");
        assertThat(isHeld(1)).isFalse();
    }

    @Test
    void isSeenByItsOwnTransactionAndThenNotDeferredAgain() {
        a.prepared(ADDS, ADD, 7, 1);
        assertThat(a.run("select v from t where id = 1")).isEqualTo("8");
        a.commit();
        assertThat(a.again(ADDS, 1, 1)).isEqualTo("1");
        assertThat(isHeld(1)).isTrue();
    }

    @Test
    void isSeenByAReadBesideTheLaneOnlyWhenItIsDone() {
        a.prepared(ADDS, ADD, 7, 1);
        assertThat(a.read(SqlClient.statement("select v from t where id = 1"))).isInstanceOf(SqlOutcome.NotARead.class);
    }

    @Test
    void letsAnInsertPassThatUsesNoneOfItsTablesAndMakesNobodyWait() {
        a.prepared(ADDS, ADD, 7, 1);
        assertThat(a.prepared(2, "insert into history(v) values(?)", 7)).isEqualTo("1");
        assertThat(isHeld(1)).isFalse();
        a.commit();
        assertThat(values()).startsWith("8 ");
        assertThat(a.run("select v from history")).isEqualTo("7");
    }

    @Test
    void isDoneBeforeAnInsertThatCommits() {
        a.prepared(ADDS, ADD, 7, 1);
        String insert = "insert into history(v) values(?)";
        a.say(new SqlAction.Execute(2, insert, SqlClient.values(7), GeneratedKeys.NONE, 0, 0, 0, 0, true));
        assertThat(values()).startsWith("8 ");
        assertThat(a.last).isNotNull().matches(reply -> !reply.isInTransaction());
    }

    @Test
    void isDoneBeforeAnInsertThatGivesItsKeyItself() {
        a.prepared(ADDS, ADD, 7, 1);
        assertThat(a.prepared(2, "insert into history(id, v) overriding system value values(?, 7)", 70))
                .isEqualTo("1");
        assertThat(isHeld(1)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "create table other(id int primary key)",
                "create table other(id int generated by default as identity primary key)",
                "create table other(id int check (id > 0))",
                "create table other(id int, s int default (select max(v) from t))",
                "create table other(id int, k int unique)",
            })
    void isDoneBeforeAnInsertThatCouldMakeSomebodyWaitOrFailOnIt(String definition) {
        plain.run(definition);
        a.prepared(ADDS, ADD, 7, 1);
        assertThat(a.prepared(2, "insert into other(id) values(?)", 7)).isEqualTo("1");
        assertThat(isHeld(1)).isTrue();
    }

    @Test
    void isDoneBeforeAnInsertOfWhatItsTableHas() {
        a.prepared(ADDS, ADD, 7, 1);
        assertThat(a.prepared(2, "insert into history(v) select max(v) from t where id < ?", 2))
                .isEqualTo("1");
        assertThat(a.run("select v from history")).isEqualTo("8");
    }

    // ---- which it is not -------------------------------------------------------------------------------------------

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "update t set v = ? where id = ? and v < 100 | 1 | 1",
                "update t set v = ? where id <= ? | 1 | 1",
                "update t set v = ? where v = ? | 1 | 1",
                "update t set k = ? where id = ? | 77 | 1",
                "update t set id = ? where id = ? | 77 | 1",
                "update t set v = v + ? + (select max(v) from t) where id = ? | 1 | 1",
                "update t set v = ? where id = ? fetch first 1 row only | 1 | 1",
                "update t set v = ? + rand() where id = ? | 1 | 1",
                "update t set v = ?, at = current_timestamp where id = ? | 1 | 1",
                "update checked set v = ? where id = ? | 1 | 1",
                "update ranged set v = ? where id = ? | 1 | 1",
                "update generated set v = ? where id = ? | 1 | 1",
                "update stamped set v = ? where id = ? | 1 | 1",
                "update child set parent = ? where id = ? | 1 | 1",
                "update defaults set v = ?, w = default where id = ? | 1 | 1",
                "update defaults set x = nullif(?, 1) where id = ? | 1 | 1",
                "update t set v = cast(? as range) where id = ? | 1 | 1",
                "update pairs set v = ? where id = ? | 1 | 1",
                "update pairs set v = ? where id = ? or part = 2 | 1 | 1"
            })
    void isNotAStatementWhoseAnswerOrEffectCouldChange(String sql, int value, int id) {
        plain.run("create table checked(id int primary key, v int check (v < 100))");
        plain.run("create domain range as int check (value < 100)");
        plain.run("create table ranged(id int primary key, v range)");
        plain.run("create table generated(id int primary key, v int, w int generated always as (v + 1))");
        plain.run("create table stamped(id int primary key, v int, at timestamp on update current_timestamp)");
        plain.run("create table child(id int primary key, parent int references t(id))");
        plain.run("create table defaults(id int primary key, v int, w int default (select max(v) from t),"
                + " x int default 5 default on null)");
        plain.run("create table pairs(id int, part int, v int, primary key(id, part))");
        for (String table : List.of("checked", "ranged", "generated", "stamped", "child", "defaults", "pairs")) {
            assertThat(plain.run("insert into " + table + "(id" + (table.equals("pairs") ? ", part" : "") + ") values("
                            + (table.equals("pairs") ? "1, 1" : "1") + ")"))
                    .isEqualTo("1");
        }
        plain.commit();
        assertThat(a.prepared(1, sql, value, id)).isEqualTo("1");
        assertThat(isHeld(sql.split(" ", 3)[1], 1)).isTrue();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "update t set v = v - ? where ? = id | 1 | 1",
                "update t set v = ? where k = ? | 1 | 1",
                "update t set at = null, v = -v * ? where (id = ?) | 2 | 1",
                "update pairs set v = ? where id = ? and part = 1 | 1 | 1",
                "update child set v = ? where id = ? | 5 | 1"
            })
    void isAnyByAUniqueKeyThatComputesFromItsRow(String sql, int value, int id) {
        plain.run("create table pairs(id int, part int, v int, primary key(id, part))");
        plain.run("create table child(id int primary key, parent int references t(id), v int)");
        plain.run("insert into pairs values(1, 1, 1)");
        plain.run("insert into child values(1, 1, 1)");
        plain.commit();
        assertThat(a.prepared(1, sql, value, id)).isEqualTo("1");
        assertThat(isHeld(sql.split(" ", 3)[1], 1)).isFalse();
        assertThat(a.commit()).isEqualTo("Done");
    }

    @Test
    void isNotWhatFailsOrFindsNoRow() {
        assertThat(a.prepared(1, ADD, 1, 99)).isEqualTo("0");
        assertThat(a.prepared(1, ADD, Integer.MAX_VALUE, 1)).isEqualTo("error 22003");
        assertThat(a.prepared(1, ADD, "x", 1)).isEqualTo("error 22018");
        plain.run("create table strict(id int primary key, v int not null)");
        plain.run("insert into strict values(1, 1)");
        plain.commit();
        assertThat(a.prepared(1, "update strict set v = nullif(?, 1) where id = ?", 1, 1))
                .isEqualTo("error 23502");
    }

    /** H2 compares a text with a number as numbers. */
    @Test
    void isNotWhatFindsTwoRowsByAKeyOfAnotherType() {
        plain.run("create table texts(id varchar primary key, v int)");
        plain.run("insert into texts values('01', 1), ('1', 1)");
        plain.commit();
        assertThat(a.prepared(1, "update texts set v = v + ? where id = ?", 1, 1))
                .isEqualTo("2");
        assertThat(a.prepared(2, "update texts set v = v + ? where id = 1", 1)).isEqualTo("2");
        assertThat(a.commit()).isEqualTo("Done");
    }

    @Test
    void isNotOneWithoutAllItsParameters() {
        assertThat(a.prepared(1, "update t set v = ? where id = 1")).isEqualTo("error 90012");
    }

    @Test
    void isNotOneThatWantsKeysOrCommitsOrIsNoPreparedStatement() {
        a.say(new SqlAction.Execute(1, ADD, SqlClient.values(1, 1), GeneratedKeys.ALL, 0, 0, 0, 0, false));
        assertThat(isHeld(1)).isTrue();
        a.say(new SqlAction.Execute(1, ADD, SqlClient.values(1, 2), GeneratedKeys.NONE, 0, 0, 0, 0, true));
        assertThat(values()).startsWith("2 3 ");
        a.run("update t set v = 0 where id = 3");
        assertThat(isHeld(3)).isTrue();
    }

    @Test
    void isNotOneAtAnIsolationLevelThatSeesOneMoment() {
        a.run("set session characteristics as transaction isolation level repeatable read");
        a.prepared(ADDS, ADD, 1, 1);
        assertThat(isHeld(1)).isTrue();
    }

    @Test
    void isNotOneWhoseTableHasBecomeAnother() {
        assertThat(a.prepared(ADDS, ADD, 1, 1)).isEqualTo("1");
        a.commit();
        plain.run("alter table t add constraint small check (v < 100)");
        assertThat(a.again(ADDS, 1, 1)).isEqualTo("1");
        assertThat(isHeld(1)).isTrue();
    }

    @Test
    void isNotWhereNobodyAskedForIt() {
        plain.prepared(ADDS, ADD, 1, 1);
        assertThat(isHeld(1)).isTrue();
    }

    @Test
    void isNotOneThatCallsAClass() {
        plain.run("create alias twice deterministic for '" + Methods.class.getName() + ".twice'");
        plain.run("create table watched(id int primary key, v int)");
        plain.run("insert into watched values(1, 1)");
        plain.run("create table log(who varchar, what varchar, at timestamp with time zone, id uuid)");
        plain.run("create trigger watch before update on watched for each row call '" + Audit.class.getName() + "'");
        plain.commit();
        assertThat(a.prepared(1, "update t set v = twice(v) + ? where id = ?", 0, 1))
                .isEqualTo("1");
        assertThat(isHeld(1)).isTrue();
        assertThat(a.prepared(2, "update watched set v = ? where id = ?", 0, 1)).isEqualTo("1");
        assertThat(isHeld("watched", 1)).isTrue();
    }

    @Test
    void isNotOneThatItsUserMayNotDo() {
        plain.run("create user reader password 'secret'");
        plain.run("grant select on t to reader");
        SqlClient reader = client().deferring();
        reader.logIn("reader", "secret");
        assertThat(reader.manual().prepared(ADDS, ADD, 1, 1)).isEqualTo("error 90096");
    }

    @Test
    void isDeferredAgainAfterACommitThatIsAText() {
        a.prepared(ADDS, ADD, 1, 1);
        assertThat(a.run("commit")).isEqualTo("0");
        a.again(ADDS, 1, 1);
        assertThat(isHeld(1)).isFalse();
        assertThat(values()).startsWith("2 ");
    }

    @Test
    void isNotOneMoreThanASessionMayKeep() {
        a.prepared(ADDS, ADD, 1, 1);
        for (int i = 1; i < 256; i++) {
            assertThat(a.again(ADDS, 1, 1)).isEqualTo("1");
        }
        assertThat(isHeld(1)).isFalse();
        assertThat(a.again(ADDS, 1, 1)).isEqualTo("1");
        assertThat(isHeld(1)).isTrue();
        a.commit();
        assertThat(values()).startsWith("258 ");
    }

    // ---- when it goes wrong ----------------------------------------------------------------------------------------

    @ParameterizedTest
    @ValueSource(
            strings = {
                "delete from t where id = 1",
                "update t set id = 100 where id = 1",
                "update t set v = 2147483647 where id = 1",
                "alter table t drop column v",
                "drop table t"
            })
    void undoesItsTransactionWhenItsAnswerHasBecomeWrong(String meanwhile) {
        assertThat(a.prepared(2, "insert into history(v) values(?)", 7)).isEqualTo("1");
        assertThat(a.prepared(ADDS, ADD, 7, 1)).isEqualTo("1");
        assertThat(plain.run(meanwhile)).isIn("0", "1");
        plain.commit();
        assertThat(a.commit()).isEqualTo("error 40001");
        assertThat(a.last).isNotNull().matches(reply -> !reply.isInTransaction());
        assertThat(a.run("select v from history")).isEmpty();
        assertThat(a.commit()).isEqualTo("Done");
    }

    /** Together they do what neither does alone; so nobody else is needed for a transaction to fail, and it would fail again. */
    @Test
    void isNotDeferredAgainWhenItCouldNotBeDone() {
        plain.run("update t set v = 2147483640 where id = 1");
        plain.commit();
        assertThat(a.prepared(ADDS, ADD, 5, 1)).isEqualTo("1");
        assertThat(a.again(ADDS, 5, 1)).isEqualTo("1");
        assertThat(a.commit()).isEqualTo("error 40001");
        assertThat(a.again(ADDS, 5, 1)).isEqualTo("1");
        assertThat(isHeld(1)).isTrue();
        assertThat(a.again(ADDS, 5, 1)).isEqualTo("error 22003");
        assertThat(a.commit()).isEqualTo("Done");
        assertThat(values()).startsWith("2147483645 ");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void leavesAutocommitOnWhenThatWasToCommitIt(boolean isDeadlock) {
        a.run("update t set v = 0 where id = 2");
        plain.run(isDeadlock ? "update t set v = 0 where id = 1" : "delete from t where id = 1");
        List<@Nullable Value[]> rows = List.of(SqlClient.values(1, 3), SqlClient.values(1, 4));
        SqlAction batch = new SqlAction.Batch(ADDS, null, rows, GeneratedKeys.NONE, 0);
        if (isDeadlock) {
            assertThat(a.prepared(ADDS, ADD, 7, 1)).isEqualTo("1");
            assertThat(plain.run("update t set v = 0 where id = 2")).isEqualTo("waits");
        } else {
            assertThat(a.prepared(ADDS, ADD, 7, 1)).isEqualTo("1");
            plain.commit();
        }
        assertThat(SqlClient.text(a.say(SqlRequest.of(true, batch)))).isEqualTo("batch -3 -3");
        assertThat(a.last).isNotNull().matches(reply -> reply.isAutoCommit() && !reply.isInTransaction());
    }

    @Test
    void failsEachRowOfABatchThatWaitedInVainForAutocommit() {
        plain.run("update t set v = 0 where id = 1");
        assertThat(a.prepared(ADDS, ADD, 7, 1)).isEqualTo("1");
        List<@Nullable Value[]> rows = List.of(SqlClient.values(1, 3), SqlClient.values(1, 4));
        assertThat(a.say(SqlRequest.of(true, new SqlAction.Batch(ADDS, null, rows, GeneratedKeys.NONE, 0))))
                .isNull();
        assertThat(SqlClient.text(a.giveUp(GiveUp.LOCK_TIMEOUT))).isEqualTo("batch -3 -3");
        assertThat(a.last).isNotNull().matches(reply -> !reply.isAutoCommit() && reply.isInTransaction());
    }

    @Test
    void saysWhichUpdateItWas() {
        a.prepared(ADDS, ADD, 7, 1);
        plain.run("delete from t where id = 1");
        plain.commit();
        assertThat(a.say(new SqlAction.End(true)))
                .isInstanceOfSatisfying(SqlOutcome.Failed.class, failed -> assertThat(failed.message())
                        .contains("deferUpdates")
                        .contains(ADD));
    }

    @Test
    void keepsItsTransactionWhenItsCommitHasWaitedInVain() {
        plain.run("update t set v = 100 where id = 2");
        a.prepared(ADDS, ADD, 7, 1);
        a.again(ADDS, 7, 2);
        assertThat(a.commit()).isEqualTo("waits");
        assertThat(SqlClient.text(a.giveUp(GiveUp.LOCK_TIMEOUT))).isEqualTo("error 50200");
        assertThat(isHeld(1)).isTrue();
        plain.commit();
        assertThat(a.commit()).isEqualTo("Done");
        assertThat(values()).startsWith("8 107 ");
    }

    @Test
    void isOneOfTwoThatBlockEachOther() {
        a.run("update t set v = 0 where id = 1");
        plain.run("update t set v = 0 where id = 2");
        assertThat(a.prepared(ADDS, ADD, 7, 2)).isEqualTo("1");
        assertThat(plain.run("update t set v = 0 where id = 1")).isEqualTo("waits");
        assertThat(a.commit()).isEqualTo("error 40001");
        assertThat(SqlClient.text(plain.retry())).isEqualTo("1");
        plain.commit();
        assertThat(values()).startsWith("0 0 ");
    }

    /** A mode in which the time is each statement's own; what is compiled between two must not ask this node's clock. */
    @ParameterizedTest
    @ValueSource(strings = {"update", "list", "first", "switch"})
    void isCompiledAtTheTimeOfItsMessage(String what) {
        DatabaseSettings d = DatabaseSettings.DEFAULT;
        DatabaseSettings mySql =
                new DatabaseSettings("MySQL", d.collation(), d.identifierCase(), false, d.nullOrdering());
        try (SqlEngine other = new SqlEngine(SqlConfig.DEFAULT.withSettings(mySql))) {
            SqlClient it = new SqlClient(other, 1, () -> nowNs += MILLI).openDeferring();
            SqlClient definer = new SqlClient(other, 2, () -> nowNs += MILLI).open();
            it.run("create table t(id int primary key, at timestamp, v int)");
            it.run("insert into t values(1, null, 0), (2, null, 0)");
            it.manual();
            String today = "coalesce(time '10:00:00', timestamp '2000-01-01 00:00:00')";
            if (!what.equals("first")) {
                it.prepared(1, "update t set v = v + 1 where id = ?", 1);
            }
            it.prepared(2, "update t set at = " + today + " where id = ?", 2);
            definer.run("create table another(id int)");
            String seen =
                    switch (what) {
                        case "list" -> it.run("select " + today + "; select 1");
                        case "switch" ->
                            SqlClient.text(it.say(SqlRequest.of(true, SqlClient.statement("select " + today))));
                        case "first" -> {
                            it.prepared(3, "update t set v = ? where id = ?", 1, 99);
                            yield it.run("select at from t where id = 2");
                        }
                        default -> {
                            it.commit();
                            yield it.run("select at from t where id = 2");
                        }
                    };
            assertThat(seen).startsWith("2023-11-");
        }
    }

    // ---- whatever the others do ------------------------------------------------------------------------------------

    /** What one session has asked for since its last commit, by row. */
    private static final class Open {
        final SqlClient client;
        int[] added = new int[ROWS];
        SqlAction asked = new SqlAction.Apply();
        int row;
        int by;

        Open(SqlClient client) {
            this.client = client;
        }
    }

    private static final int ROWS = 4;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20})
    void isDoneOnceOrNotAtAllAndSeenByItsOwnWhateverTheOthersDo(long seed) {
        Random random = new Random(seed);
        int[] committed = {0, 0, 0, 0};
        plain.run("create table sums(id int primary key, v int)");
        plain.run("insert into sums select x, 0 from system_range(0, 3)");
        plain.commit();
        List<Open> sessions = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            SqlClient client = client();
            sessions.add(new Open((i < 3 ? client.openDeferring() : client.open()).manual()));
        }
        int commits = 0;
        for (int i = 0; i < 600; i++) {
            Identity ready = engine.nextReady();
            Identity late = engine.nextGiveUp(nowNs);
            if (ready != null) {
                Open of = open(sessions, ready);
                commits += took(of, of.client.retry(), committed);
            } else if (late != null) {
                Open of = open(sessions, late);
                took(of, of.client.giveUp(GiveUp.LOCK_TIMEOUT), committed);
            } else {
                Open of = sessions.get(random.nextInt(sessions.size()));
                if (engine.waitingRequest(of.client.name) == 0) {
                    of.row = random.nextInt(ROWS);
                    of.by = random.nextInt(-9, 10);
                    of.asked = action(random, of);
                    commits += took(of, of.client.say(of.asked), committed);
                }
            }
        }
        sessions.forEach(each -> engine.close(each.client.name));
        assertThat(commits).isGreaterThan(20);
        assertThat(client().open().run("select v from sums order by id"))
                .isEqualTo(Arrays.stream(committed).mapToObj(String::valueOf).collect(Collectors.joining(" ")));
    }

    private static Open open(List<Open> sessions, Identity name) {
        return sessions.stream()
                .filter(each -> each.client.name.equals(name))
                .findFirst()
                .orElseThrow();
    }

    private static SqlAction action(Random random, Open of) {
        return switch (random.nextInt(12)) {
            case 0, 1, 2 -> new SqlAction.End(true);
            case 3 -> new SqlAction.End(false);
            case 4 -> SqlClient.statement("select v from sums where id = ?", of.row);
            default ->
                new SqlAction.Execute(
                        1,
                        "update sums set v = v + ? where id = ?",
                        SqlClient.values(of.by, of.row),
                        GeneratedKeys.NONE,
                        0,
                        0,
                        0,
                        0,
                        false);
        };
    }

    /** @return how many transactions it committed */
    private static int took(Open of, @Nullable SqlOutcome outcome, int[] committed) {
        if (outcome == null) {
            return 0;
        }
        if (outcome instanceof SqlOutcome.Failed failed) {
            if (failed.code() == ErrorCode.DEADLOCK_1) {
                of.added = new int[ROWS];
            } else {
                assertThat(failed.code()).isEqualTo(ErrorCode.LOCK_TIMEOUT_1);
            }
            return 0;
        }
        if (of.asked instanceof SqlAction.End end) {
            for (int row = 0; end.isCommit() && row < ROWS; row++) {
                committed[row] += of.added[row];
            }
            of.added = new int[ROWS];
            return end.isCommit() ? 1 : 0;
        }
        if (outcome instanceof SqlOutcome.Rows) {
            assertThat(SqlClient.text(outcome)).isEqualTo(Integer.toString(committed[of.row] + of.added[of.row]));
        } else {
            assertThat(SqlClient.text(outcome)).isEqualTo("1");
            of.added[of.row] += of.by;
        }
        return 0;
    }
}
