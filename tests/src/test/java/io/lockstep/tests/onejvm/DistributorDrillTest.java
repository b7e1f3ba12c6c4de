package io.lockstep.tests.onejvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lockstep.tests.onejvm.ClientActor.Asked;
import io.lockstep.tests.onejvm.ClientActor.Tally;
import io.lockstep.wire.Frame;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Distributors that die, are cut off, or believe in an old term, and clients that die (rows 1 to 4, 29, 33, 35, 83). */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
@ExtendWith(Timeline.class)
class DistributorDrillTest {
    @TempDir
    private Path folder;

    @Test
    void rows1To4TheOtherDistributorGivesTheAnswerWhereverTheMessageIsWhenOneDies() {
        // Five distributors, so that four can die; with three nodes none of them is a voter.
        try (Drill drill =
                Drill.start(folder, Drill.Plan.ordinary().withNodes(3).withDistributors(5))) {
            for (int row = 1; row <= 4; row++) {
                ClientActor client = drill.client("row" + row);
                Tally tally = client.begin(1);
                DistributorActor first = drill.distributor(row);
                Way way =
                        switch (row) {
                            case 1 -> drill.way(client, first);
                            case 2 -> drill.way(drill.active(), first);
                            default -> drill.way(first, client);
                        };
                switch (row) {
                    case 1 -> way.halve(frame -> frame instanceof Frame.Ask);
                    case 2, 3 -> way.hold(frame -> frame instanceof Frame.Reply);
                    default -> way.halve(frame -> frame instanceof Frame.Reply);
                }
                Asked asked = tally.ask(2);
                Drill.awaitHeld(List.of(way));
                assertThat(asked.isAnswered()).isFalse();
                first.kill();
                asked.awaitAnswer();
                tally.end(3);
            }
            assertThat(drill.term()).as("nodes have nothing to do with it").isEqualTo(1);
            drill.check();
        }
    }

    @Test
    void row29ClientsGoToTheOtherDistributorWhenTheirsIsCutOffFromTheActive() {
        try (Drill drill = Drill.start(folder, Drill.Plan.ordinary().withDistributors(2))) {
            Tally tally = drill.client("c").begin(1);
            drill.cut(drill.distributor(1), drill.active());
            tally.add(2);
            tally.end(3);
            assertThat(drill.term()).as("nobody took over").isEqualTo(1);
            drill.check();
        }
    }

    @Test
    void row33TheOtherDistributorGivesTheRetainedAnswerWhenTheirsHearsNothingFromTheActive() {
        try (Drill drill = Drill.start(folder, Drill.Plan.ordinary().withDistributors(2))) {
            Tally tally = drill.client("c").begin(1);
            drill.way(drill.active(), drill.distributor(1)).cut();
            tally.add(2);
            tally.end(3);
            assertThat(drill.term()).as("nobody took over").isEqualTo(1);
            drill.check();
        }
    }

    @Test
    void row35ADistributorOfAnOldTermLearnsTheNewOneAndLosesNothing() {
        try (Drill drill =
                Drill.start(folder, Drill.Plan.ordinary().withNodes(3).withDistributors(2))) {
            Tally behind = drill.client("behind", List.of(drill.distributor(1))).begin(1);
            Tally ahead = drill.client("ahead", List.of(drill.distributor(2))).begin(10);
            NodeActor former = drill.active();
            drill.nodes().forEach(node -> drill.cut(drill.distributor(1), node));
            Asked asked = behind.ask(2);
            former.kill();
            ahead.add(20);
            assertThat(drill.distributor(1).term()).isEqualTo(1);
            assertThat(drill.distributor(2).term()).isEqualTo(2);
            assertThat(asked.isAnswered()).isFalse();

            drill.nodes().forEach(node -> drill.heal(drill.distributor(1), node));
            asked.awaitAnswer();
            // The answer left before the distributor published what it had learned.
            await().until(() -> drill.distributor(1).term() == 2);
            behind.end(3);
            ahead.end(30);
            former.start();
            drill.check();
        }
    }

    @Test
    void row83TheTransactionOfAClientThatDiedIsRolledBackOnAllNodesWhereverItsMessageWas() {
        Drill.Plan plan = Drill.Plan.ordinary().withSessionGrace(Duration.ofMillis(200));
        try (Drill drill = Drill.start(folder, plan)) {
            for (Moment moment : List.of(Moment.IN_EXECUTION, Moment.BEFORE_FORWARDED, Moment.BEFORE_ANSWERED)) {
                ClientActor client = drill.client("dies " + moment);
                Tally tally = client.begin(1);
                Runnable reached = moment.arrange(drill, drill.active());
                tally.ask(2);
                reached.run();
                client.die();
                drill.active().service().release();
                drill.healAll();
                await().atMost(Drill.LIMIT).until(() -> drill.records().contains(tally.line()));
            }
            drill.check();
            assertThat(drill.term()).isEqualTo(1);
        }
    }
}
