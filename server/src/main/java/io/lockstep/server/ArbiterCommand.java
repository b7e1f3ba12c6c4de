package io.lockstep.server;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Runs one arbiter in the foreground. Runs on the main thread. */
@Command(
        name = "arbiter",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        header = "Runs one arbiter in the foreground, from a YAML file: a voter of the view register, no more.",
        description = {
            "",
            "For sites with one distributor: with two nodes it is the third voter, on a host of its own. 'up --arbiter' starts"
                    + " one. The file is a list of 'key: value' lines; docs/settings.md says which. When ready, one"
                    + " line on standard output begins with LOCKSTEP READY. TERM ends it.",
            ""
        })
final class ArbiterCommand implements Callable<Integer> {
    @Parameters(paramLabel = "FILE", description = "Configuration, with role: arbiter.")
    private Path file = Path.of("arbiter.yaml");

    @Override
    public Integer call() throws Exception {
        LockstepConfig config = LockstepConfig.read(file);
        if (config.role() != ProcessRole.ARBITER) {
            throw new ConfigException(
                            Setting.ROLE.key(), "role is '" + Setting.word(config.role()) + "'; allowed: arbiter")
                    .at(file.toString());
        }
        return ProcessShell.run(config, new ArbiterProcess()).code();
    }
}
