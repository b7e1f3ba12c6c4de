package io.lockstep.tests.onejvm;

import java.net.InetSocketAddress;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;

/**
 * An application: one JDBC connection, and what it does with it. Used by the test's thread only, but for what it asks
 * {@link #inBackground}.
 */
final class SqlActor {
    private final Drill drill;
    private final String name;
    private final Connection connection;

    /** @param properties of the URL, beside those that every actor has; empty or like {@code name=value&name=value} */
    SqlActor(
            Drill drill,
            String name,
            List<InetSocketAddress> distributors,
            String user,
            String password,
            String properties) {
        this.drill = drill;
        this.name = name;
        String hosts = distributors.stream()
                .map(each -> each.getAddress().getHostAddress() + ":" + each.getPort())
                .collect(Collectors.joining(","));
        try {
            this.connection = DriverManager.getConnection(
                    "jdbc:lockstep://" + hosts + "/lockstep?cluster=" + Drill.CLUSTER + "&ApplicationName="
                            + name.replace(' ', '-') + "&connectTimeout=" + Drill.LIMIT.toSeconds() + "&socketTimeout="
                            + Drill.LIMIT.toSeconds() + "&" + properties,
                    user,
                    password);
        } catch (SQLException e) {
            throw new AssertionError(name + " gets no connection", e);
        }
    }

    Connection connection() {
        return connection;
    }

    /** Begins a transaction. */
    SqlActor begin() throws SQLException {
        connection.setAutoCommit(false);
        return this;
    }

    /** Executes these, one after the other. */
    SqlActor execute(String... statements) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
        return this;
    }

    /** Every row, its columns joined by commas. */
    List<String> rows(String query) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(query)) {
            List<String> all = new ArrayList<>();
            while (rows.next()) {
                all.add(line(rows));
            }
            return all;
        }
    }

    static String line(ResultSet rows) throws SQLException {
        List<String> columns = new ArrayList<>();
        for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) {
            columns.add(rows.getString(i));
        }
        return String.join(",", columns);
    }

    /** The only row. */
    String one(String query) throws SQLException {
        List<String> all = rows(query);
        if (all.size() != 1) {
            throw new AssertionError(query + " gives " + all);
        }
        return all.get(0);
    }

    /** Something that an application does, and that may fail as JDBC does. */
    interface Work<T> {
        T on(Connection connection) throws SQLException;
    }

    /** Does it on a thread of its own. @return what it gave */
    <T> Pending<T> inBackground(Work<T> work) {
        CompletableFuture<T> done = new CompletableFuture<>();
        Thread thread = new Thread(
                () -> {
                    try {
                        done.complete(work.on(connection));
                    } catch (SQLException | RuntimeException | Error e) {
                        done.completeExceptionally(e);
                    }
                },
                name);
        thread.setDaemon(true);
        thread.start();
        return new Pending<>(done);
    }

    /** What was asked for and may not be answered yet. */
    record Pending<T>(CompletableFuture<T> done) {
        boolean isAnswered() {
            return done.isDone();
        }

        T await() throws SQLException {
            try {
                return done.get(Drill.LIMIT.toSeconds(), TimeUnit.SECONDS);
            } catch (ExecutionException e) {
                if (e.getCause() instanceof SQLException failure) {
                    throw failure;
                }
                throw new AssertionError(e.getCause());
            } catch (InterruptedException | TimeoutException e) {
                throw new AssertionError("no answer", e);
            }
        }
    }

    /** Nothing that it says is heard any more. */
    void die() {
        drill.say(name + " dies");
        drill.wiring().tearOff(name);
    }

    void close() {
        try {
            connection.close();
        } catch (SQLException e) {
            drill.say(name + " cannot close its connection: " + e);
        }
    }
}
