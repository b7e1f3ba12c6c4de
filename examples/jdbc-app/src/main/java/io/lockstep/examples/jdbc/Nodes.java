package io.lockstep.examples.jdbc;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.stereotype.Component;

/** The processes behind the database, for the button that no real application has. Safe from any thread. */
@Component
public class Nodes {
    private final String launcher;

    Nodes(@Value("${lockstep.launcher}") String launcher) {
        this.launcher = launcher;
    }

    /**
     * The JVM that the view names as active. Asking starts a process, so nobody should hold locks meanwhile.
     *
     * @throws IllegalStateException there is none at this moment
     */
    public ProcessHandle active() {
        try {
            Process asked = new ProcessBuilder(launcher, "pid", "active")
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            String pid = new String(asked.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            if (pid.isEmpty()) {
                throw new IllegalStateException("there is no active that could be killed");
            }
            return ProcessHandle.of(Long.parseLong(pid)).orElseThrow();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
