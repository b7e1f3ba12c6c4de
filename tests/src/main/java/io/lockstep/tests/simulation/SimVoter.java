package io.lockstep.tests.simulation;

import io.lockstep.membership.RegisterAcceptor;
import io.lockstep.membership.VoterRecord;
import io.lockstep.tests.checkers.Violation;
import io.lockstep.wire.Frame;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A voter of the register over its disk, which outlives the process. Touched only by the schedule's thread. */
final class SimVoter {
    private final Simulation simulation;
    private final String name;
    private SimDisk disk;
    private RegisterAcceptor acceptor;
    /** What was last spoken of; a restart may forget nothing of it (I13). */
    private VoterRecord answered;

    SimVoter(Simulation simulation, String name, long diskId) {
        this.simulation = simulation;
        this.name = name;
        this.disk = new SimDisk(simulation, name, diskId);
        this.acceptor = new RegisterAcceptor(name, disk);
        this.answered = disk.record();
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
            if (disk.record().promised().compareTo(answered.promised()) < 0
                    || disk.record().accepted().compareTo(answered.accepted()) < 0) {
                throw new Violation("I13: voter " + name + " has forgotten " + answered + ", it has " + disk.record());
            }
            acceptor = new RegisterAcceptor(name, disk);
            answered = disk.record();
            simulation.saved(answered);
        }
        return isWhole;
    }

    /** The process starts with an empty disk. */
    void restartWithNewDisk(long diskId) {
        disk = new SimDisk(simulation, name, diskId);
        acceptor = new RegisterAcceptor(name, disk);
        answered = disk.record();
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
                answered = acceptor.record();
                simulation.saved(answered);
            }
            return reply;
        } catch (IOException failure) {
            simulation.endInSave(name, failure);
            return null;
        }
    }
}
