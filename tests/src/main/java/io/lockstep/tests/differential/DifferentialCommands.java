package io.lockstep.tests.differential;

import io.lockstep.server.CommandProvider;
import io.lockstep.server.Output;
import java.util.List;

/** Adds {@code differential} to the command line. Called once, by the main thread. */
public final class DifferentialCommands implements CommandProvider {
    @Override
    public List<Object> commands(Output output) {
        return List.of(new DifferentialCommand(output));
    }
}
