package io.lockstep.tests.simulation;

import io.lockstep.tests.checkers.Violation;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * Many schedules, on one thread for each processor; each schedule runs on one of them, and seeds are handed out in order.
 * Safe to be started from any thread; the workers share nothing but two counters.
 */
public final class SimulationRun {
    /** One schedule of so many runs twice, to show that nothing but the seed decides. */
    private static final long REPEATED_ONE_OF = 100;

    private static final int FAILURES_MAX = 10;
    private static final long PROGRESS_NS = 5_000_000_000L;

    private final Schedule.Executor executor;
    private final long firstSeed;
    private final int wanted;
    private final Consumer<String> progress;
    private final AtomicLong nextSeed;
    private final AtomicLong counted = new AtomicLong();
    private final AtomicLong failed = new AtomicLong();
    private final long beganNs = System.nanoTime();
    private final AtomicLong lastProgressNs = new AtomicLong(beganNs);

    /** A schedule that broke a promise. */
    public record Failure(long seed, String violation) {}

    /**
     * What a run came to.
     *
     * @param schedules that count
     * @param lastSeed that was used; the first one is the caller's
     * @param takeovers in all of them
     * @param withTakeover schedules that had at least one
     * @param dark schedules in which the last copy was lost on purpose
     * @param undetermined requests whose clients could not learn their outcome
     * @param repeated schedules that ran twice, with equal events
     */
    public record Report(
            long schedules,
            long lastSeed,
            long requests,
            long answers,
            long takeovers,
            long withTakeover,
            long kills,
            long faults,
            long dark,
            long undetermined,
            long repeated,
            double seconds,
            Coverage coverage,
            List<Failure> failures) {
        /** Schedules in a second, on all processors together. */
        public double perSecond() {
            return schedules / seconds;
        }
    }

    private SimulationRun(Schedule.Executor executor, long firstSeed, int wanted, Consumer<String> progress) {
        this.executor = executor;
        this.firstSeed = firstSeed;
        this.wanted = wanted;
        this.progress = progress;
        this.nextSeed = new AtomicLong(firstSeed);
    }

    /**
     * Runs schedules until so many have counted, or too many have failed.
     *
     * @param progress gets a line every few seconds, from any thread
     */
    public static Report run(
            Schedule.Executor executor, long firstSeed, int schedules, int threads, Consumer<String> progress)
            throws InterruptedException {
        return new SimulationRun(executor, firstSeed, schedules, progress).run(threads);
    }

    private Report run(int threads) throws InterruptedException {
        ExecutorService workers = Executors.newFixedThreadPool(threads);
        try {
            List<Future<Tally>> tallies = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                tallies.add(workers.submit(this::work));
            }
            Tally all = new Tally();
            for (Future<Tally> tally : tallies) {
                all.add(tally.get());
            }
            return all.report(nextSeed.get() - 1, (System.nanoTime() - beganNs) / 1e9);
        } catch (ExecutionException broken) {
            throw new IllegalStateException("a worker of the simulation ended: " + broken.getCause(), broken);
        } finally {
            workers.shutdownNow();
        }
    }

    private Tally work() {
        Tally tally = new Tally();
        while (counted.get() < wanted && failed.get() < FAILURES_MAX) {
            long seed = nextSeed.getAndIncrement();
            try {
                Simulation simulation = new Simulation(Schedule.of(seed, executor), false);
                Simulation.Result result = simulation.run();
                if (isRepeated(seed)) {
                    Simulation.Result again = new Simulation(Schedule.of(seed, executor), false).run();
                    if (!again.equals(result)) {
                        throw new Violation("Repeat: " + result + " became " + again);
                    }
                    tally.repeated++;
                }
                // The last of several threads may find one more than was wanted: it is left out.
                if (result.counts() && counted.getAndIncrement() < wanted) {
                    tally.count(result, simulation.coverage);
                }
            } catch (Violation violation) {
                failed.incrementAndGet();
                tally.failures.add(new Failure(seed, String.valueOf(violation.getMessage())));
                progress.accept("seed " + seed + " breaks a promise; told at the end");
            }
            sayWhereItIs();
        }
        return tally;
    }

    private static boolean isRepeated(long seed) {
        return Math.floorMod(seed, REPEATED_ONE_OF) == 1;
    }

    private void sayWhereItIs() {
        long now = System.nanoTime();
        long last = lastProgressNs.get();
        if (now - last >= PROGRESS_NS && lastProgressNs.compareAndSet(last, now)) {
            progress.accept(String.format(
                    "%d of %d schedules from seed %d, %.0f a second, %d violations",
                    Math.min(wanted, counted.get()),
                    wanted,
                    firstSeed,
                    counted.get() / ((now - beganNs) / 1e9),
                    failed.get()));
        }
    }

    /** What one worker has seen. Touched by that worker, then by who gathers. */
    private static final class Tally {
        private final Coverage coverage = new Coverage();
        private final List<Failure> failures = new ArrayList<>();
        private long schedules;
        private long requests;
        private long answers;
        private long takeovers;
        private long withTakeover;
        private long kills;
        private long faults;
        private long dark;
        private long undetermined;
        private long repeated;

        void count(Simulation.Result result, Coverage struck) {
            schedules++;
            requests += result.requests();
            answers += result.answers();
            takeovers += result.takeovers();
            withTakeover += result.takeovers() > 0 ? 1 : 0;
            kills += result.kills();
            faults += result.faults();
            dark += result.isDark() ? 1 : 0;
            undetermined += result.unknown();
            coverage.add(struck);
        }

        void add(Tally other) {
            schedules += other.schedules;
            requests += other.requests;
            answers += other.answers;
            takeovers += other.takeovers;
            withTakeover += other.withTakeover;
            kills += other.kills;
            faults += other.faults;
            dark += other.dark;
            undetermined += other.undetermined;
            repeated += other.repeated;
            coverage.add(other.coverage);
            failures.addAll(other.failures);
        }

        Report report(long lastSeed, double seconds) {
            failures.sort(Comparator.comparingLong(Failure::seed));
            return new Report(
                    schedules,
                    lastSeed,
                    requests,
                    answers,
                    takeovers,
                    withTakeover,
                    kills,
                    faults,
                    dark,
                    undetermined,
                    repeated,
                    seconds,
                    coverage,
                    List.copyOf(failures));
        }
    }
}
