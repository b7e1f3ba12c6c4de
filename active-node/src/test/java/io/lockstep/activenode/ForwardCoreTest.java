package io.lockstep.activenode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockstep.membership.ToldRegister;
import io.lockstep.tsdstore.Execution;
import io.lockstep.tsdstore.ForwardLog;
import io.lockstep.tsdstore.NoRecords;
import io.lockstep.tsdstore.TsdStore;
import io.lockstep.tsdstore.TsdStoreConfig;
import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Invariant;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import io.lockstep.wire.View;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Forwarding, gate and view as transcripts: what the active is told, and the lines that it says. */
class ForwardCoreTest {
    private static final long MS = 1_000_000;
    private static final View.Member A = new View.Member("a", 1);
    private static final View.Member B = new View.Member("b", 1);
    private static final View.Member C = new View.Member("c", 1);
    private static final ActiveNodeConfig CONFIG = ActiveNodeConfig.withFailureDetection(Duration.ofMillis(500));

    // ---- the gate --------------------------------------------------------------------------------------------------

    @Test
    void row10AnAnswerWaitsForEveryInSyncBackup() {
        Reign reign = new Reign(B, C).inSync();
        reign.ask("x");
        assertThat(reign.heard()).containsExactly("b <- 3..3 round 0 stable 2", "c <- 3..3 round 0 stable 2");
        reign.acknowledge(B, 3);
        assertThat(reign.heard()).isEmpty();
        reign.acknowledge(C, 3);
        assertThat(reign.heard()).containsExactly("client OK 1");
    }

    @Test
    void anAnswerWaitsForEverythingBeforeIt() {
        Reign reign = new Reign(B).inSync();
        reign.ask("x");
        reign.ask("y");
        reign.heard();
        reign.acknowledge(B, 3);
        assertThat(reign.heard()).containsExactly("client OK 1");
        reign.acknowledge(B, 4);
        assertThat(reign.heard()).containsExactly("client OK 2");
    }

    @Test
    void nothingIsAnsweredBeforeTheTermsFirstEntryHasPassed() {
        Reign reign = new Reign(B);
        reign.ask("x");
        reign.join(B, 1, 0, 0);
        reign.acknowledge(B, 0);
        assertThat(reign.heard()).noneMatch(line -> line.startsWith("client"));
        reign.acknowledge(B, 3);
        assertThat(reign.heard()).contains("client OK 1");
    }

    @Test
    void whatFormerReignsExecutedIsNotAnsweredAgainBeforeTheTermsFirstEntryHasPassed() {
        Reign former = new Reign(B).inSync();
        Request begin = former.client.begin("x");
        former.onOrdered(begin);
        former.flush();
        Reign next = new Reign(former, B);
        next.onOrdered(begin);
        next.flush();
        // B holds what the former reign executed, and says so; it has not heard of this reign's first entry.
        next.join(B, 1, 3, 3);
        next.flush();
        assertThat(next.heard()).noneMatch(line -> line.startsWith("client"));
        next.acknowledge(B, 4);
        assertThat(next.heard()).contains("client OK 1");
    }

    @Test
    void aLoneActiveAnswersAtOnceReadsToo() {
        Reign reign = new Reign();
        reign.ask("x");
        reign.read();
        assertThat(reign.heard()).containsExactly("client OK 1", "client OK 2");
    }

    @Test
    void aReadWaitsForARoundThatWasSentAfterIt() {
        Reign reign = new Reign(B).inSync();
        reign.read();
        assertThat(reign.heard()).containsExactly("b <- nothing round 1 stable 2");
        reign.acknowledge(B, 0, 2, 2);
        assertThat(reign.heard()).isEmpty();
        reign.acknowledge(B, 1, 2, 2);
        assertThat(reign.heard()).containsExactly("client OK 1");
    }

    @Test
    void oneRoundServesAllReadsThatWaitAndLaterOnesNeedAnother() {
        Reign reign = new Reign(B).inSync();
        reign.onOrdered(reign.client.read("?"));
        reign.onOrdered(reign.client.read("?"));
        reign.flush();
        reign.read();
        assertThat(reign.heard()).containsExactly("b <- nothing round 1 stable 2", "b <- nothing round 2 stable 2");
        reign.acknowledge(B, 1, 2, 2);
        assertThat(reign.heard()).containsExactly("client OK 1", "client OK 1");
        reign.acknowledge(B, 2, 2, 2);
        assertThat(reign.heard()).containsExactly("client OK 1");
    }

    @Test
    void aReadWaitsForTheEntriesThatItSaw() {
        Reign reign = new Reign(B).inSync();
        reign.ask("x");
        reign.read();
        reign.heard();
        reign.acknowledge(B, 1, 2, 2);
        assertThat(reign.heard()).isEmpty();
        reign.acknowledge(B, 1, 3, 2);
        assertThat(reign.heard()).containsExactly("client OK 1", "client OK 2");
    }

    @Test
    void whatWaitsForAnEntryIsDoneWhenItIsStableAndOnce() {
        Reign reign = new Reign(B).inSync();
        reign.ask("x");
        reign.core.whenStable(3, () -> reign.said.add("done"));
        reign.flush();
        assertThat(reign.heard()).containsExactly("b <- 3..3 round 0 stable 2");
        reign.acknowledge(B, 3);
        reign.acknowledge(B, 3);
        assertThat(reign.heard()).containsExactly("client OK 1", "done");
        assertThat(reign.core.waitingAnswers()).isZero();
    }

    @Test
    void nobodyReignsInAnothersName() {
        View others = new View(1, 1, B, List.of(A), List.of(), 0);
        ToldRegister register = new ToldRegister(Optional.of(others));
        Reign effects = new Reign();
        assertThatThrownBy(() -> new ForwardCore<>(A, others, CONFIG, effects.log, register, effects, effects.now))
                .isInstanceOf(Invariant.InvariantBroken.class);
    }

    @Test
    void withoutABackupAllThatIsInheritedIsStableFromTheStart() {
        Reign former = new Reign(B).inSync();
        assertThat(new Reign(former).core.stablePosition()).isEqualTo(3);
        View alone = new View(2, 2, A, List.of(), List.of(), 0);
        ToldRegister register = new ToldRegister(Optional.of(alone));
        assertThat(new ForwardCore<>(A, alone, CONFIG, former.log, register, former, former.now).stablePosition())
                .isEqualTo(3);
    }

    @Test
    void aRepeatOfWhatIsStableIsAnsweredAtOnce() {
        Reign reign = new Reign(B).inSync();
        Request begin = reign.client.begin("x");
        reign.onOrdered(begin);
        reign.flush();
        reign.acknowledge(B, 3);
        reign.heard();
        reign.onOrdered(begin);
        assertThat(reign.heard()).containsExactly("client OK 1");
    }

    @Test
    void aMessageThatWaitedForALockIsAnsweredOnceByTheEntryThatExecutesIt() {
        Reign reign = new Reign(B).inSync();
        Request begin = reign.client.begin("x");
        reign.core.onOrdered("waiter", begin, new Ordered(null, null, 2, false));
        reign.flush();
        assertThat(reign.heard()).isEmpty();
        reign.core.onEntry(reign.execute(begin));
        reign.core.onEntry(reign.execute(reign.client.begin("y")));
        reign.flush();
        assertThat(reign.heard()).containsExactly("b <- 3..4 round 0 stable 2");
        reign.acknowledge(B, 4);
        assertThat(reign.heard()).containsExactly("waiter OK 1");
    }

    @Test
    void aMessageThatWaitedForALockIsAnsweredByTheEntryThatReleasesItAndByNoOther() {
        Reign reign = new Reign();
        Request waiting = reign.client.request(5, RequestKind.BEGIN, 0, 0, "x");
        reign.core.onOrdered("waiter", waiting, new Ordered(null, null, 2, false));
        reign.core.onEntry(reign.execute(reign.client.begin("y")));
        reign.flush();
        assertThat(reign.heard()).isEmpty();
        Execution cancels = reign.execute(reign.client.begin("z"));
        Answer released = new Answer(waiting.session(), 5, cancels.entry().identity(), AnswerCode.VOIDED, new byte[0]);
        reign.core.onEntry(new Execution(cancels.entry(), cancels.answer(), released, List.of()));
        reign.flush();
        assertThat(reign.heard()).containsExactly("waiter VOIDED 5");
    }

    @Test
    void aSessionThatExpiresWhileAMessageOfItWaitsForALockAnswersNothing() {
        Reign reign = new Reign();
        Request waiting = reign.client.begin("x");
        reign.core.onOrdered("waiter", waiting, new Ordered(null, null, 2, false));
        long later = reign.now + Duration.ofDays(1).toNanos();
        reign.core.onEntry(Objects.requireNonNull(reign.order.expireNext(later, later)));
        reign.flush();
        assertThat(reign.heard()).isEmpty();
        assertThat(reign.core.waitingAnswers()).isZero();
    }

    // ---- acknowledgements ------------------------------------------------------------------------------------------

    @Test
    void row37And38DoubledAndReorderedAcknowledgementsChangeNothing() {
        Reign reign = new Reign(B).inSync();
        reign.ask("x");
        reign.ask("y");
        reign.heard();
        reign.acknowledge(B, 4);
        reign.acknowledge(B, 3);
        reign.acknowledge(B, 4);
        assertThat(reign.heard()).containsExactly("client OK 1", "client OK 2");
        assertThat(reign.core.stablePosition()).isEqualTo(4);
    }

    @Test
    void row39AnAcknowledgementOfAnOlderTermCountsForNothing() {
        Reign reign = new Reign(2, CONFIG, 1 << 20, B).inSync();
        reign.ask("x");
        reign.heard();
        reign.core.onAcknowledge(B, new Frame.Acknowledge(1, 9, 3, 3), reign.now);
        reign.flush();
        assertThat(reign.heard()).isEmpty();
    }

    @Test
    void row84AnAcknowledgementOfAnotherIncarnationCountsForNothing() {
        Reign reign = new Reign(B).inSync();
        reign.ask("x");
        reign.heard();
        reign.acknowledge(new View.Member("b", 2), 3);
        reign.acknowledge(C, 3);
        assertThat(reign.heard()).isEmpty();
    }

    @Test
    void whoAcknowledgesWhatWasNeverSentLeavesTheView() {
        Reign reign = new Reign(B).inSync();
        reign.acknowledge(B, 99);
        assertThat(reign.register.wanted())
                .hasValueSatisfying(v -> assertThat(v.backups()).isEmpty());
    }

    @Test
    void whoExecutedMoreThanItHoldsLeavesTheViewAndNothingOfItCounts() {
        Reign reign = new Reign(B).inSync();
        reign.ask("x");
        reign.heard();
        reign.acknowledge(B, 0, 3, 4);
        assertThat(reign.register.wanted())
                .hasValueSatisfying(v -> assertThat(v.backups()).isEmpty());
        assertThat(reign.heard()).isEmpty();
        assertThat(reign.core.stablePosition()).isEqualTo(2);
        reign.register.answer();
        assertThat(reign.heard()).containsExactly("view 2 []", "client OK 1");
    }

    @Test
    void row32WhatWasNotAcknowledgedForLongIsSentAgain() {
        Reign reign = new Reign(B).inSync();
        reign.ask("x");
        reign.heard();
        reign.pass(200);
        reign.acknowledge(B, 2);
        reign.tick();
        assertThat(reign.heard()).containsExactly("b <- nothing round 0 stable 2");
        reign.pass(100);
        reign.tick();
        assertThat(reign.heard()).containsExactly("b <- 3..3 round 0 stable 2");
    }

    @Test
    void row32WhatWasNotAcknowledgedIsSentAgainAfterHalfOfFailureDetectionAndOnceInAHeartbeat() {
        Reign reign = new Reign(B).inSync();
        reign.ask("x");
        reign.heard();
        reign.pass(250);
        reign.tick();
        assertThat(reign.heard()).containsExactly("b <- nothing round 0 stable 2");
        reign.pass(1);
        reign.tick();
        assertThat(reign.heard()).isEmpty();
        reign.pass(49);
        reign.tick();
        assertThat(reign.heard()).containsExactly("b <- 3..3 round 0 stable 2");
    }

    // ---- the view --------------------------------------------------------------------------------------------------

    @Test
    void row15ASilentBackupIsRemovedAfterFailureDetectionAndOnlyThenAnswersGo() {
        Reign reign = new Reign(B).inSync();
        reign.ask("x");
        reign.pass(500);
        reign.tick();
        assertThat(reign.register.isBusy()).isFalse();
        reign.pass(1);
        reign.tick();
        assertThat(reign.register.wanted()).hasValueSatisfying(v -> {
            assertThat(v.backups()).isEmpty();
            assertThat(v.term()).isEqualTo(1);
            assertThat(v.version()).isEqualTo(2);
        });
        reign.flush();
        assertThat(reign.heard()).noneMatch(line -> line.startsWith("client"));
        reign.register.answer();
        assertThat(reign.heard()).containsExactly("view 2 []", "client OK 1");
    }

    @Test
    void row26ItsOwnPauseAccusesNobodyAndTheBackupsHaveTheirTimeAgain() {
        Reign reign = new Reign(B).inSync();
        reign.standStill(10_000);
        reign.tick();
        reign.pass(500);
        reign.tick();
        assertThat(reign.register.isBusy()).isFalse();
        reign.pass(1);
        reign.tick();
        assertThat(reign.register.wanted())
                .hasValueSatisfying(v -> assertThat(v.backups()).isEmpty());
    }

    @Test
    void row26ItsOwnPauseAccusesNobodyThoughTheLanesWorkIsTakenBeforeTheTick() {
        Reign reign = new Reign(B, C).inSync();
        reign.standStill(10_000);
        reign.flush();
        reign.tick();
        assertThat(reign.register.isBusy()).isFalse();
        reign.standStill(10_000);
        reign.acknowledge(B, 2);
        reign.tick();
        assertThat(reign.register.isBusy()).isFalse();
    }

    @Test
    void row25AfterAPauseOfItsOwnNothingIsAnsweredBeforeABackupHasConfirmedTheReign() {
        Reign reign = new Reign(B).inSync();
        reign.ask("x");
        reign.heard();
        reign.standStill(10_000);
        reign.core.at(reign.now);
        // What B acknowledged before it went over to another reign lay in the socket's buffer.
        reign.acknowledge(B, 0, 3, 3);
        reign.onOrdered(reign.client.begin("y"));
        reign.onOrdered(Asking.open(7));
        reign.tick();
        assertThat(reign.heard()).noneMatch(line -> line.startsWith("client"));
        assertThat(reign.core.answersSincePause()).isZero();
    }

    @Test
    void row26AfterAPauseOfItsOwnAnswersGoOnWhenEveryBackupHasAcknowledgedALaterFrame() {
        Reign reign = new Reign(B, C).inSync();
        reign.ask("x");
        reign.standStill(10_000);
        reign.acknowledge(B, 0, 3, 3);
        reign.acknowledge(C, 0, 3, 3);
        assertThat(reign.heard()).contains("b <- nothing round 1 stable 2", "c <- nothing round 1 stable 2");
        reign.acknowledge(B, 1, 3, 3);
        assertThat(reign.heard()).noneMatch(line -> line.startsWith("client"));
        reign.acknowledge(C, 1, 3, 3);
        assertThat(reign.heard()).contains("client OK 1");
        assertThat(reign.core.answersSincePause()).isOne();
    }

    @Test
    void row25And26APauseOfItsOwnIsNoticedWhateverComesFirstAfterIt() {
        Map<String, Consumer<Reign>> calls = new LinkedHashMap<>();
        calls.put("a joiner", reign -> reign.join(C, 1, 2, 2));
        calls.put(
                "an acknowledgement",
                reign -> reign.core.onAcknowledge(B, new Frame.Acknowledge(1, 0, 3, 3), reign.now));
        calls.put("a divergence", reign -> reign.core.onDiverged(C, new Frame.Diverged(1, 2, 5, 6, "x"), reign.now));
        calls.put("a node that is gone", reign -> reign.core.onNodeGone(C, reign.now));
        calls.put("a copy's piece", reign -> reign.core.onCopyAcknowledge(C, copyAcknowledge(9, 1), reign.now));
        calls.put("a voter", reign -> reign.core.onVoterSeen(reign.now));
        calls.put("the lane's work", Reign::flush);
        calls.put("the time", Reign::tick);
        calls.forEach((name, call) -> {
            Reign reign = new Reign(B).inSync();
            reign.ask("x");
            reign.standStill(10_000);
            call.accept(reign);
            assertThat(reign.core.answersSincePause()).as(name).isZero();
            reign.acknowledge(B, 0, 3, 3);
            assertThat(reign.heard()).as(name).doesNotContain("client OK 1");
            assertThat(reign.core.answersSincePause()).as(name).isZero();
        });
    }

    @Test
    void row26ToBeCalledLateByHalfOfFailureDetectionIsNoPauseYet() {
        Reign reign = new Reign(B).inSync();
        reign.standStill(250);
        reign.tick();
        assertThat(reign.core.answersSincePause()).isNegative();
        reign.standStill(250);
        reign.now++;
        reign.tick();
        assertThat(reign.core.answersSincePause()).isZero();
    }

    @Test
    void row26AloneItGoesOnAtOnceAfterAPauseOfItsOwnSinceNobodyElseCanReign() {
        Reign reign = new Reign();
        reign.standStill(10_000);
        reign.ask("x");
        assertThat(reign.heard()).contains("client OK 1");
    }

    @Test
    void row26ItsOwnPauseMakesNobodyStuck() {
        Reign reign = new Reign(B).inSync();
        reign.ask("x");
        reign.acknowledge(B, 0, 3, 2);
        reign.standStill(10_000);
        reign.flush();
        reign.tick();
        assertThat(reign.register.isBusy()).isFalse();
    }

    @Test
    void row16ABackupThatIsGoneIsRemovedAtOnce() {
        Reign reign = new Reign(B, C).inSync();
        reign.core.onNodeGone(new View.Member("b", 7), reign.now);
        assertThat(reign.register.isBusy()).isFalse();
        reign.core.onNodeGone(B, reign.now);
        reign.register.answer();
        assertThat(reign.heard()).containsExactly("view 2 [c/1]");
    }

    @Test
    void row16TwoBackupsThatAreGoneAtOnceAreRemovedOneAfterTheOther() {
        Reign reign = new Reign(B, C).inSync();
        reign.core.onNodeGone(B, reign.now);
        reign.core.onNodeGone(C, reign.now);
        reign.register.answer();
        assertThat(reign.heard()).containsExactly("view 2 [c/1]");
        assertThat(reign.register.wanted())
                .hasValueSatisfying(v -> assertThat(v.backups()).isEmpty());
    }

    @Test
    void aBackupThatIsBeingRemovedMayJoinOnlyWhenItIsOutOfTheView() {
        Reign reign = new Reign(B).inSync();
        reign.core.onNodeGone(B, reign.now);
        reign.join(B, 2, 2, 2);
        assertThat(reign.heard()).isEmpty();
        reign.register.answer();
        assertThat(reign.heard()).containsExactly("view 2 []");
        reign.join(B, 3, 2, 2);
        assertThat(reign.heard()).contains("b <- follow 3 (join 3)");
    }

    @Test
    void aViewChangeKeepsTheJoinersOnTheirWayAndForgetsWhoLeft() {
        Reign reign = new Reign(B).inSync();
        reign.join(C, 1, 1, 1);
        reign.heard();
        reign.core.onNodeGone(B, reign.now);
        assertThat(reign.core.executedPositions()).containsOnlyKeys("b", "c");
        reign.register.answer();
        assertThat(reign.heard()).contains("view 2 []");
        assertThat(reign.core.executedPositions()).containsExactly(Map.entry("c", 1L));
        reign.ask("x");
        assertThat(reign.heard()).contains("c <- 3..3 round 0 stable 3");
    }

    @Test
    void theVersionOfTheViewNeverFalls() {
        Reign reign = new Reign(B).inSync();
        reign.core.onNodeGone(B, reign.now);
        reign.register.answer();
        reign.core.onHigherTerm(2);
        reign.register.value = Optional.of(new View(1, 1, A, List.of(), List.of(), 0));
        assertThatThrownBy(reign.register::answer).isInstanceOf(Invariant.InvariantBroken.class);
    }

    @Test
    void aBackupOfTheViewThatNeverShowsUpIsRemoved() {
        Reign reign = new Reign(B);
        reign.pass(501);
        reign.tick();
        reign.register.answer();
        assertThat(reign.heard()).contains("view 2 []");
    }

    @Test
    void row27WhileAChangeIsInFlightAnswersNeedTheOldAndTheProposedView() {
        Reign reign = new Reign(B).inSync();
        reign.join(C, 1, 2, 2);
        reign.acknowledge(C, 2);
        assertThat(reign.register.wanted())
                .hasValueSatisfying(v -> assertThat(v.backups()).containsExactly(B, C));
        reign.ask("x");
        reign.heard();
        reign.acknowledge(B, 3);
        reign.register.cannotBeReached();
        reign.flush();
        assertThat(reign.heard()).isEmpty();
        reign.acknowledge(C, 3);
        assertThat(reign.heard()).containsExactly("client OK 1");
        reign.ask("y");
        reign.heard();
        reign.acknowledge(C, 4);
        assertThat(reign.heard()).isEmpty();
        reign.acknowledge(B, 4);
        assertThat(reign.heard()).containsExactly("client OK 2");
    }

    @Test
    void aJoinerIsProposedOnlyWhenItHoldsEverythingAnswered() {
        Reign reign = new Reign();
        reign.ask("x");
        reign.join(C, 1, 0, 0);
        reign.acknowledge(C, 2);
        assertThat(reign.register.isBusy()).isFalse();
        reign.acknowledge(C, 3);
        assertThat(reign.register.wanted())
                .hasValueSatisfying(v -> assertThat(v.backups()).containsExactly(C));
        reign.register.answer();
        reign.heard();
        reign.ask("y");
        assertThat(reign.heard()).containsExactly("c <- 4..4 round 0 stable 3");
        reign.acknowledge(C, 4);
        assertThat(reign.heard()).containsExactly("client OK 2");
    }

    @Test
    void row23AJoinerIsNotProposedBeforeItHoldsWhatFormerTermsMayHaveAnswered() {
        Reign former = new Reign();
        former.ask("x");
        View next = new View(2, 2, A, List.of(C), List.of(), 0);
        ToldRegister register = new ToldRegister(Optional.of(next));
        ForwardCore<String> core = new ForwardCore<>(A, next, CONFIG, former.log, register, former, former.now);
        assertThat(core.stablePosition()).isZero();
        core.onJoin(
                B, new Frame.Join(0, 1, Identity.NONE, former.log.chainAt(0), 0, former.log.chainAt(0)), former.now);
        core.onAcknowledge(B, new Frame.Acknowledge(2, 0, 2, 2), former.now);
        assertThat(register.isBusy()).isFalse();
        core.onAcknowledge(B, new Frame.Acknowledge(2, 0, 3, 3), former.now);
        assertThat(register.wanted())
                .hasValueSatisfying(v -> assertThat(v.backups()).containsExactly(C, B));
    }

    @Test
    void row34ABackupThatWasDroppedIsTakenBackAfterAPauseThatDoubles() {
        Reign reign = new Reign(B).inSync();
        for (long pause : new long[] {250, 500, 1_000}) {
            reign.core.onNodeGone(B, reign.now);
            reign.register.answer();
            reign.join(B, 9, 2, 2);
            reign.acknowledge(B, 2);
            reign.pass(pause - 1);
            reign.acknowledge(B, 2);
            assertThat(reign.register.isBusy())
                    .as("taken back before %s ms", pause)
                    .isFalse();
            reign.pass(1);
            reign.acknowledge(B, 2);
            assertThat(reign.register.isBusy())
                    .as("taken back after %s ms", pause)
                    .isTrue();
            reign.register.answer();
        }
    }

    @Test
    void row34ThePauseDoublesUntilABackupHasBehavedForHalfAMinute() {
        long[] afterNs = {30_000 * MS, 30_000 * MS + 1};
        long[] pauses = {500, 250};
        for (int i = 0; i < afterNs.length; i++) {
            Reign reign = new Reign(B).inSync();
            reign.core.onNodeGone(B, reign.now);
            reign.register.answer();
            long until = reign.now + 250 * MS + afterNs[i];
            reign.pass(30_250);
            reign.now = until;
            reign.join(B, 2, 2, 2);
            reign.acknowledge(B, 2);
            reign.register.answer();
            reign.core.onNodeGone(B, reign.now);
            reign.register.answer();
            reign.join(B, 3, 2, 2);
            reign.pass(pauses[i] - 1);
            reign.acknowledge(B, 2);
            assertThat(reign.register.isBusy()).isFalse();
            reign.pass(1);
            reign.acknowledge(B, 2);
            assertThat(reign.register.isBusy()).isTrue();
        }
    }

    @Test
    void aBackupThatDiffersLeavesTheViewAtOnce() {
        Reign reign = new Reign(B, C).inSync();
        reign.core.onDiverged(B, new Frame.Diverged(1, 2, 5, 6, "another outcome"), reign.now);
        reign.register.answer();
        assertThat(reign.heard()).containsExactly("view 2 [c/1]");
    }

    @Test
    void theDivergenceOfAnotherRunRemovesNobody() {
        Reign reign = new Reign(B).inSync();
        reign.core.onDiverged(new View.Member("b", 2), new Frame.Diverged(1, 2, 5, 6, "x"), reign.now);
        assertThat(reign.register.isBusy()).isFalse();
    }

    @Test
    void aVoterWithANewDiskIsNamedInTheRegister() {
        Reign reign = new Reign();
        reign.register.strangers.add("d");
        reign.tick();
        reign.register.answer();
        assertThat(reign.heard()).contains("view 2 []");
        assertThat(reign.register.isBusy()).isFalse();
    }

    @Test
    void aVoterThatIsConnectedIsAskedForItsDiskOnceASecondAtMost() {
        Reign reign = new Reign();
        reign.core.onVoterSeen(reign.now);
        assertThat(reign.register.isBusy()).isTrue();
        reign.register.answer();
        reign.core.onVoterSeen(reign.now);
        reign.pass(1_000);
        reign.tick();
        assertThat(reign.register.isBusy()).isFalse();
        reign.pass(1);
        reign.tick();
        assertThat(reign.register.isBusy()).isTrue();
        reign.register.answer();
        reign.pass(2_000);
        reign.tick();
        assertThat(reign.register.isBusy()).isFalse();
    }

    @Test
    void aVoterThatDoesNotAnswerIsAskedForItsDiskAgainAndEverMoreRarely() {
        Reign reign = new Reign();
        reign.register.silent.add("d");
        reign.core.onVoterSeen(reign.now);
        reign.register.answer();
        for (int pauseMs = 1_000; pauseMs <= 8_000; pauseMs *= 2) {
            reign.pass(pauseMs);
            reign.tick();
            assertThat(reign.register.isBusy()).as("after %d ms", pauseMs).isFalse();
            reign.pass(1);
            reign.tick();
            assertThat(reign.register.isBusy()).as("after %d ms", pauseMs).isTrue();
            reign.register.answer();
        }
        reign.register.silent.clear();
        reign.pass(60_000);
        reign.tick();
        assertThat(reign.register.isBusy()).isFalse();
    }

    @Test
    void votersWithNewDisksAreNamedOnceASecondAtMost() {
        Reign reign = new Reign();
        reign.register.strangers.add("d");
        reign.tick();
        reign.register.answer();
        assertThat(reign.register.isBusy()).isFalse();
        reign.pass(1_000);
        reign.tick();
        assertThat(reign.register.isBusy()).isFalse();
        reign.pass(1);
        reign.tick();
        assertThat(reign.register.isBusy()).isTrue();
    }

    // ---- higher terms ----------------------------------------------------------------------------------------------

    @Test
    void row24AFrameOfAHigherTermStopsAnswersUntilTheRegisterHasSpoken() {
        Reign reign = new Reign(B, C).inSync();
        reign.ask("x");
        reign.heard();
        reign.acknowledge(B, 3);
        reign.core.onAcknowledge(C, new Frame.Acknowledge(2, 0, 3, 3), reign.now);
        reign.acknowledge(C, 3);
        assertThat(reign.heard()).isEmpty();
        reign.register.answer();
        assertThat(reign.heard()).containsExactly("client OK 1");
    }

    @Test
    void row24And25ADeposedActiveAnswersNothingMore() {
        Reign reign = new Reign(B).inSync();
        reign.ask("x");
        reign.read();
        reign.heard();
        reign.register.value = Optional.of(new View(2, 2, B, List.of(A), List.of(), 0));
        reign.core.onHigherTerm(2);
        reign.register.answer();
        assertThat(reign.heard()).containsExactly("deposed by b/1 in term 2");
        reign.acknowledge(B, 9, 3, 3);
        reign.ask("y");
        reign.read();
        reign.pass(1_000);
        reign.tick();
        reign.join(C, 1, 0, 0);
        assertThat(reign.heard()).isEmpty();
        assertThat(reign.register.isBusy()).isFalse();
    }

    @Test
    void row30AnActiveThatIsCutOffFromItsBackupAnswersNothingUntilTheRegisterDecides() {
        Reign reign = new Reign(B).inSync();
        reign.pass(501);
        reign.tick();
        reign.ask("x");
        reign.read();
        reign.register.cannotBeReached();
        reign.flush();
        assertThat(reign.heard()).noneMatch(line -> line.startsWith("client"));
        reign.register.value = Optional.of(new View(2, 2, B, List.of(), List.of(), 0));
        reign.register.answer();
        assertThat(reign.heard()).containsExactly("deposed by b/1 in term 2");
    }

    @Test
    void row39AHigherTermThatNobodyHoldsChangesNothing() {
        Reign reign = new Reign(B).inSync();
        reign.core.onJoin(C, new Frame.Join(7, 1, Identity.NONE, 0, 0, 0), reign.now);
        assertThat(reign.heard()).isEmpty();
        reign.read();
        reign.acknowledge(B, 1, 2, 2);
        reign.heard();
        reign.register.answer();
        assertThat(reign.heard()).contains("client OK 1");
        assertThat(reign.core.view().version()).isEqualTo(1);
    }

    @Test
    void row24ADeposedActiveDropsTheCopyThatItWasGiving() {
        Reign reign = new Reign(B).inSync();
        reign.core.onJoin(C, new Frame.Join(0, 1, new Identity(1, 1), 5, 1, 5), reign.now);
        reign.heard();
        reign.register.value = Optional.of(new View(2, 2, B, List.of(A), List.of(), 0));
        reign.core.onHigherTerm(2);
        reign.register.answer();
        assertThat(reign.heard()).containsExactly("drop copy 1", "deposed by b/1 in term 2");
    }

    // ---- joining ---------------------------------------------------------------------------------------------------

    @Test
    void row17AJoinerGoesOnFromItsLastEntryWhereTheChainsAgree() {
        Reign reign = new Reign();
        reign.ask("x");
        reign.heard();
        reign.join(B, 4, 2, 1);
        assertThat(reign.heard()).containsExactly("b <- follow 3 (join 4)", "b <- 3..3 round 0 stable 3");
    }

    @Test
    void row8AJoinerWhoseTailIsNotOursGoesOnFromWhatItHasExecuted() {
        Reign reign = new Reign();
        reign.ask("x");
        reign.heard();
        reign.core.onJoin(B, new Frame.Join(0, 1, new Identity(1, 3), 12345, 2, reign.log.chainAt(2)), reign.now);
        assertThat(reign.heard()).containsExactly("b <- follow 3 (join 1)", "b <- 3..3 round 0 stable 3");
    }

    @Test
    void row8AJoinerThatExecutedWhatWeDoNotHaveIsCopied() {
        Reign reign = new Reign();
        reign.core.onJoin(B, new Frame.Join(0, 1, new Identity(1, 2), 12345, 2, 12345), reign.now);
        assertThat(reign.heard()).containsExactly("take copy 1");
    }

    @Test
    void row56AJoinerWhosePlaceTheLogHasLeftIsCopiedAndThenFollows() {
        Reign reign = new Reign(1, CONFIG, 600);
        for (int i = 0; i < 10; i++) {
            reign.ask("x");
        }
        reign.heard();
        reign.core.onJoin(B, new Frame.Join(0, 1, Identity.NONE, 0, 0, 0), reign.now);
        reign.core.onCopyTaken(1, reign.log.last(), reign.log.lastChain());
        assertThat(reign.heard()).containsExactly("take copy 1", "b <- copy 1 at 1.12 (join 1)", "read copy 1");
        reign.core.onCopyPiece(1, new byte[9], false);
        reign.core.onCopyPiece(1, new byte[9], true);
        assertThat(reign.heard()).containsExactly("b <- piece 0", "read copy 1", "b <- last piece 1", "drop copy 1");
        reign.ask("y");
        reign.heard();
        reign.core.onCopyAcknowledge(B, new Frame.CopyAcknowledge(1, 1, 1), reign.now);
        assertThat(reign.heard()).isEmpty();
        reign.core.onCopyAcknowledge(B, new Frame.CopyAcknowledge(1, 1, 2), reign.now);
        assertThat(reign.heard()).containsExactly("b <- 13..13 round 0 stable 13");
        reign.acknowledge(B, 13);
        assertThat(reign.register.wanted())
                .hasValueSatisfying(v -> assertThat(v.backups()).containsExactly(B));
    }

    @Test
    void row57TheLogIsKeptForACopyUpToTwiceItsLimitAndThenTheJoinerStartsAgain() {
        Reign reign = new Reign(1, CONFIG, 600);
        reign.core.onJoin(B, new Frame.Join(0, 1, new Identity(1, 1), 5, 1, 5), reign.now);
        reign.core.onCopyTaken(1, reign.log.last(), reign.log.lastChain());
        reign.core.onCopyPiece(1, new byte[9], true);
        for (int i = 0; i < 20; i++) {
            reign.ask("x");
        }
        reign.heard();
        reign.core.onCopyAcknowledge(B, new Frame.CopyAcknowledge(1, 1, 1), reign.now);
        assertThat(reign.heard()).noneMatch(line -> line.startsWith("b <-"));
        assertThat(reign.log.holds(5)).isFalse();
        reign.core.onJoin(B, new Frame.Join(0, 1, new Identity(1, 1), 5, 1, 5), reign.now);
        assertThat(reign.heard()).containsExactly("take copy 2");
    }

    @Test
    void aJoinerThatWaitsForTheLaneToTakeItsCopyIsNotLost() {
        Reign reign = new Reign();
        for (int i = 0; i < 20; i++) {
            reign.core.onJoin(B, new Frame.Join(0, 1, new Identity(1, 1), 5, 1, 5), reign.now);
            reign.pass(100);
            reign.tick();
        }
        assertThat(reign.heard()).containsExactly("take copy 1");
        reign.core.onCopyTaken(1, reign.log.last(), reign.log.lastChain());
        assertThat(reign.heard()).containsExactly("b <- copy 1 at 1.2 (join 1)", "read copy 1");
    }

    @Test
    void aJoinerIsLostWhenItIsSilentThoughNotWhileItAcknowledgesPiecesOfItsCopy() {
        Reign reign = new Reign();
        reign.core.onJoin(B, new Frame.Join(0, 1, new Identity(1, 1), 5, 1, 5), reign.now);
        reign.core.onCopyTaken(1, reign.log.last(), reign.log.lastChain());
        for (int piece = 1; piece <= 20; piece++) {
            reign.core.onCopyPiece(1, new byte[9], false);
            reign.pass(100);
            reign.core.onCopyAcknowledge(B, copyAcknowledge(1, piece), reign.now);
            reign.tick();
        }
        assertThat(reign.heard()).doesNotContain("drop copy 1");
        reign.pass(501);
        reign.tick();
        assertThat(reign.heard()).contains("drop copy 1");
    }

    @Test
    void aJoinerThatBeginsAnewHasItsTimeAgain() {
        Reign reign = new Reign();
        for (int join = 1; join <= 4; join++) {
            reign.core.onJoin(B, new Frame.Join(0, join, new Identity(1, 1), 5, 1, 5), reign.now);
            reign.core.onCopyTaken(join, reign.log.last(), reign.log.lastChain());
            reign.pass(300);
            reign.tick();
        }
        assertThat(reign.heard()).contains("drop copy 3").doesNotContain("drop copy 4");
    }

    @Test
    void aJoinerThatCanFollowAfterAllNeedsNoCopyAnyMore() {
        Reign reign = new Reign();
        reign.core.onJoin(B, new Frame.Join(0, 1, new Identity(1, 1), 5, 1, 5), reign.now);
        reign.heard();
        reign.join(B, 2, 2, 2);
        assertThat(reign.heard())
                .containsExactly("drop copy 1", "b <- follow 3 (join 2)", "b <- nothing round 0 stable 2");
    }

    @Test
    void row84ANewRunOfAJoinerTakesThePlaceOfTheOldOne() {
        Reign reign = new Reign();
        reign.core.onJoin(B, new Frame.Join(0, 7, new Identity(1, 1), 5, 1, 5), reign.now);
        reign.heard();
        View.Member anew = new View.Member("b", 2);
        reign.core.onJoin(anew, new Frame.Join(0, 1, new Identity(1, 1), 5, 1, 5), reign.now);
        assertThat(reign.heard()).containsExactly("drop copy 1", "take copy 2");
    }

    @Test
    void row56ACopyThatTheLogHasRolledPastIsOfNoUse() {
        Reign reign = new Reign(1, CONFIG, 600);
        reign.core.onJoin(B, new Frame.Join(0, 1, new Identity(1, 1), 5, 1, 5), reign.now);
        Identity at = reign.log.last();
        long chain = reign.log.lastChain();
        for (int i = 0; i < 20; i++) {
            reign.ask("x");
        }
        reign.heard();
        reign.core.onCopyTaken(1, at, chain);
        assertThat(reign.heard()).containsExactly("drop copy 1");
        reign.core.onJoin(B, new Frame.Join(0, 1, new Identity(1, 1), 5, 1, 5), reign.now);
        assertThat(reign.heard()).containsExactly("take copy 2");
    }

    @Test
    void aCopyNeedsNothingOfTheLogThatIsBeforeIt() {
        Reign reign = new Reign(1, CONFIG, 1);
        assertThat(reign.log.bytes()).isZero();
        reign.core.onJoin(B, new Frame.Join(0, 1, new Identity(1, 1), 5, 1, 5), reign.now);
        reign.core.onCopyTaken(1, reign.log.last(), reign.log.lastChain());
        assertThat(reign.heard()).containsExactly("take copy 1", "b <- copy 1 at 1.2 (join 1)", "read copy 1");
    }

    @Test
    void aCopyThatIsDoneOrDroppedKeepsNothingInTheLog() {
        for (boolean isDone : new boolean[] {true, false}) {
            Reign reign = new Reign(1, CONFIG, 2_000);
            reign.core.onJoin(B, new Frame.Join(0, 1, new Identity(1, 1), 5, 1, 5), reign.now);
            reign.core.onCopyTaken(1, reign.log.last(), reign.log.lastChain());
            reign.core.onCopyPiece(1, new byte[9], true);
            if (isDone) {
                reign.core.onCopyAcknowledge(B, copyAcknowledge(1, 1), reign.now);
            } else {
                reign.core.onNodeGone(B, reign.now);
            }
            for (int i = 0; i < 25; i++) {
                reign.onOrdered(reign.client.begin("x"));
            }
            assertThat(reign.log.bytes()).isLessThanOrEqualTo(2_000);
        }
    }

    @Test
    void aNewNodeExecutesAFifthOfASecondOfTheLogAndIsCopiedBeyond() {
        for (long beyondNs = 0; beyondNs <= 1; beyondNs++) {
            Reign reign = new Reign();
            for (int i = 0; i < 18; i++) {
                reign.ask("x");
            }
            reign.executionsTake(10 * MS + beyondNs);
            reign.heard();
            reign.join(B, 1, 0, 0);
            assertThat(reign.heard()).first().isEqualTo(beyondNs == 0 ? "b <- follow 1 (join 1)" : "take copy 1");
        }
    }

    @Test
    void aNewNodeIsCopiedWhenExecutingTheWholeLogWouldTakeLong() {
        Reign reign = new Reign();
        for (int i = 0; i < 20; i++) {
            reign.ask("x");
        }
        reign.core.onExecutionTime(6_400 * MS);
        reign.heard();
        reign.join(B, 1, 0, 0);
        assertThat(reign.heard()).containsExactly("take copy 1");
    }

    @Test
    void aCopyHasFewPiecesOnTheirWayAtATime() {
        Reign reign = new Reign();
        reign.core.onJoin(B, new Frame.Join(0, 1, new Identity(1, 1), 5, 1, 5), reign.now);
        reign.core.onCopyTaken(1, reign.log.last(), reign.log.lastChain());
        for (int piece = 0; piece < 8; piece++) {
            reign.core.onCopyPiece(1, new byte[9], false);
        }
        assertThat(reign.heard()).filteredOn("read copy 1"::equals).hasSize(8);
        reign.core.onCopyAcknowledge(B, new Frame.CopyAcknowledge(1, 1, 1), reign.now);
        reign.core.onCopyAcknowledge(B, new Frame.CopyAcknowledge(1, 1, 1), reign.now);
        assertThat(reign.heard()).containsExactly("read copy 1");
    }

    @Test
    void aCopyForANodeThatIsGoneIsDropped() {
        Reign reign = new Reign();
        reign.core.onJoin(B, new Frame.Join(0, 1, new Identity(1, 1), 5, 1, 5), reign.now);
        reign.core.onNodeGone(B, reign.now);
        assertThat(reign.heard()).contains("take copy 1", "drop copy 1");
        reign.core.onCopyTaken(1, reign.log.last(), reign.log.lastChain());
        assertThat(reign.heard()).containsExactly("drop copy 1");
        reign.core.onCopyPiece(1, new byte[9], true);
        assertThat(reign.heard()).containsExactly("drop copy 1");
    }

    @Test
    void aNewerJoinBeginsAnotherCopyAndAnOlderOneDoesNot() {
        Reign reign = new Reign();
        reign.core.onJoin(B, new Frame.Join(0, 2, new Identity(1, 1), 5, 1, 5), reign.now);
        reign.core.onJoin(B, new Frame.Join(0, 2, new Identity(1, 1), 5, 1, 5), reign.now);
        reign.core.onJoin(B, new Frame.Join(0, 1, new Identity(1, 1), 5, 1, 5), reign.now);
        assertThat(reign.heard()).containsExactly("take copy 1");
        reign.core.onJoin(B, new Frame.Join(0, 3, new Identity(1, 1), 5, 1, 5), reign.now);
        assertThat(reign.heard()).containsExactly("drop copy 1", "take copy 2");
    }

    @Test
    void row37And38ALateJoinOfABackupThatFollowsMovesNothing() {
        Reign reign = new Reign(1, CONFIG, 600, B).inSync();
        for (int i = 0; i < 10; i++) {
            reign.ask("x");
            reign.acknowledge(B, 3 + i);
        }
        reign.heard();
        reign.core.onJoin(B, new Frame.Join(0, 1, new Identity(1, 2), 0, 2, 0), reign.now);
        assertThat(reign.register.isBusy()).isFalse();
        assertThat(reign.heard()).isEmpty();
    }

    @Test
    void row84ANewRunOfANodeOfTheViewRemovesTheOldOneFirst() {
        Reign reign = new Reign(B).inSync();
        View.Member anew = new View.Member("b", 2);
        reign.join(anew, 1, 0, 0);
        assertThat(reign.heard()).isEmpty();
        reign.register.answer();
        assertThat(reign.heard()).contains("view 2 []");
        reign.join(anew, 2, 0, 0);
        assertThat(reign.heard()).contains("b <- follow 1 (join 2)");
    }

    @Test
    void aBackupOfTheViewThatNeedsACopyLeavesTheViewFirst() {
        Reign reign = new Reign(B).inSync();
        reign.core.onJoin(B, new Frame.Join(0, 2, new Identity(1, 2), 5, 2, 5), reign.now);
        assertThat(reign.heard()).isEmpty();
        reign.register.answer();
        assertThat(reign.heard()).contains("view 2 []");
        reign.core.onJoin(B, new Frame.Join(0, 3, new Identity(1, 2), 5, 2, 5), reign.now);
        assertThat(reign.heard()).containsExactly("take copy 1");
    }

    // ---- bounds ----------------------------------------------------------------------------------------------------

    @Test
    void row66AFollowerWhoseWindowIsFullGetsNoMoreUntilItAcknowledges() {
        ActiveNodeConfig small = new ActiveNodeConfig(Duration.ofMillis(500), Duration.ofMillis(50), 64, 4096, 4096);
        Reign reign = new Reign(1, small, 1 << 20, B).inSync();
        String large = "x".repeat(3_000);
        for (int i = 0; i < 4; i++) {
            reign.ask(large);
        }
        assertThat(reign.heard()).containsExactly("b <- 3..3 round 0 stable 2", "b <- 4..4 round 0 stable 2");
        reign.acknowledge(B, 3);
        assertThat(reign.heard()).containsExactly("client OK 1", "b <- 5..5 round 0 stable 3");
        reign.ask(large);
        reign.acknowledge(B, 4);
        assertThat(reign.heard()).containsExactly("client OK 2", "b <- 6..6 round 0 stable 4");
    }

    @Test
    void entriesGoInBatchesOfBoundedLength() {
        ActiveNodeConfig small = new ActiveNodeConfig(Duration.ofMillis(500), Duration.ofMillis(50), 64, 4096, 65536);
        Reign reign = new Reign(1, small, 1 << 20, B).inSync();
        for (int i = 0; i < 5; i++) {
            reign.onOrdered(reign.client.begin("x".repeat(1_500)));
        }
        reign.flush();
        assertThat(reign.heard())
                .containsExactly(
                        "b <- 3..4 round 0 stable 2", "b <- 5..6 round 0 stable 2", "b <- 7..7 round 0 stable 2");
    }

    @Test
    void aWindowAndABatchAreFullToTheByte() {
        ActiveNodeConfig small = new ActiveNodeConfig(Duration.ofMillis(500), Duration.ofMillis(50), 64, 4096, 4096);
        Reign reign = new Reign(1, small, 1 << 20, B).inSync();
        String half = "x".repeat(2048 - emptyEntryBytes());
        for (int i = 0; i < 3; i++) {
            reign.onOrdered(reign.client.begin(half));
        }
        reign.flush();
        assertThat(reign.heard()).containsExactly("b <- 3..4 round 0 stable 2");
    }

    @Test
    void aFrameHas1024EntriesAtMost() {
        Reign reign = new Reign(1, CONFIG, 8 << 20, B).inSync();
        for (int i = 0; i < 1_025; i++) {
            reign.onOrdered(reign.client.begin("x"));
        }
        reign.flush();
        assertThat(reign.heard()).containsExactly("b <- 3..1026 round 0 stable 2", "b <- 1027..1027 round 0 stable 2");
    }

    @Test
    void aTickSendsAndAnswersWhatIsThere() {
        Reign reign = new Reign(B).inSync();
        reign.onOrdered(reign.client.begin("x"));
        reign.tick();
        assertThat(reign.heard()).containsExactly("b <- 3..3 round 0 stable 2");
        reign.core.onAcknowledge(B, new Frame.Acknowledge(1, 0, 3, 3), reign.now);
        reign.tick();
        assertThat(reign.heard()).containsExactly("client OK 1");
    }

    @Test
    void row56AFollowerThatFallsBehindTheLogLeavesTheView() {
        Reign reign = new Reign(
                        1,
                        new ActiveNodeConfig(Duration.ofMillis(500), Duration.ofMillis(50), 64, 4096, 4096),
                        6_000,
                        B)
                .inSync();
        for (int i = 0; i < 6; i++) {
            reign.ask("x".repeat(3_000));
        }
        reign.acknowledge(B, 4);
        assertThat(reign.register.wanted())
                .hasValueSatisfying(v -> assertThat(v.backups()).isEmpty());
    }

    @Test
    void workIsHeldBackWhileABackupNeedsLongerThanTheBudgetForItsTail() {
        Reign reign = new Reign(B).inSync();
        reign.ask("x");
        reign.ask("y");
        reign.core.onExecutionTime(3_200 * MS);
        reign.heard();
        reign.acknowledge(B, 0, 4, 2);
        assertThat(reign.heard())
                .as("the backup hears at once what it may execute")
                .containsExactly("hold back true", "client OK 1", "client OK 2", "b <- nothing round 0 stable 4");
        reign.flush();
        assertThat(reign.heard()).isEmpty();
        assertThat(reign.core.isHoldingBack()).isTrue();
        reign.acknowledge(B, 0, 4, 3);
        assertThat(reign.heard()).containsExactly("hold back false");
    }

    @Test
    void workIsHeldBackWhileMoreThanHalfOfTheLogIsNotStable() {
        Reign reign = new Reign(1, CONFIG, 20_000, B).inSync();
        reign.ask("x".repeat(6_000));
        reign.acknowledge(B, 2);
        assertThat(reign.core.isHoldingBack()).isFalse();
        reign.ask("x".repeat(6_000));
        reign.acknowledge(B, 2);
        assertThat(reign.core.isHoldingBack()).isTrue();
        reign.acknowledge(B, 3);
        reign.acknowledge(B, 3);
        assertThat(reign.core.isHoldingBack()).isFalse();
    }

    @Test
    void halfOfTheLogMayBeUnstable() {
        Reign reign = new Reign(1, CONFIG, 20_000, B).inSync();
        reign.ask("x".repeat(10_000 - emptyEntryBytes()));
        reign.acknowledge(B, 2);
        assertThat(reign.core.isHoldingBack()).isFalse();
        reign.ask("");
        reign.acknowledge(B, 2);
        assertThat(reign.core.isHoldingBack()).isTrue();
    }

    @Test
    void theBudgetMayBeUsedUpByTheTailOfABackupAndOfOneThatIsProposed() {
        for (long beyondNs = 0; beyondNs <= 1; beyondNs++) {
            Reign reign = new Reign(B).inSync();
            reign.ask("x");
            reign.ask("y");
            reign.executionsTake(25 * MS + beyondNs);
            reign.join(C, 1, 2, 2);
            reign.acknowledge(C, 0, 4, 2);
            assertThat(reign.register.isBusy()).isEqualTo(beyondNs == 0);
            reign.acknowledge(B, 0, 4, 2);
            assertThat(reign.core.isHoldingBack()).isEqualTo(beyondNs == 1);
        }
    }

    @Test
    void whatAnEntryTakesIsLearnedFromThoseBefore() {
        Reign reign = new Reign(B).inSync();
        for (int i = 0; i < 2_000; i++) {
            reign.core.onExecutionTime(MS);
        }
        for (int i = 0; i < 51; i++) {
            reign.onOrdered(reign.client.begin("x"));
        }
        reign.flush();
        reign.acknowledge(B, 0, 53, 4);
        assertThat(reign.core.isHoldingBack()).isFalse();
        reign.onOrdered(reign.client.begin("x"));
        reign.onOrdered(reign.client.begin("x"));
        reign.flush();
        reign.acknowledge(B, 0, 55, 4);
        assertThat(reign.core.isHoldingBack()).isTrue();
    }

    @Test
    void workIsHeldBackWhileMoreThan100000AnswersWait() {
        Reign reign = new Reign(B).inSync();
        Answer small = new Answer(new Identity(1, 2), 1, Identity.NONE, AnswerCode.OK, new byte[0]);
        Request read = reign.client.read("?");
        for (int i = 0; i < 50_000; i++) {
            reign.core.onOrdered("client", read, new Ordered(null, small, 2, true));
            reign.core.onOrdered("client", read, new Ordered(null, small, 3, false));
        }
        reign.acknowledge(B, 2);
        assertThat(reign.core.isHoldingBack()).isFalse();
        reign.core.onOrdered("client", read, new Ordered(null, small, 2, true));
        assertThat(reign.core.waitingAnswers()).isEqualTo(100_001);
        reign.acknowledge(B, 2);
        assertThat(reign.core.isHoldingBack()).isTrue();
    }

    @Test
    void answersOfEntriesCountAsThoseOfReads() {
        Reign reign = new Reign(B).inSync();
        Answer large = new Answer(new Identity(1, 2), 1, Identity.NONE, AnswerCode.OK, new byte[1 << 20]);
        for (int i = 0; i < 65; i++) {
            reign.core.onOrdered("client", reign.client.read("?"), new Ordered(null, large, 3, false));
        }
        reign.acknowledge(B, 2);
        assertThat(reign.core.isHoldingBack()).isTrue();
    }

    @Test
    void workIsHeldBackWhileAnswersOfManyBytesWait() {
        Reign reign = new Reign(B).inSync();
        Answer large = new Answer(new Identity(1, 2), 1, Identity.NONE, AnswerCode.OK, new byte[1 << 20]);
        for (int i = 0; i < 64; i++) {
            reign.core.onOrdered("client", reign.client.read("?"), new Ordered(null, large, 2, true));
        }
        reign.acknowledge(B, 2);
        assertThat(reign.core.isHoldingBack()).isFalse();
        reign.core.onOrdered("client", reign.client.read("?"), new Ordered(null, large, 2, true));
        reign.acknowledge(B, 2);
        assertThat(reign.core.isHoldingBack()).isTrue();
        reign.acknowledge(B, 2, 2, 2);
        reign.acknowledge(B, 2, 2, 2);
        assertThat(reign.core.waitingAnswers()).isZero();
        assertThat(reign.core.isHoldingBack()).isFalse();
    }

    @Test
    void aLoneActiveHoldsBackForOneThatFollowsForLongAndCannotGetNear() {
        Reign reign = new Reign();
        reign.ask("x");
        reign.ask("y");
        reign.core.onExecutionTime(3_200 * MS);
        reign.join(B, 1, 1, 1);
        for (int i = 0; i < 50; i++) {
            reign.acknowledge(B, 0, 4, 1);
            assertThat(reign.core.isHoldingBack()).isFalse();
            reign.pass(100);
        }
        reign.acknowledge(B, 0, 4, 1);
        assertThat(reign.core.isHoldingBack()).isFalse();
        reign.pass(1);
        reign.tick();
        assertThat(reign.core.isHoldingBack()).isTrue();
        reign.acknowledge(B, 0, 4, 4);
        assertThat(reign.core.isHoldingBack()).isFalse();
        assertThat(reign.register.wanted())
                .hasValueSatisfying(v -> assertThat(v.backups()).containsExactly(B));
    }

    @Test
    void aJoinerWithALongTailIsNotProposedAndHoldsNobodyBack() {
        Reign reign = new Reign();
        reign.ask("x");
        reign.ask("y");
        reign.core.onExecutionTime(3_200 * MS);
        reign.join(B, 1, 1, 1);
        reign.acknowledge(B, 0, 4, 1);
        assertThat(reign.register.isBusy()).isFalse();
        assertThat(reign.core.isHoldingBack()).isFalse();
        reign.acknowledge(B, 0, 4, 4);
        assertThat(reign.register.isBusy()).isTrue();
    }

    @Test
    void aBackupThatGivesSignsButMakesNoProgressLeavesTheViewAfterFailureDetection() {
        Reign reign = new Reign(B).inSync();
        reign.ask("x");
        for (int i = 0; i <= 500; i += 50) {
            reign.acknowledge(B, 0, 3, 2);
            reign.tick();
            assertThat(reign.register.isBusy()).isFalse();
            reign.pass(50);
        }
        reign.acknowledge(B, 0, 3, 2);
        reign.tick();
        assertThat(reign.register.wanted())
                .hasValueSatisfying(v -> assertThat(v.backups()).isEmpty());
    }

    @Test
    void aBackupHasAsLongForAnEntryAsTheActiveTookPlusFailureDetection() {
        Reign reign = new Reign(B).inSync();
        reign.ask("slow");
        reign.core.onExecutionTime(2_000 * MS);
        for (int i = 0; i <= 2_500; i += 50) {
            reign.acknowledge(B, 0, 3, 2);
            reign.tick();
            assertThat(reign.register.isBusy()).as("after %s ms", i).isFalse();
            reign.pass(50);
        }
        reign.acknowledge(B, 0, 3, 3);
        reign.tick();
        reign.pass(5_000);
        reign.acknowledge(B, 0, 3, 3);
        reign.tick();
        assertThat(reign.register.isBusy()).isFalse();
    }

    @Test
    void theTimeOfASlowEntryIsGrantedOnlyUntilEveryBackupHasExecutedIt() {
        Reign reign = new Reign(B).inSync();
        reign.core.onExecutionTime(2_000 * MS);
        reign.acknowledge(B, 2);
        reign.ask("x");
        for (int i = 0; i < 6; i++) {
            reign.acknowledge(B, 0, 3, 2);
            reign.pass(100);
        }
        reign.tick();
        assertThat(reign.register.wanted())
                .hasValueSatisfying(v -> assertThat(v.backups()).isEmpty());
    }

    @Test
    void row41AnIdleBackupHearsFromTheActiveTenTimesInFailureDetection() {
        Reign reign = new Reign(B).inSync();
        int heartbeats = 0;
        for (int i = 0; i < 500; i += 5) {
            reign.pass(5);
            reign.tick();
            heartbeats += reign.heard().size();
        }
        assertThat(heartbeats).isEqualTo(10);
    }

    /** Length of an entry of the client's that says nothing. */
    private static int emptyEntryBytes() {
        Reign reign = new Reign();
        reign.ask("");
        return Math.toIntExact(reign.log.get(3).bytes());
    }

    private static Frame.CopyAcknowledge copyAcknowledge(long copyId, int pieces) {
        return new Frame.CopyAcknowledge(1, copyId, pieces);
    }

    // ---- what is told, and what is said
    // ------------------------------------------------------------------------------

    /** One reign over a real store, log and order; every call is followed by the lines that it gave. */
    private static final class Reign implements ForwardEffects<String> {
        final List<String> said = new ArrayList<>();
        final ForwardLog log;
        final ToldRegister register;
        final ForwardCore<String> core;
        final Asking client;
        private final TsdStore store;
        private final OrderCore order;
        private final List<View.Member> backups;
        private final long term;
        long now = 1_000 * MS;

        Reign(View.Member... backups) {
            this(1, CONFIG, 1 << 20, backups);
        }

        Reign(long term, ActiveNodeConfig config, long logBytes, View.Member... backups) {
            this.term = term;
            this.backups = Arrays.asList(backups);
            log = new ForwardLog(logBytes);
            View view = new View(1, term, A, this.backups, List.of(), 0);
            register = new ToldRegister(Optional.of(view));
            store = TsdStore.create(new TallyService(), new NoRecords(), TsdStoreConfig.defaults());
            order = new OrderCore(store, term, new HeaderClock(0, now, now), () -> 5);
            core = new ForwardCore<>(A, view, config, log, register, this, now);
            core.onEntry(order.openTerm(new byte[0], now, now));
            Execution opened = Objects.requireNonNull(
                    order.onRequest(Asking.open(7), now, now).execution());
            core.onEntry(opened);
            client = new Asking(opened.entry().identity());
            flush();
        }

        /** The next reign over what a former one executed. */
        Reign(Reign former, View.Member... backups) {
            this.term = former.term + 1;
            this.backups = Arrays.asList(backups);
            log = former.log;
            View view = new View(2, term, A, this.backups, List.of(), 0);
            register = new ToldRegister(Optional.of(view));
            store = former.store;
            order = new OrderCore(store, term, new HeaderClock(store.lastTimeNs(), now, now), () -> 5);
            core = new ForwardCore<>(A, view, CONFIG, log, register, this, now);
            core.onEntry(order.openTerm(new byte[0], now, now));
            client = former.client;
            flush();
        }

        /** Every backup of the view holds everything and follows. */
        Reign inSync() {
            for (View.Member backup : backups) {
                join(backup, 1, 0, 0);
            }
            backups.forEach(backup -> acknowledge(backup, log.lastPosition()));
            said.clear();
            return this;
        }

        void ask(String body) {
            onOrdered(client.begin(body));
            flush();
        }

        void read() {
            onOrdered(client.read("?"));
            flush();
        }

        void onOrdered(Request request) {
            core.onOrdered("client", request, order.onRequest(request, now, now));
        }

        /** The lane's part alone. */
        Execution execute(Request request) {
            return Objects.requireNonNull(order.onRequest(request, now, now).execution());
        }

        /** From the estimate at the beginning of a reign, 20 us, to this one with one execution: a 64th each time. */
        void executionsTake(long ns) {
            core.onExecutionTime(20_000 + 64 * (ns - 20_000));
        }

        void join(View.Member from, long joinId, long position, long executed) {
            core.onJoin(
                    from,
                    new Frame.Join(
                            0,
                            joinId,
                            log.knows(position) ? log.identityAt(position) : Identity.NONE,
                            log.knows(position) ? log.chainAt(position) : 0,
                            executed,
                            log.knows(executed) ? log.chainAt(executed) : 0),
                    now);
        }

        void acknowledge(View.Member from, long position) {
            acknowledge(from, 0, position, position);
        }

        void acknowledge(View.Member from, long round, long received, long executed) {
            core.onAcknowledge(from, new Frame.Acknowledge(term, round, received, executed), now);
            flush();
        }

        void flush() {
            core.flush(now);
        }

        /** Time passes in small steps: a core that is not called for long believes that it stood still itself. */
        void pass(long ms) {
            long until = now + ms * MS;
            while (now < until) {
                now = Math.min(until, now + 100 * MS);
                core.flush(now);
            }
        }

        /** Time passes, and nobody calls. */
        void standStill(long ms) {
            now += ms * MS;
        }

        void tick() {
            core.tick(now);
        }

        /** What was said since the last time. */
        List<String> heard() {
            List<String> lines = List.copyOf(said);
            said.clear();
            return lines;
        }

        @Override
        public void send(View.Member to, Frame frame) {
            said.add(to.name() + " <- " + text(frame));
        }

        private static String text(Frame frame) {
            if (frame instanceof Frame.Forward forward) {
                String entries = forward.entries().isEmpty()
                        ? "nothing"
                        : forward.entries().get(0).position() + ".."
                                + forward.entries()
                                        .get(forward.entries().size() - 1)
                                        .position();
                return entries + " round " + forward.round() + " stable " + forward.stablePosition();
            } else if (frame instanceof Frame.Follow follow) {
                return "follow " + follow.fromPosition() + " (join " + follow.joinId() + ")";
            } else if (frame instanceof Frame.CopyBegin begin) {
                return "copy " + begin.copyId() + " at " + begin.at() + " (join " + begin.joinId() + ")";
            } else if (frame instanceof Frame.CopyChunk chunk) {
                return (chunk.last() ? "last piece " : "piece ") + chunk.index();
            }
            return frame.toString();
        }

        @Override
        public void answer(String channel, Answer answer) {
            said.add(channel + " " + answer.code() + " " + answer.requestId());
        }

        @Override
        public void takeCopy(long copyId) {
            said.add("take copy " + copyId);
        }

        @Override
        public void readCopyPiece(long copyId) {
            said.add("read copy " + copyId);
        }

        @Override
        public void dropCopy(long copyId) {
            said.add("drop copy " + copyId);
        }

        @Override
        public void holdBack(boolean isHeldBack) {
            said.add("hold back " + isHeldBack);
        }

        @Override
        public void viewInstalled(View view) {
            said.add("view " + view.version() + " " + view.backups());
        }

        @Override
        public void deposed(View current, String reason) {
            said.add("deposed by " + current.active() + " in term " + current.term());
        }
    }
}
