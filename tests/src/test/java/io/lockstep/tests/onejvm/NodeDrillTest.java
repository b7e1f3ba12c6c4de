package io.lockstep.tests.onejvm;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.tests.onejvm.ClientActor.Asked;
import io.lockstep.tests.onejvm.ClientActor.Tally;
import io.lockstep.wire.Frame;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A node that is killed, at each moment of a message (rows 5 to 18). The nodes that fall come back for the next test. */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
@ExtendWith(Timeline.class)
class NodeDrillTest {
    @TempDir
    private static Path folder;

    private static Drill drill;

    @BeforeAll
    static void start() {
        drill = Drill.start(folder, Drill.Plan.ordinary());
    }

    @AfterAll
    static void stop() {
        drill.close();
    }

    @AfterEach
    void everybodyComesBack() {
        drill.comeBack();
    }

    /** By that it finds the next active at once, where it still waits for the former one. */
    @Test
    void anInSyncBackupHearsWhoIsActive() {
        CompletableFuture<Long> heard = new CompletableFuture<>();
        drill.toNodes(drill.active())
                .forEach(way -> way.observe(frame -> {
                    if (frame instanceof Frame.ViewNotice notice) {
                        heard.complete(notice.term());
                    }
                }));
        assertThat(heard).succeedsWithin(Drill.LIMIT).isEqualTo(drill.term());
    }

    /** What is asked for when the node dies. */
    enum Word {
        CONTINUE {
            @Override
            Asked ask(Tally tally) {
                return tally.ask(3);
            }
        },
        END {
            @Override
            Asked ask(Tally tally) {
                return tally.askEnd(4);
            }
        },
        ROLLBACK {
            @Override
            Asked ask(Tally tally) {
                return tally.askRollback();
            }
        };

        abstract Asked ask(Tally tally);
    }

    static Stream<Arguments> wordsAndMoments() {
        return Arrays.stream(Word.values())
                .flatMap(word -> Arrays.stream(Moment.values()).map(moment -> Arguments.of(word, moment)));
    }

    @ParameterizedTest(name = "rows 5 to 14: {0}, {1}")
    @MethodSource("wordsAndMoments")
    void rows5To14AMessageCountsOnceWhereverItIsWhenTheActiveDies(Word word, Moment moment) {
        Tally bystander = drill.client("bystander " + word + moment).begin(7);
        Tally tally = drill.client(word + " " + moment).begin(1);
        tally.add(2);
        NodeActor active = drill.active();
        long term = drill.term();

        Runnable reached = moment.arrange(drill, active);
        Asked asked = word.ask(tally);
        reached.run();
        assertThat(asked.isAnswered())
                .as("it is answered before it has got there")
                .isFalse();
        active.kill();

        asked.awaitAnswer();
        assertThat(drill.term()).isEqualTo(term + 1);
        bystander.end(8);
        if (word == Word.CONTINUE) {
            tally.end(5);
        }
        drill.check();
    }

    @Test
    void row6AMessageThatWaitsInTheRingIsExecutedByTheBackup() {
        Tally first = drill.client("first in the ring").begin(1);
        Tally second = drill.client("second in the ring").begin(10);
        NodeActor active = drill.active();

        Runnable reached = Moment.IN_EXECUTION.arrange(drill, active);
        Asked executing = first.ask(2);
        reached.run();
        List<Asked> waiting = new ArrayList<>();
        Drill.awaitSaid(
                drill.fromDistributors(active),
                Frame.Ask.class,
                () -> Stream.of(20L, 30L, 40L).map(second::ask).forEach(waiting::add),
                3);
        active.kill();

        executing.awaitAnswer();
        waiting.forEach(Asked::awaitAnswer);
        first.end(3);
        second.end(50);
        drill.check();
    }

    @Test
    void row12NothingIsToBeSeenWhenTheActiveDiesAfterItAnswered() {
        Tally tally = drill.client("answered").begin(1);
        tally.add(2);
        NodeActor active = drill.active();
        active.kill();
        tally.add(3);
        tally.end(4);
        assertThat(drill.active()).isNotSameAs(active);
        drill.check();
    }

    @Test
    void row15And16TheActiveGoesOnWithoutABackupThatDiesHoldingTheEntry() {
        Tally tally = drill.client("alone").begin(1);
        NodeActor active = drill.active();
        NodeActor backup = drill.backup();
        long term = drill.term();

        Runnable reached = Moment.BEFORE_ACKNOWLEDGED.arrange(drill, active);
        Asked asked = tally.ask(2);
        reached.run();
        assertThat(asked.isAnswered())
                .as("it is answered before the backup's end is known")
                .isFalse();
        backup.kill();

        asked.awaitAnswer();
        assertThat(drill.active()).isSameAs(active);
        backup.start();
        tally.add(3);
        drill.check();
        assertThat(drill.term()).as("nobody took over").isEqualTo(term);
        tally.end(4);
    }

    @Test
    void row17NothingIsToBeSeenWhenABackupDiesDuringCatchUp() {
        Tally tally = drill.client("catch-up").begin(1);
        NodeActor active = drill.active();
        NodeActor backup = drill.backup();
        // Without the distributor's vote the backup cannot take over, so it is the one to be left behind.
        drill.cut(active, backup);
        drill.cut(drill.distributor(1), backup);
        tally.add(2);
        tally.add(3);
        Way forward = drill.way(active, backup);
        forward.hold(Moment::hasEntries);
        forward.mend();
        drill.way(backup, active).mend();
        Drill.awaitHeld(List.of(forward));
        backup.kill();

        tally.add(4);
        assertThat(drill.active()).isSameAs(active);
        tally.end(5);
        backup.start();
        drill.check();
    }

    @Test
    void row18NothingIsToBeSeenWhenABackupDiesInTheMiddleOfACopy() {
        Tally tally = drill.client("copy").begin(1);
        NodeActor active = drill.active();
        NodeActor backup = drill.backup();
        for (long number : new long[] {2, 3, 4}) {
            tally.addHeavily(number);
        }
        for (boolean isHalf : new boolean[] {false, true}) {
            backup.kill();
            Way copies = drill.way(active, backup);
            if (isHalf) {
                copies.halve(frame -> frame instanceof Frame.CopyChunk);
            } else {
                copies.hold(frame -> frame instanceof Frame.CopyChunk);
            }
            backup.start();
            Drill.awaitHeld(List.of(copies));
            tally.add(2);
            backup.kill();
            tally.add(3);
        }
        backup.start();
        assertThat(drill.active()).isSameAs(active);
        tally.end(5);
        drill.check();
    }
}
