package io.lockstep.tests.mutants;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** The simulation's checks are strong: the shipped cores with one rule off are caught. */
class MutantRunTest {
    /** All are caught within 10,000, as {@code ./lockstep simulate --mutants} shows; most much sooner. */
    private static final int SCHEDULES = Integer.getInteger("lockstep.mutant.schedules", 150);

    private static final int CAUGHT_SOON = 30;

    @BeforeAll
    static void hush() {
        if (LoggerFactory.getLogger("io.lockstep") instanceof Logger logger) {
            logger.setLevel(Level.OFF);
        }
    }

    @Test
    void catchesMostMutantsWithinFewSchedulesAndEveryOneApplies() throws InterruptedException {
        List<MutantRun.Outcome> outcomes = MutantRun.run(
                ProtocolMutants.all(), 1, SCHEDULES, Runtime.getRuntime().availableProcessors(), line -> {});
        outcomes.forEach(outcome -> System.out.println(MutantRun.line(outcome)));
        assertThat(outcomes).hasSizeGreaterThanOrEqualTo(CAUGHT_SOON);
        assertThat(outcomes.stream().filter(MutantRun.Outcome::isCaught)).hasSizeGreaterThanOrEqualTo(CAUGHT_SOON);
    }

    @Test
    void saysSoWhenThePlaceOfAMutantIsGone() {
        Mutant gone = Mutant.of("nothing", "none", Patch.skips("backupnode/BackupCore", "promote", "noSuchCall"));
        assertThatThrownBy(() -> MutantRun.run(List.of(gone), 1, 1, 1, line -> {}))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("mutant 'nothing' does not apply");
    }

    @Test
    void theShippedCoresPassWithTheirMutantsOff() {
        MutantLoader loader = new MutantLoader(ProtocolMutants.all());
        for (long seed = 1; seed <= 5; seed++) {
            assertThat(loader.verdict(0, seed)).isNull();
        }
    }
}
