package io.lockstep.tests.bench;

import io.lockstep.server.Cluster;
import io.lockstep.server.ClusterPlan;
import io.lockstep.server.CommandFailure;
import io.lockstep.server.ExitCode;
import io.lockstep.server.Output;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code lockstep bench}: throughput and latency with a named peer beside each: for calls a plain echo, for SQL an H2
 * server that is not replicated. Runs on the main thread.
 */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        header = "Measures throughput and latencies, with a named peer beside each figure.",
        description = {
            "",
            "Starts one distributor, one active and its backups as processes of their own. Each caller sends as soon as"
                    + " what it sent before is answered. A round of ours and one of the peer alternate; the middle one"
                    + " of each counts, and spread is the distance of ours from least to most, divided by the middle one.",
            "",
            "calls: messages of prepaid calls, beside a plain echo over TCP.",
            "sql: transactions over JDBC, beside an H2 server that is not replicated. w1 is UPDATE account, SELECT, UPDATE"
                    + " teller, UPDATE branch, INSERT, COMMIT with one branch for all; w1n has a branch for each"
                    + " session; w2 is one UPDATE by key, w3 one SELECT by key, both with autocommit.",
            "tpcc, tatp: published benchmarks over JDBC with kills and checks; each has options of its own.",
            ""
        })
public final class BenchCommand implements Callable<Integer> {
    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    /** Warm is who spends less than this part of its processor time on compiling. */
    private static final double WARM_COMPILING = 0.05;
    /** For so many rounds of the warm-up one after the other: compilers come to rest between methods, too. */
    private static final int WARM_ROUNDS = 4;

    private static final long WARM_UP_ROUND_NS = TimeUnit.SECONDS.toNanos(1);
    private static final long FIRST_CARD = 5_000_000_000_000_001L;
    private static final long CARDS_EACH = 1_000_000;

    private final Output output;

    /** Null when nothing was said; the commands under this one want nothing here. */
    @Parameters(arity = "0..1", paramLabel = "calls|sql", description = "What to measure.")
    @Nullable String workload;

    @Option(
            names = "--against",
            paramLabel = "PEER",
            defaultValue = "h2",
            description = "Peer of sql (${DEFAULT-VALUE}: an H2 server over TCP, in memory, not replicated).")
    String against = "h2";

    @Option(
            names = "--sessions",
            split = ",",
            paramLabel = "N",
            defaultValue = "1,32",
            description = "Sessions of sql at a time (${DEFAULT-VALUE}).")
    List<Integer> sessions = List.of();

    @Option(
            names = "--only",
            split = ",",
            paramLabel = "W",
            defaultValue = "w1,w1d,w1n,w2,w3",
            description = "Workloads of sql (${DEFAULT-VALUE}).")
    List<String> only = List.of();

    @Option(names = "--nodes", description = "Sessions of sql reach the nodes without a distributor.")
    boolean isAtNodes;

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
            description = "Rounds of each, after the warm-up, which does not count (${DEFAULT-VALUE}).")
    int rounds;

    @Option(
            names = "--seconds",
            paramLabel = "N",
            defaultValue = "3",
            description = "Length of a round (${DEFAULT-VALUE}).")
    int seconds;

    @Option(
            names = "--warm-up",
            paramLabel = "N",
            defaultValue = "40",
            description = "Seconds at most that each peer is warmed up before its rounds: less when its compilers have"
                    + " come to rest before (${DEFAULT-VALUE}).")
    int warmUp;

    @Option(
            names = "--threads",
            description = "Tells which thread used how much processor time for a message, on stderr.")
    boolean isTellingThreads;

    @Option(
            names = "--property",
            paramLabel = "NAME=VALUE",
            description =
                    "What Lockstep's connections add to their URL, for example deferUpdates=true; may be given again.")
    Map<String, String> properties = new LinkedHashMap<>();

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
    public Integer call() throws IOException, InterruptedException, SQLException {
        check(
                workload != null && List.of("calls", "sql").contains(workload),
                workload == null
                        ? "what to measure is missing; known are calls, sql, tpcc, tatp"
                        : "what to measure is '" + workload + "'; known are calls, sql, tpcc, tatp");
        check(against.equals("h2"), "--against is '" + against + "'; known is h2");
        check(level.equals("memory"), "--level is '" + level + "'; allowed: memory");
        check(rounds >= 1 && seconds >= 1, "--rounds and --seconds must be 1 or more");
        check(inFlight.stream().allMatch(n -> n >= 1 && n <= 1024), "--in-flight must be from 1 to 1024");
        check(sessions.stream().allMatch(n -> n >= 1 && n <= 256), "--sessions must be from 1 to 256");
        List<SqlWorkload> chosen = only.stream().map(BenchCommand::workload).toList();
        Path directory = Files.createTempDirectory("lockstep-bench-");
        output.talk("level " + level + "; starting a cluster in " + directory);
        List<Cell> cells = new ArrayList<>();
        try (Cluster cluster = Cluster.start(ClusterPlan.in(directory)
                .withCluster("bench-" + ProcessHandle.current().pid())
                .withService("prepaid-calls")
                .withBackups(backups)
                // Steady state is measured, so the start may cost what it does.
                .withJvmOptions(List.of("-XX:TieredStopAtLevel=4")))) {
            cluster.awaitInSync(START_LIMIT);
            if ("calls".equals(workload)) {
                calls(cluster, cells);
            } else {
                sql(cluster, chosen, cells);
            }
        }
        forget(directory);
        output.document(new LinkedHashMap<>(Map.of(
                "schema",
                1,
                "level",
                level,
                "cells",
                cells.stream().map(Cell::toJson).toList())));
        boolean isFaultless = cells.stream().allMatch(cell -> cell.errors() == 0);
        return (isFaultless ? ExitCode.DONE : ExitCode.MISSED).code();
    }

    private static SqlWorkload workload(String name) {
        for (SqlWorkload each : SqlWorkload.values()) {
            if (each.shortName().equals(name)) {
                return each;
            }
        }
        throw new CommandFailure(ExitCode.USAGE, "--only has '" + name + "'; known are w1, w1d, w1n, w2, w3");
    }

    private void calls(Cluster cluster, List<Cell> cells) throws IOException, InterruptedException {
        for (int i = 0; i < inFlight.size(); i++) {
            int callers = inFlight.get(i);
            try (Load calls = new CallsBench(cluster, callers, FIRST_CARD + i * CARDS_EACH);
                    Load echo = new EchoBench(callers)) {
                add(cells, measure("calls", callers, calls, "tcp-echo", echo, pids(cluster)));
            }
        }
    }

    private void sql(Cluster cluster, List<SqlWorkload> chosen, List<Cell> cells)
            throws IOException, InterruptedException, SQLException {
        String url = isAtNodes ? cluster.jdbcUrlOfNodes() : cluster.jdbcUrl();
        try (H2Server h2 = new H2Server(cluster.plan().heapMebibytes())) {
            try (Connection here = connector(url, Map.of()).connect();
                    Connection there = h2.connect()) {
                SqlWorkload.create(here);
                SqlWorkload.create(there);
            }
            for (SqlWorkload each : chosen) {
                output.talk(each.shortName() + ": " + each.description);
                for (int count : sessions) {
                    try (Load load = new SqlLoad(connector(url, each.properties), each, count);
                            Load peer = new SqlLoad(h2::connect, each, count)) {
                        Map<String, Long> pids = pids(cluster);
                        pids.put("h2", h2.pid());
                        add(cells, measure(each.shortName(), count, load, "h2", peer, pids));
                    }
                }
            }
        }
    }

    /** Connections to Lockstep; what the command line says of a property comes before what the workload wants. */
    private SqlLoad.Connector connector(String url, Map<String, String> wanted) {
        Properties all = new Properties();
        all.putAll(wanted);
        all.putAll(properties);
        all.putAll(Map.of("user", "app", "password", "app"));
        return () -> DriverManager.getConnection(url, all);
    }

    private void add(List<Cell> cells, Cell cell) {
        cells.add(cell);
        cell.toText().forEach(output::text);
    }

    /** The processes that work for a message on either side, by name; this one has the callers. */
    private static Map<String, Long> pids(Cluster cluster) {
        Map<String, Long> pids = new LinkedHashMap<>();
        pids.put("callers", ProcessHandle.current().pid());
        cluster.distributors().forEach(child -> pids.put(child.name(), child.pid()));
        cluster.nodes().forEach(child -> pids.put(child.name(), child.pid()));
        return pids;
    }

    private Cell measure(String what, int callers, Load load, String peerName, Load peer, Map<String, Long> pids)
            throws IOException, InterruptedException {
        long nanos = TimeUnit.SECONDS.toNanos(seconds);
        List<Round> ours = new ArrayList<>();
        List<Round> theirs = new ArrayList<>();
        output.talk(what + ", " + callers + " at a time: warming up");
        long errors = warmUp(load, peer, pids);
        for (int round = 1; round <= rounds; round++) {
            ours.add(measured(load, nanos, pids));
            theirs.add(measured(peer, nanos, pids));
            errors += ours.get(round - 1).errors() + theirs.get(round - 1).errors();
            output.talk(String.format(
                    Locale.ROOT,
                    "%s, %d at a time, round %d of %d: %,.0f a second with %,.0f us each, %s %,.0f with %,.0f us",
                    what,
                    callers,
                    round,
                    rounds,
                    ours.get(round - 1).messagesPerSecond(),
                    ours.get(round - 1).processorUs(),
                    peerName,
                    theirs.get(round - 1).messagesPerSecond(),
                    theirs.get(round - 1).processorUs()));
        }
        return new Cell(
                what, callers, peerName, middle(ours), middle(theirs), ratio(ours, theirs), spread(ours), errors);
    }

    /**
     * Both in turn, as in the rounds, until the compilers of all processes have hardly anything to do: the callers share
     * code, and who is warmed up alone is compiled again when the other comes. @return errors that callers saw
     */
    private long warmUp(Load load, Load peer, Map<String, Long> pids) throws IOException, InterruptedException {
        long errors = 0;
        int restful = 0;
        long endNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(2L * warmUp);
        while (restful < WARM_ROUNDS && System.nanoTime() - endNs < 0) {
            ProcessorTime before = ProcessorTime.now(pids);
            errors += load.run(WARM_UP_ROUND_NS).errors()
                    + peer.run(WARM_UP_ROUND_NS).errors();
            ProcessorTime after = ProcessorTime.now(pids);
            long compilingNs = after.compilerNsSince(before);
            boolean isRestful = compilingNs < WARM_COMPILING * (compilingNs + after.workNsSince(before));
            restful = isRestful ? restful + 1 : 0;
        }
        return errors;
    }

    private Round measured(Load load, long nanos, Map<String, Long> pids) throws IOException, InterruptedException {
        ProcessorTime before = ProcessorTime.now(pids);
        Round round = load.run(nanos);
        ProcessorTime after = ProcessorTime.now(pids);
        if (isTellingThreads) {
            after.tableSince(before, round.messages()).forEach(output::talk);
        }
        return round.costing(after.workNsSince(before));
    }

    /** The round of middle throughput; of an even number the lower one. */
    static Round middle(List<Round> rounds) {
        return rounds.stream()
                .sorted(Comparator.comparingDouble(Round::messagesPerSecond))
                .toList()
                .get((rounds.size() - 1) / 2);
    }

    /** Middle of what each round has of the one of the peer that came after it, since a machine may change its speed. */
    static double ratio(List<Round> ours, List<Round> theirs) {
        double[] ratios = IntStream.range(0, ours.size())
                .mapToDouble(
                        i -> ours.get(i).messagesPerSecond() / theirs.get(i).messagesPerSecond())
                .sorted()
                .toArray();
        return ratios[(ratios.length - 1) / 2];
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
    record Cell(
            String workload,
            int sessions,
            String peer,
            Round ours,
            Round theirs,
            double ratio,
            double spread,
            long errors) {
        Map<String, Object> toJson() {
            Map<String, Object> json = new LinkedHashMap<>();
            json.put("workload", workload);
            json.put("sessions", sessions);
            json.put("peer", peer);
            json.put("ours", Math.round(ours.messagesPerSecond()));
            json.put("theirs", Math.round(theirs.messagesPerSecond()));
            json.put("ratio", thousandths(ratio));
            json.put("spread", thousandths(spread));
            json.put("oursProcessorUs", Math.round(ours.processorUs()));
            json.put("theirsProcessorUs", Math.round(theirs.processorUs()));
            json.put("oursP50Us", ours.latenciesUs().getValueAtPercentile(50));
            json.put("oursP99Us", ours.latenciesUs().getValueAtPercentile(99));
            json.put("theirsP50Us", theirs.latenciesUs().getValueAtPercentile(50));
            json.put("theirsP99Us", theirs.latenciesUs().getValueAtPercentile(99));
            json.put("errors", errors);
            return json;
        }

        List<String> toText() {
            return List.of(
                    line("lockstep", ours),
                    line(peer, theirs) + String.format(Locale.ROOT, "; ratio %.3f, spread %.3f", ratio, spread));
        }

        private String line(String what, Round round) {
            return String.format(
                    Locale.ROOT,
                    "%-5s x %4d  %-8s  %,9.0f a second  p50 %,7d us  p99 %,7d us  processor %,6.0f us each",
                    workload,
                    sessions,
                    what,
                    round.messagesPerSecond(),
                    round.latenciesUs().getValueAtPercentile(50),
                    round.latenciesUs().getValueAtPercentile(99),
                    round.processorUs());
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
