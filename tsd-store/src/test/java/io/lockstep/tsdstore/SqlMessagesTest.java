package io.lockstep.tsdstore;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.sqlwire.GeneratedKeys;
import io.lockstep.sqlwire.LobReferences;
import io.lockstep.sqlwire.Scram;
import io.lockstep.sqlwire.SqlAction;
import io.lockstep.sqlwire.SqlCodec;
import io.lockstep.sqlwire.SqlOutcome;
import io.lockstep.sqlwire.SqlRequest;
import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Decision;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.h2.value.Value;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** SQL actions as messages: what waits, what is tried again, what ends it, and that a second store comes to the same. */
class SqlMessagesTest {
    private final StoreDriver driver = StoreDriver.withRecords();
    private final SqlCodec codec = new SqlCodec(LobReferences.INLINE);
    private final Map<Identity, Long> lastOrdered = new HashMap<>();
    private final Identity holder = login();
    private final Identity waiter = login();

    @BeforeEach
    void lockARow() throws Exception {
        run(holder, true, "CREATE TABLE t(id INT PRIMARY KEY, v INT)");
        run(holder, true, "INSERT INTO t VALUES (1, 10), (2, 20)");
        assertThat(run(holder, false, "UPDATE t SET v = 11 WHERE id = 1")).isEqualTo("updated 1");
    }

    @AfterEach
    void aSecondStoreComesToTheSame() throws Exception {
        try (TsdStore second = TsdStore.create(new ShopService(true), new H2Records(), TsdStoreConfig.defaults())) {
            for (Execution execution : driver.executions) {
                second.apply(execution.entry());
            }
            assertThat(second.last()).isEqualTo(driver.store.last());
        }
        driver.close();
    }

    @Test
    void aMessageThatMeetsALockIsAnsweredWhenItsHolderHasEnded() throws Exception {
        Request blocked = request(waiter, true, "UPDATE t SET v = v + 1 WHERE id = 1");
        assertThat(driver.store.waitingMessages()).isEmpty();
        assertThat(order(blocked)).isNull();
        assertThat(driver.store.waitingMessages()).containsExactly(new MarkedRequest(waiter, blocked.requestId()));
        assertThat(driver.store.running()).isNotNull();
        assertThat(driver.store.nextRetry()).isNull();
        assertThat(driver.store.judge(blocked)).isInstanceOf(Ruling.Waiting.class);
        assertThat(end(holder, true)).isEqualTo("done");
        assertThat(driver.store.nextRetry()).isEqualTo(new MarkedRequest(waiter, blocked.requestId()));
        Answer late = Objects.requireNonNull(retry().answer());
        assertThat(late.session()).isEqualTo(waiter);
        assertThat(late.requestId()).isEqualTo(blocked.requestId());
        assertThat(text(late)).isEqualTo("updated 1");
        assertThat(driver.store.nextRetry()).isNull();
        assertThat(driver.store.judge(blocked)).isInstanceOfSatisfying(Ruling.Answered.class, again -> assertThat(
                        again.answer().body())
                .isEqualTo(late.body()));
        assertThat(run(waiter, true, "SELECT v FROM t WHERE id = 1")).isEqualTo("rows 12");
    }

    @Test
    void itIsGivenUpByHeaderTimeWhenItsSessionsLockTimeoutIsOver() throws Exception {
        run(waiter, true, "SET LOCK_TIMEOUT 700");
        Request blocked = request(waiter, true, "UPDATE t SET v = 0 WHERE id = 1");
        assertThat(order(blocked)).isNull();
        driver.pass(Duration.ofMillis(699));
        assertThat(driver.due()).isNull();
        driver.pass(Duration.ofMillis(2));
        TsdStore.Due due = Objects.requireNonNull(driver.due());
        assertThat(due).isEqualTo(new TsdStore.Due(RequestKind.GIVE_UP, waiter, 0, blocked.requestId()));
        Answer late = Objects.requireNonNull(own(RequestKind.GIVE_UP, due.session(), due.requestId(), Decision.EXECUTE)
                .answer());
        assertThat(text(late)).isEqualTo("failed HYT00 50200");
        assertThat(driver.due()).isNull();
        assertThat(end(holder, true)).isEqualTo("done");
        assertThat(driver.store.nextRetry()).isNull();
    }

    @Test
    void itIsVoidedWithoutHavingHadAnEffect() throws Exception {
        Request blocked = request(waiter, true, "UPDATE t SET v = 0 WHERE id = 1");
        assertThat(order(blocked)).isNull();
        Request barred = new Request(
                waiter,
                1,
                blocked.requestId(),
                RequestKind.VOID,
                0,
                0,
                blocked.previousOrdered(),
                Identity.NONE,
                1000,
                true,
                new byte[0]);
        assertThat(driver.store.judge(barred)).isInstanceOf(Ruling.Fresh.class);
        assertThat(Objects.requireNonNull(order(barred)).code()).isEqualTo(AnswerCode.VOIDED);
        assertThat(driver.store.judge(blocked)).isInstanceOfSatisfying(Ruling.Answered.class, again -> assertThat(
                        again.answer().code())
                .isEqualTo(AnswerCode.VOIDED));
        assertThat(end(holder, true)).isEqualTo("done");
        assertThat(driver.store.nextRetry()).isNull();
        assertThat(run(waiter, true, "SELECT v FROM t WHERE id = 1")).isEqualTo("rows 11");
    }

    @Test
    void itIsCancelledByALaterMessageOfItsSession() throws Exception {
        Request blocked = request(waiter, true, "UPDATE t SET v = 0 WHERE id = 1");
        assertThat(order(blocked)).isNull();
        Execution cancelled = execute(request(waiter, new SqlAction.Cancel(blocked.requestId()), true));
        assertThat(text(Objects.requireNonNull(cancelled.answer()))).isEqualTo("done");
        Answer released = Objects.requireNonNull(cancelled.released());
        assertThat(released.requestId()).isEqualTo(blocked.requestId());
        assertThat(text(released)).isEqualTo("failed 57014 57014");
        assertThat(driver.store.judge(blocked)).isInstanceOf(Ruling.Answered.class);
        assertThat(run(waiter, true, "SELECT v FROM t WHERE id = 2")).isEqualTo("rows 20");
    }

    @Test
    void itIsBarredWhenItsAttemptEndedAProcess() throws Exception {
        Request blocked = request(waiter, true, "UPDATE t SET v = 0 WHERE id = 1");
        assertThat(order(blocked)).isNull();
        assertThat(end(holder, true)).isEqualTo("done");
        MarkedRequest poison = Objects.requireNonNull(driver.store.nextRetry());
        assertThat(driver.store.mayQuarantine(poison)).isTrue();
        Answer barred = Objects.requireNonNull(own(RequestKind.VOID, waiter, blocked.requestId(), Decision.QUARANTINE)
                .answer());
        assertThat(barred.code()).isEqualTo(AnswerCode.QUARANTINED);
        assertThat(driver.store.nextRetry()).isNull();
        assertThat(run(waiter, true, "SELECT v FROM t WHERE id = 1")).isEqualTo("rows 11");
    }

    @Test
    void whatASessionHoldsIsFreeWhenItEnds() throws Exception {
        Request blocked = request(waiter, true, "UPDATE t SET v = v + 1 WHERE id = 1");
        assertThat(order(blocked)).isNull();
        Request close = new Request(holder, 1, 0, RequestKind.CLOSE, 0, 0, 0, Identity.NONE, 1000, false, new byte[0]);
        assertThat(Objects.requireNonNull(order(close)).code()).isEqualTo(AnswerCode.OK);
        assertThat(driver.store.nextRetry()).isEqualTo(new MarkedRequest(waiter, blocked.requestId()));
        assertThat(text(Objects.requireNonNull(retry().answer()))).isEqualTo("updated 1");
        assertThat(run(waiter, true, "SELECT v FROM t WHERE id = 1")).isEqualTo("rows 11");
    }

    @Test
    void aDeadlockIsFoundWhenItArisesAndEndsOneTransaction() throws Exception {
        assertThat(run(waiter, false, "UPDATE t SET v = 21 WHERE id = 2")).isEqualTo("updated 1");
        Request blocked = request(waiter, false, "UPDATE t SET v = 0 WHERE id = 1");
        assertThat(order(blocked)).isNull();
        assertThat(run(holder, false, "UPDATE t SET v = 0 WHERE id = 2")).isEqualTo("failed 40001 40001");
        assertThat(driver.store.nextRetry()).isEqualTo(new MarkedRequest(waiter, blocked.requestId()));
        assertThat(text(Objects.requireNonNull(retry().answer()))).isEqualTo("updated 1");
    }

    @Test
    void aReadOfAClientIsAnsweredWithoutAnEntry() throws Exception {
        long position = driver.store.last().position();
        Request read = request(waiter, execute("SELECT v FROM t WHERE id = 1"), true);
        Request asked = new Request(
                waiter,
                1,
                9,
                RequestKind.SQL_READ,
                0,
                0,
                read.previousOrdered(),
                Identity.NONE,
                1000,
                false,
                read.body());
        assertThat(driver.store.judge(asked)).isInstanceOf(Ruling.Fresh.class);
        assertThat(text(driver.store.readBeside(asked).get())).isEqualTo("rows 10");
        assertThat(driver.store.last().position()).isEqualTo(position);
    }

    // ---- short forms -----------------------------------------------------------------------------------------------

    private Identity login() {
        Identity session = driver.open();
        try {
            SqlOutcome.Challenge challenge = (SqlOutcome.Challenge) outcome(Objects.requireNonNull(
                    order(request(session, new SqlAction.Hello("app", "0123456789abcdefghijklmn"), true))));
            String said = Scram.said("app", challenge.nonce(), challenge.salt(), challenge.iterations());
            byte[] proof = Scram.proof("app".toCharArray(), challenge.salt(), challenge.iterations(), said);
            Answer welcome = Objects.requireNonNull(
                    order(request(session, new SqlAction.Prove(proof, Map.of("timeZone", "UTC")), true)));
            assertThat(outcome(welcome)).isInstanceOf(SqlOutcome.Welcome.class);
        } catch (Exception e) {
            throw new AssertionError(e);
        }
        return session;
    }

    private static SqlAction.Execute execute(String sql) {
        return new SqlAction.Execute(0, sql, new Value[0], GeneratedKeys.NONE, 0, 0, 0, 0, false);
    }

    private Request request(Identity session, boolean isAutoCommit, String sql) {
        return request(session, execute(sql), isAutoCommit);
    }

    private Request request(Identity session, SqlAction action, boolean isAutoCommit) {
        long previous = lastOrdered.getOrDefault(session, 0L);
        return new Request(
                session,
                1,
                previous + 1,
                RequestKind.SQL,
                0,
                0,
                previous,
                Identity.NONE,
                1000,
                false,
                codec.encode(SqlRequest.of(isAutoCommit, action)));
    }

    private Execution execute(Request request) {
        assertThat(driver.store.judge(request)).isInstanceOf(Ruling.Fresh.class);
        lastOrdered.merge(request.session(), request.requestId(), Math::max);
        return driver.execute(
                driver.header(
                        request.session(),
                        request.requestId(),
                        request.kind(),
                        request.attach(),
                        request.transaction(),
                        request.acknowledgedUpTo()),
                request.body(),
                Decision.EXECUTE);
    }

    /** The answer; null while the message waits. */
    private @Nullable Answer order(Request request) {
        return execute(request).answer();
    }

    private Execution retry() {
        MarkedRequest ready = Objects.requireNonNull(driver.store.nextRetry());
        return own(RequestKind.RETRY, ready.session(), ready.requestId(), Decision.EXECUTE);
    }

    private Execution own(RequestKind kind, Identity session, long requestId, Decision decision) {
        return driver.execute(driver.header(session, requestId, kind, 0, 0, 0), new byte[0], decision);
    }

    private String run(Identity session, boolean isAutoCommit, String sql) throws Exception {
        return text(Objects.requireNonNull(order(request(session, isAutoCommit, sql))));
    }

    private String end(Identity session, boolean isCommit) throws Exception {
        return text(Objects.requireNonNull(order(request(session, new SqlAction.End(isCommit), false))));
    }

    private SqlOutcome outcome(Answer answer) throws Exception {
        return codec.decodeReply(answer.body()).outcome();
    }

    private String text(Answer answer) throws Exception {
        SqlOutcome outcome = outcome(answer);
        if (outcome instanceof SqlOutcome.Updated updated) {
            return "updated " + updated.count();
        } else if (outcome instanceof SqlOutcome.Failed failed) {
            return "failed " + failed.sqlState() + " " + failed.code();
        } else if (outcome instanceof SqlOutcome.Rows rows) {
            List<String> values =
                    rows.rows().stream().map(row -> row[0].getString()).toList();
            return "rows " + String.join(" ", values);
        }
        return outcome instanceof SqlOutcome.Done ? "done" : outcome.toString();
    }
}
