package io.lockstep.tests.differential;

import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Many sequences over several sites at once. Told by the thread that calls {@link #run}; each site has a thread
 * {@code site-N}; one lock guards what has come of it so far.
 */
final class DifferentialRun {
    private static final long TELL_EVERY_MS = 5_000;
    private static final long END_MS = 2_000;

    /**
     * What to run.
     *
     * @param sequences how many, one seed each, from {@code seed} on
     * @param sites how many at once
     * @param failuresMax after so many that differ, no more are begun
     * @param limit after it no more are begun
     * @param isTold whether to tell what was asked of plain H2, and what it said
     */
    record Order(long seed, int sequences, int sites, int failuresMax, Duration limit, boolean isTold) {}

    /** One that differs. */
    record Failure(long seed, List<String> differences) {}

    /** What came of all, so far. Touched under the run's lock. */
    static final class Report {
        final List<Failure> failures = new ArrayList<>();
        final Map<Phase, Long> spentNs = new EnumMap<>(Phase.class);
        int sequences;
        long messages;
        long waited;
        long takeovers;
        long wanted;
        double seconds;
        double cpuSeconds;
        boolean isInterrupted;

        private void add(Comparison.Outcome outcome) {
            sequences++;
            messages += outcome.messages();
            waited += outcome.waited();
            takeovers += outcome.takeovers();
            wanted += outcome.wanted();
            outcome.spentNs().forEach((phase, ns) -> spentNs.merge(phase, ns, Long::sum));
            if (!outcome.differences().isEmpty()) {
                failures.add(new Failure(outcome.seed(), outcome.differences()));
            }
        }
    }

    private final Order order;
    private final IntFunction<Site> makes;
    private final Consumer<String> tell;
    private final AtomicLong begun = new AtomicLong();
    private final Report report = new Report();
    private final long beganNs = System.nanoTime();
    private volatile boolean isOver;

    /**
     * @param makes a new site, given a number that no other site has
     * @param tell gets progress and differences, line by line
     */
    DifferentialRun(Order order, IntFunction<Site> makes, Consumer<String> tell) {
        this.order = order;
        this.makes = makes;
        this.tell = tell;
    }

    /** Runs all. An interrupt ends it: what runs is left, and the report says so. */
    Report run() {
        double cpuBefore = cpuSeconds();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < Math.min(order.sites(), order.sequences()); i++) {
            int number = i;
            Thread thread = new Thread(() -> work(number), "site-" + number);
            thread.setDaemon(true);
            thread.start();
            threads.add(thread);
        }
        try {
            for (Thread thread : threads) {
                thread.join(TELL_EVERY_MS);
                while (thread.isAlive()) {
                    tell();
                    thread.join(TELL_EVERY_MS);
                }
            }
        } catch (InterruptedException e) {
            end(threads);
        }
        synchronized (report) {
            report.seconds = (System.nanoTime() - beganNs) / 1e9;
            report.cpuSeconds = cpuSeconds() - cpuBefore;
            report.failures.sort(Comparator.comparingLong(Failure::seed));
            return report;
        }
    }

    private void end(List<Thread> threads) {
        isOver = true;
        synchronized (report) {
            report.isInterrupted = true;
        }
        threads.forEach(Thread::interrupt);
        long endNs = System.nanoTime() + END_MS * 1_000_000;
        try {
            for (Thread thread : threads) {
                thread.join(Math.max(1, (endNs - System.nanoTime()) / 1_000_000));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Of this process, since it began; what children need is not in it. */
    private static double cpuSeconds() {
        return ProcessHandle.current()
                        .info()
                        .totalCpuDuration()
                        .orElse(Duration.ZERO)
                        .toNanos()
                / 1e9;
    }

    private void tell() {
        synchronized (report) {
            double seconds = (System.nanoTime() - beganNs) / 1e9;
            double speed = report.sequences / seconds;
            tell.accept(String.format(
                    Locale.ROOT,
                    "%d of %d sequences, %d differ, %.0f s, %.1f/s, about %.0f s left",
                    report.sequences,
                    order.sequences(),
                    report.failures.size(),
                    seconds,
                    speed,
                    speed == 0 ? Double.NaN : (order.sequences() - report.sequences) / speed));
        }
    }

    /** A site that fails is left for a new one: what it was at counts as a difference. */
    private void work(int number) {
        Site site = null;
        Comparison comparison = null;
        int made = 0;
        try {
            while (true) {
                long seed = next();
                if (seed < 0) {
                    return;
                }
                try {
                    if (site == null || comparison == null) {
                        made++;
                        site = makes.apply(number + (made - 1) * order.sites());
                        comparison = new Comparison(site);
                    }
                    Comparison.Outcome outcome = comparison.compare(seed);
                    synchronized (report) {
                        report.add(outcome);
                    }
                    if (order.isTold()) {
                        outcome.story().lines().forEach(tell);
                    }
                    outcome.differences().forEach(line -> tell.accept("seed " + seed + ": " + line));
                } catch (SQLException | RuntimeException e) {
                    if (isOver) {
                        return;
                    }
                    broken(seed, e);
                    close(comparison);
                    comparison = null;
                    close(site);
                    site = null;
                }
            }
        } finally {
            close(comparison);
            close(site);
        }
    }

    private void broken(long seed, Exception e) {
        List<String> lines = new ArrayList<>(List.of("it could not be run: " + e));
        for (StackTraceElement frame : e.getStackTrace()) {
            if (frame.getClassName().startsWith(DifferentialRun.class.getPackageName())) {
                lines.add("  at " + frame);
            }
        }
        synchronized (report) {
            report.sequences++;
            report.failures.add(new Failure(seed, lines));
        }
        lines.forEach(line -> tell.accept("seed " + seed + ": " + line));
    }

    private void close(@Nullable AutoCloseable each) {
        try {
            if (each != null) {
                each.close();
            }
        } catch (Exception e) {
            tell.accept("a site cannot be closed: " + e);
        }
    }

    /** @return the next seed; below 0 when there is none */
    private long next() {
        synchronized (report) {
            if (isOver
                    || report.failures.size() >= order.failuresMax()
                    || System.nanoTime() - beganNs > order.limit().toNanos()) {
                return -1;
            }
        }
        long at = begun.getAndIncrement();
        return at < order.sequences() ? order.seed() + at : -1;
    }
}
