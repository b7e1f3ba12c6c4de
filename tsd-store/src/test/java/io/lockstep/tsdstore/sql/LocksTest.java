package io.lockstep.tsdstore.sql;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.sqlwire.GeneratedKeys;
import io.lockstep.sqlwire.SqlAction;
import io.lockstep.sqlwire.SqlOutcome;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Many open transactions, one thread: nobody is waited for, and everybody's turn comes. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LocksTest {
    private static final long MILLI = 1_000_000;

    private final SqlEngine engine = new SqlEngine(ClassesTest.CONFIG);
    private long nowNs = 1_700_000_000_000_000_000L;
    private long names;
    private SqlClient a = open();
    private SqlClient b = open();

    @BeforeEach
    void table() {
        a.run("create table t(id int primary key, v int, k int unique)");
        a.run("insert into t select x, x, x from system_range(1, 10)");
        a.manual();
        b.manual();
    }

    @AfterEach
    void close() {
        engine.close();
    }

    private SqlClient open() {
        return new SqlClient(engine, ++names, () -> nowNs += MILLI).open();
    }

    // ---- H2's traps ------------------------------------------------------------------------------------------------

    /** H2 would try for ever: the holder has rolled back a statement, which H2 takes for a reason to try again. */
    @Test
    void meetsARowOfATransactionThatHadADuplicateKey() {
        a.run("update t set v = 0 where id = 1");
        assertThat(a.run("insert into t values(2, 2, 2)")).isEqualTo("error 23505");
        assertThat(b.run("update t set v = 1 where id = 1")).isEqualTo("waits");
    }

    @Test
    void meetsARowOfATransactionThatWentBackToASavepoint() {
        a.run("update t set v = 0 where id = 1");
        a.run("savepoint s");
        a.run("update t set v = 0 where id = 2");
        a.run("rollback to savepoint s");
        assertThat(b.run("select * from t where id = 1 for update")).isEqualTo("waits");
        assertThat(open().run("delete from t where id = 2")).isEqualTo("1");
    }

    @Test
    void meetsARowOfATransactionThatMetOneItself() {
        a.run("update t set v = 0 where id = 1");
        b.run("update t set v = 0 where id = 2");
        SqlClient c = open().manual();
        c.run("update t set v = 0 where id = 3");
        assertThat(c.run("update t set v = 0 where id in (2, 4)")).isEqualTo("waits");
        assertThat(a.run("merge into t key(id) values(3, 3, 3)")).isEqualTo("waits");
    }

    @Test
    void opensMoreTransactionsThanH2DoesByDefault() {
        for (int i = 0; i < 300; i++) {
            assertThat(open().manual().run("insert into t values(?, 0, ?)", 1000 + i, 1000 + i))
                    .isEqualTo("1");
        }
        assertThat(engine.openTransactions()).isEqualTo(300);
    }

    /** H2's own loop tries again over its own first try. */
    @Test
    void doesNotTakeItsOwnFirstTryForADuplicate() {
        a.run("insert into t values(103, 0, 103)");
        assertThat(b.run("insert into t select x, 0, x from system_range(101, 103)"))
                .isEqualTo("waits");
        a.rollback();
        assertThat(engine.ready()).containsExactly(b.name);
        assertThat(SqlClient.text(b.retry())).isEqualTo("3");
    }

    @Test
    void usesUpOneIdentityForAnAttempt() {
        a.run("create table g(id int generated always as identity primary key, k int unique)");
        a.run("insert into g(k) values(7)");
        assertThat(b.run("insert into g(k) values(7)")).isEqualTo("waits");
        a.rollback();
        assertThat(SqlClient.text(b.retry())).isEqualTo("1");
        assertThat(b.run("select id from g")).isEqualTo("3");
    }

    @Test
    void leavesNoLockOnTheSchemaBehind() {
        a.run("create sequence s");
        a.run("insert into t values(100, 0, 100)");
        assertThat(b.run("create table other(id int)")).isEqualTo("0");
        assertThat(b.run("create local temporary table temporary(id int) on commit drop"))
                .isEqualTo("0");
        assertThat(b.rollback()).isEqualTo("Done");
        assertThat(b.run("values next value for s")).isEqualTo("1");
    }

    /** H2 drops such a table after it has committed, and keeps the schema locked for that until the next commit. */
    @Test
    void leavesNoLockOnTheSchemaBehindWhenATemporaryTableGoesAtTheEndOfATransaction() {
        a.run("create sequence q");
        for (String end : List.of("select current value for q", "set @x = 1", "commit", "rollback")) {
            SqlClient c = open();
            assertThat(c.run("create local temporary table passing(id int primary key) on commit drop"))
                    .isEqualTo("0");
            c.run(end);
            assertThat(b.run("create table t(id int)")).as(end).isEqualTo("error 42101");
            assertThat(b.run("select next value for q")).as(end).isNotEqualTo("waits");
        }
    }

    @Test
    void hasCommittedWhenAStatementOnTheSchemaFails() {
        a.run("update t set v = 77 where id = 1");
        assertThat(a.run("create table t(id int)")).isEqualTo("error 42101");
        a.rollback();
        assertThat(b.run("select v from t where id = 1")).isEqualTo("77");
    }

    @Test
    void keepsNothingLockedOfAStatementThatWaits() {
        a.run("update t set v = 0 where id = 5");
        assertThat(b.run("select * from t where id <= 5 for update")).isEqualTo("waits");
        assertThat(open().run("update t set v = 3 where id = 3")).isEqualTo("1");
    }

    // ---- waiting ---------------------------------------------------------------------------------------------------

    @Test
    void goesOnWhenTheHolderCommits() {
        a.run("update t set v = 100 where id = 1");
        assertThat(b.run("update t set v = v + 1 where id = 1")).isEqualTo("waits");
        assertThat(engine.nextReady()).isNull();
        a.commit();
        assertThat(engine.nextReady()).isEqualTo(b.name);
        assertThat(SqlClient.text(b.retry())).isEqualTo("1");
        assertThat(b.run("select v from t where id = 1")).isEqualTo("101");
    }

    @Test
    void goesOnWhenTheHolderGoesAway() {
        a.run("update t set v = 100 where id = 1");
        assertThat(b.run("update t set v = v + 1 where id = 1")).isEqualTo("waits");
        engine.close(a.name);
        assertThat(SqlClient.text(b.retry())).isEqualTo("1");
        assertThat(b.run("select v from t where id = 1")).isEqualTo("2");
    }

    @Test
    void goesOnWhenTheHolderGoesBackToASavepoint() {
        a.run("update t set v = 100 where id = 2");
        a.run("savepoint s");
        a.run("update t set v = 100 where id = 1");
        assertThat(b.run("update t set v = v + 1 where id = 1")).isEqualTo("waits");
        a.run("rollback to savepoint s");
        assertThat(engine.nextReady()).isEqualTo(b.name);
        assertThat(SqlClient.text(b.retry())).isEqualTo("1");
    }

    @Test
    void servesThoseWhoWaitForARowOneAfterTheOther() {
        a.run("update t set v = 0 where id = 1");
        List<SqlClient> waiting = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            SqlClient each = open().manual();
            assertThat(each.run("update t set v = v * 10 + ? where id = 1", i)).isEqualTo("waits");
            waiting.add(each);
        }
        a.commit();
        for (SqlClient each : waiting) {
            assertThat(engine.ready()).containsExactly(each.name);
            assertThat(SqlClient.text(each.retry())).isEqualTo("1");
            assertThat(engine.ready()).isEmpty();
            each.commit();
        }
        assertThat(b.run("select v from t where id = 1")).isEqualTo("1234");
    }

    @Test
    void waitsForWhoHasTheSameKeyInAUniqueIndex() {
        a.run("insert into t values(100, 0, 555)");
        SqlClient c = open().manual();
        c.run("update t set v = 0 where id = 9");
        assertThat(b.run("insert into t values(101, 0, 555)")).isEqualTo("waits");
        c.commit();
        assertThat(engine.ready()).isEmpty();
        a.commit();
        assertThat(engine.ready()).containsExactly(b.name);
        assertThat(SqlClient.text(b.retry())).isEqualTo("error 23505");
    }

    @Test
    void waitsWithASchemaChangeForAllWhoWroteToTheTable() {
        a.run("update t set v = 0 where id = 1");
        b.run("update t set v = 0 where id = 2");
        SqlClient c = open();
        assertThat(c.run("alter table t add column w int")).isEqualTo("waits");
        a.commit();
        assertThat(engine.ready()).isEmpty();
        b.commit();
        assertThat(engine.ready()).containsExactly(c.name);
        assertThat(SqlClient.text(c.retry())).isEqualTo("0");
        assertThat(a.run("select w from t where id = 1")).isEqualTo("null");
    }

    @Test
    void waitsWithDropAllObjectsForAllWhoHaveChangedSomething() {
        a.run("update t set v = 0 where id = 1");
        SqlClient c = open();
        assertThat(c.run("drop all objects")).isEqualTo("waits");
        a.commit();
        assertThat(SqlClient.text(c.retry())).isEqualTo("0");
        assertThat(b.run("select * from t")).isEqualTo("error 42104");
    }

    /** What its first statement has done is nobody else's business until its second one is done, too. */
    @Test
    void undoesATextThatWaitedInVainFromItsFirstStatementOn() {
        a.run("update t set v = 0 where id = 2");
        b.run("update t set v = 7 where id = 3");
        SqlClient c = open().manual();
        assertThat(b.run("update t set v = 0 where id = 1; update t set v = 0 where id = 2"))
                .isEqualTo("waits");
        assertThat(c.run("update t set v = 5 where id = 1")).isEqualTo("waits");
        assertThat(SqlClient.text(b.giveUp(GiveUp.LOCK_TIMEOUT))).isEqualTo("error 50200");
        assertThat(engine.ready()).containsExactly(c.name);
        assertThat(SqlClient.text(c.retry())).isEqualTo("1");
        assertThat(b.run("select v from t where id in (1, 2, 3) order by id")).isEqualTo("1 2 7");
        b.commit();
        c.commit();
        a.commit();
        assertThat(open().run("select v from t where id in (1, 2, 3) order by id"))
                .isEqualTo("5 0 7");
    }

    /** Whoever has seen something else must not overwrite it. */
    @Test
    void changesNothingAtRepeatableReadThatHasChangedSinceItWasSeen() {
        b.run("set session characteristics as transaction isolation level repeatable read");
        a.run("update t set v = v + 10 where id = 1");
        assertThat(b.run("select v from t where id = 1")).isEqualTo("1");
        assertThat(b.run("update t set v = v + 100 where id = 1")).isEqualTo("waits");
        a.commit();
        assertThat(SqlClient.text(b.retry())).isEqualTo("error 40001");
        assertThat(b.run("update t set v = v + 100 where id = 1")).isEqualTo("1");
        b.commit();
        assertThat(open().run("select v from t where id = 1")).isEqualTo("111");
    }

    @Test
    void goesOnWithABatchWhereItWaited() {
        a.run("update t set v = 0 where id = 2");
        b.isAutoCommit = true;
        SqlOutcome waits = b.say(new SqlAction.Batch(
                0,
                "update t set v = v + ? where id = ?",
                List.of(SqlClient.values(10, 1), SqlClient.values(10, 2), SqlClient.values(10, 3)),
                GeneratedKeys.NONE,
                0));
        assertThat(waits).isNull();
        a.commit();
        assertThat(SqlClient.text(b.retry())).isEqualTo("batch 1 1 1");
        assertThat(open().run("select v from t where id <= 3 order by id")).isEqualTo("11 10 13");
    }

    // ---- giving up -------------------------------------------------------------------------------------------------

    @Test
    void findsADeadlockAtOnce() {
        a.run("update t set v = 0 where id = 1");
        b.run("update t set v = 0 where id = 2");
        assertThat(a.run("update t set v = 0 where id = 2")).isEqualTo("waits");
        assertThat(b.run("update t set v = 0 where id = 1")).isEqualTo("error 40001");
        assertThat(engine.ready()).containsExactly(a.name);
        assertThat(SqlClient.text(a.retry())).isEqualTo("1");
        assertThat(b.run("select v from t where id = 2")).isEqualTo("2");
    }

    @Test
    void givesUpAfterTheSessionsLockTimeout() {
        b.run("set lock_timeout 250");
        a.run("update t set v = 0 where id = 1");
        long askedNs = nowNs;
        assertThat(b.run("update t set v = 1 where id = 1")).isEqualTo("waits");
        assertThat(engine.nextGiveUpNs()).isBetween(askedNs + 250 * MILLI, askedNs + 252 * MILLI);
        assertThat(engine.nextGiveUp(askedNs + 249 * MILLI)).isNull();
        assertThat(engine.nextGiveUp(askedNs + 252 * MILLI)).isEqualTo(b.name);
        assertThat(SqlClient.text(b.giveUp(GiveUp.LOCK_TIMEOUT))).isEqualTo("error 50200");
        assertThat(engine.nextGiveUpNs()).isEqualTo(Long.MAX_VALUE);
        a.commit();
        assertThat(engine.ready()).isEmpty();
        assertThat(b.run("update t set v = 1 where id = 1")).isEqualTo("1");
    }

    @Test
    void waitsAsLongAsTheStatementSays() {
        a.run("update t set v = 0 where id = 1");
        assertThat(b.run("select * from t where id = 1 for update nowait")).isEqualTo("error 50200");
        assertThat(b.run("select id from t for update skip locked")).isEqualTo("2 3 4 5 6 7 8 9 10");
        b.rollback();
        long askedNs = nowNs;
        assertThat(b.run("select v from t where id = 1 for update wait 7")).isEqualTo("waits");
        assertThat(engine.nextGiveUpNs()).isBetween(askedNs + 7_000 * MILLI, askedNs + 7_002 * MILLI);
        a.commit();
        assertThat(SqlClient.text(b.retry())).isEqualTo("0");
        assertThat(open().run("select v from t where id = 1 for update nowait")).isEqualTo("error 50200");
    }

    @Test
    void isCancelledByItsClientWhileItWaits() {
        a.run("update t set v = 0 where id = 1");
        assertThat(b.run("update t set v = 1 where id = 1")).isEqualTo("waits");
        assertThat(SqlClient.text(b.say(new SqlAction.Cancel(0)))).isEqualTo("error 57014");
        a.commit();
        assertThat(b.run("update t set v = 1 where id = 1")).isEqualTo("1");
    }

    @Test
    void isCancelledByItsQueryTimeoutWhileItWaits() {
        a.run("update t set v = 0 where id = 1");
        long askedNs = nowNs;
        b.say(new SqlAction.Execute(
                0, "update t set v = 1 where id = 1", SqlClient.values(), GeneratedKeys.NONE, 0, 0, 0, 30, false));
        assertThat(engine.nextGiveUpNs()).isBetween(askedNs + 30 * MILLI, askedNs + 32 * MILLI);
        assertThat(SqlClient.text(b.giveUp(GiveUp.LOCK_TIMEOUT))).isEqualTo("error 57014");
    }

    @Test
    void losesToWhoCommittedFirstWhenItMayNotSeeIt() {
        b.run("set session characteristics as transaction isolation level repeatable read");
        b.run("select * from t");
        a.run("update t set v = 0 where id = 1");
        assertThat(b.run("update t set v = 1 where id = 1")).isEqualTo("waits");
        a.commit();
        assertThat(SqlClient.text(b.retry())).isEqualTo("error 40001");
        assertThat(engine.openTransactions()).isZero();
    }

    @Test
    void refusesOneTransactionMoreThanItsLimit() {
        SqlConfig d = SqlConfig.DEFAULT;
        SqlConfig two = new SqlConfig(
                d.settings(),
                d.owner(),
                d.ownerPassword(),
                2,
                d.openStatementsMax(),
                d.openResultsMax(),
                d.statementCharactersMax(),
                d.resultBytesMax(),
                d.resultRowsMax(),
                d.firstAnswerRowsMax(),
                d.firstAnswerBytesMax(),
                d.statementLimit(),
                d.heapMaxPercent());
        try (SqlEngine small = new SqlEngine(two)) {
            SqlClient first = new SqlClient(small, 1, () -> nowNs).open();
            first.run("create table t(id int)");
            first.manual().run("insert into t values(1)");
            new SqlClient(small, 2, () -> nowNs).open().manual().run("insert into t values(2)");
            SqlClient third = new SqlClient(small, 3, () -> nowNs).open().manual();
            SqlOutcome refused = third.say(SqlClient.statement("insert into t values(3)"));
            assertThat(refused)
                    .isEqualTo(new SqlOutcome.Failed(
                            "54000",
                            54000,
                            "This would be one SQL transaction more than the 2 that may be open at a time, the setting open-transactions-max",
                            null));
            first.commit();
            assertThat(third.run("insert into t values(3)")).isEqualTo("1");
        }
    }
}
