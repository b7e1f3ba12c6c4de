package io.lockstep.tests.simulation;

import io.lockstep.membership.RegisterStore;
import io.lockstep.membership.VoterRecord;

/** A disk that keeps what was saved. */
final class MemoryStore implements RegisterStore {
    private VoterRecord record;

    MemoryStore(long diskId) {
        record = VoterRecord.ofNewDisk(diskId);
    }

    @Override
    public VoterRecord record() {
        return record;
    }

    @Override
    public void save(VoterRecord next) {
        record = next;
    }
}
