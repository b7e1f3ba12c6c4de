package io.lockstep.tests.bench;

import io.lockstep.server.CommandProvider;
import io.lockstep.server.Output;
import io.lockstep.tests.bench.standard.TatpCommand;
import io.lockstep.tests.bench.standard.TpccCommand;
import java.util.List;
import picocli.CommandLine;

/** Adds {@code bench} and what is under it to the command line. Called once, by the main thread. */
public final class BenchCommands implements CommandProvider {
    @Override
    public List<Object> commands(Output output) {
        return List.of(new CommandLine(new BenchCommand(output))
                .addSubcommand(new TpccCommand(output))
                .addSubcommand(new TatpCommand(output)));
    }
}
