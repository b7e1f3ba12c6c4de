package io.lockstep.server.drill;

import io.lockstep.distributor.TermChange;
import io.lockstep.server.ChildProcess;
import io.lockstep.server.Cluster;
import io.lockstep.server.ClusterStatus;
import io.lockstep.server.ClusterStatus.NodeStatus;
import io.lockstep.server.ClusterStatus.TakeoverStatus;
import io.lockstep.server.CommandFailure;
import io.lockstep.server.ExitCode;
import io.lockstep.server.FormerReign;
import io.lockstep.server.drill.DrillConfig.Fault;
import io.lockstep.server.drill.DrillConfig.Target;
import io.lockstep.server.drill.Workload.Phase;
import io.lockstep.server.drill.Workload.Run;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Breaks one process after the other, and waits until each is in its place again. Touched by the drill's thread.
 */
final class FaultInjector {
    /** Beyond it there is no takeover: a client's request would have ended by then. */
    private static final Duration TAKEOVER_LIMIT = Duration.ofSeconds(30);
    /** For the new active's status to reach the distributor: it waits until members miss a stopped one, 4 to 7 s. */
    private static final Duration STATUS_LIMIT = Duration.ofSeconds(20);
    /** For a killed process to start and be in sync again: a full copy of 100,000 transactions takes its time. */
    private static final Duration BACK_LIMIT = Duration.ofSeconds(90);

    /** After the first answer of a new term the messages held meanwhile are answered: they still count as "during". */
    private static final long DURING_AFTER_RESUME_MS = 250;

    private static final long LOOK_EVERY_MS = 20;

    private final DrillConfig config;
    private final Cluster cluster;
    private final TermWatch terms;
    private final DrillProgress progress;
    private final SplittableRandom random;
    private int recordings;

    FaultInjector(
            DrillConfig config, Cluster cluster, TermWatch terms, DrillProgress progress, SplittableRandom random) {
        this.config = config;
        this.cluster = cluster;
        this.terms = terms;
        this.progress = progress;
        this.random = random;
    }

    /**
     * Waits until a backup is in sync and transactions are open, breaks a process, and returns when it is back.
     *
     * @throws CommandFailure (failed) when the cluster is not fit for a fault within the limit
     */
    InjectedFault inject(int number, Run run) throws InterruptedException, IOException {
        long beganNs = System.nanoTime();
        ClusterStatus status = awaitOpportunity(run);
        long waitedMs = (System.nanoTime() - beganNs) / 1_000_000;
        ChildProcess victim = choose(number, status);
        String role = config.target().text();
        long term = Math.max(status.term(), terms.term());
        int open = run.openTransactions();
        if (waitedMs > 500) {
            progress.tell("fault " + number + " waited " + waitedMs + " ms for a backup in sync and open transactions;"
                    + " the run lengthens");
        }
        run.beforeKill();
        run.enter(Phase.DURING);
        Instant at = config.fault() == Fault.KILL ? victim.kill() : victim.stop();
        long atMicros = micros(at);
        Takeover takeover = null;
        List<String> notes = new ArrayList<>();
        if (config.target() == Target.ACTIVE) {
            takeover = awaitTakeover(victim, term, atMicros, run, notes);
        }
        progress.tell(headline(number, victim, role, open, takeover));
        Cluster.Dropped droppedBefore = cluster.dropped();
        Instant backFrom = config.fault() == Fault.KILL ? at : thaw(victim, notes);
        long backAtMicros = bringBack(victim, notes);
        Thaw thaw = null;
        if (takeover != null && config.fault() == Fault.STOP) {
            thaw = new Thaw(answersLetGo(victim, term), cluster.dropped().since(droppedBefore));
            notes.add(thaw.text());
            if (terms.term() != takeover.term()) {
                notes.add("clients then heard of term " + terms.term() + ", after " + takeover.term());
            }
        }
        if (config.target() != Target.ACTIVE) {
            run.enter(Phase.AFTER);
        }
        double backMs = backAtMicros < 0 ? -1 : (backAtMicros - micros(backFrom)) / 1000.0;
        progress.tell(
                backMs < 0
                        ? victim.name() + " did not come back within " + BACK_LIMIT.toSeconds() + " s"
                        : String.format(
                                Locale.ROOT, "%s is back in its place after %.1f s", victim.name(), backMs / 1000));
        return new InjectedFault(
                number, victim.name(), role, config.fault(), atMicros, open, waitedMs, takeover, backMs, thaw, notes);
    }

    private ClusterStatus awaitOpportunity(Run run) throws InterruptedException {
        long end = System.nanoTime() + BACK_LIMIT.toNanos();
        while (true) {
            ClusterStatus status = cluster.awaitInSync(config.backups(), BACK_LIMIT);
            if (run.openTransactions() > 0 && status.term() >= terms.term()) {
                return status;
            }
            if (System.nanoTime() - end >= 0) {
                throw new CommandFailure(
                        ExitCode.FAILED,
                        "no transaction is open after " + BACK_LIMIT.toSeconds() + " s; last seen: " + status);
            }
            Thread.sleep(LOOK_EVERY_MS);
        }
    }

    private ChildProcess choose(int number, ClusterStatus status) {
        return switch (config.target()) {
            case ACTIVE ->
                cluster.child(status.activeNode().map(NodeStatus::name).orElseThrow());
            case BACKUP -> {
                List<NodeStatus> backups = status.inSyncBackups();
                yield cluster.child(backups.get(random.nextInt(backups.size())).name());
            }
            case DISTRIBUTOR -> {
                // Clients begin at the first one and stay where they are until that fails: each fault hits them.
                List<ChildProcess> distributors = cluster.distributors();
                yield distributors.get((number - 1) % distributors.size());
            }
            case ARBITER -> cluster.arbiters().get(0);
        };
    }

    private @Nullable Takeover awaitTakeover(ChildProcess victim, long term, long atMicros, Run run, List<String> notes)
            throws InterruptedException {
        Optional<TermChange> resumed = terms.awaitAbove(term, TAKEOVER_LIMIT);
        CompletableFuture.delayedExecutor(DURING_AFTER_RESUME_MS, TimeUnit.MILLISECONDS)
                .execute(() -> run.enter(Phase.AFTER));
        if (resumed.isEmpty()) {
            notes.add("nobody took over within " + TAKEOVER_LIMIT.toSeconds() + " s");
            return null;
        }
        long newTerm = resumed.get().term();
        Optional<NodeStatus> winner = awaitWinner(newTerm);
        if (winner.isEmpty()) {
            notes.add("clients had answers of term " + newTerm + ", but no node says that it took over");
            return null;
        }
        TakeoverStatus said = winner.get().takeover();
        if (said == null) {
            throw new IllegalStateException("a winner without a takeover: " + winner.get());
        }
        if (newTerm != term + 1) {
            notes.add("the term went from " + term + " to " + newTerm);
        }
        return Takeover.between(
                newTerm,
                victim.name(),
                winner.get().name(),
                config.fault(),
                atMicros,
                said.detectedAtMicros(),
                said.agreedAtMicros(),
                said.promotedAtMicros(),
                terms.firstAnswerMicros(newTerm).orElse(resumed.get().atMicros()));
    }

    private Optional<NodeStatus> awaitWinner(long term) throws InterruptedException {
        long end = System.nanoTime() + STATUS_LIMIT.toNanos();
        while (System.nanoTime() - end < 0) {
            Optional<NodeStatus> winner = status().stream()
                    .flatMap(status -> status.nodes().stream())
                    .filter(node -> isWinner(node, term))
                    .findFirst();
            if (winner.isPresent()) {
                return winner;
            }
            Thread.sleep(LOOK_EVERY_MS);
        }
        return Optional.empty();
    }

    private static boolean isWinner(NodeStatus node, long term) {
        TakeoverStatus takeover = node.takeover();
        return takeover != null && takeover.term() == term;
    }

    /** Lets a stopped process go on, a while after somebody took over. */
    private Instant thaw(ChildProcess victim, List<String> notes) throws InterruptedException, IOException {
        Thread.sleep(config.thawAfter().toMillis());
        keepRecording(victim);
        Instant at = victim.cont();
        notes.add("thawed " + config.thawAfter().toSeconds() + " s later");
        progress.tell(victim.name() + " goes on");
        return at;
    }

    /** What the thawed process says of its former reign; negative when it says nothing, or did not notice its pause. */
    private long answersLetGo(ChildProcess victim, long term) throws InterruptedException {
        long end = System.nanoTime() + STATUS_LIMIT.toNanos();
        while (System.nanoTime() - end < 0) {
            Optional<FormerReign> former = status().flatMap(status -> status.node(victim.name()))
                    .filter(node -> node.pid() == victim.pid())
                    .map(NodeStatus::formerReign)
                    .filter(reign -> reign.term() == term);
            if (former.isPresent()) {
                return former.get().answersSincePause();
            }
            Thread.sleep(LOOK_EVERY_MS);
        }
        return -1;
    }

    /** Starts the process again where it does not live. @return when it was in its place, in micros; -1 never */
    private long bringBack(ChildProcess victim, List<String> notes) throws InterruptedException, IOException {
        long end = System.nanoTime() + BACK_LIMIT.toNanos();
        if (config.fault() == Fault.KILL) {
            restart(victim);
        }
        while (System.nanoTime() - end < 0) {
            if (!victim.isAlive()) {
                notes.add("ended by itself (exit code " + victim.onExit().join() + ") and was started again");
                restart(victim);
            }
            if (isInPlace(victim)) {
                return micros(Instant.now());
            }
            Thread.sleep(LOOK_EVERY_MS);
        }
        return -1;
    }

    private void restart(ChildProcess victim) throws IOException {
        victim.onExit().join();
        keepRecording(victim);
        victim.restart(BACK_LIMIT);
    }

    private boolean isInPlace(ChildProcess victim) {
        return status().filter(status -> status.isInSync(config.backups()))
                .filter(status -> config.target() == Target.DISTRIBUTOR
                        || config.target() == Target.ARBITER
                        || status.node(victim.name())
                                .filter(node -> node.pid() == victim.pid()
                                        && node.role().equals("BACKUP"))
                                .isPresent())
                .isPresent();
    }

    /** A new run would write over the recording of the one before. */
    private void keepRecording(ChildProcess victim) throws IOException {
        Path recording = victim.recordedEntries();
        if (Files.exists(recording)) {
            recordings++;
            Files.move(recording, recording.resolveSibling("entries-" + recordings + ".log"));
        }
    }

    private Optional<ClusterStatus> status() {
        try {
            return Optional.of(cluster.status());
        } catch (CommandFailure e) {
            return Optional.empty(); // asked again shortly, until the caller's limit
        }
    }

    private String headline(int number, ChildProcess victim, String role, int open, @Nullable Takeover takeover) {
        String deed = (config.fault() == Fault.KILL ? "killed " : "stopped ") + role + " " + victim.name() + " with "
                + open + " transactions open";
        String after = takeover == null
                ? ""
                : String.format(
                        Locale.ROOT,
                        "; %s took over in %.1f ms (detect %.1f, agree %.1f, promote %.1f, resume %.1f), term %d",
                        takeover.to(),
                        takeover.totalMs(),
                        takeover.detectMs(),
                        takeover.agreeMs(),
                        takeover.promoteMs(),
                        takeover.resumeMs(),
                        takeover.term());
        return "fault " + number + " of " + config.kills() + ": " + deed + after;
    }

    private static long micros(Instant instant) {
        return ChronoUnit.MICROS.between(Instant.EPOCH, instant);
    }
}
