package io.lockstep.examples.calls;

import io.lockstep.tsdstore.ServiceException;
import io.lockstep.wire.Identity;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** What the service answers. Safe from any thread, because answers are never changed. */
public sealed interface CallAnswer {
    /** The answer as bytes. */
    byte[] encode();

    /** Reads an answer. @throws ServiceException it is malformed, so the two sides are not of one version */
    static CallAnswer decode(byte[] bytes) throws ServiceException {
        Fields fields = new Fields("call answer", bytes);
        int kind = fields.code();
        CallAnswer answer =
                switch (kind) {
                    case Granted.KIND -> Granted.decode(fields.of("granted"));
                    case WrongPin.KIND -> WrongPin.decode(fields.of("wrong PIN"));
                    case Charged.KIND -> Charged.decode(fields.of("charged"));
                    case CardState.KIND -> CardState.decode(fields.of("card state"));
                    case Books.KIND -> Books.decode(fields.of("books"));
                    case Page.KIND -> Page.decode(fields.of("page"));
                    default -> throw new ServiceException("call answer: unknown kind " + kind + ", known are 1 to 6");
                };
        fields.end();
        return answer;
    }

    /**
     * The caller may talk on: answers {@link CallMessage.Start} and {@link CallMessage.Extend}.
     *
     * @param microsPerSecond price of a second of this stretch
     * @param seconds length of this stretch
     * @param spent price of the seconds reported so far, in micro-units
     * @param reserved held back from the balance for the whole call: what is spent and this stretch
     */
    record Granted(long microsPerSecond, int seconds, long spent, long reserved) implements CallAnswer {
        static final int KIND = 1;

        @Override
        public byte[] encode() {
            return ByteBuffer.allocate(1 + 8 + 4 + 8 + 8)
                    .put((byte) KIND)
                    .putLong(microsPerSecond)
                    .putInt(seconds)
                    .putLong(spent)
                    .putLong(reserved)
                    .array();
        }

        private static Granted decode(Fields fields) throws ServiceException {
            return new Granted(
                    fields.int64("micros per second", 0, Long.MAX_VALUE),
                    fields.int32("seconds", 1, Integer.MAX_VALUE),
                    fields.int64("spent", 0, Long.MAX_VALUE),
                    fields.int64("reserved", 0, Long.MAX_VALUE));
        }
    }

    /**
     * The PIN is wrong, which has been counted; there is no call, its transaction has ended.
     *
     * @param triesLeft wrong PINs until the card is blocked; 0 when it now is
     */
    record WrongPin(int triesLeft) implements CallAnswer {
        static final int KIND = 2;

        @Override
        public byte[] encode() {
            return ByteBuffer.allocate(1 + 4).put((byte) KIND).putInt(triesLeft).array();
        }

        private static WrongPin decode(Fields fields) throws ServiceException {
            return new WrongPin(fields.int32("tries left", 0, Integer.MAX_VALUE));
        }
    }

    /**
     * The call has ended and is paid: answers {@link CallMessage.HangUp}.
     *
     * @param seconds of the whole call
     * @param charge in micro-units
     * @param released what goes back from the reserve to the balance, in micro-units
     */
    record Charged(int seconds, long charge, long released) implements CallAnswer {
        static final int KIND = 3;

        @Override
        public byte[] encode() {
            return ByteBuffer.allocate(1 + 4 + 8 + 8)
                    .put((byte) KIND)
                    .putInt(seconds)
                    .putLong(charge)
                    .putLong(released)
                    .array();
        }

        private static Charged decode(Fields fields) throws ServiceException {
            return new Charged(
                    fields.int32("seconds", 0, Integer.MAX_VALUE),
                    fields.int64("charge", 0, Long.MAX_VALUE),
                    fields.int64("released", 0, Long.MAX_VALUE));
        }
    }

    /**
     * How a card stands: answers {@link CallMessage.TopUp}, {@link CallMessage.SetPin} and {@link
     * CallQuestion.AboutCard}.
     *
     * @param balance free to be reserved, in micro-units
     * @param reserved held by open calls, in micro-units
     * @param openCalls calls open on it
     * @param wrongPins wrong PINs in a row
     */
    record CardState(long balance, long reserved, int openCalls, int wrongPins) implements CallAnswer {
        static final int KIND = 4;

        /** Whether no call can start before the card gets a new PIN. */
        public boolean isBlocked() {
            return wrongPins >= CallLimits.WRONG_PINS_MAX;
        }

        @Override
        public byte[] encode() {
            return ByteBuffer.allocate(1 + 8 + 8 + 4 + 4)
                    .put((byte) KIND)
                    .putLong(balance)
                    .putLong(reserved)
                    .putInt(openCalls)
                    .putInt(wrongPins)
                    .array();
        }

        private static CardState decode(Fields fields) throws ServiceException {
            return new CardState(
                    fields.int64("balance", 0, Long.MAX_VALUE),
                    fields.int64("reserved", 0, Long.MAX_VALUE),
                    fields.int32("open calls", 0, Integer.MAX_VALUE),
                    fields.int32("wrong PINs", 0, Integer.MAX_VALUE));
        }
    }

    /**
     * The sums of the books; answers {@link CallMessage.IssueCards}, there for the issued series alone, and {@link
     * CallQuestion.Audit}.
     *
     * @param cards number of cards
     * @param topUps ever paid in, in micro-units
     * @param balances free, in micro-units
     * @param reserves held by open calls, in micro-units
     * @param charges charged for ended calls, in micro-units
     * @param openCalls calls open now
     * @param records call records, one for each ended call
     */
    record Books(long cards, long topUps, long balances, long reserves, long charges, long openCalls, long records)
            implements CallAnswer {
        static final int KIND = 5;

        /** Whether every micro-unit that was paid in is where it belongs. */
        public boolean isBalanced() {
            return balances + reserves + charges == topUps;
        }

        @Override
        public byte[] encode() {
            return ByteBuffer.allocate(1 + 7 * 8)
                    .put((byte) KIND)
                    .putLong(cards)
                    .putLong(topUps)
                    .putLong(balances)
                    .putLong(reserves)
                    .putLong(charges)
                    .putLong(openCalls)
                    .putLong(records)
                    .array();
        }

        private static Books decode(Fields fields) throws ServiceException {
            return new Books(
                    fields.int64("cards", 0, Long.MAX_VALUE),
                    fields.int64("top-ups", 0, Long.MAX_VALUE),
                    fields.int64("balances", 0, Long.MAX_VALUE),
                    fields.int64("reserves", 0, Long.MAX_VALUE),
                    fields.int64("charges", 0, Long.MAX_VALUE),
                    fields.int64("open calls", 0, Long.MAX_VALUE),
                    fields.int64("records", 0, Long.MAX_VALUE));
        }
    }

    /** Some records, by call; fewer than asked for when there are no more. Answers {@link CallQuestion.Records}. */
    record Page(List<CallRecord> records) implements CallAnswer {
        static final int KIND = 6;

        public Page {
            records = List.copyOf(records);
        }

        @Override
        public byte[] encode() {
            ByteBuffer out = ByteBuffer.allocate(1 + 4 + records.size() * CallRecord.BYTES)
                    .put((byte) KIND)
                    .putInt(records.size());
            for (CallRecord record : records) {
                out.putLong(record.session().term())
                        .putLong(record.session().position())
                        .putLong(record.call())
                        .putLong(record.card())
                        .putLong(record.startedNs())
                        .putLong(record.endedNs())
                        .putInt(record.seconds())
                        .putLong(record.charge())
                        .put((byte) record.ending().code())
                        .putInt((int) record.contextCheck());
            }
            return out.array();
        }

        private static Page decode(Fields fields) throws ServiceException {
            int count = fields.int32("count", 0, CallLimits.PAGE_MAX);
            List<CallRecord> records = new ArrayList<>(count);
            for (int i = 0; i < count; i++) {
                records.add(new CallRecord(
                        new Identity(
                                fields.int64("session term", 0, Long.MAX_VALUE),
                                fields.int64("session position", 0, Long.MAX_VALUE)),
                        fields.int64("call", 1, Long.MAX_VALUE),
                        fields.int64("card", 1, Long.MAX_VALUE),
                        fields.int64("started", 0, Long.MAX_VALUE),
                        fields.int64("ended", 0, Long.MAX_VALUE),
                        fields.int32("seconds", 0, Integer.MAX_VALUE),
                        fields.int64("charge", 0, Long.MAX_VALUE),
                        ending(fields.code()),
                        Integer.toUnsignedLong(fields.int32("context check", Integer.MIN_VALUE, Integer.MAX_VALUE))));
            }
            return new Page(records);
        }

        private static CallEnding ending(int code) throws ServiceException {
            if (code >= CallEnding.values().length) {
                throw new ServiceException("page: unknown ending " + code);
            }
            return CallEnding.of(code);
        }
    }
}
