package io.lockstep.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two cannot be up in one folder, and what a dead one left behind is not believed. */
final class UpStateTest {
    @TempDir
    private Path folder;

    @Test
    void refusesASecondOneAndNamesTheFirst() {
        try (UpState first = UpState.open(folder)) {
            assertThat(first.database("a")).isEqualTo(folder.resolve("a"));
            assertThatThrownBy(() -> UpState.open(folder))
                    .isInstanceOf(CommandFailure.class)
                    .hasMessageContaining("pid " + ProcessHandle.current().pid())
                    .extracting(e -> ((CommandFailure) e).exitCode())
                    .isEqualTo(ExitCode.REFUSED);
        }
        UpState.open(folder).close();
    }

    @Test
    void tellsWhatRunsUntilItEnds() {
        UpState state = UpState.open(folder);
        UpState.Running running = running(ProcessHandle.current().pid());
        state.write(running);

        assertThat(UpState.read(folder)).contains(running);
        state.close();
        assertThat(UpState.read(folder)).isEmpty();
    }

    @Test
    void doesNotBelieveTheFileOfOneThatHasDied() throws Exception {
        Process ended = new ProcessBuilder("true").start();
        ended.waitFor();
        try (UpState state = UpState.open(folder)) {
            state.write(running(ended.pid()));
            assertThat(UpState.read(folder)).isEmpty();
        }
    }

    @Test
    void endsWhatAKilledOneLeftBehindAndNothingElse() throws Exception {
        Process ended = new ProcessBuilder("true").start();
        ended.waitFor();
        Process ours = new ProcessBuilder(
                        "tail", "-f", "/dev/null", folder.resolve("none").toString())
                .start();
        Process others = new ProcessBuilder("tail", "-f", "/dev/null").start();
        try {
            UpState former = UpState.open(folder);
            former.write(new UpState.Running(
                    ended.pid(), "lockstep", "a", List.of(), List.of(child(ours.pid()), child(others.pid()))));
            Path state = folder.resolve("state.json");
            byte[] left = Files.readAllBytes(state);
            former.close();
            Files.write(state, left);

            UpState.open(folder).close();

            assertThat(ours.waitFor(10, TimeUnit.SECONDS)).isTrue();
            assertThat(others.isAlive()).isTrue();
        } finally {
            ours.destroyForcibly();
            others.destroyForcibly();
        }
    }

    @Test
    void movesAnOldDatabaseAsideAndKeepsIt() throws IOException {
        try (UpState state = UpState.open(folder)) {
            assertThat(state.moveAside("a")).isEmpty();
            Files.createDirectories(state.database("a"));
            Files.writeString(state.database("a").resolve("x"), "kept");

            Path moved = state.moveAside("a").orElseThrow();
            assertThat(state.database("a")).doesNotExist();
            assertThat(moved.resolve("x")).hasContent("kept");
        }
    }

    private static UpState.Child child(long pid) {
        return new UpState.Child("node-1", "node", pid, Map.of(), "log");
    }

    private static UpState.Running running(long pid) {
        return new UpState.Running(pid, "lockstep", "a", List.of("127.0.0.1:7400"), List.of());
    }
}
