package io.lockstep.tests;

import static io.lockstep.tests.TestCluster.LIMIT;
import static io.lockstep.tests.TestCluster.bytes;
import static io.lockstep.tests.TestCluster.log;
import static io.lockstep.tests.TestCluster.text;
import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.distributor.LockstepClient;
import io.lockstep.distributor.LockstepException;
import io.lockstep.distributor.LockstepTransaction;
import io.lockstep.server.ChildProcess;
import io.lockstep.server.ExitCode;
import io.lockstep.server.Places;
import io.lockstep.wire.AnswerCode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * An active with less memory than its backup, filled by what many transactions keep, none of which asks for much (rows 63
 * and 86). What one message alone does to the heap is PoisonIT's, and LongStatementIT's.
 */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class MemoryIT {
    private static final String SMALL = "node-1";
    private static final int KEPT_BYTES = 1_000_000;
    /** More than the small one can hold, and less than the other. */
    private static final int TRANSACTIONS_MAX = 80;

    @TempDir
    private Path folder;

    @Test
    void anActiveWhoseMemoryIsFullEndsAndTheBackupGoesOnWithAllThatWasAnswered() {
        Places places = name -> name.equals(SMALL)
                ? new Places.Place("127.0.0.1", List.of("env", "_JAVA_OPTIONS=-Xmx64m"))
                : Places.LOOPBACK.of(name);
        try (TestCluster cluster = TestCluster.start(TestCluster.plan(folder, "poison")
                        .withHeapMebibytes(256)
                        .withPlaces(places));
                LockstepClient client = cluster.client("keeps much")) {
            ChildProcess small = smallOneLeads(cluster);
            List<LockstepTransaction> kept = new ArrayList<>();
            List<LockstepException> failed = new ArrayList<>();
            while (small.isAlive() && kept.size() < TRANSACTIONS_MAX) {
                try {
                    kept.add(client.begin(bytes("keep " + KEPT_BYTES)));
                } catch (LockstepException e) {
                    failed.add(e);
                }
            }

            assertThat(small.onExit()).succeedsWithin(LIMIT).isEqualTo(ExitCode.INTERNAL.code());
            assertThat(log(small)).contains("OutOfMemoryError");
            assertThat(failed)
                    .as("at most the one that it died of")
                    .hasSizeLessThanOrEqualTo(1)
                    .allSatisfy(each -> assertThat(each.code()).isEqualTo(AnswerCode.QUARANTINED));
            for (LockstepTransaction each : kept) {
                assertThat(text(each.send(bytes("kept")))).isEqualTo(Integer.toString(KEPT_BYTES));
            }
            assertThat(cluster.active()).isNotSameAs(small);
            for (LockstepTransaction each : kept) {
                each.rollback();
            }
            cluster.equalEverywhere(client);
        }
    }

    private static ChildProcess smallOneLeads(TestCluster cluster) {
        cluster.allInSync();
        if (!cluster.active().name().equals(SMALL)) {
            cluster.active().kill();
            cluster.allInSync();
        }
        assertThat(cluster.active().name()).isEqualTo(SMALL);
        return cluster.active();
    }
}
