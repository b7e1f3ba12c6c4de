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

    /** {@code kill -9} to the JVM that the view names as active. @return its process id */
    public long killActive() {
        try {
            Process asked = new ProcessBuilder(launcher, "pid", "active")
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            String said = new String(asked.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            if (said.isEmpty()) {
                throw new IllegalStateException("there is no active that could be killed");
            }
            long pid = Long.parseLong(said);
            ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
            return pid;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
