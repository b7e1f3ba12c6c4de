package io.lockstep.tests.simulation;

import io.lockstep.membership.RegisterStore;
import io.lockstep.membership.VoterRecord;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * A voter's disk: the record in two slots, written one after the other, as the shipped file has it. Touched only by the
 * schedule's thread.
 */
final class SimDisk implements RegisterStore {
    /** What happens in a save. */
    enum Mishap {
        NONE,
        /** The power goes before, between or after the slots. */
        POWER_OFF,
        /** The same, and the slot in writing is torn. */
        TORN,
        /** The flush fails; what was written may be there or not. */
        FAILED
    }

    /** The process ended in a save. */
    static final class PowerOff extends IOException {
        private static final long serialVersionUID = 1L;
    }

    private final @Nullable VoterRecord[] slots = new VoterRecord[2];
    private final long[] sequences = {1, 1};
    private final Simulation simulation;
    private final String voter;
    private VoterRecord record;

    SimDisk(Simulation simulation, String voter, long diskId) {
        this.simulation = simulation;
        this.voter = voter;
        this.record = VoterRecord.ofNewDisk(diskId);
        slots[0] = record;
        slots[1] = record;
    }

    @Override
    public VoterRecord record() {
        return record;
    }

    /** A process starts over it: reads the newest whole slot and mends the other. False when none is whole. */
    boolean open() {
        VoterRecord first = slots[0];
        VoterRecord second = slots[1];
        VoterRecord newest = first == null || (second != null && sequences[1] > sequences[0]) ? second : first;
        if (newest == null) {
            return false;
        }
        record = newest;
        long sequence = Math.max(sequences[0], sequences[1]) + 1;
        for (int slot = 0; slot < 2; slot++) {
            slots[slot] = newest;
            sequences[slot] = sequence;
        }
        return true;
    }

    /** Whether both slots are. */
    boolean isWhole() {
        return slots[0] != null && slots[1] != null;
    }

    /** A slot goes bad at rest. */
    void flip(int slot) {
        slots[slot] = null;
    }

    @Override
    public void save(VoterRecord next) throws IOException {
        Mishap mishap = simulation.mishapInSave(voter, next);
        long sequence = Math.max(sequences[0], sequences[1]) + 1;
        if (mishap == Mishap.NONE) {
            write(0, next, sequence);
            write(1, next, sequence);
            record = next;
            return;
        }
        // 0: nothing was written; 1 and 2: slots written whole.
        int written = simulation.scheduler.random.nextInt(3);
        if (written > 0) {
            write(0, next, sequence);
        }
        if (written > 1) {
            write(1, next, sequence);
        }
        if (mishap == Mishap.TORN && written < 2) {
            slots[written] = null;
        }
        if (mishap == Mishap.FAILED) {
            throw new IOException("a flush failed");
        }
        throw new PowerOff();
    }

    private void write(int slot, VoterRecord next, long sequence) {
        slots[slot] = next;
        sequences[slot] = sequence;
    }
}
