package io.lockstep.server.drill;

import io.lockstep.distributor.DigestAnswer;
import io.lockstep.distributor.LockstepClient;
import io.lockstep.distributor.LockstepException;
import io.lockstep.server.ChildProcess;
import io.lockstep.server.Cluster;
import io.lockstep.server.ClusterPlan;
import io.lockstep.server.ClusterStatus;
import io.lockstep.server.ClusterStatus.NodeStatus;
import io.lockstep.server.CommandFailure;
import io.lockstep.server.ExitCode;
import io.lockstep.server.LockstepConfig;
import io.lockstep.server.drill.DrillConfig.Fault;
import io.lockstep.server.drill.DrillConfig.Target;
import io.lockstep.server.drill.Workload.Phase;
import io.lockstep.server.drill.Workload.Run;
import io.lockstep.server.drill.Workload.Verdict;
import io.lockstep.tsdstore.TsdStoreConfig;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * One drill: a cluster of real processes under load, broken on purpose, and then asked whether anything is missing.
 * Touched by one thread, the command's; clients and the watch have threads of their own.
 */
final class Drill {
    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    private static final Duration DRAIN_LIMIT = Duration.ofSeconds(60);
    private static final Duration DIGEST_LIMIT = Duration.ofSeconds(60);
    private static final Duration REACH_LIMIT = Duration.ofSeconds(30);
    private static final long LOOK_EVERY_MS = 50;
    /** The instant of being warm is zero of the report's time axis. */
    private static final long WARM_LOOK_EVERY_MS = 2;

    /** Load that must follow the last fault, so that there is an "after". */
    private static final long AFTER_LAST_FAULT_MS = 2_000;

    private final DrillConfig config;
    private final Workload workload;
    private final DrillProgress progress;
    private final TermWatch terms = new TermWatch();
    private final List<String> problems = new ArrayList<>();
    private final List<InjectedFault> faults = new ArrayList<>();
    private final List<InjectedLinkFault> links = new ArrayList<>();
    /** Where the processes run when links are to be broken; null otherwise. */
    private @Nullable Yard yard;

    private final SplittableRandom random;

    Drill(DrillConfig config, Workload workload, DrillProgress progress) {
        this.config = config;
        this.workload = workload;
        this.progress = progress;
        this.random = new SplittableRandom(config.seed());
    }

    /**
     * Runs it from start to verdict.
     *
     * @throws CommandFailure the cluster could not be started (cannot reach), or the load never became warm (failed)
     */
    @SuppressWarnings("try") // the cluster is closed early: recordings are whole once the nodes have ended
    DrillResult run() throws InterruptedException, IOException {
        Instant startedAt = Instant.now();
        long beganNs = System.nanoTime();
        try (Cluster cluster = start();
                NodeWatch watch = new NodeWatch(cluster)) {
            watch.measureIdle();
            try (Run run = workload.prepare(door(cluster), settings())) {
                long loadStartedAtMicros = load(cluster, run);
                Verdict verdict = settle(run);
                Optional<DigestAnswer> digest = orderDigest(cluster);
                List<String> nodes = new ArrayList<>();
                List<String> differences = new ArrayList<>();
                digest.ifPresent(answer -> awaitReached(cluster, answer, nodes, differences));
                List<NodeCost> costs = watch.costs();
                checkAlive(cluster);
                progress.tell("ending the processes, executing the recorded history once more");
                cluster.close();
                HistoryCheck history = new HistoryCheck(config.directory(), cluster, workload, storeLimits(cluster));
                DigestCheck equality = digest.isPresent()
                        ? history.check(digest.get(), nodes, differences, run)
                        : new DigestCheck(0, 0, 0, 0, nodes, List.of("the cluster answered no digest"));
                DrillResult result = new DrillResult(
                        config,
                        startedAt,
                        loadStartedAtMicros,
                        (System.nanoTime() - beganNs) / 1_000_000,
                        List.copyOf(faults),
                        List.copyOf(links),
                        verdict,
                        equality,
                        costs,
                        List.copyOf(problems),
                        surroundings());
                if (result.exitCode() != ExitCode.MISMATCH) {
                    history.forgetRecordings();
                }
                return result;
            }
        }
    }

    // ---- start ----------------------------------------------------------------------------------------------------

    private Cluster start() {
        ClusterPlan plan = ClusterPlan.in(config.directory())
                .withCluster("drill-" + Long.toHexString(config.seed()) + "-"
                        + ProcessHandle.current().pid())
                .withService(workload.service())
                .withBackups(config.backups())
                .withDistributors(config.distributors())
                .withHeapMebibytes(config.heapMebibytes())
                .withRecordedEntries();
        plan = config.hasArbiter() ? plan.withArbiter() : plan;
        if (!config.links().isEmpty()) {
            yard = new Yard();
            plan = plan.withPlaces(yard);
        }
        progress.tell("starting " + (config.backups() + 1) + " nodes and " + config.distributors() + " distributor"
                + (config.distributors() == 1 ? "" : "s") + (config.hasArbiter() ? " and an arbiter" : "") + " in "
                + config.directory());
        try {
            Cluster cluster = Cluster.start(plan);
            try {
                cluster.awaitInSync(START_LIMIT);
                return cluster;
            } catch (RuntimeException e) {
                cluster.close();
                throw e;
            }
        } catch (CommandFailure e) {
            ExitCode code = e.exitCode() == ExitCode.FAILED ? ExitCode.CANNOT_REACH : e.exitCode();
            throw new CommandFailure(code, "the drill's cluster does not start: " + e.getMessage(), e);
        }
    }

    private Workload.Door door(Cluster cluster) {
        return new Workload.Door(
                cluster.plan().cluster(), cluster.clientAddresses(), () -> connect(cluster), terms::heard);
    }

    private LockstepClient connect(Cluster cluster) {
        LockstepClient client = LockstepClient.builder()
                .cluster(cluster.plan().cluster())
                .distributors(cluster.clientAddresses())
                .label("drill")
                .open();
        client.onTermChange(terms::heard);
        return client;
    }

    private Workload.Settings settings() {
        return new Workload.Settings(config.seed(), config.calls(), config.rate(), config.stateBytes());
    }

    // ---- load and faults ------------------------------------------------------------------------------------------

    /** @return when the load was warm, in micros: zero of its timeline */
    private long load(Cluster cluster, Run run) throws InterruptedException, IOException {
        progress.tell("opening " + config.calls() + " transactions");
        run.start();
        awaitWarm(run);
        run.enter(Phase.BEFORE);
        long warmAtMicros = ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now());
        long warmNs = System.nanoTime();
        long endMs = config.seconds() * 1_000L;
        progress.tell(config.calls() + " transactions are open; " + config.rate() + " messages a second for "
                + config.seconds() + " s");
        progress.loadBegins(endMs);
        FaultInjector injector = new FaultInjector(config, cluster, terms, progress, random);
        for (int number = 1; number <= config.kills(); number++) {
            runUntil(run, warmNs, momentMs(number), endMs);
            InjectedFault fault = injector.inject(number, run);
            faults.add(fault);
            if (!fault.cameBack() || (config.target() == Target.ACTIVE && fault.takeover() == null)) {
                problems.add("after fault " + number + " the cluster did not recover; no more faults");
                break;
            }
            long sinceWarmMs = (System.nanoTime() - warmNs) / 1_000_000;
            if (number == config.kills() && sinceWarmMs + AFTER_LAST_FAULT_MS > endMs) {
                endMs = sinceWarmMs + AFTER_LAST_FAULT_MS;
                progress.tell("the load goes on until " + endMs / 1_000
                        + " s, so that there is something after the last fault");
            }
        }
        runUntil(run, warmNs, Math.max(endMs, breakLinks(cluster, run, warmNs)), endMs);
        progress.loadEnds();
        return warmAtMicros;
    }

    /** Breaks one link after the other. @return until when the load goes on at least, in milliseconds since it was warm */
    private long breakLinks(Cluster cluster, Run run, long warmNs) throws InterruptedException, IOException {
        Yard links = yard;
        if (links == null) {
            return 0;
        }
        LinkInjector injector = new LinkInjector(cluster, links, progress, random);
        for (LinkFault fault : config.links()) {
            this.links.add(injector.inject(this.links.size() + 1, fault, run, problems));
        }
        return (System.nanoTime() - warmNs) / 1_000_000 + AFTER_LAST_FAULT_MS;
    }

    private void awaitWarm(Run run) throws InterruptedException {
        long limitMs = 60_000 + 10L * config.calls();
        long end = System.nanoTime() + limitMs * 1_000_000;
        while (!run.isWarm()) {
            if (System.nanoTime() - end >= 0) {
                throw new CommandFailure(
                        ExitCode.FAILED,
                        "after " + limitMs / 1000 + " s only " + run.openTransactions() + " of " + config.calls()
                                + " transactions are open; logs are in " + config.directory());
            }
            Thread.sleep(WARM_LOOK_EVERY_MS);
        }
    }

    /** Each fault has its share of the load, and comes somewhere in the middle half of it. */
    private long momentMs(int number) {
        double share = config.seconds() * 1_000.0 / config.kills();
        return (long) (share * (number - 1 + random.nextDouble(0.25, 0.75)));
    }

    private void runUntil(Run run, long warmNs, long untilMs, long endMs) throws InterruptedException {
        while (true) {
            long nowMs = (System.nanoTime() - warmNs) / 1_000_000;
            progress.at(
                    nowMs,
                    endMs,
                    String.format(
                            Locale.ROOT, "%,d open, %,d answered", run.openTransactions(), run.answeredMessages()));
            if (nowMs >= untilMs) {
                return;
            }
            Thread.sleep(Math.min(LOOK_EVERY_MS, untilMs - nowMs));
        }
    }

    // ---- verdict --------------------------------------------------------------------------------------------------

    private Verdict settle(Run run) throws InterruptedException {
        progress.tell("ending " + run.openTransactions() + " open transactions");
        if (!run.drain(DRAIN_LIMIT)) {
            problems.add(run.openTransactions() + " transactions had not ended " + DRAIN_LIMIT.toSeconds()
                    + " s after the load");
        }
        return run.verdict();
    }

    private Optional<DigestAnswer> orderDigest(Cluster cluster) throws InterruptedException {
        try (LockstepClient client = connect(cluster)) {
            return Optional.of(
                    client.digestAsync().toCompletableFuture().get(DIGEST_LIMIT.toSeconds(), TimeUnit.SECONDS));
        } catch (ExecutionException | TimeoutException | LockstepException e) {
            problems.add("the cluster answered no digest: " + e);
            return Optional.empty();
        }
    }

    /** A backup compares the digest when it executes the entry; one that differs leaves the view. */
    private void awaitReached(Cluster cluster, DigestAnswer answer, List<String> nodes, List<String> differences) {
        long end = System.nanoTime() + REACH_LIMIT.toNanos();
        ClusterStatus status = cluster.awaitInSync(0, REACH_LIMIT);
        while (!hasReached(status, answer.position()) && System.nanoTime() - end < 0) {
            status = cluster.awaitInSync(0, REACH_LIMIT);
        }
        for (NodeStatus node : status.nodes()) {
            nodes.add(String.format(
                    Locale.ROOT,
                    "%s (%s%s) executed %,d; the digest was ordered at %,d",
                    node.name(),
                    node.role().toLowerCase(Locale.ROOT),
                    node.inSync() ? ", in sync" : "",
                    node.executedPosition(),
                    answer.position()));
            if (node.executedPosition() < answer.position()) {
                differences.add(node.name() + " did not execute the entry of the digest: it is at "
                        + node.executedPosition() + ", state " + node.state());
            }
        }
        if (!status.isInSync(config.backups())) {
            differences.add("not every node is in sync after the digest: " + status);
        }
    }

    private boolean hasReached(ClusterStatus status, long position) {
        return status.isInSync(config.backups())
                && status.nodes().stream().allMatch(node -> node.executedPosition() >= position);
    }

    private void checkAlive(Cluster cluster) {
        List<ChildProcess> all = new ArrayList<>(cluster.distributors());
        all.addAll(cluster.nodes());
        for (ChildProcess child : all) {
            if (!child.isAlive()) {
                problems.add(child.name() + " ended by itself (exit code "
                        + child.onExit().join() + "); see " + child.log());
            }
        }
    }

    /** As the nodes were told: these limits decide what an entry of expiry does. */
    private static TsdStoreConfig storeLimits(Cluster cluster) {
        LockstepConfig told =
                LockstepConfig.read(cluster.nodes().get(0).directory().resolve("config.yaml"));
        return TsdStoreConfig.defaults()
                .withIdle(told.limits().sessionLimit(), told.limits().transactionLimit());
    }

    private Map<String, String> surroundings() {
        Map<String, String> around = new TreeMap<>();
        @Nullable String version = Drill.class.getPackage().getImplementationVersion();
        around.put("Lockstep", version == null ? "0.1.0-SNAPSHOT" : version);
        around.put("Java", Runtime.version() + ", " + System.getProperty("java.vm.name"));
        around.put("System", System.getProperty("os.name") + " " + System.getProperty("os.version"));
        around.put("Processors", Runtime.getRuntime().availableProcessors() + ", " + System.getProperty("os.arch"));
        around.put(
                "Fault",
                config.fault() == Fault.KILL ? "SIGKILL of another JVM" : "SIGSTOP of another JVM, SIGCONT later");
        return around;
    }
}
