package io.lockstep.examples.calls;

import io.lockstep.tsdstore.Codec;
import io.lockstep.tsdstore.StateKey;
import java.nio.ByteBuffer;

/**
 * What is remembered of a call between its messages. Touched only by the lane; never changed, replaced.
 *
 * <p>Always: {@code reserved = spent + stretchSeconds * microsPerSecond}, and {@code reserved} is held on the card.
 *
 * @param card number of the card
 * @param startedNs header time of the first message
 * @param microsPerSecond price of a second of the present stretch
 * @param stretchSeconds length of the present stretch
 * @param usedSeconds reported for the stretches before it
 * @param spent price of those seconds
 */
record OpenCall(long card, long startedNs, long microsPerSecond, int stretchSeconds, int usedSeconds, long spent) {
    static final StateKey<OpenCall> KEY = new StateKey<>("call", new Coding());

    /** The switch's own bytes; a value of their own, so that a message need not write them again. */
    static final StateKey<byte[]> CONTEXT = new StateKey<>("context", new Blob());

    private static final int BYTES = 8 + 8 + 8 + 4 + 4 + 8;

    /** Held back from the card's balance. */
    long reserved() {
        return spent + stretchSeconds * microsPerSecond;
    }

    /** The call after its present stretch was used up to a second, and another one begun. */
    OpenCall extended(int usedOfStretch, Tariff tariff, int moreSeconds) {
        return new OpenCall(
                card,
                startedNs,
                tariff.microsPerSecond(),
                moreSeconds,
                usedSeconds + usedOfStretch,
                spent + usedOfStretch * microsPerSecond);
    }

    private static final class Coding implements Codec<OpenCall> {
        @Override
        public byte[] encode(OpenCall call) {
            return ByteBuffer.allocate(BYTES)
                    .putLong(call.card)
                    .putLong(call.startedNs)
                    .putLong(call.microsPerSecond)
                    .putInt(call.stretchSeconds)
                    .putInt(call.usedSeconds)
                    .putLong(call.spent)
                    .array();
        }

        @Override
        public OpenCall decode(byte[] bytes) {
            if (bytes.length != BYTES) {
                throw new IllegalArgumentException("state of a call has " + BYTES + " bytes, not " + bytes.length);
            }
            ByteBuffer in = ByteBuffer.wrap(bytes);
            return new OpenCall(in.getLong(), in.getLong(), in.getLong(), in.getInt(), in.getInt(), in.getLong());
        }
    }

    private static final class Blob implements Codec<byte[]> {
        @Override
        public byte[] encode(byte[] value) {
            return value;
        }

        @Override
        public byte[] decode(byte[] bytes) {
            return bytes;
        }
    }
}
