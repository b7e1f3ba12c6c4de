package io.lockstep.activenode;

import static io.lockstep.activenode.SqlAsking.statement;
import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.sqlwire.SqlAction;
import io.lockstep.sqlwire.SqlOutcome;
import io.lockstep.tsdstore.Execution;
import io.lockstep.tsdstore.H2Records;
import io.lockstep.tsdstore.MarkedRequest;
import io.lockstep.tsdstore.TsdStore;
import io.lockstep.tsdstore.TsdStoreConfig;
import io.lockstep.tsdstore.sql.RunningStatements;
import io.lockstep.wire.Answer;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Order of SQL messages, over the real store and H2: who waits and is tried again, and which reads need no order. */
class OrderCoreSqlTest {
    private static final long NOW = 1_000_000_000L;
    private static final long WALL = 1_790_000_000_000_000_000L;

    private final TsdStore store = TsdStore.create(new TallyService(), new H2Records(), TsdStoreConfig.defaults());
    private final OrderCore core = new OrderCore(store, 1, new HeaderClock(0, NOW, WALL), () -> 7);

    private final SqlAsking holder = client(1);
    private final SqlAsking waiter = client(2);

    @BeforeEach
    void aTable() {
        order(holder.ask(statement("CREATE TABLE t(id INT PRIMARY KEY, v INT)")));
        order(holder.ask(statement("INSERT INTO t VALUES (1, 10), (2, 20)")));
    }

    @AfterEach
    void close() {
        store.close();
    }

    @Test
    void whoMeetsALockWaitsAndIsTriedAgainUnderAnEntryOfItsOwnWhenTheHolderHasEnded() throws Exception {
        assertThat(core.nextRetry()).isNull();
        order(holder.ask(false, statement("UPDATE t SET v = v + 1 WHERE id = 1")));
        Request blocked = waiter.ask(statement("UPDATE t SET v = v + 1 WHERE id = 1"));
        Ordered waiting = order(blocked);
        assertThat(waiting.execution()).isNotNull();
        assertThat(waiting.answer()).isNull();
        assertThat(core.nextRetry()).isNull();
        order(holder.ask(new SqlAction.End(true)));
        MarkedRequest ready = Objects.requireNonNull(core.nextRetry());
        assertThat(ready).isEqualTo(new MarkedRequest(waiter.session, blocked.requestId()));
        Execution retried = core.retry(ready, NOW, WALL);
        assertThat(retried.entry().header().kind()).isEqualTo(RequestKind.RETRY);
        assertThat(outcome(Objects.requireNonNull(retried.answer()))).isInstanceOf(SqlOutcome.Updated.class);
        assertThat(core.nextRetry()).isNull();
        assertThat(rows(order(waiter.read(statement("SELECT v FROM t WHERE id = 1")))))
                .isEqualTo("12");
    }

    @Test
    void aRepeatOfWhatWaitsIsNotOrderedAgainAndHasNoAnswerYet() {
        order(holder.ask(false, statement("UPDATE t SET v = v + 1 WHERE id = 1")));
        Request blocked = waiter.ask(statement("UPDATE t SET v = 0 WHERE id = 1"));
        order(blocked);
        long position = store.last().position();
        Ordered again = order(blocked.asRepeated());
        assertThat(again.execution()).isNull();
        assertThat(again.answer()).isNull();
        assertThat(again.waitPosition()).isEqualTo(position);
        assertThat(again.needsRound()).isFalse();
        assertThat(store.last().position()).isEqualTo(position);
    }

    @Test
    void row61AMarkNamesTheWaitingMessageThatIsTriedAgain() {
        order(holder.ask(false, statement("UPDATE t SET v = v + 1 WHERE id = 1")));
        order(waiter.ask(statement("UPDATE t SET v = 0 WHERE id = 1")));
        order(holder.ask(new SqlAction.End(true)));
        MarkedRequest ready = Objects.requireNonNull(core.nextRetry());
        Execution mark = core.markRetry(ready, NOW, WALL);
        assertThat(mark.entry().header().kind()).isEqualTo(RequestKind.MARK);
        assertThat(store.mark()).contains(ready);
        assertThat(core.retry(ready, NOW, WALL).answer()).isNotNull();
    }

    @Test
    void onlyASqlReadWhoseTurnItIsMayBeAnsweredFromTheStateAsItIs() {
        SqlAction select = statement("SELECT v FROM t WHERE id = 1");
        assertThat(core.isFreshRead(waiter.read(select))).isTrue();
        assertThat(core.isFreshRead(waiter.ask(select))).as("ordered").isFalse();
        assertThat(core.isFreshRead(waiter.read(select)))
                .as("what it comes after has not arrived")
                .isFalse();
    }

    @Test
    void aRowIsLookedUpByItsKeyAtOnceAndAnyOtherReadIsLeftToAnotherThread() throws Exception {
        order(waiter.ask(new SqlAction.Prepare(1, "SELECT v FROM t WHERE id = ?")));
        Request byKey = waiter.read(SqlAsking.prepared(1, 2));
        Ordered found = Objects.requireNonNull(core.readKey(byKey, false));
        assertThat(rows(found)).isEqualTo("20");
        assertThat(found.execution()).isNull();
        assertThat(found.waitPosition()).isEqualTo(store.last().position());
        assertThat(found.needsRound()).isTrue();

        Request all = waiter.read(statement("SELECT SUM(v) FROM t"));
        assertThat(core.readKey(all, false)).isNull();
        assertThat(rows(outcome(core.readBeside(all).get()))).isEqualTo("30");
    }

    @Test
    void saysWhichExecutionBeganLastToThoseWhoReadBesideTheLane() {
        assertThat(core.seenPosition()).isEqualTo(store.last().position()).isPositive();
        order(waiter.ask(statement("UPDATE t SET v = 0 WHERE id = 2")));
        assertThat(core.seenPosition()).isEqualTo(store.last().position());
        OrderCore next = new OrderCore(store, 2, new HeaderClock(store.lastTimeNs(), NOW, WALL), () -> 7);
        assertThat(next.seenPosition()).isEqualTo(store.last().position());
    }

    private static final String ENDLESS = "INSERT INTO t SELECT a.x, 0 FROM SYSTEM_RANGE(1, 1000000) a,"
            + " SYSTEM_RANGE(1, 1000000) b WHERE a.x + b.x < 0";

    /** R3: of what can still be undone nobody sees anything; what its message has committed before may be seen. */
    @Test
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void aReadWaitsForTheExecutionThatTheLaneIsAtOnlyWhenThatHasShownSomething() throws Exception {
        RunningStatements running = Objects.requireNonNull(store.running());
        for (String before : List.of("", "INSERT INTO t VALUES (7, 70); ")) {
            long position = store.last().position();
            Request endless = waiter.ask(statement(before + ENDLESS));
            Thread lane = new Thread(() -> order(endless), "lane");
            lane.start();
            String expected = before.isEmpty() ? "2" : "3"; // what comes before the endless one is a statement, too
            AtomicReference<Answer> read = new AtomicReference<>();
            while (read.get() == null || !rows(outcome(read.get())).equals(expected)) {
                running.look(System.nanoTime(), false);
                running.besideStatement(1, () -> {
                    Request count = holder.read(statement("SELECT COUNT(*) FROM t"));
                    read.set(Objects.requireNonNull(core.readAmid(count)).get());
                    assertThat(core.readAmid(waiter.read(statement("SELECT 1"))))
                            .isNull();
                });
            }
            assertThat(core.seenPosition()).isEqualTo(before.isEmpty() ? position : position + 1);
            running.cancel(waiter.session, endless.requestId());
            lane.join();
            assertThat(store.last().position()).isEqualTo(position + 1);
            assertThat(core.seenPosition()).isEqualTo(position + 1);
        }
    }

    @Test
    void allPlanAnewFromTheEntryBeforeACopyOn() {
        long position = store.last().position();
        Execution before = core.beforeCopy(NOW, WALL);
        assertThat(before.entry().header().kind()).isEqualTo(RequestKind.REPLAN);
        assertThat(before.entry().identity()).isEqualTo(new Identity(1, position + 1));
        assertThat(before.answer()).isNull();
    }

    // ---- short forms -----------------------------------------------------------------------------------------------

    private SqlAsking client(long nonce) {
        if (store.last().equals(Identity.NONE)) {
            core.openTerm(new byte[0], NOW, WALL);
        }
        SqlAsking client =
                new SqlAsking(Objects.requireNonNull(order(Asking.open(nonce)).execution())
                        .entry()
                        .identity());
        Answer challenge = Objects.requireNonNull(order(client.hello()).answer());
        Answer welcome = Objects.requireNonNull(order(client.prove(challenge)).answer());
        assertThat(client.outcome(welcome)).isInstanceOf(SqlOutcome.Welcome.class);
        return client;
    }

    private Ordered order(Request request) {
        return core.onRequest(request, NOW, WALL);
    }

    private SqlOutcome outcome(Ordered ordered) throws Exception {
        return outcome(Objects.requireNonNull(ordered.answer()));
    }

    private SqlOutcome outcome(Answer answer) throws Exception {
        return holder.outcome(answer);
    }

    private String rows(Ordered ordered) throws Exception {
        return rows(outcome(ordered));
    }

    private static String rows(SqlOutcome outcome) {
        return ((SqlOutcome.Rows) outcome).rows().get(0)[0].getString();
    }
}
