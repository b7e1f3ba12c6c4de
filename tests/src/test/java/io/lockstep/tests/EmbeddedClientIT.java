package io.lockstep.tests;

import static io.lockstep.tests.TestCluster.LIMIT;
import static io.lockstep.tests.TestCluster.bytes;
import static io.lockstep.tests.TestCluster.text;
import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.distributor.DistributorConfig;
import io.lockstep.distributor.LockstepClient;
import io.lockstep.distributor.LockstepTransaction;
import io.lockstep.membership.Endpoint;
import io.lockstep.membership.StaticMembers;
import io.lockstep.server.ChildProcess;
import io.lockstep.wire.Peer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A client with its distributor inside, and nodes that die and come back elsewhere. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class EmbeddedClientIT {
    @TempDir
    private Path folder;

    @Test
    void itsTransactionsOutliveEveryNodeThatTheyRanOn() throws Exception {
        try (TestCluster cluster = TestCluster.start(TestCluster.plan(folder, "poison"))) {
            StaticMembers members = new StaticMembers(List.of());
            for (ChildProcess node : cluster.processes().nodes()) {
                members.publish(endpoint(node));
            }
            try (LockstepClient client = LockstepClient.builder()
                    .embedded(DistributorConfig.builder("inside").build(), members)
                    .label("embedded")
                    .connectTimeout(LIMIT)
                    .requestTimeout(LIMIT)
                    .touchInterval(Duration.ofMinutes(10))
                    .open()) {
                LockstepTransaction transaction = client.begin(bytes("add 1"));
                ChildProcess first = cluster.active();
                first.kill();
                assertThat(text(transaction.send(bytes("add 1")))).isEqualTo("2");
                assertThat(cluster.active()).isNotSameAs(first);

                // The other processes find it by Hazelcast on its new port; this client is told.
                int formerPort = first.address().getPort();
                cluster.allInSync();
                assertThat(first.address().getPort()).isNotEqualTo(formerPort);
                members.publish(endpoint(first));
                ChildProcess second = cluster.active();
                assertThat(second).isNotSameAs(first);
                second.kill();
                assertThat(text(transaction.send(bytes("add 1")))).isEqualTo("3");
                assertThat(cluster.active()).isSameAs(first);
                assertThat(text(transaction.end(bytes("add 1")))).isEqualTo("4");
                cluster.equalEverywhere(client);
            }
        }
    }

    private static Endpoint endpoint(ChildProcess node) {
        return new Endpoint(
                node.name(),
                Peer.Role.NODE,
                node.incarnation(),
                node.pid(),
                "127.0.0.1",
                node.address().getPort(),
                0);
    }
}
