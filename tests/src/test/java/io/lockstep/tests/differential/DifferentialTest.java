package io.lockstep.tests.differential;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** As many sequences as fit into a minute; {@code ./lockstep differential} runs as many as are wanted. */
@Timeout(value = 4, unit = TimeUnit.MINUTES)
class DifferentialTest {
    private static final int SEQUENCES = 1_000;
    private static final int SITES = 3;
    private static final Duration LIMIT = Duration.ofMinutes(1);

    @TempDir
    private Path folder;

    @Test
    void anApplicationSeesWhatPlainH2ShowsThoughItsActiveDies() {
        DifferentialRun.Report report = new DifferentialRun(
                        new DifferentialRun.Order(1, SEQUENCES, SITES, 1, LIMIT, false),
                        number -> new LocalSite(folder.resolve("site-" + number)),
                        System.out::println)
                .run();
        System.out.println(report.sequences + " sequences, " + report.waited + " messages of them waited for a lock");
        assertThat(report.failures).isEmpty();
        assertThat(report.sequences).isPositive();
    }

    @Test
    void aSeedDrawsTheSameScript() {
        SqlScript one = SqlScript.draw(7);
        SqlScript same = SqlScript.draw(7);
        assertThat(same.lines).usingRecursiveComparison().isEqualTo(one.lines);
        assertThat(SqlScript.draw(8).lines).usingRecursiveComparison().isNotEqualTo(one.lines);
    }
}
