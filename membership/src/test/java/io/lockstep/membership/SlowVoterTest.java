package io.lockstep.membership;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.wire.Frame;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Voters that take their frames one after the other, and that long for each save; one of three is dead (row 42). */
class SlowVoterTest {
    private static final long MS = 1_000_000;
    private static final List<String> VOTERS = List.of("n1", "n2", "d1");

    /** One voter: a frame that changes its record is answered when it has been saved. */
    private final class Voter {
        private final Deque<Asked> waiting = new ArrayDeque<>();
        private final RegisterAcceptor acceptor;
        private @Nullable Said reply;
        private long doneNs;

        Voter(String name, long disk) {
            acceptor = new RegisterAcceptor(name, new MemoryDisk(VoterRecord.ofNewDisk(disk)));
        }

        /** The next answer that may go; null when there is none now. */
        @Nullable Said work() throws IOException {
            if (reply == null && !waiting.isEmpty()) {
                Asked next = waiting.remove();
                VoterRecord before = acceptor.record();
                reply = new Said(next.by(), acceptor.answer(next.frame()));
                doneNs = acceptor.record().equals(before) ? now : now + saveMs * MS;
            }
            if (now < doneNs) {
                return null;
            }
            Said said = reply;
            reply = null;
            return said;
        }
    }

    private record Asked(int by, Frame frame) {}

    private record Said(int to, Frame frame) {}

    private final Map<String, Voter> voters = new TreeMap<>();
    private long saveMs;
    private long now;
    private long nonce = 1;

    @ParameterizedTest
    @ValueSource(longs = {10, 100, 150, 250, 1_000, 4_000})
    void aChangeEndsHoweverLongASaveTakes(long ms) throws IOException {
        begin(ms);
        assertThat(end(List.of("n2"), 60_000))
                .as("within a minute, at %s ms a save", ms)
                .isTrue();
    }

    @ParameterizedTest
    @ValueSource(longs = {10, 100, 150, 250, 1_000, 4_000})
    void bothOfTwoChangesEndHoweverLongASaveTakes(long ms) throws IOException {
        begin(ms);
        assertThat(end(List.of("n2", "n3"), 300_000))
                .as("within five minutes, at %s ms a save", ms)
                .isTrue();
    }

    /** The register is in use, one voter is dead, and the disks of the others are slow. */
    private void begin(long ms) throws IOException {
        for (String name : VOTERS) {
            voters.put(name, new Voter(name, nonce++));
        }
        assertThat(end(List.of("n1"), 1_000)).isTrue();
        voters.remove("n1");
        saveMs = ms;
    }

    /** Whether the changes of all these proposers end, one way or the other. */
    private boolean end(List<String> actives, long limitMs) throws IOException {
        List<ViewOutcome> outcomes = new ArrayList<>();
        List<RegisterProposer> proposers = new ArrayList<>();
        for (String active : actives) {
            int number = proposers.size();
            RegisterProposer proposer = new RegisterProposer(
                    VOTERS,
                    nonce++,
                    (voter, frame) -> {
                        if (voters.containsKey(voter)) {
                            voters.get(voter).waiting.add(new Asked(number, frame));
                        }
                    },
                    () -> nonce++);
            proposers.add(proposer);
            proposer.change(ViewRegisterContract.activate(active), outcomes::add, now);
        }
        for (long passed = 0; passed < limitMs; passed++) {
            now += MS;
            for (Map.Entry<String, Voter> voter : voters.entrySet()) {
                for (Said said = voter.getValue().work();
                        said != null;
                        said = voter.getValue().work()) {
                    proposers.get(said.to()).onFrame(voter.getKey(), said.frame(), now);
                }
            }
            if (now % (5 * MS) == 0) {
                proposers.forEach(proposer -> proposer.tick(now));
            }
            if (proposers.stream().noneMatch(RegisterProposer::isBusy)) {
                return outcomes.stream().anyMatch(ViewOutcome.Committed.class::isInstance);
            }
        }
        return false;
    }
}
