package io.lockstep.distributor;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.distributor.LockstepException.Outcome;
import io.lockstep.distributor.ModelCluster.Asked;
import io.lockstep.distributor.ModelCluster.Client;
import io.lockstep.distributor.SeededScheduler.Faults;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Thousands of schedules of the shipped cores around model nodes, each of one seed. */
class RandomScheduleTest {
    private static final long MS = ModelCluster.MS;
    private static final Duration TIMEOUT = Duration.ofSeconds(3);
    private static final int SEEDS = Integer.getInteger("lockstep.seeds", 1_000);
    private static final long FIRST_SEED = Long.getLong("lockstep.seed", 1);

    @Test
    void everyRequestEndsOnceAndAsTheLogSaysWhenFramesAreLostDoubledAndReordered() {
        int takeovers = 0;
        long answered = 0;
        for (long seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
            Run run = new Run(seed, new Faults(0.02, 0.03, 0.03, 2), true);
            takeovers += run.cluster.takeovers;
            answered += run.answered;
        }
        assertThat(takeovers).as("schedules that took over").isGreaterThan(SEEDS / 4);
        assertThat(answered).as("answers").isGreaterThan(10L * SEEDS);
    }

    @Test
    void nothingIsUnknownAcrossKillsAndPausesWhenConnectionsAreLikeTcp() {
        int takeovers = 0;
        for (long seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
            Run run = new Run(seed, Faults.NONE, false);
            takeovers += run.cluster.takeovers;
            assertThat(run.failed).as("seed %d: failed requests", seed).isEmpty();
        }
        assertThat(takeovers).as("schedules that took over").isGreaterThan(SEEDS / 4);
    }

    /** One schedule: some clients, some faults, quiet at the end, then the books. */
    private static final class Run {
        final long seed;
        final SeededScheduler world;
        final ModelCluster cluster;
        final List<Asked> failed = new ArrayList<>();
        long answered;

        Run(long seed, Faults faults, boolean isHarsh) {
            this.seed = seed;
            this.world = new SeededScheduler(seed);
            this.cluster = new ModelCluster(world, faults, 1 + world.random().nextInt(2));
            int clientCount = 1 + world.random().nextInt(3);
            for (int i = 0; i < clientCount; i++) {
                load(i);
            }
            world.runFor(300 * MS);
            int faultCount = isHarsh ? 6 : 3;
            for (int i = 0; i < faultCount; i++) {
                oneFault(isHarsh);
                world.runFor(isHarsh ? world.millis(1, 900) : world.millis(700, 900));
            }
            world.runFor(12_000 * MS);
            for (int i = 0; i < 200 && !isQuiet(isHarsh); i++) {
                world.runFor(5 * MS); // an idle session's touch may be under way
            }
            check(isHarsh);
        }

        private boolean isQuiet(boolean isHarsh) {
            return cluster.clients.stream().allMatch(c -> c.core.isIdle() || c.isOver)
                    && (isHarsh
                            || cluster.distributors.stream()
                                    .allMatch(d -> d.core.snapshot().heldRequests() == 0));
        }

        private void load(int number) {
            SessionConfig config =
                    new SessionConfig(TIMEOUT, 1 + world.random().nextInt(16), 1_000, Duration.ofMillis(700));
            Client client = cluster.new Client("c" + number, config, 8_000 * MS);
            int pairs = 1 + world.random().nextInt(4);
            int[] left = {30 + world.random().nextInt(30)};
            client.onEnded = asked -> {
                if (left[0] > 0) {
                    left[0]--;
                    world.after(world.millis(0, 40), () -> next(client, asked));
                }
            };
            for (int i = 0; i < pairs; i++) {
                world.after(world.millis(0, 50), () -> client.ask(RequestKind.BEGIN, 0, text(client)));
            }
        }

        private void next(Client client, Asked before) {
            Ending ending = Objects.requireNonNull(before.ending);
            boolean wasGood = ending.problem() == null;
            int dice = world.random().nextInt(10);
            if (client.isOver || client.isDead) {
                return;
            }
            if (dice == 0) {
                client.ask(RequestKind.READ, 0, text(client));
            } else if (dice == 1) {
                client.ask(RequestKind.DIGEST, 0, "");
            } else if (!wasGood
                    || before.kind == RequestKind.END
                    || before.kind == RequestKind.READ
                    || before.kind == RequestKind.DIGEST) {
                client.ask(RequestKind.BEGIN, 0, text(client));
            } else {
                long transaction = before.kind == RequestKind.BEGIN
                        ? ending.requestId()
                        : Long.parseLong(before.text.substring(before.text.indexOf('#') + 1));
                RequestKind kind = world.random().nextInt(4) == 0 ? RequestKind.END : RequestKind.CONTINUE;
                client.ask(kind, transaction, text(client) + "#" + transaction);
            }
        }

        private String text(Client client) {
            return client.name + ":" + client.asked.size();
        }

        private void oneFault(boolean isHarsh) {
            int dice = world.random().nextInt(7);
            var distributing = cluster.distributors.get(world.random().nextInt(cluster.distributors.size()));
            boolean isHealthy =
                    cluster.isBackupInView && cluster.nodes.stream().allMatch(n -> n.isAlive && !n.isPaused);
            var victim = dice % 2 == 0 ? cluster.active : cluster.other(cluster.active);
            switch (dice) {
                case 0, 1 -> {
                    if (isHealthy) {
                        victim.kill(world.millis(300, 600));
                    }
                }
                case 2, 3 -> {
                    if (isHealthy) {
                        victim.pause(world.millis(10, isHarsh ? 2_000 : 400));
                    }
                }
                case 4 -> {
                    if (distributing.isAlive) {
                        distributing.kill(world.millis(1, isHarsh ? 800 : 200));
                    }
                }
                case 5 -> {
                    if (distributing.isAlive && !distributing.isPaused) {
                        distributing.pause(world.millis(1, isHarsh ? 3_000 : 200));
                    }
                }
                default -> {
                    distributing.flap(cluster.active);
                    if (!distributing.channels.isEmpty()) {
                        distributing.channels.get(0).cut();
                    }
                }
            }
        }

        private void check(boolean isHarsh) {
            Map<String, Integer> executions = new HashMap<>();
            Map<Object, Long> lastIds = new HashMap<>();
            List<ModelStore.Logged> log = cluster.active.store.log();
            for (ModelStore.Logged logged : log) {
                Request request = logged.request();
                if (request == null || request.kind() == RequestKind.OPEN || request.requestId() == 0) {
                    continue;
                }
                Long last = lastIds.put(request.session(), request.requestId());
                assertThat(last == null || last < request.requestId())
                        .as("seed %d: ids of %s rise in the log at %s", seed, request.session(), logged.identity())
                        .isTrue();
                if (request.kind() != RequestKind.VOID) {
                    executions.merge(new String(request.body(), StandardCharsets.UTF_8), 1, Integer::sum);
                }
            }
            for (Client client : cluster.clients) {
                for (Asked asked : client.asked) {
                    checkOne(client, asked, log, executions);
                }
                assertThat(client.core.isIdle() || client.isOver)
                        .as("seed %d: %s has nothing pending at the end", seed, client.name)
                        .isTrue();
                if (!isHarsh) {
                    assertThat(client.isOver)
                            .as("seed %d: %s lives: %s", seed, client.name, client.why)
                            .isFalse();
                }
            }
            for (var distributing : cluster.distributors) {
                assertThat(distributing.core.snapshot().heldRequests())
                        .as("seed %d: held at the end; a late copy may be, until its deadline", seed)
                        .isLessThanOrEqualTo(isHarsh ? 8 : 0);
            }
        }

        private void checkOne(
                Client client, Asked asked, List<ModelStore.Logged> log, Map<String, Integer> executions) {
            String what =
                    "seed " + seed + ": " + asked.kind + " " + asked.text + " of " + client.name + " " + asked.ending;
            Ending ending = asked.ending;
            assertThat(asked.endings).as(what + ": endings").isEqualTo(1);
            assertThat(asked.endedNs - asked.atNs).as(what + ": time").isLessThanOrEqualTo(TIMEOUT.toNanos() + 20 * MS);
            int times = asked.text.isEmpty() ? 0 : executions.getOrDefault(asked.text, 0);
            assertThat(times).as(what + ": executions").isLessThanOrEqualTo(1);
            if (ending == null) {
                return;
            }
            if (ending.problem() == null) {
                answered++;
                if (asked.kind != RequestKind.READ) {
                    ModelStore.Logged logged = log.get((int) ending.entry().position() - 1);
                    Request request = logged.request();
                    assertThat(logged.identity()).as(what + ": entry").isEqualTo(ending.entry());
                    assertThat(request == null ? -1 : request.requestId())
                            .as(what + ": id")
                            .isEqualTo(ending.requestId());
                }
                if (asked.kind == RequestKind.DIGEST) {
                    assertThat(ending.body()).as(what).hasSize(8);
                } else {
                    assertThat(ending.text()).as(what).isEqualTo("did " + asked.text);
                }
            } else {
                failed.add(asked);
                if (ending.problem() == Outcome.NOT_EXECUTED
                        && ending.code() != io.lockstep.wire.AnswerCode.TRANSACTION_UNKNOWN
                        && ending.code() != io.lockstep.wire.AnswerCode.TRANSACTION_ENDED) {
                    assertThat(times).as(what + ": executions").isZero();
                }
            }
        }
    }
}
