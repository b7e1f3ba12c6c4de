package io.lockstep.tests.simulation;

import io.lockstep.membership.RegisterAcceptor;
import io.lockstep.membership.VoterRecord;
import io.lockstep.wire.Frame;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A voter of the register over its disk, which outlives the process. Touched only by the schedule's thread. */
final class SimVoter {
    private final Simulation simulation;
    private final String name;
    private SimDisk disk;
    private RegisterAcceptor acceptor;

    SimVoter(Simulation simulation, String name, long diskId) {
        this.simulation = simulation;
        this.name = name;
        this.disk = new SimDisk(simulation, name, diskId);
        this.acceptor = new RegisterAcceptor(name, disk);
    }

    /** What is on the disk, as the voter knows. */
    VoterRecord record() {
        return acceptor.record();
    }

    SimDisk disk() {
        return disk;
    }

    /** The process starts again. False when the file is damaged in both slots. */
    boolean restart() {
        boolean isWhole = disk.open();
        if (isWhole) {
            acceptor = new RegisterAcceptor(name, disk);
        }
        return isWhole;
    }

    /** The process starts with an empty disk. */
    void restartWithNewDisk(long diskId) {
        disk = new SimDisk(simulation, name, diskId);
        acceptor = new RegisterAcceptor(name, disk);
    }

    /** How long the flush takes before a reply may go. */
    long flushNs() {
        return simulation.flushNs(name);
    }

    /** The reply, or null when the process ended in the save. */
    @Nullable Frame answer(Frame request) {
        VoterRecord before = acceptor.record();
        try {
            Frame reply = acceptor.answer(request);
            if (!acceptor.record().equals(before)) {
                simulation.saved(acceptor.record());
            }
            return reply;
        } catch (IOException failure) {
            simulation.endInSave(name, failure);
            return null;
        }
    }
}
