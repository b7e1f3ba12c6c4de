package io.lockstep.activenode;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.membership.ToldRegister;
import io.lockstep.sqlwire.SqlAction;
import io.lockstep.sqlwire.SqlOutcome;
import io.lockstep.tsdstore.CopyInstaller;
import io.lockstep.tsdstore.EffectRunner;
import io.lockstep.tsdstore.ForwardLog;
import io.lockstep.tsdstore.H2Records;
import io.lockstep.tsdstore.MarkedRequest;
import io.lockstep.tsdstore.NoRecords;
import io.lockstep.tsdstore.PendingEffect;
import io.lockstep.tsdstore.TsdStore;
import io.lockstep.tsdstore.TsdStoreConfig;
import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Connection;
import io.lockstep.wire.Entry;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Peer;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import io.lockstep.wire.View;
import io.lockstep.wire.ViewCodec;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The active's role with its ring and its threads; the test is the node agent. */
@Timeout(60)
class ActiveNodeTest {
    private static final long MS = 1_000_000;
    private static final int RING = 64;
    private static final View.Member A = new View.Member("a", 1);
    private static final View.Member B = new View.Member("b", 1);

    private final TallyService service = new TallyService();
    private TsdStore store = TsdStore.create(service, new NoRecords(), TsdStoreConfig.defaults());
    private final ForwardLog log = new ForwardLog(1 << 20);
    private final AtomicLong now = new AtomicLong(1_000 * MS);
    private final BlockingQueue<EffectRunner.Key> rung = new LinkedBlockingQueue<>();
    private final Asking client = new Asking(new Identity(1, 2));
    private final List<Role> roles = new ArrayList<>();

    @AfterEach
    void closeRoles() throws InterruptedException {
        for (Role role : roles) {
            role.node.close();
        }
    }

    @Test
    void row66AFullRingTakesNothingAndTakesAgainWhenTheAgentHasEmptiedIt() throws InterruptedException {
        Role role = new Role(1);
        int taken = 0;
        while (role.node.ask(role.channel, Asking.open(taken + 1))) {
            taken++;
        }
        assertThat(taken).isEqualTo(RING - 1);
        role.until(() -> role.answers.size() == RING - 1);
        assertThat(role.node.ask(role.channel, Asking.open(99))).isTrue();
        role.until(() -> role.answers.size() == RING);
    }

    @Test
    void theLaneExecutesAheadOfForwardingAndNothingIsAnsweredMeanwhile() throws InterruptedException {
        Role role = new Role(1);
        role.ask(Asking.open(7));
        for (int i = 0; i < 10; i++) {
            role.ask(client.begin("x"));
        }
        while (service.runs.get() < 10) {
            role.nextNote();
        }
        assertThat(role.answers).isEmpty();
        assertThat(log.lastPosition()).isZero();
        role.until(() -> role.answers.size() == 11);
        assertThat(role.answers).extracting(Answer::code).containsOnly(AnswerCode.OK);
        assertThat(role.answers).extracting(a -> a.entry().position()).isSorted();
    }

    @Test
    void anAnswerWaitsForTheBackupAndGoesWithTheTerm() throws InterruptedException {
        Role role = new Role(1, B);
        role.follows(B);
        role.ask(Asking.open(7));
        role.until(() -> log.lastPosition() == 2);
        assertThat(role.answers).isEmpty();
        role.acknowledge(B, 2);
        assertThat(role.answers).hasSize(1);
        assertThat(role.terms).containsExactly(1L);
    }

    @Test
    void closingEndsTheLaneAndLeavesTheStoreOpen() throws InterruptedException {
        Role role = new Role(1);
        role.ask(Asking.open(7));
        role.until(() -> role.answers.size() == 1);
        role.node.close();
        role.ask(client.begin("x"));
        role.node.work(now.get());
        assertThat(role.answers).hasSize(1);
        assertThat(service.runs).hasValue(0);
        assertThat(store.last()).isEqualTo(new Identity(1, 2));
    }

    @Test
    void row24ALaneThatWaitsForAMarkCanBeClosed() throws InterruptedException {
        Role role = new Role(1, B);
        role.ask(Asking.open(7));
        role.ask(client.begin("x").asRepeated());
        role.until(() -> log.lastPosition() == 3);
        role.node.close();
        assertThat(service.runs).hasValue(0);
    }

    @Test
    void row65WhatBreaksInTheLaneReachesTheProcessWithTheMessageAndNothingIsAnsweredAfterIt()
            throws InterruptedException {
        Role role = new Role(1);
        role.ask(Asking.open(7));
        role.ask(client.begin("overflow"));
        role.ask(client.begin("x"));
        role.until(() -> role.cause != null);
        assertThat(role.cause).isInstanceOf(StackOverflowError.class);
        assertThat(Objects.requireNonNull(role.poison).requestId()).isEqualTo(1);
        role.node.work(now.get());
        assertThat(role.answers).extracting(Answer::requestId).containsOnly(0L);
        assertThat(service.runs).hasValue(1);
    }

    @Test
    void row61TheMessageOfADeathNoteIsBarredBeforeAnythingElse() throws InterruptedException {
        Role first = new Role(1);
        first.ask(Asking.open(7));
        first.until(() -> first.answers.size() == 1);
        first.node.close();
        Role second = new Role(2, List.of(new MarkedRequest(new Identity(1, 2), 1)), Map.of());
        second.ask(client.begin("overflow").asRepeated());
        second.ask(client.begin("x"));
        second.until(() -> second.answers.size() == 2);
        assertThat(second.answers).extracting(Answer::code).containsExactly(AnswerCode.QUARANTINED, AnswerCode.OK);
        assertThat(service.runs).hasValue(1);
    }

    @Test
    void row61AMessageThatTheLogsLastEntryMarksIsBarred() throws InterruptedException {
        Request poison = client.begin("overflow").asRepeated();
        Role first = new Role(1, B);
        first.ask(Asking.open(7));
        first.ask(poison);
        first.until(() -> log.lastPosition() == 3);
        first.node.close();
        Role second = new Role(2);
        second.ask(poison);
        second.until(() -> second.answers.size() == 1);
        assertThat(second.answers).extracting(Answer::code).containsExactly(AnswerCode.QUARANTINED);
        assertThat(service.runs).hasValue(0);
    }

    @Test
    void row61AMarkedMessageIsBarredThoughAnActiveDiedBetweenItsViewEntryAndTheBarring() throws InterruptedException {
        Request poison = client.begin("overflow").asRepeated();
        Role first = new Role(1, B);
        first.ask(Asking.open(7));
        first.ask(poison);
        first.until(() -> log.lastPosition() == 3);
        first.node.close();
        byte[] view = ViewCodec.encode(new View(2, 2, A, List.of(), List.of(), 0));
        OrderCore second = new OrderCore(store, 2, new HeaderClock(store.lastTimeNs(), now.get(), now.get()), () -> 5);
        log.append(second.openTerm(view, now.get(), now.get()).entry());
        assertThat(store.mark()).isPresent();
        Role third = new Role(3);
        third.ask(poison);
        third.until(() -> third.answers.size() == 1);
        assertThat(third.answers).extracting(Answer::code).containsExactly(AnswerCode.QUARANTINED);
        assertThat(service.runs).hasValue(0);
    }

    @Test
    void aRepeatedMessageIsExecutedOnlyWhenItsMarkIsStable() throws InterruptedException {
        Role role = new Role(1, B);
        role.follows(B);
        role.ask(Asking.open(7));
        role.ask(client.begin("x").asRepeated());
        role.until(() -> log.lastPosition() == 3);
        assertThat(log.get(3).header().kind()).isEqualTo(RequestKind.MARK);
        assertThat(service.runs).hasValue(0);
        role.acknowledge(B, 3);
        role.until(() -> log.lastPosition() == 4);
        assertThat(service.runs).hasValue(1);
    }

    @Test
    void whatHasRunOutOfTimeIsOrderedAtATick() throws InterruptedException {
        Role role = new Role(1);
        role.ask(Asking.open(7));
        role.ask(client.begin("x"));
        role.until(() -> role.answers.size() == 2);
        now.addAndGet(Duration.ofMinutes(6).toNanos());
        role.node.tick(now.get());
        role.until(() -> log.lastPosition() == 4);
        assertThat(log.get(4).header().kind()).isEqualTo(RequestKind.EXPIRE);
    }

    @Test
    void row61WhatRunsOutOfTimeWaitsForItsMarkWhenAFormerActiveMayHaveDiedOfIt() throws InterruptedException {
        Role first = new Role(1);
        first.ask(Asking.open(7));
        first.ask(client.begin("x"));
        first.until(() -> first.answers.size() == 2);
        first.node.close();
        Role second = new Role(2, B);
        second.follows(B);
        second.until(() -> log.lastPosition() == 4);
        now.addAndGet(Duration.ofMinutes(6).toNanos());
        second.node.tick(now.get());
        second.until(() -> log.lastPosition() == 5);
        assertThat(log.get(5).header().kind()).isEqualTo(RequestKind.MARK);
        second.ask(Asking.open(8));
        second.acknowledge(B, 5);
        second.until(() -> log.lastPosition() == 7);
        assertThat(log.get(6).header().kind()).isEqualTo(RequestKind.EXPIRE);
        assertThat(log.get(6).header().transaction()).isEqualTo(1);
        assertThat(log.get(7).header().kind()).isEqualTo(RequestKind.OPEN);
    }

    @Test
    void row17AJoinerGetsACopyThatGivesAnEqualStore() throws Exception {
        Role role = new Role(1);
        role.ask(Asking.open(7));
        role.ask(client.begin("x"));
        role.until(() -> role.answers.size() == 2);
        role.node.onFrame(B, new Frame.Join(0, 1, new Identity(1, 3), 5, 3, 5), now.get());
        role.until(() -> role.sent.stream().anyMatch(f -> f instanceof Frame.CopyChunk chunk && chunk.last()));
        CopyInstaller installer = TsdStore.installer(new TallyService(), new NoRecords(), TsdStoreConfig.defaults());
        for (Frame frame : role.sent) {
            if (frame instanceof Frame.CopyChunk chunk) {
                installer.accept(chunk.data());
            }
        }
        try (TsdStore copy = installer.finish()) {
            role.node.close();
            assertThat(copy.last()).isEqualTo(store.last());
            assertThat(copy.digest()).isEqualTo(store.digest());
        }
    }

    // ---- effects to the outside (R16) ------------------------------------------------------------------------------

    @Test
    void anEffectIsRunOnceItsEntryIsStableAndItsCompletionIsAnEntry() throws InterruptedException {
        Role role = new Role(1, List.of(), Map.of("bell", new Bell()), B);
        role.follows(B);
        role.ask(Asking.open(7));
        role.ask(client.begin("outside bell"));
        role.until(() -> log.lastPosition() == 3);
        assertThat(rung).isEmpty();
        role.acknowledge(B, 3);
        role.until(() -> log.lastPosition() == 4);
        assertThat(log.get(4).header().kind()).isEqualTo(RequestKind.EFFECT_DONE);
        assertThat(rung).containsExactly(new EffectRunner.Key(new Identity(1, 2), 1, 0));
        role.node.close();
        assertThat(store.pendingEffects()).isEmpty();
    }

    @Test
    void anEffectThatIsNotKnownToBeDoneIsRunAgainAfterATakeoverUnderTheSameKey() throws InterruptedException {
        Role first = new Role(1, List.of(), Map.of("bell", new Bell()));
        first.ask(Asking.open(7));
        first.ask(client.begin("outside bell"));
        first.until(() -> first.answers.size() == 2);
        EffectRunner.Key key = awaitRung();
        first.node.close();
        assertThat(store.pendingEffects()).hasSize(1);
        Role second = new Role(2, List.of(), Map.of("bell", new Bell()));
        second.until(() ->
                log.last().term() == 2 && log.get(log.lastPosition()).header().kind() == RequestKind.EFFECT_DONE);
        assertThat(awaitRung()).isEqualTo(key);
        second.node.close();
        assertThat(store.pendingEffects()).isEmpty();
        assertThat(rung).isEmpty();
    }

    @Test
    void anEffectThatMayBeRunOnceOnlyIsGivenUpWhenATakeoverFindsItStarted() throws InterruptedException {
        Role first = new Role(1, List.of(), Map.of("bell", new Bell()));
        first.ask(Asking.open(7));
        first.ask(client.begin("once bell"));
        first.until(() -> log.lastPosition() == 4);
        assertThat(log.get(4).header().kind()).isEqualTo(RequestKind.EFFECT_STARTED);
        awaitRung();
        first.node.close();
        Role second = new Role(2, List.of(), Map.of("bell", new Bell()));
        second.until(() -> log.lastPosition() == 6);
        assertThat(log.get(6).header().kind()).isEqualTo(RequestKind.EFFECT_DONE);
        second.node.close();
        assertThat(store.pendingEffects()).isEmpty();
        assertThat(rung).isEmpty();
    }

    @Test
    void anEffectThatMayBeRunOnceOnlyAndWasNotStartedIsRunAfterATakeover() throws InterruptedException {
        Role first = new Role(1, List.of(), Map.of("bell", new Bell()), B);
        first.ask(Asking.open(7));
        first.ask(client.begin("once bell"));
        first.until(() -> log.lastPosition() == 3);
        first.node.close();
        assertThat(rung).isEmpty();
        Role second = new Role(2, List.of(), Map.of("bell", new Bell()));
        second.until(() -> log.lastPosition() == 6);
        assertThat(log.get(5).header().kind()).isEqualTo(RequestKind.EFFECT_STARTED);
        assertThat(log.get(6).header().kind()).isEqualTo(RequestKind.EFFECT_DONE);
        assertThat(rung).hasSize(1);
    }

    @Test
    void anEffectThatWaitsBehindAnotherIsNotStartedAndRunAfterATakeover() throws InterruptedException {
        CountDownLatch neverRings = new CountDownLatch(1);
        Role first = new Role(1, List.of(), Map.of("bell", new Bell() {
            @Override
            public void run(Key key, byte[] payload) throws InterruptedException {
                super.run(key, payload);
                neverRings.await();
            }
        }));
        first.ask(Asking.open(7));
        first.ask(client.begin("once bell"));
        first.ask(client.begin("once bell"));
        first.until(() -> first.answers.size() == 3 && log.lastPosition() == 5);
        EffectRunner.Key started = awaitRung();
        first.node.close();
        assertThat(store.pendingEffects()).extracting(PendingEffect::isStarted).containsExactly(true, false);
        Role second = new Role(2, List.of(), Map.of("bell", new Bell()));
        second.until(() -> log.lastPosition() == 9);
        second.node.close();
        assertThat(store.pendingEffects()).isEmpty();
        assertThat(rung).hasSize(1).doesNotContain(started);
    }

    @Test
    void effectsOfTransactionsThatExpireAreKeyedByTheirEntriesAndRunOnceEach() throws InterruptedException {
        Role first = new Role(1, List.of(), Map.of("bell", new Bell()));
        first.ask(Asking.open(7));
        first.ask(client.begin("late bell"));
        first.ask(client.begin("late bell"));
        first.until(() -> first.answers.size() == 3);
        now.addAndGet(Duration.ofMinutes(6).toNanos());
        first.node.tick(now.get());
        first.until(() -> log.lastPosition() == 8);
        assertThat(log.get(5).header().kind()).isEqualTo(RequestKind.EXPIRE);
        assertThat(log.get(6).header().kind()).isEqualTo(RequestKind.EXPIRE);
        assertThat(log.get(7).header().kind()).isEqualTo(RequestKind.EFFECT_DONE);
        assertThat(log.get(8).header().kind()).isEqualTo(RequestKind.EFFECT_DONE);
        assertThat(rung)
                .containsExactly(
                        new EffectRunner.Key(new Identity(1, 2), -5, 0),
                        new EffectRunner.Key(new Identity(1, 2), -6, 0));
        first.node.close();
        assertThat(store.pendingEffects()).isEmpty();
        Role second = new Role(2, List.of(), Map.of("bell", new Bell()));
        second.ask(client.touch());
        second.until(() -> second.answers.size() == 1);
        second.node.close();
        assertThat(rung).hasSize(2);
    }

    private EffectRunner.Key awaitRung() throws InterruptedException {
        return Objects.requireNonNull(rung.poll(20, TimeUnit.SECONDS));
    }

    /** Rings, and remembers for whom. */
    private class Bell implements EffectRunner {
        @Override
        public String name() {
            return "bell";
        }

        @Override
        public void run(Key key, byte[] payload) throws InterruptedException {
            rung.add(key);
        }
    }

    // ---- what is brief ---------------------------------------------------------------------------------------------

    private static final int UPDATE = 1;
    private static final int RANGE = 2;
    private static final int SELECT = 3;

    @Test
    void theAgentExecutesWhatIsBriefItselfAndLeavesTheRestToTheLane() throws InterruptedException {
        store = TsdStore.create(service, new H2Records(), TsdStoreConfig.defaults());
        Role role = new Role(1);
        SqlAsking sql = role.sql(7);
        role.settle();
        // All of it is there when the agent has worked once, so it was the agent who did it.
        role.asksNow(sql.ask(false, SqlAsking.prepared(UPDATE, 1)));
        role.asksNow(sql.ask(false, SqlAsking.prepared(UPDATE, 2)));
        role.asksNow(sql.ask(new SqlAction.End(true)));
        role.asksNow(sql.ask(SqlAsking.prepared(UPDATE, 1)));
        role.answerTo(sql.read(SqlAsking.prepared(SELECT, 1)));
        assertThat(role.rows(sql)).isEqualTo("12");

        int answered = role.answers.size();
        role.ask(sql.ask(SqlAsking.prepared(RANGE, 1)));
        role.node.work(now.get());
        role.until(() -> role.answers.size() > answered);
        assertThat(role.lanes).contains("lane");
        role.settle();
        role.asksNow(sql.ask(SqlAsking.prepared(UPDATE, 1)));
        role.asksNow(sql.read(SqlAsking.prepared(SELECT, 1)));
        assertThat(role.rows(sql)).isEqualTo("14");
    }

    @Test
    void theAgentNeverWaitsForTheLaneAndWhatIsBriefComesInItsTurn() throws InterruptedException {
        store = TsdStore.create(service, new H2Records(), TsdStoreConfig.defaults());
        Role role = new Role(1);
        SqlAsking sql = role.sql(7);
        SqlAsking other = role.sql(8);
        role.settle();
        int answered = role.answers.size();
        Request endless = sql.ask(SqlAsking.statement("INSERT INTO t SELECT a.x, 0 FROM SYSTEM_RANGE(1, 1000000) a,"
                + " SYSTEM_RANGE(1, 1000000) b WHERE a.x + b.x < 0"));
        role.ask(endless);
        role.ask(other.ask(SqlAsking.prepared(UPDATE, 1)));
        while (role.node.executing() == null) {
            role.node.work(now.get());
        }
        role.node.work(now.get());
        assertThat(role.answers).as("it comes after one that runs").hasSize(answered);
        Objects.requireNonNull(store.running()).cancel(sql.session, endless.requestId());
        role.until(() -> role.answers.size() == answered + 2);
        assertThat(role.answers.subList(answered, answered + 2))
                .extracting(Answer::session)
                .containsExactly(sql.session, other.session);
    }

    /** No slot stays behind, whoever of the two ends or begins when. */
    @Test
    void laneAndAgentTakeTurnsWithoutLosingASlot() throws InterruptedException {
        store = TsdStore.create(service, new H2Records(), TsdStoreConfig.defaults());
        Role role = new Role(1);
        List<SqlAsking> clients = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            clients.add(role.sql(7 + i));
        }
        Random random = new Random(1);
        int expected = role.answers.size();
        for (int round = 0; round < 2_000; round++) {
            for (SqlAsking client : clients) {
                boolean isBrief = random.nextInt(4) > 0;
                role.ask(client.ask(SqlAsking.prepared(isBrief ? UPDATE : RANGE, 1 + random.nextInt(9))));
                expected++;
                if (random.nextInt(3) == 0) {
                    role.node.work(now.get());
                }
            }
            int soMany = expected;
            role.until(() -> role.answers.size() == soMany);
        }
        assertThat(role.answers).extracting(Answer::code).containsOnly(AnswerCode.OK);
        assertThat(role.answers).extracting(answer -> answer.entry().position()).isSorted();
        assertThat(role.lanes)
                .containsExactlyInAnyOrder("lane", Thread.currentThread().getName());
    }

    @Test
    void row65WhatBreaksOnTheAgentsThreadReachesTheProcessToo() throws InterruptedException {
        store = TsdStore.create(service, new H2Records(), TsdStoreConfig.defaults());
        Role role = new Role(1);
        SqlAsking sql = role.sql(7);
        role.settle();
        role.breaksWith = new StackOverflowError("as if");
        Request deadly = sql.ask(SqlAsking.prepared(UPDATE, 1));
        role.ask(deadly);
        int answered = role.answers.size();
        role.node.work(now.get());
        assertThat(role.cause).isInstanceOf(StackOverflowError.class);
        assertThat(role.poison).isEqualTo(deadly);
        role.ask(sql.ask(SqlAsking.prepared(UPDATE, 1)));
        role.node.work(now.get());
        assertThat(role.answers).hasSize(answered);
    }

    // ---- one role --------------------------------------------------------------------------------------------------

    /** One reign over the test's store and log, with an inbox that the test empties. */
    private final class Role implements ActivePort {
        final List<Answer> answers = new ArrayList<>();
        final List<Long> terms = new ArrayList<>();
        final List<Frame> sent = new ArrayList<>();
        final Connection channel = new Channel(this);
        private final BlockingQueue<Runnable> inbox = new LinkedBlockingQueue<>();
        private final long term;
        final ActiveNode node;
        /** Names of the threads that have executed. */
        final Set<String> lanes = ConcurrentHashMap.newKeySet();

        volatile @Nullable Error breaksWith;
        volatile @Nullable Request poison;
        volatile @Nullable Throwable cause;

        Role(long term, View.Member... backups) {
            this(term, List.of(), Map.of(), backups);
        }

        Role(long term, List<MarkedRequest> quarantined, Map<String, EffectRunner> runners, View.Member... backups) {
            this.term = term;
            View view = new View(term, term, A, Arrays.asList(backups), List.of(), 0);
            node = new ActiveNode(
                    new ActiveNodeConfig(Duration.ofMillis(500), Duration.ofMillis(50), RING, 4096, 65536),
                    new ActiveNode.Start(A, view, store, log, now.get(), quarantined, null, runners),
                    new ToldRegister(Optional.of(view)),
                    this,
                    now::get,
                    now::get,
                    () -> 5);
            roles.add(this);
        }

        void ask(Request request) {
            assertThat(node.ask(channel, request)).isTrue();
        }

        void follows(View.Member backup) {
            node.onFrame(backup, new Frame.Join(0, 1, Identity.NONE, log.chainAt(0), 0, log.chainAt(0)), now.get());
        }

        void acknowledge(View.Member backup, long position) {
            node.onFrame(backup, new Frame.Acknowledge(term, 0, position, position), now.get());
            node.work(now.get());
        }

        /** Works as the node agent does, until that is so. */
        void until(BooleanSupplier isSo) throws InterruptedException {
            while (!isSo.getAsBoolean()) {
                node.work(now.get());
                if (isSo.getAsBoolean()) {
                    return;
                }
                nextNote().run();
            }
        }

        /** A client that is logged in, with a table (once) and its statements. */
        SqlAsking sql(long nonce) throws InterruptedException {
            SqlAsking client = new SqlAsking(answerTo(Asking.open(nonce)).entry());
            answerTo(client.prove(answerTo(client.hello())));
            if (nonce == 7) {
                answerTo(client.ask(SqlAsking.statement("CREATE TABLE t(id INT PRIMARY KEY, v INT)")));
                answerTo(client.ask(SqlAsking.statement("INSERT INTO t SELECT x, 10 FROM SYSTEM_RANGE(1, 9)")));
            }
            answerTo(client.ask(new SqlAction.Prepare(UPDATE, "UPDATE t SET v = v + 1 WHERE id = ?")));
            answerTo(client.ask(new SqlAction.Prepare(RANGE, "UPDATE t SET v = v + 1 WHERE id <= ?")));
            answerTo(client.ask(new SqlAction.Prepare(SELECT, "SELECT v FROM t WHERE id = ?")));
            return client;
        }

        Answer answerTo(Request request) throws InterruptedException {
            int answered = answers.size();
            ask(request);
            until(() -> answers.size() > answered);
            return answers.get(answered);
        }

        /** Until the lane's thread sleeps. */
        void settle() {
            while (Thread.getAllStackTraces().keySet().stream()
                    .anyMatch(each -> each.getName().equals("lane") && each.getState() != Thread.State.WAITING)) {
                Thread.onSpinWait();
            }
        }

        /** Asks, and has the answer when the agent has worked once. */
        void asksNow(Request request) {
            int answered = answers.size();
            ask(request);
            node.work(now.get());
            assertThat(answers).hasSize(answered + 1);
        }

        String rows(SqlAsking client) {
            return ((SqlOutcome.Rows) client.outcome(answers.get(answers.size() - 1)))
                    .rows()
                    .get(0)[0]
                    .getString();
        }

        Runnable nextNote() throws InterruptedException {
            return Objects.requireNonNull(inbox.poll(20, TimeUnit.SECONDS), "nothing happens any more");
        }

        @Override
        public void executed(TsdStore of, Entry entry, long previousTimeNs) {
            lanes.add(Thread.currentThread().getName());
            Error failure = breaksWith;
            if (failure != null) {
                throw failure;
            }
        }

        @Override
        public void send(View.Member to, Frame frame) {
            sent.add(frame);
        }

        @Override
        public void viewInstalled(View view) {}

        @Override
        public void deposed(View current, String reason) {
            throw new AssertionError("deposed: " + reason);
        }

        @Override
        public void wake() {
            inbox.add(() -> {});
        }

        @Override
        public void onAgent(Runnable task) {
            inbox.add(task);
        }

        @Override
        public void failed(@Nullable Request message, Throwable failure) {
            poison = message;
            cause = failure;
            wake();
        }
    }

    /** The connection that a request came by. */
    private record Channel(Role role) implements Connection {
        @Override
        public Peer peer() {
            return new Peer("d", Peer.Role.DISTRIBUTOR, 1);
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public boolean isWritable() {
            return true;
        }

        @Override
        public void send(Frame frame) {
            role.answers.add(((Frame.Reply) frame).answer());
            role.terms.add(frame.term());
        }

        @Override
        public void close(String reason) {}

        @Override
        public SocketAddress remote() {
            return InetSocketAddress.createUnresolved("d", 1);
        }
    }
}
