package io.lockstep.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** The limit of one message, with time that the test moves. */
class WatchdogTest {
    private static final long MS = 1_000_000;

    private final Watchdog watchdog = new Watchdog(Duration.ofMillis(100));
    private long now;

    @Test
    void oneMessageOverTheLimitIsOverdue() {
        assertThat(looks(21, 7)).isFalse();
        assertThat(looks(1, 7)).isTrue();
    }

    @Test
    void manyMessagesAreNot() {
        for (long began = 0; began < 100; began++) {
            assertThat(looks(15, began)).isFalse();
        }
    }

    @Test
    void aPauseBetweenMessagesBeginsAnew() {
        assertThat(looks(20, 7)).isFalse();
        now += 5 * MS;
        assertThat(watchdog.isOverdue(false, 7, now)).isFalse();
        assertThat(looks(20, 7)).isFalse();
    }

    @Test
    void aProcessThatStoodStillDoesNotAccuseItsMessage() {
        Watchdog longer = new Watchdog(Duration.ofSeconds(30));
        assertThat(longer.isOverdue(true, 7, 0)).isFalse();
        assertThat(longer.isOverdue(true, 7, 60_000 * MS)).isFalse();
    }

    private boolean looks(int count, long beganNs) {
        boolean isOverdue = false;
        for (int look = 0; look < count; look++) {
            now += 5 * MS;
            isOverdue = watchdog.isOverdue(true, beganNs, now);
        }
        return isOverdue;
    }
}
