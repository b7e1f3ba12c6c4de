package io.lockstep.activenode;

import java.time.Duration;

/**
 * How an active behaves. Immutable; checked when built.
 *
 * @param failureDetection how long a backup of the view may give no sign before it is removed; 50 ms to 60 s
 * @param takeoverBudget most unexecuted work that a backup may have, in execution time (rule R11); 1 ms to 10 s
 * @param ringSize slots of the ring, a power of two, 64 to 1,048,576
 * @param forwardBatchBytes most bytes of entries in one frame; 4 KiB to 4 MiB
 * @param forwardWindowBytes most bytes of entries sent to one backup and not acknowledged; at least the batch
 */
public record ActiveNodeConfig(
        Duration failureDetection,
        Duration takeoverBudget,
        int ringSize,
        int forwardBatchBytes,
        int forwardWindowBytes) {
    public ActiveNodeConfig {
        require(
                failureDetection.compareTo(Duration.ofMillis(50)) >= 0
                        && failureDetection.compareTo(Duration.ofSeconds(60)) <= 0,
                "failure detection must be 50 ms to 60 s, is " + failureDetection);
        require(
                takeoverBudget.compareTo(Duration.ofMillis(1)) >= 0
                        && takeoverBudget.compareTo(Duration.ofSeconds(10)) <= 0,
                "takeover budget must be 1 ms to 10 s, is " + takeoverBudget);
        require(
                ringSize >= 64 && ringSize <= 1 << 20 && Integer.bitCount(ringSize) == 1,
                "ring size must be a power of two from 64 to 1048576, is " + ringSize);
        require(
                forwardBatchBytes >= 4096 && forwardBatchBytes <= 4 << 20,
                "forward batch must be 4 KiB to 4 MiB, is " + forwardBatchBytes);
        require(forwardWindowBytes >= forwardBatchBytes, "forward window must hold one batch");
    }

    /** The defaults with a given failure detection. */
    public static ActiveNodeConfig withFailureDetection(Duration failureDetection) {
        return new ActiveNodeConfig(failureDetection, Duration.ofMillis(50), 4096, 256 << 10, 4 << 20);
    }

    /** A backup hears from the active at least this often, in nanoseconds. */
    long heartbeatNs() {
        return failureDetection.toNanos() / 10;
    }

    private static void require(boolean condition, String what) {
        if (!condition) {
            throw new IllegalArgumentException(what);
        }
    }
}
