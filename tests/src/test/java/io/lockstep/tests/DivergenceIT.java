package io.lockstep.tests;

import static io.lockstep.tests.TestCluster.LIMIT;
import static io.lockstep.tests.TestCluster.bytes;
import static io.lockstep.tests.TestCluster.failure;
import static io.lockstep.tests.TestCluster.log;
import static io.lockstep.tests.TestCluster.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lockstep.distributor.LockstepClient;
import io.lockstep.distributor.LockstepException.Outcome;
import io.lockstep.distributor.LockstepTransaction;
import io.lockstep.server.ChildProcess;
import io.lockstep.server.ClusterStatus.NodeStatus;
import io.lockstep.server.ExitCode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A service that uses its own clock: all answers are equal, and the records of two nodes are not (rows 58 and 59). Nobody
 * can know which copy is right; so the one that differs leads nobody.
 */
@Timeout(value = 4, unit = TimeUnit.MINUTES)
class DivergenceIT {
    /** So many such messages are more than the log holds. */
    private static final int LONG_MESSAGES = 4;

    private static final int LONG = 900_000;

    private static final Duration SOON = Duration.ofSeconds(3);
    private static final Pattern NUMBER = Pattern.compile("ID=(\\d+), NUMBER=(\\d+)\\)");

    @TempDir
    private Path folder;

    @Test
    void row58And59ARowFromANodesOwnClockIsNamedWithBothValuesAndTheCopyThatDiffersLeadsNobody() {
        try (TestCluster cluster = TestCluster.start(
                        TestCluster.plan(folder, "poison").withSettings(Map.of("forward-log-bytes", "2MiB")));
                LockstepClient client = cluster.client("witness");
                LockstepClient hurried = LockstepClient.builder()
                        .distributors(cluster.processes().clientAddresses())
                        .connectTimeout(LIMIT)
                        .requestTimeout(SOON)
                        .open()) {
            LockstepTransaction open = client.begin(bytes("add 1"));
            long term = cluster.allInSync().term();
            ChildProcess active = cluster.active();
            ChildProcess backup = cluster.processes().inSyncBackups().get(0);

            open.send(bytes("own-clock 1"));
            awaitBothTell(cluster, active, backup, 1, client);
            assertThat(text(open.send(bytes("add 1")))).as("the active goes on").isEqualTo("2");
            forgetTheMessage(open);
            backup.restart(LIMIT); // what an operator does who believes the active
            cluster.equalEverywhere(client);
            assertThat(status(cluster, active).reason()).isNullOrEmpty();

            open.send(bytes("own-clock 2"));
            awaitBothTell(cluster, active, backup, 2, client);
            String differing = status(cluster, backup).incarnation();
            active.kill();
            active.onExit().join();
            assertThat(failure(hurried.beginAsync(bytes("add 1"))).outcome())
                    .as("nobody serves it; whether it was sent before the distributor knew that is chance")
                    .isIn(Outcome.UNKNOWN, Outcome.NOT_EXECUTED);
            OverrideIT.Said said = OverrideIT.override(cluster, backup.name(), "--accept-loss");
            assertThat(said.exit()).as(said.text()).isEqualTo(ExitCode.REFUSED.code());
            assertThat(said.text()).contains("not fit to lead");
            active.restart(LIMIT); // with an empty store: it can read the register, and knows whom it waits for
            await().atMost(LIMIT).untilAsserted(() -> {
                NodeStatus empty = status(cluster, active);
                assertThat(empty.pid()).isEqualTo(active.pid());
                assertThat(empty.version()).isPositive();
                assertThat(empty.reason()).startsWith("waiting for " + active.name());
            });

            assertThat(cluster.processes().status().term()).isEqualTo(term);
            assertThat(cluster.processes().status().nodes())
                    .extracting(NodeStatus::role)
                    .containsOnly("NONE");
            assertThat(status(cluster, backup).state()).isEqualTo("UNFIT");
            assertThat(status(cluster, backup).incarnation())
                    .as("its copy is kept")
                    .isEqualTo(differing);
        }
    }

    /** A node that joins by executing the log from its beginning would ask its own clock again, so the log has to go on. */
    private static void forgetTheMessage(LockstepTransaction open) {
        for (int i = 0; i < LONG_MESSAGES; i++) {
            open.send(bytes("add 1 " + "x".repeat(LONG)));
        }
    }

    /** Both name the table, the row's key, and the row as each has it, in the status and in the log. */
    private static void awaitBothTell(
            TestCluster cluster, ChildProcess active, ChildProcess backup, int id, LockstepClient client) {
        String right = text(client.read(bytes("number " + id)));
        await().atMost(LIMIT).untilAsserted(() -> {
            NodeStatus differing = status(cluster, backup);
            assertThat(differing.state()).isEqualTo("UNFIT");
            assertThat(differing.inSync()).isFalse();
            String told = String.valueOf(differing.reason());
            assertThat(told).contains("differs from the active at position", "PUBLIC.NUMBERS", "key ");
            List<String> values = numbers(told, id);
            assertThat(values).hasSize(2).doesNotHaveDuplicates().contains(right);
            for (String other : List.of(String.valueOf(status(cluster, active).reason()), log(active), log(backup))) {
                assertThat(other).contains("PUBLIC.NUMBERS");
                assertThat(numbers(other, id)).containsAll(values);
            }
        });
    }

    private static List<String> numbers(String told, int id) {
        return NUMBER.matcher(told)
                .results()
                .filter(each -> each.group(1).equals(Integer.toString(id)))
                .map(each -> each.group(2))
                .toList();
    }

    private static NodeStatus status(TestCluster cluster, ChildProcess node) {
        return cluster.processes().status().node(node.name()).orElseThrow();
    }
}
