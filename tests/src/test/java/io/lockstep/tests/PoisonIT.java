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
import io.lockstep.server.ExitCode;
import io.lockstep.wire.AnswerCode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Messages that end the process that executes them, with a death note (R17; rows 61, 63 and 65). */
@Timeout(value = 4, unit = TimeUnit.MINUTES)
class PoisonIT {
    private static final int PIPELINED = 50;

    @TempDir
    private static Path folder;

    private static TestCluster cluster;

    @BeforeAll
    static void start() {
        cluster = TestCluster.start(TestCluster.plan(folder, "poison"));
    }

    @AfterAll
    static void stop() {
        cluster.close();
    }

    @Test
    void anExceptionOfTheServiceIsAnAnswerAndNobodyDies() {
        cluster.allInSync();
        try (LockstepClient client = cluster.client("exception")) {
            LockstepTransaction transaction = client.begin(bytes("add 1"));

            LockstepException failed = failure(transaction.sendAsync(bytes("throw")));

            assertThat(failed.code()).isEqualTo(AnswerCode.SERVICE_FAILED);
            assertThat(failed.outcome()).isEqualTo(Outcome.REFUSED_BY_SERVICE);
            assertThat(failed).hasMessageContaining("IllegalStateException");
            assertThat(text(transaction.end(bytes("add 1")))).isEqualTo("2");
            cluster.equalEverywhere(client);
        }
        assertThat(cluster.fallen()).isEmpty();
    }

    @Test
    void aStackOverflowEndsOneNodeAndTheMessageIsNeverExecutedAgain() throws Exception {
        oneNodeFallsAndTheRestGoesOn("recurse", "StackOverflowError");
    }

    @Test
    void anExhaustedHeapEndsOneNodeAndTheMessageIsNeverExecutedAgain() throws Exception {
        oneNodeFallsAndTheRestGoesOn("heap", "OutOfMemoryError");
    }

    @Test
    void aReadThatEndsANodeIsNeverExecutedAgain() throws Exception {
        cluster.allInSync();
        try (LockstepClient client = cluster.client("reader");
                LockstepClient other = cluster.client("bystander")) {
            LockstepTransaction mine = client.begin(bytes("add 1"));
            LockstepTransaction theirs = other.begin(bytes("add 10"));
            ChildProcess victim = cluster.active();

            LockstepException failed = failure(client.readAsync(bytes("recurse")));

            assertThat(failed.code()).isEqualTo(AnswerCode.QUARANTINED);
            assertThat(failed.outcome()).isEqualTo(Outcome.NOT_EXECUTED);
            assertThat(cluster.fallen()).containsExactly(victim);
            assertThat(text(client.read(bytes("nothing")))).isEqualTo("nothing");
            assertThat(text(mine.end(bytes("add 1")))).isEqualTo("2");
            assertThat(text(theirs.end(bytes("add 1")))).isEqualTo("11");
            cluster.equalEverywhere(client);
        }
    }

    @Test
    void row61ATransactionWhoseEndOfTimeEndsANodeEndsWithoutTheServiceAfterwards() {
        long term = cluster.allInSync().term();
        try (LockstepClient client = cluster.client("expiry");
                LockstepClient other = cluster.client("bystander")) {
            LockstepTransaction mine = client.begin(bytes("add 1"));
            LockstepTransaction theirs = other.begin(bytes("add 10"));
            ChildProcess victim = cluster.active();
            LockstepTransaction doomed = client.begin(bytes("expire-with recurse"));

            await().atMost(LIMIT)
                    .untilAsserted(() -> assertThat(cluster.fallen()).containsExactly(victim));
            LockstepException failed = failure(doomed.sendAsync(bytes("add 1")));

            assertThat(failed.code()).as(failed.getMessage()).isEqualTo(AnswerCode.TRANSACTION_ENDED);
            assertThat(text(mine.end(bytes("add 1")))).isEqualTo("2");
            assertThat(text(theirs.end(bytes("add 1")))).isEqualTo("11");
            assertThat(log(victim)).contains("StackOverflowError");
            assertThat(cluster.allInSync().term()).isEqualTo(term + 1);
            cluster.equalEverywhere(client);
        }
    }

    private static void oneNodeFallsAndTheRestGoesOn(String poison, String cause) throws Exception {
        long term = cluster.allInSync().term();
        try (LockstepClient client = cluster.client(poison);
                LockstepClient other = cluster.client("bystander")) {
            LockstepTransaction poisoned = client.begin(bytes("add 1"));
            LockstepTransaction mine = client.begin(bytes("add 10"));
            LockstepTransaction theirs = other.begin(bytes("add 100"));
            ChildProcess victim = cluster.active();

            // Handed in at once, so that messages of the same session go before and after it.
            List<CompletableFuture<byte[]>> around = new ArrayList<>();
            for (int i = 0; i < PIPELINED; i++) {
                around.add(mine.sendAsync(bytes("add 1")).toCompletableFuture());
            }
            CompletableFuture<byte[]> deadly = poisoned.sendAsync(bytes(poison)).toCompletableFuture();
            for (int i = 0; i < PIPELINED; i++) {
                around.add(mine.sendAsync(bytes("add 1")).toCompletableFuture());
            }

            LockstepException failed = failure(deadly);
            assertThat(failed.code()).as(failed.getMessage()).isEqualTo(AnswerCode.QUARANTINED);
            assertThat(failed.outcome()).isEqualTo(Outcome.NOT_EXECUTED);
            for (int i = 0; i < around.size(); i++) {
                assertThat(text(around.get(i).get(LIMIT.toSeconds(), TimeUnit.SECONDS)))
                        .isEqualTo(Integer.toString(11 + i));
            }
            assertThat(text(theirs.send(bytes("add 1")))).isEqualTo("101");

            assertThat(victim.onExit().get(10, TimeUnit.SECONDS)).isEqualTo(ExitCode.INTERNAL.code());
            assertThat(cluster.fallen()).containsExactly(victim);
            assertThat(log(victim)).contains(cause);
            assertThat(log(cluster.active())).contains("dies of message").contains("quarantining message");

            assertThat(cluster.allInSync().term()).isEqualTo(term + 1);
            assertThat(text(poisoned.end(bytes("add 1"))))
                    .as("its transaction is open")
                    .isEqualTo("2");
            assertThat(text(theirs.end(bytes("add 1")))).isEqualTo("102");
            cluster.equalEverywhere(client);
        }
        await().atMost(LIMIT).untilAsserted(() -> assertThat(cluster.fallen()).isEmpty());
    }
}
