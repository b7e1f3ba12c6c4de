package io.lockstep.tests;

import static io.lockstep.tests.TestCluster.LIMIT;
import static io.lockstep.tests.TestCluster.bytes;
import static io.lockstep.tests.TestCluster.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lockstep.distributor.LockstepClient;
import io.lockstep.distributor.LockstepTransaction;
import io.lockstep.server.ChildProcess;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.apache.curator.test.TestingServer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A cluster whose view register is in ZooKeeper: nobody votes, and a takeover needs nothing but ZooKeeper. */
@Timeout(value = 4, unit = TimeUnit.MINUTES)
class ZooKeeperIT {
    @TempDir
    private static Path folder;

    private static TestingServer keeper;
    private static TestCluster cluster;

    @BeforeAll
    static void start() throws Exception {
        keeper = new TestingServer(-1, folder.resolve("zookeeper").toFile(), true);
        cluster = TestCluster.start(TestCluster.plan(folder, "poison")
                .withSettings(Map.of("register", "zookeeper", "zookeeper-connect", keeper.getConnectString())));
    }

    @AfterAll
    static void stop() throws Exception {
        cluster.close();
        keeper.close();
    }

    @Test
    void aTransactionOutlivesOneActiveAfterTheOther() {
        long term = cluster.allInSync().term();
        try (LockstepClient client = cluster.client("takeovers")) {
            LockstepTransaction transaction = client.begin(bytes("add 1"));
            ChildProcess first = cluster.active();
            first.kill();
            assertThat(text(transaction.send(bytes("add 1")))).isEqualTo("2");
            ChildProcess second = cluster.active();
            assertThat(second).isNotSameAs(first);
            cluster.allInSync();
            second.kill();
            assertThat(text(transaction.end(bytes("add 1")))).isEqualTo("3");
            assertThat(cluster.allInSync().term()).isEqualTo(term + 2);
            cluster.equalEverywhere(client);
        }
    }

    @Test
    void serviceGoesOnWithoutZooKeeperAndATakeoverWaitsForIt() throws Exception {
        long term = cluster.allInSync().term();
        try (LockstepClient client = cluster.client("without")) {
            LockstepTransaction transaction = client.begin(bytes("add 1"));
            keeper.stop();
            assertThat(text(transaction.send(bytes("add 1")))).isEqualTo("2");

            ChildProcess former = cluster.active();
            former.kill();
            CompletionStage<byte[]> waiting = transaction.sendAsync(bytes("add 1"));
            await().atMost(LIMIT)
                    .untilAsserted(() -> assertThat(cluster.processes().status().nodes())
                            .anySatisfy(node -> assertThat(node.reason())
                                    .contains("proposing itself, but ZooKeeper at " + keeper.getConnectString())));
            keeper.restart();

            assertThat(waiting.toCompletableFuture()).succeedsWithin(LIMIT).satisfies(answer -> assertThat(text(answer))
                    .isEqualTo("3"));
            assertThat(cluster.allInSync().term()).isEqualTo(term + 1);
            assertThat(text(transaction.end(bytes("add 1")))).isEqualTo("4");
            cluster.equalEverywhere(client);
        }
    }
}
