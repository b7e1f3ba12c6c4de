package io.lockstep.tests.workload;

import io.lockstep.jdbc.LockstepConnection;
import io.lockstep.tests.workload.SqlTransaction.Fate;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * One client of a SQL load: a connection, and one transaction after the other. Its thread {@code teller-N} owns it;
 * others only look at its transaction.
 *
 * <p>Between two statements it thinks, as somebody at a screen does, so that transactions stay open. Latencies count from
 * the sending: what one statement waits for another's lock is not due to the database.
 */
final class SqlTeller {
    /** What a teller tells about; safe from any thread. */
    interface Listener {
        /** A transaction is about to begin. */
        void begun(SqlTransaction transaction);

        /** A statement was answered. */
        void answered(long sentNs, long answeredNs);

        /** The connection has heard from the active of this term. */
        void heard(long term);

        /** A transaction has had its first answer, or has ended. */
        void changed(boolean isOpen);

        /** Whether tellers go home after their transaction. */
        boolean isDraining();

        /** The application has seen an error; {@code isUnknown} when nobody knows what became of its commit. */
        void failed(String what, boolean isUnknown);
    }

    /** Opens a connection. */
    interface Opener {
        Connection open() throws SQLException;
    }

    final int number;
    final SplittableRandom random;
    private final SqlLoad load;
    private final Opener opener;
    private final Listener listener;
    private final long thinkNs;
    private @Nullable Connection connection;
    private long transactions;
    private volatile @Nullable SqlTransaction current;
    private volatile boolean isOpen;

    /**
     * Opens nothing yet.
     *
     * @param thinkNs how long it thinks between two statements
     */
    SqlTeller(int number, SplittableRandom random, SqlLoad load, Opener opener, Listener listener, long thinkNs) {
        this.number = number;
        this.random = random;
        this.load = load;
        this.opener = opener;
        this.listener = listener;
        this.thinkNs = thinkNs;
    }

    // ---- its day ----------------------------------------------------------------------------------------------------

    /** One transaction after the other, until the load drains. */
    void work() throws InterruptedException {
        while (!listener.isDraining()) {
            try {
                load.transact(this);
            } catch (SQLException e) {
                failed(e);
                Thread.sleep(100); // a database that fails at once is not to be asked as fast as it fails
            }
        }
    }

    private void failed(SQLException e) {
        SqlTransaction transaction = current;
        boolean isCommitSent = transaction != null && transaction.commitSentNs != Long.MAX_VALUE;
        boolean isUnknown = isCommitSent && String.valueOf(e.getSQLState()).equals("08007");
        listener.failed(
                "teller " + number + ", " + transaction + ": " + e.getSQLState() + " " + e.getErrorCode() + " "
                        + e.getMessage(),
                isUnknown);
        if (transaction != null && transaction.fate == Fate.OPEN) {
            end(transaction, isUnknown ? Fate.UNCERTAIN : Fate.ROLLED_BACK);
        }
        try {
            Connection broken = connection;
            if (broken != null && !broken.isClosed()) {
                broken.rollback();
            } else {
                connection = null;
            }
        } catch (SQLException more) {
            listener.failed("teller " + number + " cannot roll back: " + more, false);
            connection = null;
        }
    }

    /** Opens its connection, if it has none. */
    Connection connection() throws SQLException {
        Connection known = connection;
        if (known == null) {
            known = opener.open();
            known.setAutoCommit(false);
            connection = known;
        }
        return known;
    }

    void close() throws SQLException {
        Connection known = connection;
        if (known != null) {
            connection = null;
            known.close();
        }
    }

    // ---- for others to see ------------------------------------------------------------------------------------------

    /** Whether it has a transaction whose first statement was answered. */
    boolean hasOpen() {
        return isOpen;
    }

    /** A node is about to be killed. */
    void beforeKill() {
        SqlTransaction transaction = current;
        if (isOpen && transaction != null && transaction.fate == Fate.OPEN) {
            transaction.wasOpenAtKill = true;
        }
    }

    // ---- for loads --------------------------------------------------------------------------------------------------

    /** The next transaction; nothing is sent. */
    SqlTransaction begin() {
        SqlTransaction begun = new SqlTransaction((number + 1L) * 1_000_000_000L + ++transactions);
        listener.begun(begun);
        current = begun;
        return begun;
    }

    /** Rows changed. */
    int update(String sql, Object... parameters) throws SQLException {
        return ask(sql, parameters, PreparedStatement::executeUpdate);
    }

    /** An INSERT that generates a key: the key. */
    long insert(String sql, Object... parameters) throws SQLException {
        return timed(() -> {
            try (PreparedStatement statement =
                    connection().prepareStatement(sql, PreparedStatement.RETURN_GENERATED_KEYS)) {
                set(statement, parameters);
                statement.executeUpdate();
                try (ResultSet keys = statement.getGeneratedKeys()) {
                    if (!keys.next()) {
                        throw new SQLException("no key was generated by " + sql);
                    }
                    return keys.getLong(1);
                }
            }
        });
    }

    /** The rows of a query; arrays as {@code Object[]}. */
    List<Object[]> query(String sql, Object... parameters) throws SQLException {
        return ask(sql, parameters, statement -> {
            try (ResultSet rows = statement.executeQuery()) {
                return rows(rows);
            }
        });
    }

    static List<Object[]> rows(ResultSet rows) throws SQLException {
        List<Object[]> all = new ArrayList<>();
        int columns = rows.getMetaData().getColumnCount();
        while (rows.next()) {
            Object[] row = new Object[columns];
            for (int i = 0; i < columns; i++) {
                Object value = rows.getObject(i + 1);
                row[i] = value instanceof java.sql.Array array ? array.getArray() : value;
            }
            all.add(row);
        }
        return all;
    }

    /** Ends the transaction. */
    void commit() throws SQLException {
        SqlTransaction transaction = transaction();
        timed(() -> {
            transaction.commitSentNs = System.nanoTime();
            connection().commit();
            transaction.committedNs = System.nanoTime();
            return true;
        });
        end(transaction, Fate.COMMITTED);
    }

    /** Ends the transaction, as if it had not been. */
    void rollback() throws SQLException {
        timed(() -> {
            connection().rollback();
            return true;
        });
        end(transaction(), Fate.ROLLED_BACK);
    }

    private SqlTransaction transaction() {
        SqlTransaction transaction = current;
        if (transaction == null) {
            throw new IllegalStateException("teller " + number + " has not begun");
        }
        return transaction;
    }

    private void end(SqlTransaction transaction, Fate fate) {
        transaction.fate = fate;
        if (isOpen) {
            isOpen = false;
            listener.changed(false);
        }
    }

    // ---- one statement ----------------------------------------------------------------------------------------------

    private interface Asking<T> {
        T ask(PreparedStatement statement) throws SQLException;
    }

    private interface Timed<T> {
        T ask() throws SQLException;
    }

    private <T> T ask(String sql, Object[] parameters, Asking<T> asking) throws SQLException {
        return timed(() -> {
            try (PreparedStatement statement = connection().prepareStatement(sql)) {
                set(statement, parameters);
                return asking.ask(statement);
            }
        });
    }

    private static void set(PreparedStatement statement, Object[] parameters) throws SQLException {
        for (int i = 0; i < parameters.length; i++) {
            statement.setObject(i + 1, parameters[i]);
        }
    }

    private <T> T timed(Timed<T> asking) throws SQLException {
        think();
        long sentNs = System.nanoTime();
        T answer = asking.ask();
        listener.answered(sentNs, System.nanoTime());
        listener.heard(connection().unwrap(LockstepConnection.class).term());
        if (!isOpen && transaction().fate == Fate.OPEN) {
            isOpen = true;
            listener.changed(true);
        }
        return answer;
    }

    private void think() {
        if (!listener.isDraining()) {
            try {
                // From half to one and a half, so that tellers do not come in step.
                Thread.sleep(thinkNs / 1_000_000 / 2 + random.nextLong(Math.max(1, thinkNs / 1_000_000)));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
