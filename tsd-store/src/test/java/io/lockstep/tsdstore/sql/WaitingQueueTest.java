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
}
