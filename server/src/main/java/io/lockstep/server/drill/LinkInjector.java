package io.lockstep.server.drill;

import io.lockstep.server.ChildProcess;
import io.lockstep.server.Cluster;
import io.lockstep.server.ClusterStatus;
import io.lockstep.server.CommandFailure;
import io.lockstep.server.ExitCode;
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
import java.util.SplittableRandom;

/**
 * Breaks links of a yard one after the other, heals each, and waits until all nodes are in sync again. Touched by the
 * drill's thread.
 */
final class LinkInjector {
    /** For the members to find each other again and a node to be copied. */
    private static final Duration BACK_LIMIT = Duration.ofSeconds(60);
    /** The service must be back by the end of a fault; but the last moments may fall into a pause of a full machine. */
    private static final long SILENCE_AT_END_MS = 1_500;

    /**
     * Longer than failure-detection and the age of a status together. A backup that is in sync for so long after a heal has
     * been heard since; one whose silence began before it would be dropped by then, and if the active died just after that,
     * nobody could follow it.
     */
    private static final long SETTLED_NS = 1_000_000_000L;

    private static final long LOOK_EVERY_MS = 10;
    private static final int FLAP_LEAST_MS = 100;
    private static final int FLAP_MOST_MS = 1_500;
    private static final int LOST_PERCENT = 20;
    private static final int SLOW_KILOBITS = 64;

    private final Cluster cluster;
    private final Yard yard;
    private final DrillProgress progress;
    private final SplittableRandom random;
    private int recordings;

    LinkInjector(Cluster cluster, Yard yard, DrillProgress progress, SplittableRandom random) {
        this.cluster = cluster;
        this.yard = yard;
        this.progress = progress;
        this.random = random;
    }

    /**
     * Waits until all nodes are in sync for good, breaks, heals, and waits again.
     *
     * @param problems gets what should not have been, one line each
     */
    InjectedLinkFault inject(int number, LinkFault fault, Run run, List<String> problems)
            throws InterruptedException, IOException {
        ClusterStatus before = awaitSettled();
        Cast cast = Cast.of(before, cluster);
        run.beforeKill();
        run.enter(Phase.DURING);
        Silence silence = new Silence(run);
        long atMicros = ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now());
        progress.tell("link fault " + number + ": " + fault.text() + ", " + fault.meaning() + "; A is " + cast.active
                + ", term " + before.term());
        breakLinks(fault, cast, silence);
        long silenceAtEndMs = silence.presentMs();
        yard.heal();
        long healedAtNs = System.nanoTime();
        bringBackWhoEnded();
        run.enter(Phase.AFTER);
        double healedMs = -1;
        ClusterStatus after = before;
        try {
            after = cluster.awaitInSync(cluster.plan().backups(), BACK_LIMIT);
            healedMs = (System.nanoTime() - healedAtNs) / 1e6;
        } catch (CommandFailure e) {
            problems.add("after " + fault.text() + " the cluster did not come together again: " + e.getMessage());
        }
        InjectedLinkFault injected = new InjectedLinkFault(
                number,
                fault,
                atMicros,
                cast.active,
                String.valueOf(after.active()),
                before.term(),
                after.term(),
                silence.answered(),
                silence.longestMs,
                silenceAtEndMs,
                healedMs);
        judge(injected, problems);
        progress.tell(String.format(
                Locale.ROOT,
                "healed: %d answered meanwhile, longest silence %d ms, %d terms later, %s leads; in sync after %.1f s",
                injected.answered(),
                injected.silenceMs(),
                injected.terms(),
                injected.activeAfterwards(),
                healedMs / 1000));
        return injected;
    }

    private ClusterStatus awaitSettled() throws InterruptedException {
        ClusterStatus status = cluster.awaitInSync(cluster.plan().backups(), BACK_LIMIT);
        long beganNs = System.nanoTime();
        long sinceNs = beganNs;
        while (System.nanoTime() - sinceNs < SETTLED_NS) {
            Thread.sleep(LOOK_EVERY_MS);
            if (!isStillSo(status)) {
                if (System.nanoTime() - beganNs > BACK_LIMIT.toNanos()) {
                    throw new CommandFailure(
                            ExitCode.FAILED,
                            "the nodes come in sync and fall out of it again, for " + BACK_LIMIT.toSeconds()
                                    + " s; last seen: " + status);
                }
                status = cluster.awaitInSync(cluster.plan().backups(), BACK_LIMIT);
                sinceNs = System.nanoTime();
            }
        }
        return status;
    }

    private boolean isStillSo(ClusterStatus before) {
        try {
            ClusterStatus now = cluster.status();
            return now.isInSync(cluster.plan().backups()) && now.term() == before.term();
        } catch (CommandFailure unreachable) {
            return false;
        }
    }

    private static void judge(InjectedLinkFault injected, List<String> problems) {
        LinkFault fault = injected.fault();
        if (injected.silenceAtEndMs() > SILENCE_AT_END_MS && !fault.mayPause()) {
            problems.add("with " + fault.text() + " the service stood still: no answer for " + injected.silenceAtEndMs()
                    + " ms at its end");
        }
        if (injected.healedMs() >= 0
                && (injected.terms() < fault.termsLeast() || injected.terms() > fault.termsMost())) {
            problems.add(fault.text() + " made " + injected.terms() + " terms, expected " + fault.termsLeast() + " to "
                    + fault.termsMost());
        }
    }

    // ---- what is done ---------------------------------------------------------------------------------------------

    private void breakLinks(LinkFault fault, Cast cast, Silence silence) throws InterruptedException, IOException {
        long endNs = System.nanoTime() + fault.holdMs() * 1_000_000L;
        switch (fault) {
            case VOTER_ACTIVE -> cut(List.of(cast.voter), List.of(cast.active));
            case ACTIVE_TO_DISTRIBUTOR -> yard.lose(cast.active, cast.distributor);
            case DISTRIBUTOR_TO_ACTIVE -> yard.lose(cast.distributor, cast.active);
            case ACTIVE_BACKUP -> cut(List.of(cast.active), List.of(cast.backup));
            case ACTIVE_TO_BACKUP -> yard.lose(cast.active, cast.backup);
            case BACKUP_TO_ACTIVE -> yard.lose(cast.backup, cast.active);
            case SPLIT -> cut(List.of(cast.active, cast.distributor), List.of(cast.backup, cast.voter));
            case FLAPPING -> flap(cast, endNs, silence);
            case LOSS -> yard.lose(LOST_PERCENT);
            case DEAD_PEER -> {
                cut(List.of(cast.active), List.of(cast.backup, cast.voter, cast.distributor));
                cluster.child(cast.active).kill();
            }
            case SLOW -> {
                yard.slow(cast.active, SLOW_KILOBITS);
                yard.slow(cast.backup, SLOW_KILOBITS);
            }
        }
        silence.watchUntil(endNs);
    }

    private void cut(List<String> these, List<String> those) {
        for (String one : these) {
            for (String other : those) {
                yard.lose(one, other);
                yard.lose(other, one);
            }
        }
    }

    private void flap(Cast cast, long endNs, Silence silence) throws InterruptedException {
        while (System.nanoTime() < endNs) {
            cut(List.of(cast.active), List.of(cast.backup));
            silence.watchUntil(System.nanoTime() + flapNs());
            yard.heal();
            silence.watchUntil(System.nanoTime() + flapNs());
        }
    }

    private long flapNs() {
        return random.nextInt(FLAP_LEAST_MS, FLAP_MOST_MS + 1) * 1_000_000L;
    }

    private void bringBackWhoEnded() throws IOException {
        for (ChildProcess node : cluster.nodes()) {
            if (!node.isAlive()) {
                Path recording = node.recordedEntries();
                if (Files.exists(recording)) {
                    recordings++; // a new run would write over it
                    Files.move(recording, recording.resolveSibling("entries-" + recordings + ".log"));
                }
                node.restart(BACK_LIMIT);
            }
        }
    }

    /** Who plays which part when a fault begins. */
    private record Cast(String active, String backup, String voter, String distributor) {
        static Cast of(ClusterStatus status, Cluster cluster) {
            List<String> distributors = new ArrayList<>();
            cluster.distributors().forEach(each -> distributors.add(each.name()));
            return new Cast(
                    status.activeNode().orElseThrow().name(),
                    status.inSyncBackups().get(0).name(),
                    distributors.get(0),
                    distributors.get(1));
        }
    }

    /** For how long nobody had an answer. */
    private static final class Silence {
        private final Run run;
        private final long answeredBefore;
        private long answered;
        private long lastNs = System.nanoTime();
        private long longestMs;

        Silence(Run run) {
            this.run = run;
            this.answeredBefore = run.answeredMessages();
            this.answered = answeredBefore;
        }

        void watchUntil(long endNs) throws InterruptedException {
            while (System.nanoTime() - endNs < 0) {
                Thread.sleep(LOOK_EVERY_MS);
                long now = run.answeredMessages();
                longestMs = Math.max(longestMs, presentMs());
                if (now != answered) {
                    answered = now;
                    lastNs = System.nanoTime();
                }
            }
        }

        long presentMs() {
            return (System.nanoTime() - lastNs) / 1_000_000;
        }

        long answered() {
            return answered - answeredBefore;
        }
    }
}
