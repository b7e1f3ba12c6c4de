package io.lockstep.tests.drill;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.lockstep.server.ExitCode;
import io.lockstep.server.Main;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Real processes in network namespaces of their own, between which links are cut one way or both, flap, and lose packets.
 * What every client sent and was answered is checked as in any drill.
 */
@Timeout(420)
class NetworkIT {
    private static final long END_SECONDS = 400;

    @TempDir
    private Path folder;

    @Test
    void row29To35And40And41NothingIsLostOrDoubledWhateverLinkIsCutAndTheServiceGoesOn() throws Exception {
        JsonNode verdict = drill("--links", "all", "--calls", "200", "--rate", "400", "--seconds", "4");

        assertThat(verdict.at("/links")).hasSize(10);
        assertThat(link(verdict, "voter-active").at("/termAfterwards").asLong())
                .as("whoever cuts a distributor off from the active makes no takeover")
                .isEqualTo(link(verdict, "voter-active").at("/term").asLong());
        assertThat(link(verdict, "split").at("/activeAfterwards").asText())
                .as("the majority leads")
                .isNotEqualTo(link(verdict, "split").at("/active").asText());
    }

    @Test
    void row40LinksThatAreTooSlowMakeAnswersLateAndNothingElse() throws Exception {
        JsonNode verdict = drill("--links", "slow", "--calls", "10", "--rate", "10", "--seconds", "4");

        assertThat(link(verdict, "slow").at("/answered").asLong()).isPositive();
    }

    private static JsonNode link(JsonNode verdict, String fault) {
        for (JsonNode link : verdict.at("/links")) {
            if (link.at("/fault").asText().equals(fault)) {
                return link;
            }
        }
        throw new AssertionError("no " + fault + " in " + verdict.at("/links"));
    }

    /** Runs a drill in a process of its own, since it enters a network namespace, and expects it to pass. */
    private JsonNode drill(String... options) throws Exception {
        Path out = folder.resolve("out");
        Path talk = folder.resolve("talk");
        List<String> line = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-Dlockstep.home=" + folder,
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                Main.class.getName(),
                "drill",
                "-o",
                "json",
                "--heap",
                "256m"));
        line.addAll(List.of(options));
        Process process = new ProcessBuilder(line)
                .redirectOutput(out.toFile())
                .redirectError(talk.toFile())
                .start();
        try {
            assertThat(process.waitFor(END_SECONDS, TimeUnit.SECONDS))
                    .as(() -> said(talk))
                    .isTrue();
        } finally {
            process.destroy();
        }
        JsonNode verdict = JsonMapper.builder().build().readTree(Files.readString(out));
        if (process.exitValue() == ExitCode.REFUSED.code()) {
            String why = "NOT RUN, rows 29 to 35, 40 and 41 with real links: "
                    + verdict.at("/error/text").asText();
            System.err.println(why);
            abort(why);
        }
        assertThat(process.exitValue())
                .as(() -> verdict.at("/complaints") + "\n" + said(talk))
                .isEqualTo(ExitCode.DONE.code());
        assertThat(verdict.get("ok").asBoolean()).isTrue();
        assertThat(verdict.at("/calls/lost").asLong(-1)).isZero();
        assertThat(verdict.at("/calls/doubled").asLong(-1)).isZero();
        assertThat(verdict.at("/calls/unknown").asLong(-1)).isZero();
        assertThat(verdict.at("/client/errors").asLong(-1)).isZero();
        assertThat(verdict.at("/books/balanced").asBoolean()).isTrue();
        assertThat(verdict.at("/digest/equal").asBoolean()).isTrue();
        return verdict;
    }

    /** What the command said, and what every process did: the only trace when a drill fails elsewhere. */
    private String said(Path talk) {
        try (var files = Files.walk(folder)) {
            StringBuilder all = new StringBuilder(Files.readString(talk));
            for (Path log : files.filter(file -> file.toString().matches(".*(node|distributor)-[0-9]+\\.log"))
                    .sorted()
                    .toList()) {
                all.append("---- ").append(log).append('\n').append(Files.readString(log));
            }
            return all.toString();
        } catch (IOException e) {
            return e.toString();
        }
    }
}
