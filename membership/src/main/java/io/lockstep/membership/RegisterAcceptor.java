package io.lockstep.membership;

import io.lockstep.wire.Ballot;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Frame.Accept;
import io.lockstep.wire.Frame.Accepted;
import io.lockstep.wire.Frame.Admit;
import io.lockstep.wire.Frame.Prepare;
import io.lockstep.wire.Frame.Promise;
import io.lockstep.wire.Frame.RegisterRefusal;
import io.lockstep.wire.View;
import java.io.IOException;
import java.util.Optional;

/**
 * One voter of the view register: the acceptor of CASPaxos (D. Rystsov, 2018), with rule R13 for lost disks. Touched
 * only by the voter's thread.
 *
 * <p>A reply exists only after the state that it speaks of has been saved, since {@link #answer} is the only way to get
 * one. A new disk promises and, while the register has only its first value, holds that value; but it does not count
 * until it is admitted: by {@link Admit}, which a proposer sends only when the others have committed a value naming it.
 */
public final class RegisterAcceptor {
    private final String voter;
    private final RegisterStore store;
    private VoterRecord record;
    /** Set by the first failed save and never cleared: a voter that may have forgotten must not speak again. */
    private boolean failed;

    /**
     * @param voter this voter's configured name
     * @param store where its record is
     */
    public RegisterAcceptor(String voter, RegisterStore store) {
        this.voter = voter;
        this.store = store;
        this.record = store.record();
    }

    /** Whether a frame is one for a voter. */
    public static boolean isForVoter(Frame frame) {
        return frame instanceof Prepare || frame instanceof Accept || frame instanceof Admit;
    }

    /**
     * Decides, saves, and gives the reply to send.
     *
     * @param request {@link Prepare}, {@link Accept} or {@link Admit}
     * @throws IOException when saving failed, now or ever: the voter is silent for good
     * @throws IllegalArgumentException when the frame is none for a voter
     */
    public Frame answer(Frame request) throws IOException {
        if (failed) {
            throw new IOException("voter " + voter + " has failed to save earlier and does not vote any more");
        }
        Step step = decide(voter, record, request);
        if (!step.next().equals(record)) {
            failed = true;
            store.save(step.next());
            failed = false;
            record = step.next();
        }
        return step.reply();
    }

    /** What this voter has saved. */
    public VoterRecord record() {
        return record;
    }

    /** The state to be saved first, and the reply to be sent then. */
    record Step(VoterRecord next, Frame reply) {}

    static Step decide(String voter, VoterRecord now, Frame request) {
        if (request instanceof Prepare prepare) {
            return decidePrepare(now, prepare.ballot());
        } else if (request instanceof Accept accept) {
            return decideAccept(voter, now, accept.ballot(), accept.value());
        } else if (request instanceof Admit admit) {
            return decideAdmit(voter, now, admit.ballot(), admit.value());
        }
        throw new IllegalArgumentException("not a frame for a voter: " + request);
    }

    private static Step decidePrepare(VoterRecord now, Ballot ballot) {
        if (ballot.compareTo(now.promised()) < 0) {
            return refuse(now, ballot, "a higher ballot was promised");
        }
        VoterRecord next = now.promise(ballot);
        return new Step(next, new Promise(0, ballot, next.accepted(), next.value(), next.diskId(), next.voting()));
    }

    private static Step decideAccept(String voter, VoterRecord now, Ballot ballot, View value) {
        if (ballot.compareTo(now.promised()) < 0) {
            return refuse(now, ballot, "a higher ballot was promised");
        }
        if (!names(value, voter, now.diskId())) {
            return refuse(now, ballot, "the value does not name this voter's disk: " + notNamed(value, voter));
        }
        if (!now.voting() && value.version() != Succession.FIRST_VERSION) {
            return refuse(now, ballot, "this voter's disk is new, and nobody has admitted it yet");
        }
        if (ballot.equals(now.accepted()) && !Optional.of(value).equals(now.value())) {
            return refuse(now, ballot, "another value was accepted in the same ballot");
        }
        return new Step(now.accept(ballot, value), new Accepted(0, ballot, now.diskId()));
    }

    /** The value is committed, so an older ballot is no obstacle to voting; but only a newer one replaces the value. */
    private static Step decideAdmit(String voter, VoterRecord now, Ballot ballot, View value) {
        if (!names(value, voter, now.diskId())) {
            return refuse(now, ballot, "the value does not name this voter's disk: " + notNamed(value, voter));
        }
        boolean newer = ballot.compareTo(now.promised()) >= 0;
        VoterRecord next = newer ? now.accept(ballot, value).admit() : now.admit();
        return new Step(next, new Accepted(0, ballot, now.diskId()));
    }

    private static Step refuse(VoterRecord now, Ballot ballot, String reason) {
        return new Step(now, new RegisterRefusal(0, ballot, now.promised(), reason));
    }

    private static boolean names(View value, String voter, long diskId) {
        return value.voters().contains(new View.Voter(voter, diskId));
    }

    private static String notNamed(View value, String voter) {
        return value.voters().stream().anyMatch(named -> named.name().equals(voter))
                ? "another disk has its name; empty this voter's register folder to let it begin anew"
                : "it is not among the voters";
    }
}
