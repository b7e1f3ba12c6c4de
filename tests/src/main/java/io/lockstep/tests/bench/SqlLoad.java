package io.lockstep.tests.bench;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Sessions in a closed loop over JDBC, a thread and a connection each. Used by one thread. */
final class SqlLoad implements Load {
    private static final Logger LOG = LoggerFactory.getLogger(SqlLoad.class);
    private static final long HIGHEST_US = 60_000_000;

    private final List<Connection> connections = new ArrayList<>();
    private final List<SqlWorkload.Unit> units = new ArrayList<>();

    /** Opens a connection, however the peer is reached. */
    interface Connector {
        Connection connect() throws SQLException;
    }

    SqlLoad(Connector connector, SqlWorkload workload, int sessions) throws SQLException {
        for (int number = 0; number < sessions; number++) {
            Connection connection = connector.connect();
            connections.add(connection);
            units.add(workload.open(connection, number));
        }
    }

    @Override
    public Round run(long nanos) throws InterruptedException {
        Histogram latenciesUs = new ConcurrentHistogram(HIGHEST_US, 3);
        AtomicLong transactions = new AtomicLong();
        AtomicLong errors = new AtomicLong();
        List<Thread> threads = new ArrayList<>();
        long beganNs = System.nanoTime();
        for (int number = 0; number < units.size(); number++) {
            SqlWorkload.Unit unit = units.get(number);
            threads.add(new Thread(
                    () -> loop(unit, beganNs + nanos, latenciesUs, transactions, errors), "bench-session-" + number));
        }
        threads.forEach(Thread::start);
        for (Thread thread : threads) {
            thread.join();
        }
        return new Round(transactions.get(), (System.nanoTime() - beganNs) / 1e9, latenciesUs, errors.get());
    }

    /** A session that had an error does nothing more in this round. */
    private static void loop(
            SqlWorkload.Unit unit, long endNs, Histogram latenciesUs, AtomicLong transactions, AtomicLong errors) {
        try {
            for (long sentNs = System.nanoTime(); sentNs - endNs < 0; ) {
                unit.run();
                long answeredNs = System.nanoTime();
                latenciesUs.recordValue(Math.min(HIGHEST_US, (answeredNs - sentNs) / 1_000));
                transactions.incrementAndGet();
                sentNs = answeredNs;
            }
        } catch (SQLException e) {
            errors.incrementAndGet();
            LOG.warn("a session of the bench ended: {}", e.toString(), e);
        }
    }

    @Override
    public void close() {
        for (Connection connection : connections) {
            try {
                connection.close();
            } catch (SQLException e) {
                LOG.warn("closing a session of the bench: {}", e.toString());
            }
        }
    }
}
