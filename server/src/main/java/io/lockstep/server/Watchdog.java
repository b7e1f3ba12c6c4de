package io.lockstep.server;

import java.time.Duration;

/**
 * How long the lane has been at one message. Touched only by the node agent. Time in which the agent did not run either
 * counts for little, so that a process that stood still does not accuse the message that it was at.
 */
final class Watchdog {
    /** Most that the time between two looks counts. */
    private static final long LOOK_MAX_NS = 100_000_000L;

    private final long limitNs;
    private long beganNs;
    private long lastLookNs;
    private long watchedNs;

    /** @param limit for one message */
    Watchdog(Duration limit) {
        this.limitNs = limit.toNanos();
    }

    /**
     * Looks, every few milliseconds.
     *
     * @param isExecuting whether the lane is at a message
     * @param sinceNs when it began with it; tells one message from the next
     */
    boolean isOverdue(boolean isExecuting, long sinceNs, long nowNs) {
        boolean isSame = isExecuting && sinceNs == beganNs;
        watchedNs = isSame ? watchedNs + Math.min(LOOK_MAX_NS, nowNs - lastLookNs) : 0;
        beganNs = sinceNs;
        lastLookNs = nowNs;
        return watchedNs > limitNs;
    }
}
