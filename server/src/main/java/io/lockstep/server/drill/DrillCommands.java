package io.lockstep.server.drill;

import io.lockstep.server.CommandProvider;
import io.lockstep.server.Output;
import java.util.List;

/** Adds {@code drill} to the command line. Called once, by the main thread. */
public final class DrillCommands implements CommandProvider {
    @Override
    public List<Object> commands(Output output) {
        return List.of(new DrillCommand(output));
    }
}
