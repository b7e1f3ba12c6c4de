package io.lockstep.tsdstore.sql;

import java.io.UncheckedIOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.h2.tools.SimpleResultSet;
import org.jspecify.annotations.Nullable;

/** Functions as an operator would install them, good ones and bad ones. */
public final class Methods {
    /** Set by {@link #dawdle} when it has begun. */
    static final AtomicBoolean IS_DAWDLING = new AtomicBoolean();

    /** What came of {@link #elsewhere}, and on which thread. */
    static final AtomicReference<String> LATE = new AtomicReference<>("");

    static final AtomicReference<@Nullable Thread> KEPT_THREAD = new AtomicReference<>();

    private Methods() {}

    /** From nothing but its argument. */
    public static int twice(int of) {
        return 2 * of;
    }

    public static int thrice(int of) {
        return 3 * of;
    }

    public static int overloaded(int one) {
        return one;
    }

    public static int overloaded(int one, int other) {
        return one + other;
    }

    public static int ambiguous(int one) {
        return one;
    }

    public static int ambiguous(String one) {
        return one.length();
    }

    /** Adds to a row of T, and says what it is then. */
    public static int add(Connection connection, int id, int some) throws SQLException {
        try (PreparedStatement change = connection.prepareStatement("update t set v = v + ? where id = ?")) {
            change.setInt(1, some);
            change.setInt(2, id);
            change.executeUpdate();
        }
        return value(connection, id);
    }

    public static int value(Connection connection, int id) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement("select v from t where id = ?")) {
            query.setInt(1, id);
            try (ResultSet row = query.executeQuery()) {
                return row.next() ? row.getInt(1) : -1;
            }
        }
    }

    /** Adds to two rows; of the second it does not mind an error. */
    public static String addQuietly(Connection connection, int first, int second) throws SQLException {
        add(connection, first, 1);
        try {
            add(connection, second, 1);
            return "both";
        } catch (SQLException e) {
            return "only the first: " + e.getErrorCode();
        }
    }

    /** Says one statement, and hides what becomes of it. */
    public static String say(Connection connection, String sql) {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
            return "said";
        } catch (SQLException e) {
            return "hidden";
        }
    }

    /** Says it once, and again by the same prepared statement. */
    public static String sayTwice(Connection connection, String sql) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            StringBuilder outcomes = new StringBuilder();
            for (int i = 0; i < 2; i++) {
                try {
                    statement.execute();
                    outcomes.append("done ");
                } catch (SQLException e) {
                    outcomes.append(e.getErrorCode()).append(' ');
                }
            }
            return outcomes.toString().strip();
        }
    }

    public static String oneText(Connection connection, String query) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            row.next();
            return row.getString(1);
        }
    }

    public static String inserted(Connection connection, int k) throws SQLException {
        try (PreparedStatement insert =
                connection.prepareStatement("insert into g(k) values(?)", new String[] {"ID"})) {
            insert.setInt(1, k);
            insert.executeUpdate();
            try (ResultSet keys = insert.getGeneratedKeys()) {
                keys.next();
                return keys.getString(1);
            }
        }
    }

    public static String commit(Connection connection) {
        try {
            connection.commit();
            return "committed";
        } catch (SQLException e) {
            return "hidden";
        }
    }

    public static String autoCommit(Connection connection) {
        try {
            connection.setAutoCommit(true);
            return "on";
        } catch (SQLException e) {
            return "hidden";
        }
    }

    public static String close(Connection connection) {
        try {
            connection.close();
            return "closed";
        } catch (SQLException e) {
            return "hidden";
        }
    }

    public static String cancel(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("select 1");
            statement.cancel();
        }
        return "cancelled";
    }

    /** Throws whatever its name says. */
    public static int fail(Connection connection, String what, byte[] some) throws SQLException {
        switch (what) {
            case "runtime" -> throw new IllegalStateException("broken");
            case "io" -> throw new UncheckedIOException(new java.io.IOException("broken"));
            case "sql" -> throw new SQLException("broken", "45000", 45_000, new java.io.IOException("inside"));
            case "cancelled" -> throw new SQLException("broken", "57014", 57_014);
            case "closed" -> throw new SQLException("broken", "90098", 90_098);
            case "assertion" -> throw new AssertionError("broken");
            case "linkage" -> throw new NoClassDefFoundError("broken");
            case "stack" -> throw new StackOverflowError("broken");
            case "memory" -> throw new OutOfMemoryError("broken");
            default -> throw new IllegalArgumentException(what + some.length + connection.isReadOnly());
        }
    }

    /** Rows of a result of its own. */
    public static ResultSet rows(Connection connection, int count) throws SQLException {
        SimpleResultSet rows = new SimpleResultSet();
        rows.addColumn("N", java.sql.Types.INTEGER, 10, 0);
        rows.addColumn("V", java.sql.Types.INTEGER, 10, 0);
        if (!connection.getMetaData().getURL().equals("jdbc:columnlist:connection")) {
            for (int i = 1; i <= count; i++) {
                rows.addRow(i, value(connection, i));
            }
        }
        return rows;
    }

    /** Changes something even when it is only asked for its columns. */
    public static ResultSet badRows(Connection connection) throws SQLException {
        say(connection, "insert into t values(77, 77)");
        SimpleResultSet rows = new SimpleResultSet();
        rows.addColumn("N", java.sql.Types.INTEGER, 10, 0);
        return rows;
    }

    /** Calls itself, always by the same text. */
    public static int descend(Connection connection, int depth) throws SQLException {
        if (depth == 0) {
            return add(connection, 1, 1);
        }
        try (PreparedStatement deeper = connection.prepareStatement("call descend(?)")) {
            deeper.setInt(1, depth - 1);
            try (ResultSet row = deeper.executeQuery()) {
                row.next();
                return row.getInt(1) + 1;
            }
        }
    }

    /** Speaks on another thread, whenever that may. */
    public static String elsewhere(Connection connection, String sql) {
        Thread other = new Thread(() -> LATE.set(say(connection, sql)));
        KEPT_THREAD.set(other);
        other.start();
        return "nothing";
    }

    /** Queries for ever, whatever comes of it. */
    public static int dawdle(Connection connection) {
        IS_DAWDLING.set(true);
        for (int i = 0; i < 1_000_000; i++) {
            @Nullable String outcome = say(connection, "select count(*) from t a, t b");
            if (outcome.equals("hidden")) {
                return -1;
            }
        }
        return 1;
    }
}
