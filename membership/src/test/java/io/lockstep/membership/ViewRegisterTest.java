package io.lockstep.membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockstep.wire.Ballot;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Invariant;
import io.lockstep.wire.View;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/** The register on voters of our own: its contract, and what else is so, told one fault at a time. */
class ViewRegisterTest extends ViewRegisterContract {
    private static final List<String> VOTERS = List.of("n1", "n2", "d1");
    private static final long MS = 1_000_000;

    private record Sent(RegisterProposer from, String voter, Frame frame) {}

    private final Map<String, MemoryDisk> disks = new HashMap<>();
    private final Set<String> down = new HashSet<>();
    private final Deque<Sent> inFlight = new ArrayDeque<>();
    private Predicate<Frame> lost = frame -> false;
    private long nextId = 1;
    private long now;

    ViewRegisterTest() {
        VOTERS.forEach(voter -> disks.put(voter, new MemoryDisk(VoterRecord.ofNewDisk(nextId++))));
    }

    private MemoryDisk disk(String voter) {
        return Objects.requireNonNull(disks.get(voter), voter);
    }

    private RegisterProposer proposer() {
        RegisterProposer[] self = new RegisterProposer[1];
        self[0] = new RegisterProposer(
                VOTERS, nextId++, (voter, frame) -> inFlight.add(new Sent(self[0], voter, frame)), () -> nextId++);
        return self[0];
    }

    /** Frames and replies arrive, but those to voters that are down and those that are lost. */
    private void settle() {
        while (!inFlight.isEmpty()) {
            Sent sent = inFlight.remove();
            if (down.contains(sent.voter) || lost.test(sent.frame)) {
                continue;
            }
            try {
                Frame reply = new RegisterAcceptor(sent.voter, disk(sent.voter)).answer(sent.frame);
                if (!lost.test(reply)) {
                    sent.from.onFrame(sent.voter, reply, now);
                }
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }
    }

    private void letTimePass(RegisterProposer proposer, long ms) {
        for (long passed = 0; passed < ms; passed += 5) {
            now += 5 * MS;
            proposer.tick(now);
            settle();
        }
    }

    @Override
    ViewRegister hand() {
        return proposer();
    }

    @Override
    void pass(ViewRegister hand) {
        settle();
        letTimePass((RegisterProposer) hand, 5);
    }

    @Override
    void cutOff() {
        down.addAll(VOTERS);
    }

    @Override
    void heal() {
        down.clear();
    }

    /** All acceptances of the next value, and with them its admissions. */
    @Override
    void loseNextResult() {
        long[] accepted = new long[1];
        lost = frame -> frame instanceof Frame.Accepted && accepted[0]++ < VOTERS.size();
    }

    @Override
    long nowNs() {
        return now;
    }

    private List<ViewOutcome> begin(RegisterProposer proposer, ViewChange change) {
        List<ViewOutcome> outcomes = new ArrayList<>();
        proposer.change(change, outcomes::add, now);
        settle();
        return outcomes;
    }

    private View committed(List<ViewOutcome> outcomes) {
        assertThat(outcomes).isNotEmpty();
        ViewOutcome last = outcomes.get(outcomes.size() - 1);
        assertThat(last).isInstanceOf(ViewOutcome.Committed.class);
        return ((ViewOutcome.Committed) last).view();
    }

    private Optional<View> read() {
        List<ViewOutcome> outcomes = begin(proposer(), ViewChange.read());
        assertThat(outcomes).hasSize(1);
        return ((ViewOutcome.Declined) outcomes.get(0)).current();
    }

    @Test
    void writesTheFirstValueWhenAllDisksAreNew() {
        View first = committed(begin(proposer(), activate("n1")));
        assertThat(first.version()).isEqualTo(1);
        assertThat(first.voters())
                .containsExactly(new View.Voter("n1", 1), new View.Voter("n2", 2), new View.Voter("d1", 3));
        assertThat(disks.values()).allMatch(disk -> disk.record().voting());
        assertThat(read()).contains(first);
    }

    @Test
    void writesNoFirstValueWhileOneVoterIsSilent() {
        down.add("d1");
        RegisterProposer proposer = proposer();
        List<ViewOutcome> outcomes = begin(proposer, activate("n1"));
        letTimePass(proposer, 2000);
        assertThat(outcomes).isNotEmpty().allMatch(ViewOutcome.Unreachable.class::isInstance);
        assertThat(outcomes.get(0).toString())
                .contains("a first one needs all of")
                .contains("start those that are missing")
                .contains("remove the register's file of every voter")
                .contains("d1=no answer");
        assertThat(disk("n1").record().value()).isEmpty();
        down.clear();
        letTimePass(proposer, 1000);
        assertThat(committed(outcomes).version()).isEqualTo(1);
    }

    @Test
    void neverBeginsAnewWhereOneVoterRemembers() {
        committed(begin(proposer(), activate("n1")));
        disks.put("n1", new MemoryDisk(VoterRecord.ofNewDisk(nextId++)));
        disks.put("n2", new MemoryDisk(VoterRecord.ofNewDisk(nextId++)));
        RegisterProposer proposer = proposer();
        List<ViewOutcome> outcomes = begin(proposer, activate("n2"));
        letTimePass(proposer, 2000);
        assertThat(outcomes).allMatch(ViewOutcome.Unreachable.class::isInstance);
        assertThat(outcomes.get(0).toString()).contains("its disk is not the one that the register names");
        assertThat(disk("n1").record().value()).isEmpty();
    }

    @Test
    void aFirstValueThatOneVoterNeverTookBindsNobody() {
        RegisterProposer dying = proposer();
        lost = frame -> frame instanceof Frame.Accept;
        begin(dying, activate("n1"));
        View cutShort = new View(
                1,
                1,
                new View.Member("n1", 1),
                List.of(),
                List.of(new View.Voter("n1", 1), new View.Voter("n2", 2), new View.Voter("d1", 3)),
                77);
        MemoryDisk half = disk("n1");
        half.save(half.record().accept(half.record().promised(), cutShort));
        lost = frame -> false;

        View first = committed(begin(proposer(), activate("n2")));

        assertThat(first.version()).isEqualTo(1);
        assertThat(first.active().name()).isEqualTo("n2");
        assertThat(read()).contains(first);
    }

    @Test
    void aFirstValueThatEveryVoterTookIsFinishedBeforeAnotherOne() {
        RegisterProposer dying = proposer();
        lost = frame -> frame instanceof Frame.Accepted || frame instanceof Frame.Admit;
        begin(dying, activate("n1"));
        lost = frame -> false;

        View next = committed(begin(proposer(), activate("n2")));

        assertThat(next.version()).isEqualTo(2);
        assertThat(next.term()).isEqualTo(2);
    }

    @Test
    void aFirstValueIsNotGivenUpForAVoterThatMayHaveForgottenIt() {
        RegisterProposer dying = proposer();
        lost = frame -> frame instanceof Frame.Accepted || frame instanceof Frame.Admit;
        begin(dying, activate("n1"));
        lost = frame -> false;
        disks.put("d1", new MemoryDisk(VoterRecord.ofNewDisk(99)));

        RegisterProposer proposer = proposer();
        List<ViewOutcome> outcomes = begin(proposer, activate("n2"));
        letTimePass(proposer, 1000);

        assertThat(outcomes).isNotEmpty().allMatch(ViewOutcome.Unreachable.class::isInstance);
    }

    @Test
    void aForgedPromiseCountsAsARefusal() {
        View first = committed(begin(proposer(), activate("n1")));
        View.Member n2 = new View.Member("n2", 1);
        for (View forged : List.of(
                new View(7, 2, n2, List.of(n2), first.voters(), 5),
                new View(Long.MAX_VALUE, 2, n2, List.of(), first.voters(), 5),
                new View(7, 8, n2, List.of(), first.voters(), 5))) {
            RegisterProposer[] asked = new RegisterProposer[1];
            Ballot[] ballot = new Ballot[1];
            asked[0] = new RegisterProposer(
                    VOTERS,
                    nextId++,
                    (voter, frame) -> {
                        if (frame instanceof Frame.Prepare prepare) {
                            ballot[0] = prepare.ballot();
                        }
                        inFlight.add(new Sent(asked[0], voter, frame));
                    },
                    () -> nextId++);
            List<ViewOutcome> outcomes = new ArrayList<>();
            String wanted = read().orElseThrow().active().name().equals("n1") ? "n2" : "n1";
            asked[0].change(activate(wanted), outcomes::add, now);
            asked[0].onFrame(
                    "d1", new Frame.Promise(0, ballot[0], new Ballot(9, 9), Optional.of(forged), 3, true), now);
            settle();

            assertThat(committed(outcomes).version())
                    .isEqualTo(read().orElseThrow().version());
        }
        assertThat(read().orElseThrow().version()).isEqualTo(4);
    }

    @Test
    void oneVoterOfThreeMayBeDown() {
        committed(begin(proposer(), activate("n1")));
        down.add("n1");
        View next = committed(begin(proposer(), activate("n2")));
        assertThat(next.term()).isEqualTo(2);
        down.clear();
        down.add("d1");
        assertThat(read()).contains(next);
    }

    @Test
    void aLostDiskDoesNotVoteUntilTheOthersHaveNamedIt() {
        committed(begin(proposer(), activate("n1")));
        disks.put("d1", new MemoryDisk(VoterRecord.ofNewDisk(99)));
        down.add("n1");
        RegisterProposer blocked = proposer();
        List<ViewOutcome> outcomes = begin(blocked, activate("n2"));
        letTimePass(blocked, 1000);
        assertThat(outcomes).allMatch(ViewOutcome.Unreachable.class::isInstance);
        assertThat(blocked.strangers()).containsExactly("d1");
        blocked.cancel();

        down.clear();
        RegisterProposer naming = proposer();
        begin(naming, ViewChange.read());
        assertThat(naming.strangers()).containsExactly("d1");
        View named = committed(begin(naming, ViewChange.nameVoters()));
        assertThat(named.voters()).contains(new View.Voter("d1", 99));
        assertThat(named.term()).isEqualTo(1);
        assertThat(naming.strangers()).isEmpty();
        assertThat(disk("d1").record().voting()).isTrue();

        down.add("n1");
        assertThat(committed(begin(proposer(), activate("n2"))).version()).isEqualTo(3);
    }

    @Test
    void aLostAdmissionIsSentAgain() {
        committed(begin(proposer(), activate("n1")));
        disks.put("d1", new MemoryDisk(VoterRecord.ofNewDisk(99)));
        RegisterProposer naming = proposer();
        lost = Frame.Admit.class::isInstance;
        begin(naming, ViewChange.read());
        committed(begin(naming, ViewChange.nameVoters()));
        assertThat(disk("d1").record().voting()).isFalse();
        lost = frame -> false;
        letTimePass(naming, 100);
        assertThat(disk("d1").record().voting()).isTrue();
    }

    @Test
    void namesNobodyWhenNobodyIsNew() {
        View first = committed(begin(proposer(), activate("n1")));
        assertThat(begin(proposer(), ViewChange.nameVoters()))
                .containsExactly(new ViewOutcome.Declined(Optional.of(first)));
    }

    @Test
    void findsItsOwnValueThatSomebodyElseFinished() {
        committed(begin(proposer(), activate("n1")));
        RegisterProposer unlucky = proposer();
        lost = frame -> frame instanceof Frame.Accepted;
        List<ViewOutcome> outcomes = begin(unlucky, activate("n2"));
        lost = frame -> false;
        View finished = read().orElseThrow();
        assertThat(finished.active().name()).isEqualTo("n2");
        letTimePass(unlucky, 1000);
        assertThat(committed(outcomes)).isEqualTo(finished);
        assertThat(finished.version()).isEqualTo(2);
    }

    @Test
    void ofTwoProposersEachSeesOneOrder() {
        committed(begin(proposer(), activate("n1")));
        RegisterProposer first = proposer();
        RegisterProposer second = proposer();
        List<ViewOutcome> outcomes = new ArrayList<>();
        Consumer<ViewOutcome> note = outcomes::add;
        ViewChange takeOver =
                current -> current.orElseThrow().term() == 1 ? activate("n2").apply(current) : Optional.empty();
        first.change(takeOver, note, now);
        second.change(takeOver, note, now);
        settle();
        letTimePass(first, 500);
        letTimePass(second, 500);
        assertThat(outcomes).hasSize(2);
        assertThat(outcomes.stream().filter(ViewOutcome.Committed.class::isInstance))
                .hasSize(1);
        assertThat(read().orElseThrow().version()).isEqualTo(2);
    }

    @Test
    void goesOnUntilAMajorityAnswers() {
        committed(begin(proposer(), activate("n1")));
        down.addAll(List.of("n1", "n2"));
        RegisterProposer proposer = proposer();
        List<ViewOutcome> outcomes = begin(proposer, activate("n2"));
        letTimePass(proposer, 5000);
        assertThat(outcomes).allMatch(ViewOutcome.Unreachable.class::isInstance).hasSizeLessThan(5);
        down.remove("n2");
        letTimePass(proposer, 1000);
        assertThat(committed(outcomes).version()).isEqualTo(2);
        assertThat(proposer.isBusy()).isFalse();
    }

    @Test
    void saysNothingAfterBeingCancelled() {
        RegisterProposer proposer = proposer();
        List<ViewOutcome> outcomes = new ArrayList<>();
        proposer.change(activate("n1"), outcomes::add, now);
        proposer.cancel();
        settle();
        letTimePass(proposer, 1000);
        assertThat(outcomes).isEmpty();
        assertThat(proposer.isBusy()).isFalse();
    }

    @Test
    void refusesASecondChangeAndAViewOutOfOrder() {
        committed(begin(proposer(), activate("n1")));
        RegisterProposer proposer = proposer();
        proposer.change(ViewChange.read(), outcome -> {}, now);
        assertThatThrownBy(() -> proposer.change(ViewChange.read(), outcome -> {}, now))
                .isInstanceOf(Invariant.InvariantBroken.class);
        ViewChange sameTerm = current -> Optional.of(new View(2, 1, new View.Member("n2", 1), List.of(), List.of(), 0));
        assertThatThrownBy(() -> begin(proposer(), sameTerm)).isInstanceOf(Invariant.InvariantBroken.class);
        ViewChange skipping = current -> Optional.of(new View(3, 2, new View.Member("n2", 1), List.of(), List.of(), 0));
        assertThatThrownBy(() -> begin(proposer(), skipping)).isInstanceOf(Invariant.InvariantBroken.class);
    }
}
