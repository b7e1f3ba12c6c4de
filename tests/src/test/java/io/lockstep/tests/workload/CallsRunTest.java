package io.lockstep.tests.workload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lockstep.server.drill.Workload;
import io.lockstep.server.drill.Workload.Phase;
import io.lockstep.tests.workload.LocalDatabase.Cheat;
import io.lockstep.wire.RequestKind;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class CallsRunTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final int OPEN = 200;
    private static final int RATE = 1_000;

    private final LocalDatabase database = new LocalDatabase();
    private CallsRun run = new CallsRun(database::open, new Workload.Settings(11, OPEN, RATE, 256));

    @AfterEach
    void close() {
        run.close();
        database.close();
    }

    @Test
    void keepsNumberAndRateAndFindsNothingWrongWhereNothingIs() throws Exception {
        startAndWarmUp();
        long began = System.nanoTime();
        long answered = run.answeredMessages();
        awaitAnswers(2 * RATE);
        double seconds = (System.nanoTime() - began) / 1e9;
        assertThat((run.answeredMessages() - answered) / seconds).isBetween(0.8 * RATE, 1.2 * RATE);
        assertThat(run.openTransactions()).isBetween(OPEN * 8 / 10, OPEN * 12 / 10);
        run.beforeKill();
        int open = run.openTransactions();
        run.enter(Phase.DURING);
        awaitAnswers(RATE / 4);
        Workload.Verdict verdict = drained();
        assertThat(verdict.problems()).isEmpty();
        assertThat(verdict.booksBalanced()).as("%s", verdict.bookLines()).isTrue();
        assertThat(verdict.continued()).isBetween(open - 10L, open + 10L);
        assertThat(verdict.ended()).isEqualTo(verdict.started());
        assertThat(verdict.lost() + verdict.doubled() + verdict.unknown() + verdict.clientErrors())
                .isZero();
        assertThat(latencies(verdict, Phase.BEFORE).getTotalCount()).isGreaterThan(RATE);
        assertThat(latencies(verdict, Phase.DURING).getTotalCount()).isPositive();
        assertThat(verdict.timeline()).isNotEmpty();
        assertThat(run.differencesFromUndisturbed(database::timeNs)).isEmpty();
    }

    @Test
    void tellsWhenTheUndisturbedRunGivesSomethingElse() throws Exception {
        startAndWarmUp();
        awaitAnswers(RATE / 2);
        assertThat(drained().problems()).isEmpty();
        long eightHours = Duration.ofHours(8).toNanos();
        assertThat(run.differencesFromUndisturbed((session, id) -> database.timeNs(session, id) + eightHours))
                .hasSizeGreaterThan(OPEN)
                .first()
                .asString()
                .contains("with the fault");
    }

    /** Every message that was due during the stall has waited for the rest of it, not only those that were out. */
    @Test
    void countsTheWaitOfMessagesThatCouldNotEvenBeSent() throws Exception {
        startAndWarmUp();
        awaitAnswers(RATE / 2);
        run.enter(Phase.DURING);
        CountDownLatch stalled = new CountDownLatch(1);
        database.block(() -> awaitUninterruptibly(stalled));
        long began = System.nanoTime();
        await().pollInterval(Duration.ofMillis(10)).until(() -> System.nanoTime() - began > 400_000_000);
        stalled.countDown();
        awaitAnswers(RATE);
        Workload.Verdict verdict = drained();
        assertThat(verdict.problems()).isEmpty();
        Histogram during = latencies(verdict, Phase.DURING);
        assertThat(during.getMaxValue()).isGreaterThan(380_000);
        long waitedLong = during.getTotalCount() - during.getCountBetweenValues(0, 200_000);
        assertThat(waitedLong).isGreaterThan(RATE * 150 / 1_000);
        assertThat(verdict.timeline()).anyMatch(point -> point[1] > 380_000);
    }

    @Test
    void findsACallThatWasAnsweredAsEndedAndIsNot() throws Exception {
        Workload.Verdict verdict = afterCheating(RequestKind.END, Cheat.FORGETS);
        assertThat(verdict.lost()).isEqualTo(1);
        assertThat(verdict.doubled()).isZero();
        assertThat(verdict.booksBalanced()).isFalse();
        assertThat(verdict.problems()).singleElement().asString().contains("answered as ended, but has no record");
    }

    @Test
    void findsACallThatTookPlaceTwice() throws Exception {
        Workload.Verdict verdict = afterCheating(RequestKind.BEGIN, Cheat.REPEATS);
        assertThat(verdict.doubled()).isEqualTo(1);
        assertThat(verdict.lost()).isZero();
        assertThat(verdict.booksBalanced()).isFalse();
    }

    @Test
    void findsACallThatTheDatabaseDoesNotKnowAnyMore() throws Exception {
        Workload.Verdict verdict = afterCheating(RequestKind.CONTINUE, Cheat.DENIES);
        assertThat(verdict.lost()).isEqualTo(1);
        assertThat(verdict.clientErrors()).isEqualTo(1);
    }

    @Test
    void countsWhatItCouldNotLearn() throws Exception {
        Workload.Verdict verdict = afterCheating(RequestKind.BEGIN, Cheat.LEAVES_UNKNOWN);
        assertThat(verdict.unknown()).isEqualTo(1);
        assertThat(verdict.clientErrors()).isEqualTo(1);
        assertThat(verdict.lost() + verdict.doubled()).isZero();
        assertThat(verdict.booksBalanced()).isTrue();
    }

    @Test
    void opensTwentyThousandCallsAndEndsThem() throws Exception {
        run.close();
        run = new CallsRun(database::open, new Workload.Settings(12, 20_000, RATE, 128));
        startAndWarmUp();
        // One that ends is out of the count before the next one is in it.
        await().atMost(LIMIT).until(() -> run.openTransactions() >= 20_000);
        Workload.Verdict verdict = drained();
        assertThat(verdict.problems()).isEmpty();
        assertThat(verdict.booksBalanced()).isTrue();
        assertThat(verdict.ended()).isGreaterThanOrEqualTo(20_000);
    }

    private Workload.Verdict afterCheating(RequestKind kind, Cheat cheat) throws InterruptedException {
        startAndWarmUp();
        database.cheatOnNext(kind, cheat);
        awaitAnswers(RATE / 2);
        return drained();
    }

    private void startAndWarmUp() {
        run.start();
        await().atMost(LIMIT).until(run::isWarm);
    }

    private void awaitAnswers(int count) {
        long target = run.answeredMessages() + count;
        await().atMost(LIMIT).until(() -> run.answeredMessages() >= target);
    }

    private Workload.Verdict drained() throws InterruptedException {
        assertThat(run.drain(LIMIT)).isTrue();
        return run.verdict();
    }

    private static Histogram latencies(Workload.Verdict verdict, Phase phase) {
        return Objects.requireNonNull(verdict.latencyUs().get(phase));
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
