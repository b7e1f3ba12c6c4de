package io.lockstep.tests.simulation;

import io.lockstep.tests.checkers.Violation;
import io.lockstep.wire.Entry;
import io.lockstep.wire.Frame;
import io.lockstep.wire.View;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Carries frames between processes: late, doubled, out of order or not at all, as the schedule's faults allow. A frame
 * reaches the run of the process that it was sent to, or nobody. Touched only by the schedule's thread.
 */
final class Network {
    private static final int HOSTS_MAX = 12;
    private static final long LEAST_NS = 20 * Scheduler.US;
    private static final long MOST_NS = 200 * Scheduler.US;
    private static final long DOUBLE_AFTER_NS = 50 * Scheduler.MS;

    /** One run of one process. */
    interface Host {
        /** The same for every run of the same process. */
        int index();

        View.Member member();

        boolean isAlive();

        /** True time until which it stands still; frames wait for it. */
        long pausedUntilNs();

        void receive(View.Member from, Frame frame);

        /** Whether what it sent before its end is lost on its way to that host. */
        default boolean isLostTo(int host) {
            return false;
        }

        /** By how much later what it sent before its end arrives: its system goes on sending for it. */
        default long lateNs() {
            return 0;
        }
    }

    private final Simulation simulation;
    private final Scheduler scheduler;
    private final Faults faults;
    private final Map<String, Host> processes = new HashMap<>();
    /** From, to: until when nothing passes; until when everything waits; when the last frame in order arrives. */
    private final long[] cutUntilNs = new long[HOSTS_MAX * HOSTS_MAX];

    private final long[] cloggedUntilNs = new long[HOSTS_MAX * HOSTS_MAX];
    private final long[] lastArrivalNs = new long[HOSTS_MAX * HOSTS_MAX];
    private final int[] inFlight = new int[Moment.values().length];
    private final FaultKind[] frameFaults;
    private boolean isHealed;

    Network(Simulation simulation, Faults faults) {
        this.simulation = simulation;
        this.scheduler = simulation.scheduler;
        this.faults = faults;
        this.frameFaults = faults.kinds().stream()
                .filter(kind -> kind.scope == FaultKind.Scope.FRAME)
                .toArray(FaultKind[]::new);
    }

    /** A process starts; its connections are new, so that what a former run sent may come later than what this one does. */
    void put(Host process) {
        processes.put(process.member().name(), process);
        for (int other = 0; other < HOSTS_MAX; other++) {
            renew(process.index() * HOSTS_MAX + other);
            renew(other * HOSTS_MAX + process.index());
        }
    }

    private void renew(int link) {
        lastArrivalNs[link] = 0;
        cloggedUntilNs[link] = 0;
    }

    @Nullable Host find(String name) {
        return processes.get(name);
    }

    Host at(String name) {
        Host process = processes.get(name);
        if (process == null) {
            throw new Violation("no process " + name);
        }
        return process;
    }

    /** Frames at a moment that are on their way now. */
    boolean isAnyIn(Moment moment) {
        return inFlight[moment.ordinal()] > 0;
    }

    void cut(Host from, Host to, long lengthNs) {
        cutUntilNs[link(from, to)] = Math.max(cutUntilNs[link(from, to)], scheduler.now() + lengthNs);
    }

    void clog(Host from, Host to, long lengthNs) {
        cloggedUntilNs[link(from, to)] = Math.max(cloggedUntilNs[link(from, to)], scheduler.now() + lengthNs);
    }

    void heal() {
        isHealed = true;
        Arrays.fill(cutUntilNs, 0);
    }

    private static int link(Host from, Host to) {
        return from.index() * HOSTS_MAX + to.index();
    }

    /** Sends to the present run of a process. */
    void send(Host from, String to, Frame frame) {
        Host target = processes.get(to);
        if (target != null && target.isAlive()) {
            carry(from, target, frame);
        }
    }

    /** Sends to one run of a process. */
    void send(Host from, View.Member to, Frame frame) {
        Host target = processes.get(to.name());
        if (target != null && target.isAlive() && target.member().incarnation() == to.incarnation()) {
            carry(from, target, frame);
        }
    }

    private void carry(Host from, Host target, Frame frame) {
        int link = link(from, target);
        if (!from.isAlive() || cutUntilNs[link] > scheduler.now()) {
            return;
        }
        Moment moment = momentOf(from, frame);
        FaultKind struck = isHealed || frameFaults.length == 0 ? null : strike(frame, moment);
        long arrivalNs = scheduler.now() + scheduler.between(LEAST_NS, MOST_NS);
        if (struck == FaultKind.LOSS) {
            return;
        } else if (struck == FaultKind.DELAY || struck == FaultKind.REORDERING) {
            arrivalNs += scheduler.between(0, faults.lateMaxNs());
        }
        arrivalNs = Math.max(arrivalNs, cloggedUntilNs[link]);
        if (struck != FaultKind.REORDERING) {
            arrivalNs = Math.max(arrivalNs, lastArrivalNs[link]);
            lastArrivalNs[link] = arrivalNs;
        }
        deliver(from, target, frame, moment, arrivalNs);
        if (struck == FaultKind.DUPLICATION) {
            deliver(from, target, frame, moment, arrivalNs + scheduler.between(0, DOUBLE_AFTER_NS));
        }
        if (moment != null) {
            simulation.reached(moment);
        }
    }

    private @Nullable FaultKind strike(Frame frame, @Nullable Moment moment) {
        if (!scheduler.chance(faults.perFrame())) {
            return null;
        }
        FaultKind kind = frameFaults[scheduler.random.nextInt(frameFaults.length)];
        if (!simulation.strikes(kind)) {
            return null;
        }
        if (moment != null) {
            simulation.coverage.count(kind, moment);
            if (moment == Moment.S6 && prunes((Frame.Forward) frame)) {
                simulation.coverage.count(kind, Moment.S12);
            }
        }
        return kind;
    }

    private static boolean prunes(Frame.Forward forward) {
        for (Entry entry : forward.entries()) {
            if (entry.header().acknowledgedUpTo() > 0) {
                return true;
            }
        }
        return false;
    }

    private static @Nullable Moment momentOf(Host from, Frame frame) {
        if (frame instanceof Frame.Ask) {
            return from instanceof SimDistributor ? Moment.S2 : Moment.S1;
        } else if (frame instanceof Frame.Reply) {
            return from instanceof SimDistributor ? Moment.S11 : Moment.S10;
        } else if (frame instanceof Frame.Forward forward) {
            return forward.entries().isEmpty() ? Moment.S13 : Moment.S6;
        }
        return frame instanceof Frame.Acknowledge ? Moment.S9 : null;
    }

    private void deliver(Host from, Host target, Frame frame, @Nullable Moment moment, long atNs) {
        if (moment != null && moment != Moment.S13) {
            inFlight[moment.ordinal()]++;
        }
        scheduler.at(atNs, new Delivery(from, from.member(), target, target.member(), frame, moment));
    }

    private final class Delivery implements Runnable {
        private final Host from;
        private final View.Member sender;
        private final Host target;
        private final View.Member run;
        private final Frame frame;
        private final @Nullable Moment moment;
        private boolean isLate;

        Delivery(Host from, View.Member sender, Host target, View.Member run, Frame frame, @Nullable Moment moment) {
            this.from = from;
            this.sender = sender;
            this.target = target;
            this.run = run;
            this.frame = frame;
            this.moment = moment;
        }

        @Override
        public void run() {
            boolean isThere = target.isAlive()
                    && !from.isLostTo(target.index())
                    && target.member().incarnation() == run.incarnation();
            if (isThere && target.pausedUntilNs() > scheduler.now()) {
                scheduler.at(target.pausedUntilNs(), this);
                return;
            }
            if (isThere && !isLate && !isHealed && !from.isAlive() && from.lateNs() > 0) {
                isLate = true;
                scheduler.after(from.lateNs(), this);
                return;
            }
            if (moment != null && moment != Moment.S13) {
                inFlight[moment.ordinal()]--;
            }
            if (isThere) {
                target.receive(sender, frame);
            }
        }
    }
}
