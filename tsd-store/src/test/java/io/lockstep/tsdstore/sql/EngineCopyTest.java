package io.lockstep.tsdstore.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockstep.sqlwire.GeneratedKeys;
import io.lockstep.sqlwire.SqlAction;
import io.lockstep.sqlwire.SqlOutcome;
import io.lockstep.sqlwire.SqlRequest;
import io.lockstep.tsdstore.Records;
import io.lockstep.tsdstore.StateReader;
import io.lockstep.tsdstore.StateTag;
import io.lockstep.tsdstore.StateWriter;
import io.lockstep.wire.Identity;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.h2.value.Value;
import org.h2.value.ValueArray;
import org.h2.value.ValueClob;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A node can join while SQL transactions are open: its engine answers from then on as the others do. */
class EngineCopyTest {
    private static final int ROUNDS = Integer.getInteger("lockstep.copies", 40);
    private static final long SEED = Long.getLong("lockstep.seed", 1);
    private static final int SESSIONS = 4;

    private final List<SqlEngine> engines = new ArrayList<>();
    private SqlConfig config = SqlConfig.DEFAULT;
    private long timeNs = 1_790_000_000_000_000_000L;

    private SqlEngine engine() {
        return engine(config);
    }

    private SqlEngine engine(SqlConfig config) {
        SqlEngine engine = new SqlEngine(config);
        engines.add(engine);
        return engine;
    }

    @AfterEach
    void close() {
        engines.forEach(SqlEngine::close);
    }

    private SqlClient client(SqlEngine engine, int name) {
        return new SqlClient(engine, name, () -> timeNs);
    }

    static byte[] items(Records.Snapshot snapshot) {
        StateWriter out = new StateWriter();
        while (snapshot.writeNext(out)) {
            // Written.
        }
        byte[] items = new byte[out.size()];
        System.arraycopy(out.buffer(), 0, items, 0, items.length);
        return items;
    }

    static void install(byte[] items, SqlEngine into) {
        ByteBuffer in = ByteBuffer.wrap(items);
        while (in.hasRemaining()) {
            int length = in.getInt();
            StateTag tag = StateTag.values()[in.get()];
            StateReader item = new StateReader(in.slice(in.position(), length));
            into.install(tag, item);
            assertThat(item.hasMore()).as("%s has more", tag).isFalse();
            in.position(in.position() + length);
        }
        into.installed();
    }

    private SqlEngine copyOf(SqlEngine source) {
        source.replan();
        SqlEngine copy = engine();
        install(items(source.snapshot()), copy);
        Items.assertSame("copied", items(copy.snapshot()), items(source.snapshot()));
        return copy;
    }

    /** The same client at the copy: what it says next has the number that it would have had at the source. */
    private SqlClient at(SqlEngine copy, SqlClient client) {
        return client.at(copy);
    }

    @Test
    void whoWaitedForARowGetsItWhenItsHolderCommits() {
        SqlEngine source = engine();
        SqlClient first = client(source, 1).open();
        SqlClient second = client(source, 2).open();
        SqlClient third = client(source, 3).open();
        first.run("CREATE TABLE t(id INT PRIMARY KEY, v INT)");
        first.run("INSERT INTO t VALUES (1, 1), (2, 2)");
        assertThat(first.manual().run("UPDATE t SET v = v + 10 WHERE id = 1")).isEqualTo("1");
        assertThat(second.manual().run("UPDATE t SET v = v * 2 WHERE id = 1")).isEqualTo("waits");
        assertThat(third.manual().run("UPDATE t SET v = v * 3 WHERE id = 1")).isEqualTo("waits");
        SqlEngine copy = copyOf(source);
        assertThat(copy.waitingRequest(second.name)).isEqualTo(source.waitingRequest(second.name));
        assertThat(copy.nextGiveUpNs()).isEqualTo(source.nextGiveUpNs());
        assertThat(at(copy, first).commit()).isEqualTo("Done");
        assertThat(copy.ready()).containsExactly(second.name);
        assertThat(SqlClient.text(at(copy, second).retry())).isEqualTo("1");
        assertThat(copy.ready()).isEmpty();
        assertThat(at(copy, second).commit()).isEqualTo("Done");
        assertThat(SqlClient.text(at(copy, third).retry())).isEqualTo("1");
        assertThat(at(copy, third).run("SELECT v FROM t ORDER BY id")).isEqualTo("66 2");
    }

    @Test
    void aDeadlockIsFoundInTheCopyToo() {
        SqlEngine source = engine();
        SqlClient first = client(source, 1).open();
        SqlClient second = client(source, 2).open();
        first.run("CREATE TABLE t(id INT PRIMARY KEY, v INT)");
        first.run("INSERT INTO t VALUES (1, 1), (2, 2)");
        first.manual().run("UPDATE t SET v = 7 WHERE id = 1");
        second.manual().run("UPDATE t SET v = 8 WHERE id = 2");
        assertThat(first.run("UPDATE t SET v = 7 WHERE id = 2")).isEqualTo("waits");
        SqlEngine copy = copyOf(source);
        assertThat(at(copy, second).run("UPDATE t SET v = 8 WHERE id = 1")).isEqualTo("error 40001");
        assertThat(copy.ready()).containsExactly(first.name);
    }

    @Test
    void aTextThatWaitsInItsMiddleIsUndoneFromItsFirstStatementOnInTheCopyToo() {
        SqlEngine source = engine();
        SqlClient first = client(source, 1).open();
        SqlClient second = client(source, 2).open();
        first.run("CREATE TABLE t(id INT PRIMARY KEY, v INT)");
        first.run("INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)");
        first.manual().run("UPDATE t SET v = 7 WHERE id = 1");
        second.manual().run("UPDATE t SET v = 8 WHERE id = 2");
        assertThat(second.run("UPDATE t SET v = 9 WHERE id = 3; UPDATE t SET v = 9 WHERE id = 1"))
                .isEqualTo("waits");
        for (SqlEngine engine : List.of(copyOf(source), source)) {
            SqlClient waiter = at(engine, second);
            assertThat(SqlClient.text(waiter.giveUp(GiveUp.CANCELLED))).isEqualTo("error 57014");
            assertThat(waiter.run("SELECT v FROM t ORDER BY id")).isEqualTo("1 8 3");
        }
    }

    @Test
    void updatesThatWereAnsweredAndAreNotDoneYetAreDoneByTheCopyToo() {
        SqlEngine source = engine();
        SqlClient first = client(source, 1).openDeferring();
        first.run("CREATE TABLE t(id INT PRIMARY KEY, v INT)");
        first.run("INSERT INTO t VALUES (1, 1), (2, 2)");
        first.manual();
        assertThat(first.prepared(5, "UPDATE t SET v = v * ? WHERE id = ?", 3, 1))
                .isEqualTo("1");
        assertThat(first.prepared(6, "UPDATE t SET v = v + ? WHERE id = ?", 4, 1))
                .isEqualTo("1");
        first.say(new SqlRequest(false, new int[] {5}, new int[0], new SqlAction.Apply()));
        SqlClient holder = client(source, 2).open().manual();
        assertThat(holder.run("UPDATE t SET v = 10 WHERE id = 1")).isEqualTo("1");
        for (SqlEngine engine : List.of(copyOf(source), source)) {
            SqlClient there = at(engine, first);
            assertThat(there.again(6, 5, 2)).isEqualTo("1");
            assertThat(there.commit()).isEqualTo("waits");
            assertThat(at(engine, holder).commit()).isEqualTo("Done");
            assertThat(SqlClient.text(there.retry())).isEqualTo("Done");
            assertThat(there.run("SELECT v FROM t ORDER BY id")).isEqualTo("34 7");
        }
    }

    @Test
    void aBatchThatWaitsForUpdatesBeforeItsAutocommitIsExecutedByTheCopyToo() {
        SqlEngine source = engine();
        SqlClient first = client(source, 1).openDeferring();
        first.run("CREATE TABLE t(id INT PRIMARY KEY, v INT)");
        first.run("INSERT INTO t VALUES (1, 1), (2, 2)");
        SqlClient holder = client(source, 2).open().manual();
        assertThat(holder.run("UPDATE t SET v = 10 WHERE id = 1")).isEqualTo("1");
        first.manual();
        assertThat(first.prepared(5, "UPDATE t SET v = v + ? WHERE id = ?", 1, 1))
                .isEqualTo("1");
        List<@Nullable Value[]> row = List.<@Nullable Value[]>of(SqlClient.values(5, 2));
        SqlAction batch = new SqlAction.Batch(5, "UPDATE t SET v = v * ? WHERE id = ?", row, GeneratedKeys.NONE, 0);
        assertThat(first.say(SqlRequest.of(true, batch))).isNull();
        for (SqlEngine engine : List.of(copyOf(source), source)) {
            SqlClient there = at(engine, first);
            assertThat(at(engine, holder).commit()).isEqualTo("Done");
            assertThat(SqlClient.text(there.retry())).isEqualTo("batch 1");
            assertThat(there.run("SELECT v FROM t ORDER BY id")).isEqualTo("11 10");
        }
    }

    @Test
    void anUpdateWithLargeObjectsInAnArrayIsNoneThatACopyCouldNotHave() {
        SqlEngine source = engine();
        SqlClient first = client(source, 1).openDeferring();
        first.run("CREATE TABLE t(id INT PRIMARY KEY, v CLOB ARRAY)");
        first.run("INSERT INTO t VALUES (1, ARRAY['a'])");
        first.manual();
        first.say(new SqlAction.WriteLob(7, 0, "text".getBytes(StandardCharsets.UTF_8)));
        Value[] array = {ValueArray.get(new Value[] {new ValueClob(SqlClient.named(7), 4, 4)}, null)};
        assertThat(SqlClient.text(first.say(new SqlAction.Execute(
                        5, "UPDATE t SET v = ? WHERE id = 1", array, GeneratedKeys.NONE, 0, 0, 0, 0, false))))
                .isEqualTo("1");
        for (SqlEngine engine : List.of(copyOf(source), source)) {
            SqlClient there = at(engine, first);
            assertThat(there.commit()).isEqualTo("Done");
            assertThat(there.run("SELECT v[1] FROM t")).isEqualTo("text");
        }
    }

    @Test
    void openResultsAndPreparedStatementsGoOn() {
        SqlEngine source = engine();
        SqlClient client = client(source, 1).open().manual();
        client.say(new SqlAction.Prepare(4, "SELECT x, REPEAT('a', 50), ARRAY[x] FROM system_range(1, ?) ORDER BY x"));
        client.say(new SqlAction.Execute(4, null, SqlClient.values(5000), GeneratedKeys.NONE, 0, 9, 10, 0, false));
        SqlEngine copy = copyOf(source);
        SqlAction.Fetch fetch = new SqlAction.Fetch(9, 2345, 17);
        client.say(fetch);
        byte[] expected = client.lastBytes;
        SqlClient there = at(copy, client);
        assertThat(((SqlOutcome.Rows) Objects.requireNonNull(there.say(fetch))).rows())
                .hasSize(17);
        assertThat(there.lastBytes).isEqualTo(expected);
        assertThat(there.say(
                        new SqlAction.Execute(4, null, SqlClient.values(3), GeneratedKeys.NONE, 0, 0, 0, 0, false)))
                .isInstanceOfSatisfying(
                        SqlOutcome.Rows.class, rows -> assertThat(rows.rows()).hasSize(3));
        there.say(new SqlRequest(false, new int[] {4}, new int[] {9}, new SqlAction.Apply()));
        assertThat(SqlClient.text(there.say(fetch))).isEqualTo("error 90007");
    }

    /** The bank drill, seed 451250489: its first INSERT at a node that had joined had another time. */
    @Test
    void theTimeOfAnOpenTransactionStandsInTheCopyToo() {
        SqlEngine source = engine();
        SqlClient client = client(source, 1).open();
        client.run("CREATE TABLE t(id INT, at TIMESTAMP(9) WITH TIME ZONE DEFAULT CURRENT_TIMESTAMP)");
        client.manual().run("INSERT INTO t(id) VALUES (1)");
        SqlClient there = at(copyOf(source), client);
        timeNs += 1_000_000_000;
        assertThat(client.run("INSERT INTO t(id) VALUES (2)")).isEqualTo("1");
        assertThat(there.run("INSERT INTO t(id) VALUES (2)")).isEqualTo("1");
        client.run("SELECT at FROM t");
        there.run("SELECT at FROM t");
        assertThat(there.lastBytes).isEqualTo(client.lastBytes);
    }

    /** The differential test, seeds 52 and 93: the table stayed locked in the copy, so that nobody could join. */
    @Test
    void aTemporaryTableIsNoMoreLockedInTheCopyThanAtItsSource() {
        SqlEngine source = engine();
        SqlClient client = client(source, 1).open();
        client.run("CREATE LOCAL TEMPORARY TABLE temp(id INT PRIMARY KEY, v INT)");
        SqlClient there = at(copyOf(source), client);
        assertThat(there.run("INSERT INTO temp VALUES (1, 2)")).isEqualTo("1");
    }

    /**
     * The differential test, seeds 8 and 19: H2 changes a table by way of another one, in whose name is the number of the
     * session, and the text of an error or the name of an index tells it.
     */
    @Test
    void whatH2NamesByTheNumberOfItsSessionIsNamedTheSameInTheCopy() {
        SqlEngine source = engine();
        SqlClient gone = client(source, 1).open();
        gone.run(
                "CREATE TABLE t(id INT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v INT, w INT GENERATED ALWAYS AS (v + 1))");
        gone.run("ALTER TABLE t ADD COLUMN a INT DEFAULT 1");
        source.close(gone.name);
        SqlClient client = client(source, 2).open();
        SqlClient there = at(copyOf(source), client);
        for (String sql : List.of(
                "ALTER TABLE t ADD COLUMN x INT GENERATED ALWAYS AS (w * 2)",
                "ALTER TABLE t ADD COLUMN b INT DEFAULT 2",
                "ALTER TABLE t ADD COLUMN y INT GENERATED ALWAYS AS (w * 2)",
                "SELECT index_name FROM information_schema.indexes WHERE table_name = 'T'")) {
            client.run(sql);
            there.run(sql);
            assertThat(there.lastBytes).as(sql).isEqualTo(client.lastBytes);
        }
    }

    /** H2 told the address that the object had in this process's heap. */
    @Test
    void theTextOfAnErrorThatNamesALargeObjectIsTheSameInTheCopy() {
        SqlEngine source = engine();
        SqlClient client = client(source, 1).open();
        client.run("CREATE TABLE t(id INT PRIMARY KEY, c CLOB)");
        for (int id = 1; id < 5; id++) {
            client.run("INSERT INTO t VALUES (?, REPEAT('many', 50000))", id);
        }
        client.run("DELETE FROM t WHERE id < 3");
        SqlClient there = at(copyOf(source), client);
        client.run("INSERT INTO t VALUES (3, REPEAT('more', 50000))");
        assertThat(new String(client.lastBytes, StandardCharsets.ISO_8859_1)).contains("/* large object */");
        there.run("INSERT INTO t VALUES (3, REPEAT('more', 50000))");
        assertThat(there.lastBytes).isEqualTo(client.lastBytes);
    }

    @Test
    void aLoginInItsMiddleGoesOn() {
        SqlEngine source = engine();
        SqlClient client = client(source, 1);
        SqlOutcome challenge = client.say(new SqlAction.Hello("app", "0123456789abcdefghijklmn"));
        SqlEngine copy = copyOf(source);
        assertThat(challenge).isInstanceOf(SqlOutcome.Challenge.class);
        assertThat(at(copy, client).prove((SqlOutcome.Challenge) Objects.requireNonNull(challenge)))
                .isInstanceOf(SqlOutcome.Welcome.class);
    }

    @Test
    void whoReadsAMomentOfThePastKeepsJoinersWaitingUntilItsTransactionEnds() {
        SqlEngine source = engine();
        SqlClient client = client(source, 1).open();
        client.run("CREATE TABLE t(id INT PRIMARY KEY)");
        client.run("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ");
        assertThat(source.copyBlockedBy()).isEmpty();
        timeNs += 5;
        client.manual().run("SELECT * FROM t");
        timeNs += 5;
        client.run("SELECT * FROM t");
        assertThat(source.copyBlockedBy()).contains(new CopyBlock(new Identity(1, 1), timeNs - 5));
        client.commit();
        assertThat(source.copyBlockedBy()).isEmpty();
    }

    @Test
    void aNodeWithOtherLimitsIsRefused() {
        SqlConfig d = SqlConfig.DEFAULT;
        SqlConfig other = new SqlConfig(
                d.settings(),
                d.owner(),
                d.ownerPassword(),
                d.openTransactionsMax(),
                d.openStatementsMax(),
                d.openResultsMax(),
                d.statementCharactersMax(),
                d.resultBytesMax(),
                d.resultRowsMax(),
                d.firstAnswerRowsMax() + 1,
                d.firstAnswerBytesMax(),
                d.statementLimit(),
                d.heapMaxPercent());
        byte[] items = items(engine().snapshot());
        SqlEngine into = engine(other);
        assertThatThrownBy(() -> install(items, into)).hasMessageContaining("make them equal");
    }

    @Test
    void goesOnLikeItsSourceWhateverItsSessionsWereDoing() {
        for (int round = 0; round < ROUNDS; round++) {
            long seed = SEED + round;
            System.out.println("EngineCopyTest seed " + seed);
            Random random = new Random(seed);
            config = seed % 2 == 0 ? ClassesTest.CONFIG : SqlConfig.DEFAULT;
            SqlEngine source = engine();
            List<SqlClient> clients = new ArrayList<>();
            for (int i = 1; i <= SESSIONS; i++) {
                SqlClient client = client(source, i);
                clients.add((i % 2 == 0 ? client.openDeferring() : client.open()).manual());
            }
            RandomSql.SCHEMA.forEach(sql -> clients.get(0).run(sql));
            clients.get(0).commit();
            RandomSql sql = new RandomSql(random);
            for (int i = 0; i < 60 + random.nextInt(60); i++) {
                say(source, null, clients, clients, sql);
            }
            SqlEngine copy = copyOf(source);
            List<SqlClient> there = new ArrayList<>();
            clients.forEach(each -> there.add(at(copy, each)));
            for (int i = 0; i < 80; i++) {
                say(source, copy, clients, there, sql);
            }
            Items.assertSame("seed " + seed, items(copy.snapshot()), items(source.snapshot()));
            close();
            engines.clear();
        }
    }

    /** One message to the source and, when there is one, to the copy: equal answers. */
    private void say(
            SqlEngine source, @Nullable SqlEngine copy, List<SqlClient> clients, List<SqlClient> there, RandomSql sql) {
        timeNs += sql.random().nextInt(100_000_000);
        Identity ready = source.nextReady();
        Identity late = source.nextGiveUp(timeNs);
        if (copy != null) {
            assertThat(copy.nextReady()).isEqualTo(ready);
            assertThat(copy.nextGiveUp(timeNs)).isEqualTo(late);
            assertThat(copy.ready()).isEqualTo(source.ready());
            assertThat(copy.openTransactions()).isEqualTo(source.openTransactions());
        }
        int chosen = sql.random().nextInt(SESSIONS);
        SqlAction next = action(sql);
        for (List<SqlClient> side : copy == null ? List.of(clients) : List.of(clients, there)) {
            if (late != null) {
                side.get((int) late.position() - 1).giveUp(GiveUp.LOCK_TIMEOUT);
            } else if (ready != null) {
                side.get((int) ready.position() - 1).retry();
            } else {
                side.get(chosen).say(next);
            }
        }
        if (copy != null) {
            for (int i = 0; i < SESSIONS; i++) {
                assertThat(there.get(i).lastBytes)
                        .as("%s: %s, %s", next, clients.get(i).last, there.get(i).last)
                        .isEqualTo(clients.get(i).lastBytes);
            }
        }
    }

    private static SqlAction deferrable(Random random) {
        int number = 6 + random.nextInt(2);
        String table = number == 6 ? "t" : "late";
        return new SqlAction.Execute(
                number,
                random.nextInt(4) == 0 ? "UPDATE public." + table + " SET v = v + ? WHERE id = ?" : null,
                SqlClient.values(random.nextInt(9), number == 6 ? random.nextInt(50) : 980 + random.nextInt(20)),
                GeneratedKeys.NONE,
                0,
                0,
                0,
                0,
                false);
    }

    private static SqlAction action(RandomSql sql) {
        Random random = sql.random();
        int number = 1 + random.nextInt(5);
        return switch (random.nextInt(16)) {
            case 14, 15 -> deferrable(random);
            case 0 -> new SqlAction.Prepare(number, sql.next());
            case 1, 2 ->
                new SqlAction.Execute(
                        number, null, new Value[0], GeneratedKeys.ALL, 0, number, 3, 0, random.nextBoolean());
            case 3 -> new SqlAction.Fetch(number, random.nextInt(10), random.nextInt(10));
            case 4 ->
                new SqlAction.Batch(
                        number,
                        "UPDATE t SET v = v + ? WHERE id = ?",
                        List.of(
                                SqlClient.values(1, random.nextInt(40)),
                                SqlClient.values(2, random.nextInt(40)),
                                SqlClient.values(3, random.nextInt(40))),
                        GeneratedKeys.ALL,
                        0);
            case 5 -> new SqlAction.End(random.nextBoolean());
            default -> SqlClient.statement(sql.next());
        };
    }
}
