package io.lockstep.tests.bench.standard;

import io.lockstep.server.Cluster;
import io.lockstep.server.ClusterPlan;
import io.lockstep.server.CommandFailure;
import io.lockstep.server.ExitCode;
import io.lockstep.server.Output;
import io.lockstep.tests.bench.H2Server;
import io.lockstep.tests.bench.standard.Benchmark.Audit;
import io.lockstep.tests.bench.standard.Benchmark.Finding;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Runs a published benchmark over a cluster of its own, kills its active as often as asked, and judges. Touched by one
 * thread, the command's.
 */
final class StandardBench {
    private static final Duration START_LIMIT = Duration.ofSeconds(60);

    /** Longer than any takeover: a lock that is not had within it is an error, and no error is expected. */
    private static final String WAIT_FOR_LOCKS = "SET LOCK_TIMEOUT 60000";

    private static final long LOOK_EVERY_MS = 100;
    private static final long AFTER_LAST_KILL_MS = 2_000;

    private final Options options;
    private final Supplier<Benchmark> benchmarks;
    private final Output output;
    private final List<KilledNode> kills = new ArrayList<>();
    private final List<String> problems = new ArrayList<>();

    /**
     * How to run it.
     *
     * @param kills of the active; only of a cluster of its own
     * @param against null, or h2
     * @param url of a database to use in the place of a cluster of its own, or null
     */
    record Options(
            int kills,
            int seconds,
            int terminals,
            int backups,
            long seed,
            int heapMebibytes,
            @Nullable String against,
            @Nullable String url,
            String user,
            String password) {}

    /** @param benchmarks a new one for each database that it runs over: it keeps books */
    StandardBench(Options options, Supplier<Benchmark> benchmarks, Output output) {
        this.options = options;
        this.benchmarks = benchmarks;
        this.output = output;
    }

    /** Runs all of it. @return what the command ends with */
    ExitCode run() throws IOException, InterruptedException, SQLException {
        Benchmark benchmark = benchmarks.get();
        output.talk(benchmark.name() + " " + benchmark.scale() + ", seed " + options.seed());
        benchmark.deviations().forEach(line -> output.talk("  not as specified: " + line));
        Copies copies = null;
        Measured ours;
        if (options.url() != null) {
            String url = options.url();
            Door door = () -> DriverManager.getConnection(url, options.user(), options.password());
            ours = measure(benchmark, url, door, null);
        } else {
            Path directory = Files.createTempDirectory("lockstep-bench-");
            output.talk("level memory; starting a cluster in " + directory);
            try (Cluster cluster = Cluster.start(plan(directory))) {
                cluster.awaitInSync(START_LIMIT);
                ours = measure(benchmark, "lockstep", door(cluster), cluster);
                copies = Copies.compare(cluster);
            }
            forget(directory);
        }
        Measured theirs = null;
        if (options.against() != null) {
            try (H2Server h2 = new H2Server(options.heapMebibytes())) {
                theirs = measure(benchmarks.get(), "h2", h2::connect, null);
            }
        }
        return report(benchmark, ours, copies, theirs);
    }

    private ClusterPlan plan(Path directory) {
        return ClusterPlan.in(directory)
                .withCluster("bench-" + ProcessHandle.current().pid())
                .withService("prepaid-calls")
                .withBackups(options.backups())
                .withHeapMebibytes(options.heapMebibytes())
                .withJvmOptions(List.of("-XX:TieredStopAtLevel=4"));
    }

    private static Door door(Cluster cluster) {
        String url = cluster.jdbcUrl() + "&ApplicationName=bench&socketTimeout=120&connectTimeout=60";
        return () -> DriverManager.getConnection(url, "app", "app");
    }

    // ---- one database -----------------------------------------------------------------------------------------------

    private Measured measure(Benchmark benchmark, String database, Door door, @Nullable Cluster cluster)
            throws SQLException, InterruptedException {
        output.talk(database + ": creating tables");
        long beganNs = System.nanoTime();
        try (Connection connection = door.connect()) {
            benchmark.create(connection);
        }
        double fillSeconds = (System.nanoTime() - beganNs) / 1e9;
        output.talk(String.format(Locale.ROOT, "%s: created in %.1f s; checking", database, fillSeconds));
        List<Finding> before = check(benchmark, door);
        List<Connection> connections = new ArrayList<>();
        try {
            for (int i = 0; i < options.terminals(); i++) {
                connections.add(open(door));
            }
            TerminalRun run = new TerminalRun(benchmark, connections);
            output.talk(database + ": " + options.terminals() + " terminals for " + options.seconds() + " s");
            run.start();
            load(database, run, cluster);
            TerminalRun.Result result = run.end();
            output.talk(database + ": checking " + result.ended() + " transactions");
            List<Finding> after = check(benchmark, door);
            try (Connection connection = door.connect()) {
                Audit audit = benchmark.audit(connection);
                return new Measured(database, fillSeconds, before, result, after, audit);
            }
        } finally {
            for (Connection connection : connections) {
                connection.close();
            }
        }
    }

    private static Connection open(Door door) throws SQLException {
        Connection connection = door.connect();
        if (connection.getMetaData().getDatabaseProductName().equals("H2")) {
            try (Statement statement = connection.createStatement()) {
                statement.execute(WAIT_FOR_LOCKS);
            }
        }
        connection.setAutoCommit(false);
        return connection;
    }

    private static List<Finding> check(Benchmark benchmark, Door door) throws SQLException {
        try (Connection connection = door.connect()) {
            return benchmark.check(connection);
        }
    }

    /** Each kill has its share of the run, and comes somewhere in the middle half of it. */
    private void load(String database, TerminalRun run, @Nullable Cluster cluster) throws InterruptedException {
        long beganNs = System.nanoTime();
        long endMs = options.seconds() * 1_000L;
        if (cluster != null) {
            SplittableRandom random = new SplittableRandom(options.seed());
            for (int number = 1; number <= options.kills(); number++) {
                double share = (double) endMs / options.kills();
                await(beganNs, (long) (share * (number - 1 + random.nextDouble(0.25, 0.75))));
                try {
                    KilledNode killed = KilledNode.kill(cluster, run);
                    kills.add(killed);
                    output.talk(String.format(
                            Locale.ROOT,
                            "kill %d of %d: %s with %d transactions open; %s active after %.1f ms, back after %.1f s",
                            number,
                            options.kills(),
                            killed.node(),
                            killed.open(),
                            killed.to(),
                            killed.promotedMs(),
                            killed.backMs() / 1e3));
                } catch (CommandFailure e) {
                    problems.add("kill " + number + ": " + e.getMessage());
                    break;
                }
                long sinceMs = (System.nanoTime() - beganNs) / 1_000_000;
                if (number == options.kills() && sinceMs + AFTER_LAST_KILL_MS > endMs) {
                    output.talk("the run lengthens, so that there is something after the last kill");
                    await(beganNs, sinceMs + AFTER_LAST_KILL_MS);
                }
            }
        }
        await(beganNs, endMs);
        output.talk(database + ": " + run.ended() + " transactions; ending");
    }

    private static void await(long beganNs, long untilMs) throws InterruptedException {
        for (long leftMs = left(beganNs, untilMs); leftMs > 0; leftMs = left(beganNs, untilMs)) {
            Thread.sleep(Math.min(LOOK_EVERY_MS, leftMs));
        }
    }

    private static long left(long beganNs, long untilMs) {
        return untilMs - (System.nanoTime() - beganNs) / 1_000_000;
    }

    // ---- verdict ----------------------------------------------------------------------------------------------------

    private ExitCode report(Benchmark benchmark, Measured ours, @Nullable Copies copies, @Nullable Measured theirs) {
        List<String> complaints = new ArrayList<>();
        ExitCode code = judge(ours, copies, theirs, complaints);
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("schema", 1);
        json.put("workload", benchmark.name());
        json.put("seed", options.seed());
        json.put("level", "memory");
        json.put("ok", code == ExitCode.DONE);
        json.put("exitCode", code.code());
        json.put("complaints", complaints);
        json.put("scale", benchmark.scale());
        json.put("deviations", benchmark.deviations());
        json.put("terminals", options.terminals());
        json.put("backups", options.backups());
        json.put("kills", new LinkedHashMap<>(Map.of("requested", options.kills(), "done", kills.size())));
        json.put("continued", ours.run().continued());
        json.put("takeovers", kills.stream().map(KilledNode::toJson).toList());
        json.put("client", Map.of("errors", ours.run().errors()));
        json.put("lost", ours.audit().lost());
        json.put("doubled", ours.audit().doubled());
        json.put("unknown", ours.run().unknown());
        json.put("digest", copies == null ? null : copies.toJson());
        json.put("ours", ours.toJson());
        json.put("theirs", theirs == null ? null : theirs.toJson());
        json.put("cells", List.of(cell(benchmark, ours, theirs)));
        json.put(
                "problems",
                Stream.concat(problems.stream(), ours.run().problems().stream()).toList());
        ours.toText().forEach(output::text);
        if (theirs != null) {
            theirs.toText().forEach(output::text);
            output.text(String.format(
                    Locale.ROOT,
                    "ratio %.3f",
                    ours.run().perSecond() / theirs.run().perSecond()));
        }
        if (copies != null) {
            output.text((copies.equal() ? "copies equal at " : "copies DIFFER at ") + copies.position() + ": "
                    + copies.nodes());
        }
        output.text("kills " + kills.size() + " of " + options.kills() + "; "
                + ours.run().continued() + " transactions open then went on");
        complaints.forEach(complaint -> output.text("  - " + complaint));
        output.text(code == ExitCode.DONE ? "PASSED" : "FAILED");
        output.document(json);
        return code;
    }

    private Map<String, Object> cell(Benchmark benchmark, Measured ours, @Nullable Measured theirs) {
        Map<String, Object> cell = new LinkedHashMap<>();
        cell.put("workload", benchmark.name());
        cell.put("sessions", options.terminals());
        cell.put("peer", options.against());
        cell.put("ours", Measured.hundredths(ours.run().perSecond()));
        cell.put(
                "theirs",
                theirs == null ? null : Measured.hundredths(theirs.run().perSecond()));
        cell.put(
                "ratio",
                theirs == null
                        ? null
                        : Measured.hundredths(
                                ours.run().perSecond() / theirs.run().perSecond()));
        cell.put("spread", 0.0);
        return cell;
    }

    private ExitCode judge(Measured ours, @Nullable Copies copies, @Nullable Measured theirs, List<String> complaints) {
        ExitCode code = ExitCode.DONE;
        code = worse(code, problems.isEmpty(), ExitCode.FAILED, complaints, "the cluster did not recover");
        code = worse(
                code,
                kills.size() == options.kills(),
                ExitCode.FAILED,
                complaints,
                "only " + kills.size() + " of " + options.kills() + " kills were done");
        code = worse(
                code,
                kills.isEmpty() || ours.run().continued() > 0,
                ExitCode.FAILED,
                complaints,
                "no transaction was open at a kill and went on: the run shows nothing");
        code = worse(
                code,
                ours.run().errors() == 0 && (theirs == null || theirs.run().errors() == 0),
                ExitCode.MISSED,
                complaints,
                "terminals saw errors");
        code = worse(code, ours.run().unknown() == 0, ExitCode.MISMATCH, complaints, "outcomes are unknown");
        code = worse(
                code,
                ours.audit().lost() + ours.audit().doubled() == 0,
                ExitCode.MISMATCH,
                complaints,
                "answered effects are gone, or are there without an answer");
        code = worse(code, ours.holds(), ExitCode.MISMATCH, complaints, "conditions are broken: " + ours.held());
        return worse(code, copies == null || copies.equal(), ExitCode.MISMATCH, complaints, "the copies differ");
    }

    private static ExitCode worse(
            ExitCode code, boolean holds, ExitCode otherwise, List<String> complaints, String complaint) {
        if (holds) {
            return code;
        }
        complaints.add(complaint);
        return code.compareTo(otherwise) >= 0 ? code : otherwise;
    }

    private static void forget(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
