package io.lockstep.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lockstep.server.ExitCode;
import io.lockstep.server.Main;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** TERM and Ctrl-C before everything is ready, and after: exit code 130, and no process is left. */
@Timeout(180)
class InterruptedCommandIT {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({
        "drill, TERM, 1",
        "drill, INT, 3",
        "up --port 0 --service prepaid-calls, TERM, 1",
        "up --port 0 --service prepaid-calls, INT, 3"
    })
    void endsEverythingThatItStartedAndExitsWith130(String command, String signal, int childrenAtLeast)
            throws Exception {
        assumeTrue(
                signal.equals("TERM") || !isInterruptIgnored(),
                "whoever started the tests in the background has SIGINT ignored, and so have all that they start");
        List<String> line = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-Dlockstep.home=" + folder,
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                Main.class.getName()));
        line.addAll(List.of(command.split(" ")));
        Process process = new ProcessBuilder(line)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("output").toFile())
                .start();
        List<ProcessHandle> children = new ArrayList<>();
        await().atMost(LIMIT).pollInterval(Duration.ofMillis(20)).until(() -> {
            children.clear();
            process.children().forEach(children::add);
            return children.size() >= childrenAtLeast;
        });

        Process kill = new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid())).start();
        assertThat(kill.waitFor()).isZero();

        assertThat(process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isEqualTo(ExitCode.INTERRUPTED.code());
        await().atMost(LIMIT).until(() -> children.stream().noneMatch(ProcessHandle::isAlive));
    }

    /** Whether this process, and so each that it starts, was told to ignore SIGINT. */
    private static boolean isInterruptIgnored() throws IOException {
        Path status = Path.of("/proc/self/status");
        if (!Files.isReadable(status)) {
            return false;
        }
        String ignored = Files.readAllLines(status).stream()
                .filter(line -> line.startsWith("SigIgn:"))
                .map(line -> line.substring("SigIgn:".length()).strip())
                .findFirst()
                .orElse("0");
        return (Long.parseUnsignedLong(ignored, 16) & 1L << (2 - 1)) != 0;
    }
}
