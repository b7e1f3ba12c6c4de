package io.lockstep.tests.simulation;

import io.lockstep.server.CommandProvider;
import io.lockstep.server.Output;
import java.util.List;

/** Adds {@code simulate} to the command line. Called once, by the main thread. */
public final class SimulateCommands implements CommandProvider {
    @Override
    public List<Object> commands(Output output) {
        return List.of(new SimulateCommand(output));
    }
}
