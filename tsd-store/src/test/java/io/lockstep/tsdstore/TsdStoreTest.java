package io.lockstep.tsdstore;

import static io.lockstep.tsdstore.ShopService.bytes;
import static io.lockstep.tsdstore.ShopService.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.ControlHeader;
import io.lockstep.wire.Decision;
import io.lockstep.wire.Entry;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Invariant;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a client of the store, and the active around it, may rely on. */
class TsdStoreTest {
    private StoreDriver driver;
    private TsdStore store;
    private Identity session;

    @BeforeEach
    void openASession() {
        driver = StoreDriver.withoutRecords();
        store = driver.store;
        session = driver.open();
    }

    private AnswerCode codeOf(Request request) {
        return driver.ask(request).code();
    }

    private static Request with(Request r, int attach, long acknowledged, Identity seen) {
        return new Request(
                r.session(),
                attach,
                r.requestId(),
                r.kind(),
                r.transaction(),
                acknowledged,
                r.previousOrdered(),
                seen,
                r.deadlineMillis(),
                true,
                r.body());
    }

    private static ControlHeader at(ControlHeader h, long term, long position, RequestKind kind, long timeNs) {
        return new ControlHeader(
                term,
                position,
                h.session(),
                h.requestId(),
                kind,
                h.attach(),
                h.transaction(),
                h.acknowledgedUpTo(),
                timeNs,
                h.seed());
    }

    @Test
    void executesOnlyWhatFollowsInPositionTermAndTime() {
        ControlHeader good = driver.header(session, 1, RequestKind.TOUCH, 1, 0, 0);
        long term = good.term();
        long position = good.position();
        for (ControlHeader bad : List.of(
                at(good, term, position - 1, RequestKind.TOUCH, good.timeNs()),
                at(good, term, position + 1, RequestKind.TOUCH, good.timeNs()),
                at(good, term, position, RequestKind.TOUCH, good.timeNs() - 1),
                at(good, term - 1, position, RequestKind.TOUCH, good.timeNs()),
                at(good, term + 1, position, RequestKind.TOUCH, good.timeNs()),
                at(good, term, position, RequestKind.VIEW, good.timeNs()),
                at(good, term - 1, position, RequestKind.VIEW, good.timeNs()))) {
            assertThatThrownBy(() -> store.execute(bad, new byte[0], Decision.EXECUTE))
                    .as("%s", bad)
                    .isInstanceOf(Invariant.InvariantBroken.class);
        }
        assertThat(store.last().position()).isEqualTo(position - 1);
        store.execute(good, new byte[0], Decision.EXECUTE);
        assertThat(store.last().position()).isEqualTo(position);
    }

    // ---- sessions and ids -----------------------------------------------------------------------------------------

    @Test
    void openingTwiceWithOneNonceYieldsOneSession() {
        Identity once = driver.open(77);
        long position = store.last().position();
        assertThat(driver.open(77)).isEqualTo(once).isEqualTo(new Identity(1, 3));
        assertThat(store.last().position()).isEqualTo(position);
        assertThat(store.sessionCount()).isEqualTo(2);
    }

    @Test
    void aRepeatGetsTheFirstAnswerAndRunsNothing() {
        Request request = driver.next(session, RequestKind.BEGIN, 0, "put apples");
        Answer first = driver.ask(request);
        long digest = store.digest();
        assertThat(store.judge(request.asRepeated())).isInstanceOfSatisfying(Ruling.Answered.class, answered -> {
            assertThat(answered.answer()).usingRecursiveComparison().isEqualTo(first);
            assertThat(answered.position()).isEqualTo(first.entry().position());
        });
        assertThat(store.digest()).isEqualTo(digest);
    }

    @Test
    void anIdIsNotUsedForAnotherMessage() {
        driver.send(session, RequestKind.BEGIN, 0, "put apples");
        Request other = StoreDriver.request(session, 1, RequestKind.BEGIN, 0, 0, 0, "put pears");
        Request otherKind = StoreDriver.request(session, 1, RequestKind.TOUCH, 0, 0, 0, "put apples");
        assertThat(codeOf(other)).isEqualTo(AnswerCode.ID_REUSED);
        assertThat(codeOf(otherKind)).isEqualTo(AnswerCode.ID_REUSED);
    }

    @Test
    void anIdThatWasPassedOverIsNotUsedLater() {
        driver.ask(StoreDriver.request(session, 3, RequestKind.TOUCH, 0, 0, 0, ""));
        assertThat(codeOf(StoreDriver.request(session, 2, RequestKind.TOUCH, 0, 0, 0, "")))
                .isEqualTo(AnswerCode.ID_REUSED);
    }

    @Test
    void aGapIsRefusedAndLeavesNothing() {
        driver.send(session, RequestKind.TOUCH, 0, "");
        Identity last = store.last();
        assertThat(codeOf(StoreDriver.request(session, 5, RequestKind.TOUCH, 0, 0, 3, "")))
                .isEqualTo(AnswerCode.GAP);
        assertThat(codeOf(StoreDriver.request(session, 5, RequestKind.READ, 0, 0, 3, "")))
                .isEqualTo(AnswerCode.GAP);
        assertThat(codeOf(StoreDriver.request(session, 5, RequestKind.READ, 0, 0, 1, "")))
                .isEqualTo(AnswerCode.OK);
        assertThat(store.last()).isEqualTo(last);
    }

    @Test
    void anAcknowledgedAnswerIsGoneAndItsMessageNeverRunsAgain() {
        Request first = driver.next(session, RequestKind.BEGIN, 0, "put apples");
        driver.ask(first);
        driver.ask(StoreDriver.request(session, 2, RequestKind.TOUCH, 0, 1, 1, ""));
        assertThat(codeOf(first)).isEqualTo(AnswerCode.EXPIRED);
    }

    @Test
    void aSessionWithTooManyUnacknowledgedAnswersIsRefusedUntilItAcknowledges() {
        driver = StoreDriver.withoutRecords(
                new TsdStoreConfig(Duration.ofMinutes(1), Duration.ofMinutes(1), 3, 1 << 20, 10, 2));
        session = driver.open();
        for (int i = 0; i < 3; i++) {
            assertThat(driver.send(session, RequestKind.TOUCH, 0, "").code()).isEqualTo(AnswerCode.OK);
        }
        assertThat(text(driver.send(session, RequestKind.TOUCH, 0, "").body())).contains("acknowledge them first");
        assertThat(codeOf(StoreDriver.request(session, 4, RequestKind.TOUCH, 0, 1, 3, "")))
                .isEqualTo(AnswerCode.OK);
    }

    @Test
    void noMoreTransactionsAndSessionsThanConfigured() {
        driver = StoreDriver.withoutRecords(
                new TsdStoreConfig(Duration.ofMinutes(1), Duration.ofMinutes(1), 30, 1 << 20, 2, 2));
        session = driver.open();
        driver.begin(session, "put a");
        driver.begin(session, "put b");
        assertThat(driver.send(session, RequestKind.BEGIN, 0, "put c").code()).isEqualTo(AnswerCode.BUSY);
        driver.open();
        assertThat(driver.open()).isEqualTo(Identity.NONE);
    }

    @Test
    void aLogThatLacksWhatTheClientSawIsNotGuessedAt() {
        Request touch = driver.next(session, RequestKind.TOUCH, 0, "");
        assertThat(codeOf(with(touch, 1, 0, new Identity(1, 99)))).isEqualTo(AnswerCode.LOG_LACKS_SEEN);
        assertThat(codeOf(with(touch, 1, 0, new Identity(2, 1)))).isEqualTo(AnswerCode.LOG_LACKS_SEEN);
        assertThat(codeOf(with(touch, 1, 0, new Identity(1, 2)))).isEqualTo(AnswerCode.OK);
        driver.view();
        assertThat(store.hasSeen(new Identity(1, 3))).isTrue();
        assertThat(store.hasSeen(new Identity(1, 4))).isFalse();
        assertThat(store.hasSeen(new Identity(2, 4))).isTrue();
        assertThat(store.hasSeen(new Identity(2, 3))).isFalse();
        assertThat(store.hasSeen(Identity.NONE)).isTrue();
        assertThat(store.hasSeen(Identity.provisional(3))).isFalse();
    }

    @Test
    void anUnknownSessionIsSaidToBeUnknown() {
        Request touch = StoreDriver.request(new Identity(1, 1), 1, RequestKind.TOUCH, 0, 0, 0, "");
        assertThat(codeOf(touch)).isEqualTo(AnswerCode.UNKNOWN_SESSION);
    }

    @Test
    void malformedRequestsAreRefused() {
        Request good = driver.next(session, RequestKind.TOUCH, 0, "");
        for (Request bad : List.of(
                with(good, 0, 0, Identity.NONE),
                with(good, 1, 1, Identity.NONE),
                with(good, 1, -1, Identity.NONE),
                StoreDriver.request(session, 0, RequestKind.TOUCH, 0, 0, 0, ""),
                StoreDriver.request(session, 1, RequestKind.TOUCH, 0, 0, 1, ""),
                StoreDriver.request(session, 1, RequestKind.EXPIRE, 1, 0, 0, ""),
                StoreDriver.request(session, 0, RequestKind.OPEN, 0, 0, 0, ""),
                StoreDriver.request(Identity.provisional(5), 0, RequestKind.OPEN, 0, 0, 0, "body"),
                StoreDriver.request(Identity.provisional(5), 1, RequestKind.TOUCH, 0, 0, 0, ""),
                StoreDriver.request(Identity.NONE, 1, RequestKind.TOUCH, 0, 0, 0, ""))) {
            Answer refusal = driver.ask(bad);
            assertThat(refusal.code()).as(bad.toString()).isEqualTo(AnswerCode.REFUSED);
            assertThat(new String(refusal.body(), java.nio.charset.StandardCharsets.UTF_8))
                    .as(bad.toString())
                    .isNotBlank();
        }
    }

    @Test
    void aVoidBarsItsMessageForEverOrYieldsItsAnswer() {
        Request barred = driver.next(session, RequestKind.BEGIN, 0, "put apples");
        assertThat(codeOf(StoreDriver.request(session, 1, RequestKind.VOID, 0, 0, 0, "")))
                .isEqualTo(AnswerCode.VOIDED);
        assertThat(codeOf(barred)).isEqualTo(AnswerCode.VOIDED);
        assertThat(store.transactionCount()).isZero();
        Answer executed = driver.send(session, RequestKind.BEGIN, 0, "put pears");
        Answer voided = driver.ask(StoreDriver.request(session, 2, RequestKind.VOID, 0, 0, 1, ""));
        assertThat(voided).usingRecursiveComparison().isEqualTo(executed);
    }

    @Test
    void aCloseIsIgnoredUnlessItsConnectionIsTheLatest() {
        driver.ask(with(driver.next(session, RequestKind.TOUCH, 0, ""), 3, 0, Identity.NONE));
        Request stale = StoreDriver.request(session, 0, RequestKind.CLOSE, 0, 0, 0, "");
        assertThat(codeOf(with(stale, 2, 0, Identity.NONE))).isEqualTo(AnswerCode.REFUSED);
        assertThat(driver.order(with(stale, 2, 0, Identity.NONE), Decision.EXECUTE)
                        .code())
                .isEqualTo(AnswerCode.REFUSED);
        assertThat(store.sessionCount()).isEqualTo(1);
        assertThat(codeOf(with(stale, 3, 0, Identity.NONE))).isEqualTo(AnswerCode.OK);
        assertThat(store.sessionCount()).isZero();
    }

    @Test
    void aSessionWhoseUnacknowledgedAnswersAreTooLongIsRefusedUntilItAcknowledges() {
        driver = StoreDriver.withoutRecords(
                new TsdStoreConfig(Duration.ofMinutes(1), Duration.ofMinutes(1), 30, 160, 10, 2));
        session = driver.open();
        assertThat(driver.send(session, RequestKind.TOUCH, 0, "").code()).isEqualTo(AnswerCode.OK);
        assertThat(driver.send(session, RequestKind.TOUCH, 0, "").code()).isEqualTo(AnswerCode.OK);
        Answer refusal = driver.send(session, RequestKind.TOUCH, 0, "");
        assertThat(refusal.code()).isEqualTo(AnswerCode.BUSY);
        assertThat(text(refusal.body())).contains("has 2 answers");
        assertThat(codeOf(StoreDriver.request(session, 3, RequestKind.TOUCH, 0, 1, 2, "")))
                .isEqualTo(AnswerCode.OK);
    }

    @Test
    void whenAllSessionsTogetherRetainTooMuchWhoeverRetainsSomethingIsRefusedAndTheOthersGoOn() {
        driver = StoreDriver.withoutRecords(
                new TsdStoreConfig(Duration.ofMinutes(1), Duration.ofMinutes(1), 30, 1 << 20, 160, 10, 9));
        session = driver.open();
        Identity other = driver.open();
        Identity prompt = driver.open();
        driver.begin(session, "put a");
        driver.begin(other, "put b");

        Answer refusal = driver.send(session, RequestKind.BEGIN, 0, "put c");
        assertThat(refusal.code()).isEqualTo(AnswerCode.BUSY);
        assertThat(text(refusal.body())).contains("in all sessions", "keeps 160", "acknowledge answers");
        assertThat(driver.open()).isEqualTo(Identity.NONE);
        assertThat(codeOf(StoreDriver.request(prompt, 1, RequestKind.BEGIN, 0, 0, 0, "put d")))
                .as("who retains nothing")
                .isEqualTo(AnswerCode.OK);
        assertThat(codeOf(StoreDriver.request(prompt, 2, RequestKind.BEGIN, 0, 1, 1, "put e")))
                .as("who has acknowledged")
                .isEqualTo(AnswerCode.OK);
        assertThat(codeOf(StoreDriver.request(session, 2, RequestKind.CLOSE, 0, 1, 1, "")))
                .isEqualTo(AnswerCode.OK);
        assertThat(codeOf(StoreDriver.request(other, 2, RequestKind.TOUCH, 0, 1, 1, "")))
                .isEqualTo(AnswerCode.OK);
        assertThat(codeOf(StoreDriver.request(prompt, 3, RequestKind.TOUCH, 0, 2, 2, "")))
                .isEqualTo(AnswerCode.OK);
    }

    @Test
    void nothingButATouchIsTakenWhileTooManyEffectsWait() {
        StoreState state = new StoreState();
        Identity name = new Identity(1, 2);
        state.terms.add(1, 1);
        state.last = name;
        state.add(new Session(name, 7, 1, 0, 1_000));
        Judge judge = new Judge(state, TsdStoreConfig.defaults());
        OutsideEffect effect = new OutsideEffect("mail", new byte[0], false);
        for (int i = 0; i < 65_536; i++) {
            state.add(new PendingEffect(new EffectRunner.Key(name, 1, i), effect, 1, false));
        }
        Request begin = StoreDriver.request(name, 1, RequestKind.BEGIN, 0, 0, 0, "");
        assertThat(judge.judge(begin)).isInstanceOfSatisfying(Ruling.Refused.class, refused -> assertThat(
                        refused.answer().code())
                .isEqualTo(AnswerCode.BUSY));
        assertThat(judge.judge(StoreDriver.request(name, 1, RequestKind.TOUCH, 0, 0, 0, "")))
                .isInstanceOf(Ruling.Fresh.class);
        state.done(new EffectRunner.Key(name, 1, 9));
        assertThat(judge.judge(begin)).isInstanceOf(Ruling.Fresh.class);
    }

    @Test
    void numbersThatCannotBeAreRefused() {
        driver.send(session, RequestKind.TOUCH, 0, "");
        for (Request bad : List.of(
                StoreDriver.request(session, 2, RequestKind.TOUCH, 0, 0, -1, ""),
                StoreDriver.request(session, 2, RequestKind.TOUCH, 0, 0, 2, ""),
                StoreDriver.request(session, 2, RequestKind.TOUCH, 0, 2, 1, ""),
                StoreDriver.request(session, -1, RequestKind.TOUCH, 0, 0, 0, ""),
                StoreDriver.request(session, -1, RequestKind.CLOSE, 0, 0, 0, ""),
                StoreDriver.request(Identity.provisional(5), 1, RequestKind.OPEN, 0, 0, 0, ""))) {
            assertThat(codeOf(bad)).as("%s", bad).isEqualTo(AnswerCode.REFUSED);
        }
        assertThat(codeOf(StoreDriver.request(session, 2, RequestKind.TOUCH, 0, 1, 1, "")))
                .isEqualTo(AnswerCode.OK);
    }

    @Test
    void aReadIsNotAnsweredWithAnotherRequestsAnswer() {
        driver.begin(session, "put apples");
        Request read = StoreDriver.request(session, 1, RequestKind.READ, 0, 0, 0, "hello");
        assertThat(store.judge(read)).isInstanceOf(Ruling.Fresh.class);
    }

    @Test
    void aRefusalNamesItsRequestAndSaysWhy() {
        driver.send(session, RequestKind.TOUCH, 0, "");
        driver.ask(StoreDriver.request(session, 2, RequestKind.TOUCH, 0, 1, 1, ""));
        for (Request refused : List.of(
                StoreDriver.request(session, 9, RequestKind.TOUCH, 0, 0, 7, ""),
                StoreDriver.request(session, 1, RequestKind.TOUCH, 0, 0, 0, ""),
                StoreDriver.request(session, 2, RequestKind.BEGIN, 0, 0, 1, "other"),
                StoreDriver.request(new Identity(1, 1), 1, RequestKind.TOUCH, 0, 0, 0, ""),
                with(driver.next(session, RequestKind.TOUCH, 0, ""), 1, 0, new Identity(1, 99)))) {
            Answer answer = driver.ask(refused);
            assertThat(answer.session()).isEqualTo(refused.session());
            assertThat(answer.requestId()).isEqualTo(refused.requestId());
            assertThat(answer.entry()).isEqualTo(Identity.NONE);
            assertThat(answer.code().isOrdered()).as("%s", answer).isFalse();
            assertThat(text(answer.body())).isNotBlank();
        }
    }

    @Test
    void onlyWhatWasNeitherExecutedNorAcknowledgedCanBeQuarantined() {
        driver.send(session, RequestKind.TOUCH, 0, "");
        driver.ask(StoreDriver.request(session, 2, RequestKind.TOUCH, 0, 1, 1, ""));
        assertThat(store.mayQuarantine(new MarkedRequest(session, 1))).isFalse();
        assertThat(store.mayQuarantine(new MarkedRequest(session, 2))).isFalse();
        assertThat(store.mayQuarantine(new MarkedRequest(session, 3))).isTrue();
        assertThat(store.mayQuarantine(new MarkedRequest(session, 0))).isTrue();
        assertThat(store.mayQuarantine(new MarkedRequest(new Identity(1, 99), 3)))
                .isFalse();
    }

    @Test
    void anOpeningThatEndedAProcessOpensNothing() {
        Request open = new Request(
                Identity.provisional(5), 1, 0, RequestKind.OPEN, 0, 0, 0, Identity.NONE, 1000, false, new byte[0]);
        assertThat(driver.order(open, Decision.QUARANTINE).code()).isEqualTo(AnswerCode.QUARANTINED);
        assertThat(store.sessionCount()).isEqualTo(1);
    }

    @Test
    void ofVeryManyTermsTheOldestIsForgotten() {
        TermTable terms = new TermTable();
        for (long term = 1; term <= 65_536; term++) {
            terms.add(term, 10 * term);
        }
        Identity last = new Identity(65_537, 655_375);
        assertThat(terms.has(new Identity(1, 10), last)).isTrue();
        terms.add(65_537, 655_370);
        assertThat(terms.size()).isEqualTo(65_536);
        assertThat(terms.has(new Identity(1, 10), last)).isFalse();
        assertThat(terms.has(new Identity(2, 20), last)).isTrue();
        assertThat(terms.has(new Identity(2, 29), last)).isTrue();
        assertThat(terms.has(new Identity(2, 30), last)).isFalse();
        assertThat(terms.has(last, last)).isTrue();
        assertThat(terms.has(new Identity(65_537, 655_376), last)).isFalse();
        assertThatThrownBy(() -> terms.add(65_537, 655_380)).isInstanceOf(Invariant.InvariantBroken.class);
    }

    // ---- transactions ---------------------------------------------------------------------------------------------

    @Test
    void aTransactionKeepsItsStateUntilItEnds() {
        long first = driver.begin(session, "put apples");
        long second = driver.begin(session, "put nuts");
        assertThat(text(driver.send(session, RequestKind.CONTINUE, first, "put pears")
                        .body()))
                .isEqualTo("apples,pears");
        assertThat(text(driver.send(session, RequestKind.END, first, "show").body()))
                .isEqualTo("apples,pears/none");
        assertThat(text(driver.send(session, RequestKind.CONTINUE, second, "show")
                        .body()))
                .isEqualTo("nuts/none");
        assertThat(driver.send(session, RequestKind.CONTINUE, first, "show").code())
                .isEqualTo(AnswerCode.TRANSACTION_ENDED);
        assertThat(driver.send(session, RequestKind.CONTINUE, 999, "show").code())
                .isEqualTo(AnswerCode.TRANSACTION_UNKNOWN);
        assertThat(driver.send(session, RequestKind.CONTINUE, second, "end").code())
                .isEqualTo(AnswerCode.OK);
        assertThat(store.transactionCount()).isZero();
    }

    @Test
    void aFailedMessageChangesNothing() {
        long transaction = driver.begin(session, "put apples");
        for (String message : List.of("refuse now", "fail")) {
            for (RequestKind kind : List.of(RequestKind.CONTINUE, RequestKind.END)) {
                Answer answer = driver.send(session, kind, transaction, message);
                assertThat(answer.code()).isIn(AnswerCode.SERVICE_ERROR, AnswerCode.SERVICE_FAILED);
            }
            assertThat(driver.send(session, RequestKind.BEGIN, 0, message).code())
                    .isIn(AnswerCode.SERVICE_ERROR, AnswerCode.SERVICE_FAILED);
        }
        assertThat(store.transactionCount()).isEqualTo(1);
        assertThat(store.pendingEffects()).isEmpty();
        assertThat(text(driver.send(session, RequestKind.CONTINUE, transaction, "show")
                        .body()))
                .isEqualTo("apples/none");
        driver.pass(Duration.ofSeconds(1));
        assertThat(driver.due()).isNull();
    }

    @Test
    void whatFailsForTheNodesOwnReasonsIsNoOutcome() {
        assertThatThrownBy(() -> driver.send(session, RequestKind.BEGIN, 0, "broken-disk"))
                .isInstanceOf(NodeFailure.class)
                .hasMessageContaining("no space left");
        assertThatThrownBy(() -> store.nextDue(0)).isInstanceOf(Invariant.InvariantBroken.class);
    }

    @Test
    void anErrorGoesToWhoeverEndsTheProcess() {
        assertThatThrownBy(() -> driver.send(session, RequestKind.BEGIN, 0, "overflow"))
                .isInstanceOf(StackOverflowError.class);
    }

    @Test
    void aQuarantinedMessageIsNotExecutedAndTakesItsId() {
        Request poison = driver.next(session, RequestKind.BEGIN, 0, "overflow");
        assertThat(driver.order(poison, Decision.QUARANTINE).code()).isEqualTo(AnswerCode.QUARANTINED);
        assertThat(codeOf(poison)).isEqualTo(AnswerCode.QUARANTINED);
        assertThat(driver.send(session, RequestKind.TOUCH, 0, "").code()).isEqualTo(AnswerCode.OK);
    }

    @Test
    void whatIsQuarantinedBeforeItsTurnLeavesTheSessionsOrderAsItIs() {
        Request before = driver.next(session, RequestKind.BEGIN, 0, "put apples");
        Request poison = StoreDriver.request(
                session, before.requestId() + 1, RequestKind.BEGIN, 0, 0, before.requestId(), "overflow");
        quarantine(poison);
        assertThat(codeOf(poison)).as("its turn has not come").isEqualTo(AnswerCode.GAP);
        assertThat(driver.ask(before).code()).isEqualTo(AnswerCode.OK);
        assertThat(driver.ask(poison).code()).isEqualTo(AnswerCode.QUARANTINED);
        assertThat(codeOf(poison)).isEqualTo(AnswerCode.QUARANTINED);
        assertThat(driver.send(session, RequestKind.TOUCH, 0, "").code()).isEqualTo(AnswerCode.OK);
    }

    @Test
    void aQuarantinedReadIsNotExecutedAndTheNextRequestIsNoGap() {
        long last = driver.begin(session, "put apples");
        Request poison = StoreDriver.request(session, last + 1, RequestKind.READ, 0, 0, last, "overflow");
        quarantine(poison);
        assertThat(codeOf(poison)).isEqualTo(AnswerCode.QUARANTINED);
        Request next = StoreDriver.request(session, last + 2, RequestKind.TOUCH, 0, last + 1, last, "");
        assertThat(driver.ask(next).code()).isEqualTo(AnswerCode.OK);
        assertThat(store.mayQuarantine(new MarkedRequest(session, last + 1))).isFalse();
    }

    private void quarantine(Request poison) {
        assertThat(store.mayQuarantine(new MarkedRequest(session, poison.requestId())))
                .isTrue();
        var unused = driver.execute(
                driver.header(session, poison.requestId(), RequestKind.VOID, 0, 0, 0),
                new byte[0],
                Decision.QUARANTINE);
        assertThat(store.mayQuarantine(new MarkedRequest(session, poison.requestId())))
                .isFalse();
    }

    @Test
    void anAnswerMayBeAMebibyteLongAndAnErrorFourThousandCharacters() {
        Answer fits = driver.send(session, RequestKind.BEGIN, 0, "x".repeat(1 << 20));
        assertThat(fits.code()).isEqualTo(AnswerCode.OK);
        assertThat(fits.body()).hasSize(1 << 20);
        Answer tooLong = driver.send(session, RequestKind.BEGIN, 0, "x".repeat((1 << 20) + 1));
        assertThat(tooLong.code()).isEqualTo(AnswerCode.SERVICE_FAILED);
        assertThat(text(tooLong.body())).contains("longer than 1048576");
        assertThat(store.transactionCount()).isEqualTo(1);
        String why = "y".repeat(4096 - "refused: ".length());
        assertThat(text(driver.send(session, RequestKind.BEGIN, 0, "refuse " + why)
                        .body()))
                .isEqualTo("refused: " + why);
        assertThat(text(driver.send(session, RequestKind.BEGIN, 0, "refuse " + why + "z")
                        .body()))
                .isEqualTo("refused: " + why);
    }

    @Test
    void whatNeverWasATransactionIsUnknownAndWhatMayHaveBeenOneHasEnded() {
        driver.send(session, RequestKind.TOUCH, 0, "");
        assertThat(driver.send(session, RequestKind.CONTINUE, 0, "show").code())
                .isEqualTo(AnswerCode.TRANSACTION_UNKNOWN);
        assertThat(driver.send(session, RequestKind.CONTINUE, 2, "show").code())
                .isEqualTo(AnswerCode.TRANSACTION_ENDED);
        assertThat(driver.send(session, RequestKind.CONTINUE, 4, "show").code())
                .isEqualTo(AnswerCode.TRANSACTION_UNKNOWN);
    }

    @Test
    void aFailedMessageIsActivityOfItsTransactionAllTheSame() {
        long transaction = driver.begin(session, "expire 1000");
        driver.pass(Duration.ofMillis(900));
        driver.send(session, RequestKind.CONTINUE, transaction, "refuse now");
        driver.pass(Duration.ofMillis(999));
        assertThat(driver.due()).isNull();
        driver.pass(Duration.ofMillis(1));
        assertThat(driver.due()).isEqualTo(new TsdStore.Due(RequestKind.EXPIRE, session, transaction, 0));
    }

    @Test
    void theHighestAttachmentOfASessionCounts() {
        driver.ask(with(driver.next(session, RequestKind.TOUCH, 0, ""), 3, 0, Identity.NONE));
        driver.ask(with(driver.next(session, RequestKind.TOUCH, 0, ""), 2, 0, Identity.NONE));
        Request close = StoreDriver.request(session, 0, RequestKind.CLOSE, 0, 0, 0, "");
        assertThat(codeOf(with(close, 2, 0, Identity.NONE))).isEqualTo(AnswerCode.REFUSED);
        assertThat(codeOf(with(close, 3, 0, Identity.NONE))).isEqualTo(AnswerCode.OK);
    }

    @Test
    void aCloseThatEndedAProcessEndsTheSessionWithoutTheService() {
        driver.begin(session, "put apples");
        Request close = StoreDriver.request(session, 0, RequestKind.CLOSE, 0, 0, 0, "");
        assertThat(driver.order(close, Decision.QUARANTINE).code()).isEqualTo(AnswerCode.QUARANTINED);
        assertThat(store.pendingEffects()).isEmpty();
        assertThat(store.sessionCount()).isZero();
        assertThat(store.transactionCount()).isZero();
    }

    @Test
    void aSessionsEndThatEndedAProcessComesAboutWithoutTheServiceWhenItIsDue() {
        driver.begin(session, "expire 3600000");
        Execution early = driver.execute(
                driver.header(session, 0, RequestKind.EXPIRE_SESSION, 0, 0, 0), new byte[0], Decision.QUARANTINE);
        assertThat(early.answer()).isNull();
        assertThat(store.sessionCount()).isEqualTo(1);
        driver.pass(Duration.ofMinutes(10));
        driver.execute(
                driver.header(session, 0, RequestKind.EXPIRE_SESSION, 0, 0, 0), new byte[0], Decision.QUARANTINE);
        assertThat(store.sessionCount()).isZero();
        assertThat(store.pendingEffects()).isEmpty();
    }

    @Test
    void whatIsDueSaysWhenItWasLastActive() {
        long transaction = driver.begin(session, "expire 1000");
        long begunNs = driver.timeNs;
        driver.pass(Duration.ofMillis(500));
        driver.send(session, RequestKind.TOUCH, 0, "");
        assertThat(store.activeNs(new TsdStore.Due(RequestKind.EXPIRE, session, transaction, 0)))
                .isEqualTo(begunNs);
        assertThat(store.activeNs(new TsdStore.Due(RequestKind.EXPIRE_SESSION, session, 0, 0)))
                .isEqualTo(driver.timeNs);
    }

    @Test
    void ofWhatIsDueAtOnceATransactionComesBeforeItsSession() {
        driver = StoreDriver.withoutRecords(
                TsdStoreConfig.defaults().withIdle(Duration.ofMinutes(5), Duration.ofMinutes(5)));
        session = driver.open();
        long transaction = driver.begin(session, "put apples");
        driver.pass(Duration.ofMinutes(5));
        assertThat(driver.due()).isEqualTo(new TsdStore.Due(RequestKind.EXPIRE, session, transaction, 0));
        driver.own(Objects.requireNonNull(driver.due()));
        assertThat(driver.due()).isEqualTo(new TsdStore.Due(RequestKind.EXPIRE_SESSION, session, 0, 0));
    }

    @Test
    void aStoreThatIsClosedIsUsedNoMore() {
        Request touch = driver.next(session, RequestKind.TOUCH, 0, "");
        ControlHeader header = driver.header(session, 1, RequestKind.TOUCH, 1, 0, 0);
        store.close();
        store.close();
        for (ThrowingCallable use : List.<ThrowingCallable>of(
                () -> store.judge(touch),
                () -> store.execute(header, new byte[0], Decision.EXECUTE),
                () -> store.read(touch, driver.timeNs),
                () -> store.readBeside(touch),
                () -> store.readKey(touch, false),
                () -> store.nextDue(driver.timeNs),
                store::nextRetry,
                store::waitingMessages,
                store::copy,
                store::moment)) {
            assertThatThrownBy(use).isInstanceOf(Invariant.InvariantBroken.class);
        }
    }

    @Test
    void rollbackRunsOnce() {
        long transaction = driver.begin(session, "put apples");
        assertThat(driver.send(session, RequestKind.ROLLBACK, transaction, "").code())
                .isEqualTo(AnswerCode.OK);
        assertThat(driver.send(session, RequestKind.ROLLBACK, transaction, "").code())
                .isEqualTo(AnswerCode.TRANSACTION_ENDED);
        assertThat(store.pendingEffects()).extracting(e -> e.effect().name()).containsExactly("rollback");
    }

    @Test
    void closingRollsBackInTheOrderOfIdsInOneEntry() {
        for (int i = 1; i <= 12; i++) {
            driver.begin(session, "put x");
        }
        long position = store.last().position();
        driver.send(session, RequestKind.CLOSE, 0, "");
        assertThat(store.last().position()).isEqualTo(position + 1);
        assertThat(store.pendingEffects())
                .extracting(e -> text(e.effect().payload()))
                .containsExactly("1x", "2x", "3x", "4x", "5x", "6x", "7x", "8x", "9x", "10x", "11x", "12x");
        assertThat(store.pendingEffects()).extracting(e -> e.key().ordinal()).startsWith(0, 1, 2);
        assertThat(store.transactionCount()).isZero();
        assertThat(store.sessionCount()).isZero();
    }

    @Test
    void aServiceThatCannotRollBackDoesNotKeepASessionOpen() {
        driver.begin(session, "note stubborn");
        driver.begin(session, "put x");
        assertThat(driver.send(session, RequestKind.CLOSE, 0, "").code()).isEqualTo(AnswerCode.OK);
        assertThat(store.pendingEffects()).hasSize(1);
        assertThat(store.transactionCount()).isZero();
    }

    @Test
    void timeAndChanceComeFromTheHeader() {
        StoreDriver other = StoreDriver.withoutRecords();
        Identity same = other.open();
        String ours = text(driver.send(session, RequestKind.BEGIN, 0, "dice").body());
        assertThat(ours).startsWith("2026-09-21T14:13:20Z ");
        assertThat(text(other.send(same, RequestKind.BEGIN, 0, "dice").body())).isEqualTo(ours);
        assertThat(text(other.send(same, RequestKind.BEGIN, 0, "dice").body())).isNotEqualTo(ours);
    }

    @Test
    void aReadSeesTimeAndLeavesNothing() {
        Identity last = store.last();
        Answer answer = driver.send(session, RequestKind.READ, 0, "hello");
        assertThat(answer.code()).isEqualTo(AnswerCode.OK);
        assertThat(text(answer.body())).isEqualTo("2026-09-21T14:13:20Z hello");
        assertThat(driver.send(session, RequestKind.READ, 0, "refuse").code()).isEqualTo(AnswerCode.SERVICE_ERROR);
        assertThat(driver.send(session, RequestKind.READ, 0, "sql x").code()).isEqualTo(AnswerCode.SERVICE_ERROR);
        assertThat(store.last()).isEqualTo(last);
    }

    @Test
    void aDigestIsAnsweredWithThatOfTheStateBeforeIt() {
        long digest = store.digest();
        Answer answer = driver.send(session, RequestKind.DIGEST, 0, "");
        assertThat(ByteBuffer.wrap(answer.body()).getLong()).isEqualTo(digest);
    }

    // ---- expiry ---------------------------------------------------------------------------------------------------

    @Test
    void anIdleTransactionExpiresOnceByHeaderTime() {
        long transaction = driver.begin(session, "put apples");
        driver.pass(Duration.ofMinutes(5).minusNanos(1));
        assertThat(driver.due()).isNull();
        Execution early = driver.own(RequestKind.EXPIRE, session, transaction, new byte[0]);
        assertThat(early.answer()).isNull();
        assertThat(store.transactionCount()).isEqualTo(1);
        driver.pass(Duration.ofNanos(1));
        TsdStore.Due due = Objects.requireNonNull(driver.due());
        assertThat(due).isEqualTo(new TsdStore.Due(RequestKind.EXPIRE, session, transaction, 0));
        driver.own(due);
        driver.own(due);
        assertThat(store.pendingEffects()).hasSize(1);
        PendingEffect effect = store.pendingEffects().get(0);
        assertThat(effect.effect().name()).isEqualTo("expire");
        assertThat(effect.key().requestId()).isEqualTo(-effect.position());
        assertThat(driver.send(session, RequestKind.CONTINUE, transaction, "show")
                        .code())
                .isEqualTo(AnswerCode.TRANSACTION_ENDED);
    }

    @Test
    void row61AnEndOfTimeThatEndedAProcessComesAboutWithoutTheServiceInTheNextTermThoughItIsNotDueThere() {
        long transaction = driver.begin(session, "put apples");
        long other = driver.begin(session, "put pears");
        driver.view();
        MarkedRequest expiry = MarkedRequest.expiryOf(session, transaction);
        assertThat(store.mayQuarantine(expiry)).isTrue();
        assertThat(driver.due()).isNull();
        Execution barred = driver.execute(
                driver.header(session, 0, RequestKind.EXPIRE, 0, transaction, 0), new byte[0], Decision.QUARANTINE);
        assertThat(barred.effects()).isEmpty();
        assertThat(store.pendingEffects()).isEmpty();
        assertThat(store.mayQuarantine(expiry)).isFalse();
        assertThat(driver.send(session, RequestKind.CONTINUE, transaction, "show")
                        .code())
                .isEqualTo(AnswerCode.TRANSACTION_ENDED);
        assertThat(driver.send(session, RequestKind.CONTINUE, other, "show").code())
                .isEqualTo(AnswerCode.OK);
    }

    @Test
    void theEndOfATransactionsTimeHasANameThatNoMessageHas() {
        MarkedRequest expiry = MarkedRequest.expiryOf(session, 7);
        assertThat(expiry.expiringTransaction()).isEqualTo(7);
        assertThat(expiry.asRequest().requestId()).isPositive();
        assertThat(new MarkedRequest(session, 7).expiringTransaction()).isZero();
        assertThat(MarkedRequest.expiryOf(session, 0)).isEqualTo(new MarkedRequest(session, 0));
        assertThat(MarkedRequest.expiryOf(session, 0).expiringTransaction()).isZero();
        assertThat(store.mayQuarantine(expiry))
                .as("there is no such transaction")
                .isFalse();
    }

    @Test
    void aTransactionMayExpireSoonerAndActivityPutsItOff() {
        long soon = driver.begin(session, "expire 1000");
        final long later = driver.begin(session, "expire 2000");
        driver.pass(Duration.ofMillis(900));
        driver.send(session, RequestKind.CONTINUE, soon, "put x");
        driver.pass(Duration.ofMillis(900));
        assertThat(driver.due()).isNull();
        driver.pass(Duration.ofMillis(100));
        assertThat(driver.due()).isEqualTo(new TsdStore.Due(RequestKind.EXPIRE, session, soon, 0));
        driver.own(Objects.requireNonNull(driver.due()));
        driver.pass(Duration.ofMillis(100));
        assertThat(driver.due()).isEqualTo(new TsdStore.Due(RequestKind.EXPIRE, session, later, 0));
    }

    @Test
    void anIdleSessionExpiresAndRollsBack() {
        driver.begin(session, "put apples");
        driver.send(session, RequestKind.CONTINUE, 1, "expire 3600000");
        driver.pass(Duration.ofMinutes(10));
        assertThat(driver.due()).isEqualTo(new TsdStore.Due(RequestKind.EXPIRE_SESSION, session, 0, 0));
        driver.own(Objects.requireNonNull(driver.due()));
        assertThat(store.pendingEffects()).extracting(e -> e.effect().name()).containsExactly("rollback");
        assertThat(store.sessionCount()).isZero();
        assertThat(driver.due()).isNull();
        assertThat(driver.send(session, RequestKind.TOUCH, 0, "").code()).isEqualTo(AnswerCode.UNKNOWN_SESSION);
    }

    @Test
    void expiryCountsFromTheTermsFirstEntry() {
        driver.begin(session, "put apples");
        driver.pass(Duration.ofMinutes(30));
        driver.view();
        assertThat(driver.due()).isNull();
        driver.pass(Duration.ofMinutes(5));
        assertThat(driver.due()).isEqualTo(new TsdStore.Due(RequestKind.EXPIRE, session, 1, 0));
    }

    @Test
    void whatIsDueComesInTheOrderOfItsTime() {
        List<Long> expected = new ArrayList<>();
        for (int i = 1; i <= 200; i++) {
            driver.begin(session, "expire " + (1 + (i * 37) % 211));
        }
        for (int millis = 1; millis <= 211; millis++) {
            for (long i = 1; i <= 200; i++) {
                if (1 + (i * 37) % 211 == millis && i % 3 != 0) {
                    expected.add(i);
                }
            }
        }
        for (long i = 3; i <= 200; i += 3) {
            driver.send(session, RequestKind.END, i, "show");
        }
        driver.pass(Duration.ofSeconds(1));
        List<Long> expired = new ArrayList<>();
        for (TsdStore.Due due = driver.due(); due != null; due = driver.due()) {
            expired.add(due.transaction());
            driver.own(due);
        }
        assertThat(expired).isEqualTo(expected);
    }

    // ---- marks, effects, order ------------------------------------------------------------------------------------

    @Test
    void aMarkLastsUntilTheNextEntry() {
        MarkedRequest marked = new MarkedRequest(session, 7);
        assertThat(store.mark()).isEmpty();
        driver.own(RequestKind.MARK, Identity.NONE, 0, EntryBody.ofMark(marked));
        assertThat(store.mark()).isEqualTo(Optional.of(marked));
        driver.send(session, RequestKind.TOUCH, 0, "");
        assertThat(store.mark()).isEmpty();
    }

    @Test
    void effectsStayInOrderUntilTheyAreDone() {
        driver.begin(session, "effect a");
        driver.begin(session, "effect once");
        driver.begin(session, "effect c");
        EffectRunner.Key second = store.pendingEffects().get(1).key();
        driver.own(RequestKind.EFFECT_STARTED, Identity.NONE, 0, EntryBody.ofEffect(second));
        assertThat(store.pendingEffects()).extracting(PendingEffect::isStarted).containsExactly(false, true, false);
        assertThat(store.pendingEffects().get(1).effect().isAtMostOnce()).isTrue();
        assertThat(store.pendingEffects().get(1).position()).isEqualTo(4);
        driver.own(RequestKind.EFFECT_DONE, Identity.NONE, 0, EntryBody.ofEffect(second));
        driver.own(RequestKind.EFFECT_DONE, Identity.NONE, 0, EntryBody.ofEffect(second));
        assertThat(store.pendingEffects())
                .extracting(e -> text(e.effect().payload()))
                .containsExactly("effect a", "effect c");
    }

    @Test
    void entriesOutOfOrderAreOurOwnFault() {
        assertThatThrownBy(() -> store.execute(
                        new ControlHeader(1, 99, session, 1, RequestKind.TOUCH, 1, 0, 0, driver.timeNs, 0),
                        bytes(""),
                        Decision.EXECUTE))
                .isInstanceOf(Invariant.InvariantBroken.class)
                .hasMessageContaining("out of order");
    }

    @Test
    void theBodyOfAMessageThatWasCutOffHoldsTheMessageAndItsRemains() {
        for (int length : new int[] {0, 3}) {
            byte[] message = bytes("m".repeat(length));
            byte[] remains = bytes("r".repeat(length));
            EntryBody.CutOff read = EntryBody.toCutOff(EntryBody.ofCutOff(message, remains));
            assertThat(read.message()).isEqualTo(message);
            assertThat(read.remains()).isEqualTo(remains);
        }
        for (byte[] bad : List.of(new byte[3], new byte[] {-1, 0, 0, 0}, new byte[] {0, 0, 0, 2, 7})) {
            assertThatThrownBy(() -> EntryBody.toCutOff(bad)).isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(() -> EntryBody.toMark(new byte[23])).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> EntryBody.toEffect(new byte[29])).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void saysWhereItStands() {
        assertThat(store.last()).isEqualTo(new Identity(1, 2));
        assertThat(store.lastTimeNs()).isEqualTo(driver.timeNs);
        assertThat(store.chain()).isEqualTo(driver.executions.get(1).entry().chain());
        assertThat(store.running()).isNull();
        assertThat(store.refusals()).isEmpty();
        assertThat(store.copyBlockedBy()).isEmpty();
        assertThat(store.waitingMessages()).isEmpty();
        assertThat(store.nextRetry()).isNull();
    }

    @Test
    void anotherLogIsADivergenceThoughItsOutcomesAreOurs() {
        StoreDriver other = StoreDriver.withoutRecords();
        other.open();
        driver.begin(session, "put apples");
        Entry entry = driver.executions.get(driver.executions.size() - 1).entry();
        Entry wrong = new Entry(entry.header(), entry.body(), entry.decision(), entry.outcome(), entry.chain() + 1);
        assertThatThrownBy(() -> other.store.apply(wrong))
                .isInstanceOf(DivergenceException.class)
                .hasMessageContaining("not ours");
        assertThatThrownBy(other.store::copy)
                .as("it is unusable from then on")
                .isInstanceOf(Invariant.InvariantBroken.class);
    }

    @Test
    void whatIsAppliedIsExecutedAndWhatDiffersMakesTheStoreUnusable() throws Exception {
        StoreDriver other = StoreDriver.withoutRecords();
        other.open();
        driver.begin(session, "put apples");
        driver.begin(session, "put pears");
        Entry first = driver.executions.get(2).entry();
        assertThat(other.store.apply(first).entry().chain()).isEqualTo(first.chain());
        Entry second = driver.executions.get(3).entry();
        Entry wrong = new Entry(second.header(), second.body(), second.decision(), 1, second.chain());
        assertThatThrownBy(() -> other.store.apply(wrong)).isInstanceOf(DivergenceException.class);
        assertThatThrownBy(other.store::copy).isInstanceOf(Invariant.InvariantBroken.class);
    }

    @Test
    void anotherOutcomeIsADivergenceThatNamesBothValues() {
        StoreDriver other = StoreDriver.withoutRecords();
        other.open();
        driver.begin(session, "put apples");
        Entry entry = driver.executions.get(driver.executions.size() - 1).entry();
        Entry wrong = new Entry(entry.header(), entry.body(), entry.decision(), entry.outcome() + 1, entry.chain());
        assertThatThrownBy(() -> other.store.apply(wrong)).isInstanceOfSatisfying(DivergenceException.class, e -> {
            assertThat(e.expected()).isEqualTo(entry.outcome() + 1);
            assertThat(e.actual()).isEqualTo(entry.outcome());
        });
    }
}
