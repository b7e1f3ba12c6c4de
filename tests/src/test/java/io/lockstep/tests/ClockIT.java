package io.lockstep.tests;

import static io.lockstep.tests.TestCluster.LIMIT;
import static io.lockstep.tests.TestCluster.bytes;
import static io.lockstep.tests.TestCluster.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.abort;

import io.lockstep.distributor.LockstepClient;
import io.lockstep.distributor.LockstepTransaction;
import io.lockstep.server.ChildProcess;
import io.lockstep.server.Places;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Nodes whose wall clocks are hours apart, and jump (rows 53 and 54): libfaketime stands between each node and its system's
 * wall clock, and leaves the monotonic one as it is.
 */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class ClockIT {
    private static final String LIBRARY = "libfaketimeMT.so.1";
    /** Header time runs faster than true time by a tenth, its slewing, and what a clock drifts; see tests/README.md. */
    private static final double FASTEST = 1.12;

    private static final int MESSAGES = 50;

    @TempDir
    private static Path folder;

    private static TestCluster cluster;

    @BeforeAll
    static void start() throws IOException {
        Path library = library().orElseGet(() -> {
            String why = "NOT RUN, rows 53 and 54 with real processes: no " + LIBRARY + " (Debian: faketime)";
            System.err.println(why);
            return abort(why);
        });
        set("node-1", 1);
        set("node-2", -1);
        Places places = name -> name.startsWith("node")
                ? new Places.Place(
                        "127.0.0.1",
                        List.of(
                                "env",
                                "LD_PRELOAD=" + library,
                                "FAKETIME_DONT_FAKE_MONOTONIC=1",
                                // Else it takes the JVM's waits, which go by the monotonic clock, for others, and they
                                // end
                                // at once.
                                "FAKETIME_FORCE_MONOTONIC_FIX=0",
                                "FAKETIME_CACHE_DURATION=1",
                                "FAKETIME_TIMESTAMP_FILE=" + clock(name)))
                : Places.LOOPBACK.of(name);
        cluster = TestCluster.start(TestCluster.plan(folder, "poison").withPlaces(places));
    }

    @AfterAll
    static void stop() {
        if (cluster != null) {
            cluster.close();
        }
    }

    @Test
    void row53And54HeaderTimeNeverFallsNorRunsAndNothingExpiresWhenClocksAreApartAndJump() throws IOException {
        long term = cluster.allInSync().term();
        try (LockstepClient client = cluster.client("clocks")) {
            LockstepTransaction open = client.begin(bytes("expire-in 1800"));
            Witness witness = new Witness(open);
            witness.look();
            assertThat(Math.abs(hoursAhead(client)))
                    .as("the clock is not the machine's")
                    .isOne();
            ChildProcess former = cluster.active();
            former.kill();
            witness.look();
            assertThat(cluster.allInSync().term()).isEqualTo(term + 1);
            ChildProcess active = cluster.active();
            assertThat(active).isNotSameAs(former);

            for (int hours : List.of(3, -3)) {
                set(active.name(), hours);
                await().atMost(LIMIT).until(() -> hoursAhead(client) == hours);
                witness.look();
            }
            set(former.name(), -720);
            term = cluster.allInSync().term();
            active.kill();
            witness.look();

            assertThat(cluster.allInSync().term()).isEqualTo(term + 1);
            assertThat(text(open.send(bytes("add 1")))).isEqualTo("1");
            assertThat(text(open.end(bytes("add 1")))).isEqualTo("2");
            cluster.equalEverywhere(client);
        }
    }

    /** What header time does, by the clock of this process. */
    private static final class Witness {
        private final LockstepTransaction transaction;
        private final long beganNs;
        private final long beganMs;
        private long lastMs;

        Witness(LockstepTransaction transaction) {
            this.transaction = transaction;
            this.beganNs = System.nanoTime();
            this.beganMs = time();
            this.lastMs = beganMs;
        }

        void look() {
            for (int i = 0; i < MESSAGES; i++) {
                long ms = time();
                assertThat(ms).as("it never falls").isGreaterThanOrEqualTo(lastMs);
                assertThat(ms - beganMs)
                        .as("it runs no faster than true time, but for its slewing")
                        .isLessThanOrEqualTo(Math.round(FASTEST * (System.nanoTime() - beganNs) / 1e6) + 1);
                lastMs = ms;
            }
        }

        private long time() {
            return Long.parseLong(text(transaction.send(bytes("time"))));
        }
    }

    private static Path clock(String node) {
        return folder.resolve(node + ".clock");
    }

    /** By how much the active's wall clock shows more than this machine's. */
    private static long hoursAhead(LockstepClient client) {
        long ms = Long.parseLong(text(client.read(bytes("wall-clock"))));
        return Math.round((ms - System.currentTimeMillis()) / 3_600_000.0);
    }

    /** From some second on that node's wall clock shows so many hours more than the machine's. */
    private static void set(String node, int hours) throws IOException {
        Path next = Files.writeString(folder.resolve(node + ".next"), (hours < 0 ? "" : "+") + hours + "h\n");
        Files.move(next, clock(node), StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    }

    private static Optional<Path> library() throws IOException {
        try (Stream<Path> folders = Files.walk(Path.of("/usr/lib"), 2)) {
            return folders.filter(each -> each.endsWith("faketime"))
                    .map(each -> each.resolve(LIBRARY))
                    .filter(Files::isRegularFile)
                    .findFirst();
        }
    }
}
