package io.lockstep.tests.differential;

import io.lockstep.distributor.DigestAnswer;
import io.lockstep.distributor.LockstepClient;
import io.lockstep.server.ChildProcess;
import io.lockstep.server.Cluster;
import io.lockstep.server.ClusterPlan;
import io.lockstep.server.ClusterStatus;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** Real processes: a distributor and two nodes, of which one is killed with SIGKILL. Used by one thread. */
final class ProcessSite implements Site {
    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final long LOOK_EVERY_NS = 20_000_000;

    private final Cluster cluster;
    /** Somebody who was killed and is not ready yet; null when nobody is. */
    private @Nullable CompletableFuture<Void> restarting;

    ProcessSite(Path folder) {
        this.cluster = Cluster.start(ClusterPlan.in(folder)
                .withCluster("differential-" + ProcessHandle.current().pid())
                .withService("prepaid-calls")
                .withHeapMebibytes(256));
        cluster.awaitInSync(LIMIT);
    }

    @Override
    public String url() {
        return cluster.jdbcUrl() + "&TimeZone=UTC";
    }

    @Override
    public void kill() {
        cluster.awaitInSync(0, LIMIT);
        cluster.active().orElseThrow().kill();
    }

    @Override
    public void restart() {
        for (ChildProcess node : cluster.nodes()) {
            if (!node.isAlive() && restarting == null) {
                restarting = CompletableFuture.runAsync(() -> node.restart(LIMIT));
            }
        }
    }

    @Override
    public void mend() {
        restart();
        CompletableFuture<Void> begun = restarting;
        if (begun != null) {
            begun.join();
            restarting = null;
        }
        cluster.awaitInSync(cluster.plan().backups(), LIMIT);
    }

    @Override
    public long digest() {
        DigestAnswer answer;
        try (LockstepClient client = LockstepClient.builder()
                .cluster(cluster.plan().cluster())
                .distributors(cluster.clientAddresses())
                .label("auditor")
                .open()) {
            answer = client.digestAsync().toCompletableFuture().join();
        }
        long endNs = System.nanoTime() + LIMIT.toNanos();
        while (true) {
            ClusterStatus status = cluster.awaitInSync(cluster.plan().backups(), LIMIT);
            if (status.nodes().stream().allMatch(each -> each.executedPosition() >= answer.position())) {
                return answer.digest();
            }
            if (System.nanoTime() - endNs >= 0) {
                throw new IllegalStateException("the nodes are not equal: " + status);
            }
            LockSupport.parkNanos(LOOK_EVERY_NS);
        }
    }

    @Override
    public void close() {
        cluster.close();
    }
}
