package io.lockstep.tsdstore.sql;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.sqlwire.GeneratedKeys;
import io.lockstep.sqlwire.SqlAction;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the lane pays. The figures are printed; the bounds leave room for a machine that is busy with other things. */
class CostsTest {
    private static final int ROUNDS = 6_000;
    private static final long BOUND_NS = 1_000_000;

    private final SqlEngine engine = new SqlEngine(SqlConfig.DEFAULT);
    private long nowNs = 1_700_000_000_000_000_000L;
    private long names;

    @AfterEach
    void close() {
        engine.close();
    }

    private SqlClient open() {
        return new SqlClient(engine, ++names, () -> nowNs += 1_000).open();
    }

    private static SqlAction.Execute prepared(int statement, Object... parameters) {
        return new SqlAction.Execute(
                statement, null, SqlClient.values(parameters), GeneratedKeys.NONE, 0, 0, 0, 0, false);
    }

    private static long median(String what, long[] costs) {
        long[] late = Arrays.copyOfRange(costs, costs.length / 2, costs.length);
        Arrays.sort(late);
        long median = late[late.length / 2];
        System.out.printf(
                "%s: %.1f us, 99 of 100 below %.1f us%n", what, median / 1e3, late[late.length * 99 / 100] / 1e3);
        return median;
    }

    @Test
    void meetsALockQuickly() {
        SqlClient holder = open();
        holder.run("create table t(id int primary key, v int, w varchar)");
        holder.run("insert into t select x, x, repeat('x', 4000) from system_range(1, 100)");
        holder.manual().run("update t set v = 0 where id = 5");
        holder.run("insert into t values(1000, 0, repeat('x', 4000))");
        SqlClient waiter = open().manual();
        String[] statements = {
            "update t set v = v + 1 where id = 5",
            "delete from t where id = 5",
            "select * from t where id = 5 for update",
            "insert into t values(1000, 1, 'y')",
            "merge into t key(id) values(5, 1, 'y')"
        };
        for (int s = 0; s < statements.length; s++) {
            waiter.say(new SqlAction.Prepare(s + 1, statements[s]));
            long[] costs = new long[ROUNDS];
            for (int i = 0; i < ROUNDS; i++) {
                long start = System.nanoTime();
                assertThat(waiter.say(prepared(s + 1))).isNull();
                costs[i] = System.nanoTime() - start;
                waiter.giveUp(GiveUp.LOCK_TIMEOUT);
            }
            assertThat(median("conflict, 4 KB rows: " + statements[s], costs)).isLessThan(BOUND_NS);
        }
    }

    @Test
    void executesAShortTransactionQuickly() {
        SqlClient client = open();
        client.run("create table acc(id int primary key, b int, f varchar(84))");
        client.run("create table tel(id int primary key, b int)");
        client.run("create table br(id int primary key, b int)");
        client.run("create table his(t int, b int, a int, d int, ts timestamp, f varchar(22))");
        client.run("insert into acc select x, 0, '' from system_range(1, 100000)");
        client.run("insert into tel select x, 0 from system_range(1, 100)");
        client.run("insert into br select x, 0 from system_range(1, 10)");
        client.manual();
        String[] statements = {
            "update acc set b = b + ? where id = ?",
            "select b from acc where id = ?",
            "update tel set b = b + ? where id = ?",
            "update br set b = b + ? where id = ?",
            "insert into his values(?, ?, ?, ?, current_timestamp, '')"
        };
        for (int s = 0; s < statements.length; s++) {
            client.say(new SqlAction.Prepare(s + 1, statements[s]));
        }
        Random random = new Random(1);
        long[] costs = new long[ROUNDS * 3];
        for (int i = 0; i < costs.length; i++) {
            int account = 1 + random.nextInt(100_000);
            int teller = 1 + random.nextInt(100);
            int branch = 1 + random.nextInt(10);
            int delta = random.nextInt(100);
            long start = System.nanoTime();
            client.say(prepared(1, delta, account));
            client.say(prepared(2, account));
            client.say(prepared(3, delta, teller));
            client.say(prepared(4, delta, branch));
            client.say(prepared(5, teller, branch, account, delta));
            client.say(new SqlAction.End(true));
            costs[i] = System.nanoTime() - start;
        }
        assertThat(median("five statements and commit, with encoding on both sides", costs))
                .isLessThan(BOUND_NS);
    }

    @Test
    void keepsTenThousandTransactionsOpen() {
        SqlClient client = open();
        client.run("create table t(id int primary key, v int)");
        client.run("insert into t select x, 0 from system_range(1, 10000)");
        List<SqlClient> clients = new ArrayList<>();
        long[] costs = new long[10_000];
        for (int i = 0; i < 10_000; i++) {
            SqlClient each = open().manual();
            long start = System.nanoTime();
            assertThat(each.run("update t set v = v + 1 where id = ?", i + 1)).isEqualTo("1");
            costs[i] = System.nanoTime() - start;
            clients.add(each);
        }
        median("UPDATE beside thousands of open transactions", costs);
        assertThat(engine.openTransactions()).isEqualTo(10_000);
        assertThat(open().manual().run("update t set v = 5 where id = 1")).isEqualTo("error 54000");
        assertThat(open().run("update t set v = 5 where id = 1")).isEqualTo("waits");
        for (SqlClient each : clients) {
            each.commit();
        }
        assertThat(engine.openTransactions()).isZero();
        assertThat(client.run("select sum(v) from t")).isEqualTo("10000");
    }
}
