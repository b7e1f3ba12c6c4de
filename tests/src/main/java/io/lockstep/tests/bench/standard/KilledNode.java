package io.lockstep.tests.bench.standard;

import io.lockstep.server.ChildProcess;
import io.lockstep.server.Cluster;
import io.lockstep.server.ClusterStatus;
import io.lockstep.server.ClusterStatus.NodeStatus;
import io.lockstep.server.ClusterStatus.TakeoverStatus;
import io.lockstep.server.CommandFailure;
import io.lockstep.server.ExitCode;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * One active that was killed under load, and what followed. Immutable, safe from any thread.
 *
 * @param node who it was
 * @param open transactions that were open
 * @param term of whoever took over
 * @param to who took over
 * @param promotedMs from the signal until that one was active
 * @param backMs from the signal until the killed one was started again and in sync
 */
record KilledNode(String node, int open, long term, String to, double promotedMs, double backMs) {
    private static final Duration LIMIT = Duration.ofSeconds(90);
    private static final Duration TAKEOVER_LIMIT = Duration.ofSeconds(30);
    private static final long LOOK_EVERY_MS = 20;

    /**
     * Waits until all backups are in sync and transactions are open, kills the active, and starts it again once somebody
     * has taken over.
     *
     * @throws CommandFailure (failed) when nobody takes over, or the killed one does not come back
     */
    static KilledNode kill(Cluster cluster, TerminalRun run) throws InterruptedException {
        int backups = cluster.plan().backups();
        long end = System.nanoTime() + LIMIT.toNanos();
        ClusterStatus before = cluster.awaitInSync(backups, LIMIT);
        while (run.open() == 0) {
            if (System.nanoTime() - end >= 0) {
                throw new CommandFailure(ExitCode.FAILED, "no transaction is open; nothing to show by a kill");
            }
            Thread.onSpinWait();
        }
        ChildProcess victim =
                cluster.child(before.activeNode().map(NodeStatus::name).orElseThrow());
        int open = run.beforeKill();
        long atMicros = micros(victim.kill());
        run.afterKill();
        NodeStatus winner = awaitWinner(cluster, before.term());
        TakeoverStatus takeover = winner.takeover();
        if (takeover == null) {
            throw new IllegalStateException("a winner without a takeover: " + winner);
        }
        victim.onExit().join();
        victim.restart(LIMIT);
        cluster.awaitInSync(backups, LIMIT);
        return new KilledNode(
                victim.name(),
                open,
                takeover.term(),
                winner.name(),
                (takeover.promotedAtMicros() - atMicros) / 1e3,
                (micros(Instant.now()) - atMicros) / 1e3);
    }

    private static NodeStatus awaitWinner(Cluster cluster, long term) throws InterruptedException {
        long end = System.nanoTime() + TAKEOVER_LIMIT.toNanos();
        while (System.nanoTime() - end < 0) {
            Optional<NodeStatus> winner = cluster.awaitInSync(0, TAKEOVER_LIMIT).nodes().stream()
                    .filter(node -> isWinner(node.takeover(), term))
                    .findFirst();
            if (winner.isPresent()) {
                return winner.get();
            }
            Thread.sleep(LOOK_EVERY_MS);
        }
        throw new CommandFailure(
                ExitCode.FAILED,
                "nobody took over after term " + term + " within " + TAKEOVER_LIMIT.toSeconds() + " s");
    }

    private static boolean isWinner(@org.jspecify.annotations.Nullable TakeoverStatus takeover, long term) {
        return takeover != null && takeover.term() > term;
    }

    private static long micros(Instant instant) {
        return ChronoUnit.MICROS.between(Instant.EPOCH, instant);
    }

    Map<String, Object> toJson() {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("node", node);
        json.put("open", open);
        json.put("term", term);
        json.put("to", to);
        json.put("promotedMs", tenths(promotedMs));
        json.put("backMs", tenths(backMs));
        return json;
    }

    private static double tenths(double value) {
        return Math.round(value * 10) / 10.0;
    }
}
