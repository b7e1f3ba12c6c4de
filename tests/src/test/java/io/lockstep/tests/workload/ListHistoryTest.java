package io.lockstep.tests.workload;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.tests.workload.SqlTransaction.Fate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The checker of lists finds what it is there to find. */
class ListHistoryTest {
    private final List<ListHistory.Transaction> all = new ArrayList<>();
    private final Problems problems = new Problems();
    private final SqlAudit audit = new SqlAudit(problems);

    /** Its commit is sent at {@code ns}, and answered one later. */
    private ListHistory.Transaction transaction(Fate fate, long ns) {
        SqlTransaction end = new SqlTransaction(all.size() + 1);
        end.fate = fate;
        end.commitSentNs = ns;
        end.committedNs = ns + 1;
        ListHistory.Transaction transaction = new ListHistory.Transaction(end);
        all.add(transaction);
        return transaction;
    }

    private String judge(Map<Integer, List<Long>> lists) {
        new ListHistory(all, lists).judge(audit);
        return String.join("\n", problems.lines());
    }

    @Test
    void findsNothingWhereNothingIsWrong() {
        ListHistory.Transaction first = transaction(Fate.COMMITTED, 10);
        first.append(1, 100);
        first.read(1, List.of(100L), 2, 3);
        first.append(1, 101);
        ListHistory.Transaction aborted = transaction(Fate.ROLLED_BACK, Long.MAX_VALUE);
        aborted.append(1, 102);
        ListHistory.Transaction second = transaction(Fate.COMMITTED, 30);
        second.append(1, 103);
        second.read(1, List.of(100L, 101L, 103L), 25, 26);
        assertThat(judge(Map.of(1, List.of(100L, 101L, 103L)))).isEmpty();
        assertThat(audit.isBalanced()).isTrue();
        assertThat(audit.lost() + audit.doubled()).isZero();
    }

    @Test
    void findsWhatIsLostAndWhatIsDoubled() {
        ListHistory.Transaction writer = transaction(Fate.COMMITTED, 10);
        writer.append(1, 100);
        writer.append(1, 101);
        judge(Map.of(1, List.of(100L, 100L)));
        assertThat(audit.lost()).isOne();
        assertThat(audit.doubled()).isOne();
    }

    @Test
    void whatWasUndoneByGoingBackToASavepointIsNeitherMissedNorAllowedToStay() {
        ListHistory.Transaction writer = transaction(Fate.COMMITTED, 10);
        writer.append(1, 100);
        writer.append(1, 101);
        writer.read(1, List.of(100L, 101L), 2, 3);
        writer.backTo(1);
        writer.read(1, List.of(100L), 4, 5);
        assertThat(judge(Map.of(1, List.of(100L)))).isEmpty();
        assertThat(judge(Map.of(1, List.of(100L, 101L)))).contains("101");
    }

    @Test
    void findsReadsOfWhatWasRolledBackOrNotCommittedYet() {
        transaction(Fate.ROLLED_BACK, Long.MAX_VALUE).append(1, 100);
        transaction(Fate.COMMITTED, 50).append(2, 200);
        ListHistory.Transaction reader = transaction(Fate.COMMITTED, 60);
        reader.read(1, List.of(100L), 20, 21);
        reader.read(2, List.of(200L), 22, 23);
        assertThat(judge(Map.of(2, List.of(200L)))).contains("was rolled back").contains("not committed yet");
    }

    @Test
    void findsReadsInTheMidstOfATransactionAndStaleOnes() {
        ListHistory.Transaction writer = transaction(Fate.COMMITTED, 10);
        writer.append(1, 100);
        writer.append(1, 101);
        ListHistory.Transaction reader = transaction(Fate.COMMITTED, 60);
        reader.read(1, List.of(100L), 20, 21);
        assertThat(judge(Map.of(1, List.of(100L, 101L)))).contains("G1b").contains("stale");
    }

    @Test
    void findsValuesOutOfOrder() {
        transaction(Fate.COMMITTED, 10).append(1, 100);
        transaction(Fate.COMMITTED, 20).append(1, 101);
        transaction(Fate.COMMITTED, 60).read(1, List.of(101L, 100L), 30, 31);
        assertThat(judge(Map.of(1, List.of(100L, 101L)))).contains("reordered");
    }

    @Test
    void findsCirclesOfWritesAndOfReads() {
        ListHistory.Transaction one = transaction(Fate.COMMITTED, 10);
        ListHistory.Transaction other = transaction(Fate.COMMITTED, 10);
        one.append(1, 100);
        one.append(2, 101);
        other.append(1, 200);
        other.append(2, 201);
        assertThat(judge(Map.of(1, List.of(100L, 200L), 2, List.of(201L, 101L))))
                .contains("G0");
    }

    @Test
    void findsCirclesThroughReads() {
        ListHistory.Transaction one = transaction(Fate.COMMITTED, 10);
        ListHistory.Transaction other = transaction(Fate.COMMITTED, 10);
        one.append(1, 100);
        one.read(2, List.of(200L), 11, 12);
        other.append(2, 200);
        other.read(1, List.of(100L), 11, 12);
        assertThat(judge(Map.of(1, List.of(100L), 2, List.of(200L)))).contains("G1c");
    }
}
