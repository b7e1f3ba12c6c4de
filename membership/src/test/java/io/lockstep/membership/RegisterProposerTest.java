package io.lockstep.membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockstep.wire.Ballot;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Invariant;
import io.lockstep.wire.View;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** One proposer, whose voters are played by the test frame by frame: what it sends, when, and what it says meanwhile. */
class RegisterProposerTest {
    private static final List<String> VOTERS = List.of("a", "b", "c");
    private static final long INCARNATION = 9;
    private static final View BASE = new View(
            5,
            2,
            new View.Member("a", 1),
            List.of(),
            List.of(new View.Voter("a", 1), new View.Voter("b", 2), new View.Voter("c", 3)),
            77);
    private static final Ballot OLD = new Ballot(4, 1);

    private record Sent(String voter, Frame frame) {}

    private final List<Sent> sent = new ArrayList<>();
    private final List<ViewOutcome> outcomes = new ArrayList<>();
    private long random;
    private long now = 1_000;
    private final RegisterProposer proposer =
            new RegisterProposer(VOTERS, INCARNATION, (voter, frame) -> sent.add(new Sent(voter, frame)), () -> random);

    private void change(String active) {
        proposer.change(
                current -> current.map(base -> new View(
                        base.version() + 1, base.term() + 1, new View.Member(active, 1), List.of(), base.voters(), 0)),
                outcomes::add,
                now);
    }

    private void read() {
        proposer.change(ViewChange.read(), outcomes::add, now);
    }

    private void tickAfter(long ns) {
        now += ns;
        proposer.tick(now);
    }

    private List<Sent> taken() {
        List<Sent> all = List.copyOf(sent);
        sent.clear();
        return all;
    }

    /** The ballot of the round that has just begun: the latest prepare. */
    private Ballot prepared() {
        List<Ballot> ballots = taken().stream()
                .filter(each -> each.frame() instanceof Frame.Prepare)
                .map(each -> ((Frame.Prepare) each.frame()).ballot())
                .distinct()
                .toList();
        assertThat(ballots).hasSize(1);
        return ballots.get(0);
    }

    private static long diskOf(String voter) {
        return VOTERS.indexOf(voter) + 1L;
    }

    private void promise(String voter, Ballot ballot) {
        promise(voter, ballot, Optional.of(BASE), diskOf(voter), true);
    }

    private void promise(String voter, Ballot ballot, Optional<View> value, long disk, boolean isVoting) {
        Ballot accepted = value.isPresent() ? OLD : Ballot.ZERO;
        proposer.onFrame(voter, new Frame.Promise(0, ballot, accepted, value, disk, isVoting), now);
    }

    private void accepted(String voter, Ballot ballot) {
        proposer.onFrame(voter, new Frame.Accepted(0, ballot, diskOf(voter)), now);
    }

    private void refused(String voter, Ballot ballot, Ballot promised, String reason) {
        proposer.onFrame(voter, new Frame.RegisterRefusal(0, ballot, promised, reason), now);
    }

    private List<String> voters(List<Sent> frames, Class<? extends Frame> kind) {
        assertThat(frames).allMatch(each -> kind.isInstance(each.frame()));
        return frames.stream().map(Sent::voter).toList();
    }

    private String told() {
        tickAfter(RegisterProposer.PATIENCE_NS);
        tickAfter(RegisterProposer.RESEND_NS);
        assertThat(outcomes).isNotEmpty();
        return ((ViewOutcome.Unreachable) outcomes.get(outcomes.size() - 1)).waitingFor();
    }

    @Test
    void needsAnOddNumberOfVoters() {
        assertThatThrownBy(() -> new RegisterProposer(List.of("a", "b"), 1, (voter, frame) -> {}, () -> 0))
                .isInstanceOf(Invariant.InvariantBroken.class);
    }

    @Test
    void takesRepliesOfVotersAndNothingElse() {
        Ballot ballot = new Ballot(1, 1);
        assertThat(RegisterProposer.isForProposer(new Frame.Promise(0, ballot, OLD, Optional.empty(), 1, true)))
                .isTrue();
        assertThat(RegisterProposer.isForProposer(new Frame.Accepted(0, ballot, 1)))
                .isTrue();
        assertThat(RegisterProposer.isForProposer(new Frame.RegisterRefusal(0, ballot, ballot, "no")))
                .isTrue();
        assertThat(RegisterProposer.isForProposer(new Frame.Prepare(0, ballot))).isFalse();
        change("b");
        Ballot prepared = prepared();
        promise("a", prepared);
        promise("x", prepared, Optional.of(BASE), 2, true);
        assertThat(taken()).isEmpty();
    }

    @Test
    void asksAllAtOnceAndAcceptsWithAMajorityOfWhatTheyHold() {
        change("b");
        assertThat(voters(sent, Frame.Prepare.class)).isEqualTo(VOTERS);
        Ballot ballot = prepared();
        assertThat(ballot).isEqualTo(new Ballot(1, INCARNATION));
        promise("a", ballot);
        assertThat(taken()).isEmpty();
        promise("b", ballot);
        List<Sent> accepts = taken();
        assertThat(voters(accepts, Frame.Accept.class)).isEqualTo(VOTERS);
        View next = ((Frame.Accept) accepts.get(0).frame()).value();
        assertThat(next.version()).isEqualTo(6);
        assertThat(next.voters()).isEqualTo(BASE.voters());
        accepted("a", ballot);
        accepted("a", ballot);
        assertThat(outcomes).isEmpty();
        accepted("c", ballot);
        assertThat(outcomes).containsExactly(new ViewOutcome.Committed(next));
        assertThat(proposer.isBusy()).isFalse();
        accepted("b", ballot);
        assertThat(outcomes).hasSize(1);
    }

    @Test
    void asksThoseAgainWhoHaveNotPromisedWhenTheResendTimeIsOver() {
        change("b");
        Ballot ballot = prepared();
        promise("a", ballot);
        tickAfter(RegisterProposer.RESEND_NS - 1);
        assertThat(taken()).isEmpty();
        tickAfter(1);
        assertThat(voters(sent, Frame.Prepare.class)).containsExactly("b", "c");
        assertThat(prepared()).isEqualTo(ballot);
        tickAfter(RegisterProposer.RESEND_NS - 1);
        assertThat(taken()).isEmpty();
        tickAfter(1);
        assertThat(voters(taken(), Frame.Prepare.class)).containsExactly("b", "c");
    }

    @Test
    void asksThoseAgainWhoHaveNotAcceptedWhenTheResendTimeIsOver() {
        change("b");
        Ballot ballot = prepared();
        promise("a", ballot);
        now += 7;
        promise("b", ballot);
        taken();
        accepted("b", ballot);
        tickAfter(RegisterProposer.RESEND_NS - 1);
        assertThat(taken()).isEmpty();
        tickAfter(1);
        assertThat(voters(taken(), Frame.Accept.class)).containsExactly("a", "c");
    }

    @Test
    void givesARoundUpAtItsAgeAndBeginsAHigherOneAfterAPauseBothOfWhichDouble() {
        change("b");
        Ballot ballot = prepared();
        long spanNs = RegisterProposer.PAUSE_MIN_NS;
        for (int round = 1; round <= 9; round++) {
            tickAfter((RegisterProposer.ROUND_MAX_NS << Math.min(round - 1, 7)) - 1);
            sent.clear();
            random = round % 2 == 0 ? spanNs - 1 : 0;
            tickAfter(1);
            assertThat(taken()).as("a pause after round %s", round).isEmpty();
            long pauseNs = spanNs / 2 + random;
            tickAfter(pauseNs - 1);
            assertThat(taken()).as("in the pause after round %s", round).isEmpty();
            tickAfter(1);
            assertThat(voters(sent, Frame.Prepare.class)).isEqualTo(VOTERS);
            Ballot next = prepared();
            assertThat(next).isEqualTo(new Ballot(ballot.counter() + 1, INCARNATION));
            ballot = next;
            spanNs = Math.min(RegisterProposer.PAUSE_MAX_NS, 2 * spanNs);
        }
    }

    @Test
    void aFirstConflictIsAnsweredAtOnceWithAHigherBallotAndASecondOneAfterAPause() {
        change("b");
        Ballot first = prepared();
        refused("a", first, new Ballot(30, 2), "a higher ballot was promised");
        Ballot next = prepared();
        assertThat(next).isEqualTo(new Ballot(31, INCARNATION));
        refused("a", first, new Ballot(40, 2), "late");
        assertThat(taken()).isEmpty();
        refused("b", next, new Ballot(50, 2), "a higher ballot was promised");
        assertThat(taken()).isEmpty();
        tickAfter(RegisterProposer.PAUSE_MIN_NS - 1);
        assertThat(taken()).isEmpty();
        tickAfter(1);
        assertThat(prepared()).isEqualTo(new Ballot(51, INCARNATION));
    }

    @Test
    void aRefusalForAnotherReasonIsNoConflict() {
        change("b");
        Ballot ballot = prepared();
        refused("a", ballot, ballot, "the value does not name this voter's disk");
        assertThat(taken()).isEmpty();
        assertThat(told()).contains("a=the value does not name this voter's disk");
    }

    @Test
    void startsAboveTheBallotsOfTheValuesThatItSees() {
        change("b");
        Ballot ballot = prepared();
        proposer.onFrame(
                "a", new Frame.Promise(0, ballot, new Ballot(60, 2), Optional.of(BASE), diskOf("a"), true), now);
        proposer.cancel();
        change("b");
        assertThat(prepared()).isEqualTo(new Ballot(61, INCARNATION));
    }

    @Test
    void takesTheNewestValueOfAll() {
        View newer = new View(6, 3, new View.Member("c", 1), List.of(), BASE.voters(), 78);
        change("b");
        Ballot ballot = prepared();
        proposer.onFrame(
                "a", new Frame.Promise(0, ballot, new Ballot(5, 1), Optional.of(newer), diskOf("a"), true), now);
        promise("b", ballot);
        assertThat(((Frame.Accept) taken().get(0).frame()).value().version()).isEqualTo(7);
    }

    @Test
    void saysWhomItWaitsForWhenItsPatienceIsOverAndAgainOnlyWhenThatChanges() {
        change("b");
        Ballot ballot = prepared();
        long lastRoundNs = RegisterProposer.PATIENCE_NS / RegisterProposer.RESEND_NS * RegisterProposer.RESEND_NS;
        tickAfter(lastRoundNs - RegisterProposer.RESEND_NS);
        tickAfter(RegisterProposer.RESEND_NS - 1);
        assertThat(outcomes).isEmpty();
        tickAfter(1);
        assertThat(outcomes)
                .containsExactly(new ViewOutcome.Unreachable(
                        "no voter answers; missing: {a=no answer, b=no answer, c=no answer}"));
        tickAfter(RegisterProposer.RESEND_NS);
        assertThat(outcomes).hasSize(1);
        promise("c", ballot);
        tickAfter(RegisterProposer.RESEND_NS);
        assertThat(outcomes.get(1))
                .isEqualTo(new ViewOutcome.Unreachable(
                        "a change of the view needs 2 of [a, b, c]; missing: {a=no answer, b=no answer}"));
        assertThat(outcomes).hasSize(2);
    }

    @Test
    void saysWhoHasNotAccepted() {
        change("b");
        Ballot ballot = prepared();
        promise("a", ballot);
        promise("b", ballot);
        accepted("b", ballot);
        assertThat(told()).isEqualTo("a change of the view needs 2 of [a, b, c]; missing: {a=no answer, c=no answer}");
    }

    @Test
    void saysWhoseDiskDoesNotCountAndWhy() {
        change("b");
        Ballot ballot = prepared();
        promise("a", ballot, Optional.of(BASE), 1, true);
        promise("b", ballot, Optional.empty(), 22, false);
        promise("c", ballot, Optional.of(BASE), 3, false);
        assertThat(told())
                .isEqualTo("a change of the view needs 2 of [a, b, c]; missing: {b=its disk is not the one that the"
                        + " register names, c=its disk has not been admitted}");
        assertThat(proposer.strangers()).containsExactly("b", "c");
    }

    @Test
    void aVoterIsSilentUntilItHasAnsweredSinceTheLastRoundBeganThoughThatHasEnded() {
        assertThat(proposer.silent()).isEmpty();
        change("b");
        Ballot ballot = prepared();
        promise("a", ballot);
        promise("b", ballot);
        accepted("a", ballot);
        accepted("b", ballot);
        assertThat(proposer.isBusy()).isFalse();
        assertThat(proposer.silent()).containsExactly("c");
        promise("c", ballot);
        assertThat(proposer.silent()).isEmpty();
    }

    @Test
    void saysWhoVotedBeforeAndHasLostItsValue() {
        change("b");
        Ballot ballot = prepared();
        promise("a", ballot, Optional.empty(), 1, true);
        promise("b", ballot, Optional.empty(), 2, false);
        assertThat(told())
                .startsWith("no voter that answers holds a view, and a first one needs all of [a, b, c]")
                .contains("a=it voted before and has lost its value")
                .contains("c=no answer")
                .doesNotContain("b=");
    }

    @Test
    void neverGoesOnFromAValueOfOtherVoters() {
        View others = new View(
                5, 2, new View.Member("a", 1), List.of(), List.of(new View.Voter("a", 1), new View.Voter("b", 2)), 77);
        change("b");
        Ballot ballot = prepared();
        for (String voter : VOTERS) {
            promise(voter, ballot, Optional.of(others), diskOf(voter), true);
        }
        assertThat(taken()).isEmpty();
        assertThat(told()).startsWith("the register's voters are").contains("not the configured [a, b, c]");
    }

    @Test
    void saysOfAForgedValueWhatIsWrongWithIt() {
        View.Member a = new View.Member("a", 1);
        View twice = new View(5, 2, a, List.of(a), BASE.voters(), 1);
        View early = new View(5, 6, a, List.of(), BASE.voters(), 1);
        change("b");
        Ballot ballot = prepared();
        promise("a", ballot, Optional.of(twice), 1, true);
        promise("b", ballot, Optional.of(early), 2, true);
        assertThat(taken()).isEmpty();
        assertThat(told())
                .contains("a=it names a node twice: " + twice)
                .contains("b=its version or term is out of range: " + early);
    }

    @Test
    void waitsALittleForAVoterThatIsToBeNamedAndNoLonger() {
        read();
        Ballot ballot = prepared();
        promise("c", ballot, Optional.of(BASE), 33, false);
        promise("a", ballot);
        promise("b", ballot);
        accepted("a", ballot);
        accepted("b", ballot);
        assertThat(outcomes).hasSize(1);
        taken();

        proposer.change(ViewChange.nameVoters(), outcomes::add, now);
        Ballot naming = prepared();
        promise("a", naming);
        promise("b", naming);
        assertThat(taken()).as("c is known and has not answered").isEmpty();
        tickAfter(RegisterProposer.RESEND_NS - 1);
        assertThat(taken()).isEmpty();
        tickAfter(1);
        assertThat(taken()).anyMatch(each -> each.frame() instanceof Frame.Accept);
    }

    @Test
    void namesANewDiskAndGivesItTheValueUntilItHasIt() {
        proposer.change(ViewChange.nameVoters(), outcomes::add, now);
        Ballot ballot = prepared();
        promise("c", ballot, Optional.empty(), 33, false);
        promise("a", ballot);
        promise("b", ballot);
        View named = ((Frame.Accept) taken().get(0).frame()).value();
        assertThat(named.voters()).contains(new View.Voter("c", 33), new View.Voter("a", 1));
        accepted("a", ballot);
        proposer.onFrame("c", new Frame.Accepted(0, ballot, 33), now);
        assertThat(outcomes)
                .as("the new disk does not count for its own admission")
                .isEmpty();
        accepted("b", ballot);
        assertThat(outcomes).containsExactly(new ViewOutcome.Committed(named));

        Sent admit = new Sent("c", new Frame.Admit(0, ballot, named));
        assertThat(taken()).containsExactly(admit);
        long pauseNs = RegisterProposer.RESEND_NS;
        for (int times = 0; times < 7; times++) {
            tickAfter(pauseNs - 1);
            assertThat(taken()).as("pause %s", times).isEmpty();
            tickAfter(1);
            assertThat(taken()).as("pause %s", times).containsExactly(admit);
            pauseNs = Math.min(RegisterProposer.ADMISSION_PAUSE_MAX_NS, 2 * pauseNs);
        }
        assertThat(proposer.strangers()).containsExactly("c");
        proposer.onFrame("c", new Frame.Accepted(0, ballot, 33), now);
        assertThat(proposer.strangers()).isEmpty();
        tickAfter(RegisterProposer.ADMISSION_PAUSE_MAX_NS);
        assertThat(taken()).isEmpty();
    }

    @Test
    void anAdmissionIsForgottenWhenItsVoterVotesOrHasYetAnotherDisk() {
        for (boolean isVoting : new boolean[] {true, false}) {
            proposer.change(ViewChange.nameVoters(), outcomes::add, now);
            Ballot ballot = prepared();
            promise("c", ballot, Optional.empty(), 33, false);
            promise("a", ballot);
            promise("b", ballot);
            accepted("a", ballot);
            accepted("b", ballot);
            taken();
            promise("c", ballot, Optional.empty(), isVoting ? 33 : 44, isVoting);
            tickAfter(RegisterProposer.ADMISSION_PAUSE_MAX_NS);
            assertThat(taken()).isEmpty();
        }
    }

    @Test
    void describesEverythingThatItsNextStepDependsOn() {
        assertThat(proposer).hasToString("proposer 9 IDLE highest 0 strangers {} admissions {}");
        change("b");
        Ballot ballot = prepared();
        promise("a", ballot, Optional.of(BASE), 11, false);
        assertThat(proposer.toString())
                .startsWith("proposer 9 PREPARING highest 4 strangers {a=11} admissions {} conflicts 0 " + ballot)
                .contains("{a=" + new Frame.Promise(0, ballot, OLD, Optional.of(BASE), 11, false))
                .endsWith("null MAJORITY DECLINED [] {}");
    }
}
