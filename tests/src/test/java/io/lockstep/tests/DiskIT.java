package io.lockstep.tests;

import static io.lockstep.tests.TestCluster.LIMIT;
import static io.lockstep.tests.TestCluster.bytes;
import static io.lockstep.tests.TestCluster.log;
import static io.lockstep.tests.TestCluster.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.lockstep.distributor.LockstepClient;
import io.lockstep.distributor.LockstepTransaction;
import io.lockstep.server.ChildProcess;
import io.lockstep.server.ClusterStatus.ArbiterStatus;
import io.lockstep.server.CommandFailure;
import io.lockstep.server.ExitCode;
import java.io.IOException;
import java.nio.file.Path;
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
 * Disks that are full, under an active, a backup and an arbiter (rows 43 and 44). On disk is the file of each voter (R13),
 * which is as long at first as it ever gets; the journal comes later.
 */
@Timeout(value = 4, unit = TimeUnit.MINUTES)
class DiskIT {
    private static final String WHAT_TO_DO = "Make room on that disk, or mend it, and start it again";
    /** The second copy of a voter's record: see RegisterFile. */
    private static final int SECOND_SLOT = 16 << 10;

    private static final int SLOT_BYTES = 16 << 10;

    @TempDir
    private static Path folder;

    private static final Map<String, SmallDisk> DISKS = new HashMap<>();

    private static TestCluster cluster;
    private static ChildProcess arbiter;

    @BeforeAll
    static void start() throws Exception {
        for (String name : List.of("node-1", "node-2", "arbiter-1")) {
            DISKS.put(name, SmallDisk.at(folder.resolve("cluster").resolve(name), "rows 43 and 44"));
        }
        cluster = TestCluster.start(TestCluster.plan(folder, "poison").withArbiter());
        arbiter = cluster.processes().arbiters().get(0);
    }

    @AfterAll
    static void stop() throws Exception {
        if (cluster != null) {
            cluster.close();
        }
        for (SmallDisk disk : DISKS.values()) {
            disk.close();
        }
    }

    @AfterEach
    void thereIsRoom() throws IOException {
        for (SmallDisk disk : DISKS.values()) {
            disk.empty();
        }
    }

    @Test
    void row43OnFullDisksVotersGoOnVotingSinceTheirFilesNeverGrow() throws Exception {
        long term = allVote();
        try (LockstepClient client = cluster.client("full")) {
            LockstepTransaction transaction = client.begin(bytes("add 1"));
            for (SmallDisk disk : DISKS.values()) {
                disk.fill();
            }
            ChildProcess former = cluster.active();
            former.kill();

            assertThat(text(transaction.send(bytes("add 1")))).isEqualTo("2");
            assertThat(cluster.active()).isNotSameAs(former);
            assertThat(cluster.allInSync().term()).isEqualTo(term + 1);
            assertThat(text(transaction.end(bytes("add 1")))).isEqualTo("3");
            cluster.equalEverywhere(client);
        }
        assertThat(cluster.fallen()).isEmpty();
        assertThat(arbiter.isAlive()).isTrue();
    }

    @Test
    void row43And44AVoterThatCannotSaveEndsInsteadOfPromisingAndATakeoverWaitsForItsDisk() throws Exception {
        long term = allVote();
        try (LockstepClient client = cluster.client("voter")) {
            LockstepTransaction transaction = client.begin(bytes("add 1"));
            makeUnwritable(arbiter);
            ChildProcess former = cluster.active();
            former.kill();
            CompletionStage<byte[]> waiting = transaction.sendAsync(bytes("add 1"));

            assertThat(arbiter.onExit()).succeedsWithin(LIMIT).isEqualTo(ExitCode.FAILED.code());
            assertThat(log(arbiter)).contains("No space left on device").contains(WHAT_TO_DO);
            assertThatThrownBy(() -> arbiter.restart(LIMIT))
                    .as("with no more room than before")
                    .isInstanceOf(CommandFailure.class)
                    .hasMessageContaining("No space left on device")
                    .hasMessageContaining(WHAT_TO_DO);
            assertThat(waiting.toCompletableFuture()).isNotDone();
            diskOf(arbiter).empty();
            arbiter.restart(LIMIT);

            assertThat(waiting.toCompletableFuture()).succeedsWithin(LIMIT).satisfies(answer -> assertThat(text(answer))
                    .isEqualTo("2"));
            assertThat(allVote()).isEqualTo(term + 1);
            assertThat(text(transaction.end(bytes("add 1")))).isEqualTo("3");
            cluster.equalEverywhere(client);
        }
    }

    @Test
    void row43And44AnActiveThatCannotSaveItsVoteEndsAndTheBackupTakesOver() throws Exception {
        long term = allVote();
        try (LockstepClient client = cluster.client("active")) {
            LockstepTransaction transaction = client.begin(bytes("add 1"));
            ChildProcess former = cluster.active();
            ChildProcess backup = cluster.processes().inSyncBackups().get(0);
            makeUnwritable(former);
            backup.stop(); // so that the active asks the register to go on without it
            CompletionStage<byte[]> waiting = transaction.sendAsync(bytes("add 1"));

            assertThat(former.onExit()).succeedsWithin(LIMIT).isEqualTo(ExitCode.FAILED.code());
            assertThat(log(former)).contains("No space left on device").contains(WHAT_TO_DO);
            assertThat(waiting.toCompletableFuture()).isNotDone();
            backup.cont();

            assertThat(waiting.toCompletableFuture()).succeedsWithin(LIMIT).satisfies(answer -> assertThat(text(answer))
                    .isEqualTo("2"));
            assertThat(cluster.active()).isSameAs(backup);
            diskOf(former).empty();
            assertThat(allVote()).isEqualTo(term + 1);
            assertThat(text(transaction.end(bytes("add 1")))).isEqualTo("3");
            cluster.equalEverywhere(client);
        }
    }

    /** Its disk is full, and its file needs room of it at the next save. */
    private static void makeUnwritable(ChildProcess voter) throws Exception {
        SmallDisk.takeRoom(voter.directory().resolve("register"), SECOND_SLOT, SLOT_BYTES);
        diskOf(voter).fill();
    }

    private static SmallDisk diskOf(ChildProcess voter) {
        return Objects.requireNonNull(DISKS.get(voter.name()), voter.name());
    }

    /** @return the term, when all are in sync and the arbiter votes */
    private static long allVote() {
        cluster.allInSync();
        await().atMost(LIMIT).until(() -> cluster.processes().status().arbiters().stream()
                .map(ArbiterStatus::state)
                .toList()
                .equals(List.of("VOTING")));
        return cluster.allInSync().term();
    }
}
