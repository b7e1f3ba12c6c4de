package io.lockstep.tests.differential;

import java.sql.Array;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** One session, and what it sees, as text. Owns the thread {@code sql-N}, on which everything is done. */
final class SqlClient implements AutoCloseable {
    /** Drawn by H2 from clock and chance, and told in the text of errors. */
    private static final Pattern DRAWN = Pattern.compile("(TIMESTAMP WITH TIME ZONE|UUID) '[^']*'");

    private final Connection connection;
    private final ExecutorService thread;
    private final Map<String, Savepoint> savepoints = new HashMap<>();
    private @Nullable Statement opened;
    private @Nullable ResultSet rows;

    SqlClient(int number, Connection connection) {
        this.connection = connection;
        this.thread = Executors.newSingleThreadExecutor(work -> {
            Thread made = new Thread(work, "sql-" + number);
            made.setDaemon(true);
            return made;
        });
    }

    Connection connection() {
        return connection;
    }

    /** Does it. @return everything that an application sees of it */
    CompletableFuture<String> ask(SqlStep step) {
        return CompletableFuture.supplyAsync(() -> perform(step), thread);
    }

    private String perform(SqlStep step) {
        try {
            return seen(step);
        } catch (SQLException e) {
            return failure(e);
        }
    }

    static String failure(SQLException e) {
        StringBuilder text =
                new StringBuilder("error " + e.getErrorCode() + " " + e.getSQLState() + " " + e.getMessage());
        if (e instanceof BatchUpdateException batch) {
            text.append(" after ").append(Arrays.toString(batch.getUpdateCounts()));
            for (SQLException next = e.getNextException(); next != null; next = next.getNextException()) {
                text.append("; ").append(next.getErrorCode()).append(' ').append(next.getMessage());
            }
        }
        return DRAWN.matcher(text).replaceAll("$1 drawn");
    }

    private String seen(SqlStep step) throws SQLException {
        if (step instanceof SqlStep.Execute execute) {
            return execute(execute);
        } else if (step instanceof SqlStep.Batch batch) {
            return batch(batch);
        } else if (step instanceof SqlStep.Open open) {
            return open(open);
        } else if (step instanceof SqlStep.Next next) {
            return next(next.rows());
        } else if (step instanceof SqlStep.Commit) {
            connection.commit();
        } else if (step instanceof SqlStep.Rollback) {
            connection.rollback();
        } else if (step instanceof SqlStep.AutoCommit autoCommit) {
            connection.setAutoCommit(autoCommit.isOn());
        } else if (step instanceof SqlStep.SetSavepoint set) {
            savepoints.put(set.name(), connection.setSavepoint(set.name()));
        } else if (step instanceof SqlStep.RollbackTo to) {
            Savepoint savepoint = savepoints.get(to.name());
            if (savepoint == null) {
                return "no savepoint";
            }
            connection.rollback(savepoint);
        }
        return "done";
    }

    private String execute(SqlStep.Execute step) throws SQLException {
        List<Object> parameters = step.parameters();
        if (parameters == null) {
            try (Statement statement = connection.createStatement()) {
                return result(statement, statement.execute(step.sql()), false);
            }
        }
        try (PreparedStatement statement = connection.prepareStatement(
                step.sql(), step.hasKeys() ? Statement.RETURN_GENERATED_KEYS : Statement.NO_GENERATED_KEYS)) {
            set(statement, parameters);
            return result(statement, statement.execute(), step.hasKeys());
        }
    }

    private static void set(PreparedStatement statement, List<Object> parameters) throws SQLException {
        for (int i = 0; i < parameters.size(); i++) {
            statement.setObject(i + 1, parameters.get(i));
        }
    }

    private static String result(Statement statement, boolean isQuery, boolean hasKeys) throws SQLException {
        StringBuilder text = new StringBuilder();
        if (isQuery) {
            try (ResultSet rows = statement.getResultSet()) {
                header(rows, text);
                take(rows, Integer.MAX_VALUE, text);
            }
        } else {
            text.append("count ").append(statement.getUpdateCount());
        }
        if (hasKeys) {
            try (ResultSet keys = statement.getGeneratedKeys()) {
                text.append(" keys ");
                header(keys, text);
                take(keys, Integer.MAX_VALUE, text);
            }
        }
        return text.toString();
    }

    private String batch(SqlStep.Batch step) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(step.sql())) {
            for (List<Object> row : step.rows()) {
                set(statement, row);
                statement.addBatch();
            }
            return "counts " + Arrays.toString(statement.executeBatch());
        }
    }

    private String open(SqlStep.Open step) throws SQLException {
        Statement before = opened;
        if (before != null) {
            before.close();
        }
        Statement statement = connection.createStatement();
        statement.setFetchSize(step.fetchSize());
        opened = statement;
        ResultSet begun = statement.executeQuery(step.sql());
        rows = begun;
        StringBuilder text = new StringBuilder();
        header(begun, text);
        return text + next(step.rows());
    }

    private String next(int count) throws SQLException {
        ResultSet open = rows;
        if (open == null) {
            return "nothing is open";
        }
        StringBuilder text = new StringBuilder();
        take(open, count, text);
        return text.toString();
    }

    private static void header(ResultSet rows, StringBuilder text) throws SQLException {
        ResultSetMetaData columns = rows.getMetaData();
        for (int i = 1; i <= columns.getColumnCount(); i++) {
            text.append(columns.getColumnLabel(i))
                    .append(' ')
                    .append(columns.getColumnTypeName(i))
                    .append('(')
                    .append(columns.getPrecision(i))
                    .append(',')
                    .append(columns.getScale(i))
                    .append(") ");
        }
    }

    private static void take(ResultSet rows, int count, StringBuilder text) throws SQLException {
        int columns = rows.getMetaData().getColumnCount();
        for (int left = count; left > 0; left--) {
            if (!rows.next()) {
                text.append("| end");
                return;
            }
            text.append("| ");
            for (int i = 1; i <= columns; i++) {
                Object value = rows.getObject(i);
                text.append(value instanceof Array array ? Arrays.deepToString((Object[]) array.getArray()) : value)
                        .append(' ');
            }
        }
    }

    @Override
    public void close() throws SQLException {
        thread.shutdown();
        connection.close();
    }
}
