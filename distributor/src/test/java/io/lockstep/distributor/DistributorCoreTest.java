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
        core.onRequest("c", request(0, RequestKind.CLOSE, ""), now);
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
