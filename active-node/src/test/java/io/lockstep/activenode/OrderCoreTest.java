package io.lockstep.activenode;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.tsdstore.EffectRunner;
import io.lockstep.tsdstore.Execution;
import io.lockstep.tsdstore.MarkedRequest;
import io.lockstep.tsdstore.NoRecords;
import io.lockstep.tsdstore.PendingEffect;
import io.lockstep.tsdstore.TsdStore;
import io.lockstep.tsdstore.TsdStoreConfig;
import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Decision;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Order, header and marks, over the real store. */
class OrderCoreTest {
    private static final long MS = 1_000_000;
    private static final long HOUR = 3_600_000 * MS;
    private static final long WALL = 1_790_000_000_000L * MS;

    private final TallyService service = new TallyService();
    private final TsdStore store = TsdStore.create(
            service,
            new NoRecords(),
            TsdStoreConfig.defaults().withIdle(Duration.ofMinutes(10), Duration.ofMinutes(5)));
    private final AtomicLong seeds = new AtomicLong(100);
    private long now = 1_000 * MS;
    private long wall = WALL;
    private final OrderCore core = new OrderCore(store, 1, new HeaderClock(0, now, wall), seeds::getAndIncrement);
    private final Execution opening = core.openTerm(new byte[0], now, wall);
    private final Asking client = new Asking(entry(ask(Asking.open(7))).entry().identity());

    @Test
    void givesPositionsWithoutAGapAndASeedOfItsOwnToEach() {
        List<Execution> executions = new ArrayList<>(List.of(
                opening, entry(ask(client.begin("a"))), entry(ask(client.go(1, "b"))), entry(ask(client.touch()))));
        assertThat(executions).extracting(e -> e.entry().position()).containsExactly(1L, 3L, 4L, 5L);
        assertThat(executions).extracting(e -> e.entry().header().seed()).containsExactly(100L, 102L, 103L, 104L);
        assertThat(executions).extracting(e -> e.entry().header().term()).containsOnly(1L);
    }

    @Test
    void theFirstEntryOfATermNamesTheView() {
        assertThat(opening.entry().header().kind()).isEqualTo(RequestKind.VIEW);
        assertThat(opening.entry().header().session()).isEqualTo(Identity.NONE);
    }

    @Test
    void anAnswerWaitsForItsOwnEntryAndNeedsNoRound() {
        Ordered ordered = ask(client.begin("a"));
        assertThat(ordered.waitPosition()).isEqualTo(entry(ordered).entry().position());
        assertThat(ordered.needsRound()).isFalse();
        assertThat(text(ordered)).isEqualTo("1");
    }

    @Test
    void row53AndRow54HeaderTimeNeverFallsAndAJumpOfTheWallClockExpiresNothing() {
        ask(client.begin("a"));
        long last = store.lastTimeNs();
        for (long jump : new long[] {HOUR, -HOUR, HOUR, 0}) {
            now += 900 * MS;
            wall = WALL + now + jump;
            assertThat(core.expireNext(now, wall)).isNull();
            Ordered ordered = ask(client.go(1, "b"));
            assertThat(entry(ordered).entry().header().timeNs()).isGreaterThanOrEqualTo(last);
            last = store.lastTimeNs();
        }
        assertThat(last).isBetween(WALL + 3_200 * MS, WALL + 4_000 * MS);
    }

    @Test
    void row37ADuplicateGetsTheRetainedAnswerAndLeavesNoEntry() {
        Request request = client.begin("a");
        Ordered first = ask(request);
        Ordered second = ask(request.asRepeated());
        assertThat(second.execution()).isNull();
        assertThat(second.answer()).usingRecursiveComparison().isEqualTo(first.answer());
        assertThat(second.waitPosition()).isEqualTo(first.waitPosition());
        assertThat(second.needsRound()).isFalse();
        assertThat(service.runs).hasValue(1);
    }

    @Test
    void row38AMessageAheadOfItsTurnIsRefusedAndLeavesNothing() {
        client.begin("never arrives");
        Ordered early = ask(client.go(1, "b"));
        assertThat(answer(early).code()).isEqualTo(AnswerCode.GAP);
        assertThat(early.execution()).isNull();
        assertThat(early.needsRound()).isTrue();
        assertThat(store.last().position()).isEqualTo(2);
    }

    @Test
    void row81AUsedIdWithAnotherBodyIsRefusedAndExecutesNothing() {
        ask(client.begin("a"));
        Ordered reused = ask(client.request(1, RequestKind.BEGIN, 0, 0, "other"));
        assertThat(answer(reused).code()).isEqualTo(AnswerCode.ID_REUSED);
        assertThat(service.runs).hasValue(1);
    }

    @Test
    void aReadLeavesNoEntryWaitsForEverythingOrderedBeforeItAndNeedsARound() {
        ask(client.begin("a"));
        Ordered read = ask(client.read("?"));
        assertThat(read.execution()).isNull();
        assertThat(read.waitPosition()).isEqualTo(3);
        assertThat(read.needsRound()).isTrue();
        assertThat(text(read)).isEqualTo("?");
    }

    @Test
    void aMarkGoesBeforeARepeatedMessageOfTheServiceOnlyAndOnlyWhenItWillBeExecuted() {
        Request done = client.begin("a");
        ask(done);
        assertThat(core.mark(done.asRepeated(), now, wall)).isNull();
        assertThat(core.mark(client.touch().asRepeated(), now, wall)).isNull();
        assertThat(core.mark(client.go(1, "far ahead").asRepeated(), now, wall)).isNull();
        Execution mark = Objects.requireNonNull(
                core.mark(client.request(2, RequestKind.CONTINUE, 1, 1, "b").asRepeated(), now, wall));
        assertThat(mark.entry().header().kind()).isEqualTo(RequestKind.MARK);
        assertThat(mark.answer()).isNull();
        assertThat(store.mark())
                .hasValueSatisfying(marked -> assertThat(marked.requestId()).isEqualTo(2));
        assertThat(service.runs).hasValue(1);
    }

    @Test
    void row61QuarantineBarsExactlyThatMessageAndItsTransactionGoesOn() {
        ask(client.begin("a"));
        Request poison = client.go(1, "overflow");
        Execution barred = Objects.requireNonNull(core.quarantine(poison.session(), 2, now, wall));
        assertThat(barred.entry().decision()).isEqualTo(Decision.QUARANTINE);
        Ordered repeated = ask(poison.asRepeated());
        assertThat(answer(repeated).code()).isEqualTo(AnswerCode.QUARANTINED);
        assertThat(service.runs).hasValue(1);
        assertThat(text(ask(client.go(1, "c")))).isEqualTo("2");
    }

    @Test
    void row61ACloseThatEndedAProcessEndsItsSessionWithoutTheService() {
        Request begun = client.begin("a");
        ask(begun);
        ask(client.touch());
        Execution barred = Objects.requireNonNull(core.quarantine(begun.session(), 0, now, wall));
        assertThat(barred.entry().header().kind()).isEqualTo(RequestKind.CLOSE);
        assertThat(barred.entry().decision()).isEqualTo(Decision.QUARANTINE);
        assertThat(store.sessionCount()).isZero();
        assertThat(store.transactionCount()).isZero();
        assertThat(core.quarantine(begun.session(), 0, now, wall))
                .as("barred once")
                .isNull();
        Ordered repeated = ask(client.request(0, RequestKind.CLOSE, 0, 0, "").asRepeated());
        assertThat(answer(repeated).code()).isEqualTo(AnswerCode.UNKNOWN_SESSION);
    }

    @Test
    void row61AMessageThatWasExecutedIsNotQuarantinedAfterwards() {
        Request request = client.begin("a");
        ask(request);
        assertThat(core.quarantine(request.session(), 1, now, wall)).isNull();
        assertThat(core.quarantine(new Identity(1, 99), 1, now, wall)).isNull();
        assertThat(store.last().position()).isEqualTo(3);
    }

    @Test
    void row61AMessageIsBarredInItsPlaceAndThoseBeforeItComeAgainAndAreExecuted() {
        Request before = client.begin("a");
        Request poison = client.go(1, "overflow");
        assertThat(core.quarantine(poison.session(), 2, now, wall)).isNotNull();
        assertThat(answer(ask(poison.asRepeated())).code()).isEqualTo(AnswerCode.GAP);
        assertThat(text(ask(before.asRepeated()))).isEqualTo("1");
        assertThat(answer(ask(poison.asRepeated())).code()).isEqualTo(AnswerCode.QUARANTINED);
        assertThat(service.runs).hasValue(1);
        assertThat(core.quarantine(poison.session(), 2, now, wall)).isNull();
    }

    @Test
    void row61AnEndOfTimeIsMarkedWhenAFormerActiveMayHaveDiedOfIt() {
        ask(client.begin("a"));
        ask(client.begin("b"));
        OrderCore next =
                new OrderCore(store, 2, new HeaderClock(store.lastTimeNs(), now, wall), seeds::getAndIncrement);
        pass(MS);
        next.openTerm(new byte[0], now, wall);
        pass(MS);
        assertThat(answer(next.onRequest(client.go(2, "c"), now, wall)).code()).isEqualTo(AnswerCode.OK);
        pass(Duration.ofMinutes(5).toNanos());

        TsdStore.Due untouched = Objects.requireNonNull(next.nextDue(now, wall));
        Execution mark = Objects.requireNonNull(next.markExpiry(untouched, now, wall));
        assertThat(mark.entry().header().kind()).isEqualTo(RequestKind.MARK);
        assertThat(store.mark())
                .contains(MarkedRequest.expiryOf(client.begin("x").session(), 1));
        assertThat(next.expire(untouched, now, wall).entry().header().transaction())
                .isEqualTo(1);
        TsdStore.Due touched = Objects.requireNonNull(next.nextDue(now, wall));
        assertThat(touched.transaction()).isEqualTo(2);
        assertThat(next.markExpiry(touched, now, wall)).isNull();
    }

    @Test
    void row61AnEndOfTimeThatEndedAProcessIsOrderedWithoutTheServiceAndOnce() {
        Request begun = client.begin("a");
        ask(begun);
        MarkedRequest expiry = MarkedRequest.expiryOf(begun.session(), 1);
        Execution barred = Objects.requireNonNull(core.quarantine(expiry.session(), expiry.requestId(), now, wall));
        assertThat(barred.entry().header().kind()).isEqualTo(RequestKind.EXPIRE);
        assertThat(barred.entry().decision()).isEqualTo(Decision.QUARANTINE);
        assertThat(store.transactionCount()).isZero();
        assertThat(core.quarantine(expiry.session(), expiry.requestId(), now, wall))
                .isNull();
    }

    @Test
    void expiresWhatIsDueOneEntryAtATimeByHeaderTime() {
        ask(client.begin("a"));
        ask(client.begin("b"));
        pass(Duration.ofMinutes(5).toNanos() - MS);
        Execution idle = Objects.requireNonNull(core.expireNext(now, wall));
        assertThat(idle.entry().header().session()).as("only tells the time").isEqualTo(Identity.NONE);
        assertThat(core.expireNext(now, wall)).isNull();
        pass(MS);
        assertThat(Objects.requireNonNull(core.expireNext(now, wall))
                        .entry()
                        .header()
                        .transaction())
                .isEqualTo(1);
        assertThat(Objects.requireNonNull(core.expireNext(now, wall))
                        .entry()
                        .header()
                        .transaction())
                .isEqualTo(2);
        assertThat(core.expireNext(now, wall)).isNull();
        assertThat(store.transactionCount()).isZero();
        pass(Duration.ofMinutes(5).toNanos());
        assertThat(Objects.requireNonNull(core.expireNext(now, wall))
                        .entry()
                        .header()
                        .kind())
                .isEqualTo(RequestKind.EXPIRE_SESSION);
        assertThat(store.sessionCount()).isZero();
    }

    @Test
    void anIdleActiveTellsTheTimeOnceASecond() {
        ask(client.begin("a"));
        pass(1_000 * MS - 1);
        assertThat(core.expireNext(now, wall)).isNull();
        pass(1);
        Execution idle = Objects.requireNonNull(core.expireNext(now, wall));
        assertThat(idle.entry().header().kind()).isEqualTo(RequestKind.EXPIRE);
        assertThat(idle.entry().header().session()).isEqualTo(Identity.NONE);
        assertThat(idle.entry().header().timeNs()).isEqualTo(store.lastTimeNs());
        assertThat(store.transactionCount()).isEqualTo(1);
        pass(999 * MS);
        assertThat(core.expireNext(now, wall)).isNull();
        ask(client.go(1, "b"));
        pass(999 * MS);
        assertThat(core.expireNext(now, wall)).as("an entry tells the time too").isNull();
        pass(MS);
        assertThat(core.expireNext(now, wall)).isNotNull();
        assertThat(service.runs).hasValue(2);
    }

    @Test
    void anEffectsBeginningAndEndAreEntriesThatNameIt() {
        Request begun = client.begin("once bell");
        ask(begun);
        EffectRunner.Key key = new EffectRunner.Key(begun.session(), 1, 0);
        assertThat(store.pendingEffects()).extracting(PendingEffect::key).containsExactly(key);
        Execution started = core.effect(RequestKind.EFFECT_STARTED, key, now, wall);
        assertThat(started.entry().header().kind()).isEqualTo(RequestKind.EFFECT_STARTED);
        assertThat(store.pendingEffects()).extracting(PendingEffect::isStarted).containsExactly(true);
        assertThat(core.effect(RequestKind.EFFECT_DONE, key, now, wall)
                        .entry()
                        .header()
                        .kind())
                .isEqualTo(RequestKind.EFFECT_DONE);
        assertThat(store.pendingEffects()).isEmpty();
    }

    private void pass(long ns) {
        now += ns;
        wall += ns;
    }

    private Ordered ask(Request request) {
        return core.onRequest(request, now, wall);
    }

    private static Execution entry(Ordered ordered) {
        return Objects.requireNonNull(ordered.execution());
    }

    private static Answer answer(Ordered ordered) {
        return Objects.requireNonNull(ordered.answer());
    }

    private static String text(Ordered ordered) {
        return new String(answer(ordered).body(), StandardCharsets.UTF_8);
    }
}
