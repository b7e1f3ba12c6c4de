package io.lockstep.tests.differential;

import io.lockstep.server.CommandFailure;
import io.lockstep.server.ExitCode;
import io.lockstep.server.Output;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code lockstep differential}: drawn SQL against plain H2 and against Lockstep. Runs on the main thread. */
@Command(
        name = "differential",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        header = "Runs drawn SQL against plain H2 and against Lockstep with a takeover in the middle.",
        description = {
            "",
            "A sequence is some forty messages of two or three sessions: definitions, changes, queries, savepoints, cursors,"
                    + " batches, errors, waiting for locks. It runs against plain H2, then against Lockstep undisturbed, then"
                    + " with the active killed at a message that the seed draws. Results, counts, keys, error texts and what"
                    + " the database holds afterwards must be the same, and all nodes equal.",
            ""
        })
public final class DifferentialCommand implements Callable<Integer> {
    private static final int TELL_EVERY = 100;
    private static final int FAILURES_MAX = 20;

    private final Output output;

    @Option(
            names = "--sequences",
            paramLabel = "N",
            defaultValue = "1000",
            description = "Sequences, one seed each (${DEFAULT-VALUE}).")
    int sequences;

    @Option(names = "--seed", paramLabel = "S", defaultValue = "1", description = "The first seed (${DEFAULT-VALUE}).")
    long seed;

    @Option(names = "--processes", description = "Nodes are processes of their own, killed with SIGKILL.")
    boolean hasProcesses;

    /** @param output where the figures go */
    public DifferentialCommand(Output output) {
        this.output = output;
    }

    @Override
    public Integer call() throws IOException, SQLException {
        if (sequences < 1) {
            throw new CommandFailure(ExitCode.USAGE, "--sequences must be 1 or more");
        }
        Path home = Path.of(System.getProperty("lockstep.home", "."))
                .toAbsolutePath()
                .normalize();
        Path parent = home.resolve(".lockstep").resolve("differential");
        Files.createDirectories(parent);
        Path folder = Files.createTempDirectory(parent, "run");
        List<Map<String, Object>> failures = new ArrayList<>();
        long beganNs = System.nanoTime();
        long messages = 0;
        long waited = 0;
        int done = 0;
        output.talk(sequences + " sequences from seed " + seed + (hasProcesses ? ", with processes" : ", in one JVM"));
        try (Site site = hasProcesses ? new ProcessSite(folder) : new LocalSite(folder)) {
            Comparison comparison = new Comparison(site);
            for (; done < sequences && failures.size() < FAILURES_MAX; done++) {
                Comparison.Outcome outcome = comparison.compare(seed + done);
                messages += outcome.messages();
                waited += outcome.waited();
                if (!outcome.differences().isEmpty()) {
                    outcome.differences().forEach(line -> output.talk("seed " + outcome.seed() + ": " + line));
                    failures.add(Map.of("seed", outcome.seed(), "differences", outcome.differences()));
                }
                if ((done + 1) % TELL_EVERY == 0) {
                    output.talk(done + 1 + " sequences, " + failures.size() + " differ, "
                            + (System.nanoTime() - beganNs) / 1_000_000_000 + " s");
                }
            }
        }
        double seconds = (System.nanoTime() - beganNs) / 1e9;
        output.text(String.format(
                Locale.ROOT,
                "%d sequences from seed %d: %d messages, %d of them waited for a lock, %d takeovers; %d differ; %.1f s",
                done,
                seed,
                messages,
                waited,
                done,
                failures.size(),
                seconds));
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("schema", 1);
        json.put("seed", seed);
        json.put("sequences", done);
        json.put("processes", hasProcesses);
        json.put("messages", messages);
        json.put("waited", waited);
        json.put("takeovers", done);
        json.put("differing", failures.size());
        json.put("failures", failures);
        json.put("seconds", seconds);
        output.document(json);
        return (failures.isEmpty() ? ExitCode.DONE : ExitCode.MISMATCH).code();
    }
}
