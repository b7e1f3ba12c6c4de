package io.lockstep.distributor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockstep.distributor.LockstepException.Outcome;
import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Invariant;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The client's half of the protocol as transcripts: what happens to it, and the lines that it says. */
class SessionCoreTest implements SessionCore.Effects<String> {
    private static final long MS = 1_000_000;
    private static final Identity S = new Identity(1, 2);
    private static final SessionConfig CONFIG = new SessionConfig(Duration.ofSeconds(10), 4, 3, Duration.ofSeconds(20));

    private final List<String> said = new ArrayList<>();
    private final List<Request> sent = new ArrayList<>();
    private final Map<String, String> texts = new HashMap<>();
    private String overText = "";
    private final SessionCore<String> core = new SessionCore<>(CONFIG, this, 77, 5_000 * MS, 0);
    private long now;

    @Test
    void numbersRequestsAndNamesTheOrderedOneBefore() {
        opened();
        core.submit("a", RequestKind.BEGIN, 0, new byte[1], now);
        core.submit("b", RequestKind.READ, 0, new byte[1], now);
        core.submit("c", RequestKind.CONTINUE, 1, new byte[1], now);
        assertThat(heard())
                .containsExactly("BEGIN 1 after 0 acked 0", "READ 2 after 1 acked 0", "CONTINUE 3 after 1 acked 0");
        answer(1, AnswerCode.OK, 3);
        core.submit("d", RequestKind.END, 1, new byte[1], now);
        assertThat(heard()).containsExactly("a OK", "END 4 after 3 acked 1");
        assertThat(sent.get(sent.size() - 1).highestSeen()).isEqualTo(new Identity(1, 3));
    }

    @Test
    void row1To4SendsEverythingUnansweredAgainOnTheNextChannelWithAHigherAttachNumber() {
        opened();
        core.submit("a", RequestKind.BEGIN, 0, new byte[1], now);
        core.submit("b", RequestKind.BEGIN, 0, new byte[1], now);
        answer(1, AnswerCode.OK, 3);
        heard();
        core.onChannelDown();
        core.submit("c", RequestKind.BEGIN, 0, new byte[1], now);
        assertThat(heard()).isEmpty();
        core.onChannelUp(now);
        assertThat(heard()).containsExactly("BEGIN 2 after 1 acked 1 repeated", "BEGIN 3 after 2 acked 1");
        assertThat(sent.get(sent.size() - 1).attach()).isEqualTo(2);
    }

    @Test
    void publishesItsAttachNumberWhenNothingIsPending() {
        opened();
        core.onChannelDown();
        core.onChannelUp(now);
        assertThat(heard()).containsExactly("TOUCH 1 after 0 acked 0");
        answer(1, AnswerCode.OK, 3);
        advance(19_000);
        assertThat(heard()).isEmpty();
        advance(1_100);
        assertThat(heard()).containsExactly("TOUCH 2 after 1 acked 1");
    }

    @Test
    void aHintHasEverythingSentAgainAfterAPauseAndNothingNewMeanwhile() {
        opened();
        core.submit("a", RequestKind.BEGIN, 0, new byte[1], now);
        core.submit("b", RequestKind.BEGIN, 0, new byte[1], now);
        heard();
        answer(1, AnswerCode.BUSY, 0);
        answer(2, AnswerCode.GAP, 0);
        core.submit("c", RequestKind.BEGIN, 0, new byte[1], now);
        assertThat(heard()).isEmpty();
        advance(5);
        assertThat(heard())
                .containsExactly("BEGIN 1 after 0 acked 0", "BEGIN 2 after 1 acked 0", "BEGIN 3 after 2 acked 0");
    }

    @Test
    void row37IgnoresAnswersThatNobodyWaitsFor() {
        opened();
        core.submit("a", RequestKind.BEGIN, 0, new byte[1], now);
        heard();
        answer(1, AnswerCode.OK, 3);
        answer(1, AnswerCode.OK, 3);
        answer(9, AnswerCode.OK, 4);
        core.onReply(1, new Answer(new Identity(1, 99), 1, S, AnswerCode.OK, new byte[0]), now);
        assertThat(heard()).containsExactly("a OK");
    }

    @Test
    void row25AnAnswerOfAnOlderTermIsNotBelievedButAskedForAgain() {
        opened();
        core.submit("a", RequestKind.BEGIN, 0, new byte[1], now);
        core.submit("b", RequestKind.BEGIN, 0, new byte[1], now);
        heard();
        core.onReply(3, new Answer(S, 2, new Identity(3, 9), AnswerCode.OK, new byte[0]), now);
        answer(1, AnswerCode.OK, 3);
        assertThat(heard()).containsExactly("term 3", "b OK");
        advance(5);
        assertThat(heard()).containsExactly("BEGIN 1 after 0 acked 0 repeated");
    }

    @Test
    void aRequestIsBarredBeforeItsDeadlineAndThenDefinitelyNotExecuted() {
        opened();
        core.submit("a", RequestKind.BEGIN, 0, new byte[1], now);
        core.submit("r", RequestKind.READ, 0, new byte[1], now);
        heard();
        advance(7_990);
        assertThat(heard()).noneMatch(line -> line.startsWith("VOID"));
        advance(20);
        assertThat(heard()).startsWith("VOID 1 after 0 acked 0").noneMatch(line -> line.startsWith("BEGIN"));
        answer(1, AnswerCode.VOIDED, 3);
        assertThat(heard()).containsExactly("a NOT_EXECUTED VOIDED");
        core.tick(now + 2_000 * MS);
        assertThat(heard()).contains("r NOT_EXECUTED null");
    }

    @Test
    void aRequestWhoseClientStoodStillPastItsDeadlineIsBarredAndNeverSentAsItWas() {
        opened();
        core.submit("a", RequestKind.BEGIN, 0, new byte[1], now);
        heard();
        advance(60_000);
        assertThat(heard()).contains("a UNKNOWN null").noneMatch(line -> line.startsWith("BEGIN"));
    }

    @Test
    void aBarredRequestThatHadBeenExecutedGetsItsAnswer() {
        opened();
        core.submit("a", RequestKind.BEGIN, 0, new byte[1], now);
        advance(8_010);
        heard();
        answer(1, AnswerCode.OK, 3);
        assertThat(heard()).containsExactly("a OK");
    }

    @Test
    void isUnknownOnlyWhenNobodyAnswersByTheDeadlineAndItsPlaceIsKeptUntilItIsResolved() {
        opened();
        core.submit("a", RequestKind.BEGIN, 0, new byte[1], now);
        core.onChannelDown();
        core.submit("never sent", RequestKind.BEGIN, 0, new byte[1], now);
        heard();
        advance(10_001);
        assertThat(heard()).containsExactlyInAnyOrder("a UNKNOWN null", "never sent NOT_EXECUTED null");
        core.onChannelUp(now);
        core.submit("b", RequestKind.BEGIN, 0, new byte[1], now);
        assertThat(heard()).containsExactly("VOID 1 after 0 acked 0 repeated", "BEGIN 2 after 1 acked 0");
        answer(1, AnswerCode.VOIDED, 3);
        answer(2, AnswerCode.OK, 4);
        assertThat(heard()).containsExactly("b OK");
        assertThat(core.isIdle()).isTrue();
    }

    @Test
    void row71ARefusedRequestIsBarredSoThatThoseAfterItGoOn() {
        opened();
        core.submit("a", RequestKind.BEGIN, 0, new byte[1], now);
        heard();
        answer(1, AnswerCode.REFUSED, 0);
        assertThat(heard()).containsExactly("VOID 1 after 0 acked 0");
        answer(1, AnswerCode.VOIDED, 3);
        assertThat(heard()).containsExactly("a NOT_EXECUTED REFUSED");
    }

    @Test
    void row81And82NamesWhatIsKnownOfTheEffect() {
        opened();
        for (String ticket : List.of("a", "b", "c", "d")) {
            core.submit(ticket, RequestKind.BEGIN, 0, new byte[1], now);
        }
        heard();
        answer(1, AnswerCode.ID_REUSED, 0);
        answer(2, AnswerCode.EXPIRED, 0);
        answer(3, AnswerCode.SERVICE_ERROR, 3);
        answer(4, AnswerCode.TRANSACTION_ENDED, 4);
        assertThat(heard())
                .containsExactly(
                        "a NOT_EXECUTED ID_REUSED",
                        "b UNKNOWN EXPIRED",
                        "c REFUSED_BY_SERVICE SERVICE_ERROR",
                        "d NOT_EXECUTED TRANSACTION_ENDED");
    }

    @Test
    void aLostSessionEndsEverythingAndIsDefiniteWhereOneCopyOnlyWasSent() {
        opened();
        core.submit("twice", RequestKind.BEGIN, 0, new byte[1], now);
        core.onChannelDown();
        core.onChannelUp(now);
        core.submit("once", RequestKind.BEGIN, 0, new byte[1], now);
        heard();
        answer(2, AnswerCode.UNKNOWN_SESSION, 0);
        assertThat(heard())
                .containsExactly(
                        "twice UNKNOWN UNKNOWN_SESSION",
                        "once NOT_EXECUTED UNKNOWN_SESSION",
                        "over NOT_EXECUTED UNKNOWN_SESSION");
        core.submit("late", RequestKind.BEGIN, 0, new byte[1], now);
        assertThat(heard()).containsExactly("late NOT_EXECUTED UNKNOWN_SESSION");
    }

    @Test
    void theWindowAndTheQueueAreBounded() {
        opened();
        for (int i = 1; i <= 8; i++) {
            core.submit("r" + i, RequestKind.BEGIN, 0, new byte[1], now);
        }
        assertThat(heard())
                .containsExactly(
                        "BEGIN 1 after 0 acked 0",
                        "BEGIN 2 after 1 acked 0",
                        "BEGIN 3 after 2 acked 0",
                        "BEGIN 4 after 3 acked 0",
                        "r8 NOT_EXECUTED BUSY");
    }

    @Test
    void row28And29And33LeavesADistributorFromWhichNothingComes() {
        opened();
        core.submit("a", RequestKind.BEGIN, 0, new byte[1], now);
        heard();
        advance(1_010);
        assertThat(heard()).contains("change channel");
    }

    @Test
    void closesAfterEverythingSentIsAnswered() {
        opened();
        core.submit("a", RequestKind.BEGIN, 0, new byte[1], now);
        core.close(2_000 * MS, now);
        assertThat(heard()).containsExactly("BEGIN 1 after 0 acked 0", "CLOSE 2 after 1 acked 0");
        answer(1, AnswerCode.OK, 3);
        answer(2, AnswerCode.OK, 4);
        assertThat(heard()).containsExactly("a OK", "over");
    }

    @Test
    void anOpeningThatNobodyAnswersSaysWhy() {
        core.onChannelUp(now);
        advance(5_010);
        assertThat(heard()).contains("OPEN 0 after 0 acked 0", "over NOT_EXECUTED null");
    }

    // ---- what goes out --------------------------------------------------------------------------------------------

    @Test
    void aRequestSaysWhatTheNodesNeed() {
        assertThat(core.session()).isEqualTo(Identity.provisional(77));
        opened();
        assertThat(core.attach()).isEqualTo(1);
        assertThat(core.term()).isEqualTo(1);
        assertThat(core.state()).isEqualTo(SessionState.OPEN);
        byte[] body = {1, 2};
        core.submit("a", RequestKind.CONTINUE, 7, body, now);
        assertThat(lastSent()).isEqualTo(new Request(S, 1, 1, RequestKind.CONTINUE, 7, 0, 0, S, 10_000, false, body));
        assertThat(core.lastRequestId()).isEqualTo(1);
        assertThat(core.isIdle()).isFalse();
        advance(8_000);
        assertThat(lastSent().kind()).isEqualTo(RequestKind.VOID);
        assertThat(lastSent().deadlineMillis()).isEqualTo(2_000);
        assertThat(lastSent().body()).isEmpty();
        assertThat(lastSent().transaction()).isEqualTo(7);
    }

    @Test
    void aRequestWhoseOutcomeStayedUnknownIsBarredWithATimeOfItsOwn() {
        opened();
        core.submit("a", RequestKind.BEGIN, 0, new byte[1], now);
        advance(10_000);
        core.onChannelDown();
        core.onChannelUp(now);
        assertThat(lastSent().kind()).isEqualTo(RequestKind.VOID);
        assertThat(lastSent().deadlineMillis()).isEqualTo(10_000);
        assertThat(heard()).contains("a UNKNOWN null").doesNotContain("BEGIN 1 after 0 acked 0 repeated");
    }

    @Test
    void aSessionWithoutANonceIsNone() {
        SessionConfig config = SessionConfig.defaults();
        assertThatThrownBy(() -> new SessionCore<>(config, this, 0, 5_000 * MS, 0))
                .isInstanceOf(Invariant.InvariantBroken.class);
    }

    @Test
    void acknowledgesOnlyWhatIsAnsweredWithoutAGapHoweverLongItRuns() {
        opened();
        for (int i = 0; i < 40; i += 4) {
            for (int j = 1; j <= 4; j++) {
                core.submit("r", RequestKind.BEGIN, 0, new byte[1], now);
            }
            answer(i + 2, AnswerCode.OK, i + 4);
            answer(i + 4, AnswerCode.OK, i + 6);
            core.submit("waits", RequestKind.READ, 0, new byte[1], now);
            assertThat(lastSent().requestId()).as("the window is full").isEqualTo(i + 4);
            answer(i + 3, AnswerCode.OK, i + 5);
            assertThat(lastSent().requestId()).isEqualTo(i + 4);
            answer(i + 1, AnswerCode.OK, i + 3);
            assertThat(lastSent().acknowledgedUpTo()).isEqualTo(i + 4);
            assertThat(lastSent().highestSeen()).isEqualTo(new Identity(1, i + 6));
            answer(i + 5, AnswerCode.OK, 0);
            i++;
        }
        assertThat(core.isIdle()).isTrue();
        assertThat(core.lastRequestId()).isEqualTo(40);
    }

    @Test
    void isIdleOnlyWhenNothingWaitsAndNothingIsUnanswered() {
        assertThat(core.isIdle()).isFalse();
        opened();
        assertThat(core.isIdle()).isTrue();
        core.onChannelDown();
        core.submit("a", RequestKind.READ, 0, new byte[1], now);
        assertThat(core.isIdle()).isFalse();
        core.onChannelUp(now);
        assertThat(core.isIdle()).isFalse();
    }

    // ---- pauses ---------------------------------------------------------------------------------------------------

    @Test
    void thePauseAfterHintsDoublesUpToAQuarterOfASecondAndIsShortAgainAfterAnAnswer() {
        opened();
        core.submit("a", RequestKind.BEGIN, 0, new byte[1], now);
        core.tick(now);
        heard();
        for (long pause : new long[] {4, 8, 16, 32, 64, 128, 250, 250}) {
            answer(1, AnswerCode.BUSY, 0);
            answer(1, AnswerCode.GAP, 0);
            assertThat(core.nextTickNs()).isEqualTo(now + pause * MS);
            advance(pause - 1);
            assertThat(heard()).isEmpty();
            advance(1);
            assertThat(heard()).containsExactly("BEGIN 1 after 0 acked 0");
        }
        answer(1, AnswerCode.OK, 3);
        core.submit("b", RequestKind.BEGIN, 0, new byte[1], now);
        answer(2, AnswerCode.NOT_ACTIVE, 0);
        assertThat(core.nextTickNs()).isEqualTo(now + 4 * MS);
    }

    @Test
    void aHintOfAChannelThatIsGoneDelaysNothing() {
        opened();
        core.submit("a", RequestKind.BEGIN, 0, new byte[1], now);
        answer(1, AnswerCode.BUSY, 0);
        core.onChannelDown();
        answer(1, AnswerCode.BUSY, 0);
        heard();
        core.onChannelUp(now);
        core.submit("b", RequestKind.BEGIN, 0, new byte[1], now);
        assertThat(heard()).containsExactly("BEGIN 1 after 0 acked 0 repeated", "BEGIN 2 after 1 acked 0");
        advance(300);
        assertThat(heard()).isEmpty();
    }

    @Test
    void row28And29And33RepeatsAndChangesTheChannelEverLaterAndBarsInTime() {
        opened();
        core.submit("a", RequestKind.BEGIN, 0, new byte[1], now);
        heard();
        List<String> story = new ArrayList<>();
        for (int ms = 1; ms <= 10_000; ms++) {
            now += MS;
            boolean isDue = core.nextTickNs() <= now;
            core.tick(now);
            for (String line : heard()) {
                story.add(ms + " " + line.replace(" after 0 acked 0", ""));
                assertThat(isDue).as("%s ms", ms).isTrue();
            }
        }
        assertThat(story)
                .containsExactly(
                        "667 BEGIN 1",
                        "1000 change channel",
                        "2001 BEGIN 1",
                        "3000 change channel",
                        "4668 BEGIN 1",
                        "7000 change channel",
                        "7335 BEGIN 1",
                        "8000 VOID 1",
                        "8000 VOID 1",
                        "8500 VOID 1",
                        "9000 VOID 1",
                        "9500 VOID 1",
                        "10000 a UNKNOWN null",
                        "10000 VOID 1");
    }

    @Test
    void anAnswerShowsThatTheChannelIsAlive() {
        opened();
        for (int i = 1; i <= 4; i++) {
            core.submit("r", RequestKind.BEGIN, 0, new byte[1], now);
        }
        heard();
        advance(600);
        answer(1, AnswerCode.OK, 3);
        advance(600);
        answer(2, AnswerCode.OK, 4);
        advance(600);
        assertThat(heard()).containsExactly("r OK", "r OK");
        advance(67);
        assertThat(heard()).containsExactly("BEGIN 3 after 2 acked 2", "BEGIN 4 after 3 acked 2");
    }

    @Test
    void silenceCountsFromTheFirstRequestThatWaits() {
        opened();
        advance(15_000);
        core.submit("a", RequestKind.BEGIN, 0, new byte[1], now);
        heard();
        advance(600);
        core.submit("b", RequestKind.BEGIN, 0, new byte[1], now);
        heard();
        advance(67);
        assertThat(heard()).containsExactly("BEGIN 1 after 0 acked 0", "BEGIN 2 after 1 acked 0");
        advance(333);
        assertThat(heard()).containsExactly("change channel");
    }

    @Test
    void aNewChannelHasItsTimeAgain() {
        opened();
        core.submit("a", RequestKind.BEGIN, 0, new byte[1], now);
        now += 900 * MS;
        core.onChannelDown();
        core.onChannelUp(now);
        heard();
        advance(660);
        assertThat(heard()).isEmpty();
        assertThat(core.nextTickNs()).isEqualTo(900 * MS + 10_000 * MS / 15);
    }

    @Test
    void saysWhenItsNextTickIsDue() {
        opened();
        core.tick(now);
        assertThat(core.nextTickNs()).as("the next sign of life").isEqualTo(20_000 * MS);
        advance(1_000);
        core.submit("a", RequestKind.READ, 0, new byte[1], 200 * MS, now);
        assertThat(core.nextTickNs()).as("its moment for being barred").isEqualTo(1_100 * MS);
        core.tick(now);
        core.onChannelDown();
        assertThat(core.nextTickNs()).as("a read is not barred").isEqualTo(1_100 * MS);
        advance(150);
        assertThat(core.nextTickNs()).as("its deadline").isEqualTo(1_200 * MS);
        advance(50);
        assertThat(core.nextTickNs()).isEqualTo(Long.MAX_VALUE);
        core.submit("b", RequestKind.BEGIN, 0, new byte[1], 300 * MS, now);
        assertThat(core.nextTickNs()).isEqualTo(1_500 * MS);
    }

    @Test
    void aSignOfLifeGoesOutWhenNothingOrderedDidForLongAndReadsAreNone() {
        opened();
        advance(10_000);
        core.submit("a", RequestKind.BEGIN, 0, new byte[1], now);
        answer(1, AnswerCode.OK, 3);
        advance(19_000);
        core.submit("r", RequestKind.READ, 0, new byte[1], now);
        heard();
        advance(999);
        assertThat(heard()).noneMatch(line -> line.startsWith("TOUCH"));
        advance(1);
        assertThat(heard()).contains("TOUCH 3 after 1 acked 1");
        assertThat(lastSent().deadlineMillis()).isEqualTo(10_000);
        advance(8_000);
        assertThat(heard()).as("it is barred like any other").contains("VOID 3 after 1 acked 1");
    }

    @Test
    void aRequestPublishesTheAttachNumberAsWellAsATouch() {
        opened();
        core.submit("r", RequestKind.READ, 0, new byte[1], now);
        core.onChannelDown();
        heard();
        core.onChannelUp(now);
        assertThat(heard()).containsExactly("READ 1 after 0 acked 0 repeated", "TOUCH 2 after 0 acked 0");
        core.onChannelDown();
        core.submit("a", RequestKind.BEGIN, 0, new byte[1], now);
        core.onChannelUp(now);
        assertThat(heard())
                .containsExactly(
                        "READ 1 after 0 acked 0 repeated",
                        "TOUCH 2 after 0 acked 0 repeated",
                        "BEGIN 3 after 2 acked 0");
        assertThat(core.attach()).isEqualTo(3);
    }

    // ---- ends -----------------------------------------------------------------------------------------------------

    @Test
    void aRequestMayHaveATimeOfItsOwn() {
        opened();
        core.submit("a", RequestKind.BEGIN, 0, new byte[1], 1_000 * MS, now);
        heard();
        advance(799);
        assertThat(heard()).noneMatch(line -> line.startsWith("VOID"));
        advance(1);
        assertThat(heard()).startsWith("VOID 1 after 0 acked 0");
        advance(199);
        assertThat(heard()).noneMatch(line -> line.startsWith("a "));
        advance(1);
        assertThat(heard()).contains("a UNKNOWN null");
        assertThat(text("a")).contains("within 1000 ms");
    }

    @Test
    void aReadEndsAtItsDeadlineAndLeavesNothingBehind() {
        opened();
        core.submit("r", RequestKind.READ, 0, new byte[1], 1_000 * MS, now);
        advance(999);
        assertThat(heard()).noneMatch(line -> line.startsWith("r ") || line.startsWith("VOID"));
        advance(1);
        assertThat(heard()).contains("r NOT_EXECUTED null");
        assertThat(text("r")).contains("no answer within 1000 ms");
        assertThat(core.isIdle()).isTrue();
        core.submit("a", RequestKind.BEGIN, 0, new byte[1], now);
        assertThat(heard()).containsExactly("BEGIN 2 after 0 acked 1");
    }

    @Test
    void whatIsNotSentInTimeIsToldWhy() {
        opened();
        for (int i = 1; i <= 4; i++) {
            core.submit("sent", RequestKind.BEGIN, 0, new byte[1], now);
        }
        core.submit("full", RequestKind.BEGIN, 0, new byte[1], 1_000 * MS, now);
        advance(999);
        assertThat(heard()).noneMatch(line -> line.startsWith("full"));
        advance(1);
        assertThat(heard()).contains("full NOT_EXECUTED null");
        assertThat(text("full")).contains("not sent within 1000 ms").contains("the window of 4 requests is full");
        answer(1, AnswerCode.OK, 3);
        answer(2, AnswerCode.BUSY, 0);
        core.submit("held up", RequestKind.BEGIN, 0, new byte[1], 3 * MS, now);
        advance(3);
        assertThat(text("held up")).contains("no active takes requests");
        core.onChannelDown();
        core.submit("cut off", RequestKind.BEGIN, 0, new byte[1], 1_000 * MS, now);
        core.submit("later", RequestKind.BEGIN, 0, new byte[1], 2_000 * MS, now);
        advance(1_000);
        assertThat(text("cut off")).contains("no distributor can be reached");
        assertThat(core.nextTickNs()).isEqualTo(now + 1_000 * MS);
    }

    @Test
    void aRefusedReadIsOverAndARefusedVoidIsSentAgain() {
        opened();
        core.submit("r", RequestKind.READ, 0, new byte[1], now);
        core.submit("a", RequestKind.BEGIN, 0, new byte[1], now);
        heard();
        answer(1, AnswerCode.REFUSED, 0);
        assertThat(heard()).containsExactly("r NOT_EXECUTED REFUSED");
        answer(2, AnswerCode.REFUSED, 0);
        answer(2, AnswerCode.REFUSED, 0);
        assertThat(heard()).containsExactly("VOID 2 after 0 acked 1");
        advance(4);
        assertThat(heard()).containsExactly("VOID 2 after 0 acked 1");
    }

    @Test
    void aRefusalIsToldInTheWordsOfWhoRefused() {
        opened();
        core.submit("a", RequestKind.BEGIN, 0, new byte[1], now);
        byte[] why = "too long".getBytes(StandardCharsets.UTF_8);
        core.onReply(1, new Answer(S, 1, Identity.NONE, AnswerCode.REFUSED, why), now);
        answer(1, AnswerCode.VOIDED, 3);
        assertThat(text("a")).isEqualTo("too long");
        core.submit("b", RequestKind.BEGIN, 0, new byte[1], now);
        advance(8_000);
        answer(2, AnswerCode.VOIDED, 4);
        assertThat(text("b")).contains("barred because its deadline came");
    }

    @Test
    void whenTheSessionIsLostAReadAndWhatWasSentOnceLatelyAreDefinite() {
        for (long ms : new long[] {19_999, 20_000}) {
            said.clear();
            now = 0;
            SessionCore<String> lost = new SessionCore<>(CONFIG, this, 77, 5_000 * MS, 0);
            open(lost);
            lost.submit("once", RequestKind.BEGIN, 0, new byte[1], 60_000 * MS, now);
            lost.submit("read", RequestKind.READ, 0, new byte[1], 60_000 * MS, now);
            heard();
            lost.onReply(1, new Answer(S, 1, S, AnswerCode.LOG_LACKS_SEEN, new byte[0]), ms * MS);
            String outcome = ms == 20_000 ? "UNKNOWN" : "NOT_EXECUTED";
            assertThat(heard())
                    .containsExactly(
                            "once " + outcome + " LOG_LACKS_SEEN",
                            "read NOT_EXECUTED LOG_LACKS_SEEN",
                            "over " + outcome + " LOG_LACKS_SEEN");
            assertThat(lost.state()).isEqualTo(SessionState.ENDED);
        }
    }

    @Test
    void whenTheSessionIsLostWhatWaitsWasNotExecuted() {
        opened();
        for (int i = 1; i <= 5; i++) {
            core.submit("r" + i, RequestKind.BEGIN, 0, new byte[1], now);
        }
        heard();
        answer(4, AnswerCode.UNKNOWN_SESSION, 0);
        assertThat(heard()).endsWith("r5 NOT_EXECUTED UNKNOWN_SESSION", "over NOT_EXECUTED UNKNOWN_SESSION");
        assertThat(core.isIdle()).isTrue();
    }

    @Test
    void whatIsAbortedIsUnknownExceptReadsAndIsOverOnce() {
        opened();
        core.submit("a", RequestKind.BEGIN, 0, new byte[1], now);
        core.submit("r", RequestKind.READ, 0, new byte[1], now);
        heard();
        Ending problem = Ending.failed(0, Outcome.UNKNOWN, null, "the client failed");
        core.abort(problem);
        core.abort(problem);
        assertThat(heard()).containsExactly("a UNKNOWN null", "r NOT_EXECUTED null", "over UNKNOWN null");
        assertThat(text("a")).contains("the client failed");
    }

    @Test
    void whatHasEndedStaysSilent() {
        opened();
        core.submit("a", RequestKind.BEGIN, 0, new byte[1], now);
        core.close(2_000 * MS, now);
        answer(1, AnswerCode.OK, 3);
        answer(2, AnswerCode.UNKNOWN_SESSION, 0);
        assertThat(heard()).endsWith("a OK", "over");
        core.onChannelDown();
        core.onChannelUp(now);
        assertThat(core.attach()).isEqualTo(1);
        core.onReply(9, new Answer(S, 1, S, AnswerCode.OK, new byte[0]), now);
        core.close(2_000 * MS, now);
        advance(60_000);
        assertThat(heard()).isEmpty();
        core.submit("late", RequestKind.BEGIN, 0, new byte[1], now);
        assertThat(heard()).containsExactly("late NOT_EXECUTED UNKNOWN_SESSION");
    }

    @Test
    void closingEndsWhatWaitsAndTakesNothingNew() {
        opened();
        for (int i = 1; i <= 5; i++) {
            core.submit("r" + i, RequestKind.BEGIN, 0, new byte[1], now);
        }
        heard();
        core.close(2_000 * MS, now);
        core.close(2_000 * MS, now);
        assertThat(heard()).containsExactly("r5 NOT_EXECUTED null");
        assertThat(text("r5")).contains("the client was closed");
        assertThat(core.state()).isEqualTo(SessionState.CLOSING);
        core.submit("late", RequestKind.BEGIN, 0, new byte[1], now);
        assertThat(heard()).containsExactly("late NOT_EXECUTED UNKNOWN_SESSION");
        answer(1, AnswerCode.OK, 3);
        assertThat(heard()).containsExactly("r1 OK", "CLOSE 5 after 4 acked 1");
    }

    @Test
    void anEndThatNobodyConfirmsIsOverInTime() {
        for (boolean isSent : new boolean[] {true, false}) {
            said.clear();
            now = 0;
            SessionCore<String> closing = new SessionCore<>(CONFIG, this, 77, 5_000 * MS, 0);
            open(closing);
            if (!isSent) {
                closing.onChannelDown();
            }
            closing.close(2_000 * MS, now);
            assertThat(heard().isEmpty()).isEqualTo(!isSent);
            closing.tick(1_999 * MS);
            assertThat(heard()).doesNotContain("over UNKNOWN null");
            assertThat(closing.nextTickNs()).isLessThanOrEqualTo(2_000 * MS);
            closing.tick(2_000 * MS);
            assertThat(heard()).contains("over UNKNOWN null");
        }
    }

    @Test
    void anOpeningIsAskedForAgainAfterAHintAndAfterSilence() {
        core.onChannelUp(now);
        opening(0, Identity.provisional(77), AnswerCode.NOT_ACTIVE);
        assertThat(heard()).containsExactly("OPEN 0 after 0 acked 0", "term 1");
        advance(3);
        assertThat(heard()).isEmpty();
        advance(1);
        assertThat(heard()).containsExactly("OPEN 0 after 0 acked 0 repeated");
        advance(667);
        assertThat(heard()).containsExactly("OPEN 0 after 0 acked 0 repeated");
    }

    @Test
    void anOpeningIsAnsweredByItsOwnAnswerOnly() {
        core.onChannelUp(now);
        opening(1, Identity.provisional(77), AnswerCode.OK);
        opening(0, Identity.provisional(78), AnswerCode.OK);
        assertThat(core.state()).isEqualTo(SessionState.OPENING);
        heard();
        core.submit("a", RequestKind.BEGIN, 0, new byte[1], now);
        assertThat(heard()).isEmpty();
        opening(0, Identity.provisional(77), AnswerCode.OK);
        assertThat(heard()).containsExactly("opened 1.2", "BEGIN 1 after 0 acked 0");
    }

    @Test
    void aRefusedOpeningIsOverAndSoIsWhatWaitedForIt() {
        core.onChannelUp(now);
        core.submit("a", RequestKind.BEGIN, 0, new byte[1], now);
        heard();
        opening(0, Identity.provisional(77), AnswerCode.REFUSED);
        assertThat(heard()).containsExactly("term 1", "a NOT_EXECUTED REFUSED", "over NOT_EXECUTED REFUSED");
    }

    @Test
    void anOpeningIsGivenUpInTimeAndSaysWhetherAnybodyWasReached() {
        advance(4_999);
        assertThat(heard()).isEmpty();
        assertThat(core.nextTickNs()).isEqualTo(5_000 * MS);
        advance(1);
        assertThat(heard()).containsExactly("over NOT_EXECUTED null");
        assertThat(overText).contains("no distributor could be reached");
        now = 0;
        SessionCore<String> other = new SessionCore<>(CONFIG, this, 77, 5_000 * MS, 0);
        other.onChannelUp(now);
        other.tick(5_000 * MS);
        assertThat(overText).contains("no active answered");
    }

    @Test
    void anOpeningThatIsClosedIsOverAtOnce() {
        core.onChannelUp(now);
        core.submit("a", RequestKind.BEGIN, 0, new byte[1], now);
        heard();
        core.close(2_000 * MS, now);
        assertThat(heard()).containsExactly("a NOT_EXECUTED null", "over");
    }

    @Test
    void whatWaitedForTheOpeningEndsInTime() {
        core.submit("a", RequestKind.BEGIN, 0, new byte[1], 1_000 * MS, now);
        core.onChannelUp(now);
        opening(0, Identity.provisional(77), AnswerCode.BUSY);
        heard();
        advance(1_000);
        assertThat(heard()).contains("a NOT_EXECUTED null");
    }

    // ---- help -----------------------------------------------------------------------------------------------------

    private void opened() {
        open(core);
        assertThat(core.session()).isEqualTo(S);
    }

    private void open(SessionCore<String> opening) {
        opening.onChannelUp(now);
        opening.onReply(1, new Answer(Identity.provisional(77), 0, S, AnswerCode.OK, new byte[0]), now);
        heard();
    }

    private void opening(long id, Identity session, AnswerCode code) {
        core.onReply(1, new Answer(session, id, S, code, new byte[0]), now);
    }

    private Request lastSent() {
        return sent.get(sent.size() - 1);
    }

    /** What the application was told of the end of that request. */
    private String text(String ticket) {
        return Objects.requireNonNull(texts.get(ticket));
    }

    private void answer(long id, AnswerCode code, long position) {
        Identity entry = position == 0 ? Identity.NONE : new Identity(1, position);
        core.onReply(1, new Answer(S, id, entry, code, new byte[0]), now);
    }

    /** Lets time pass in one step. */
    private void advance(long millis) {
        now += millis * MS;
        core.tick(now);
    }

    private List<String> heard() {
        List<String> lines = List.copyOf(said);
        said.clear();
        return lines;
    }

    @Override
    public void send(Request request) {
        sent.add(request);
        said.add(request.kind() + " " + request.requestId() + " after " + request.previousOrdered() + " acked "
                + request.acknowledgedUpTo() + (request.repeated() ? " repeated" : ""));
    }

    @Override
    public void ended(String ticket, Ending ending) {
        Outcome problem = ending.problem();
        said.add(problem == null ? ticket + " OK" : ticket + " " + problem + " " + ending.code());
        texts.put(ticket, ending.text());
    }

    @Override
    public void opened(Identity session) {
        said.add("opened " + session);
    }

    @Override
    public void over(@Nullable Ending problem) {
        said.add(problem == null ? "over" : "over " + problem.problem() + " " + problem.code());
        overText = problem == null ? "" : problem.text();
    }

    @Override
    public void changeChannel(String reason) {
        said.add("change channel");
    }

    @Override
    public void termChanged(long term) {
        said.add("term " + term);
    }
}
