package io.lockstep.tests;

import static io.lockstep.tests.TestCluster.LIMIT;
import static io.lockstep.tests.TestCluster.bytes;
import static io.lockstep.tests.TestCluster.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lockstep.distributor.LockstepClient;
import io.lockstep.distributor.LockstepTransaction;
import io.lockstep.server.ChildProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Effects to the outside, and an active that is killed between a message's answer and its effect's end (R16). */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class EffectsIT {
    private static final int MANY = 20;

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

    @AfterEach
    void nothingIsHeld() throws IOException {
        Files.deleteIfExists(folder.resolve(AppendingRunner.HOLD));
    }

    @Test
    void effectsAreRunOnceEachWhenNobodyDies() throws Exception {
        cluster.allInSync();
        try (LockstepClient client = cluster.client("healthy")) {
            LockstepTransaction transaction = client.begin(bytes("add 1"));
            List<String> asked = new ArrayList<>();
            for (int i = 0; i < MANY; i++) {
                transaction.send(bytes("effect " + (i % 2 == 0 ? "at-least-once" : "at-most-once") + " healthy"));
                asked.add("healthy " + client.session() + " " + transaction.lastRequestId() + " 0");
            }
            await().atMost(LIMIT)
                    .untilAsserted(() -> assertThat(lines("healthy")).hasSize(MANY));
            assertThat(lines("healthy")).containsExactlyInAnyOrderElementsOf(asked);
            assertThat(text(transaction.end(bytes("add 1")))).isEqualTo("2");
            cluster.equalEverywhere(client);
        }
        assertThat(lines("healthy")).hasSize(MANY);
    }

    @Test
    void anEffectIsRunAgainWhenTheActiveDiesBeforeItsEnd() throws Exception {
        List<String> lines = killBetweenAnswerAndEnd("at-least-once", "again");

        assertThat(lines.get(0)).as("the one that did not end").isEqualTo(lines.get(1));
        assertThat(new LinkedHashSet<>(lines))
                .as("every key that was asked for, and no other")
                .hasSize(MANY + 1);
    }

    @Test
    void anEffectThatMayRunOnceIsGivenUpWhenTheActiveDiesBeforeItsEnd() throws Exception {
        List<String> lines = killBetweenAnswerAndEnd("at-most-once", "never-twice");

        assertThat(lines).doesNotHaveDuplicates().hasSizeBetween(1, MANY + 1);
    }

    /** The first effect does not end before the active is killed, so those behind it wait. @return all that were run */
    private static List<String> killBetweenAnswerAndEnd(String often, String name) throws Exception {
        cluster.allInSync();
        Path hold = Files.createFile(folder.resolve(AppendingRunner.HOLD));
        try (LockstepClient client = cluster.client(name)) {
            LockstepTransaction transaction = client.begin(bytes("add 1"));
            List<String> asked = new ArrayList<>();
            for (int i = 0; i < MANY; i++) {
                transaction.send(bytes("effect " + often + " " + name));
                asked.add(name + " " + client.session() + " " + transaction.lastRequestId() + " 0");
            }
            await().atMost(LIMIT).untilAsserted(() -> assertThat(lines(name)).containsExactly(asked.get(0)));

            ChildProcess active = cluster.active();
            active.kill();
            assertThat(active.onExit()).succeedsWithin(LIMIT);
            Files.delete(hold);

            assertThat(text(transaction.send(bytes("effect " + often + " " + name))))
                    .isEqualTo("1");
            asked.add(name + " " + client.session() + " " + transaction.lastRequestId() + " 0");
            // Effects are run in the order in which they were asked for, so nothing comes after the last one.
            await().atMost(LIMIT).untilAsserted(() -> assertThat(lines(name)).contains(asked.get(MANY)));
            cluster.equalEverywhere(client);
            assertThat(asked).containsAll(lines(name));
            return lines(name);
        }
    }

    private static List<String> lines(String name) throws IOException {
        Path file = folder.resolve(AppendingRunner.EFFECTS);
        return Files.exists(file)
                ? Files.readAllLines(file).stream()
                        .filter(line -> line.startsWith(name + " "))
                        .toList()
                : List.of();
    }
}
