package io.lockstep.tests.bench;

import io.lockstep.server.Cluster;
import io.lockstep.server.ClusterPlan;
import io.lockstep.server.CommandFailure;
import io.lockstep.server.ExitCode;
import io.lockstep.server.Output;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lockstep bench calls}: throughput and latency, with a plain echo beside each. Runs on the main thread. */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        header = "Measures messages per second and latencies, with a plain echo over TCP beside each figure.",
        description = {
            "",
            "Starts one distributor, one active and its backups as processes of their own. Callers send a message as soon"
                    + " as the one before is answered. A round of ours and a round of the echo alternate; the middle one of"
                    + " each counts, and spread is the distance of ours from least to most, divided by the middle one.",
            ""
        })
public final class BenchCommand implements Callable<Integer> {
    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    private static final long FIRST_CARD = 5_000_000_000_000_001L;
    private static final long CARDS_EACH = 1_000_000;

    private final Output output;

    @Parameters(paramLabel = "calls", description = "What to measure: calls.")
    String workload = "calls";

    @Option(
            names = "--in-flight",
            split = ",",
            paramLabel = "N",
            defaultValue = "1,32,1024",
            description = "Messages on their way at a time (${DEFAULT-VALUE}).")
    List<Integer> inFlight = List.of();

    @Option(
            names = "--rounds",
            paramLabel = "N",
            defaultValue = "3",
            description = "Rounds of each, after one that does not count (${DEFAULT-VALUE}).")
    int rounds;

    @Option(
            names = "--seconds",
            paramLabel = "N",
            defaultValue = "3",
            description = "Length of a round (${DEFAULT-VALUE}).")
    int seconds;

    @Option(
            names = "--backups",
            paramLabel = "N",
            defaultValue = "1",
            description = "Backups beside the active (${DEFAULT-VALUE}).")
    int backups;

    @Option(
            names = "--level",
            paramLabel = "LEVEL",
            defaultValue = "memory",
            description = "When an answer may go (${DEFAULT-VALUE}: every in-sync backup holds the entry).")
    String level = "memory";

    /** @param output where the figures go */
    public BenchCommand(Output output) {
        this.output = output;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        check(workload.equals("calls"), "what to measure is '" + workload + "'; known is calls");
        check(level.equals("memory"), "--level is '" + level + "'; allowed: memory");
        check(rounds >= 1 && seconds >= 1, "--rounds and --seconds must be 1 or more");
        check(inFlight.stream().allMatch(n -> n >= 1 && n <= 1024), "--in-flight must be from 1 to 1024");
        Path directory = Files.createTempDirectory("lockstep-bench-");
        output.talk("level " + level + "; starting a cluster in " + directory);
        List<Map<String, Object>> cells = new ArrayList<>();
        long errors = 0;
        try (Cluster cluster = Cluster.start(ClusterPlan.in(directory)
                .withCluster("bench-" + ProcessHandle.current().pid())
                .withService("prepaid-calls")
                .withBackups(backups)
                // Steady state is measured, so the start may cost what it does.
                .withJvmOptions(List.of("-XX:TieredStopAtLevel=4")))) {
            cluster.awaitInSync(START_LIMIT);
            for (int i = 0; i < inFlight.size(); i++) {
                Cell cell = measure(cluster, inFlight.get(i), FIRST_CARD + i * CARDS_EACH);
                cells.add(cell.toJson());
                cell.toText().forEach(output::text);
                errors += cell.errors();
            }
        }
        forget(directory);
        output.document(new LinkedHashMap<>(Map.of("schema", 1, "level", level, "cells", cells)));
        return (errors == 0 ? ExitCode.DONE : ExitCode.MISSED).code();
    }

    private Cell measure(Cluster cluster, int callers, long firstCard) throws IOException, InterruptedException {
        long nanos = TimeUnit.SECONDS.toNanos(seconds);
        List<Round> ours = new ArrayList<>();
        List<Round> theirs = new ArrayList<>();
        try (CallsBench calls = new CallsBench(cluster, callers, firstCard);
                EchoBench echo = new EchoBench(callers)) {
            output.talk(callers + " in flight: warming up");
            Round warm = calls.run(nanos);
            Round warmEcho = echo.run(nanos / 2);
            long errors = warm.errors() + warmEcho.errors();
            for (int round = 1; round <= rounds; round++) {
                ours.add(calls.run(nanos));
                theirs.add(echo.run(nanos));
                output.talk(String.format(
                        Locale.ROOT,
                        "%d in flight, round %d of %d: %,.0f messages/s, echo %,.0f",
                        callers,
                        round,
                        rounds,
                        ours.get(round - 1).messagesPerSecond(),
                        theirs.get(round - 1).messagesPerSecond()));
            }
            for (Round round : ours) {
                errors += round.errors();
            }
            return new Cell(callers, middle(ours), middle(theirs), spread(ours), errors);
        }
    }

    /** The round of middle throughput; of an even number the lower one. */
    static Round middle(List<Round> rounds) {
        return rounds.stream()
                .sorted(Comparator.comparingDouble(Round::messagesPerSecond))
                .toList()
                .get((rounds.size() - 1) / 2);
    }

    /** Distance of the throughputs from least to most, divided by the middle one. */
    static double spread(List<Round> rounds) {
        double least =
                rounds.stream().mapToDouble(Round::messagesPerSecond).min().orElse(0);
        double most =
                rounds.stream().mapToDouble(Round::messagesPerSecond).max().orElse(0);
        return (most - least) / middle(rounds).messagesPerSecond();
    }

    /** One line of the table. */
    record Cell(int inFlight, Round ours, Round theirs, double spread, long errors) {
        Map<String, Object> toJson() {
            Map<String, Object> json = new LinkedHashMap<>();
            json.put("workload", "calls");
            json.put("sessions", inFlight);
            json.put("peer", "tcp-echo");
            json.put("ours", Math.round(ours.messagesPerSecond()));
            json.put("theirs", Math.round(theirs.messagesPerSecond()));
            json.put("ratio", thousandths(ours.messagesPerSecond() / theirs.messagesPerSecond()));
            json.put("spread", thousandths(spread));
            json.put("oursP50Us", ours.latenciesUs().getValueAtPercentile(50));
            json.put("oursP99Us", ours.latenciesUs().getValueAtPercentile(99));
            json.put("theirsP50Us", theirs.latenciesUs().getValueAtPercentile(50));
            json.put("theirsP99Us", theirs.latenciesUs().getValueAtPercentile(99));
            json.put("errors", errors);
            return json;
        }

        List<String> toText() {
            return List.of(
                    line("calls", ours),
                    line("tcp-echo", theirs)
                            + String.format(Locale.ROOT, "; ratio %.3f, spread %.3f", ratio(), spread));
        }

        private double ratio() {
            return ours.messagesPerSecond() / theirs.messagesPerSecond();
        }

        private String line(String what, Round round) {
            return String.format(
                    Locale.ROOT,
                    "%5d in flight  %-8s  %,9.0f messages/s  p50 %,7d us  p99 %,7d us",
                    inFlight,
                    what,
                    round.messagesPerSecond(),
                    round.latenciesUs().getValueAtPercentile(50),
                    round.latenciesUs().getValueAtPercentile(99));
        }

        private static double thousandths(double value) {
            return Math.round(value * 1000) / 1000.0;
        }
    }

    private static void check(boolean holds, String otherwise) {
        if (!holds) {
            throw new CommandFailure(ExitCode.USAGE, otherwise);
        }
    }

    private static void forget(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
