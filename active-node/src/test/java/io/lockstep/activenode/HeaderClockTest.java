package io.lockstep.activenode;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class HeaderClockTest {
    private static final long MS = 1_000_000;
    private static final long SECOND = 1_000 * MS;
    private static final long HOUR = 3_600 * SECOND;
    private static final long WALL = 1_790_000_000L * SECOND;

    @Test
    void aNewDatabaseTakesTheWallClockAsItIs() {
        assertThat(new HeaderClock(0, 5 * SECOND, WALL).now(5 * SECOND, WALL)).isEqualTo(WALL);
    }

    @Test
    void goesOnFromTheLastEntryAndNotFromTheWallClock() {
        HeaderClock clock = new HeaderClock(WALL, 5 * SECOND, WALL - HOUR);
        assertThat(clock.now(5 * SECOND, WALL - HOUR)).isEqualTo(WALL);
    }

    @Test
    void countsTheTimeBetweenTheLastEntryAndTheTakeover() {
        HeaderClock clock = new HeaderClock(WALL, 5 * SECOND, WALL + 2 * SECOND);
        assertThat(clock.now(7 * SECOND, WALL + 2 * SECOND)).isEqualTo(WALL + 2 * SECOND);
    }

    @Test
    void row53AJumpOfTheWallClockPullsByATenthOfTheElapsedTimeAtMost() {
        HeaderClock ahead = new HeaderClock(WALL, 0, WALL);
        HeaderClock behind = new HeaderClock(WALL, 0, WALL);
        for (long elapsed = 100 * MS; elapsed <= 10 * SECOND; elapsed += 100 * MS) {
            assertThat(ahead.now(elapsed, WALL + elapsed + HOUR)).isEqualTo(WALL + elapsed + elapsed / 10);
            assertThat(behind.now(elapsed, WALL + elapsed - HOUR)).isEqualTo(WALL + elapsed - elapsed / 10);
        }
    }

    @Test
    void arrivesAtTheWallClockAndStaysThere() {
        HeaderClock clock = new HeaderClock(WALL, 0, WALL);
        clock.now(10 * SECOND, WALL + 10 * SECOND + 500 * MS);
        assertThat(clock.now(20 * SECOND, WALL + 20 * SECOND + 500 * MS)).isEqualTo(WALL + 20 * SECOND + 500 * MS);
    }

    @Test
    void row53NeverGoesBackHoweverTheWallClockJumps() {
        HeaderClock clock = new HeaderClock(WALL, 0, WALL);
        long last = WALL;
        for (int i = 1; i <= 1_000; i++) {
            long jump = (i % 3 - 1) * HOUR;
            long now = clock.now(i * 7L * MS, WALL + i * 7L * MS + jump);
            assertThat(now).isGreaterThan(last);
            last = now;
        }
    }

    @Test
    void staysWhereItIsWhenTheMonotonicClockIsAskedForAnEarlierTime() {
        HeaderClock clock = new HeaderClock(WALL, 0, WALL);
        long now = clock.now(SECOND, WALL + SECOND);
        assertThat(clock.now(SECOND - MS, WALL - HOUR)).isEqualTo(now);
        assertThat(clock.now(2 * SECOND, WALL + 2 * SECOND)).isEqualTo(WALL + 2 * SECOND);
    }
}
