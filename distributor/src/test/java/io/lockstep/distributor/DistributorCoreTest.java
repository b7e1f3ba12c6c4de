package io.lockstep.distributor;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import io.lockstep.wire.View;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** The distributor's decisions as transcripts: what is said to it, and the lines that it says. */
class DistributorCoreTest {
    private static final long MS = 1_000_000;
    private static final View.Member A = new View.Member("a", 1);
    private static final View.Member B = new View.Member("b", 1);
    private static final Identity S = new Identity(1, 2);

    private final List<String> said = new ArrayList<>();
    private final DistributorCore<String> core = core(
            DistributorConfig.builder("d").sessionGrace(Duration.ofSeconds(10)).build());
    private long now = 1_000 * MS;
    private Frame.Ask lastAsk = new Frame.Ask(0, request(1, RequestKind.BEGIN, ""));

    @Test
    void row2HoldsWhatNobodyCanTakeAndSendsItUnmarkedWhenAnActiveNamesItself() {
        core.onRequest("c", request(1, RequestKind.BEGIN, "x"), now);
        assertThat(heard()).isEmpty();
        activeIs(A, 1);
        assertThat(heard()).containsExactly("active a 1", "a <- 1 BEGIN 1");
    }

    @Test
    void row5And7SendsEverythingHeldToTheNewActiveInOrderMarkedRepeated() {
        activeIs(A, 1);
        core.onRequest("c", request(1, RequestKind.BEGIN, "x"), now);
        core.onRequest("c", request(2, RequestKind.CONTINUE, "y"), now);
        core.onReply(A, reply(1, 1, AnswerCode.OK), now);
        core.onNodeDown(A);
        core.onRequest("c", request(3, RequestKind.CONTINUE, "z"), now);
        heard();
        activeIs(B, 2);
        assertThat(heard()).containsExactly("active b 2", "b <- 2 CONTINUE 2 repeated", "b <- 2 CONTINUE 3");
    }

    @Test
    void sendsAgainWhenTheSameActiveIsConnectedAnew() {
        activeIs(A, 1);
        core.onRequest("c", request(1, RequestKind.BEGIN, "x"), now);
        core.onNodeDown(A);
        heard();
        core.onNodeUp(A, now);
        core.onViewNotice(A, new Frame.ViewNotice(1, 1, A), now);
        assertThat(heard()).containsExactly("a <- 1 BEGIN 1 repeated");
    }

    @Test
    void row61WhatAFormerActiveMayHaveDiedOfIsMarkedRepeatedWhicheverCopyOfItGoesOut() {
        activeIs(A, 1);
        core.onRequest("c", request(1, RequestKind.BEGIN, "x"), now);
        activeIs(B, 2);
        heard();
        core.onRequest("c", request(1, RequestKind.BEGIN, "x"), now); // the copy before was lost on its way
        core.onReply(B, reply(2, 1, AnswerCode.BUSY), now);
        core.onRequest("c", request(1, RequestKind.BEGIN, "x"), now); // the one before is held no more
        core.onRequest("c", request(2, RequestKind.CONTINUE, "y"), now);
        assertThat(heard())
                .containsExactly(
                        "b <- 2 BEGIN 1 repeated", "c <- 2 BUSY 1", "b <- 2 BEGIN 1 repeated", "b <- 2 CONTINUE 2");
    }

    @Test
    void row25And39DropsAnswersAndNoticesOfAnOlderTermOrOfAnotherNode() {
        activeIs(A, 1);
        core.onRequest("c", request(1, RequestKind.BEGIN, "x"), now);
        activeIs(B, 3);
        heard();
        core.onReply(A, reply(1, 1, AnswerCode.OK), now);
        core.onReply(B, reply(2, 1, AnswerCode.OK), now);
        core.onReply(A, reply(3, 1, AnswerCode.OK), now);
        core.onViewNotice(A, new Frame.ViewNotice(2, 9, A), now);
        core.onViewNotice(A, new Frame.ViewNotice(3, 9, A), now);
        assertThat(heard()).isEmpty();
        core.onReply(A, reply(0, 1, AnswerCode.NOT_ACTIVE), now);
        core.onReply(A, reply(1, 1, AnswerCode.BUSY), now);
        assertThat(heard()).isEmpty();
        assertThat(core.snapshot().staleFrames()).isEqualTo(7);
        assertThat(core.snapshot().staleAnswers()).isEqualTo(3);
        assertThat(core.snapshot().active()).isEqualTo(B);
        core.onReply(B, reply(3, 1, AnswerCode.OK), now);
        assertThat(heard()).containsExactly("c <- 3 OK 1");
    }

    @Test
    void row28And35LearnsTheTermFromARefusalAndLosesNothing() {
        activeIs(A, 1);
        core.onNodeUp(B, now);
        core.onRequest("c", request(1, RequestKind.BEGIN, "x"), now);
        heard();
        core.onReply(A, reply(2, 1, AnswerCode.NOT_ACTIVE), now);
        assertThat(heard()).isEmpty();
        core.onViewNotice(B, new Frame.ViewNotice(2, 2, B), now);
        assertThat(heard()).containsExactly("active b 2", "b <- 2 BEGIN 1 repeated");
    }

    @Test
    void asksAnActiveThatOnlyOthersNameAfterAShortWait() {
        core.onNodeUp(A, now);
        core.onNodeUp(B, now);
        core.onRequest("c", request(1, RequestKind.BEGIN, "x"), now);
        core.onViewNotice(A, new Frame.ViewNotice(2, 2, B), now);
        assertThat(heard()).containsExactly("active b 2");
        core.tick(now + 60 * MS);
        assertThat(heard()).containsExactly("b <- 2 BEGIN 1");
    }

    @Test
    void row37AnswersADoubledAnswerOnceMoreAndHoldsADoubledRequestOnce() {
        activeIs(A, 1);
        core.onRequest("c", request(1, RequestKind.BEGIN, "x"), now);
        core.onRequest("c", request(1, RequestKind.BEGIN, "x"), now);
        assertThat(core.snapshot().heldRequests()).isEqualTo(1);
        heard();
        core.onReply(A, reply(1, 1, AnswerCode.OK), now);
        core.onReply(A, reply(1, 1, AnswerCode.OK), now);
        assertThat(heard()).containsExactly("c <- 1 OK 1", "c <- 1 OK 1");
        assertThat(core.snapshot().heldRequests()).isZero();
        assertThat(core.snapshot().heldBytes()).isZero();
    }

    @Test
    void row38SendsHeldRequestsInTheOrderOfTheirIdsHoweverTheyCame() {
        core.onRequest("c", request(3, RequestKind.CONTINUE, "z"), now);
        core.onRequest("c", request(1, RequestKind.BEGIN, "x"), now);
        core.onRequest("c", request(2, RequestKind.CONTINUE, "y"), now);
        activeIs(A, 1);
        assertThat(heard()).containsExactly("active a 1", "a <- 1 BEGIN 1", "a <- 1 CONTINUE 2", "a <- 1 CONTINUE 3");
    }

    @Test
    void aVoidTakesThePlaceOfItsTargetAndIsNotReplacedByAnOlderCopy() {
        core.onRequest("c", request(1, RequestKind.BEGIN, "x"), now);
        core.onRequest("c", request(1, RequestKind.VOID, ""), now);
        core.onRequest("c", request(1, RequestKind.BEGIN, "x"), now);
        activeIs(A, 1);
        assertThat(heard()).containsExactly("active a 1", "a <- 1 VOID 1");
    }

    @Test
    void refusesTheNewestCopyThatNeverLeftWhenFullButAlwaysTakesAVoid() {
        DistributorCore<String> small = core(DistributorConfig.builder("d")
                .held(2, 100)
                .heldPerSession(2, 50)
                .build());
        small.onRequest("c", request(2, RequestKind.CONTINUE, "y"), now);
        small.onRequest("c", request(3, RequestKind.CONTINUE, "z"), now);
        small.onRequest("c", request(1, RequestKind.BEGIN, "x"), now);
        small.onRequest("c", request(4, RequestKind.CONTINUE, "v"), now);
        assertThat(heard()).containsExactly("c <- 0 BUSY 3", "c <- 0 BUSY 4");
        small.onRequest("c", request(3, RequestKind.VOID, ""), now);
        assertThat(heard()).isEmpty();
        assertThat(small.snapshot().heldRequests()).isEqualTo(3);
        assertThat(small.snapshot().busyAnswers()).isEqualTo(2);
        small.onRequest("c", request(5, RequestKind.BEGIN, "x".repeat(51)), now);
        assertThat(heard()).containsExactly("c <- 0 REFUSED 5");
    }

    @Test
    void row71And72RefusesWhatNoClientMaySend() {
        activeIs(A, 1);
        heard();
        core.onRequest("c", request(1, RequestKind.VIEW, ""), now);
        core.onRequest("c", request(-1, RequestKind.CLOSE, ""), now);
        core.onRequest("c", request(-5, RequestKind.BEGIN, ""), now);
        core.onRequest("c", request(Identity.provisional(5), 1, 1, RequestKind.BEGIN, ""), now);
        core.onRequest("c", request(S, 0, 1, RequestKind.BEGIN, ""), now);
        core.onRequest("c", request(S, 1, 0, RequestKind.OPEN, ""), now);
        assertThat(heard()).allMatch(line -> line.startsWith("c <- 1 REFUSED")).hasSize(6);
        assertThat(core.snapshot().sessions()).isZero();
    }

    @Test
    void row83ClosesTheSessionOfAVanishedClientOnceAfterTheGrace() {
        activeIs(A, 1);
        core.onRequest("c", request(1, RequestKind.BEGIN, "x"), now);
        core.onReply(A, reply(1, 1, AnswerCode.OK), now);
        core.onClientGone("c", now);
        heard();
        core.tick(now + 9_900 * MS);
        assertThat(heard()).isEmpty();
        core.tick(now + 10_001 * MS);
        core.tick(now + 10_500 * MS);
        assertThat(heard()).containsExactly("a <- 1 CLOSE 0");
        core.onReply(A, reply(1, 0, AnswerCode.OK), now + 10_600 * MS);
        assertThat(heard()).isEmpty();
        assertThat(core.snapshot().sessions()).isZero();
    }

    @Test
    void row1To4AClientThatComesBackKeepsItsSession() {
        activeIs(A, 1);
        core.onRequest("c", request(1, RequestKind.BEGIN, "x"), now);
        core.onClientGone("c", now);
        core.onReply(A, reply(1, 1, AnswerCode.OK), now);
        heard();
        core.onRequest("c2", request(S, 2, 1, RequestKind.BEGIN, "x"), now + 500 * MS);
        core.tick(now + 11_000 * MS);
        assertThat(heard()).containsExactly("a <- 1 BEGIN 1");
        core.onReply(A, reply(1, 1, AnswerCode.OK), now + 11_000 * MS);
        assertThat(heard()).containsExactly("c2 <- 1 OK 1");
    }

    @Test
    void theLatestAttachmentSpeaksForTheSession() {
        activeIs(A, 1);
        core.onRequest("new", request(S, 2, 1, RequestKind.BEGIN, "x"), now);
        heard();
        core.onRequest("old", request(S, 1, 1, RequestKind.BEGIN, "x"), now);
        core.onRequest("twin", request(S, 2, 1, RequestKind.BEGIN, "x"), now);
        assertThat(heard()).containsExactly("close old", "close twin");
        core.onRequest("newer", request(S, 3, 1, RequestKind.BEGIN, "x"), now);
        assertThat(heard()).containsExactly("close new", "a <- 1 BEGIN 1");
    }

    @Test
    void row82And81HandsRefusalsOfTheNodeToTheClient() {
        activeIs(A, 1);
        core.onRequest("c", request(1, RequestKind.BEGIN, "other"), now);
        core.onRequest("c", request(2, RequestKind.BEGIN, "old"), now);
        heard();
        core.onReply(A, reply(1, 1, AnswerCode.ID_REUSED), now);
        core.onReply(A, reply(1, 2, AnswerCode.EXPIRED), now);
        assertThat(heard()).containsExactly("c <- 1 ID_REUSED 1", "c <- 1 EXPIRED 2");
    }

    @Test
    void dropsARequestLongAfterItsDeadline() {
        core.onRequest("c", request(1, RequestKind.BEGIN, "x"), now);
        core.tick(now + 31_500 * MS);
        assertThat(core.snapshot().heldRequests()).isZero();
    }

    @Test
    void anOpeningIsAnsweredUnderItsOldNameAndServedUnderItsNewOne() {
        activeIs(A, 1);
        Identity provisional = Identity.provisional(77);
        core.onRequest("c", request(provisional, 1, 0, RequestKind.OPEN, ""), now);
        core.onReply(A, new Frame.Reply(1, new Answer(provisional, 0, S, AnswerCode.OK, new byte[0])), now);
        core.onRequest("c", request(1, RequestKind.BEGIN, "x"), now);
        core.onReply(A, reply(1, 1, AnswerCode.OK), now);
        assertThat(heard())
                .containsExactly("active a 1", "a <- 1 OPEN 0", "c <- 1 OK 0", "a <- 1 BEGIN 1", "c <- 1 OK 1");
        assertThat(core.snapshot().sessions()).isEqualTo(1);
    }

    // ---- the active -----------------------------------------------------------------------------------------------

    @Test
    void tellsWhatItKnows() {
        assertThat(core.snapshot()).isEqualTo(new DistributorCore.Snapshot(0, 0, null, false, 0, 0, 0, 0, 0, 0));
        core.onRequest("c", request(1, RequestKind.BEGIN, "xyz"), now);
        core.onNodeUp(A, now);
        core.onViewNotice(B, new Frame.ViewNotice(2, 3, A), now);
        assertThat(core.snapshot()).isEqualTo(new DistributorCore.Snapshot(2, 3, A, false, 1, 1, 3, 0, 0, 0));
        core.onViewNotice(A, new Frame.ViewNotice(2, 5, A), now);
        core.onViewNotice(A, new Frame.ViewNotice(2, 4, A), now);
        assertThat(core.snapshot()).isEqualTo(new DistributorCore.Snapshot(2, 5, A, true, 1, 1, 3, 0, 0, 0));
    }

    @Test
    void anActiveThatOnlyOthersNameIsAskedAfterFiftyMilliseconds() {
        core.onNodeUp(A, now);
        core.onNodeUp(B, now);
        core.onViewNotice(A, new Frame.ViewNotice(2, 2, B), now);
        core.tick(now + 50 * MS - 1);
        assertThat(core.snapshot().isReady()).isFalse();
        core.tick(now + 50 * MS);
        assertThat(core.snapshot().isReady()).isTrue();
    }

    @Test
    void whatAnActiveGotBeforeItSaidThatItIsOneGoesOutAgain() {
        core.onNodeUp(A, now);
        core.onNodeUp(B, now);
        core.onViewNotice(A, new Frame.ViewNotice(2, 2, B), now);
        core.onRequest("c", request(1, RequestKind.BEGIN, "x"), now);
        core.tick(now + 50 * MS);
        assertThat(heard()).containsExactly("active b 2", "b <- 2 BEGIN 1");
        core.onViewNotice(B, new Frame.ViewNotice(2, 2, B), now + 60 * MS);
        assertThat(heard()).containsExactly("b <- 2 BEGIN 1 repeated");
        core.onViewNotice(B, new Frame.ViewNotice(2, 2, B), now + 70 * MS);
        core.onViewNotice(A, new Frame.ViewNotice(2, 2, B), now + 70 * MS);
        core.tick(now + 80 * MS);
        assertThat(heard()).isEmpty();
    }

    @Test
    void aNodeThatSaysThatItIsNotActiveIsAskedAgainEverLater() {
        activeIs(A, 1);
        core.onRequest("c", request(1, RequestKind.BEGIN, "x"), now);
        heard();
        for (int pauseMs : new int[] {50, 100, 200, 400, 800, 1_000, 1_000}) {
            core.onReply(A, reply(1, 1, AnswerCode.NOT_ACTIVE), now);
            core.onReply(A, reply(1, 1, AnswerCode.NOT_ACTIVE), now);
            core.tick(now + pauseMs * MS - 1);
            assertThat(heard()).as("within %s ms", pauseMs).isEmpty();
            now += pauseMs * MS;
            core.tick(now);
            assertThat(heard()).containsExactly("a <- 1 BEGIN 1 repeated");
        }
        core.onReply(A, reply(1, 1, AnswerCode.OK), now);
        core.onReply(A, reply(1, 1, AnswerCode.NOT_ACTIVE), now);
        core.tick(now + 50 * MS);
        assertThat(core.snapshot().isReady()).isTrue();
    }

    @Test
    void anotherTermBeginsWithAShortPauseAgain() {
        activeIs(A, 1);
        core.onReply(A, reply(1, 1, AnswerCode.NOT_ACTIVE), now);
        core.tick(now + 50 * MS);
        core.onReply(A, reply(1, 1, AnswerCode.NOT_ACTIVE), now + 50 * MS);
        core.onNodeUp(B, now);
        core.onViewNotice(B, new Frame.ViewNotice(2, 2, B), now + 60 * MS);
        core.onReply(B, reply(2, 1, AnswerCode.NOT_ACTIVE), now + 60 * MS);
        core.tick(now + 110 * MS);
        assertThat(core.snapshot().isReady()).isTrue();
    }

    @Test
    void aLinkThatComesUpIsUsedOnceItsNodeHasSpokenOrTheWaitIsOver() {
        core.onViewNotice(A, new Frame.ViewNotice(2, 2, B), now);
        core.tick(now + 60 * MS);
        assertThat(core.snapshot().isReady()).as("no link to it").isFalse();
        core.onNodeUp(A, now + 60 * MS);
        assertThat(core.snapshot().isReady()).isFalse();
        core.onNodeUp(B, now + 60 * MS);
        assertThat(core.snapshot().isReady()).isTrue();
        core.onNodeDown(A);
        assertThat(core.snapshot().isReady()).isTrue();
        core.onNodeDown(B);
        assertThat(core.snapshot().isReady()).isFalse();
    }

    @Test
    void theWordOfAFormerLinkDoesNotCount() {
        activeIs(A, 1);
        core.onNodeDown(A);
        core.onViewNotice(A, new Frame.ViewNotice(3, 3, A), now);
        core.onNodeUp(A, now);
        assertThat(core.snapshot().isReady()).isFalse();
        core.onViewNotice(A, new Frame.ViewNotice(3, 3, A), now);
        assertThat(core.snapshot().isReady()).isTrue();
    }

    @Test
    void row25AnAnswerOfAHigherTermThanIsKnownWaitsForItsNotice() {
        activeIs(A, 1);
        core.onRequest("c", request(1, RequestKind.BEGIN, "x"), now);
        heard();
        core.onReply(A, reply(2, 1, AnswerCode.OK), now);
        assertThat(heard()).isEmpty();
        assertThat(core.snapshot().staleFrames()).isEqualTo(1);
        assertThat(core.snapshot().staleAnswers()).isZero();
        assertThat(core.snapshot().heldRequests()).isEqualTo(1);
    }

    @Test
    void whatGoesOutAgainSaysHowMuchTimeIsLeft() {
        activeIs(A, 1);
        byte[] body = {1, 2, 3};
        core.onRequest(
                "c", new Request(S, 1, 5, RequestKind.CONTINUE, 3, 2, 4, new Identity(1, 9), 30_000, false, body), now);
        core.onNodeDown(A);
        now += 12_500 * MS;
        activeIs(B, 2);
        assertThat(lastAsk)
                .isEqualTo(new Frame.Ask(
                        2,
                        new Request(S, 1, 5, RequestKind.CONTINUE, 3, 2, 4, new Identity(1, 9), 17_500, true, body)));
    }

    // ---- sessions -------------------------------------------------------------------------------------------------

    @Test
    void whatTheClientHasTheAnswerOfIsNotHeld() {
        for (int id = 1; id <= 3; id++) {
            core.onRequest("c", request(id, RequestKind.BEGIN, "xy"), now);
        }
        core.onRequest(
                "c", new Request(S, 1, 4, RequestKind.BEGIN, 0, 2, 3, Identity.NONE, 30_000, false, new byte[1]), now);
        assertThat(core.snapshot().heldRequests()).isEqualTo(2);
        assertThat(core.snapshot().heldBytes()).isEqualTo(3);
        activeIs(A, 1);
        assertThat(heard()).containsExactly("active a 1", "a <- 1 BEGIN 3", "a <- 1 BEGIN 4");
    }

    @Test
    void anotherCopyTakesThePlaceOfAHeldOneAndIsCountedAnew() {
        core.onRequest("c", request(1, RequestKind.BEGIN, "long"), now);
        core.onRequest("c", request(1, RequestKind.VOID, ""), now + 20_000 * MS);
        assertThat(core.snapshot().heldRequests()).isEqualTo(1);
        assertThat(core.snapshot().heldBytes()).isZero();
        core.tick(now + 40_000 * MS);
        assertThat(core.snapshot().heldRequests()).as("its time is its own").isEqualTo(1);
        core.onRequest("c", request(1, RequestKind.VOID, ""), now);
        activeIs(A, 1);
        assertThat(heard()).containsExactly("active a 1", "a <- 1 VOID 1");
    }

    @Test
    void everyBoundIsKeptToTheRequestAndToTheByte() {
        bound(b -> b.held(2, 100).heldPerSession(2, 100), 1, 1);
        bound(b -> b.held(9, 4).heldPerSession(9, 4), 2, 2);
        bound(b -> b.held(9, 100).heldPerSession(2, 100), 1, 1);
        bound(b -> b.held(9, 100).heldPerSession(9, 4), 2, 2);
    }

    /** Two requests fit, a third does not; another session's fits where the bound is a session's own. */
    private void bound(Consumer<DistributorConfig.Builder> bounds, int firstBytes, int secondBytes) {
        DistributorConfig.Builder builder = DistributorConfig.builder("d");
        bounds.accept(builder);
        DistributorConfig config = builder.build();
        DistributorCore<String> small = core(config);
        small.onRequest("c", request(1, RequestKind.BEGIN, "x".repeat(firstBytes)), now);
        small.onRequest("c", request(2, RequestKind.BEGIN, "x".repeat(secondBytes)), now);
        assertThat(heard()).isEmpty();
        small.onRequest("c", request(3, RequestKind.BEGIN, "x"), now);
        assertThat(heard()).containsExactly("c <- 0 BUSY 3");
        assertThat(small.snapshot().heldBytes()).isEqualTo(firstBytes + secondBytes);
        small.onRequest("d", request(new Identity(1, 9), 1, 1, RequestKind.BEGIN, "x"), now);
        boolean isOfAll = config.heldRequestsMax() == config.heldRequestsPerSessionMax()
                && config.heldBytesMax() == config.heldBytesPerSessionMax();
        assertThat(heard()).isEqualTo(isOfAll ? List.of("d <- 0 BUSY 1") : List.of());
    }

    @Test
    void whatWasSentIsNeverGivenUpForAnOlderOne() {
        DistributorCore<String> small = core(DistributorConfig.builder("d")
                .held(1, 100)
                .heldPerSession(1, 50)
                .build());
        small.onNodeUp(A, now);
        small.onViewNotice(A, new Frame.ViewNotice(1, 1, A), now);
        small.onRequest("c", request(2, RequestKind.BEGIN, "x"), now);
        heard();
        small.onRequest("c", request(1, RequestKind.BEGIN, "x"), now);
        assertThat(heard()).containsExactly("c <- 1 BUSY 1");
    }

    @Test
    void aBodyMayBeAsLongAsWhatIsHeldForASession() {
        DistributorCore<String> small = core(DistributorConfig.builder("d")
                .held(2, 100)
                .heldPerSession(2, 50)
                .build());
        small.onRequest("c", request(1, RequestKind.BEGIN, "x".repeat(50)), now);
        assertThat(heard()).isEmpty();
        assertThat(small.snapshot().heldBytes()).isEqualTo(50);
    }

    @Test
    void row71NamesAndNumbersAreCheckedAtTheirBorders() {
        core.onRequest("c", request(Identity.provisional(5), 1, 0, RequestKind.OPEN, ""), now);
        core.onRequest("c", request(new Identity(1, 9), 1, 1, RequestKind.BEGIN, ""), now);
        assertThat(heard()).isEmpty();
        core.onRequest("c", request(Identity.NONE, 1, 1, RequestKind.BEGIN, ""), now);
        core.onRequest("c", request(Identity.provisional(5), 1, 1, RequestKind.OPEN, ""), now);
        core.onRequest("c", request(S, 1, 0, RequestKind.BEGIN, ""), now);
        assertThat(heard()).containsExactly("c <- 0 REFUSED 1", "c <- 0 REFUSED 1", "c <- 0 REFUSED 0");
    }

    @Test
    void takesNoMoreSessionsThanItsBound() {
        DistributorCore<String> small =
                core(DistributorConfig.builder("d").sessionsMax(1).build());
        small.onRequest("c", request(1, RequestKind.BEGIN, "x"), now);
        small.onRequest("d", request(new Identity(1, 9), 1, 1, RequestKind.BEGIN, "x"), now);
        small.onRequest("c", request(2, RequestKind.BEGIN, "x"), now);
        // A channel may carry many sessions, which go on when there is no place for one more.
        assertThat(heard()).containsExactly("d <- 0 BUSY 1");
        small.onRequest("c", request(Identity.provisional(5), 1, 0, RequestKind.OPEN, ""), now);
        assertThat(heard()).containsExactly("c <- 0 REFUSED 0");
        assertThat(small.snapshot().sessions()).isEqualTo(1);
        assertThat(small.snapshot().heldRequests()).isEqualTo(2);
    }

    @Test
    void aRequestIsDroppedASecondAfterItsDeadlineAndNotBefore() {
        core.onRequest("c", request(1, RequestKind.BEGIN, "x"), now);
        core.tick(now + 31_000 * MS);
        assertThat(core.snapshot().heldRequests()).isEqualTo(1);
        core.tick(now + 31_499 * MS);
        assertThat(core.snapshot().heldRequests())
                .as("looked for twice a second")
                .isEqualTo(1);
        core.tick(now + 31_500 * MS);
        assertThat(core.snapshot().heldRequests()).isZero();
        assertThat(core.snapshot().sessions()).isEqualTo(1);
    }

    @Test
    void aChannelIsClosedOnlyWhenTheLastOfItsSessionsHasLeftIt() {
        Identity other = new Identity(1, 9);
        core.onRequest("c", request(1, RequestKind.BEGIN, "x"), now);
        core.onRequest("c", request(other, 1, 1, RequestKind.BEGIN, "x"), now);
        core.onRequest("d", request(S, 2, 1, RequestKind.BEGIN, "x"), now);
        assertThat(heard()).isEmpty();
        core.onRequest("d", request(other, 2, 1, RequestKind.BEGIN, "x"), now);
        assertThat(heard()).containsExactly("close c");
        core.onClientGone("c", now);
        core.tick(now + 20_000 * MS);
        assertThat(core.snapshot().sessions()).isEqualTo(2);
        activeIs(A, 1);
        core.onReply(A, reply(1, 1, AnswerCode.OK), now);
        assertThat(heard()).contains("d <- 1 OK 1");
    }

    @Test
    void theAttachNumberOfAChannelOnlyRises() {
        core.onRequest("c", request(S, 3, 1, RequestKind.BEGIN, "x"), now);
        core.onRequest("c", request(S, 1, 2, RequestKind.BEGIN, "x"), now);
        core.onRequest("late", request(S, 2, 1, RequestKind.BEGIN, "x"), now);
        core.onRequest("twin", request(S, 3, 1, RequestKind.BEGIN, "x"), now);
        assertThat(heard()).containsExactly("close late", "close twin");
        core.onClientGone("c", now);
        core.onRequest("again", request(S, 3, 1, RequestKind.BEGIN, "x"), now);
        assertThat(heard()).as("nobody else speaks for it").isEmpty();
    }

    @Test
    void anOpeningThatIsRepeatedFindsTheSameSession() {
        activeIs(A, 1);
        Identity provisional = Identity.provisional(77);
        Request open = request(provisional, 1, 0, RequestKind.OPEN, "");
        core.onRequest("c", open, now);
        Frame.Reply named = new Frame.Reply(1, new Answer(provisional, 0, S, AnswerCode.OK, new byte[0]));
        core.onReply(A, named, now);
        core.onRequest("d", request(provisional, 2, 0, RequestKind.OPEN, ""), now);
        core.onReply(A, named, now);
        heard();
        core.onRequest("d", request(S, 2, 1, RequestKind.BEGIN, "x"), now);
        core.onReply(A, reply(1, 1, AnswerCode.OK), now);
        assertThat(heard()).containsExactly("a <- 1 BEGIN 1", "d <- 1 OK 1");
        assertThat(core.snapshot().sessions()).isEqualTo(1);
        core.onReply(A, named, now);
        assertThat(heard())
                .as("its older name is forgotten once the client knows the other")
                .isEmpty();
    }

    @Test
    void anOpeningThatFailedGivesNoName() {
        activeIs(A, 1);
        Identity provisional = Identity.provisional(77);
        core.onRequest("c", request(provisional, 1, 0, RequestKind.OPEN, ""), now);
        core.onReply(A, new Frame.Reply(1, new Answer(provisional, 0, S, AnswerCode.REFUSED, new byte[0])), now);
        heard();
        core.onReply(A, reply(1, 1, AnswerCode.OK), now);
        assertThat(heard()).isEmpty();
    }

    @Test
    void aSessionThatTheNodesDoNotKnowIsForgottenWhenNothingOfItIsHeld() {
        activeIs(A, 1);
        core.onRequest("c", request(1, RequestKind.BEGIN, "x"), now);
        core.onRequest("c", request(2, RequestKind.BEGIN, "x"), now);
        heard();
        core.onReply(A, reply(1, 1, AnswerCode.UNKNOWN_SESSION), now);
        assertThat(core.snapshot().sessions()).isEqualTo(1);
        core.onReply(A, reply(1, 2, AnswerCode.UNKNOWN_SESSION), now);
        assertThat(core.snapshot().sessions()).isZero();
        assertThat(heard()).containsExactly("c <- 1 UNKNOWN_SESSION 1", "c <- 1 UNKNOWN_SESSION 2");
        core.onClientGone("c", now);
        core.tick(now + 20_000 * MS);
        assertThat(heard()).isEmpty();
    }

    @Test
    void aSessionIsForgottenWhenItsClientHasClosedIt() {
        activeIs(A, 1);
        core.onRequest("c", request(1, RequestKind.BEGIN, "x"), now);
        core.onRequest("c", request(2, RequestKind.CLOSE, ""), now);
        core.onReply(A, reply(1, 2, AnswerCode.BUSY), now);
        assertThat(core.snapshot().sessions()).isEqualTo(1);
        core.onRequest("c", request(2, RequestKind.CLOSE, ""), now);
        core.onReply(A, reply(1, 2, AnswerCode.OK), now);
        assertThat(core.snapshot().sessions()).isZero();
        assertThat(core.snapshot().heldRequests()).isZero();
        assertThat(core.snapshot().heldBytes()).isZero();
    }

    // ---- clients that vanish --------------------------------------------------------------------------------------

    @Test
    void row83ASessionThatItsClientGivesUpIsClosedThoughTheirChannelGoesOn() {
        Identity other = new Identity(1, 9);
        activeIs(A, 1);
        core.onRequest("c", request(other, 1, 1, RequestKind.BEGIN, "x"), now);
        core.onRequest("c", request(1, RequestKind.BEGIN, "x"), now);
        heard();
        core.onRequest("c", request(S, Integer.MAX_VALUE, 0, RequestKind.CLOSE, ""), now);
        core.onRequest("c", request(S, Integer.MAX_VALUE, 0, RequestKind.CLOSE, ""), now);
        assertThat(heard()).containsExactly("a <- 1 CLOSE 0");
        assertThat(lastAsk.request().attach()).as("nobody comes later").isEqualTo(Integer.MAX_VALUE);
        assertThat(core.snapshot().heldRequests())
                .as("what it asked is not asked again")
                .isEqualTo(2);
        core.tick(now);
        core.tick(now + 500 * MS);
        assertThat(heard()).as("it is on its way").isEmpty();
        core.onReply(A, reply(1, 0, AnswerCode.OK), now);
        assertThat(heard()).as("nobody waits for that").isEmpty();
        assertThat(core.snapshot().sessions()).isEqualTo(1);
        core.onClientGone("c", now);
        core.tick(now + 10_001 * MS);
        assertThat(heard()).as("only the other one was left").containsExactly("a <- 1 CLOSE 0");
        assertThat(lastAsk.request().session()).isEqualTo(other);
    }

    @Test
    void row83AFarewellGoesOutWithTheNextActiveAlsoForASessionThatWasNotKnown() {
        core.onRequest("c", request(S, 3, 0, RequestKind.CLOSE, ""), now);
        assertThat(heard()).isEmpty();
        activeIs(A, 1);
        assertThat(heard()).containsExactly("active a 1", "a <- 1 CLOSE 0");
        DistributorCore<String> full =
                core(DistributorConfig.builder("d").sessionsMax(1).build());
        full.onRequest("c", request(1, RequestKind.BEGIN, "x"), now);
        full.onRequest("c", request(new Identity(1, 9), 1, 0, RequestKind.CLOSE, ""), now);
        assertThat(full.snapshot().sessions()).isEqualTo(1);
        assertThat(full.snapshot().heldRequests()).isEqualTo(1);
    }

    @Test
    void row83AnOpeningThatNobodyWaitsForAnyMoreIsForgottenThoughItsChannelGoesOn() {
        core.onRequest("c", request(1, RequestKind.BEGIN, "x"), now);
        core.onRequest("c", request(Identity.provisional(5), 1, 0, RequestKind.OPEN, ""), now);
        core.tick(now + 30_000 * MS);
        assertThat(core.snapshot().sessions()).isEqualTo(2);
        core.tick(now + 31_500 * MS);
        assertThat(core.snapshot().sessions()).isEqualTo(1);
    }

    @Test
    void row83WhatAVanishedClientAskedIsNotSentAfterTheGrace() {
        core.onRequest("c", request(1, RequestKind.BEGIN, "x"), now);
        core.onRequest("c", request(Identity.provisional(5), 1, 0, RequestKind.OPEN, ""), now);
        core.onClientGone("c", now);
        core.onClientGone("c", now);
        core.tick(now + 10_000 * MS - 1);
        assertThat(core.snapshot().sessions()).isEqualTo(2);
        core.tick(now + 10_000 * MS);
        assertThat(core.snapshot().sessions()).as("an opening needs no end").isEqualTo(1);
        assertThat(core.snapshot().heldRequests()).isEqualTo(1);
        assertThat(core.snapshot().heldBytes()).isZero();
        activeIs(A, 1);
        assertThat(heard()).containsExactly("active a 1", "a <- 1 CLOSE 0");
        assertThat(lastAsk.request())
                .isEqualTo(new Request(
                        S,
                        1,
                        0,
                        RequestKind.CLOSE,
                        0,
                        0,
                        0,
                        Identity.NONE,
                        30_000,
                        false,
                        lastAsk.request().body()));
    }

    @Test
    void row83AClientThatComesBackTakesItsCloseBack() {
        core.onRequest("c", request(1, RequestKind.BEGIN, "x"), now);
        core.onClientGone("c", now);
        core.tick(now + 10_000 * MS);
        core.onRequest("d", request(S, 2, 1, RequestKind.BEGIN, "x"), now + 11_000 * MS);
        assertThat(core.snapshot().heldRequests()).isEqualTo(1);
        activeIs(A, 1);
        assertThat(heard()).containsExactly("active a 1", "a <- 1 BEGIN 1");
        core.onClientGone("d", now + 11_000 * MS);
        core.tick(now + 21_000 * MS);
        assertThat(heard()).as("its next end is its own").containsExactly("a <- 1 CLOSE 0");
    }

    @Test
    void row83ACloseThatNobodyTakesIsSentAgainAlsoToTheNextActiveAndGivenUpInTheEnd() {
        activeIs(A, 1);
        core.onRequest("c", request(1, RequestKind.BEGIN, "x"), now);
        core.onClientGone("c", now);
        core.tick(now + 10_000 * MS);
        heard();
        core.onReply(A, reply(1, 0, AnswerCode.BUSY), now + 10_000 * MS);
        core.onReply(A, reply(1, 0, AnswerCode.GAP), now + 10_000 * MS);
        assertThat(heard()).isEmpty();
        core.tick(now + 11_000 * MS);
        assertThat(heard()).as("asked again by and by").containsExactly("a <- 1 CLOSE 0");
        assertThat(core.snapshot().sessions()).isEqualTo(1);
        now += 12_000 * MS;
        activeIs(B, 2);
        assertThat(heard()).containsExactly("active b 2", "b <- 2 CLOSE 0 repeated");
        core.tick(now + 29_000 * MS);
        assertThat(core.snapshot().sessions()).isEqualTo(1);
        core.tick(now + 29_500 * MS);
        assertThat(core.snapshot().sessions()).isZero();
        assertThat(core.snapshot().heldRequests()).isZero();
    }

    // ---- help -----------------------------------------------------------------------------------------------------

    private void activeIs(View.Member node, long term) {
        core.onNodeUp(node, now);
        core.onViewNotice(node, new Frame.ViewNotice(term, term, node), now);
    }

    private List<String> heard() {
        List<String> lines = List.copyOf(said);
        said.clear();
        return lines;
    }

    private DistributorCore<String> core(DistributorConfig config) {
        return new DistributorCore<>(config, new DistributorCore.Effects<>() {
            @Override
            public void sendToNode(View.Member node, Frame.Ask ask) {
                lastAsk = ask;
                said.add(node.name() + " <- " + ask.term() + " " + ask.request().kind() + " "
                        + ask.request().requestId() + (ask.request().repeated() ? " repeated" : ""));
            }

            @Override
            public void answerClient(String channel, Frame.Reply reply) {
                said.add(channel + " <- " + reply.term() + " " + reply.answer().code() + " "
                        + reply.answer().requestId());
            }

            @Override
            public void closeClient(String channel, String reason) {
                said.add("close " + channel);
            }

            @Override
            public void activeNamed(long term, View.Member active) {
                said.add("active " + active.name() + " " + term);
            }
        });
    }

    private static Request request(long id, RequestKind kind, String body) {
        return request(S, 1, id, kind, body);
    }

    private static Request request(Identity session, int attach, long id, RequestKind kind, String body) {
        return new Request(
                session,
                attach,
                id,
                kind,
                0,
                0,
                0,
                Identity.NONE,
                30_000,
                false,
                body.getBytes(StandardCharsets.UTF_8));
    }

    private static Frame.Reply reply(long term, long id, AnswerCode code) {
        return new Frame.Reply(term, new Answer(S, id, Identity.NONE, code, new byte[0]));
    }
}
