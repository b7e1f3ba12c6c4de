package io.lockstep.tests;

import static io.lockstep.tests.TestCluster.LIMIT;
import static io.lockstep.tests.TestCluster.bytes;
import static io.lockstep.tests.TestCluster.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lockstep.distributor.LockstepClient;
import io.lockstep.distributor.LockstepTransaction;
import io.lockstep.server.ChildProcess;
import io.lockstep.server.ClusterStatus;
import io.lockstep.server.ClusterStatus.ArbiterStatus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An active, a backup and an arbiter, one process each: what the third vote is good for, and when it counts (R13). */
@Timeout(value = 4, unit = TimeUnit.MINUTES)
class ArbiterIT {
    private static final String VOTING = "VOTING";

    @TempDir
    private static Path folder;

    private static TestCluster cluster;
    private static ChildProcess arbiter;

    @BeforeAll
    static void start() {
        cluster = TestCluster.start(TestCluster.plan(folder, "poison").withArbiter());
        arbiter = cluster.processes().arbiters().get(0);
    }

    @AfterAll
    static void stop() {
        cluster.close();
    }

    @Test
    void withoutTheArbiterServiceGoesOnAndATakeoverWaitsForIt() {
        long term = allVote().term();
        try (LockstepClient client = cluster.client("third-vote")) {
            LockstepTransaction transaction = client.begin(bytes("add 1"));
            arbiter.kill();
            assertThat(text(transaction.send(bytes("add 1")))).isEqualTo("2");

            ChildProcess former = cluster.active();
            ChildProcess left = other(former);
            former.kill();
            CompletionStage<byte[]> waiting = transaction.sendAsync(bytes("add 1"));
            awaitReason(left, "arbiter-1=no answer");
            arbiter.restart(LIMIT);

            assertThat(waiting.toCompletableFuture()).succeedsWithin(LIMIT).satisfies(answer -> assertThat(text(answer))
                    .isEqualTo("3"));
            assertThat(cluster.active()).isSameAs(left);
            assertThat(cluster.allInSync().term()).isEqualTo(term + 1);
            assertThat(text(transaction.end(bytes("add 1")))).isEqualTo("4");
            cluster.equalEverywhere(client);
        }
    }

    @Test
    void anArbiterThatLostItsDiskIsAdmittedAndItsVoteMakesTheNextActive() throws Exception {
        ClusterStatus before = allVote();
        arbiter.kill();
        arbiter.onExit().get(LIMIT.toSeconds(), TimeUnit.SECONDS);
        loseDisk();
        arbiter.restart(LIMIT);

        ClusterStatus after = allVote();
        assertThat(diskOf(after)).isNotEqualTo(diskOf(before));
        assertThat(after.term()).isEqualTo(before.term());
        assertThat(after.arbiters().get(0).version())
                .isGreaterThan(before.arbiters().get(0).version());
        takesOver();
    }

    @Test
    void aNewDiskDoesNotVoteBeforeTheOthersHaveNamedIt() throws Exception {
        ClusterStatus before = allVote();
        try (LockstepClient client = cluster.client("new-disk")) {
            LockstepTransaction transaction = client.begin(bytes("add 1"));
            ChildProcess former = cluster.active();
            ChildProcess left = other(former);
            arbiter.kill();
            former.kill();
            arbiter.onExit().get(LIMIT.toSeconds(), TimeUnit.SECONDS);
            loseDisk();
            arbiter.restart(LIMIT);

            awaitReason(left, "arbiter-1=its disk is not the one that the register names");
            assertThat(cluster.processes().status().arbiters())
                    .extracting(ArbiterStatus::state)
                    .containsExactly("AWAITING_ADMISSION");
            former.restart(LIMIT); // its register still has what it promised: now there is a majority of old disks

            assertThat(text(transaction.end(bytes("add 1")))).isEqualTo("2");
            assertThat(cluster.active()).isSameAs(left);
            assertThat(diskOf(allVote())).isNotEqualTo(diskOf(before));
            cluster.equalEverywhere(client);
        }
        takesOver();
    }

    /** Kills the active: with two nodes only the arbiter's vote makes the other one the next. */
    private static void takesOver() {
        ClusterStatus before = allVote();
        try (LockstepClient client = cluster.client("takes-over")) {
            LockstepTransaction transaction = client.begin(bytes("add 1"));
            ChildProcess former = cluster.active();
            former.kill();

            assertThat(text(transaction.end(bytes("add 1")))).isEqualTo("2");
            assertThat(cluster.active()).isSameAs(other(former));
            assertThat(cluster.allInSync().term()).isEqualTo(before.term() + 1);
        }
    }

    private static ClusterStatus allVote() {
        if (!arbiter.isAlive()) {
            arbiter.restart(LIMIT);
        }
        cluster.allInSync();
        await().atMost(LIMIT).until(() -> cluster.processes().status().arbiters().stream()
                .map(ArbiterStatus::state)
                .toList()
                .equals(List.of(VOTING)));
        return cluster.allInSync();
    }

    private static String diskOf(ClusterStatus status) {
        return String.valueOf(status.arbiters().get(0).diskId());
    }

    private static void loseDisk() throws IOException {
        Files.delete(arbiter.directory().resolve("register"));
    }

    private static ChildProcess other(ChildProcess node) {
        return cluster.processes().nodes().stream()
                .filter(each -> each != node)
                .findFirst()
                .orElseThrow();
    }

    private static void awaitReason(ChildProcess node, String reason) {
        await().atMost(LIMIT).untilAsserted(() -> assertThat(String.valueOf(cluster.processes()
                        .status()
                        .node(node.name())
                        .orElseThrow()
                        .reason()))
                .contains(reason));
    }
}
