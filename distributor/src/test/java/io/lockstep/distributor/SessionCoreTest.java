package io.lockstep.distributor;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.distributor.LockstepException.Outcome;
import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The client's half of the protocol as transcripts: what happens to it, and the lines that it says. */
class SessionCoreTest implements SessionCore.Effects<String> {
    private static final long MS = 1_000_000;
    private static final Identity S = new Identity(1, 2);

    private final List<String> said = new ArrayList<>();
    private final List<Request> sent = new ArrayList<>();
    private final SessionCore<String> core = new SessionCore<>(
            new SessionConfig(Duration.ofSeconds(10), 4, 3, Duration.ofSeconds(20)), this, 77, 5_000 * MS, 0);
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

    // ---- help -----------------------------------------------------------------------------------------------------

    private void opened() {
        core.onChannelUp(now);
        core.onReply(1, new Answer(Identity.provisional(77), 0, S, AnswerCode.OK, new byte[0]), now);
        assertThat(core.session()).isEqualTo(S);
        heard();
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
    }

    @Override
    public void opened(Identity session) {
        said.add("opened " + session);
    }

    @Override
    public void over(@Nullable Ending problem) {
        said.add(problem == null ? "over" : "over " + problem.problem() + " " + problem.code());
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
