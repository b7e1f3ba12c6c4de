package io.lockstep.server;

import java.util.List;

/**
 * Adds subcommands to the command line; found by {@link java.util.ServiceLoader}. Called once, by the main thread.
 */
public interface CommandProvider {
    /**
     * Objects annotated as picocli commands, each a {@code Callable<Integer>} that returns {@link ExitCode#code}.
     *
     * @param output where results go, and in which form; for the whole run of the command
     */
    List<Object> commands(Output output);
}
