package io.lockstep.tests.onejvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lockstep.server.ClusterStatus;
import io.lockstep.tests.onejvm.ClientActor.Tally;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Nodes whose records come to differ though all their answers are equal (rows 58 and 59). */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
@ExtendWith(Timeline.class)
class DivergenceDrillTest {
    /** For so long it is watched that nobody leads. */
    private static final Duration WATCHED = Duration.ofSeconds(4);

    @TempDir
    private Path folder;

    private static void awaitOutOfView(NodeActor active, NodeActor differing) {
        differing.awaitStatus(each -> each.state().equals("UNFIT"));
        active.awaitStatus(each -> {
            List<String> listed = each.inSyncBackups();
            return listed != null && listed.stream().noneMatch(name -> name.startsWith(differing.name() + "/"));
        });
    }

    private static String reason(NodeActor node) {
        ClusterStatus.NodeStatus status = node.status();
        return status.reason() == null ? "" : status.reason();
    }

    private static void awaitReason(NodeActor node, String... parts) {
        await().atMost(Drill.LIMIT).pollInterval(Drill.LOOK).untilAsserted(() -> assertThat(reason(node))
                .contains(parts));
    }

    @Test
    void row58And59ARowChangedByHandOnTheBackupIsNamedWithBothValuesAndNeitherCopyLeadsOverTheOther() {
        try (Drill drill = Drill.start(folder, Drill.Plan.ordinary())) {
            Tally victim = drill.client("victim").begin(20);
            victim.end(22);
            Runnable rest = drill.client("load").keepBusy();
            NodeActor active = drill.active();
            NodeActor backup = drill.backup();

            long positionBefore = backup.status().executedPosition();
            backup.service().changeByHand("update ended set total = 4711 where total = 42");
            awaitOutOfView(active, backup);
            long foundNs = System.nanoTime() - backup.service().changedByHandAtNs();
            long messages = active.status().executedPosition() - positionBefore;
            System.out.printf(
                    "a row changed by hand: out of the view after %d ms and at most %d messages%n",
                    foundNs / 1_000_000, messages);

            String[] told = {"PUBLIC.ENDED", "key ", "ID=1, TOTAL=42)", "ID=1, TOTAL=4711)"};
            awaitReason(backup, told);
            awaitReason(active, told);
            assertThat(reason(backup)).contains("differs from the active at position", "the last message was");
            victim = drill.client("after").begin(1);
            victim.end(2);
            rest.run();

            String incarnation = backup.status().incarnation();
            active.kill();
            await().during(WATCHED)
                    .atMost(WATCHED.plus(Drill.LIMIT))
                    .pollInterval(Drill.LOOK)
                    .until(() -> backup.status().state().equals("UNFIT"));
            assertThat(drill.actives()).isEmpty();
            assertThat(backup.status().incarnation())
                    .as("its copy is thrown away")
                    .isEqualTo(incarnation);
        }
    }

    @Test
    void row58AServiceThatUsesItsOwnClockIsFoundThoughItsAnswersAreEqual() {
        try (Drill drill = Drill.start(folder, Drill.Plan.ordinary())) {
            NodeActor active = drill.active();
            NodeActor backup = drill.backup();
            drill.nodes().forEach(each -> each.service().use(System::nanoTime));
            long sinceNs = System.nanoTime();
            drill.client("client").begin(20).end(22);
            awaitOutOfView(active, backup);
            System.out.printf(
                    "a service with its own clock: out of the view after %d ms%n",
                    (System.nanoTime() - sinceNs) / 1_000_000);
            awaitReason(backup, "PUBLIC.ENDED", "TOTAL=");
        }
    }

    @Test
    void row59AThirdCopyDecidesAndTheOneThatIsWrongIsCopiedAnew() {
        try (Drill drill = Drill.start(folder, Drill.Plan.ordinary().withNodes(3))) {
            drill.client("victim").begin(20).end(22);
            NodeActor backup = drill.backup();
            String incarnation = backup.status().incarnation();
            Runnable rest = drill.client("load").keepBusy();
            backup.service().changeByHand("update ended set total = 4711 where total = 42");
            backup.awaitStatus(each -> !String.valueOf(each.incarnation()).equals(String.valueOf(incarnation)));
            rest.run();
            drill.awaitInSync(2);
            drill.check();
        }
    }

    @Test
    void equalNodesStayTogetherWhateverIsOpen() {
        try (Drill drill = Drill.start(folder, Drill.Plan.ordinary())) {
            Tally open = drill.client("open").begin(1);
            Runnable rest = drill.client("load").keepBusy();
            SqlActor app = drill.application("app");
            try {
                app.execute("CREATE TABLE T(ID INT PRIMARY KEY, N INT, C CLOB)");
                app.begin();
                for (int i = 0; i < 300; i++) {
                    app.execute("INSERT INTO T VALUES (" + i + ", 0, '" + "x".repeat(i * 10) + "')");
                    app.execute("UPDATE T SET N = N + 1 WHERE ID <= " + i);
                }
            } catch (java.sql.SQLException e) {
                throw new AssertionError(e);
            }
            rest.run();
            open.end(2);
            assertThat(drill.backup().status().role()).isEqualTo("BACKUP");
            drill.check();
        }
    }
}
