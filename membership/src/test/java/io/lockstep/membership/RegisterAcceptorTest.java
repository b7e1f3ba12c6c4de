package io.lockstep.membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockstep.wire.Ballot;
import io.lockstep.wire.Frame;
import io.lockstep.wire.View;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** One voter: what it saves and what it answers, frame by frame. */
class RegisterAcceptorTest {
    private static final Ballot LOW = new Ballot(3, 1);
    private static final Ballot HIGH = new Ballot(4, 1);
    private static final VoterRecord NEW = VoterRecord.ofNewDisk(7);

    private static View view(long version, String voter, long disk) {
        return new View(
                version,
                1,
                new View.Member("a", 1),
                List.of(),
                List.of(new View.Voter(voter, disk), new View.Voter("other", 9)),
                version);
    }

    private static final View FIRST = view(1, "v", 7);
    private static final View SECOND = view(2, "v", 7);

    private static RegisterAcceptor.Step decide(VoterRecord now, Frame request) {
        return RegisterAcceptor.decide("v", now, request);
    }

    private static void refuses(VoterRecord now, Frame request, Ballot ballot, String reason) {
        assertThat(decide(now, request))
                .isEqualTo(
                        new RegisterAcceptor.Step(now, new Frame.RegisterRefusal(0, ballot, now.promised(), reason)));
    }

    @Test
    void promisesAnyBallotThatIsNotLowerAndTellsAllThatItHolds() {
        VoterRecord promised = NEW.promise(LOW);
        assertThat(decide(NEW, new Frame.Prepare(0, LOW)))
                .isEqualTo(new RegisterAcceptor.Step(
                        promised, new Frame.Promise(0, LOW, Ballot.ZERO, Optional.empty(), 7, false)));
        assertThat(decide(promised, new Frame.Prepare(0, LOW)).reply())
                .as("once more")
                .isInstanceOf(Frame.Promise.class);
        VoterRecord voting = NEW.accept(LOW, FIRST).admit();
        assertThat(decide(voting, new Frame.Prepare(0, HIGH)))
                .isEqualTo(new RegisterAcceptor.Step(
                        voting.promise(HIGH), new Frame.Promise(0, HIGH, LOW, Optional.of(FIRST), 7, true)));
        refuses(NEW.promise(HIGH), new Frame.Prepare(0, LOW), LOW, "a higher ballot was promised");
    }

    @Test
    void acceptsABallotThatIsNotLowerThanItsPromise() {
        VoterRecord voting = NEW.promise(LOW).admit();
        assertThat(decide(voting, new Frame.Accept(0, LOW, SECOND)))
                .isEqualTo(new RegisterAcceptor.Step(voting.accept(LOW, SECOND), new Frame.Accepted(0, LOW, 7)));
        assertThat(decide(voting, new Frame.Accept(0, HIGH, SECOND)).next()).isEqualTo(voting.accept(HIGH, SECOND));
        refuses(voting.promise(HIGH), new Frame.Accept(0, LOW, SECOND), LOW, "a higher ballot was promised");
    }

    @Test
    void acceptsTheSameValueTwiceInOneBallotAndNoOther() {
        VoterRecord accepted = NEW.admit().accept(LOW, SECOND);
        assertThat(decide(accepted, new Frame.Accept(0, LOW, SECOND)))
                .isEqualTo(new RegisterAcceptor.Step(accepted, new Frame.Accepted(0, LOW, 7)));
        refuses(
                accepted,
                new Frame.Accept(0, LOW, view(3, "v", 7)),
                LOW,
                "another value was accepted in the same ballot");
    }

    @Test
    void aNewDiskAcceptsTheFirstValueAndNoLaterOne() {
        assertThat(decide(NEW, new Frame.Accept(0, LOW, FIRST)).next()).isEqualTo(NEW.accept(LOW, FIRST));
        assertThat(decide(NEW, new Frame.Accept(0, LOW, FIRST)).next().voting()).isFalse();
        refuses(NEW, new Frame.Accept(0, LOW, SECOND), LOW, "this voter's disk is new, and nobody has admitted it yet");
    }

    @Test
    void acceptsAndIsAdmittedByNoValueThatNamesAnotherDiskOrNotIt() {
        VoterRecord voting = NEW.admit();
        String another = "the value does not name this voter's disk: another disk has its name; empty this voter's"
                + " register folder to let it begin anew";
        String none = "the value does not name this voter's disk: it is not among the voters";
        for (VoterRecord record : List.of(NEW, voting)) {
            refuses(record, new Frame.Accept(0, LOW, view(1, "v", 8)), LOW, another);
            refuses(record, new Frame.Accept(0, LOW, view(1, "w", 7)), LOW, none);
            refuses(record, new Frame.Admit(0, LOW, view(2, "v", 8)), LOW, another);
            refuses(record, new Frame.Admit(0, LOW, view(2, "w", 7)), LOW, none);
        }
    }

    @Test
    void anAdmissionMakesItVoteAndIsTakenAsTheValueUnlessABallotWasPromisedSince() {
        assertThat(decide(NEW, new Frame.Admit(0, LOW, SECOND)))
                .isEqualTo(new RegisterAcceptor.Step(NEW.accept(LOW, SECOND).admit(), new Frame.Accepted(0, LOW, 7)));
        VoterRecord same = NEW.promise(LOW);
        assertThat(decide(same, new Frame.Admit(0, LOW, SECOND)).next())
                .isEqualTo(same.accept(LOW, SECOND).admit());
        VoterRecord promised = NEW.promise(HIGH);
        assertThat(decide(promised, new Frame.Admit(0, LOW, SECOND)))
                .isEqualTo(new RegisterAcceptor.Step(promised.admit(), new Frame.Accepted(0, LOW, 7)));
    }

    @Test
    void takesNoOtherFrameAndShowsWhatItHasSaved() throws Exception {
        assertThat(RegisterAcceptor.isForVoter(new Frame.Goodbye(0, ""))).isFalse();
        assertThatThrownBy(() -> decide(NEW, new Frame.Goodbye(0, ""))).isInstanceOf(IllegalArgumentException.class);
        VoterRecord[] saved = {NEW};
        RegisterAcceptor acceptor = new RegisterAcceptor("v", new RegisterStore() {
            @Override
            public VoterRecord record() {
                return saved[0];
            }

            @Override
            public void save(VoterRecord record) {
                saved[0] = record;
            }
        });
        assertThat(acceptor.record()).isEqualTo(NEW);
        assertThat(acceptor.answer(new Frame.Prepare(0, LOW)))
                .isEqualTo(new Frame.Promise(0, LOW, Ballot.ZERO, Optional.empty(), 7, false));
        assertThat(acceptor.record()).isEqualTo(NEW.promise(LOW)).isEqualTo(saved[0]);
    }
}
