package io.lockstep.tests;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Programs of the system that a test cannot do without. Safe from any thread, because it keeps nothing. */
final class Program {
    private static final long LIMIT_SECONDS = 30;

    private Program() {}

    /** Runs it to its end; returns why it failed, empty when it did not. */
    static String run(String... command) throws IOException {
        Process process;
        try {
            process = new ProcessBuilder(List.of(command))
                    .redirectErrorStream(true)
                    .start();
        } catch (IOException e) {
            return e.toString();
        }
        try (InputStream out = process.getInputStream()) {
            String said = new String(out.readAllBytes(), StandardCharsets.UTF_8);
            if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                return command[0] + " does not end";
            }
            return process.exitValue() == 0 ? "" : command[0] + " failed: " + said.strip();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while " + command[0] + " runs");
        }
    }
}
