package io.lockstep.backupnode;

import java.time.Duration;
import java.util.List;

/**
 * How a backup behaves. Immutable; checked when built.
 *
 * @param failureDetection the active's own limit for its backups; a backup waits one and a half times as long (R12);
 *     50 ms to 60 s
 * @param nodes names of all nodes, at least one; the first one starts a new database
 */
public record BackupNodeConfig(Duration failureDetection, List<String> nodes) {
    public BackupNodeConfig {
        nodes = List.copyOf(nodes);
        if (failureDetection.compareTo(Duration.ofMillis(50)) < 0
                || failureDetection.compareTo(Duration.ofSeconds(60)) > 0) {
            throw new IllegalArgumentException("failure detection must be 50 ms to 60 s, is " + failureDetection);
        }
        if (nodes.isEmpty()) {
            throw new IllegalArgumentException("at least one node must be named");
        }
    }

    /** Without a sign of life for so long the active is suspected, in nanoseconds. */
    long suspicionNs() {
        return failureDetection.toNanos() * 3 / 2;
    }

    /** Time between two attempts to find the active, in nanoseconds. */
    long locateNs() {
        return Math.max(10_000_000L, failureDetection.toNanos() / 10);
    }
}
