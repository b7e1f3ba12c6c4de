package io.lockstep.examples.calls;

import static io.lockstep.examples.calls.CallLimits.CALL_MAX_SECONDS;
import static io.lockstep.examples.calls.CallLimits.CARD_MAX;
import static io.lockstep.examples.calls.CallLimits.CONTEXT_MAX_BYTES;
import static io.lockstep.examples.calls.CallLimits.ISSUE_MAX;
import static io.lockstep.examples.calls.CallLimits.PIN_MAX;
import static io.lockstep.examples.calls.CallLimits.PIN_MIN;
import static io.lockstep.examples.calls.CallLimits.STRETCH_MAX_SECONDS;
import static io.lockstep.examples.calls.CallLimits.TOP_UP_MAX;

import io.lockstep.tsdstore.ServiceException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * What a switch, or the card office, tells the service: one byte of kind, then the fields in the order of the record.
 * Safe from any thread, because messages are never changed.
 *
 * <p>{@link Start} opens a call's transaction, {@link Extend} goes on with it, {@link HangUp} is its termination
 * message. The office's messages are transactions of one message.
 */
public sealed interface CallMessage {
    /** The message as bytes. */
    byte[] encode();

    /** Reads a message. @throws ServiceException it is malformed; the text names the field and what is wrong */
    static CallMessage decode(byte[] bytes) throws ServiceException {
        Fields fields = new Fields("call message", bytes);
        int kind = fields.code();
        return switch (kind) {
            case Start.KIND -> Start.decode(fields.of("start"));
            case Extend.KIND -> Extend.decode(fields.of("extend"));
            case HangUp.KIND -> HangUp.decode(fields.of("hang up"));
            case IssueCards.KIND -> IssueCards.decode(fields.of("issue cards"));
            case TopUp.KIND -> TopUp.decode(fields.of("top up"));
            case SetPin.KIND -> SetPin.decode(fields.of("set PIN"));
            default -> throw new ServiceException("call message: unknown kind " + kind + ", known are 1 to 6");
        };
    }

    /**
     * A caller wants to call: checks the card and reserves its first stretch.
     *
     * @param card number of the card, 1 to 16 digits
     * @param pin 4 to 12 digits
     * @param seconds length of the first stretch, 1 to 86,400
     * @param context whatever the switch wants kept with the call (a session description, say), 0 to 64 KiB
     */
    record Start(long card, String pin, int seconds, byte[] context) implements CallMessage {
        static final int KIND = 1;

        @Override
        public byte[] encode() {
            byte[] text = pin.getBytes(StandardCharsets.US_ASCII);
            return ByteBuffer.allocate(1 + 8 + 1 + text.length + 4 + 4 + context.length)
                    .put((byte) KIND)
                    .putLong(card)
                    .put((byte) text.length)
                    .put(text)
                    .putInt(seconds)
                    .putInt(context.length)
                    .put(context)
                    .array();
        }

        private static Start decode(Fields fields) throws ServiceException {
            Start start = new Start(
                    fields.int64("card", 1, CARD_MAX),
                    fields.digits("pin", PIN_MIN, PIN_MAX),
                    fields.int32("seconds", 1, STRETCH_MAX_SECONDS),
                    fields.blob("context", CONTEXT_MAX_BYTES));
            fields.end();
            return start;
        }
    }

    /**
     * The stretch is nearly over and the caller goes on talking: reports what was used of it and reserves another one.
     *
     * @param usedSeconds used of the present stretch, from 0 to its length
     * @param moreSeconds length of the next stretch, 1 to 86,400
     */
    record Extend(int usedSeconds, int moreSeconds) implements CallMessage {
        static final int KIND = 2;

        @Override
        public byte[] encode() {
            return ByteBuffer.allocate(1 + 4 + 4)
                    .put((byte) KIND)
                    .putInt(usedSeconds)
                    .putInt(moreSeconds)
                    .array();
        }

        private static Extend decode(Fields fields) throws ServiceException {
            Extend extend = new Extend(
                    fields.int32("used seconds", 0, CALL_MAX_SECONDS),
                    fields.int32("more seconds", 1, STRETCH_MAX_SECONDS));
            fields.end();
            return extend;
        }
    }

    /**
     * The call is over: charges what was used and releases the rest.
     *
     * @param usedSeconds used of the present stretch, from 0 to its length
     */
    record HangUp(int usedSeconds) implements CallMessage {
        static final int KIND = 3;

        @Override
        public byte[] encode() {
            return ByteBuffer.allocate(1 + 4)
                    .put((byte) KIND)
                    .putInt(usedSeconds)
                    .array();
        }

        private static HangUp decode(Fields fields) throws ServiceException {
            HangUp hangUp = new HangUp(fields.int32("used seconds", 0, CALL_MAX_SECONDS));
            fields.end();
            return hangUp;
        }
    }

    /**
     * Issues a series of new cards, each with its first top-up.
     *
     * @param firstCard number of the first; the others follow without a gap
     * @param count how many, 1 to 500
     * @param pin PIN of each, 4 to 12 digits
     * @param amount top-up of each, in micro-units, 0 to 10^12
     */
    record IssueCards(long firstCard, int count, String pin, long amount) implements CallMessage {
        static final int KIND = 4;

        @Override
        public byte[] encode() {
            byte[] text = pin.getBytes(StandardCharsets.US_ASCII);
            return ByteBuffer.allocate(1 + 8 + 4 + 1 + text.length + 8)
                    .put((byte) KIND)
                    .putLong(firstCard)
                    .putInt(count)
                    .put((byte) text.length)
                    .put(text)
                    .putLong(amount)
                    .array();
        }

        private static IssueCards decode(Fields fields) throws ServiceException {
            IssueCards issue = new IssueCards(
                    fields.int64("first card", 1, CARD_MAX - ISSUE_MAX),
                    fields.int32("count", 1, ISSUE_MAX),
                    fields.digits("pin", PIN_MIN, PIN_MAX),
                    fields.int64("amount", 0, TOP_UP_MAX));
            fields.end();
            return issue;
        }
    }

    /**
     * Adds to a card's balance.
     *
     * @param card number of the card
     * @param amount in micro-units, 1 to 10^12
     */
    record TopUp(long card, long amount) implements CallMessage {
        static final int KIND = 5;

        @Override
        public byte[] encode() {
            return ByteBuffer.allocate(1 + 8 + 8)
                    .put((byte) KIND)
                    .putLong(card)
                    .putLong(amount)
                    .array();
        }

        private static TopUp decode(Fields fields) throws ServiceException {
            TopUp topUp = new TopUp(fields.int64("card", 1, CARD_MAX), fields.int64("amount", 1, TOP_UP_MAX));
            fields.end();
            return topUp;
        }
    }

    /**
     * Gives a card a new PIN and takes away a block.
     *
     * @param card number of the card
     * @param pin 4 to 12 digits
     */
    record SetPin(long card, String pin) implements CallMessage {
        static final int KIND = 6;

        @Override
        public byte[] encode() {
            byte[] text = pin.getBytes(StandardCharsets.US_ASCII);
            return ByteBuffer.allocate(1 + 8 + 1 + text.length)
                    .put((byte) KIND)
                    .putLong(card)
                    .put((byte) text.length)
                    .put(text)
                    .array();
        }

        private static SetPin decode(Fields fields) throws ServiceException {
            SetPin setPin = new SetPin(fields.int64("card", 1, CARD_MAX), fields.digits("pin", PIN_MIN, PIN_MAX));
            fields.end();
            return setPin;
        }
    }
}
