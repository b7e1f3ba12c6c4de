package io.lockstep.tests.bench.standard;

import io.lockstep.distributor.DigestAnswer;
import io.lockstep.distributor.LockstepClient;
import io.lockstep.distributor.LockstepException;
import io.lockstep.server.Cluster;
import io.lockstep.server.ClusterStatus;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Whether all nodes hold the same. Immutable, safe from any thread.
 *
 * <p>The digest is a message like others: a backup compares its own as it executes it, and one that differs leaves the
 * view. So they are equal when every node has executed it and every backup is in sync.
 *
 * @param equal whether they are
 * @param position of the message; 0 when it was not answered
 * @param digest that was answered
 * @param nodes how each node was then, one line each
 */
record Copies(boolean equal, long position, long digest, List<String> nodes) {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final long LOOK_EVERY_MS = 20;

    Copies {
        nodes = List.copyOf(nodes);
    }

    /** Asks for a digest, and waits until every node has executed it. */
    static Copies compare(Cluster cluster) throws InterruptedException {
        int backups = cluster.plan().backups();
        cluster.awaitInSync(backups, LIMIT);
        try (LockstepClient client = LockstepClient.builder()
                .cluster(cluster.plan().cluster())
                .distributors(cluster.clientAddresses())
                .label("bench")
                .open()) {
            DigestAnswer answer = client.digestAsync().toCompletableFuture().get(LIMIT.toSeconds(), TimeUnit.SECONDS);
            long end = System.nanoTime() + LIMIT.toNanos();
            ClusterStatus status = cluster.awaitInSync(0, LIMIT);
            while (!isReached(status, backups, answer.position()) && System.nanoTime() - end < 0) {
                Thread.sleep(LOOK_EVERY_MS);
                status = cluster.awaitInSync(0, LIMIT);
            }
            return new Copies(
                    isReached(status, backups, answer.position()),
                    answer.position(),
                    answer.digest(),
                    status.nodes().stream()
                            .map(node -> node.name() + " " + node.role() + (node.inSync() ? ", in sync" : "")
                                    + ", executed " + node.executedPosition())
                            .toList());
        } catch (ExecutionException | TimeoutException | LockstepException e) {
            return new Copies(false, 0, 0, List.of("the cluster answered no digest: " + e));
        }
    }

    private static boolean isReached(ClusterStatus status, int backups, long position) {
        return status.isInSync(backups)
                && status.nodes().stream().allMatch(node -> node.executedPosition() >= position);
    }

    Map<String, Object> toJson() {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("equal", equal);
        json.put("position", position);
        json.put("digest", Long.toHexString(digest));
        json.put("nodes", nodes);
        return json;
    }
}
