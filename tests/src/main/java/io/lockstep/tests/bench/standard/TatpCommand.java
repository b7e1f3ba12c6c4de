package io.lockstep.tests.bench.standard;

import io.lockstep.server.Output;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code lockstep bench tatp}. Runs on the main thread. */
@Command(
        name = "tatp",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        header = "TATP over JDBC, its active killed, every answered change looked for.",
        description = {
            "",
            "The telecom benchmark: four tables, seven transactions in the standard mix, non-uniform subscribers. Rows that"
                    + " are not there and keys that are there already end a share of the transactions without effect, as the"
                    + " benchmark expects. After the run: what the tables say of each other, every insert, delete and update"
                    + " that was answered, and the nodes' digests.",
            ""
        })
public final class TatpCommand extends StandardCommand {
    @Option(
            names = "--subscribers",
            paramLabel = "N",
            defaultValue = "10000",
            description = "Subscribers (${DEFAULT-VALUE}; the specification asks for 100000 or more).")
    int subscribers;

    /** @param output where the figures go */
    public TatpCommand(Output output) {
        super(output);
    }

    @Override
    Supplier<Benchmark> benchmark(long chosenSeed) {
        check(
                subscribers >= Tatp.SUBSCRIBERS_MIN && subscribers <= Tatp.SUBSCRIBERS_MAX,
                "--subscribers must be from " + Tatp.SUBSCRIBERS_MIN + " to " + Tatp.SUBSCRIBERS_MAX);
        return () -> new Tatp(subscribers, chosenSeed);
    }
}
