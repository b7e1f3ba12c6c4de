package io.lockstep.tests;

import static io.lockstep.tests.TestCluster.LIMIT;
import static io.lockstep.tests.TestCluster.bytes;
import static io.lockstep.tests.TestCluster.log;
import static io.lockstep.tests.TestCluster.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lockstep.distributor.LockstepClient;
import io.lockstep.distributor.LockstepTransaction;
import io.lockstep.server.ChildProcess;
import io.lockstep.server.ClusterStatus;
import io.lockstep.server.ClusterStatus.ArbiterStatus;
import io.lockstep.server.ClusterStatus.TakeoverStatus;
import io.lockstep.server.ExitCode;
import io.lockstep.server.Places;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Disks that are slow, fail to flush, or lie, under an active, a backup and an arbiter (rows 42, 44, 45). On disk is the
 * file of each voter (R13); the journal comes later. What one lying disk may cost is said in tests/README.md.
 */
@Timeout(value = 4, unit = TimeUnit.MINUTES)
class FlushIT {
    private static final int MESSAGES = 200;
    /** A save flushes twice, so that it takes 100 ms. */
    private static final Duration SLOW = Duration.ofMillis(50);

    private static final Duration VERY_SLOW = Duration.ofSeconds(2);

    @TempDir
    private static Path folder;

    private static final Map<String, FaultyDisk> DISKS = new HashMap<>();

    private static TestCluster cluster;
    private static ChildProcess arbiter;

    @BeforeAll
    static void start() throws IOException {
        Path library = FaultyDisk.library(folder, "rows 42, 44 and 45");
        Path voters = Files.createDirectories(folder.resolve("cluster"));
        for (String name : List.of("node-1", "node-2", "arbiter-1")) {
            DISKS.put(name, new FaultyDisk(library, voters, name));
        }
        cluster = TestCluster.start(TestCluster.plan(folder, "poison")
                .withArbiter()
                .withPlaces(name -> DISKS.containsKey(name) ? disk(name).place() : Places.LOOPBACK.of(name)));
        arbiter = cluster.processes().arbiters().get(0);
    }

    @AfterAll
    static void stop() {
        if (cluster != null) {
            cluster.close();
        }
    }

    @AfterEach
    void disksAreWell() throws IOException {
        for (FaultyDisk disk : DISKS.values()) {
            disk.well();
        }
    }

    @Test
    void row42NoMessageWaitsForADiskAndATakeoverForTwoSavesOfEachVoter() throws IOException {
        long term = allVote().term();
        try (LockstepClient client = cluster.client("slow")) {
            LockstepTransaction transaction = client.begin(bytes("add 1"));
            for (FaultyDisk disk : DISKS.values()) {
                disk.slow(SLOW);
            }
            for (int i = 2; i <= MESSAGES; i++) {
                assertThat(text(transaction.send(bytes("add 1")))).isEqualTo("" + i);
            }
            for (FaultyDisk disk : DISKS.values()) {
                assertThat(disk.flushes("slow"))
                        .as("flushes, of a voter that is asked for its disk meanwhile: none is for a message")
                        .isLessThan(MESSAGES);
            }
            ChildProcess former = cluster.active();
            ChildProcess next = other(former);
            former.kill();

            assertThat(text(transaction.send(bytes("add 1")))).isEqualTo("" + (MESSAGES + 1));
            assertThat(cluster.active()).isSameAs(next);
            TakeoverStatus takeover = takeoverOf(next);
            assertThat(takeover.term()).isEqualTo(term + 1);
            assertThat(takeover.agreedAtMicros() - takeover.detectedAtMicros())
                    .as("µs until there were a promise and a vote, each of them saved")
                    .isGreaterThanOrEqualTo(4 * TimeUnit.MILLISECONDS.toMicros(SLOW.toMillis()));
            assertThat(disk(next).flushes("slow")).isGreaterThanOrEqualTo(4);
            assertThat(disk(arbiter).flushes("slow")).isGreaterThanOrEqualTo(4);
            assertThat(text(transaction.end(bytes("add 1")))).isEqualTo("" + (MESSAGES + 2));
            cluster.equalEverywhere(client);
        }
    }

    /** Two voters can decide nothing while one of them takes seconds, so what needs them waits for its disk. */
    @Test
    void row42WhileADiskTakesSecondsOnlyWhatNeedsItsVoteWaits() throws IOException {
        long term = allVote().term();
        try (LockstepClient client = cluster.client("very-slow")) {
            LockstepTransaction transaction = client.begin(bytes("add 1"));
            ChildProcess former = cluster.active();
            ChildProcess backup = other(former);
            disk(former).slow(VERY_SLOW);
            backup.stop(); // so that the active asks the register to go on without it
            CompletionStage<byte[]> waiting = transaction.sendAsync(bytes("add 1"));
            awaitSlowFlush(former);
            disk(former).well();
            assertAnswer(waiting, "2");
            assertThat(cluster.active()).isSameAs(former);

            disk(backup).slow(VERY_SLOW);
            backup.cont(); // its voter has two changes of the view to save, which the others have decided
            awaitSlowFlush(backup);
            assertThat(text(transaction.send(bytes("add 1")))).isEqualTo("3");
            assertThat(cluster.allInSync().term()).isEqualTo(term);

            long flushes = disk(backup).flushes("slow");
            former.kill();
            waiting = transaction.sendAsync(bytes("add 1"));
            await().atMost(LIMIT).until(() -> disk(backup).flushes("slow") > flushes);
            disk(backup).well();
            assertAnswer(waiting, "4");
            assertThat(cluster.active()).isSameAs(backup);
            assertThat(allVote().term()).isEqualTo(term + 1);
            assertThat(text(transaction.end(bytes("add 1")))).isEqualTo("5");
            cluster.equalEverywhere(client);
        }
    }

    @Test
    void row44AVoterWhoseFlushFailedOnceEndsInsteadOfPromisingAndATakeoverWaitsForIt() throws IOException {
        long term = allVote().term();
        try (LockstepClient client = cluster.client("voter")) {
            LockstepTransaction transaction = client.begin(bytes("add 1"));
            disk(arbiter).failOnce();
            ChildProcess former = cluster.active();
            former.kill();
            CompletionStage<byte[]> waiting = transaction.sendAsync(bytes("add 1"));

            endsForItsFlush(arbiter);
            assertThat(waiting.toCompletableFuture()).isNotDone();
            arbiter.restart(LIMIT);

            assertAnswer(waiting, "2");
            assertThat(cluster.active()).isNotSameAs(former);
            assertThat(allVote().term()).isEqualTo(term + 1);
            assertThat(text(transaction.end(bytes("add 1")))).isEqualTo("3");
            cluster.equalEverywhere(client);
        }
    }

    @Test
    void row44AnActiveWhoseFlushFailedOnceEndsAndTheBackupTakesOver() throws IOException {
        long term = allVote().term();
        try (LockstepClient client = cluster.client("active")) {
            LockstepTransaction transaction = client.begin(bytes("add 1"));
            ChildProcess former = cluster.active();
            ChildProcess backup = other(former);
            disk(former).failOnce();
            backup.stop(); // so that the active asks the register to go on without it
            CompletionStage<byte[]> waiting = transaction.sendAsync(bytes("add 1"));

            endsForItsFlush(former);
            assertThat(waiting.toCompletableFuture()).isNotDone();
            backup.cont();

            assertAnswer(waiting, "2");
            assertThat(cluster.active()).isSameAs(backup);
            assertThat(allVote().term()).isEqualTo(term + 1);
            assertThat(text(transaction.end(bytes("add 1")))).isEqualTo("3");
            cluster.equalEverywhere(client);
        }
    }

    /** The lost vote made the majority of its takeover: what is left of it is the winner's own. */
    @Test
    void row45AVoteThatALyingDiskForgetsBringsNobodyBackWhomItEnded() throws Exception {
        ClusterStatus before = allVote();
        try (LockstepClient client = cluster.client("lie")) {
            LockstepTransaction transaction = client.begin(bytes("add 1"));
            Path register = arbiter.directory().resolve("register");
            disk(arbiter).lie();
            byte[] saved = Files.readAllBytes(register);
            ChildProcess former = cluster.active();
            ChildProcess next = other(former);
            former.kill();
            assertThat(text(transaction.send(bytes("add 1")))).isEqualTo("2");
            await().atMost(LIMIT)
                    .until(() -> versionOf(cluster.processes().status())
                            > before.arbiters().get(0).version());
            assertThat(disk(arbiter).flushes("lie")).isGreaterThanOrEqualTo(4);
            arbiter.kill();
            arbiter.onExit().get(LIMIT.toSeconds(), TimeUnit.SECONDS);
            assertThat(Files.readAllBytes(register))
                    .as("what it promised and voted for is gone")
                    .isEqualTo(saved);
            disk(arbiter).well();
            arbiter.restart(LIMIT);

            assertThat(allVote().term()).isEqualTo(before.term() + 1);
            assertThat(cluster.active()).isSameAs(next);
            assertThat(text(transaction.send(bytes("add 1")))).isEqualTo("3");

            next.stop();
            assertThat(text(transaction.send(bytes("add 1")))).isEqualTo("4");
            assertThat(cluster.active()).isSameAs(former);
            next.cont();
            assertThat(allVote().term()).isEqualTo(before.term() + 2);
            assertThat(text(transaction.end(bytes("add 1")))).isEqualTo("5");
            cluster.equalEverywhere(client);
        }
    }

    /** It ends at its first failed flush, says why, and asks its disk for nothing more. */
    private static void endsForItsFlush(ChildProcess voter) throws IOException {
        assertThat(voter.onExit()).succeedsWithin(LIMIT).isEqualTo(ExitCode.FAILED.code());
        assertThat(log(voter))
                .contains(voter.directory().resolve("register") + " cannot be written: Input/output error")
                .contains("mend it, and start it again");
        assertThat(disk(voter).lastFlush()).isEqualTo("fail");
    }

    private static void assertAnswer(CompletionStage<byte[]> waiting, String answer) {
        assertThat(waiting.toCompletableFuture()).succeedsWithin(LIMIT).satisfies(given -> assertThat(text(given))
                .isEqualTo(answer));
    }

    private static void awaitSlowFlush(ChildProcess voter) {
        await().atMost(LIMIT).until(() -> disk(voter).flushes("slow") > 0);
    }

    private static FaultyDisk disk(ChildProcess voter) {
        return disk(voter.name());
    }

    private static FaultyDisk disk(String voter) {
        return Objects.requireNonNull(DISKS.get(voter), voter);
    }

    private static ChildProcess other(ChildProcess node) {
        return cluster.processes().nodes().stream()
                .filter(each -> each != node)
                .findFirst()
                .orElseThrow();
    }

    private static TakeoverStatus takeoverOf(ChildProcess node) {
        return Objects.requireNonNull(
                cluster.processes().status().node(node.name()).orElseThrow().takeover());
    }

    /** The version of the view that the arbiter has voted for. */
    private static long versionOf(ClusterStatus status) {
        return status.arbiters().get(0).version();
    }

    /** All are in sync, and the arbiter votes. */
    private static ClusterStatus allVote() {
        cluster.allInSync();
        await().atMost(LIMIT).until(() -> cluster.processes().status().arbiters().stream()
                .map(ArbiterStatus::state)
                .toList()
                .equals(List.of("VOTING")));
        return cluster.allInSync();
    }
}
