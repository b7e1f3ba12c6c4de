package io.lockstep.server.drill;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockstep.server.CommandFailure;
import io.lockstep.server.ExitCode;
import io.lockstep.server.Main;
import io.lockstep.server.Output;
import io.lockstep.server.drill.DrillConfig.Fault;
import io.lockstep.server.drill.DrillConfig.Target;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class DrillCommandTest {
    @Test
    void knowsWhatToDoWithoutOptions() {
        DrillConfig config = parsed();

        assertThat(config.workload()).isEqualTo("calls");
        assertThat(config.kills()).isOne();
        assertThat(config.backups()).isOne();
        assertThat(config.calls()).isEqualTo(1000);
        assertThat(config.rate()).isEqualTo(2000);
        assertThat(config.seconds()).isEqualTo(15);
        assertThat(config.seed()).isPositive();
        assertThat(config.fault()).isEqualTo(Fault.KILL);
        assertThat(config.target()).isEqualTo(Target.ACTIVE);
        assertThat(config.heapMebibytes()).isEqualTo(512);
        assertThat(config.stateBytes()).isZero();
        assertThat(config.distributors()).isOne();
        assertThat(config.report()).hasFileName("report.html").hasParentRaw(config.directory());
    }

    @Test
    void runIsTheSame() {
        assertThat(parsed("run", "--kills", "3").kills()).isEqualTo(3);
        assertThat(parsed("--kills", "3", "run").seconds()).isEqualTo(25);
    }

    @Test
    void theCommandLineThatRepeatsADrillMeansTheSame() {
        DrillConfig first = parsed(
                "--kills",
                "4",
                "--backups",
                "2",
                "--calls",
                "100000",
                "--rate",
                "500",
                "--seed",
                "99",
                "--fault",
                "stop",
                "--target",
                "backup",
                "--strict",
                "--heap",
                "1g");
        String[] words = first.commandLine().split(" ");

        DrillConfig again = parsed(Arrays.copyOfRange(words, 2, words.length));

        assertThat(again)
                .usingRecursiveComparison()
                .ignoringFields("directory", "report")
                .isEqualTo(first);
        assertThat(first.stateBytes()).isEqualTo(1024);
    }

    @Test
    void startsTwoDistributorsWhenOneIsToFail() {
        assertThat(parsed("--target", "distributor").distributors()).isEqualTo(2);
    }

    @Test
    void understandsSizes() {
        assertThat(DrillCommand.heapMebibytes("512m")).isEqualTo(512);
        assertThat(DrillCommand.heapMebibytes("2G")).isEqualTo(2048);
        assertThat(DrillCommand.heapMebibytes("256")).isEqualTo(256);
        assertThatThrownBy(() -> DrillCommand.heapMebibytes("much"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("--heap is 'much'");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--kills=-1",
                "--backups=0",
                "--calls=0",
                "--rate=0",
                "--seconds=0",
                "--state-bytes=-1",
                "--level=durable",
                "--heap=x",
                "walk"
            })
    void refusesWhatMakesNoSense(String option) {
        assertThatThrownBy(() -> parsed(option))
                .isInstanceOf(CommandFailure.class)
                .satisfies(failure ->
                        assertThat(((CommandFailure) failure).exitCode()).isEqualTo(ExitCode.USAGE));
    }

    @ParameterizedTest
    @ValueSource(strings = {"--kills=many", "--fault=sleep", "--target=client", "--nonsense"})
    void refusesWhatItCannotRead(String option) {
        StringWriter talk = new StringWriter();

        int exit = Main.run(new String[] {"drill", option}, new PrintWriter(new StringWriter()), new PrintWriter(talk));

        assertThat(exit).isEqualTo(ExitCode.USAGE.code());
        assertThat(talk.toString()).contains(option.replaceAll("=.*", ""));
    }

    private static DrillConfig parsed(String... options) {
        DrillCommand command =
                new DrillCommand(new Output(new PrintWriter(new StringWriter()), new PrintWriter(new StringWriter())));
        new CommandLine(command).setCaseInsensitiveEnumValuesAllowed(true).parseArgs(options);
        return command.config();
    }
}
