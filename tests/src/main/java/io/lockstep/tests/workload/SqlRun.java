package io.lockstep.tests.workload;

import io.lockstep.distributor.TermChange;
import io.lockstep.server.drill.Workload;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.ToLongBiFunction;
import java.util.stream.Collectors;

/**
 * One run of a SQL load: as many tellers as transactions are to be open, each with a thread. Safe from any thread: what
 * tellers share is guarded by this object's lock, or atomic.
 */
final class SqlRun implements Workload.Run {
    /** No statement is given up because somebody else holds its row: every error is a defect. */
    private static final int LOCK_TIMEOUT_MS = 60_000;

    private static final int TIMEOUT_S = 60;

    private final Workload.Door door;
    private final SqlLoad load;
    private final List<SqlTeller> tellers = new ArrayList<>();
    private final List<Thread> threads = new ArrayList<>();
    private final Problems problems = new Problems();
    private final ConcurrentLinkedQueue<SqlTransaction> transactions = new ConcurrentLinkedQueue<>();
    private final AtomicInteger open = new AtomicInteger();
    private final AtomicInteger everOpen = new AtomicInteger();
    private final AtomicLong answered = new AtomicLong();
    private final AtomicLong unknown = new AtomicLong();
    private final AtomicLong errors = new AtomicLong();
    private final AtomicLong term = new AtomicLong();
    private volatile boolean isDraining;
    private volatile boolean isWarm;
    private volatile long warmNs;
    private volatile Workload.Phase phase = Workload.Phase.BEFORE;
    /** Guarded by this. */
    private final LatencyLog latencies = new LatencyLog();

    SqlRun(Workload.Door door, Workload.Settings settings, SqlLoad load) {
        this.door = door;
        this.load = load;
        long thinkNs = settings.openTransactions() * 1_000_000_000L / settings.messagesPerSecond();
        SplittableRandom random = new SplittableRandom(settings.seed());
        for (int number = 0; number < settings.openTransactions(); number++) {
            SqlTeller teller = new SqlTeller(number, random.split(), load, this::connect, new Ears(), thinkNs);
            tellers.add(teller);
            Thread thread = new Thread(() -> work(teller), "teller-" + number);
            thread.setDaemon(true);
            threads.add(thread);
        }
    }

    /** A connection whose statements wait for locks longer than a takeover takes. */
    Connection connect() throws SQLException {
        String hosts = door.distributors().stream()
                .map(each -> each.getHostString() + ":" + each.getPort())
                .collect(Collectors.joining(","));
        Connection connection = DriverManager.getConnection(
                "jdbc:lockstep://" + hosts + "/lockstep?cluster=" + door.cluster()
                        + "&ApplicationName=drill&socketTimeout=" + TIMEOUT_S + "&connectTimeout=" + TIMEOUT_S,
                "app",
                "app");
        try (Statement statement = connection.createStatement()) {
            statement.execute("SET LOCK_TIMEOUT " + LOCK_TIMEOUT_MS);
        }
        return connection;
    }

    private void work(SqlTeller teller) {
        try {
            teller.connection();
            teller.work();
        } catch (SQLException | RuntimeException | Error e) {
            fail("teller " + teller.number + " goes home: " + e, false);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void fail(String what, boolean isUnknown) {
        errors.incrementAndGet();
        if (isUnknown) {
            unknown.incrementAndGet();
        }
        problems.add(what);
    }

    // ---- a run ------------------------------------------------------------------------------------------------------

    @Override
    public void start() {
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            for (String sql : load.setUp()) {
                statement.execute(sql);
            }
        } catch (SQLException e) {
            throw new IllegalStateException("the load cannot be set up: " + e.getMessage(), e);
        }
        threads.forEach(Thread::start);
    }

    @Override
    public boolean isWarm() {
        return isWarm;
    }

    @Override
    public int openTransactions() {
        return open.get();
    }

    @Override
    public long answeredMessages() {
        return answered.get();
    }

    @Override
    public void enter(Workload.Phase next) {
        phase = next;
    }

    @Override
    public void beforeKill() {
        tellers.forEach(SqlTeller::beforeKill);
    }

    @Override
    public boolean drain(Duration limit) throws InterruptedException {
        isDraining = true;
        long endNs = System.nanoTime() + limit.toNanos();
        boolean isDrained = true;
        for (Thread thread : threads) {
            thread.join(Math.max(1, (endNs - System.nanoTime()) / 1_000_000));
            isDrained &= !thread.isAlive();
        }
        if (!isDrained) {
            fail(
                    "after " + limit.toSeconds() + " s transactions were still open: "
                            + transactions.stream()
                                    .filter(each -> each.fate == SqlTransaction.Fate.OPEN)
                                    .toList(),
                    true);
        }
        return isDrained;
    }

    @Override
    public Workload.Verdict verdict() {
        SqlAudit audit = new SqlAudit(problems);
        try (Connection connection = connect()) {
            load.audit(connection, audit);
        } catch (SQLException e) {
            audit.wrong("the books could not be read: " + e);
        }
        synchronized (this) {
            return new Workload.Verdict(
                    transactions.size(),
                    transactions.stream()
                            .filter(each -> each.fate == SqlTransaction.Fate.COMMITTED
                                    || each.fate == SqlTransaction.Fate.ROLLED_BACK)
                            .count(),
                    transactions.stream()
                            .filter(each -> each.wasOpenAtKill
                                    && each.fate != SqlTransaction.Fate.OPEN
                                    && each.fate != SqlTransaction.Fate.UNCERTAIN)
                            .count(),
                    audit.lost(),
                    audit.doubled(),
                    unknown.get(),
                    errors.get(),
                    audit.isBalanced(),
                    audit.lines(),
                    latencies.byPhase(),
                    latencies.timeline(),
                    problems.lines());
        }
    }

    @Override
    public List<String> differencesFromUndisturbed(ToLongBiFunction<Long, Long> timeNs) {
        throw new UnsupportedOperationException("who waits for whom is not in the seed");
    }

    @Override
    public void close() {
        isDraining = true;
        for (SqlTeller teller : tellers) {
            try {
                teller.close();
            } catch (SQLException e) {
                problems.add("teller " + teller.number + " cannot close its connection: " + e);
            }
        }
    }

    /** What tellers tell. */
    private final class Ears implements SqlTeller.Listener {
        private boolean wasOpen;

        @Override
        public void answered(long sentNs, long answeredNs) {
            answered.incrementAndGet();
            if (isWarm) {
                synchronized (SqlRun.this) {
                    latencies.add(phase, sentNs - warmNs, answeredNs - warmNs);
                }
            }
        }

        @Override
        public void heard(long newTerm) {
            if (newTerm > term.get() && term.getAndAccumulate(newTerm, Math::max) < newTerm) {
                door.terms().accept(new TermChange(newTerm, ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now())));
            }
        }

        @Override
        public void begun(SqlTransaction transaction) {
            transactions.add(transaction);
        }

        @Override
        public void changed(boolean isOpen) {
            open.addAndGet(isOpen ? 1 : -1);
            if (isOpen && !wasOpen) {
                wasOpen = true;
                if (everOpen.incrementAndGet() == tellers.size()) {
                    warmNs = System.nanoTime();
                    isWarm = true;
                }
            }
        }

        @Override
        public boolean isDraining() {
            return isDraining;
        }

        @Override
        public void failed(String what, boolean isUnknown) {
            fail(what, isUnknown);
        }
    }
}
