package io.lockstep.tests.simulation;

import io.lockstep.tests.checkers.Violation;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Makes a failing schedule smaller while it still breaks the same promise. Touched by one thread. */
final class Shrinker {
    private static final int RUNS_MAX = 600;

    /**
     * What a failing schedule came to.
     *
     * @param violation of the shrunk schedule
     * @param faults that still strike
     * @param timeline of the shrunk schedule, merged from all processes
     */
    record Shrunk(Schedule schedule, String violation, int faults, List<String> timeline) {}

    private Schedule smallest;
    private String violation;
    private int faults;
    private int runs;

    private Shrinker(Schedule failing, String violation) {
        this.smallest = failing;
        this.violation = violation;
    }

    static Shrunk shrink(Schedule failing, String violation) {
        Shrinker shrinker = new Shrinker(failing, violation);
        shrinker.tryIt(failing);
        for (FaultKind kind : FaultKind.values()) {
            shrinker.tryIt(shrinker.smallest.without(kind));
        }
        for (int requests = 10; requests < Schedule.REQUESTS_MIN; requests *= 2) {
            if (shrinker.tryIt(shrinker.smallest.withRequests(requests))) {
                break;
            }
        }
        shrinker.suppressFaults();
        Simulation last = new Simulation(shrinker.smallest, true);
        run(last);
        return new Shrunk(shrinker.smallest, shrinker.violation, shrinker.faults, last.timeline());
    }

    /** Halves, then quarters, down to single faults. */
    private void suppressFaults() {
        for (int size = Math.max(1, faults / 2); size >= 1; size /= 2) {
            int numbers = highest(smallest);
            for (int from = 0; from < numbers && runs < RUNS_MAX; from += size) {
                BitSet chunk = new BitSet();
                chunk.set(from, from + size);
                chunk.andNot(smallest.suppressed());
                if (!chunk.isEmpty()) {
                    tryIt(smallest.suppressing(chunk));
                }
            }
        }
    }

    private static int highest(Schedule schedule) {
        Simulation simulation = new Simulation(schedule, false);
        run(simulation);
        return simulation.faultNumber();
    }

    /** Keeps the schedule when it breaks the same promise. */
    private boolean tryIt(Schedule schedule) {
        if (++runs > RUNS_MAX) {
            return false;
        }
        Simulation simulation = new Simulation(schedule, false);
        String found = run(simulation);
        if (found == null || !promiseOf(found).equals(promiseOf(violation))) {
            return false;
        }
        smallest = schedule;
        violation = found;
        faults = simulation.faultsStruck();
        return true;
    }

    /** The invariant or rule that a violation's text begins with. */
    static String promiseOf(String violation) {
        int colon = violation.indexOf(':');
        return colon < 0 ? violation : violation.substring(0, colon);
    }

    private static @Nullable String run(Simulation simulation) {
        try {
            simulation.run();
            return null;
        } catch (Violation violation) {
            return String.valueOf(violation.getMessage());
        }
    }
}
