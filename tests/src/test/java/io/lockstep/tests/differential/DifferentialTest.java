package io.lockstep.tests.differential;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** As many sequences as fit into a minute; {@code ./lockstep differential} runs as many as are wanted. */
@Timeout(value = 4, unit = TimeUnit.MINUTES)
class DifferentialTest {
    private static final int SEQUENCES = 300;
    private static final Duration LIMIT = Duration.ofMinutes(1);

    @TempDir
    private Path folder;

    @Test
    void anApplicationSeesWhatPlainH2ShowsThoughItsActiveDies() throws SQLException {
        long endNs = System.nanoTime() + LIMIT.toNanos();
        int done = 0;
        long waited = 0;
        try (Site site = new LocalSite(folder)) {
            Comparison comparison = new Comparison(site);
            for (long seed = 1; seed <= SEQUENCES && System.nanoTime() - endNs < 0; seed++) {
                Comparison.Outcome outcome = comparison.compare(seed);
                assertThat(outcome.differences()).as("seed " + seed).isEmpty();
                waited += outcome.waited();
                done++;
            }
        }
        System.out.println(done + " sequences, " + waited + " messages of them waited for a lock");
        assertThat(done).isPositive();
    }

    @Test
    void aSeedDrawsTheSameScript() {
        SqlScript one = SqlScript.draw(7);
        SqlScript same = SqlScript.draw(7);
        assertThat(same.lines).isEqualTo(one.lines);
        assertThat(SqlScript.draw(8).lines).isNotEqualTo(one.lines);
    }
}
