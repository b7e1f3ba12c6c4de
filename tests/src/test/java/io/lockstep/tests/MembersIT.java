package io.lockstep.tests;

import static io.lockstep.tests.TestCluster.LIMIT;
import static io.lockstep.tests.TestCluster.bytes;
import static io.lockstep.tests.TestCluster.failure;
import static io.lockstep.tests.TestCluster.text;
import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.distributor.DistributorConfig;
import io.lockstep.distributor.LockstepClient;
import io.lockstep.distributor.LockstepException.Outcome;
import io.lockstep.distributor.LockstepTransaction;
import io.lockstep.server.ChildProcess;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the directory of members is for: whoever has it finds a node that came back elsewhere, the others do not. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class MembersIT {
    @TempDir
    private Path folder;

    @Test
    void aNodeThatCameBackElsewhereIsFoundByThoseWhoHaveTheDirectoryAndMissedByThoseWhoHaveNot() throws Exception {
        try (TestCluster cluster = TestCluster.start(TestCluster.plan(folder, "poison"));
                LockstepClient finder = cluster.client("finder")) {
            DistributorConfig.Builder fixed = DistributorConfig.builder("fixed");
            cluster.processes().nodes().forEach(node -> fixed.node(node.name(), node.address()));
            try (LockstepClient blind = LockstepClient.builder()
                    .embedded(fixed.build())
                    .connectTimeout(LIMIT)
                    .requestTimeout(Duration.ofSeconds(5))
                    .touchInterval(Duration.ofMinutes(10))
                    .open()) {
                LockstepTransaction found = finder.begin(bytes("add 1"));
                LockstepTransaction missed = blind.begin(bytes("add 10"));
                ChildProcess first = cluster.active();
                int formerPort = first.address().getPort();
                first.kill();
                assertThat(text(missed.send(bytes("add 1"))))
                        .as("the other node is where it was")
                        .isEqualTo("11");

                cluster.allInSync(); // nodes and the distributor have found it by the directory
                assertThat(first.address().getPort()).isNotEqualTo(formerPort);
                cluster.active().kill();

                assertThat(text(found.end(bytes("add 1")))).isEqualTo("2");
                assertThat(failure(missed.sendAsync(bytes("add 1"))).outcome())
                        .isIn(Outcome.UNKNOWN, Outcome.NOT_EXECUTED);
                assertThat(cluster.active()).isSameAs(first);
                cluster.equalEverywhere(finder);
            }
        }
    }
}
