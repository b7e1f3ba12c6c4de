package io.lockstep.tests.bench;

import io.lockstep.server.Cluster;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The peer of SQL benchmarks: one H2 server over TCP with a database in memory, not replicated. Used by one thread. */
public final class H2Server implements AutoCloseable {
    private static final String READY = "TCP server running at tcp://";

    private final Process process;
    private final String url;

    /** Starts it in a JVM of its own, with the heap, its pages and the collector of a node. */
    public H2Server(int heapMebibytes) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("-Xmx" + heapMebibytes + "m");
        command.add("-XX:+UseSerialGC");
        command.addAll(Cluster.largePages());
        command.addAll(List.of(
                "-cp",
                System.getProperty("java.class.path"),
                "org.h2.tools.Server",
                "-tcp",
                "-tcpPort",
                "0",
                "-ifNotExists"));
        process = new ProcessBuilder(command).redirectErrorStream(true).start();
        BufferedReader output =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        String line = output.readLine();
        while (line != null && !line.startsWith(READY)) {
            line = output.readLine();
        }
        if (line == null) {
            close();
            throw new IOException("H2's server ended before it was ready");
        }
        String port = line.substring(line.lastIndexOf(':') + 1).split(" ", 2)[0];
        url = "jdbc:h2:tcp://127.0.0.1:" + port + "/mem:bench;DB_CLOSE_DELAY=-1";
    }

    long pid() {
        return process.pid();
    }

    /** A new connection, as the owner of the database. */
    public Connection connect() throws SQLException {
        return DriverManager.getConnection(url, "sa", "");
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(5, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
