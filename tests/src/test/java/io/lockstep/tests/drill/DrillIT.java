package io.lockstep.tests.drill;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.lockstep.server.ExitCode;
import io.lockstep.server.Main;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Drills with real processes, small enough for every build; {@code .ci/run} has a longer one. */
@Timeout(180)
class DrillIT {
    private static final String CLASS_PATH = "lockstep.classpath";
    private static final String HOME = "lockstep.home";

    @TempDir
    private static Path folder;

    @BeforeAll
    static void childrenRunFromTheClassPathOfThisTest() {
        System.setProperty(
                CLASS_PATH, System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")));
        System.setProperty(HOME, folder.toString());
    }

    @AfterAll
    static void forget() {
        System.clearProperty(CLASS_PATH);
        System.clearProperty(HOME);
    }

    @Test
    void transactionsGoOnWhenTheActiveIsKilled() throws Exception {
        JsonNode verdict = drill("--kills", "1", "--backups", "1");

        assertThat(verdict.at("/takeovers")).hasSize(1);
        assertThat(verdict.at("/takeovers/0/term").asLong()).isGreaterThan(1);
        assertThat(verdict.at("/takeovers/0/fault").asText()).isEqualTo("kill");
        assertThat(Path.of(verdict.get("report").asText())).content().contains("Lockstep drill");
    }

    @Test
    void aStoppedActiveIsHarmlessWhenItGoesOn() throws Exception {
        JsonNode verdict = drill("--fault", "stop");

        assertThat(verdict.at("/takeovers/0/fault").asText()).isEqualTo("stop");
        assertThat(verdict.at("/faults/0/cameBack").asBoolean()).isTrue();
        assertThat(verdict.at("/faults/0/thaw/answersLetGo").asLong(-1)).isZero();
    }

    @Test
    void nobodyTakesOverWhenABackupIsKilled() throws Exception {
        JsonNode verdict = drill("--target", "backup");

        assertThat(verdict.at("/takeovers")).isEmpty();
        assertThat(verdict.at("/faults/0/role").asText()).isEqualTo("backup");
    }

    @Test
    void clientsGoToTheOtherDistributorWhenOneIsKilled() throws Exception {
        JsonNode verdict = drill("--target", "distributor");

        assertThat(verdict.at("/takeovers")).isEmpty();
        assertThat(verdict.at("/faults/0/role").asText()).isEqualTo("distributor");
    }

    @Test
    void nobodyTakesOverWhenTheArbiterIsKilled() throws Exception {
        JsonNode verdict = drill("--target", "arbiter");

        assertThat(verdict.at("/takeovers")).isEmpty();
        assertThat(verdict.at("/faults/0/role").asText()).isEqualTo("arbiter");
    }

    @Test
    void oneOfTwoBackupsTakesOver() throws Exception {
        JsonNode verdict = drill("--backups", "2", "--kills", "1");

        assertThat(verdict.at("/takeovers")).hasSize(1);
        assertThat(verdict.at("/takeovers/0/to").asText())
                .isNotEqualTo(verdict.at("/takeovers/0/from").asText());
    }

    /** Runs a small drill and expects it to pass. */
    private static JsonNode drill(String... options) throws Exception {
        List<String> arguments = new ArrayList<>(List.of("drill", "-o", "json"));
        arguments.addAll(List.of("--calls", "200", "--rate", "500", "--seconds", "8", "--heap", "256m"));
        arguments.addAll(List.of(options));
        StringWriter out = new StringWriter();
        StringWriter talk = new StringWriter();

        int exit = Main.run(arguments.toArray(String[]::new), new PrintWriter(out), new PrintWriter(talk));

        assertThat(exit).as("%s%n%s%n%s", out, talk, logs()).isEqualTo(ExitCode.DONE.code());
        JsonNode verdict = JsonMapper.builder().build().readTree(out.toString());
        assertThat(verdict.get("ok").asBoolean()).as(out.toString()).isTrue();
        assertThat(verdict.at("/kills/done").asInt()).isOne();
        assertThat(verdict.at("/calls/continued").asInt()).isPositive();
        assertThat(verdict.at("/digest/equal").asBoolean()).isTrue();
        return verdict;
    }

    /** What every process said: the only trace when a drill fails elsewhere. */
    private static String logs() throws Exception {
        StringBuilder all = new StringBuilder();
        try (var files = Files.walk(folder)) {
            for (Path log : files.filter(file -> file.toString().matches(".*(node|distributor)-[0-9]+\\.log"))
                    .sorted()
                    .toList()) {
                all.append("---- ").append(log).append('\n').append(Files.readString(log));
            }
        }
        return all.toString();
    }
}
