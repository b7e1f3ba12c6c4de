package io.lockstep.membership;

import io.lockstep.wire.Ballot;
import io.lockstep.wire.View;
import java.util.Optional;

/**
 * Everything that a voter must not forget.
 *
 * @param diskId drawn when the disk was new
 * @param promised no ballot below this one is taken
 * @param accepted ballot of the value; {@link Ballot#ZERO} without one
 * @param value newest value taken
 * @param voting whether this voter counts: a committed value has named its disk (rule R13)
 */
public record VoterRecord(long diskId, Ballot promised, Ballot accepted, Optional<View> value, boolean voting) {
    /** A disk that has seen nothing yet. */
    public static VoterRecord ofNewDisk(long diskId) {
        return new VoterRecord(diskId, Ballot.ZERO, Ballot.ZERO, Optional.empty(), false);
    }

    VoterRecord promise(Ballot ballot) {
        return new VoterRecord(diskId, ballot, accepted, value, voting);
    }

    VoterRecord accept(Ballot ballot, View view) {
        return new VoterRecord(diskId, ballot, ballot, Optional.of(view), voting);
    }

    VoterRecord admit() {
        return new VoterRecord(diskId, promised, accepted, value, true);
    }
}
