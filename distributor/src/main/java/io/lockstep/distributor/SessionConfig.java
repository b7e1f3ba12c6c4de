package io.lockstep.distributor;

import java.time.Duration;

/**
 * Settings of one client session, and the times that follow from them. Immutable.
 *
 * @param requestTimeout every request ends by then, 100 ms or more
 * @param windowRequests requests sent and unanswered at a time, 1 to 65,536
 * @param queueMax requests that wait for a place in the window, 0 or more
 * @param touchInterval a session without ordered requests shows a sign of life that often; a third of the nodes' limit
 */
public record SessionConfig(Duration requestTimeout, int windowRequests, int queueMax, Duration touchInterval) {
    private static final long MS = 1_000_000;

    /** @throws IllegalArgumentException naming the setting, its value and what is allowed */
    public SessionConfig {
        require(
                requestTimeout.compareTo(Duration.ofMillis(100)) >= 0
                        && requestTimeout.compareTo(Duration.ofHours(1)) <= 0,
                "requestTimeout",
                requestTimeout,
                "100 ms to 1 hour");
        require(windowRequests >= 1 && windowRequests <= 65_536, "windowRequests", windowRequests, "1 to 65536");
        require(queueMax >= 0, "queueMax", queueMax, "0 or more");
        require(touchInterval.compareTo(Duration.ofMillis(10)) >= 0, "touchInterval", touchInterval, "10 ms or more");
    }

    /** 30 s, 1,024 requests, 65,536 waiting, a touch every 20 s. */
    public static SessionConfig defaults() {
        return new SessionConfig(Duration.ofSeconds(30), 1_024, 65_536, Duration.ofSeconds(20));
    }

    private static void require(boolean holds, String setting, Object value, String allowed) {
        if (!holds) {
            throw new IllegalArgumentException(
                    "client setting " + setting + " is " + value + ", but must be " + allowed);
        }
    }

    long timeoutNs() {
        return requestTimeout.toNanos();
    }

    /** Time kept before the deadline for barring a request: a fifth of the timeout, between 100 ms and 2 s. */
    long voidMarginNs() {
        return voidMarginNs(timeoutNs());
    }

    /** The same for a request with a timeout of its own. */
    static long voidMarginNs(long timeoutNs) {
        return Math.min(timeoutNs / 2, clamp(timeoutNs / 5, 100 * MS, 2_000 * MS));
    }

    /** First pause after a hint that a copy was not taken. */
    long backOffMinNs() {
        return 4 * MS;
    }

    /** Longest such pause; several fit between barring and the deadline. */
    long backOffMaxNs() {
        return clamp(voidMarginNs() / 4, 10 * MS, 250 * MS);
    }

    /** Silence after which everything unanswered is sent again on the same channel. */
    long silenceNs() {
        return clamp(timeoutNs() / 15, 40 * MS, 1_000 * MS);
    }

    /** Silence after which another distributor is tried: this one may be stopped, or cut off. */
    long stallNs() {
        return clamp(timeoutNs() / 10, 100 * MS, 1_500 * MS);
    }

    private static long clamp(long value, long least, long most) {
        return Math.max(least, Math.min(most, value));
    }
}
