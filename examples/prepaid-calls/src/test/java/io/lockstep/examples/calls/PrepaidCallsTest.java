package io.lockstep.examples.calls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.lockstep.examples.calls.CallAnswer.Books;
import io.lockstep.examples.calls.CallAnswer.CardState;
import io.lockstep.examples.calls.CallAnswer.Charged;
import io.lockstep.examples.calls.CallAnswer.Granted;
import io.lockstep.examples.calls.CallAnswer.WrongPin;
import io.lockstep.examples.calls.CallMessage.Extend;
import io.lockstep.examples.calls.CallMessage.HangUp;
import io.lockstep.examples.calls.CallMessage.IssueCards;
import io.lockstep.examples.calls.CallMessage.SetPin;
import io.lockstep.examples.calls.CallMessage.Start;
import io.lockstep.examples.calls.CallMessage.TopUp;
import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every entry is executed on a second store too, which must agree. */
class PrepaidCallsTest {
    private static final String PIN = "4711";
    private static final long CARD = 1_001;
    private static final int CARDS = 10;
    private static final long AMOUNT = 1_000_000;
    private static final byte[] CONTEXT = {1, 2, 3};
    private static final Duration GRACE = Duration.ofMinutes(15);

    /** A peak second costs 2,500. */
    private final CallStore store = new CallStore(Instant.parse("2026-11-20T12:00:00Z"));

    @BeforeEach
    void issueCards() {
        Books series = (Books) CallStore.decode(store.begin(new IssueCards(CARD, CARDS, PIN, AMOUNT)));
        assertThat(series).isEqualTo(new Books(CARDS, CARDS * AMOUNT, CARDS * AMOUNT, 0, 0, 0, 0));
    }

    @AfterEach
    void booksBalanceAndTheBackupIsEqual() {
        assertThat(store.audit().isBalanced()).isTrue();
        assertThat(store.isEqualToItsBackup()).isTrue();
        store.close();
    }

    @Test
    void chargesWhatWasUsedAndReleasesTheRest() {
        Instant started = store.now();
        long call = start(CARD, 60);
        assertThat(store.card(CARD)).isEqualTo(new CardState(850_000, 150_000, 1, 0));
        store.pass(Duration.ofSeconds(50));
        assertThat(CallStore.decode(store.send(call, new Extend(50, 100))))
                .isEqualTo(new Granted(2_500, 100, 125_000, 375_000));
        assertThat(store.card(CARD)).isEqualTo(new CardState(625_000, 375_000, 1, 0));
        store.pass(Duration.ofSeconds(30));
        assertThat(CallStore.decode(store.end(call, new HangUp(30)))).isEqualTo(new Charged(80, 200_000, 175_000));
        assertThat(store.card(CARD)).isEqualTo(new CardState(800_000, 0, 0, 0));
        assertThat(store.records())
                .containsExactly(new CallRecord(
                        store.session(),
                        call,
                        CARD,
                        nanos(started),
                        nanos(store.now()),
                        80,
                        200_000,
                        CallEnding.HUNG_UP,
                        check(CONTEXT)));
    }

    @Test
    void pricesEachStretchAtTheRateOfItsBeginning() {
        store.pass(Duration.between(store.now(), Instant.parse("2026-11-20T17:59:59.999Z")));
        long call = start(CARD, 60);
        store.pass(Duration.ofMillis(1));
        assertThat(CallStore.decode(store.send(call, new Extend(60, 60))))
                .isEqualTo(new Granted(1_500, 60, 150_000, 240_000));
        store.pass(Duration.ofHours(4));
        assertThat(CallStore.decode(store.end(call, new HangUp(10)))).isEqualTo(new Charged(70, 165_000, 75_000));
    }

    @Test
    void keepsTheLargestContextToTheEnd() {
        byte[] context = new byte[CallLimits.CONTEXT_MAX_BYTES];
        new SplittableRandom(5).nextBytes(context);
        CallStore.decode(store.begin(new Start(CARD, PIN, 1, context)));
        CallStore.decode(store.end(store.lastRequestId(), new HangUp(1)));
        assertThat(store.records()).extracting(CallRecord::contextCheck).containsExactly(check(context));
    }

    @Test
    void releasesTheReserveOfACallThatIsRolledBack() {
        long call = start(CARD, 60);
        CallStore.decode(store.send(call, new Extend(60, 60)));
        store.rollback(call);
        assertThat(store.card(CARD)).isEqualTo(new CardState(AMOUNT, 0, 0, 0));
        assertThat(store.records())
                .extracting(CallRecord::ending, CallRecord::seconds, CallRecord::charge)
                .containsExactly(tuple(CallEnding.ROLLED_BACK, 60, 0L));
    }

    @Test
    void releasesTheReserveOfACallOfWhichNothingIsHeardForAQuarterOfAnHour() {
        long call = start(CARD, 60);
        store.pass(Duration.ofSeconds(59).plus(GRACE));
        assertThat(store.expireDue()).isZero();
        store.pass(Duration.ofSeconds(1));
        assertThat(store.expireDue()).isEqualTo(1);
        assertThat(store.card(CARD)).isEqualTo(new CardState(AMOUNT, 0, 0, 0));
        assertThat(store.records())
                .extracting(CallRecord::call, CallRecord::ending, CallRecord::charge)
                .containsExactly(tuple(call, CallEnding.EXPIRED, 0L));
    }

    @Test
    void countsWrongPinsAndBlocksTheCardUntilItGetsANewOne() {
        for (int left = 2; left >= 0; left--) {
            Answer answer = store.begin(new Start(CARD, "9999", 60, CONTEXT));
            assertThat(CallStore.decode(answer)).isEqualTo(new WrongPin(left));
            assertThat(store.send(store.lastRequestId(), new Extend(1, 1)).code())
                    .isEqualTo(AnswerCode.TRANSACTION_ENDED);
        }
        refused(
                store.begin(new Start(CARD, PIN, 60, CONTEXT)),
                "card 1001 is blocked after 3 wrong PINs: give it a new PIN");
        assertThat(store.card(CARD).isBlocked()).isTrue();
        assertThat(CallStore.decode(store.begin(new SetPin(CARD, "2222")))).isEqualTo(new CardState(AMOUNT, 0, 0, 0));
        CallStore.decode(store.begin(new Start(CARD, "2222", 60, CONTEXT)));
    }

    @Test
    void forgetsWrongPinsAfterARightOne() {
        CallStore.decode(store.begin(new Start(CARD, "9999", 60, CONTEXT)));
        CallStore.decode(store.begin(new Start(CARD, "9999", 60, CONTEXT)));
        start(CARD, 1);
        assertThat(store.card(CARD).wrongPins()).isZero();
    }

    @Test
    void refusesWhatTheBooksDoNotAllowAndChangesNothing() {
        long call = start(CARD, 60);
        Books before = store.audit();
        refused(store.begin(new Start(7, PIN, 60, CONTEXT)), "card 7 is unknown");
        refused(
                store.begin(new Start(CARD + 1, PIN, 401, CONTEXT)),
                "card 1002 has 1000000 micro-units left, 1002500 are needed: top it up");
        refused(
                store.send(call, new Extend(60, 341)),
                "card 1001 has 850000 micro-units left, 852500 are needed: top it up");
        refused(store.send(call, new Extend(61, 1)), "used 61 s, but only 60 s were reserved: report at most those");
        refused(store.end(call, new HangUp(61)), "used 61 s, but only 60 s were reserved: report at most those");
        refused(
                store.begin(new IssueCards(CARD + 9, 2, PIN, 0)),
                "card 1010 exists already: none of the series was issued");
        refused(store.begin(new TopUp(7, 1)), "card 7 is unknown");
        refused(store.begin(new SetPin(7, PIN)), "card 7 is unknown");
        assertThat(store.audit()).isEqualTo(before);
        assertThat(CallStore.decode(store.end(call, new HangUp(60)))).isEqualTo(new Charged(60, 150_000, 0));
    }

    @Test
    void refusesMessagesOutOfPlace() {
        refused(
                store.begin(new Extend(1, 1)),
                "no call has been started in this transaction: begin it with a start message");
        refused(
                store.begin(new HangUp(1)),
                "no call has been started in this transaction: begin it with a start message");
        long call = start(CARD, 60);
        refused(
                store.send(call, new HangUp(1)),
                "hang up is a call's termination message: send it as the transaction's end");
        refused(store.end(call, new Extend(1, 1)), "extend does not end a call: end it with a hang-up message");
        refused(store.send(call, new TopUp(CARD, 1)), "within a call only extend and hang up are understood");
        refused(
                store.end(call, new Start(CARD, PIN, 1, CONTEXT)),
                "within a call only extend and hang up are understood");
        assertThat(store.audit().openCalls()).isEqualTo(1);
    }

    @Test
    void letsACardHaveFourCallsAtATime() {
        for (int i = 0; i < CallLimits.CALLS_PER_CARD_MAX; i++) {
            start(CARD, 1);
        }
        refused(store.begin(new Start(CARD, PIN, 1, CONTEXT)), "card 1001 already has 4 open calls, the most allowed");
    }

    @Test
    void refusesATopUpBeyondTheLargestBalance() {
        for (int i = 0; i < 999; i++) {
            CallStore.decode(store.begin(new TopUp(CARD, CallLimits.TOP_UP_MAX)));
        }
        refused(
                store.begin(new TopUp(CARD, CallLimits.TOP_UP_MAX)),
                "card 1001 holds 999000001000000 micro-units: a top-up of 1000000000000 would exceed 1000000000000000");
    }

    @Test
    void refusesEveryMalformedMessageAndChangesNothing() {
        long call = start(CARD, 60);
        Books before = store.audit();
        CardState card = store.card(CARD);
        SplittableRandom random = new SplittableRandom(42);
        List<byte[]> garbage = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            byte[] bytes = new byte[random.nextInt(2, 60)];
            random.nextBytes(bytes);
            garbage.add(bytes);
        }
        byte[] valid = new Start(CARD, PIN, 60, CONTEXT).encode();
        for (int length = 0; length < valid.length; length++) {
            garbage.add(Arrays.copyOf(valid, length));
        }
        garbage.add(Arrays.copyOf(valid, valid.length + 1));
        for (byte[] bytes : garbage) {
            refused(store.begin(bytes));
            refused(store.send(call, bytes));
        }
        byte[] question = new CallQuestion.Records(store.session(), 0, 1).encode();
        for (int length = 0; length < question.length; length++) {
            refused(store.ask(Arrays.copyOf(question, length)));
        }
        refused(store.ask(Arrays.copyOf(question, question.length + 1)));
        assertThat(store.audit()).isEqualTo(before);
        assertThat(store.card(CARD)).isEqualTo(card);
    }

    @Test
    void listsRecordsPageByPage() {
        List<Long> ended = new ArrayList<>();
        for (int i = 0; i < 7; i++) {
            long call = start(CARD, 1);
            CallStore.decode(store.end(call, new HangUp(0)));
            ended.add(call);
        }
        List<Long> listed = new ArrayList<>();
        List<CallRecord> page;
        do {
            long after = listed.isEmpty() ? 0 : listed.get(listed.size() - 1);
            byte[] question = new CallQuestion.Records(store.session(), after, 3).encode();
            page = ((CallAnswer.Page) CallStore.decode(store.ask(question))).records();
            page.forEach(record -> listed.add(record.call()));
        } while (page.size() == 3);
        assertThat(listed).isEqualTo(ended);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void booksBalanceAfterEveryStepOfARandomDay(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        List<Long> open = new ArrayList<>();
        for (int step = 0; step < 500; step++) {
            store.pass(Duration.ofSeconds(random.nextInt(0, 120)));
            long card = CARD + random.nextInt(CARDS);
            int seconds = random.nextInt(1, 300);
            long call = open.isEmpty() ? 0 : open.get(random.nextInt(open.size()));
            switch (random.nextInt(10)) {
                case 0, 1, 2 -> {
                    String pin = random.nextInt(20) == 0 ? "9999" : PIN;
                    store.begin(new Start(card, pin, seconds, CONTEXT));
                }
                case 3, 4 -> store.send(call, new Extend(random.nextInt(0, seconds), seconds));
                case 5, 6 -> store.end(call, new HangUp(random.nextInt(0, seconds)));
                case 7 -> store.rollback(call);
                case 8 -> store.begin(random.nextBoolean() ? new TopUp(card, seconds * 2_500L) : new SetPin(card, PIN));
                default -> {
                    store.pass(random.nextInt(10) == 0 ? Duration.ofMinutes(9) : Duration.ZERO);
                    store.expireDue();
                }
            }
            Set<Long> ended = store.records().stream().map(CallRecord::call).collect(Collectors.toSet());
            open.removeIf(ended::contains);
            Books books = store.audit();
            if (books.openCalls() > open.size()) {
                open.add(store.lastRequestId());
            }
            assertThat(books.isBalanced()).as("step %s: %s", step, books).isTrue();
            assertThat(books.openCalls()).as("step %s", step).isEqualTo(open.size());
            assertThat(books.records()).as("step %s", step).isEqualTo(ended.size());
        }
    }

    private long start(long card, int seconds) {
        CallStore.decode(store.begin(new Start(card, PIN, seconds, CONTEXT)));
        return store.lastRequestId();
    }

    private static void refused(Answer answer) {
        assertThat(answer.code()).isEqualTo(AnswerCode.SERVICE_ERROR);
        assertThat(CallStore.text(answer)).isNotBlank();
    }

    private static void refused(Answer answer, String text) {
        assertThat(CallStore.text(answer)).isEqualTo(text);
        assertThat(answer.code()).isEqualTo(AnswerCode.SERVICE_ERROR);
    }

    private static long check(byte[] bytes) {
        CRC32C check = new CRC32C();
        check.update(bytes, 0, bytes.length);
        return check.getValue();
    }

    private static long nanos(Instant time) {
        return time.getEpochSecond() * 1_000_000_000L + time.getNano();
    }
}
