package io.lockstep.tests.onejvm;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.tests.onejvm.ClientActor.Asked;
import io.lockstep.tests.onejvm.ClientActor.Tally;
import io.lockstep.wire.Frame;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Links between nodes that are cut, lose one direction, flap, double, reorder and delay (rows 30 to 34, 37 to 39, 41). */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
@ExtendWith(Timeline.class)
class LinkDrillTest {
    private static final int MANY = 50;
    private static final int FLAPS = 8;

    @TempDir
    private Path folder;

    @Test
    void row30OneOfTwoNodesThatAreCutOffFromEachOtherGoesOn() {
        try (Drill drill = Drill.start(folder, Drill.Plan.ordinary())) {
            Tally tally = drill.client("c").begin(1);
            drill.cut(drill.active(), drill.backup());
            tally.add(2);
            tally.add(3);
            assertThat(drill.actives()).as("who serves").hasSize(1);
            drill.heal(drill.node("n1"), drill.node("n2"));
            tally.end(4);
            drill.check();
            assertThat(drill.term()).isLessThanOrEqualTo(2);
        }
    }

    @Test
    void row31SignsOfLifeDoNotHideThatNothingReachesTheBackup() {
        try (Drill drill = Drill.start(folder, Drill.Plan.ordinary())) {
            Tally tally = drill.client("c").begin(1);
            drill.way(drill.active(), drill.backup()).cut();
            tally.add(2);
            tally.end(3);
            drill.check();
            assertThat(drill.term()).isLessThanOrEqualTo(2);
        }
    }

    @Test
    void row32WhatWasReceivedAndNotAcknowledgedIsAppliedOnce() {
        try (Drill drill = Drill.start(folder, Drill.Plan.ordinary())) {
            Tally tally = drill.client("c").begin(1);
            drill.way(drill.backup(), drill.active()).cut();
            tally.add(2);
            tally.end(3);
            drill.check();
            assertThat(drill.term()).isLessThanOrEqualTo(2);
        }
    }

    @Test
    void row34AFlappingLinkMakesNoMoreTermsThanItFlapsAndNoErrors() throws Exception {
        long seed = new Random().nextLong();
        Timeline.add("seed " + seed);
        Random random = new Random(seed);
        Drill.Plan plan = Drill.Plan.ordinary().withFailureDetection(Duration.ofMillis(200));
        try (Drill drill = Drill.start(folder, plan)) {
            Runnable stop = drill.client("busy").keepBusy();
            for (int i = 0; i < FLAPS; i++) {
                drill.cut(drill.node("n1"), drill.node("n2"));
                letPass(random.nextInt(100, 1_000));
                drill.heal(drill.node("n1"), drill.node("n2"));
                letPass(random.nextInt(100, 400));
            }
            stop.run();
            drill.check();
            assertThat(drill.term()).isLessThanOrEqualTo(1 + FLAPS);
        }
    }

    /** The fault itself is that time passes. */
    private static void letPass(int millis) throws InterruptedException {
        TimeUnit.MILLISECONDS.sleep(millis);
    }

    @Test
    void row37FramesThatComeTwiceChangeNothing() {
        try (Drill drill = Drill.start(folder, Drill.Plan.ordinary())) {
            Tally tally = drill.client("c").begin(1);
            drill.ways().forEach(way -> way.repeat(frame -> !(frame instanceof Frame.Hello)));
            List<Asked> asked = new ArrayList<>();
            for (int i = 0; i < MANY; i++) {
                asked.add(tally.ask(i));
            }
            asked.forEach(Asked::awaitAnswer);
            drill.active().kill();
            tally.add(3);
            tally.end(4);
            drill.nodes().stream().filter(node -> !node.isAlive()).forEach(NodeActor::start);
            drill.check();
        }
    }

    @Test
    void row38FramesThatOvertakeEachOtherAreNeverAppliedEarly() {
        try (Drill drill = Drill.start(folder, Drill.Plan.ordinary())) {
            Tally tally = drill.client("c").begin(1);
            NodeActor active = drill.active();
            drill.way(active, drill.backup()).swap(Moment::hasEntries);
            drill.way(drill.backup(), active).swap(frame -> frame instanceof Frame.Acknowledge);
            // Not the last one: behind it nothing comes that it could wait for.
            drill.fromDistributors(active)
                    .forEach(way -> way.swap(frame -> frame instanceof Frame.Ask ask
                            && ask.request().requestId() % 3 == 0
                            && ask.request().requestId() < MANY));
            List<Asked> asked = new ArrayList<>();
            for (int i = 0; i < MANY; i++) {
                asked.add(tally.ask(i));
            }
            asked.forEach(Asked::awaitAnswer);
            tally.end(4);
            drill.check();
        }
    }

    @Test
    void row39WhatArrivesTwoTermsLateIsRefused() {
        try (Drill drill = Drill.start(folder, Drill.Plan.ordinary().withNodes(3))) {
            Tally tally = drill.client("c").begin(1);
            NodeActor first = drill.active();
            drill.toNodes(first).forEach(way -> way.hold(Moment::hasEntries));
            drill.toDistributors(first).forEach(way -> way.hold(frame -> frame instanceof Frame.Reply));
            Asked asked = tally.ask(2);
            Drill.awaitHeld(drill.toNodes(first));
            Runnable deliverWhatItHadSaid = first.vanish();
            asked.awaitAnswer();
            first.start();
            drill.awaitInSync(2);
            NodeActor second = drill.active();
            second.kill();
            tally.add(3);
            assertThat(drill.term()).isEqualTo(3);

            deliverWhatItHadSaid.run();
            tally.add(4);
            second.start();
            drill.check();
            assertThat(drill.term()).isEqualTo(3);
            tally.end(5);
        }
    }

    @Test
    void row41ThatTheOtherEndIsGoneIsNoticedThoughNothingSaysSo() {
        try (Drill drill = Drill.start(folder, Drill.Plan.ordinary())) {
            Tally tally = drill.client("c").begin(1);
            NodeActor first = drill.active();
            Runnable unused = first.vanish();
            tally.add(2);
            assertThat(drill.term()).isEqualTo(2);
            first.start();
            drill.awaitInSync(1);
            drill.backup().vanish();
            tally.add(3);
            assertThat(drill.term()).isEqualTo(2);
            tally.end(4);
            first.start();
            drill.check();
        }
    }

    @Test
    void row41ADeadConnectionToABackupIsNoticedWhenThatTakesOver() {
        try (Drill drill = Drill.start(folder, Drill.Plan.ordinary().withNodes(3))) {
            Tally tally = drill.client("c").begin(1);
            for (NodeActor node : drill.nodes()) {
                if (node != drill.active()) {
                    drill.wiring().numb("d1", node.name());
                }
            }
            NodeActor first = drill.active();
            first.kill();
            tally.add(2);
            tally.end(3);
            first.start();
            drill.check();
            assertThat(drill.term()).isEqualTo(2);
        }
    }
}
