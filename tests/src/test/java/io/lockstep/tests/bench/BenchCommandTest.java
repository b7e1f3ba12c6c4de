package io.lockstep.tests.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.lockstep.server.ExitCode;
import io.lockstep.server.Main;
import io.lockstep.tests.bench.BenchCommand.Cell;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BenchCommandTest {
    @Test
    void aCellHasEveryKeyOfTheContract() {
        Cell cell = new Cell("w1", 32, "h2", round(3_000), round(6_000), 0.5, 0.1, 0);

        assertThat(cell.toJson())
                .containsKeys("workload", "sessions", "peer", "ours", "theirs", "ratio", "spread")
                .containsEntry("sessions", 32)
                .containsEntry("ours", 3_000L)
                .containsEntry("ratio", 0.5);
    }

    @Test
    void theMiddleRoundCounts() {
        List<Round> rounds = List.of(round(100), round(130), round(110));

        assertThat(BenchCommand.middle(rounds).messages()).isEqualTo(110);
        assertThat(BenchCommand.spread(rounds)).isCloseTo(30 / 110.0, within(1e-9));
    }

    @Test
    void aRoundIsComparedWithTheOneBesideItAndNotWithOthers() {
        // The machine was three times as fast in the second round, and slow for ours alone in the third.
        List<Round> ours = List.of(round(60), round(180), round(30));
        List<Round> theirs = List.of(round(100), round(300), round(100));

        assertThat(BenchCommand.ratio(ours, theirs)).isCloseTo(0.6, within(1e-9));
    }

    @ParameterizedTest
    @CsvSource({
        "tables,'what to measure'",
        "--level=durable,--level",
        "--rounds=0,--rounds",
        "--in-flight=0,--in-flight",
        "--sessions=0,--sessions",
        "--only=w9,--only",
        "--against=oracle,--against"
    })
    void refusesWhatItCannotMeasure(String option, String named) {
        StringWriter talk = new StringWriter();
        String[] arguments =
                option.startsWith("--") ? new String[] {"bench", "calls", option} : new String[] {"bench", option};

        int exit = Main.run(arguments, new PrintWriter(new StringWriter()), new PrintWriter(talk));

        assertThat(exit).isEqualTo(ExitCode.USAGE.code());
        assertThat(talk.toString()).contains(named);
    }

    @Test
    void theEchoComesBack() throws Exception {
        try (EchoBench echo = new EchoBench(8)) {
            Round round = echo.run(50_000_000);

            assertThat(round.messages()).isPositive();
            assertThat(round.latenciesUs().getTotalCount()).isEqualTo(round.messages());
        }
    }

    private static Round round(long messages) {
        return new Round(messages, 1.0, new Histogram(3), 0);
    }
}
