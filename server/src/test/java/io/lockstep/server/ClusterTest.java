package io.lockstep.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Real child JVMs: they get in sync, are replaced when they die, and never outlive what started them. */
@Timeout(value = 4, unit = TimeUnit.MINUTES)
final class ClusterTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    @TempDir
    private Path folder;

    @Test
    void aBackupTakesOverAndTheKilledNodeComesBackInSync() throws Exception {
        List<ChildProcess> children = new ArrayList<>();
        try (Cluster cluster = Cluster.start(plan())) {
            children.addAll(cluster.distributors());
            children.addAll(cluster.nodes());
            cluster.awaitInSync(LIMIT);
            ChildProcess former = cluster.active().orElseThrow();
            long formerPid = former.pid();
            long formerIncarnation = former.incarnation();

            former.kill();
            assertThat(former.onExit().get(10, TimeUnit.SECONDS)).isEqualTo(128 + 9);
            ClusterStatus alone = cluster.awaitInSync(0, LIMIT);

            assertThat(alone.active()).isNotEqualTo(former.name());
            assertThat(alone.term()).isEqualTo(2);
            assertThat(alone.node(former.name()).orElseThrow().state()).isEqualTo("GONE");

            former.restart(LIMIT);
            cluster.awaitInSync(LIMIT);

            assertThat(former.pid()).isNotEqualTo(formerPid);
            assertThat(former.incarnation()).isNotEqualTo(formerIncarnation);
            assertThat(cluster.inSyncBackups()).containsExactly(former);
        }
        assertThat(children).hasSize(3).noneMatch(ChildProcess::isAlive);
    }

    @Test
    void aChildThatCannotStartEndsTheOthersAndItsLogIsTold() {
        ClusterPlan plan = plan().withJvmOptions(List.of("-XX:NoSuchOption=1"));

        assertThatThrownBy(() -> Cluster.start(plan))
                .isInstanceOf(CommandFailure.class)
                .hasMessageContaining("before it was ready")
                .hasMessageContaining("NoSuchOption");
    }

    private ClusterPlan plan() {
        return ClusterPlan.in(folder).withService("echo").withHeapMebibytes(128);
    }
}
