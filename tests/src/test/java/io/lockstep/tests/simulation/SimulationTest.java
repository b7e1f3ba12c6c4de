package io.lockstep.tests.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Thousands of schedules over the shipped cores; a failing one prints its seed, and runs again with it. */
class SimulationTest {
    private static final int SCHEDULES = Integer.getInteger("lockstep.schedules", 3_000);
    private static final long FIRST_SEED = Long.getLong("lockstep.seed", 1L);

    @BeforeAll
    static void hush() {
        QuietLogs.hush();
    }

    @Test
    void keepsItsPromisesUnderEveryScheduleOfTheSwarm() throws InterruptedException {
        SimulationRun.Report report = SimulationRun.run(
                Schedule.Executor.MODEL,
                FIRST_SEED,
                SCHEDULES,
                Runtime.getRuntime().availableProcessors(),
                System.out::println);
        assertThat(report.failures()).as(() -> stories(report)).isEmpty();
        assertThat(report.schedules()).isEqualTo(SCHEDULES);
        assertThat(report.withTakeover()).isGreaterThan(SCHEDULES * 6L / 10);
        assertThat(report.repeated()).isPositive();
    }

    private static String stories(SimulationRun.Report report) {
        StringBuilder text = new StringBuilder();
        for (SimulationRun.Failure failure : report.failures().stream().limit(3).toList()) {
            text.append("seed ")
                    .append(failure.seed())
                    .append(": ")
                    .append(failure.violation())
                    .append('\n');
            Shrinker.Shrunk shrunk =
                    Shrinker.shrink(Schedule.of(failure.seed(), Schedule.Executor.MODEL), failure.violation());
            shrunk.timeline().forEach(line -> text.append(line).append('\n'));
        }
        return text.toString();
    }

    @Test
    void givesTheSameScheduleForTheSameSeed() {
        for (long seed = FIRST_SEED; seed < FIRST_SEED + 10; seed++) {
            assertThat(new Simulation(seed).run()).isEqualTo(new Simulation(seed).run());
        }
    }

    /** An active alone needs no round for a read; a copy that was given up is gone when all others are killed. */
    @ParameterizedTest
    @ValueSource(longs = {2_100_557_641L, 2_550_018_234L})
    void keepsItsPromisesWhereAScheduleOnceFailed(long seed) {
        assertThat(new Simulation(seed).run().seed()).isEqualTo(seed);
    }

    @Test
    void tellsTheTimelineOfAScheduleOnRequest() {
        Simulation simulation = new Simulation(Schedule.of(FIRST_SEED, Schedule.Executor.MODEL), true);
        Simulation.Result traced = simulation.run();
        assertThat(traced).isEqualTo(new Simulation(FIRST_SEED).run());
        List<String> timeline = simulation.timeline();
        assertThat(timeline).anyMatch(line -> line.contains(" leads view 1 term 1 "));
        assertThat(timeline).last().asString().contains(" ms  ");
    }
}
