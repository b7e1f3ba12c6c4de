package io.lockstep.tests.differential;

import io.lockstep.server.CommandFailure;
import io.lockstep.server.ExitCode;
import io.lockstep.server.Output;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.IntFunction;
import java.util.stream.Stream;
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
    private static final Duration NO_LIMIT = Duration.ofDays(30);
    private static final Path MEMORY_DISK = Path.of("/dev/shm");

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

    @Option(
            names = "--sites",
            paramLabel = "N",
            defaultValue = "0",
            description =
                    "Databases that sequences run on at the same time (0: two for each processor; with processes one).")
    int sites;

    @Option(
            names = "--differing",
            paramLabel = "N",
            defaultValue = "20",
            description = "Ends when so many sequences differ (${DEFAULT-VALUE}).")
    int failuresMax;

    @Option(names = "--tell", description = "Also tells what is asked of plain H2, and what it says.")
    boolean isTold;

    /** @param output where the figures go */
    public DifferentialCommand(Output output) {
        this.output = output;
    }

    @Override
    public Integer call() throws IOException {
        check(sequences >= 1, "--sequences must be 1 or more");
        check(sites >= 0, "--sites must be 0 or more");
        check(failuresMax >= 1, "--differing must be 1 or more");
        Path folder = Files.createTempDirectory(parent(), "lockstep-differential");
        int atOnce =
                sites > 0 ? sites : hasProcesses ? 1 : 2 * Runtime.getRuntime().availableProcessors();
        output.talk(sequences + " sequences from seed " + seed + (hasProcesses ? ", with processes" : ", in one JVM")
                + ", " + atOnce + " at once");
        IntFunction<Site> makes = number -> {
            Path own = folder.resolve("site-" + number);
            return hasProcesses ? new ProcessSite(own) : new LocalSite(own);
        };
        DifferentialRun.Report report;
        try {
            report = new DifferentialRun(
                            new DifferentialRun.Order(seed, sequences, atOnce, failuresMax, NO_LIMIT, isTold),
                            makes,
                            output::talk)
                    .run();
        } finally {
            if (!hasProcesses) {
                delete(folder);
            }
        }
        print(report);
        output.document(document(report));
        ExitCode code = !report.failures.isEmpty()
                ? ExitCode.MISMATCH
                : report.isInterrupted ? ExitCode.INTERRUPTED : ExitCode.DONE;
        return code.code();
    }

    private static void check(boolean isRight, String otherwise) {
        if (!isRight) {
            throw new CommandFailure(ExitCode.USAGE, otherwise);
        }
    }

    /** In one JVM all is lost with it anyway: a disk that waits for nothing will do for the register. */
    private Path parent() throws IOException {
        if (!hasProcesses && Files.isWritable(MEMORY_DISK)) {
            return MEMORY_DISK;
        }
        Path parent = Path.of(System.getProperty("lockstep.home", "."))
                .toAbsolutePath()
                .normalize()
                .resolve(".lockstep")
                .resolve("differential");
        return Files.createDirectories(parent);
    }

    private static void delete(Path folder) throws IOException {
        List<Path> all;
        try (Stream<Path> paths = Files.walk(folder)) {
            all = paths.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path each : all) {
            Files.deleteIfExists(each);
        }
    }

    private String repeat(long failed) {
        return "./lockstep differential --tell --sequences 1 --seed " + failed + (hasProcesses ? " --processes" : "");
    }

    private void print(DifferentialRun.Report report) {
        for (DifferentialRun.Failure failure : report.failures) {
            output.text("seed " + failure.seed() + " differs; again: " + repeat(failure.seed()));
        }
        output.text(String.format(
                Locale.ROOT,
                "%d sequences from seed %d%s: %d messages, %d of them waited for a lock, %d takeovers; %d differ;"
                        + " %.1f s, %.1f sequences/s, %.0f ms of processor time each",
                report.sequences,
                seed,
                report.isInterrupted ? ", interrupted" : "",
                report.messages,
                report.waited,
                report.takeovers,
                report.failures.size(),
                report.seconds,
                report.sequences / report.seconds,
                report.cpuSeconds * 1e3 / Math.max(1, report.sequences)));
    }

    private Map<String, Object> document(DifferentialRun.Report report) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("schema", 1);
        json.put("seed", seed);
        json.put("sequences", report.sequences);
        json.put("processes", hasProcesses);
        json.put("interrupted", report.isInterrupted);
        json.put("messages", report.messages);
        json.put("waited", report.waited);
        json.put("takeovers", report.takeovers);
        json.put("wanted", report.wanted);
        json.put("differing", report.failures.size());
        json.put(
                "failures",
                report.failures.stream()
                        .map(each -> Map.of(
                                "seed", each.seed(), "differences", each.differences(), "again", repeat(each.seed())))
                        .toList());
        json.put("seconds", report.seconds);
        json.put("cpuSeconds", report.cpuSeconds);
        Map<String, Object> spent = new LinkedHashMap<>();
        for (Phase phase : Phase.values()) {
            long ns = report.spentNs.getOrDefault(phase, 0L);
            spent.put(phase.name().toLowerCase(Locale.ROOT), ns / 1e6 / Math.max(1, report.sequences));
        }
        json.put("millisEach", spent);
        return json;
    }
}
