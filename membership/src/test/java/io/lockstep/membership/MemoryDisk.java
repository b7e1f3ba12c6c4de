package io.lockstep.membership;

/** A voter's disk that never fails. Touched only by the test's thread. */
final class MemoryDisk implements RegisterStore {
    private VoterRecord record;

    MemoryDisk(VoterRecord record) {
        this.record = record;
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
