package io.lockstep.tests.bench.standard;

import io.lockstep.tests.bench.standard.Benchmark.Draw;
import io.lockstep.tests.bench.standard.Benchmark.Ending;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;

/**
 * Terminals in a closed loop, a thread and a connection each, from {@link #start} to {@link #end}. Started and ended by
 * one thread; what terminals count is atomic.
 *
 * <p>The victim of a deadlock does its transaction again with the same inputs, as every client of such a database must;
 * that is counted apart. Everything else is an error, and ends the terminal.
 */
final class TerminalRun {
    private static final long HIGHEST_US = 120_000_000;
    private static final int PROBLEMS_MAX = 100;
    private static final String DEADLOCK = "40001";
    private static final String UNKNOWN = "08007";

    private final Map<String, Tally> tallies = new LinkedHashMap<>();
    private final List<Worker> workers = new ArrayList<>();
    private final ConcurrentLinkedQueue<String> problems = new ConcurrentLinkedQueue<>();
    private final AtomicLong errors = new AtomicLong();
    private final AtomicLong unknown = new AtomicLong();
    private final AtomicLong continued = new AtomicLong();
    private final AtomicLong deadlocks = new AtomicLong();
    private volatile boolean isEnding;
    private long beganNs;
    private long tookNs;

    /** What one kind of transaction came to. */
    static final class Tally {
        private final AtomicLong committed = new AtomicLong();
        private final AtomicLong withoutEffect = new AtomicLong();
        private final AtomicLong deadlocks = new AtomicLong();
        private final Histogram latenciesUs = new ConcurrentHistogram(HIGHEST_US, 3);

        long committed() {
            return committed.get();
        }

        long withoutEffect() {
            return withoutEffect.get();
        }

        long deadlocks() {
            return deadlocks.get();
        }

        Histogram latenciesUs() {
            return latenciesUs;
        }
    }

    /**
     * What all terminals came to.
     *
     * @param tallies by kind
     * @param seconds from the start until the last terminal had ended
     * @param continued transactions that were open when a node was killed, and committed or ended as they should
     * @param deadlocks victims of deadlocks, which did their transaction again
     * @param errors that terminals saw
     * @param unknown those of them after which nobody knows what became of a commit
     */
    record Result(
            Map<String, Tally> tallies,
            double seconds,
            long continued,
            long deadlocks,
            long errors,
            long unknown,
            List<String> problems) {
        long ended() {
            return tallies.values().stream()
                    .mapToLong(each -> each.committed() + each.withoutEffect())
                    .sum();
        }

        double perSecond() {
            return ended() / seconds;
        }
    }

    /** Opens nothing: connections are handed in, a terminal for each. */
    TerminalRun(Benchmark benchmark, List<Connection> connections) throws SQLException {
        benchmark.kinds().forEach(kind -> tallies.put(kind, new Tally()));
        for (int number = 0; number < connections.size(); number++) {
            Connection connection = connections.get(number);
            workers.add(new Worker(number, connection, benchmark.open(number, connection)));
        }
    }

    void start() {
        beganNs = System.nanoTime();
        workers.forEach(worker -> worker.thread.start());
    }

    /** Transactions whose first statement may have been answered. */
    int open() {
        return (int) workers.stream().filter(worker -> worker.isOpen).count();
    }

    /** Transactions that have ended. */
    long ended() {
        return tallies.values().stream()
                .mapToLong(each -> each.committed() + each.withoutEffect())
                .sum();
    }

    /** A node is about to be killed. @return how many transactions are open */
    int beforeKill() {
        workers.forEach(worker -> worker.openBeforeKill = worker.isOpen ? worker.transaction : 0);
        return open();
    }

    /** It has been killed: what was open before and is open still is to go on. */
    void afterKill() {
        for (Worker worker : workers) {
            if (worker.isOpen && worker.transaction == worker.openBeforeKill) {
                worker.openAtKill = worker.openBeforeKill;
            }
        }
    }

    /** Lets each terminal end its transaction. */
    Result end() throws InterruptedException {
        isEnding = true;
        for (Worker worker : workers) {
            worker.thread.join();
        }
        tookNs = System.nanoTime() - beganNs;
        return new Result(
                tallies,
                tookNs / 1e9,
                continued.get(),
                deadlocks.get(),
                errors.get(),
                unknown.get(),
                List.copyOf(problems));
    }

    /** One terminal and its thread. */
    private final class Worker {
        private final int number;
        private final Connection connection;
        private final Benchmark.Terminal terminal;
        private final Thread thread;
        private volatile boolean isOpen;

        /** Counts its transactions from 1; written by its own thread. */
        private volatile long transaction;

        private volatile long openBeforeKill;
        private volatile long openAtKill;

        Worker(int number, Connection connection, Benchmark.Terminal terminal) {
            this.number = number;
            this.connection = connection;
            this.terminal = terminal;
            this.thread = new Thread(this::work, "terminal-" + number);
            thread.setDaemon(true);
        }

        private void work() {
            while (!isEnding) {
                Draw draw = terminal.next();
                try {
                    perform(draw);
                } catch (SQLException | RuntimeException | Error e) {
                    fail(draw, e);
                    return;
                }
            }
        }

        private void perform(Draw draw) throws SQLException {
            Tally tally = tally(draw.kind());
            long sentNs = System.nanoTime();
            long current = transaction + 1;
            transaction = current;
            isOpen = true;
            Ending ending = performUntilItStands(draw, tally);
            isOpen = false;
            tally.latenciesUs.recordValue(Math.min(HIGHEST_US, (System.nanoTime() - sentNs) / 1_000));
            (ending == Ending.COMMITTED ? tally.committed : tally.withoutEffect).incrementAndGet();
            if (openAtKill == current) {
                continued.incrementAndGet();
            }
        }

        private Ending performUntilItStands(Draw draw, Tally tally) throws SQLException {
            while (true) {
                try {
                    return draw.job().perform();
                } catch (SQLException e) {
                    if (!DEADLOCK.equals(e.getSQLState())) {
                        throw e;
                    }
                    tally.deadlocks.incrementAndGet();
                    deadlocks.incrementAndGet();
                    connection.rollback();
                }
            }
        }

        private void fail(Draw draw, Throwable e) {
            isOpen = false;
            errors.incrementAndGet();
            if (e instanceof SQLException known && UNKNOWN.equals(known.getSQLState())) {
                unknown.incrementAndGet();
            }
            if (problems.size() < PROBLEMS_MAX) {
                String state = e instanceof SQLException known ? known.getSQLState() + " " : "";
                problems.add("terminal " + number + ", " + draw.kind() + ": " + state + e);
            }
        }
    }

    private Tally tally(String kind) {
        Tally tally = tallies.get(kind);
        if (tally == null) {
            throw new IllegalStateException("nobody counts " + kind);
        }
        return tally;
    }
}
