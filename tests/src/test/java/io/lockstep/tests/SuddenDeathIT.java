package io.lockstep.tests;

import static io.lockstep.tests.TestCluster.LIMIT;
import static io.lockstep.tests.TestCluster.bytes;
import static io.lockstep.tests.TestCluster.failure;
import static io.lockstep.tests.TestCluster.log;
import static io.lockstep.tests.TestCluster.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lockstep.distributor.LockstepClient;
import io.lockstep.distributor.LockstepException;
import io.lockstep.distributor.LockstepException.Outcome;
import io.lockstep.distributor.LockstepTransaction;
import io.lockstep.server.ChildProcess;
import io.lockstep.wire.AnswerCode;
import java.nio.file.Path;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Processes that end in the middle of a message without a word, as after kill -9, with two backups (R17; row 61). */
@Timeout(value = 4, unit = TimeUnit.MINUTES)
class SuddenDeathIT {
    @TempDir
    private static Path folder;

    private static TestCluster cluster;

    @BeforeAll
    static void start() {
        cluster = TestCluster.start(TestCluster.plan(folder, "poison").withBackups(2));
    }

    @AfterAll
    static void stop() {
        cluster.close();
    }

    @Test
    void aMessageInWhichOneProcessEndedIsExecutedAgain() {
        long term = cluster.allInSync().term();
        try (LockstepClient client = cluster.client("halt-once")) {
            LockstepTransaction transaction = client.begin(bytes("add 1"));
            ChildProcess victim = cluster.active();

            assertThat(text(transaction.send(bytes("halt-once")))).isEqualTo("1");

            assertThat(cluster.fallen()).containsExactly(victim);
            assertThat(victim.onExit()).succeedsWithin(LIMIT).isEqualTo(PoisonService.KILLED);
            assertThat(cluster.allInSync().term()).isEqualTo(term + 1);
            assertThat(text(transaction.end(bytes("add 1")))).isEqualTo("2");
            cluster.equalEverywhere(client);
        }
    }

    @Test
    void aMessageInWhichTwoProcessesEndedIsNeverExecutedAgain() {
        aThirdNodeQuarantines(false);
    }

    @Test
    void aReadInWhichTwoProcessesEndedIsNeverExecutedAgain() {
        aThirdNodeQuarantines(true);
    }

    @Test
    void row61AnEndOfTimeInWhichTwoProcessesEndedComesAboutWithoutTheService() {
        long term = cluster.allInSync().term();
        try (LockstepClient client = cluster.client("expiry");
                LockstepClient other = cluster.client("bystander")) {
            LockstepTransaction mine = client.begin(bytes("add 1"));
            LockstepTransaction theirs = other.begin(bytes("add 10"));
            LockstepTransaction doomed = client.begin(bytes("expire-with halt"));

            await().atMost(LIMIT)
                    .untilAsserted(() -> assertThat(cluster.fallen()).hasSize(2));
            cluster.fallen().get(0).restart(LIMIT); // so that a majority of the voters is there again
            LockstepException failed = failure(doomed.sendAsync(bytes("add 1")));

            assertThat(failed.code()).as(failed.getMessage()).isEqualTo(AnswerCode.TRANSACTION_ENDED);
            assertThat(log(cluster.active())).contains("quarantining");
            assertThat(cluster.allInSync().term()).isEqualTo(term + 2);
            assertThat(text(mine.end(bytes("add 1")))).isEqualTo("2");
            assertThat(text(theirs.end(bytes("add 1")))).isEqualTo("11");
            cluster.equalEverywhere(client);
        }
    }

    private static void aThirdNodeQuarantines(boolean isRead) {
        long term = cluster.allInSync().term();
        try (LockstepClient client = cluster.client("halt");
                LockstepClient other = cluster.client("bystander")) {
            LockstepTransaction mine = client.begin(bytes("add 1"));
            LockstepTransaction theirs = other.begin(bytes("add 10"));

            CompletionStage<byte[]> deadly = isRead ? client.readAsync(bytes("halt")) : mine.sendAsync(bytes("halt"));
            await().atMost(LIMIT)
                    .untilAsserted(() -> assertThat(cluster.fallen()).hasSize(2));
            assertThat(cluster.fallen())
                    .allSatisfy(node ->
                            assertThat(node.onExit()).succeedsWithin(LIMIT).isEqualTo(PoisonService.KILLED));
            cluster.fallen().get(0).restart(LIMIT); // so that a majority of the voters is there again
            LockstepException failed = failure(deadly);

            assertThat(failed.code()).as(failed.getMessage()).isEqualTo(AnswerCode.QUARANTINED);
            assertThat(failed.outcome()).isEqualTo(Outcome.NOT_EXECUTED);
            assertThat(log(cluster.active())).contains("quarantining message");
            assertThat(text(theirs.send(bytes("add 1")))).isEqualTo("11");

            assertThat(cluster.allInSync().term()).isEqualTo(term + 2);
            assertThat(text(mine.end(bytes("add 1")))).isEqualTo("2");
            assertThat(text(theirs.end(bytes("add 1")))).isEqualTo("12");
            cluster.equalEverywhere(client);
        }
    }
}
