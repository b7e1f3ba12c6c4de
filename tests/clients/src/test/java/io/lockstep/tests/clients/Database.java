package io.lockstep.tests.clients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A database as a user starts it: {@code ./lockstep up --restart}, which brings a killed node back. Used by one thread at a
 * time.
 */
final class Database implements AutoCloseable {
    static final String USER = "app";
    static final String PASSWORD = "app";

    private static final String NAME = "clients";
    /** Of one command; the first of a fresh tree builds Lockstep. */
    private static final Duration LIMIT = Duration.ofMinutes(10);

    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path state;
    private final Process up;
    private final String url;
    private int kills;

    private Database(Path state) throws IOException {
        this.state = state;
        Path log = state.resolve("up.log");
        this.up = launcher("-o", "json", "up", "--database", NAME, "--port", "0", "--restart", "--reset")
                .redirectError(log.toFile())
                .start();
        JsonNode started = JSON.reader().readTree(up.getInputStream());
        if (!started.hasNonNull("connect")) {
            throw new IllegalStateException("no database came up; " + log + " says: " + Files.readString(log));
        }
        this.url = "jdbc:lockstep://" + started.get("connect").get(0).asText() + "/" + NAME;
    }

    /** Starts one and waits until its backup is in sync. */
    static Database start() {
        try {
            Path state = Files.createDirectories(Path.of(System.getProperty("lockstep.state"), "database"));
            return new Database(state);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What an application is told, beside user and password. */
    String url() {
        return url;
    }

    Connection connect() throws SQLException {
        return DriverManager.getConnection(url, USER, PASSWORD);
    }

    /** Nothing of an earlier test is left, and a backup is in sync. */
    void begin() throws SQLException {
        awaitInSync();
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            statement.execute("DROP ALL OBJECTS");
        }
        kills = 0;
    }

    /** {@code kill -9} to the JVM that the view names as active. */
    void killActive() {
        ProcessHandle active = active();
        assertThat(active.destroyForcibly()).isTrue();
        assertThat(active.onExit().orTimeout(10, TimeUnit.SECONDS).join().isAlive())
                .isFalse();
        kills++;
    }

    /** How often the active was killed since the test began. */
    int kills() {
        return kills;
    }

    /** Rows as a connection of its own finds them: each a line, with a blank between values. */
    List<String> rows(String query) throws SQLException {
        try (Connection connection = connect();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(query)) {
            List<String> lines = new ArrayList<>();
            while (rows.next()) {
                List<String> values = new ArrayList<>();
                for (int column = 1; column <= rows.getMetaData().getColumnCount(); column++) {
                    values.add(String.valueOf(rows.getObject(column)));
                }
                lines.add(String.join(" ", values));
            }
            return lines;
        }
    }

    private ProcessHandle active() {
        return ProcessHandle.of(Long.parseLong(command("pid", "active").strip()))
                .orElseThrow();
    }

    /** The node that was killed last is back, and holds everything. */
    private void awaitInSync() {
        await().atMost(Duration.ofMinutes(2)).pollDelay(Duration.ZERO).untilAsserted(() -> {
            JsonNode nodes = JSON.readTree(command("-o", "json", "status")).get("nodes");
            assertThat(nodes).hasSize(2).allSatisfy(node -> assertThat(
                            node.get("inSync").asBoolean())
                    .isTrue());
        });
    }

    private String command(String... words) {
        try {
            Process process = launcher(words)
                    .redirectError(ProcessBuilder.Redirect.appendTo(
                            state.resolve("commands.log").toFile()))
                    .start();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).as(String.join(" ", words)).isZero();
            return said;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** With a state of its own, so that another database may be up from the same tree. */
    private ProcessBuilder launcher(String... words) {
        String launcher =
                Path.of(System.getProperty("lockstep.launcher")).normalize().toString();
        ProcessBuilder builder = new ProcessBuilder(
                Stream.concat(Stream.of(launcher), Stream.of(words)).toList());
        builder.environment().put("LOCKSTEP_HOME", state.toString());
        return builder;
    }

    /** TERM, as Ctrl-C: {@code up} ends what it has started. */
    @Override
    public void close() {
        up.destroy();
        up.onExit().orTimeout(LIMIT.toSeconds(), TimeUnit.SECONDS).join();
    }
}
