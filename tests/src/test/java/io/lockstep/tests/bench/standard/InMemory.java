package io.lockstep.tests.bench.standard;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/** Terminals over a database of H2's within this process. Used by the test's thread. */
final class InMemory {
    private InMemory() {}

    /** Lets terminals work until they have ended that many transactions. */
    static TerminalRun.Result run(Benchmark benchmark, String url, int terminals, long transactions) throws Exception {
        List<Connection> connections = new ArrayList<>();
        try {
            for (int i = 0; i < terminals; i++) {
                Connection terminal = DriverManager.getConnection(url);
                try (Statement statement = terminal.createStatement()) {
                    statement.execute("SET LOCK_TIMEOUT 60000");
                }
                terminal.setAutoCommit(false);
                connections.add(terminal);
            }
            TerminalRun run = new TerminalRun(benchmark, connections);
            run.start();
            while (run.ended() < transactions) {
                Thread.onSpinWait();
            }
            return run.end();
        } finally {
            for (Connection terminal : connections) {
                terminal.close();
            }
        }
    }
}
