package io.lockstep.tsdstore.sql;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.wire.Identity;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Who is tried next, and who waits for himself. */
class WaitingQueueTest {
    private static final Identity A = new Identity(1, 1);
    private static final Identity B = new Identity(1, 2);
    private static final Identity C = new Identity(1, 3);
    private static final Identity D = new Identity(1, 4);
    private static final RowName ROW = new RowName("table.1", 5);
    private static final RowName OTHER = new RowName("table.1", 6);

    private final WaitingQueue queue = new WaitingQueue();
    private final Map<RowName, Identity> held = new HashMap<>();

    private @Nullable Identity holderOf(RowName row) {
        return held.get(row);
    }

    private void waitForRow(Identity session, RowName row, Identity holder) {
        queue.add(session, 0, row, List.of(holder), false, 100);
    }

    private void released(Identity session) {
        queue.released(session, true, this::holderOf);
    }

    @Test
    void triesOnlyTheFirstOfThoseWhoWaitForARow() {
        waitForRow(B, ROW, A);
        waitForRow(C, ROW, A);
        assertThat(queue.nextReady()).isNull();
        released(A);
        assertThat(queue.ready()).containsExactly(B);
    }

    @Test
    void triesTheNextWhenTheFirstHasEnded() {
        waitForRow(B, ROW, A);
        waitForRow(C, ROW, A);
        released(A);
        queue.remove(B);
        held.put(ROW, B);
        queue.released(B, false, this::holderOf);
        assertThat(queue.nextReady()).isNull();
        held.clear();
        released(B);
        assertThat(queue.ready()).containsExactly(C);
    }

    @Test
    void triesTheNextWhenTheFirstCameToNothing() {
        waitForRow(B, ROW, A);
        waitForRow(C, ROW, A);
        released(A);
        queue.remove(B);
        queue.add(B, 1, OTHER, List.of(D), false, 100);
        queue.released(B, false, this::holderOf);
        assertThat(queue.ready()).containsExactly(C);
    }

    @Test
    void keepsThePlaceOfWhoMustWaitAgain() {
        waitForRow(B, ROW, A);
        waitForRow(C, ROW, A);
        long place = queue.placeOf(B);
        queue.remove(B);
        queue.add(B, place, ROW, List.of(D), false, 100);
        released(D);
        assertThat(queue.ready()).containsExactly(B);
    }

    @Test
    void triesWhoWaitsForOneOfSeveralWhenAnyHasEnded() {
        queue.add(D, 0, null, List.of(A, B), false, 100);
        released(B);
        assertThat(queue.ready()).containsExactly(D);
    }

    @Test
    void triesWhoWaitsForATableWhenAllHaveEnded() {
        queue.add(D, 0, null, List.of(A, B), true, 100);
        released(B);
        assertThat(queue.ready()).isEmpty();
        released(A);
        assertThat(queue.ready()).containsExactly(D);
    }

    @Test
    void findsADeadlockOfTwoAndOfThree() {
        waitForRow(A, ROW, B);
        assertThat(queue.isDeadlock(B, List.of(A), false)).isTrue();
        waitForRow(B, OTHER, C);
        assertThat(queue.isDeadlock(C, List.of(A), false)).isTrue();
        assertThat(queue.isDeadlock(C, List.of(D), false)).isFalse();
    }

    @Test
    void findsNoDeadlockWhileOneOfThePossibleHoldersCanGoOn() {
        waitForRow(A, ROW, B);
        assertThat(queue.isDeadlock(B, List.of(A, C), false)).isFalse();
        assertThat(queue.isDeadlock(B, List.of(A, C), true)).isTrue();
    }

    @Test
    void findsNoDeadlockBehindOneWhoIsAboutToBeTried() {
        waitForRow(B, ROW, A);
        released(A);
        assertThat(queue.isDeadlock(A, List.of(B), false)).isFalse();
    }

    @Test
    void meetsAHolderOfTwoOnlyOnce() {
        waitForRow(A, ROW, C);
        waitForRow(B, OTHER, C);
        assertThat(queue.isDeadlock(D, List.of(A, B), true)).isFalse();
    }

    @Test
    void followsLongLines() {
        for (int i = 1; i < 20_000; i++) {
            waitForRow(new Identity(2, i), new RowName("table.1", i), new Identity(2, i + 1));
        }
        assertThat(queue.isDeadlock(new Identity(2, 20_000), List.of(new Identity(2, 1)), false))
                .isTrue();
    }

    @Test
    void givesUpInTheOrderOfTheirTimes() {
        queue.add(A, 0, ROW, List.of(D), false, 300);
        queue.add(B, 0, ROW, List.of(D), false, 200);
        assertThat(queue.nextGiveUpNs()).isEqualTo(200);
        assertThat(queue.nextGiveUp(199)).isNull();
        assertThat(queue.nextGiveUp(200)).isEqualTo(B);
        queue.remove(B);
        assertThat(queue.nextGiveUpNs()).isEqualTo(300);
        queue.remove(A);
        assertThat(queue.nextGiveUpNs()).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void saysWhoWaitsInTheOrderOfComing() {
        assertThat(queue.isEmpty()).isTrue();
        assertThat(queue.lastPlace()).isZero();
        assertThat(queue.placeOf(B)).isZero();
        waitForRow(B, ROW, A);
        queue.add(C, 0, null, List.of(A), false, 100);
        waitForRow(D, OTHER, A);
        assertThat(queue.isEmpty()).isFalse();
        assertThat(queue.waiters()).extracting(waiter -> waiter.session).containsExactly(B, C, D);
        assertThat(queue.lastPlace()).isEqualTo(3);
        assertThat(queue.placeOf(C)).isEqualTo(2);
        queue.remove(B);
        queue.remove(B);
        assertThat(queue.waiters()).extracting(waiter -> waiter.session).containsExactly(C, D);
        queue.remove(C);
        queue.remove(D);
        assertThat(queue.isEmpty()).isTrue();
        assertThat(queue.lastPlace()).as("places are given out once").isEqualTo(3);
    }

    @Test
    void theFirstOfThoseWhoAreReadyIsTriedFirst() {
        waitForRow(B, ROW, A);
        waitForRow(C, OTHER, D);
        released(D);
        released(A);
        assertThat(queue.nextReady()).isEqualTo(B);
        queue.remove(B);
        assertThat(queue.nextReady()).isEqualTo(C);
        queue.remove(C);
        assertThat(queue.nextReady()).isNull();
    }

    @Test
    void aHolderIsAwaitedAsLongAsSomebodyWaitsForIt() {
        assertThat(queue.isAwaited(A)).isFalse();
        waitForRow(B, ROW, A);
        waitForRow(C, ROW, A);
        assertThat(queue.isAwaited(A)).isTrue();
        queue.remove(B);
        assertThat(queue.isAwaited(A)).as("by the second in line").isTrue();
        queue.remove(C);
        assertThat(queue.isAwaited(A)).isFalse();
        queue.add(B, 0, null, List.of(A, D), true, 100);
        queue.add(C, 0, null, List.of(A), false, 100);
        assertThat(queue.isAwaited(A)).isTrue();
        assertThat(queue.isAwaited(D)).isTrue();
        queue.remove(B);
        assertThat(queue.isAwaited(A)).as("by the other").isTrue();
        assertThat(queue.isAwaited(D)).isFalse();
        queue.remove(C);
        assertThat(queue.isAwaited(A)).isFalse();
    }

    @Test
    void nobodyIsAwaitedByATableOnceItHasEnded() {
        queue.add(C, 0, null, List.of(A, B), true, 100);
        queue.released(A, false, this::holderOf);
        assertThat(queue.isAwaited(A)).as("it has let go of something only").isTrue();
        released(A);
        assertThat(queue.isAwaited(A)).isFalse();
        assertThat(queue.isAwaited(B)).isTrue();
        assertThat(queue.ready()).isEmpty();
        released(B);
        assertThat(queue.isAwaited(B)).isFalse();
        assertThat(queue.ready()).containsExactly(C);
    }

    @Test
    void whoWaitsForTwoRowsOfOneHolderWaitsForEachOfThem() {
        waitForRow(B, ROW, A);
        waitForRow(C, OTHER, A);
        queue.remove(B);
        assertThat(queue.isAwaited(A)).isTrue();
        released(A);
        assertThat(queue.ready()).containsExactly(C);
    }

    @Test
    void allOfALineWaitForWhoeverHasTheRowNow() {
        waitForRow(B, ROW, A);
        waitForRow(C, ROW, A);
        held.put(ROW, D);
        released(A);
        assertThat(queue.ready()).isEmpty();
        assertThat(queue.isAwaited(A)).isFalse();
        assertThat(queue.isAwaited(D)).isTrue();
        assertThat(queue.waiters()).extracting(queue::holderInLine).containsExactly(D, D);
        held.clear();
        released(D);
        assertThat(queue.ready()).containsExactly(B);
    }

    @Test
    void whoIsTriedHoldsTheLineUntilItIsKnownWhatCameOfIt() {
        waitForRow(B, ROW, A);
        waitForRow(C, ROW, A);
        released(A);
        assertThat(queue.isAwaited(A)).isFalse();
        assertThat(queue.isAwaited(B)).isTrue();
        assertThat(queue.waiters()).extracting(queue::holderInLine).containsExactly(B, B);
        queue.add(D, 0, null, List.of(A), false, 100);
        assertThat(queue.waiters()).extracting(queue::holderInLine).containsExactly(B, B, null);
    }

    @Test
    void whoHasTheRowThatItIsFirstInLineForIsTried() {
        waitForRow(B, ROW, A);
        held.put(ROW, B);
        released(A);
        assertThat(queue.ready()).containsExactly(B);
    }

    @Test
    void aCopyOfTheQueueGoesOnAsItsSource() {
        queue.add(B, 0, ROW, List.of(A), false, 300);
        queue.add(C, 0, ROW, List.of(A), false, 200);
        queue.add(D, 0, null, List.of(A, C), true, 100);
        released(A);

        WaitingQueue copy = new WaitingQueue();
        copy.restoreLastPlace(queue.lastPlace());
        for (WaitingQueue.Waiter each : queue.waiters()) {
            copy.restore(each.session, each.place, each.row, each.holders, each.needsAll, each.giveUpNs, each.isReady);
        }
        for (WaitingQueue.Waiter each : queue.waiters()) {
            if (each.row != null) {
                copy.restoreLine(each.row, queue.holderInLine(each));
            }
        }
        copy.restoreLine(OTHER, A);

        for (WaitingQueue each : List.of(queue, copy)) {
            assertThat(each.lastPlace()).isEqualTo(3);
            assertThat(each.waiters()).extracting(waiter -> waiter.session).containsExactly(B, C, D);
            assertThat(each.waiters()).extracting(each::holderInLine).containsExactly(B, B, null);
            assertThat(each.ready()).containsExactly(B);
            assertThat(each.isAwaited(A)).isFalse();
            assertThat(each.isAwaited(B)).isTrue();
            assertThat(each.isAwaited(C)).isTrue();
            assertThat(each.nextGiveUp(150)).isEqualTo(D);
            each.remove(B);
            each.released(B, true, this::holderOf);
            assertThat(each.ready()).containsExactly(C);
            each.remove(C);
            each.released(C, true, this::holderOf);
            assertThat(each.ready()).containsExactly(D);
            each.add(A, 0, ROW, List.of(D), false, 100);
            assertThat(each.placeOf(A)).isEqualTo(4);
        }
    }

    @Test
    void thoseWhoAreGivenUpAtTheSameTimeAreSoInTheOrderOfComing() {
        queue.add(B, 0, ROW, List.of(A), false, 100);
        queue.add(C, 0, ROW, List.of(A), false, 100);
        assertThat(queue.nextGiveUp(100)).isEqualTo(B);
        queue.remove(B);
        assertThat(queue.nextGiveUpNs()).isEqualTo(100);
        assertThat(queue.nextGiveUp(100)).isEqualTo(C);
        queue.remove(C);
        assertThat(queue.nextGiveUp(Long.MAX_VALUE)).isNull();
    }

    @Test
    void whoWouldWaitForNobodyIsNotStuck() {
        assertThat(queue.isDeadlock(A, List.of(), false)).isFalse();
        assertThat(queue.isDeadlock(A, List.of(), true)).isFalse();
    }

    @Test
    void findsADeadlockThroughWhoWaitsForATable() {
        queue.add(B, 0, null, List.of(A, C), true, 100);
        queue.add(D, 0, null, List.of(A, C), false, 100);
        assertThat(queue.isDeadlock(A, List.of(B), false)).as("B needs both").isTrue();
        assertThat(queue.isDeadlock(A, List.of(D), false)).as("D needs one").isFalse();
        queue.add(C, 0, null, List.of(B), false, 100);
        assertThat(queue.isDeadlock(A, List.of(D), false)).as("C waits for B").isTrue();
    }
}
