package io.lockstep.tests;

import static io.lockstep.tests.TestCluster.LIMIT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lockstep.distributor.LockstepClient;
import io.lockstep.server.AdminClient;
import io.lockstep.server.ChildProcess;
import io.lockstep.server.ClusterStatus;
import io.lockstep.server.ClusterStatus.NodeStatus;
import io.lockstep.server.ExitCode;
import io.lockstep.server.Main;
import io.lockstep.tests.RejoinIT.Witness;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * An operator starts a second process from a copy of a node's configuration (row 84). In the same folder it is refused. In
 * another one it counts as the node's next run, since nobody can tell it from one: its incarnation differs, so it joins
 * empty, and what the other run says counts for nothing. The operator sees the node in the status with another pid and
 * incarnation, and in the logs that the node "is now" somewhere else.
 */
@Timeout(value = 4, unit = TimeUnit.MINUTES)
class TwinIT {
    private static final int PIPELINED = 50;

    @TempDir
    private static Path folder;

    private static TestCluster cluster;
    private static AdminClient admin;

    @BeforeAll
    static void start() {
        cluster = TestCluster.start(TestCluster.plan(folder, "poison"));
        admin = new AdminClient(cluster.processes().plan().cluster());
    }

    @AfterAll
    static void stop() {
        if (admin != null) {
            admin.close();
        }
        cluster.close();
    }

    @Test
    void row84ASecondProcessInTheSameFolderIsRefused() throws Exception {
        long term = cluster.allInSync().term();
        ChildProcess node = cluster.active();
        Twin twin = new Twin(node.directory());
        try {
            assertThat(twin.process.onExit()).succeedsWithin(LIMIT);
            assertThat(twin.process.exitValue()).isEqualTo(ExitCode.FAILED.code());
            assertThat(Files.readString(twin.log)).contains("register", "another process");
        } finally {
            twin.end();
        }
        assertThat(cluster.allInSync().term()).isEqualTo(term);
        assertThat(cluster.active()).isSameAs(node);
    }

    @Test
    void row84ACopyThatHasTheVotersMemoryTooIsRefused() throws Exception {
        long term = cluster.allInSync().term();
        ChildProcess node = cluster.active();
        Path copy = copyOf(node);
        Files.copy(node.directory().resolve("register"), copy.resolve("register"));
        Twin twin = new Twin(copy);
        try {
            assertThat(twin.process.onExit()).succeedsWithin(LIMIT);
            assertThat(twin.process.exitValue()).isEqualTo(ExitCode.FAILED.code());
            assertThat(Files.readString(twin.log)).contains("register is a copy", "remove this file");
        } finally {
            twin.end();
            Files.delete(copy.resolve("register"));
        }
        assertThat(cluster.allInSync().term()).isEqualTo(term);
        assertThat(cluster.active()).isSameAs(node);
    }

    @Test
    void row84ACopyOfTheBackupTakesItsPlaceWhileItLivesAndNothingIsLostOrDoubled() throws Exception {
        long term = cluster.allInSync().term();
        ChildProcess active = cluster.active();
        ChildProcess backup = cluster.processes().inSyncBackups().get(0);
        try (LockstepClient client = cluster.client("copy of the backup")) {
            Witness witness = new Witness(client);
            Twin twin = new Twin(copyOf(backup));
            try {
                witness.add(PIPELINED);
                awaitNode(backup, node -> node.pid() == twin.process.pid() && node.inSync());
                witness.add(PIPELINED);
                witness.areAllAnswered();
            } finally {
                twin.end();
            }
            witness.add(PIPELINED);
            witness.areAllAnswered();
            cluster.equalEverywhere(client);
        }
        awaitNode(backup, node -> node.pid() == backup.pid() && node.inSync());
        assertThat(cluster.active()).isSameAs(active);
        assertThat(cluster.allInSync().term()).isEqualTo(term);
    }

    /** Distributors call the copy instead, which is not the active and holds nothing: clients wait until it has ended. */
    @Test
    void row84ACopyOfTheActiveNeverLeadsAndWhenItHasEndedNothingIsLostOrDoubled() throws Exception {
        cluster.allInSync();
        ChildProcess active = cluster.active();
        try (LockstepClient client = cluster.client("copy of the active")) {
            Witness witness = new Witness(client);
            Twin twin = new Twin(copyOf(active));
            try {
                awaitNode(active, node -> node.pid() == twin.process.pid());
                witness.add(PIPELINED);
                awaitNode(
                        active,
                        node -> node.pid() == twin.process.pid() && !node.role().equals("ACTIVE"));
            } finally {
                twin.end();
            }
            witness.areAllAnswered();
            cluster.equalEverywhere(client);
        }
    }

    /** A folder with the same configuration, but for itself and the port that membership needs; its voter's disk is new. */
    private static Path copyOf(ChildProcess node) throws IOException {
        Path copy = Files.createDirectories(folder.resolve("copy-of-" + node.name()));
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        String settings = Files.readString(node.directory().resolve("config.yaml"));
        Files.writeString(
                copy.resolve("config.yaml"),
                settings.replaceAll("(?m)^directory:.*$", "directory: '" + copy + "'")
                        .replaceAll("(?m)^hazelcast-port:.*$", "hazelcast-port: '" + port + "'"));
        return copy;
    }

    /** As the distributor shows it, whichever process it is. */
    private static void awaitNode(ChildProcess node, Predicate<NodeStatus> wanted) {
        await().atMost(LIMIT).until(() -> ClusterStatus.parse(
                        admin.ask(cluster.processes().clientAddresses().get(0), AdminClient.STATUS, LIMIT))
                .node(node.name())
                .filter(wanted)
                .isPresent());
    }

    /** A node that nobody of the cluster has started. */
    private static final class Twin {
        private final Process process;
        private final Path log;

        Twin(Path directory) throws IOException {
            log = folder.resolve("twin.log");
            process = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-Xmx128m",
                            "-XX:+UseSerialGC",
                            "-XX:TieredStopAtLevel=1",
                            "-Dlockstep.watch-parent=true",
                            "-Djava.net.preferIPv4Stack=true",
                            "-cp",
                            System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                            Main.class.getName(),
                            "node",
                            directory.resolve("config.yaml").toString())
                    .redirectError(log.toFile())
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
        }

        void end() throws Exception {
            process.destroyForcibly().waitFor();
        }
    }
}
