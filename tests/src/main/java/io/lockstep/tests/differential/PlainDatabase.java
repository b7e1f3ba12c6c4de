package io.lockstep.tests.differential;

import io.lockstep.tests.differential.SqlScript.Line;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Plain H2 in this process's memory, set as the nodes set theirs: what the others must equal. Touched by one thread; each
 * session has a thread of its own.
 *
 * <p>Whoever waits for a lock is let go on by ending whom it waits for. That is H2's to say, so the schedule becomes known
 * as it is run here, and is run again elsewhere.
 */
final class PlainDatabase implements AutoCloseable {
    private static final String SETTINGS = ";ANALYZE_AUTO=0;QUERY_CACHE_SIZE=0;TIME ZONE=UTC";
    private static final long LOOK_EVERY_MS = 1;
    /** H2 spins instead of waiting where its holder has rolled back a statement, and names no blocker then. */
    private static final long SPINS_AFTER_MS = 1_000;

    private static final long LIMIT_S = 40;

    /** Somebody who waits, and is left waiting. */
    private record Left(int asked, CompletableFuture<String> answer) {}

    private final Connection administrator;
    private final String url;

    PlainDatabase(String name) throws SQLException {
        this.url = "jdbc:h2:mem:" + name + SETTINGS;
        this.administrator = DriverManager.getConnection(url, "ROOT", "root");
        try (Statement statement = administrator.createStatement()) {
            statement.execute("CREATE USER APP PASSWORD 'app'");
            statement.execute("GRANT ALTER ANY SCHEMA TO APP");
        }
    }

    private Connection connect() throws SQLException {
        return DriverManager.getConnection(url, "APP", "app");
    }

    /** Runs it. @return what was done and seen, in order; the lines that were added end whom somebody waited for */
    Story run(SqlScript script) throws SQLException {
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            for (String sql : script.setUp) {
                statement.execute(sql);
            }
        }
        List<SqlClient> clients = new ArrayList<>();
        try {
            Map<Integer, Integer> numbers = new HashMap<>();
            for (int session = 0; session < script.sessions; session++) {
                SqlClient client = new SqlClient(session, connect(), script.schema);
                clients.add(client);
                numbers.put(sessionId(client.connection()), session);
            }
            Story story = new Story(script);
            SplittableRandom random = new SplittableRandom(~script.seed);
            Map<Integer, Left> left = new HashMap<>();
            for (Line line : script.lines) {
                if (line.step() instanceof SqlStep.Settled) {
                    Left waiting = left.remove(line.session());
                    if (waiting != null) {
                        story.seen(waiting.asked(), await(waiting.answer()));
                    }
                    continue;
                }
                CompletableFuture<String> answer = clients.get(line.session()).ask(line.step());
                int asked = story.asked(line);
                while (!isDone(answer)) {
                    if (line.isLeft()) {
                        left.put(line.session(), new Left(asked, answer));
                        break;
                    }
                    for (int holder : holders(numbers, line.session(), script.sessions)) {
                        Line end = new Line(
                                holder, random.nextBoolean() ? new SqlStep.Commit() : new SqlStep.Rollback(), false);
                        int ended = story.asked(end);
                        story.seen(ended, await(clients.get(holder).ask(end.step())));
                    }
                }
                if (!left.containsKey(line.session())) {
                    story.seen(asked, await(answer));
                }
            }
            for (SqlClient client : clients) {
                client.connection().rollback();
            }
            try (Connection connection = connect()) {
                story.image(DatabaseImage.of(connection, script.schema));
            }
            return story;
        } finally {
            for (SqlClient client : clients) {
                client.close();
            }
        }
    }

    private static int sessionId(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT SESSION_ID()")) {
            rows.next();
            return rows.getInt(1);
        }
    }

    /** Whether it is answered; returns at once when it waits. */
    private boolean isDone(CompletableFuture<String> answer) throws SQLException {
        long spinsAtNs = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(SPINS_AFTER_MS);
        while (System.nanoTime() - spinsAtNs < 0) {
            try {
                answer.get(LOOK_EVERY_MS, TimeUnit.MILLISECONDS);
                return true;
            } catch (TimeoutException e) {
                if (blocker() != null) {
                    return false;
                }
            } catch (ExecutionException e) {
                throw new IllegalStateException(e.getCause());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException(e);
            }
        }
        return false;
    }

    /** H2's number of a session that blocks another; null when none does. */
    private @Nullable Integer blocker() throws SQLException {
        try (Statement statement = administrator.createStatement();
                ResultSet rows = statement.executeQuery(
                        "SELECT BLOCKER_ID FROM INFORMATION_SCHEMA.SESSIONS WHERE BLOCKER_ID IS NOT NULL")) {
            return rows.next() ? rows.getInt(1) : null;
        }
    }

    private List<Integer> holders(Map<Integer, Integer> numbers, int waiting, int sessions) throws SQLException {
        Integer blocker = blocker();
        Integer holder = blocker == null ? null : numbers.get(blocker);
        if (holder != null && holder != waiting) {
            return List.of(holder);
        }
        List<Integer> others = new ArrayList<>();
        for (int other = 0; other < sessions; other++) {
            if (other != waiting) {
                others.add(other);
            }
        }
        return others;
    }

    private static String await(CompletableFuture<String> answer) {
        try {
            return answer.get(LIMIT_S, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        } catch (TimeoutException e) {
            throw new IllegalStateException("plain H2 does not answer", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() throws SQLException {
        try (Connection last = administrator;
                Statement statement = last.createStatement()) {
            statement.execute("SHUTDOWN IMMEDIATELY");
        }
    }
}
