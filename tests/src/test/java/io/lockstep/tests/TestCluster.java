package io.lockstep.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lockstep.distributor.DigestAnswer;
import io.lockstep.distributor.LockstepClient;
import io.lockstep.distributor.LockstepException;
import io.lockstep.server.ChildProcess;
import io.lockstep.server.Cluster;
import io.lockstep.server.ClusterPlan;
import io.lockstep.server.ClusterStatus;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;

/** Real processes with the services of these tests on their class path. Used by the test's thread only. */
final class TestCluster implements AutoCloseable {
    static final Duration LIMIT = Duration.ofSeconds(60);

    private static final String CLASS_PATH = "lockstep.classpath";

    private final Cluster cluster;

    private TestCluster(Cluster cluster) {
        this.cluster = cluster;
    }

    /** A plan whose children run from the class path of this test, with that folder outside of the database. */
    static ClusterPlan plan(Path folder, String service) {
        return ClusterPlan.in(folder.resolve("cluster"))
                .withService(service)
                .withHeapMebibytes(128)
                .withJvmOptions(List.of("-D" + PoisonService.OUTSIDE + "=" + folder));
    }

    /** Starts everything and waits until all nodes are in sync. */
    static TestCluster start(ClusterPlan plan) {
        System.setProperty(
                CLASS_PATH, System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")));
        TestCluster started;
        try {
            started = new TestCluster(Cluster.start(plan));
        } finally {
            System.clearProperty(CLASS_PATH);
        }
        started.allInSync();
        return started;
    }

    Cluster processes() {
        return cluster;
    }

    /** Starts again whoever has ended, and waits until all nodes are in sync. */
    ClusterStatus allInSync() {
        for (ChildProcess node : cluster.nodes()) {
            if (!node.isAlive()) {
                node.restart(LIMIT);
            }
        }
        return cluster.awaitInSync(cluster.plan().backups(), LIMIT);
    }

    /** The active; waits for one. */
    ChildProcess active() {
        cluster.awaitInSync(0, LIMIT);
        return cluster.active().orElseThrow();
    }

    /** Nodes whose process has ended. */
    List<ChildProcess> fallen() {
        return cluster.nodes().stream().filter(node -> !node.isAlive()).toList();
    }

    /** A client that shows no sign of life of its own, so that positions are this test's alone. */
    LockstepClient client(String label) {
        return client(label, cluster.clientAddresses());
    }

    /** Such a client of those distributors only. */
    LockstepClient client(String label, List<InetSocketAddress> distributors) {
        return LockstepClient.builder()
                .distributors(distributors)
                .label(label)
                .connectTimeout(LIMIT)
                .requestTimeout(LIMIT)
                .touchInterval(Duration.ofMinutes(10))
                .open();
    }

    /** All nodes agree: the digest is part of an outcome that backups compare, and all of them are in sync after it. */
    DigestAnswer equalEverywhere(LockstepClient client) {
        ClusterStatus before = allInSync();
        DigestAnswer digest = client.digestAsync().toCompletableFuture().join();
        String active = String.valueOf(before.active());
        await().atMost(LIMIT).untilAsserted(() -> {
            ClusterStatus now = cluster.status();
            assertThat(now.active()).isEqualTo(active);
            assertThat(now.nodes()).allSatisfy(node -> {
                assertThat(node.executedPosition()).isGreaterThanOrEqualTo(digest.position());
                assertThat(node.inSync()).isTrue();
            });
        });
        return digest;
    }

    /** How that stage fails. */
    static LockstepException failure(CompletionStage<?> stage) {
        try {
            Object answer = stage.toCompletableFuture()
                    .orTimeout(LIMIT.toSeconds() + 10, TimeUnit.SECONDS)
                    .join();
            throw new AssertionError("it did not fail, but gave " + answer);
        } catch (CompletionException e) {
            if (e.getCause() instanceof LockstepException failure) {
                return failure;
            }
            throw e;
        }
    }

    /** What that child has logged, over all its runs. */
    static String log(ChildProcess child) {
        try {
            return Files.readString(child.log());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        cluster.close();
    }
}
