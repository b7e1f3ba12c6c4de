package io.lockstep.tests.bench.standard;

import io.lockstep.server.CommandFailure;
import io.lockstep.server.ExitCode;
import io.lockstep.server.Output;
import java.io.IOException;
import java.sql.SQLException;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What the commands of the published benchmarks have in common. Runs on the main thread. */
abstract class StandardCommand implements Callable<Integer> {
    private static final int USUAL_KILLS = 3;
    private static final long SEED_BOUND = 1_000_000_000L;

    private final Output output;

    @Option(
            names = "--kills",
            paramLabel = "N",
            description = "How often the active is killed (3; 0 with --url or --against); who was killed must be back"
                    + " before the next one.")
    @Nullable Integer kills;

    @Option(
            names = "--seconds",
            paramLabel = "N",
            defaultValue = "30",
            description = "Length of the run (${DEFAULT-VALUE}); kills that have to wait lengthen it.")
    int seconds;

    @Option(
            names = "--terminals",
            paramLabel = "N",
            defaultValue = "8",
            description = "Terminals, a connection each, without think time (${DEFAULT-VALUE}).")
    int terminals;

    @Option(
            names = "--backups",
            paramLabel = "N",
            defaultValue = "1",
            description = "Backups beside the active (${DEFAULT-VALUE}).")
    int backups;

    @Option(names = "--seed", paramLabel = "N", description = "Decides rows, inputs and moments (random, printed).")
    @Nullable Long seed;

    @Option(
            names = "--heap",
            paramLabel = "MIB",
            defaultValue = "512",
            description = "Heap limit of a node, in MiB (${DEFAULT-VALUE}).")
    int heap;

    @Option(
            names = "--against",
            paramLabel = "PEER",
            description = "h2: afterwards the same without kills over an H2 server that is not replicated.")
    @Nullable String against;

    @Option(
            names = "--url",
            paramLabel = "URL",
            description = "A database to use in the place of a cluster of its own; its schema must be empty.")
    @Nullable String url;

    @Option(names = "--user", paramLabel = "NAME", defaultValue = "app", description = "For --url (${DEFAULT-VALUE}).")
    String user = "app";

    @Option(
            names = "--password",
            paramLabel = "TEXT",
            defaultValue = "app",
            description = "For --url (${DEFAULT-VALUE}).")
    String password = "app";

    StandardCommand(Output output) {
        this.output = output;
    }

    /** A benchmark of that seed, for one database; checked already. */
    abstract Supplier<Benchmark> benchmark(long chosenSeed);

    @Override
    public final Integer call() throws IOException, InterruptedException, SQLException {
        int usual = url != null || against != null ? 0 : USUAL_KILLS;
        int wanted = kills != null ? kills : usual;
        check(wanted >= 0, "--kills must be 0 or more");
        check(url == null || wanted == 0, "--kills does not go with --url: processes of others are not killed");
        check(seconds >= 1, "--seconds must be 1 or more");
        check(terminals >= 1 && terminals <= 256, "--terminals must be from 1 to 256");
        check(backups >= 0 && (wanted == 0 || backups >= 1), "--backups must be 1 or more where there are kills");
        check(against == null || "h2".equals(against), "--against is '" + against + "'; known is h2");
        long chosen = seed != null ? seed : ThreadLocalRandom.current().nextLong(1, SEED_BOUND);
        StandardBench.Options options = new StandardBench.Options(
                wanted, seconds, terminals, backups, chosen, heap, against, url, user, password);
        return new StandardBench(options, benchmark(chosen), output).run().code();
    }

    /** @throws CommandFailure (usage) unless it holds */
    static void check(boolean holds, String otherwise) {
        if (!holds) {
            throw new CommandFailure(ExitCode.USAGE, otherwise);
        }
    }
}
