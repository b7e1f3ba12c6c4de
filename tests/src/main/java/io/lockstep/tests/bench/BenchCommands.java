package io.lockstep.tests.bench;

import io.lockstep.server.CommandProvider;
import io.lockstep.server.Output;
import java.util.List;

/** Adds {@code bench} to the command line. Called once, by the main thread. */
public final class BenchCommands implements CommandProvider {
    @Override
    public List<Object> commands(Output output) {
        return List.of(new BenchCommand(output));
    }
}
