package io.lockstep.tests;

import static io.lockstep.tests.TestCluster.LIMIT;
import static io.lockstep.tests.TestCluster.bytes;
import static io.lockstep.tests.TestCluster.failure;
import static io.lockstep.tests.TestCluster.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lockstep.distributor.LockstepClient;
import io.lockstep.distributor.LockstepTransaction;
import io.lockstep.server.ChildProcess;
import io.lockstep.server.ClusterStatus.NodeStatus;
import io.lockstep.server.ExitCode;
import io.lockstep.server.Main;
import io.lockstep.wire.AnswerCode;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A backup was left behind, and then the active dies for good: what remains is an older copy, which refuses to serve until
 * an operator says that it shall (R7; rows 21 and 85).
 */
@Timeout(value = 4, unit = TimeUnit.MINUTES)
class OverrideIT {
    @TempDir
    private Path folder;

    @Test
    void row21And85AnOlderCopyLeadsWhenAnOperatorSaysSoAndTheFormerActiveHasEnded() {
        try (TestCluster cluster = TestCluster.start(TestCluster.plan(folder, "poison"));
                LockstepClient client = cluster.client("witness")) {
            LockstepTransaction seen = client.begin(bytes("add 1"));
            cluster.equalEverywhere(client);
            long term = cluster.allInSync().term();
            ChildProcess active = cluster.active();
            ChildProcess backup = cluster.processes().inSyncBackups().get(0);
            refused(cluster, "it follows " + active.name(), backup.name());
            refused(cluster, "it is the active", active.name());
            assertThat(override(cluster, backup.name()).exit).isEqualTo(ExitCode.USAGE.code());

            backup.stop();
            // Answered once the backup has left the view; in its socket the entry waits for it nevertheless.
            assertThat(text(seen.send(bytes("add 10")))).isEqualTo("11");
            assertThat(text(seen.send(bytes("add 20")))).isEqualTo("31");
            active.stop();
            backup.cont();
            NodeStatus older = awaitWaiting(cluster, backup, active);
            assertThat(older.role()).isEqualTo("NONE");
            refused(cluster, active.name(), backup.name());

            active.kill();
            active.onExit().join();
            Said done = override(cluster, backup.name(), "--accept-loss");

            assertThat(done.exit).as(done.text).isEqualTo(ExitCode.DONE.code());
            assertThat(cluster.processes().awaitInSync(0, LIMIT).term()).isEqualTo(term + 1);
            assertThat(cluster.active()).isEqualTo(backup);
            assertThat(failure(seen.sendAsync(bytes("add 100"))).code()).isEqualTo(AnswerCode.LOG_LACKS_SEEN);
            try (LockstepClient other = cluster.client("other")) {
                LockstepTransaction fresh = other.begin(bytes("add 5"));
                cluster.equalEverywhere(other);
                assertThat(text(fresh.end(bytes("add 6")))).isEqualTo("11");
            }
        }
    }

    private static NodeStatus awaitWaiting(TestCluster cluster, ChildProcess backup, ChildProcess active) {
        List<NodeStatus> found = new ArrayList<>();
        await().atMost(LIMIT).untilAsserted(() -> {
            NodeStatus status = cluster.processes().status().node(backup.name()).orElseThrow();
            assertThat(status.state()).isEqualTo("LOCATING_ACTIVE");
            assertThat(status.reason()).startsWith("waiting for " + active.name());
            found.add(status);
        });
        return found.get(0);
    }

    record Said(int exit, String text) {}

    private static void refused(TestCluster cluster, String why, String node) {
        Said said = override(cluster, node, "--accept-loss");
        assertThat(said.text).contains(why);
        assertThat(said.exit).as(said.text).isEqualTo(ExitCode.REFUSED.code());
    }

    static Said override(TestCluster cluster, String node, String... options) {
        StringWriter said = new StringWriter();
        List<String> line = new ArrayList<>(List.of("override", node));
        line.addAll(List.of(options));
        var address = cluster.processes().clientAddresses().get(0);
        line.addAll(List.of("--connect", address.getHostString() + ":" + address.getPort()));
        PrintWriter out = new PrintWriter(said, true);
        return new Said(Main.run(line.toArray(String[]::new), out, out), said.toString());
    }
}
