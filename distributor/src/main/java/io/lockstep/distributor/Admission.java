package io.lockstep.distributor;

import io.github.resilience4j.bulkhead.Bulkhead;
import io.github.resilience4j.bulkhead.BulkheadConfig;
import io.github.resilience4j.ratelimiter.RateLimiter;
import io.github.resilience4j.ratelimiter.RateLimiterConfig;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Which client connections are let in: only so many at a time, and only so many new ones per second. Safe from any
 * thread. Asked once per connection, never per message.
 */
final class Admission {
    private final Bulkhead places;
    private final RateLimiter arrivals;
    private final DistributorConfig config;

    Admission(DistributorConfig config) {
        this.config = config;
        this.places = Bulkhead.of(
                config.name(),
                BulkheadConfig.custom()
                        .maxConcurrentCalls(config.connectionsMax())
                        .maxWaitDuration(Duration.ZERO)
                        .build());
        this.arrivals = RateLimiter.of(
                config.name(),
                RateLimiterConfig.custom()
                        .limitForPeriod(config.connectionsPerSecond())
                        .limitRefreshPeriod(Duration.ofSeconds(1))
                        .timeoutDuration(Duration.ZERO)
                        .build());
    }

    /** Takes a place; null when there was one, else why not and what to do. */
    @Nullable String refuse() {
        if (!places.tryAcquirePermission()) {
            return config.connectionsMax() + " clients are connected, which is the limit; close some, use another"
                    + " distributor, or raise its limit";
        }
        if (!arrivals.acquirePermission()) {
            places.releasePermission();
            return "more than " + config.connectionsPerSecond()
                    + " clients connected within a second, which is the limit; connect again a little later";
        }
        return null;
    }

    /** An admitted connection has ended. */
    void leave() {
        places.onComplete();
    }

    /** Places taken. */
    int admitted() {
        return config.connectionsMax() - places.getMetrics().getAvailableConcurrentCalls();
    }
}
