package io.lockstep.server.drill;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockstep.server.drill.MergedHistory.BrokenHistoryException;
import io.lockstep.tsdstore.Digests;
import io.lockstep.wire.ControlHeader;
import io.lockstep.wire.Decision;
import io.lockstep.wire.Entry;
import io.lockstep.wire.Identity;
import io.lockstep.wire.RequestKind;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.Test;

class MergedHistoryTest {
    private final MergedHistory merged = new MergedHistory();

    @Test
    void joinsARecordingThatBeginsLateToOneThatEndsEarly() throws Exception {
        List<Entry> history = history(1, 40, 0, "a");
        history.subList(0, 25).forEach(merged::add);
        history.subList(20, 40).forEach(merged::add);

        assertThat(merged.until(40)).isEqualTo(history);
        assertThat(merged.setAside()).isZero();
    }

    @Test
    void leavesOutWhatADeposedActiveExecutedAndNobodyWasAnsweredFor() throws Exception {
        List<Entry> common = history(1, 10, 0, "a");
        List<Entry> deposed = continued(common, 1, 5, "deposed");
        List<Entry> winner = continued(common, 2, 20, "winner");
        common.forEach(merged::add);
        deposed.forEach(merged::add);
        winner.forEach(merged::add);

        List<Entry> found = merged.until(30);

        assertThat(found).hasSize(30).containsAll(common).containsAll(winner).doesNotContainAnyElementsOf(deposed);
        assertThat(merged.setAside()).isEqualTo(5);
    }

    @Test
    void prefersTheHigherTermForTheLastEntry() throws Exception {
        List<Entry> common = history(1, 3, 0, "a");
        List<Entry> deposed = continued(common, 1, 1, "deposed");
        List<Entry> winner = continued(common, 2, 1, "winner");
        winner.forEach(merged::add);
        deposed.forEach(merged::add);
        common.forEach(merged::add);

        assertThat(merged.until(4).get(3)).isEqualTo(winner.get(0));
    }

    @Test
    void readsNothingAfterTheLastPosition() throws Exception {
        history(1, 12, 0, "a").forEach(merged::add);

        assertThat(merged.until(9)).hasSize(9);
    }

    @Test
    void namesThePositionThatNobodyRecorded() {
        List<Entry> history = history(1, 12, 0, "a");
        history.stream().filter(entry -> entry.position() != 5).forEach(merged::add);

        assertThatThrownBy(() -> merged.until(12))
                .isInstanceOf(BrokenHistoryException.class)
                .hasMessage("no node recorded position 5");
        assertThatThrownBy(() -> merged.until(13))
                .isInstanceOf(BrokenHistoryException.class)
                .hasMessageContaining("the last entry, position 13");
    }

    @Test
    void refusesToJoinWhatDoesNotContinue() {
        history(1, 5, 0, "a").forEach(merged::add);
        history(1, 10, 0, "another").subList(5, 10).forEach(merged::add);

        assertThatThrownBy(() -> merged.until(10))
                .isInstanceOf(BrokenHistoryException.class)
                .hasMessageContaining("continues none");
    }

    @Test
    void refusesAHistoryWhoseFirstEntryBeginsNothing() {
        history(1, 5, 77, "a").forEach(merged::add);

        assertThatThrownBy(() -> merged.until(5))
                .isInstanceOf(BrokenHistoryException.class)
                .hasMessageContaining("does not begin");
    }

    @Test
    void knowsWhenEachRequestWasExecuted() throws Exception {
        history(1, 5, 0, "a").forEach(merged::add);

        MergedHistory.Times times = MergedHistory.times(merged.until(5));

        assertThat(times.of(1, 3)).isEqualTo(3_000);
        assertThatThrownBy(() -> times.of(1, 6)).isInstanceOf(NoSuchElementException.class);
    }

    private static List<Entry> history(long term, int entries, long firstChain, String body) {
        return chained(term, 1, entries, firstChain, body);
    }

    private static List<Entry> continued(List<Entry> before, long term, int entries, String body) {
        Entry last = before.get(before.size() - 1);
        return chained(term, last.position() + 1, entries, last.chain(), body);
    }

    private static List<Entry> chained(long term, long first, int entries, long chainBefore, String body) {
        List<Entry> made = new ArrayList<>();
        long chain = chainBefore;
        for (long position = first; position < first + entries; position++) {
            ControlHeader header = new ControlHeader(
                    term,
                    position,
                    new Identity(1, 1),
                    position,
                    RequestKind.TOUCH,
                    1,
                    0,
                    0,
                    position * 1_000,
                    position);
            byte[] bytes = (body + position).getBytes(StandardCharsets.UTF_8);
            chain = Digests.chain(chain, header, bytes, Decision.EXECUTE, position);
            made.add(new Entry(header, bytes, Decision.EXECUTE, position, chain));
        }
        return made;
    }
}
