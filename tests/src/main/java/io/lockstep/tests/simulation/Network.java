package io.lockstep.tests.simulation;

import io.lockstep.wire.Frame;
import io.lockstep.wire.View;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * Carries frames between processes: late, doubled, out of order or not at all, as the run's swarm of faults allows. A
 * frame reaches the run of the process that it was sent to, or nobody.
 */
final class Network {
    /** One run of one process. */
    interface Host {
        String name();

        long incarnation();

        boolean isAlive();

        /** Time until which it stands still; frames wait for it. */
        long pausedUntilNs();

        void receive(View.Member from, Frame frame);
    }

    private final Scheduler scheduler;
    private final Faults faults;
    private final Map<String, Host> processes = new LinkedHashMap<>();
    private final Set<String> cuts = new HashSet<>();
    private boolean isHealed;

    Network(Scheduler scheduler, Faults faults) {
        this.scheduler = scheduler;
        this.faults = faults;
    }

    void put(Host process) {
        processes.put(process.name(), process);
    }

    Host at(String name) {
        Host process = processes.get(name);
        if (process == null) {
            throw new Violation("no process " + name);
        }
        return process;
    }

    void cut(String from, String to) {
        if (!isHealed) {
            cuts.add(from + ">" + to);
            scheduler.trace("cut " + from + " > " + to);
        }
    }

    void join(String from, String to) {
        cuts.remove(from + ">" + to);
    }

    void heal() {
        isHealed = true;
        cuts.clear();
    }

    /** Sends to the present run of a process. */
    void send(Host from, String to, Frame frame) {
        send(from, to, 0, frame);
    }

    /** @param incarnation run that is meant; 0 for whichever is there */
    void send(Host from, String to, long incarnation, Frame frame) {
        Host target = processes.get(to);
        if (target == null || !target.isAlive() || (incarnation != 0 && target.incarnation() != incarnation)) {
            return;
        }
        if (cuts.contains(from.name() + ">" + to) || (!isHealed && scheduler.chance(faults.loss()))) {
            return;
        }
        deliver(from, target, frame, delay());
        if (!isHealed && scheduler.chance(faults.duplication())) {
            deliver(from, target, frame, delay() + scheduler.between(0, 50 * Scheduler.MS));
        }
    }

    private long delay() {
        long usual = scheduler.between(20 * Scheduler.US, 200 * Scheduler.US);
        boolean isLate = !isHealed && scheduler.chance(faults.delay());
        return isLate ? usual + scheduler.between(0, faults.delayMaxNs()) : usual;
    }

    private void deliver(Host from, Host target, Frame frame, long delayNs) {
        View.Member sender = new View.Member(from.name(), from.incarnation());
        scheduler.after(delayNs, () -> arrive(sender, target, frame));
    }

    private void arrive(View.Member sender, Host target, Frame frame) {
        if (!target.isAlive()) {
            return;
        }
        if (target.pausedUntilNs() > scheduler.now()) {
            scheduler.at(target.pausedUntilNs(), () -> arrive(sender, target, frame));
            return;
        }
        target.receive(sender, frame);
    }
}
