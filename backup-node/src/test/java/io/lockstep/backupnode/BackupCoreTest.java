package io.lockstep.backupnode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockstep.membership.ToldRegister;
import io.lockstep.tsdstore.DivergenceException;
import io.lockstep.tsdstore.ForwardLog;
import io.lockstep.tsdstore.MarkedRequest;
import io.lockstep.tsdstore.NoRecords;
import io.lockstep.tsdstore.TsdStore;
import io.lockstep.tsdstore.TsdStoreConfig;
import io.lockstep.wire.Entry;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Invariant;
import io.lockstep.wire.View;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** The backup's decisions as transcripts: what it is told, and the lines that it says. */
class BackupCoreTest {
    private static final long MS = 1_000_000;
    private static final View.Member A = new View.Member("a", 1);
    private static final View.Member B = new View.Member("b", 1);
    private static final View.Member C = new View.Member("c", 1);

    private final Orders orders = new Orders().reign(1).messages(5);

    // ---- following -------------------------------------------------------------------------------------------------

    @Test
    void row10AcknowledgesBeforeItExecutes() {
        Backup backup = new Backup().following();
        backup.forward(orders, 1, 2, 2);
        assertThat(backup.heard()).containsExactly("a <- acknowledge 2 executed 0 round 0", "execute 1..2");
    }

    @Test
    void row16ExecutesOnlyWhatEveryBackupHolds() {
        Backup backup = new Backup().following();
        backup.forward(orders, 1, 4, 2);
        assertThat(backup.heard()).containsExactly("a <- acknowledge 4 executed 0 round 0", "execute 1..2");
        backup.lane();
        assertThat(backup.core.executedPosition()).isEqualTo(2);
        backup.forward(orders, 5, 5, 4);
        assertThat(backup.heard()).containsExactly("a <- acknowledge 5 executed 2 round 0", "execute 3..4");
    }

    @Test
    void believesStableOnlyAsFarAsItHoldsEntries() {
        Backup backup = new Backup().following();
        backup.forward(orders, 1, 2, 5);
        assertThat(backup.heard()).containsExactly("a <- acknowledge 2 executed 0 round 0", "execute 1..2");
    }

    @Test
    void row37And32DoubledEntriesAreAcknowledgedAgainAndAppliedOnce() {
        Backup backup = new Backup().following();
        backup.forward(orders, 1, 3, 3);
        backup.lane();
        backup.heard();
        backup.forward(orders, 1, 3, 3);
        backup.forward(orders, 2, 3, 1);
        assertThat(backup.heard())
                .containsExactly("a <- acknowledge 3 executed 3 round 0", "a <- acknowledge 3 executed 3 round 0");
    }

    @Test
    void row38AGapMakesItJoinAnewAndAppliesNothingEarly() {
        Backup backup = new Backup().following();
        backup.forward(orders, 1, 2, 2);
        backup.heard();
        backup.forward(orders, 4, 5, 5);
        assertThat(backup.heard()).containsExactly("LOCATING_ACTIVE");
        assertThat(backup.core.receivedPosition()).isEqualTo(2);
        backup.tick();
        assertThat(backup.heard()).containsExactly("all <- join 2 last 1.2 executed 0");
    }

    @Test
    void row9AnEntryThatDoesNotContinueTheChainIsNotTaken() throws Exception {
        Backup backup = new Backup().following();
        backup.forward(orders, 1, 3, 1);
        backup.heard();
        Orders other = orders.forkAfter(2).messages(4);
        backup.core.onForward("a", new Frame.Forward(1, 0, 5, List.of(changed(other.at(4)))), backup.now);
        assertThat(backup.heard()).containsExactly("LOCATING_ACTIVE");
        assertThat(backup.core.receivedPosition()).isEqualTo(3);
    }

    @Test
    void row24And39FramesOfAnOlderTermAreNeitherTakenNorAcknowledged() {
        Orders newer = new Orders().reign(1).messages(2).reign(3).messages(1);
        Backup backup = new Backup();
        backup.tick();
        backup.core.onFollow("a", new Frame.Follow(3, 1, 1), backup.now);
        backup.heard();
        backup.core.onForward("a", new Frame.Forward(1, 5, 2, newer.range(1, 2)), backup.now);
        backup.core.onForward("a", new Frame.Forward(2, 5, 2, newer.range(1, 2)), backup.now);
        backup.core.onForward("c", new Frame.Forward(3, 5, 2, newer.range(1, 2)), backup.now);
        assertThat(backup.heard()).isEmpty();
        assertThat(backup.core.receivedPosition()).isZero();
    }

    @Test
    void aFrameOfAHigherTermMakesItJoinAnew() {
        Backup backup = new Backup().following();
        backup.core.onForward("a", new Frame.Forward(2, 0, 1, orders.range(1, 1)), backup.now);
        assertThat(backup.heard()).containsExactly("LOCATING_ACTIVE");
    }

    /** Else the new active, whose patience is the shorter one, would drop it from its view. */
    @Test
    void whoDoesNotKnowOfTheActivesDeathJoinsTheNextOneAsSoonAsThatSaysThatItLeads() {
        Backup backup = new Backup().following().inView(A, B, C);
        backup.core.onConnectionLost("a", backup.now);
        backup.core.onProbe("a", false, backup.now);
        backup.heard();
        backup.core.onViewNotice(new Frame.ViewNotice(1, 2, A), backup.now);
        assertThat(backup.heard()).isEmpty();
        backup.core.onViewNotice(new Frame.ViewNotice(2, 2, C), backup.now);
        assertThat(backup.heard()).containsExactly("LOCATING_ACTIVE");
        backup.tick();
        assertThat(backup.heard()).anySatisfy(said -> assertThat(said).contains("join"));
    }

    @Test
    void echoesTheHighestRound() {
        Backup backup = new Backup().following();
        backup.core.onForward("a", new Frame.Forward(1, 4, 0, List.of()), backup.now);
        backup.core.onForward("a", new Frame.Forward(1, 3, 0, List.of()), backup.now);
        assertThat(backup.heard())
                .containsExactly("a <- acknowledge 0 executed 0 round 4", "a <- acknowledge 0 executed 0 round 4");
    }

    @Test
    void tellsOfItsExecutionWithoutBeingAskedAfterManyEntries() {
        Orders many = new Orders().reign(1).messages(200);
        Backup backup = new Backup().following();
        backup.forward(many, 1, 200, 200);
        backup.heard();
        backup.lane();
        assertThat(backup.heard()).containsExactly("a <- acknowledge 200 executed 200 round 0");
    }

    @Test
    void tellsOfAFewExecutedEntriesWhenNothingMoreIsToBeExecuted() {
        Orders some = new Orders().reign(1).messages(19);
        Backup backup = new Backup().following();
        backup.forward(some, 1, 12, 7);
        backup.heard();
        backup.lane();
        assertThat(backup.heard()).as("too few").isEmpty();
        backup.forward(some, 13, 20, 20);
        backup.heard();
        backup.lane();
        assertThat(backup.heard()).containsExactly("a <- acknowledge 20 executed 20 round 0");
    }

    @Test
    void row58ADivergenceIsToldAndMakesItUnfitForGood() throws Exception {
        Backup backup = new Backup().following();
        Orders other = orders.forkAfter(2).messages(1);
        Entry wrong = changed(other.at(3));
        backup.core.onForward("a", new Frame.Forward(1, 0, 3, List.of(orders.at(1), orders.at(2))), backup.now);
        backup.lane();
        backup.heard();
        backup.core.onDiverged(3, wrong.outcome(), wrong.outcome() + 1, "another answer", backup.now);
        assertThat(backup.heard()).containsExactly("a <- diverged at 3", "UNFIT", "rebuild");
        backup.pass(10_000);
        backup.tick();
        backup.core.onConnectionLost("a", backup.now);
        backup.core.onProbe("a", true, backup.now);
        assertThat(backup.heard()).isEmpty();
        assertThat(backup.register.wanted()).isEmpty();
    }

    // ---- suspicion and takeover ------------------------------------------------------------------------------------

    @Test
    void row5ARefusedProbeMakesItProposeItselfAtOnce() {
        Backup backup = new Backup().following().inView(A, B, C);
        backup.core.onConnectionLost("a", backup.now);
        backup.core.onConnectionLost("a", backup.now);
        assertThat(backup.heard()).containsExactly("probe a");
        backup.core.onProbe("a", true, backup.now);
        assertThat(backup.heard()).containsExactly("CANDIDATE");
        assertThat(backup.register.wanted()).hasValueSatisfying(v -> {
            assertThat(v.active()).isEqualTo(B);
            assertThat(v.term()).isEqualTo(2);
            assertThat(v.version()).isEqualTo(2);
            assertThat(v.backups()).containsExactly(C);
        });
    }

    @Test
    void row26AProbeThatEndsOtherwiseWaitsForOneAndAHalfTimesFailureDetection() {
        Backup backup = new Backup().following().inView(A, B);
        backup.core.onConnectionLost("a", backup.now);
        backup.core.onProbe("a", false, backup.now);
        backup.heard();
        backup.pass(750);
        backup.tick();
        assertThat(backup.heard()).isEmpty();
        backup.pass(1);
        backup.tick();
        assertThat(backup.heard()).containsExactly("CANDIDATE");
    }

    @Test
    void row26ASignOfLifeEndsTheWait() {
        Backup backup = new Backup().following().inView(A, B);
        backup.pass(749);
        backup.forward(orders, 1, 1, 0);
        backup.pass(749);
        backup.tick();
        assertThat(backup.heard()).containsExactly("a <- acknowledge 1 executed 0 round 0");
    }

    @Test
    void row26ItsOwnPauseAccusesNobodyAndTheActiveHasHalfOfTheTimeAgain() {
        Backup backup = new Backup().following().inView(A, B);
        backup.standStill(10_000);
        backup.tick();
        backup.pass(375);
        assertThat(backup.heard()).isEmpty();
        backup.pass(1);
        assertThat(backup.heard()).containsExactly("CANDIDATE");
    }

    @Test
    void row26ItsOwnPauseAccusesNobodyWhateverItIsToldFirstAfterwards() {
        Backup backup = new Backup().following().inView(A, B);
        backup.forward(orders, 1, 5, 5);
        backup.heard();
        backup.standStill(10_000);
        backup.lane();
        backup.tick();
        backup.pass(375);
        assertThat(backup.heard()).isEmpty();
        backup.forward(orders, 6, 6, 6);
        backup.pass(750);
        assertThat(backup.heard()).containsExactly("a <- acknowledge 6 executed 5 round 0", "execute 6..6");
    }

    @Test
    void row26ItsOwnPauseInACopyDoesNotBreakIt() {
        Backup backup = new Backup();
        backup.tick();
        backup.core.onCopyBegin("a", begin(1), backup.now);
        backup.standStill(60_000);
        backup.tick();
        assertThat(backup.core.state()).isEqualTo(BackupState.MIRRORING);
    }

    @Test
    void aRefusalOfAnotherNodeProposesNothing() {
        Backup backup = new Backup().following().inView(A, B);
        backup.core.onConnectionLost("c", backup.now);
        backup.core.onProbe("c", true, backup.now);
        assertThat(backup.heard()).isEmpty();
    }

    @Test
    void row31ACandidateAcknowledgesNothingUntilTheRegisterHasSpoken() {
        Backup backup = new Backup().following().inView(A, B).candidate();
        backup.forward(orders, 1, 2, 2);
        backup.register.cannotBeReached();
        backup.forward(orders, 1, 2, 2);
        backup.pass(10_000);
        backup.tick();
        assertThat(backup.heard()).isEmpty();
        assertThat(backup.core.receivedPosition()).isZero();
        assertThat(backup.core.reason()).contains("waiting for voters");
    }

    @Test
    void row10TheWinnerExecutesItsWholeTailBeforeItIsPromoted() {
        Backup backup = new Backup().following().inView(A, B);
        backup.forward(orders, 1, 5, 2);
        backup.candidate();
        backup.register.answer();
        assertThat(backup.heard()).containsExactly("PROMOTING", "execute 3..5");
        backup.lane();
        assertThat(backup.heard()).containsExactly("PROMOTED", "promoted in term 2");
        assertThat(backup.store.last()).isEqualTo(orders.at(5).identity());
    }

    @Test
    void row11AWinnerThatHasExecutedEverythingIsPromotedAtOnce() {
        Backup backup = new Backup().following().inView(A, B);
        backup.forward(orders, 1, 5, 5);
        backup.lane();
        backup.candidate();
        backup.register.answer();
        assertThat(backup.heard()).containsExactly("PROMOTING", "PROMOTED", "promoted in term 2");
    }

    @Test
    void aWinnerWhoseTailDiffersStopsAndIsNeverPromoted() {
        Backup backup = new Backup().following().inView(A, B, C);
        backup.forward(orders, 1, 5, 2);
        backup.candidate();
        backup.register.answer();
        backup.heard();
        backup.core.onDiverged(3, 1, 2, "another answer", backup.now);
        assertThat(backup.heard()).containsExactly("a <- diverged at 3", "UNFIT");
        backup.lane();
        assertThat(backup.heard()).isEmpty();
        assertThat(backup.core.receivedPosition())
                .as("perhaps the last copy there is")
                .isEqualTo(5);
    }

    @Test
    void row59ACandidateWhoseExecutionDiffersLeadsNobodyAndKeepsItsCopy() {
        Backup backup = new Backup().following().inView(A, B);
        backup.forward(orders, 1, 5, 3);
        backup.candidate();
        backup.core.onDiverged(3, 1, 2, "another answer", backup.now);
        assertThat(backup.heard()).containsExactly("a <- diverged at 3", "UNFIT");
        backup.register.answer();
        assertThat(backup.heard()).isEmpty();
        assertThat(backup.core.receivedPosition()).isEqualTo(5);
    }

    @Test
    void row12ALongerTailIsKeptWhenTheWinnerDiesBeforeItSentAnything() {
        Orders many = new Orders().reign(1).messages(109);
        Backup first = tailOf(B, many, 105);
        Backup second = beatenBy(first, tailOf(C, many, 110));
        assertThat(second.heard()).containsExactly("FOLLOWING", "b <- acknowledge 90 executed 90 round 0");
        second.outlives("b");
        assertThat(second.heard()).containsExactly("PROMOTING", "execute 91..110");
        second.lane();
        assertThat(second.heard()).containsExactly("PROMOTED", "promoted in term 3");
        assertThat(second.log.chainAt(105)).isEqualTo(first.store.chain());
        assertThat(second.store.digest()).isEqualTo(many.store.digest());
    }

    @Test
    void row12ALongerTailIsKeptWhenTheWinnerDiesAfterItSentAPart() {
        Orders many = new Orders().reign(1).messages(109);
        Backup first = tailOf(B, many, 105);
        Backup second = beatenBy(first, tailOf(C, many, 110));
        second.core.onForward("b", new Frame.Forward(2, 0, 95, many.range(91, 100)), second.now);
        assertThat(second.heard()).contains("b <- acknowledge 100 executed 90 round 0", "execute 91..95");
        second.lane();
        second.outlives("b");
        second.lane();
        assertThat(second.core.state()).isEqualTo(BackupState.PROMOTED);
        assertThat(second.store.digest()).isEqualTo(many.store.digest());
    }

    @Test
    void row8ALongerTailIsSetAsideOnlyWhenTheWinnerSendsAnother() throws Exception {
        Orders many = new Orders().reign(1).messages(109);
        Orders newer = many.forkAfter(105).reign(2);
        Backup first = tailOf(B, many, 105);
        Backup second = beatenBy(first, tailOf(C, many, 110));
        second.core.onForward("b", new Frame.Forward(2, 0, 90, newer.range(91, 105)), second.now);
        assertThat(second.core.receivedPosition()).isEqualTo(110);
        second.core.onForward("b", new Frame.Forward(2, 0, 90, newer.range(106, 106)), second.now);
        assertThat(second.core.receivedPosition()).isEqualTo(106);
        assertThat(second.heard()).endsWith("b <- acknowledge 106 executed 90 round 0");
        second.outlives("b");
        second.lane();
        assertThat(second.store.digest()).isEqualTo(newer.store.digest());
    }

    /** An in-sync backup of A that holds so much and has executed 90 of it. */
    private static Backup tailOf(View.Member self, Orders orders, long last) {
        Backup backup = new Backup(self).following().inView(A, B, C);
        backup.forward(orders, 1, last, 90);
        backup.lane();
        return backup;
    }

    /** Both propose themselves, the first wins and has the second follow from what that one has executed. */
    private static Backup beatenBy(Backup first, Backup second) {
        first.candidate();
        first.register.answer();
        first.lane();
        assertThat(first.core.state()).isEqualTo(BackupState.PROMOTED);
        second.register.value = first.register.value;
        second.candidate();
        second.register.answer();
        second.tick();
        assertThat(second.heard()).containsExactly("LOCATING_ACTIVE", "all <- join 2 last 1.110 executed 90");
        second.core.onFollow("b", new Frame.Follow(2, 2, 91), second.now);
        return second;
    }

    @Test
    void row15AndRow21WhoIsNotListedIsDeclinedAndLooksForTheActive() {
        Backup backup = new Backup().following().inView(A, C).candidate();
        assertThat(backup.register.wanted()).isEmpty();
        backup.register.answer();
        assertThat(backup.heard()).containsExactly("LOCATING_ACTIVE");
        backup.tick();
        assertThat(backup.heard()).containsExactly("all <- join 2 last 0.0 executed 0");
        backup.pass(10_000);
        backup.tick();
        backup.register.answer();
        backup.pass(10_000);
        backup.tick();
        assertThat(backup.heard()).noneMatch("CANDIDATE"::equals);
        backup.register.answer();
        assertThat(backup.core.reason()).contains("waiting for a/1").contains("c/1");
    }

    @Test
    void row16AnOldRunThatTheViewDoesNotListIsDeclined() {
        Backup backup =
                new Backup().following().inView(A, new View.Member("b", 9)).candidate();
        backup.register.answer();
        assertThat(backup.heard()).containsExactly("LOCATING_ACTIVE");
    }

    @Test
    void row36OfTwoCandidatesOneWinsAndTheOtherFollowsIt() {
        Backup b = new Backup().following().inView(A, B, C).candidate();
        Backup c = new Backup(C).following();
        c.register.value = b.register.value;
        c.candidate();
        b.register.answer();
        c.register.value = b.register.value;
        c.register.answer();
        assertThat(b.core.state()).isEqualTo(BackupState.PROMOTED);
        assertThat(c.heard()).containsExactly("LOCATING_ACTIVE");
        c.tick();
        assertThat(c.heard()).containsExactly("all <- join 2 last 0.0 executed 0");
        c.core.onFollow("b", new Frame.Follow(2, 2, 1), c.now);
        assertThat(c.heard()).containsExactly("FOLLOWING", "b <- acknowledge 0 executed 0 round 0");
        assertThat(c.core.term()).isEqualTo(2);
    }

    @Test
    void row23WhoIsListedInANewerTermProposesItselfThoughItNeverHeardTheActiveOfThatTerm() {
        Backup backup = new Backup().following();
        backup.register.value = Optional.of(new View(5, 3, C, List.of(B), List.of(), 0));
        backup.candidate();
        backup.register.answer();
        backup.heard();
        backup.pass(250);
        backup.tick();
        backup.register.answer();
        backup.pass(500);
        backup.tick();
        backup.register.answer();
        assertThat(backup.core.state()).isEqualTo(BackupState.LOCATING_ACTIVE);
        backup.pass(300);
        backup.tick();
        backup.register.answer();
        assertThat(backup.heard()).contains("FOLLOWING", "CANDIDATE");
        assertThat(backup.register.wanted()).hasValueSatisfying(v -> {
            assertThat(v.term()).isEqualTo(4);
            assertThat(v.active()).isEqualTo(B);
        });
    }

    @Test
    void row61TheDeathNoteOfTheActiveIsCarriedIntoThePromotion() {
        Backup backup = new Backup().following().inView(A, B);
        backup.core.onDeathNote("a", new Frame.DeathNote(1, new Identity(1, 2), 7, "stack"), backup.now);
        backup.core.onDeathNote("c", new Frame.DeathNote(1, new Identity(1, 2), 8, "no active"), backup.now);
        backup.core.onDeathNote("a", new Frame.DeathNote(0, new Identity(1, 2), 9, "old"), backup.now);
        backup.candidate();
        backup.register.answer();
        assertThat(backup.heard()).contains("promoted in term 2 quarantining 1.2#7");
    }

    @Test
    void row61ADeathNoteOutlivesTheNextActiveThatMayNotHaveBarredItsMessage() {
        Backup backup = new Backup().following();
        backup.core.onDeathNote("a", new Frame.DeathNote(1, new Identity(1, 2), 7, "stack"), backup.now);
        backup.core.onForward("a", new Frame.Forward(2, 0, 0, List.of()), backup.now);
        backup.tick();
        backup.core.onFollow("a", new Frame.Follow(2, 2, 1), backup.now);
        backup.core.onDeathNote("a", new Frame.DeathNote(2, new Identity(1, 3), 1, "heap"), backup.now);
        backup.register.value = Optional.of(new View(2, 2, A, List.of(B), List.of(), 0));
        backup.candidate();
        backup.register.answer();
        assertThat(backup.heard()).contains("promoted in term 3 quarantining 1.2#7 quarantining 1.3#1");
    }

    @Test
    void row61ADeathNoteIsForgottenWhenALaterReignHasGoneOnWithItsSession() {
        Orders twoReigns = new Orders().reign(1).messages(5).reign(2).messages(1);
        Backup backup = new Backup().following();
        backup.forward(twoReigns, 1, 6, 6);
        backup.lane();
        backup.core.onDeathNote("a", new Frame.DeathNote(1, new Identity(1, 2), 5, "stack"), backup.now);
        backup.locatesAnew();
        backup.core.onFollow("c", new Frame.Follow(2, 2, 7), backup.now);
        backup.core.onForward("c", new Frame.Forward(2, 1, 8, List.of(twoReigns.at(7), twoReigns.at(8))), backup.now);
        backup.lane();
        backup.register.value = Optional.of(new View(2, 2, C, List.of(B), List.of(), 0));
        backup.outlives("c");
        assertThat(backup.heard()).endsWith("promoted in term 3");
    }

    @Test
    void row61ADeathNoteOfTheEndOfATimeIsForgottenWithThatEndAndNotBefore() {
        Identity session = new Identity(1, 2);
        MarkedRequest first = MarkedRequest.expiryOf(session, 1);
        MarkedRequest second = MarkedRequest.expiryOf(session, 2);
        MarkedRequest whole = MarkedRequest.expiryOf(session, 0);
        String all = " quarantining " + first.session() + "#" + first.requestId() + " quarantining 1.2#"
                + second.requestId() + " quarantining 1.2#0";
        assertThat(promotedAfter(orders -> orders.messages(1), first, second, whole))
                .endsWith("in term 3" + all);
        assertThat(promotedAfter(orders -> orders.expires(1).messages(1), first, second, whole))
                .endsWith("in term 3 quarantining 1.2#" + second.requestId() + " quarantining 1.2#0");
        assertThat(promotedAfter(orders -> orders.expires(0), first, second, whole, new MarkedRequest(session, 9)))
                .endsWith("in term 3");
    }

    /** What is heard last of a node that got these notes of term 1, then what term 2 ordered, and then takes over. */
    private static String promotedAfter(UnaryOperator<Orders> secondReign, MarkedRequest... notes) {
        Orders orders = secondReign.apply(new Orders().reign(1).messages(3).reign(2));
        long last = orders.store.last().position();
        Backup backup = new Backup().following();
        backup.forward(orders, 1, 4, 4);
        backup.lane();
        for (MarkedRequest note : notes) {
            backup.core.onDeathNote("a", new Frame.DeathNote(1, note.session(), note.requestId(), "stack"), backup.now);
        }
        backup.locatesAnew();
        backup.core.onFollow("c", new Frame.Follow(2, 2, 5), backup.now);
        backup.core.onForward("c", new Frame.Forward(2, 1, last, orders.range(5, last)), backup.now);
        backup.lane();
        backup.register.value = Optional.of(new View(2, 2, C, List.of(B), List.of(), 0));
        backup.outlives("c");
        List<String> heard = backup.heard();
        return heard.get(heard.size() - 1);
    }

    @Test
    void anEmptyRegisterIsBegunByTheFirstNodeWhenItIsNew() {
        Backup first = new Backup(A);
        first.tick();
        assertThat(first.register.wanted()).hasValueSatisfying(v -> {
            assertThat(v.active()).isEqualTo(A);
            assertThat(v.term()).isEqualTo(1);
            assertThat(v.version()).isEqualTo(1);
            assertThat(v.backups()).isEmpty();
        });
        first.register.answer();
        assertThat(first.heard()).contains("PROMOTING", "PROMOTED", "promoted in term 1");
    }

    @Test
    void anEmptyRegisterIsNotBegunByAnotherNodeNorByOneThatHoldsEntries() {
        Backup second = new Backup(B);
        second.tick();
        assertThat(second.register.wanted()).isEmpty();
        second.register.answer();
        assertThat(second.core.state()).isEqualTo(BackupState.LOCATING_ACTIVE);
        Backup first = new Backup(A);
        first.log.append(orders.at(1));
        first.tick();
        assertThat(first.register.wanted()).isEmpty();
    }

    @Test
    void row20ARegisterThatNamesAnotherIsNeverBegunAnew() {
        Backup first = new Backup(A);
        first.register.value = Optional.of(new View(9, 4, new View.Member("a", 7), List.of(C), List.of(), 0));
        first.tick();
        assertThat(first.register.wanted()).isEmpty();
        first.register.answer();
        assertThat(first.core.state()).isEqualTo(BackupState.LOCATING_ACTIVE);
        assertThat(first.core.reason()).contains("a/7").contains("c/1");
    }

    @Test
    void asksAgainWithTheSameNumberUntilItHasFoundAnActiveAndWithAHigherOneAfterwards() {
        Backup backup = new Backup();
        backup.tick();
        backup.pass(49);
        backup.tick();
        backup.pass(1);
        backup.tick();
        assertThat(backup.heard())
                .containsExactly("all <- join 1 last 0.0 executed 0", "all <- join 1 last 0.0 executed 0");
        backup.core.onFollow("a", new Frame.Follow(1, 1, 1), backup.now);
        backup.forward(orders, 3, 3, 0);
        backup.heard();
        backup.tick();
        assertThat(backup.heard()).containsExactly("all <- join 2 last 0.0 executed 0");
    }

    @Test
    void row37ALateFollowOfAnOlderAttemptCannotCutTheLog() {
        Backup backup = new Backup().following();
        backup.forward(orders, 1, 5, 1);
        backup.core.onFollow("a", new Frame.Follow(1, 1, 2), backup.now);
        backup.forward(new Orders().reign(1).messages(9), 8, 8, 1);
        backup.tick();
        backup.core.onFollow("a", new Frame.Follow(1, 1, 2), backup.now);
        assertThat(backup.core.receivedPosition()).isEqualTo(5);
        assertThat(backup.core.state()).isEqualTo(BackupState.LOCATING_ACTIVE);
    }

    @Test
    void row8KeepsTheCommonPrefixAndSetsTheRestAside() throws Exception {
        Backup backup = new Backup().following();
        backup.forward(orders, 1, 5, 2);
        backup.lane();
        Orders newer = orders.forkAfter(3).reign(2).messages(2);
        backup.core.onForward("a", new Frame.Forward(2, 0, 0, List.of()), backup.now);
        backup.tick();
        backup.heard();
        backup.core.onFollow("c", new Frame.Follow(2, 2, 4), backup.now);
        assertThat(backup.heard()).containsExactly("FOLLOWING", "c <- acknowledge 3 executed 2 round 0");
        backup.core.onForward("c", new Frame.Forward(2, 0, 6, newer.range(4, 6)), backup.now);
        backup.lane();
        assertThat(backup.heard()).containsExactly("c <- acknowledge 6 executed 2 round 0", "execute 3..6");
        assertThat(backup.store.digest()).isEqualTo(newer.store.digest());
    }

    @Test
    void row8WhoExecutedWhatTheActiveDoesNotHaveIsRebuilt() throws Exception {
        Orders newer = orders.forkAfter(3).reign(2).messages(2);
        Backup backup = new Backup().following();
        backup.forward(orders, 1, 5, 5);
        backup.lane();
        backup.core.onForward("a", new Frame.Forward(2, 0, 0, List.of()), backup.now);
        backup.tick();
        backup.heard();
        backup.core.onFollow("c", new Frame.Follow(2, 2, 4), backup.now);
        assertThat(backup.heard()).containsExactly("FOLLOWING", "c <- acknowledge 3 executed 3 round 0");
        backup.core.onForward("c", new Frame.Forward(2, 0, 5, newer.range(4, 5)), backup.now);
        assertThat(backup.heard()).containsExactly("UNFIT", "rebuild");
    }

    @Test
    void row8WhoHandedOverWhatTheActiveDoesNotHaveIsRebuiltThoughItIsNotExecutedYet() throws Exception {
        Orders newer = orders.forkAfter(3).reign(2).messages(2);
        Backup backup = new Backup().following();
        backup.forward(orders, 1, 6, 4);
        backup.locatesAnew();
        backup.core.onFollow("c", new Frame.Follow(2, 2, 1), backup.now);
        backup.heard();
        backup.core.onForward("c", new Frame.Forward(2, 0, 5, newer.range(1, 5)), backup.now);
        assertThat(backup.heard()).containsExactly("UNFIT", "rebuild");
    }

    @Test
    void whatWasHandedOverForExecutionIsKeptThoughTheActiveAsksForItAgain() {
        Backup backup = new Backup().following();
        backup.forward(orders, 1, 5, 4);
        backup.core.onForward("a", new Frame.Forward(2, 0, 0, List.of()), backup.now);
        backup.tick();
        backup.heard();
        backup.core.onFollow("c", new Frame.Follow(2, 2, 1), backup.now);
        backup.lane();
        assertThat(backup.core.executedPosition()).isEqualTo(4);
        assertThat(backup.core.receivedPosition()).isEqualTo(5);
        assertThat(backup.heard()).containsExactly("FOLLOWING", "c <- acknowledge 0 executed 0 round 0");
        backup.core.onForward("c", new Frame.Forward(2, 0, 5, orders.range(1, 5)), backup.now);
        assertThat(backup.heard()).containsExactly("c <- acknowledge 5 executed 4 round 0", "execute 5..5");
    }

    @Test
    void believesStableOnlyAsFarAsItsEntriesAreShownToBeTheActives() {
        Backup backup = new Backup().following();
        backup.forward(orders, 1, 5, 2);
        backup.locatesAnew();
        backup.core.onFollow("c", new Frame.Follow(2, 2, 3), backup.now);
        backup.heard();
        backup.core.onForward("c", new Frame.Forward(2, 0, 5, List.of()), backup.now);
        assertThat(backup.heard()).containsExactly("c <- acknowledge 2 executed 0 round 0");
        backup.core.onForward("c", new Frame.Forward(2, 0, 5, orders.range(3, 4)), backup.now);
        assertThat(backup.heard()).containsExactly("c <- acknowledge 4 executed 0 round 0", "execute 3..4");
    }

    @Test
    void neverTellsOfMoreExecutedThanReceived() {
        Orders many = new Orders().reign(1).messages(200);
        Backup backup = new Backup().following();
        backup.forward(many, 1, 200, 200);
        backup.locatesAnew();
        backup.core.onFollow("c", new Frame.Follow(2, 2, 1), backup.now);
        backup.heard();
        backup.lane();
        assertThat(backup.core.executedPosition()).isEqualTo(200);
        assertThat(backup.heard()).containsExactly("c <- acknowledge 0 executed 0 round 0");
        backup.core.onForward("c", new Frame.Forward(2, 0, 200, many.range(1, 150)), backup.now);
        assertThat(backup.heard()).containsExactly("c <- acknowledge 150 executed 150 round 0");
    }

    // ---- what the log keeps ----------------------------------------------------------------------------------------

    @Test
    void row56NothingThatWasNotHandedOverIsEvicted() {
        Orders many = new Orders().reign(1).messages(200);
        Backup backup = new Backup(B, 1_000).following();
        backup.forward(many, 1, 150, 50);
        assertThat(backup.log.bytes()).isGreaterThan(2 * backup.log.maxBytes());
        backup.forward(many, 151, 151, 50);
        assertThat(backup.log.firstPosition()).isEqualTo(51);
        backup.forward(many, 152, 199, 199);
        backup.forward(many, 200, 200, 200);
        assertThat(backup.log.bytes()).isLessThanOrEqualTo(backup.log.maxBytes());
        backup.lane();
        assertThat(backup.store.last()).isEqualTo(many.at(200).identity());
    }

    @Test
    void row56AWinnerWithAFullLogExecutesItsWholeTail() {
        Orders many = new Orders().reign(1).messages(199);
        Backup backup = new Backup(B, 1_000).following().inView(A, B);
        backup.forward(many, 1, 200, 0);
        backup.candidate();
        backup.register.answer();
        backup.lane();
        assertThat(backup.core.state()).isEqualTo(BackupState.PROMOTED);
        assertThat(backup.store.digest()).isEqualTo(many.store.digest());
    }

    @Test
    void row56WhoCannotShowWhatItHandedOverFollowsWhenThatIsExecuted() {
        Orders many = new Orders().reign(1).messages(199);
        Backup backup = new Backup(B, 1_000).following();
        backup.forward(many, 1, 150, 150);
        backup.forward(many, 151, 160, 150);
        assertThat(backup.log.firstPosition()).isGreaterThan(100);
        backup.locatesAnew();
        backup.core.onFollow("c", new Frame.Follow(2, 2, 1), backup.now);
        backup.core.onForward("c", new Frame.Forward(2, 0, 150, many.range(1, 10)), backup.now);
        assertThat(backup.core.state()).isEqualTo(BackupState.LOCATING_ACTIVE);
        backup.lane();
        backup.pass(50);
        assertThat(backup.heard()).endsWith("all <- join 2 last 1.160 executed 150");
        backup.core.onFollow("c", new Frame.Follow(2, 2, 151), backup.now);
        backup.core.onForward("c", new Frame.Forward(2, 0, 160, many.range(151, 160)), backup.now);
        assertThat(backup.heard()).endsWith("c <- acknowledge 160 executed 150 round 0", "execute 151..160");
    }

    // ---- copies ----------------------------------------------------------------------------------------------------

    @Test
    void aWholeCopyIsInstalledAndFollowedFrom() {
        Backup backup = new Backup();
        backup.tick();
        backup.heard();
        backup.core.onCopyBegin("a", begin(1), backup.now);
        backup.core.onCopyChunk("a", new Frame.CopyChunk(1, 3, 0, false, new byte[1]), backup.now);
        backup.core.onCopyChunk("a", new Frame.CopyChunk(1, 3, 1, true, new byte[1]), backup.now);
        assertThat(backup.heard()).containsExactly("MIRRORING", "begin copy 3 at 1.6", "piece 0", "last piece 1");
        backup.core.onCopyPieceTaken(3, 0, false, backup.now);
        assertThat(backup.heard()).containsExactly("a <- copied 1");
        assertThat(backup.core.receivedPosition()).isZero();
        backup.core.onCopyPieceTaken(3, 1, true, backup.now);
        assertThat(backup.heard())
                .containsExactly(
                        "install copy 3", "a <- copied 2", "FOLLOWING", "a <- acknowledge 6 executed 6 round 0");
        orders.messages(1);
        backup.forward(orders, 7, 7, 7);
        assertThat(backup.heard()).containsExactly("a <- acknowledge 7 executed 6 round 0", "execute 7..7");
    }

    @Test
    void row39RoundsOfAFormerTermAreForgottenWithACopyTooAndItsDeathNoteIsNot() {
        Backup backup = new Backup().following();
        backup.core.onForward("a", new Frame.Forward(1, 9, 0, List.of()), backup.now);
        backup.core.onDeathNote("a", new Frame.DeathNote(1, new Identity(1, 2), 7, "stack"), backup.now);
        backup.locatesAnew();
        backup.core.onCopyBegin(
                "c",
                new Frame.CopyBegin(
                        2, 2, 3, orders.at(6).identity(), orders.at(6).chain()),
                backup.now);
        backup.heard();
        backup.core.onCopyPieceTaken(3, 0, true, backup.now);
        assertThat(backup.heard())
                .containsExactly(
                        "install copy 3", "c <- copied 1", "FOLLOWING", "c <- acknowledge 6 executed 6 round 0");
        backup.core.onForward("c", new Frame.Forward(2, 1, 6, List.of()), backup.now);
        assertThat(backup.heard()).containsExactly("c <- acknowledge 6 executed 6 round 1");
        backup.register.value = Optional.of(new View(2, 2, C, List.of(B), List.of(), 0));
        backup.outlives("c");
        assertThat(backup.heard()).endsWith("promoted in term 3 quarantining 1.2#7");
    }

    @Test
    void row37ADoubledPieceOfACopyIsTakenOnce() {
        Backup backup = new Backup();
        backup.tick();
        backup.core.onCopyBegin("a", begin(1), backup.now);
        backup.heard();
        backup.core.onCopyChunk("a", new Frame.CopyChunk(1, 3, 0, false, new byte[1]), backup.now);
        backup.core.onCopyChunk("a", new Frame.CopyChunk(1, 3, 0, false, new byte[1]), backup.now);
        backup.core.onCopyChunk("a", new Frame.CopyChunk(1, 3, 1, true, new byte[1]), backup.now);
        assertThat(backup.heard()).containsExactly("piece 0", "last piece 1");
    }

    @Test
    void row39PiecesOfAnotherCopyOrTermAreNotTaken() {
        Backup backup = new Backup();
        backup.tick();
        backup.core.onCopyBegin("a", begin(0), backup.now);
        assertThat(backup.core.state()).isEqualTo(BackupState.LOCATING_ACTIVE);
        backup.core.onCopyBegin("a", begin(1), backup.now);
        backup.heard();
        backup.core.onCopyChunk("a", new Frame.CopyChunk(1, 2, 0, true, new byte[1]), backup.now);
        backup.core.onCopyChunk("a", new Frame.CopyChunk(2, 3, 0, true, new byte[1]), backup.now);
        backup.core.onCopyChunk("c", new Frame.CopyChunk(1, 3, 0, true, new byte[1]), backup.now);
        backup.core.onCopyPieceTaken(2, 0, true, backup.now);
        backup.core.onForward("a", new Frame.Forward(1, 0, 1, orders.range(1, 1)), backup.now);
        assertThat(backup.heard()).isEmpty();
        assertThat(backup.core.receivedPosition()).isZero();
    }

    @Test
    void row18ABrokenCopyLeavesNothingOfIt() {
        Backup backup = new Backup();
        backup.tick();
        backup.core.onCopyBegin("a", begin(1), backup.now);
        backup.heard();
        backup.core.onCopyBroken(2, "another one", backup.now);
        assertThat(backup.heard()).isEmpty();
        backup.core.onCopyBroken(3, "checksum", backup.now);
        assertThat(backup.heard()).containsExactly("UNFIT", "rebuild");
        assertThat(backup.core.receivedPosition()).isZero();
    }

    @Test
    void row17And18ACopyThatStopsComingLeavesNothingOfItNorOfWhatItReplaced() {
        Backup backup = new Backup();
        backup.tick();
        backup.core.onCopyBegin("a", begin(1), backup.now);
        backup.heard();
        backup.pass(7_500);
        backup.tick();
        assertThat(backup.heard()).isNotEmpty().containsOnly("a <- copied 0");
        backup.pass(1);
        backup.tick();
        assertThat(backup.heard()).containsExactly("UNFIT", "rebuild");
    }

    // ---- an older copy, and the operator's word --------------------------------------------------------------------

    /** It holds entries 1 to 5 of term 1, and the active has gone on alone. */
    private Backup leftBehind() {
        Backup backup = new Backup().following().inView(A);
        backup.forward(orders, 1, 5, 3);
        backup.lane();
        backup.candidate();
        backup.register.answer();
        assertThat(backup.core.state()).isEqualTo(BackupState.LOCATING_ACTIVE);
        backup.heard();
        return backup;
    }

    @Test
    void row21AnOperatorsWordMakesAnOlderCopyLeadInANewTermWithAllThatItHolds() {
        Backup backup = leftBehind();
        assertThat(backup.core.overrideRefusal()).isEmpty();
        assertThat(backup.core.override(A::equals, backup.now)).isEmpty();
        assertThat(backup.heard()).containsExactly("CANDIDATE");
        assertThat(backup.core.overrideRefusal()).contains("it is taking over already");
        assertThat(backup.register.wanted()).contains(new View(2, 2, B, List.of(), List.of(), 0));
        backup.register.answer();
        assertThat(backup.heard()).containsExactly("PROMOTING", "execute 4..5");
        backup.lane();
        assertThat(backup.heard()).containsExactly("PROMOTED", "promoted in term 2");
        assertThat(backup.core.receivedPosition()).isEqualTo(5);
    }

    @Test
    void row85AnOperatorsWordChangesNothingWhileTheActiveOrAnInSyncBackupMayLive() {
        Backup backup = leftBehind().inView(A, C);
        for (View.Member gone : List.of(A, C)) {
            backup.core.override(gone::equals, backup.now);
            assertThat(backup.register.wanted()).isEmpty();
            backup.register.answer();
            assertThat(backup.heard()).containsExactly("CANDIDATE", "LOCATING_ACTIVE");
        }
        backup.core.override(member -> true, backup.now);
        backup.register.answer();
        assertThat(backup.core.state()).isEqualTo(BackupState.PROMOTING);
    }

    @Test
    void row85AnOperatorsWordIsJudgedByTheViewThatTheRegisterHasThen() {
        Backup backup = leftBehind();
        backup.core.override(A::equals, backup.now);
        backup.register.value = Optional.of(new View(4, 3, C, List.of(), List.of(), 0));
        backup.register.answer();
        assertThat(backup.heard()).containsExactly("CANDIDATE", "LOCATING_ACTIVE");
        assertThat(backup.core.reason()).isEqualTo("the register says view 4 term 3 active c/1 backups []");
    }

    @Test
    void row85NobodyWhoFollowsOrHoldsNothingOrIsUnfitCanBeMadeToLead() {
        Backup empty = new Backup().inView(A);
        assertThat(empty.core.override(member -> true, empty.now))
                .hasValueSatisfying(text -> assertThat(text).contains("holds nothing"));

        Backup following = new Backup().following();
        following.forward(orders, 1, 5, 5);
        assertThat(following.core.override(member -> true, following.now)).contains("it follows a, which lives");

        Backup mirroring = new Backup();
        mirroring.tick();
        mirroring.core.onCopyBegin("a", begin(1), mirroring.now);
        assertThat(mirroring.core.override(member -> true, mirroring.now)).contains("it follows a, which lives");

        following.core.onUnfit("told so", following.now);
        assertThat(following.core.override(member -> true, following.now)).contains("it is not fit to lead: told so");
        assertThat(List.of(empty, following, mirroring))
                .allSatisfy(backup -> assertThat(backup.heard()).doesNotContain("CANDIDATE"));
    }

    @Test
    void row21AnOlderCopyGoesOnWhenTheOneThatWasToReplaceItBreaksOrStopsComing() {
        Backup backup = leftBehind();
        backup.hasRoom = true;
        backup.tick();
        backup.core.onCopyBegin("a", begin(2), backup.now);
        assertThat(backup.heard()).endsWith("MIRRORING", "begin copy 3 at 1.6");
        backup.core.onCopyBroken(3, "checksum", backup.now);
        assertThat(backup.heard()).containsExactly("drop copy 3", "LOCATING_ACTIVE");
        backup.tick();
        backup.core.onCopyBegin("a", begin(3), backup.now);
        backup.heard();
        backup.pass(7_501);
        assertThat(backup.heard()).contains("drop copy 3", "LOCATING_ACTIVE").doesNotContain("rebuild");
        assertThat(backup.core.receivedPosition()).isEqualTo(5);
        assertThat(backup.core.override(A::equals, backup.now)).isEmpty();
    }

    @Test
    void row21AnOlderCopyIsReplacedWhenTheOtherIsWhole() {
        Backup backup = leftBehind();
        backup.hasRoom = true;
        backup.tick();
        backup.core.onCopyBegin("a", begin(2), backup.now);
        backup.core.onCopyChunk("a", new Frame.CopyChunk(1, 3, 0, true, new byte[1]), backup.now);
        backup.heard();
        backup.core.onCopyPieceTaken(3, 0, true, backup.now);
        assertThat(backup.heard())
                .containsExactly(
                        "install copy 3", "a <- copied 1", "FOLLOWING", "a <- acknowledge 6 executed 6 round 0");
        assertThat(backup.core.receivedPosition()).isEqualTo(6);
    }

    // ---- at the border, and in words -------------------------------------------------------------------------------

    @Test
    void itsEndIsSaidOnce() {
        Backup backup = new Backup().following();
        backup.core.close("told to");
        backup.core.close("told to again");
        assertThat(backup.heard()).containsExactly("CLOSED");
        assertThat(backup.core.state()).isEqualTo(BackupState.CLOSED);
        assertThat(backup.core.reason()).isEqualTo("told to");
    }

    @Test
    void saysWhomItFollowsFromWhereAndWhatTheRegisterSaid() {
        Backup backup = new Backup().inView(A, C);
        assertThat(backup.core.followed()).isEmpty();
        assertThat(backup.core.registerView()).isEmpty();
        backup.tick();
        backup.register.answer();
        assertThat(backup.core.registerView()).isEqualTo(backup.register.value);
        assertThat(backup.core.reason()).isEqualTo("waiting for a/1, active of term 1, or an in-sync backup of [c/1]");
        backup.core.onFollow("a", new Frame.Follow(1, 1, 1), backup.now);
        assertThat(backup.core.followed()).isEqualTo("a");
        assertThat(backup.core.reason()).isEqualTo("from position 1 of a");
    }

    @Test
    void saysThatTheRegisterCannotBeReadOnlyWhileItNeedsIt() {
        Backup backup = new Backup().inView(A);
        backup.tick();
        backup.register.cannotBeReached();
        assertThat(backup.core.reason()).isEqualTo("the view register cannot be read: waiting for voters");
        backup.core.onFollow("a", new Frame.Follow(1, 1, 1), backup.now);
        backup.register.cannotBeReached();
        assertThat(backup.core.reason()).isEqualTo("from position 1 of a");
    }

    @Test
    void saysWhyItProposedItselfAndWhatBecameOfIt() {
        Backup silent = new Backup().following().inView(A, B);
        silent.pass(750);
        assertThat(silent.core.state()).isEqualTo(BackupState.FOLLOWING);
        silent.pass(1);
        assertThat(silent.core.state()).isEqualTo(BackupState.CANDIDATE);
        assertThat(silent.core.reason()).isEqualTo("no sign of life from a for 750 ms");
        silent.register.cannotBeReached();
        assertThat(silent.core.reason()).isEqualTo("proposing itself, but waiting for voters");
        silent.register.value = Optional.of(new View(2, 2, C, List.of(), List.of(), 0));
        silent.register.answer();
        assertThat(silent.core.reason()).isEqualTo("the register says view 2 term 2 active c/1 backups []");

        Backup forgotten = new Backup().following().candidate();
        forgotten.register.answer();
        assertThat(forgotten.core.reason()).isEqualTo("the register is empty");
    }

    @Test
    void executedIsOnlyWhatWasHandedOver() {
        Backup backup = new Backup().following();
        backup.forward(orders, 1, 3, 2);
        backup.core.onApplied(2, 5, backup.now);
        assertThatThrownBy(() -> backup.core.onApplied(3, 5, backup.now)).isInstanceOf(Invariant.InvariantBroken.class);
    }

    @Test
    void tellsOfItsExecutionFromTheVeryEntryOnThatIsWorthIt() {
        Orders many = new Orders().reign(1).messages(300);
        int progress = 128;
        Backup busy = new Backup().following();
        busy.forward(many, 1, 300, 300);
        busy.heard();
        busy.core.onApplied(progress - 1, 1, busy.now);
        assertThat(busy.heard()).isEmpty();
        busy.core.onApplied(progress, 1, busy.now);
        assertThat(busy.heard()).containsExactly("a <- acknowledge 300 executed 128 round 0");
        busy.core.onApplied(2 * progress - 1, 1, busy.now);
        assertThat(busy.heard()).isEmpty();
    }

    @Test
    void followsAnActiveOfTheTermThatItFollowedBefore() {
        Backup backup = new Backup().following();
        backup.forward(orders, 1, 2, 2);
        backup.lane();
        backup.forward(orders, 4, 5, 5);
        backup.tick();
        backup.heard();
        backup.core.onFollow("a", new Frame.Follow(0, 2, 3), backup.now);
        assertThat(backup.heard()).as("an older term").isEmpty();
        backup.core.onFollow("a", new Frame.Follow(1, 2, 3), backup.now);
        assertThat(backup.heard()).containsExactly("FOLLOWING", "a <- acknowledge 2 executed 2 round 0");
    }

    @Test
    void takesACopyInTheTermThatItFollowedBefore() {
        Backup backup = new Backup().following();
        backup.forward(orders, 4, 5, 5);
        backup.tick();
        backup.heard();
        backup.core.onCopyBegin("a", new Frame.CopyBegin(0, 2, 3, Identity.NONE, 0), backup.now);
        assertThat(backup.heard()).as("an older term").isEmpty();
        backup.core.onCopyBegin("a", begin(2), backup.now);
        assertThat(backup.heard()).containsExactly("MIRRORING", "begin copy 3 at 1.6");
        assertThat(backup.core.reason()).isEqualTo("copy 3 of a at position 6");
    }

    @Test
    void theRoundsOfATermGoOnWhenItIsFollowedAgain() {
        Backup backup = new Backup().following();
        backup.core.onForward("a", new Frame.Forward(1, 9, 0, List.of()), backup.now);
        backup.forward(orders, 4, 5, 5);
        backup.tick();
        backup.heard();
        backup.core.onFollow("a", new Frame.Follow(1, 2, 1), backup.now);
        assertThat(backup.heard()).containsExactly("FOLLOWING", "a <- acknowledge 0 executed 0 round 9");
    }

    @Test
    void tellsOfTheCopyAgainAsOftenAsItLooksForAnActive() {
        Backup backup = new Backup();
        backup.tick();
        backup.core.onCopyBegin("a", begin(1), backup.now);
        backup.heard();
        backup.now += 50 * MS - 1;
        backup.tick();
        assertThat(backup.heard()).isEmpty();
        backup.now += 1;
        backup.tick();
        assertThat(backup.heard()).containsExactly("a <- copied 0");
        backup.now += 50 * MS - 1;
        backup.tick();
        assertThat(backup.heard()).isEmpty();
    }

    @Test
    void asksTheRegisterAtOnceAndThenNowAndThen() {
        Backup backup = new Backup().inView(A);
        backup.tick();
        assertThat(backup.register.isBusy()).as("at once").isTrue();
        backup.register.answer();
        backup.tick();
        assertThat(backup.register.isBusy()).isFalse();
        backup.pass(1_000);
        assertThat(backup.register.isBusy()).isTrue();
    }

    @Test
    void afterAPauseOfItsOwnTheActiveHasHalfOfTheTimeToTheNanosecond() {
        long halfNs = 375 * MS;
        Backup backup = new Backup().following().inView(A, B);
        backup.now += 700 * MS;
        backup.tick();
        backup.now += halfNs;
        backup.tick();
        assertThat(backup.core.state()).isEqualTo(BackupState.FOLLOWING);
        backup.now += 1;
        backup.tick();
        assertThat(backup.core.state()).isEqualTo(BackupState.CANDIDATE);
    }

    @Test
    void theLeaderToBeNeedsItsLogNoLongerForItsLane() {
        Backup backup = new Backup(B, 1 << 12).following().inView(A, B);
        backup.forward(orders, 1, 5, 5);
        backup.lane();
        backup.outlives("a");
        assertThat(backup.core.state()).isEqualTo(BackupState.PROMOTED);
        Orders more = orders.reign(2).messages(400);
        for (Entry entry : more.range(6, 300)) {
            backup.log.append(entry);
        }
        assertThat(backup.log.holds(6)).as("evicted, since nothing keeps it").isFalse();
    }

    private Frame.CopyBegin begin(long joinId) {
        return new Frame.CopyBegin(
                1, joinId, 3, orders.at(6).identity(), orders.at(6).chain());
    }

    private static Entry changed(Entry entry) {
        return new Entry(entry.header(), entry.body(), entry.decision(), entry.outcome() + 1, entry.chain());
    }

    // ---- what is told, and what is said
    // ------------------------------------------------------------------------------

    /** One backup over a real log and store; its lane executes when it is told to. */
    private static final class Backup implements BackupEffects {
        final ForwardLog log;
        final TsdStore store = TsdStore.create(new TallyService(), new NoRecords(), TsdStoreConfig.defaults());
        final ToldRegister register = new ToldRegister(Optional.empty());
        final BackupCore core;
        private final List<String> said = new ArrayList<>();
        private final ArrayDeque<Entry> handed = new ArrayDeque<>();
        long now = 1_000 * MS;
        /** Whether what it holds is kept while it is copied. */
        boolean hasRoom;

        Backup() {
            this(B);
        }

        Backup(View.Member self) {
            this(self, 1 << 20);
        }

        Backup(View.Member self, long logBytes) {
            log = new ForwardLog(logBytes);
            core = new BackupCore(
                    self,
                    new BackupNodeConfig(Duration.ofMillis(500), List.of("a", "b", "c")),
                    log,
                    register,
                    this,
                    now);
        }

        /** It follows the active of term 1 from the first entry on. */
        Backup following() {
            tick();
            core.onFollow("a", new Frame.Follow(1, 1, 1), now);
            said.clear();
            return this;
        }

        Backup inView(View.Member active, View.Member... backups) {
            register.value = Optional.of(new View(1, 1, active, Arrays.asList(backups), List.of(), 0));
            return this;
        }

        Backup candidate() {
            core.onConnectionLost("a", now);
            core.onProbe("a", true, now);
            said.clear();
            return this;
        }

        void forward(Orders from, long first, long last, long stable) {
            core.onForward("a", new Frame.Forward(1, 0, stable, from.range(first, last)), now);
        }

        /** The lane executes everything that was handed over. */
        void lane() {
            if (handed.isEmpty()) {
                return;
            }
            while (!handed.isEmpty()) {
                try {
                    store.apply(handed.remove());
                } catch (DivergenceException differs) {
                    throw new AssertionError(differs);
                }
            }
            core.onApplied(store.last().position(), store.chain(), now);
        }

        /** It hears of a higher term, and looks for whose that is. */
        void locatesAnew() {
            core.onForward("a", new Frame.Forward(2, 0, 0, List.of()), now);
            tick();
            said.clear();
        }

        /** Whom it follows is gone, and it wins. */
        void outlives(String active) {
            core.onConnectionLost(active, now);
            core.onProbe(active, true, now);
            said.clear();
            register.answer();
        }

        /** Time passes in small steps: a core that is not called for long believes that it stood still itself. */
        void pass(long ms) {
            long until = now + ms * MS;
            while (now < until) {
                now = Math.min(until, now + 100 * MS);
                tick();
            }
        }

        /** Time passes, and nobody calls. */
        void standStill(long ms) {
            now += ms * MS;
        }

        void tick() {
            core.tick(now);
        }

        List<String> heard() {
            List<String> lines = List.copyOf(said);
            said.clear();
            return lines;
        }

        @Override
        public void send(String node, Frame frame) {
            if (frame instanceof Frame.Acknowledge acknowledge) {
                assertThat(acknowledge.executedPosition()).isLessThanOrEqualTo(acknowledge.receivedPosition());
            }
            said.add(node + " <- " + text(frame));
        }

        @Override
        public void broadcast(Frame frame) {
            said.add("all <- " + text(frame));
        }

        private static String text(Frame frame) {
            if (frame instanceof Frame.Acknowledge acknowledge) {
                return "acknowledge " + acknowledge.receivedPosition() + " executed " + acknowledge.executedPosition()
                        + " round " + acknowledge.round();
            } else if (frame instanceof Frame.Join join) {
                return "join " + join.joinId() + " last " + join.last() + " executed " + join.executedPosition();
            } else if (frame instanceof Frame.CopyAcknowledge acknowledge) {
                return "copied " + acknowledge.pieces();
            } else if (frame instanceof Frame.Diverged diverged) {
                return "diverged at " + diverged.position();
            }
            return frame.toString();
        }

        @Override
        public void apply(List<Entry> entries) {
            handed.addAll(entries);
            said.add("execute " + entries.get(0).position() + ".."
                    + entries.get(entries.size() - 1).position());
        }

        @Override
        public void probe(String node) {
            said.add("probe " + node);
        }

        @Override
        public boolean beginCopy(long copyId, Identity at, long chain) {
            said.add("begin copy " + copyId + " at " + at);
            return hasRoom;
        }

        @Override
        public void installCopy(long copyId) {
            said.add("install copy " + copyId);
        }

        @Override
        public void dropCopy(long copyId) {
            said.add("drop copy " + copyId);
        }

        @Override
        public void copyPiece(long copyId, int index, boolean isLast, byte[] data) {
            said.add((isLast ? "last piece " : "piece ") + index);
        }

        @Override
        public void became(BackupState from, BackupState to, String reason) {
            said.add(to.toString());
        }

        @Override
        public void promoted(Promotion promotion) {
            StringBuilder line = new StringBuilder("promoted in term ")
                    .append(promotion.view().term());
            promotion.quarantined().forEach(m -> line.append(" quarantining ")
                    .append(m.session() + "#" + m.requestId()));
            said.add(line.toString());
        }

        @Override
        public void unfit(String reason) {
            said.add("rebuild");
        }
    }
}
