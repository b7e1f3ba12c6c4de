package io.lockstep.tests;

import static io.lockstep.tests.TestCluster.LIMIT;
import static io.lockstep.tests.TestCluster.bytes;
import static io.lockstep.tests.TestCluster.log;
import static io.lockstep.tests.TestCluster.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lockstep.distributor.LockstepClient;
import io.lockstep.distributor.LockstepTransaction;
import io.lockstep.server.ChildProcess;
import io.lockstep.server.ClusterStatus.NodeStatus;
import io.lockstep.server.CommandFailure;
import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Peer;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Processes that come back: a backup that is killed on its way into a database whose state takes a while to copy (rows 17
 * and 18), a distributor that stood still through a takeover (row 28).
 */
@Timeout(value = 4, unit = TimeUnit.MINUTES)
class RejoinIT {
    /** The state: so many messages with so many rows each. */
    private static final int FILLS = 40;

    private static final int ROWS = 2_500;
    /** What a joiner finds to be executed behind its copy: so many messages with as many rows. */
    private static final int BEHIND = 40;

    private static final int LONG_MESSAGES = 40;
    private static final int LONG = 100_000;
    private static final int PIPELINED = 50;
    /** A kill that came too late for its moment is made again, so often at most. */
    private static final int ROUNDS_MAX = 5;

    private static final Pattern BECAME = Pattern.compile("[A-Z_]+ -> ([A-Z_]+) in term");

    @TempDir
    private static Path folder;

    private static TestCluster cluster;
    private static Witness witness;

    @BeforeAll
    static void start() {
        cluster = TestCluster.start(TestCluster.plan(folder, "poison")
                .withHeapMebibytes(256)
                .withDistributors(2)
                .withSettings(Map.of("forward-log-bytes", "2MiB")));
        witness = new Witness(
                cluster.client("witness", cluster.processes().clientAddresses().subList(0, 1)));
        for (int i = 0; i < FILLS; i++) {
            witness.addRows();
        }
        // The log's beginning goes, so that whoever comes back is copied, however quickly it would execute all of it.
        for (int i = 0; i < LONG_MESSAGES; i++) {
            witness.send("add 1 " + "x".repeat(LONG), 1);
        }
        witness.areAllAnswered();
    }

    @AfterAll
    static void stop() {
        if (witness != null) {
            witness.client.close();
        }
        cluster.close();
    }

    @Test
    void row17And18NothingIsToBeSeenWhenABackupIsKilledInTheMiddleOfItsCopyAndAgainBehindIt() {
        long term = cluster.allInSync().term();
        ChildProcess active = cluster.active();
        ChildProcess backup = cluster.processes().inSyncBackups().get(0);
        kill(backup);

        killedOnItsWayBack(backup, "MIRRORING", joiner -> {});
        killedOnItsWayBack(backup, "FOLLOWING", joiner -> {
            for (int i = 0; i < BEHIND; i++) {
                witness.addRows();
            }
            awaitStatus(
                    joiner,
                    node -> node.inSync()
                            || (node.state().equals("FOLLOWING") && node.executedPosition() < node.receivedPosition()));
        });

        cluster.equalEverywhere(witness.client);
        assertThat(cluster.active()).as("nobody took over").isSameAs(active);
        assertThat(cluster.allInSync().term()).isEqualTo(term);
        witness.hasLostNothing();
    }

    @Test
    void row28ADistributorThatStoodStillThroughATakeoverGoesOnInTheNewTermAndLosesNothing() throws Exception {
        long term = cluster.allInSync().term();
        ChildProcess former = cluster.active();
        ChildProcess backup = cluster.processes().inSyncBackups().get(0);
        ChildProcess late = cluster.processes().distributors().get(1);
        try (LockstepClient client = cluster.client("late", List.of(late.address()))) {
            Witness open = new Witness(client);
            open.add(PIPELINED);
            late.stop();
            open.add(PIPELINED);
            kill(former);
            witness.add(PIPELINED);
            witness.areAllAnswered();

            assertThat(cluster.active()).isSameAs(backup);
            open.isWaiting();
            refusesTheTermBefore(backup, term, open.latest(client.session()));
            late.cont();
            open.areAllAnswered();
            assertThat(client.term()).isEqualTo(term + 1);
            open.add(1);
            open.areAllAnswered();
        }
        cluster.equalEverywhere(witness.client);
        assertThat(cluster.allInSync().term()).isEqualTo(term + 1);
        witness.hasLostNothing();
    }

    /**
     * What the distributor that stands still would ask in its old term: whether it does before it hears of the new one is
     * chance, so it is asked here.
     */
    private static void refusesTheTermBefore(ChildProcess active, long term, Request request) throws Exception {
        try (WireClient wire = new WireClient(active.address(), new Peer("other", Peer.Role.DISTRIBUTOR, 9))) {
            Answer answer = wire.ask(term, request);

            assertThat(answer.code()).isEqualTo(AnswerCode.NOT_ACTIVE);
            assertThat(text(answer.body())).contains("term " + term + " is not term " + (term + 1));
        }
    }

    /**
     * Starts it, and kills it on its way.
     *
     * @param state what it is to be doing when it dies
     * @param onward from the middle of the copy to the moment of the kill
     */
    private static void killedOnItsWayBack(ChildProcess backup, String state, Consumer<ChildProcess> onward) {
        List<String> met = new ArrayList<>();
        while (!met.contains(state)) {
            assertThat(met).as("what it was doing when it was killed").hasSizeLessThan(ROUNDS_MAX);
            long copies = times("MIRRORING", backup);
            CompletableFuture<Void> joining = CompletableFuture.runAsync(() -> backup.restart(LIMIT));
            // By its log: a status is some tenths of a second old, and the copy may be there by then.
            await().atMost(LIMIT).pollInterval(Duration.ofMillis(5)).until(() -> times("MIRRORING", backup) > copies);
            long version = viewVersion();
            onward.accept(backup);
            witness.add(PIPELINED);
            kill(backup);
            witness.add(PIPELINED);
            ended(joining);
            witness.areAllAnswered();
            met.add(viewVersion() == version ? lastState(backup) : "in sync");
        }
    }

    private static void kill(ChildProcess node) {
        node.kill();
        assertThat(node.onExit()).succeedsWithin(LIMIT);
    }

    private static long viewVersion() {
        return cluster.processes().status().activeNode().orElseThrow().version();
    }

    private static void awaitStatus(ChildProcess node, Predicate<NodeStatus> wanted) {
        await().atMost(LIMIT).pollInterval(Duration.ofMillis(5)).until(() -> cluster.processes()
                .status()
                .node(node.name())
                .filter(each -> each.pid() == node.pid())
                .filter(wanted)
                .isPresent());
    }

    /** The start of a process that was killed before or after it said that it was ready. */
    private static void ended(CompletableFuture<Void> joining) {
        try {
            joining.join();
        } catch (CompletionException e) {
            assertThat(e).hasCauseInstanceOf(CommandFailure.class);
        }
    }

    private static long times(String state, ChildProcess node) {
        return BECAME.matcher(log(node))
                .results()
                .filter(each -> each.group(1).equals(state))
                .count();
    }

    private static String lastState(ChildProcess node) {
        return BECAME.matcher(log(node))
                .results()
                .map((MatchResult each) -> each.group(1))
                .reduce((former, later) -> later)
                .orElseThrow();
    }

    /** One open transaction, whose answers show whether each of its messages took effect once, and in its order. */
    static final class Witness {
        private final LockstepClient client;
        private final LockstepTransaction transaction;
        private final List<CompletableFuture<byte[]>> asked = new ArrayList<>();
        private final List<Long> wanted = new ArrayList<>();
        private long sum;
        private long rows;
        private long sent;

        Witness(LockstepClient client) {
            this.client = client;
            this.transaction = client.begin(bytes("add 0"));
        }

        void addRows() {
            send("rows " + rows + " " + ROWS, ROWS);
            rows += ROWS;
        }

        void add(int messages) {
            for (int i = 0; i < messages; i++) {
                send("add 1", 1);
            }
        }

        private void send(String message, long added) {
            sum += added;
            sent++;
            wanted.add(sum);
            asked.add(transaction.sendAsync(bytes(message)).toCompletableFuture());
        }

        void areAllAnswered() {
            assertThat(asked).allSatisfy(each -> assertThat(each).succeedsWithin(LIMIT));
            assertThat(asked.stream()
                            .map(each -> Long.parseLong(text(each.join())))
                            .toList())
                    .isEqualTo(wanted);
            asked.clear();
            wanted.clear();
        }

        void isWaiting() {
            assertThat(asked.get(asked.size() - 1)).isNotDone();
        }

        /** Its latest message, as a distributor hands it on. */
        Request latest(Identity session) {
            return WireClient.request(session, 1 + sent, RequestKind.CONTINUE, 1, sent, bytes("add 1"));
        }

        void hasLostNothing() {
            assertThat(text(client.read(bytes("rows")))).isEqualTo(Long.toString(rows));
        }
    }
}
