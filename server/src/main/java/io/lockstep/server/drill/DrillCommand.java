package io.lockstep.server.drill;

import io.lockstep.server.CommandFailure;
import io.lockstep.server.ExitCode;
import io.lockstep.server.Output;
import io.lockstep.server.drill.DrillConfig.Fault;
import io.lockstep.server.drill.DrillConfig.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.ServiceLoader;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lockstep drill}: options in, verdict out. Runs on the main thread. */
@Command(
        name = "drill",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        header = "Breaks a running cluster in mid-transaction, and shows what became of each.",
        description = {
            "",
            "Starts a distributor, an active and a backup as processes of their own on free ports, keeps transactions open"
                    + " at a fixed rate, kills the active, and checks: nothing lost, nothing doubled, no outcome unknown, no"
                    + " error seen, books balanced, copies equal. Writes a report as one HTML file.",
            ""
        })
public final class DrillCommand implements Callable<Integer> {
    private static final Pattern HEAP = Pattern.compile("([0-9]{1,6})(m|g|)");
    private static final int USUAL_CALLS = 1_000;
    private static final int MANY_CALLS = 100_000;
    private static final int STATE_BYTES_OF_MANY = 1024;
    private static final long SEED_BOUND = 1_000_000_000L;

    private final Output output;

    @Parameters(arity = "0..1", paramLabel = "run", description = "The word run may stand here: drill run is drill.")
    @Nullable String word;

    @Option(
            names = "--workload",
            paramLabel = "NAME",
            defaultValue = "calls",
            description = "What to run: calls, or over JDBC bank, append or sequence (${DEFAULT-VALUE}).")
    String workload = "calls";

    @Option(
            names = "--kills",
            paramLabel = "N",
            description = "How many faults (1; none with --links); what broke must be back before the next one.")
    @Nullable Integer kills;

    @Option(
            names = "--backups",
            paramLabel = "N",
            defaultValue = "1",
            description = "Backups beside the active (${DEFAULT-VALUE}).")
    int backups;

    @Option(
            names = "--calls",
            paramLabel = "N",
            description = "Transactions open at any time (1000; 32 of SQL, each on a connection of its own).")
    @Nullable Integer calls;

    @Option(
            names = "--rate",
            paramLabel = "N",
            defaultValue = "2000",
            description = "Messages per second (${DEFAULT-VALUE}).")
    int rate;

    @Option(
            names = "--seconds",
            paramLabel = "N",
            description = "Length of the load (15, and 5 more for each further fault).")
    @Nullable Integer seconds;

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = "Decides every message and the moments of the faults (random, printed).")
    @Nullable Long seed;

    @Option(
            names = "--fault",
            paramLabel = "KIND",
            defaultValue = "kill",
            description = "kill: SIGKILL. stop: SIGSTOP, and SIGCONT after somebody took over (${DEFAULT-VALUE}).")
    Fault fault = Fault.KILL;

    @Option(
            names = "--target",
            paramLabel = "WHO",
            defaultValue = "active",
            description =
                    "active, backup, distributor or arbiter (${DEFAULT-VALUE}); two distributors run when one is to"
                            + " fail.")
    Target target = Target.ACTIVE;

    @Option(
            names = "--links",
            paramLabel = "FAULTS",
            split = ",",
            description =
                    "Breaks links between processes instead, each of which then has a network namespace of its own:"
                            + " all, or some of voter-active, active-to-distributor, distributor-to-active, active-backup,"
                            + " active-to-backup, backup-to-active, split, flapping, loss, dead-peer, slow (with a --rate of 20 or"
                            + " so). Needs ip and nft.")
    List<String> links = new ArrayList<>();

    @Option(
            names = "--thaw",
            paramLabel = "SECONDS",
            defaultValue = "3",
            description = "How long a stopped process stays stopped after somebody took over (${DEFAULT-VALUE}).")
    int thawSeconds = 3;

    @Option(
            names = "--arbiter",
            description =
                    "An arbiter votes on who is active, in place of the distributor; for an even number of nodes.")
    boolean hasArbiter;

    @Option(
            names = "--strict",
            description = "End with 7 when a takeover is too long: after a kill median 100 ms, longest 300 ms; after a"
                    + " stop 1 s.")
    boolean strict;

    @Option(
            names = "--level",
            paramLabel = "LEVEL",
            defaultValue = "memory",
            description = "When an answer may go (${DEFAULT-VALUE}: every in-sync backup holds the entry).")
    String level = "memory";

    @Option(
            names = "--heap",
            paramLabel = "SIZE",
            defaultValue = "512m",
            description = "Heap limit of a node (${DEFAULT-VALUE}).")
    String heap = "512m";

    @Option(
            names = "--state-bytes",
            paramLabel = "N",
            description = "State that each transaction carries (0; 1024 from 100000 calls on).")
    @Nullable Integer stateBytes;

    @Option(
            names = "--report",
            paramLabel = "FILE",
            description = "Where the HTML report goes (report.html in the drill's own folder).")
    @Nullable Path report;

    @Spec
    @Nullable CommandSpec spec;

    /** @param output where the verdict goes */
    public DrillCommand(Output output) {
        this.output = output;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        DrillConfig config = config();
        Workload load = findWorkload();
        if (!config.links().isEmpty()) {
            if (!Yard.isInside()) {
                return Yard.enter(Objects.requireNonNull(spec)
                        .root()
                        .commandLine()
                        .getParseResult()
                        .originalArgs());
            }
            Yard.endWithParent();
        }
        try (DrillProgress progress = new DrillProgress(output, isTerminal())) {
            progress.tell("seed " + config.seed() + ", level " + config.level() + "; the same again: "
                    + config.commandLine());
            DrillResult result = new Drill(config, load, progress).run();
            DrillReport.write(result, config.report());
            summary(result).forEach(output::text);
            output.document(result.toJson());
            return result.exitCode().code();
        }
    }

    /** Whether standard error is one; a console would say that of standard input and output. */
    private static boolean isTerminal() {
        try {
            String target = Files.readSymbolicLink(Path.of("/proc/self/fd/2")).toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty");
        } catch (IOException e) {
            return false; // no such file: plain lines suit everybody
        }
    }

    /** The settings that the options mean. @throws CommandFailure (usage) naming the option */
    DrillConfig config() {
        if (word != null && !word.equals("run")) {
            throw new CommandFailure(ExitCode.USAGE, "'" + word + "' is not known to drill; only run may stand there");
        }
        long chosenSeed = seed != null ? seed : ThreadLocalRandom.current().nextLong(1, SEED_BOUND);
        Path home = Path.of(System.getProperty("lockstep.home", "."))
                .toAbsolutePath()
                .normalize();
        String time = LocalDateTime.now(ZoneId.systemDefault())
                .format(DateTimeFormatter.ofPattern("uuuuMMdd-HHmmss", Locale.ROOT));
        int open = calls != null ? calls : usualTransactions();
        int faults = kills != null ? kills : links.isEmpty() ? 1 : 0;
        Path directory = home.resolve(".lockstep").resolve("drill").resolve(time + "-" + chosenSeed);
        try {
            return new DrillConfig(
                    workload,
                    faults,
                    backups,
                    open,
                    rate,
                    seconds != null ? seconds : DrillConfig.defaultSeconds(faults),
                    chosenSeed,
                    fault,
                    target,
                    hasArbiter,
                    strict,
                    level,
                    heapMebibytes(heap),
                    stateBytes != null ? stateBytes : open >= MANY_CALLS ? STATE_BYTES_OF_MANY : 0,
                    Duration.ofSeconds(thawSeconds),
                    linkFaults(),
                    directory,
                    report != null ? report : directory.resolve("report.html"));
        } catch (IllegalArgumentException e) {
            throw new CommandFailure(ExitCode.USAGE, String.valueOf(e.getMessage()), e);
        }
    }

    /** What {@code --links} names. @throws IllegalArgumentException it names something else */
    private List<LinkFault> linkFaults() {
        if (links.equals(List.of("all"))) {
            return LinkFault.ALL;
        }
        return links.stream()
                .map(text -> LinkFault.of(text)
                        .orElseThrow(() -> new IllegalArgumentException("--links has '" + text
                                + "'; allowed: all, or some of "
                                + Arrays.stream(LinkFault.values())
                                        .map(LinkFault::text)
                                        .toList())))
                .toList();
    }

    /** What {@code 512m}, {@code 2g} or {@code 512} means, in MiB. @throws IllegalArgumentException it means nothing */
    static int heapMebibytes(String text) {
        Matcher size = HEAP.matcher(text.toLowerCase(Locale.ROOT));
        if (!size.matches()) {
            throw new IllegalArgumentException(
                    "--heap is '" + text + "'; allowed: a number of MiB, as 512m, or of GiB, as 1g");
        }
        return Integer.parseInt(size.group(1)) * (size.group(2).equals("g") ? 1024 : 1);
    }

    private int usualTransactions() {
        return ServiceLoader.load(Workload.class).stream()
                .map(ServiceLoader.Provider::get)
                .filter(each -> each.name().equals(workload))
                .mapToInt(Workload::usualTransactions)
                .findFirst()
                .orElse(USUAL_CALLS);
    }

    private Workload findWorkload() {
        List<String> known = new ArrayList<>();
        for (Workload each : ServiceLoader.load(Workload.class)) {
            if (each.name().equals(workload)) {
                return each;
            }
            known.add(each.name());
        }
        throw new CommandFailure(ExitCode.USAGE, "--workload is '" + workload + "'; known are " + known);
    }

    private static List<String> summary(DrillResult result) {
        List<String> lines = new ArrayList<>();
        Workload.Verdict verdict = result.verdict();
        lines.add("");
        lines.add(result.exitCode() == ExitCode.DONE ? "PASSED" : "FAILED");
        result.complaints().forEach(complaint -> lines.add("  - " + complaint.text()));
        lines.add(String.format(
                Locale.ROOT,
                "  faults        %d of %d; transactions open then that went on: %,d of %,d started",
                result.killsDone(),
                result.config().kills(),
                verdict.continued(),
                verdict.started()));
        lines.add(String.format(
                Locale.ROOT,
                "  lost %d, doubled %d, unknown %d, client errors %d; books %s; copies and replay %s",
                verdict.lost(),
                verdict.doubled(),
                verdict.unknown(),
                verdict.clientErrors(),
                verdict.booksBalanced() ? "balanced" : "DO NOT BALANCE",
                result.digest().equal() ? "equal" : "DIFFERENT"));
        for (InjectedLinkFault link : result.links()) {
            lines.add(String.format(
                    Locale.ROOT,
                    "  %-22s %,6d answered, longest silence %,5d ms, %d new terms, in sync %.1f s after it",
                    link.fault().text(),
                    link.answered(),
                    link.silenceMs(),
                    link.terms(),
                    link.healedMs() / 1000));
        }
        if (!result.takeovers().isEmpty()) {
            lines.add(String.format(
                    Locale.ROOT,
                    "  takeover      median %.1f ms, longest %.1f ms",
                    Takeover.medianTotalMs(result.takeovers()),
                    Takeover.longestTotalMs(result.takeovers())));
        }
        result.faults().stream()
                .map(InjectedFault::thaw)
                .filter(Objects::nonNull)
                .forEach(thaw -> lines.add("  thaw          " + thaw.text()));
        verdict.latencyUs()
                .forEach((phase, latency) -> lines.add(String.format(
                        Locale.ROOT,
                        "  latency %-6s p50 %,d us, p99 %,d us, max %,d us",
                        phase.name().toLowerCase(Locale.ROOT),
                        latency.getValueAtPercentile(50),
                        latency.getValueAtPercentile(99),
                        latency.getMaxValue())));
        for (NodeCost cost : result.costs()) {
            lines.add(String.format(
                    Locale.ROOT,
                    "  %s idle   %d MiB resident, %.1f ms of processor a second, %d threads, heap %d MiB; heap peak %d of %d MiB",
                    cost.node(),
                    cost.residentBytes() >> 20,
                    cost.cpuMsPerSecond(),
                    cost.threads(),
                    cost.heapUsedBytes() >> 20,
                    cost.heapPeakBytes() >> 20,
                    cost.heapMaxBytes() >> 20));
        }
        lines.add("  report        " + result.config().report().toAbsolutePath().normalize());
        lines.add("  once more     " + result.config().commandLine());
        return lines;
    }
}
