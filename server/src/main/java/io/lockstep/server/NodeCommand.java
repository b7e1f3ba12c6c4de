package io.lockstep.server;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Runs one node in the foreground. Runs on the main thread. */
@Command(
        name = "node",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        header = "Runs one node in the foreground, from a YAML file.",
        description = {
            "",
            "Usually 'up' does this. The file is a list of 'key: value' lines; docs/settings.md says which. When ready, one"
                    + " line on standard output begins with LOCKSTEP READY. TERM ends it.",
            ""
        })
final class NodeCommand implements Callable<Integer> {
    @Parameters(paramLabel = "FILE", description = "Configuration, with role: node.")
    private Path file = Path.of("node.yaml");

    @Override
    public Integer call() throws Exception {
        LockstepConfig config = LockstepConfig.read(file);
        if (config.role() != ProcessRole.NODE) {
            throw new ConfigException(
                            Setting.ROLE.key(), "role is '" + Setting.word(config.role()) + "'; allowed: node")
                    .at(file.toString());
        }
        return ProcessShell.run(config, new NodeProcess()).code();
    }
}
