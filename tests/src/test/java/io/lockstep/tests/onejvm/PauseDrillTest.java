package io.lockstep.tests.onejvm;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * Pauses of the active just below and above what its backup endures (row 26). A pause stands for a collection or
 * SIGSTOP: the node's agent stands still where it tells how it is, and nothing leaves or reaches the node meanwhile; its
 * lane has nothing to do then, since all that it does goes through the agent.
 */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
@ExtendWith(Timeline.class)
class PauseDrillTest {
    private static final int PAUSES = 100;
    private static final Duration FAILURE_DETECTION = Duration.ofMillis(100);
    /** A backup endures one and a half times failure detection. */
    private static final int LIMIT_MS = 150;

    private static final int AROUND_MS = 40;

    @TempDir
    private Path folder;

    @Test
    void row26APauseAroundTheLimitMakesOneTermAtMost() throws Exception {
        long seed = new Random().nextLong();
        Timeline.add("seed " + seed);
        Random random = new Random(seed);
        int takeovers = 0;
        try (Drill drill = Drill.start(folder, Drill.Plan.ordinary().withFailureDetection(FAILURE_DETECTION))) {
            Runnable stop = drill.client("busy").keepBusy();
            for (int i = 0; i < PAUSES; i++) {
                drill.awaitInSync(1);
                NodeActor active = drill.active();
                long term = active.status().term();
                Runnable goOn = active.pause();
                Thread.sleep(random.nextInt(LIMIT_MS - AROUND_MS, LIMIT_MS + AROUND_MS));
                goOn.run();
                drill.awaitInSync(1);
                long after = drill.term();
                assertThat(after).as("term after pause " + i).isBetween(term, term + 1);
                takeovers += (int) (after - term);
            }
            stop.run();
            drill.check();
        }
        assertThat(takeovers)
                .as("pauses around the limit, of which some are above it")
                .isBetween(1, PAUSES);
    }
}
