package io.lockstep.tsdstore;

import io.lockstep.wire.Identity;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** Bodies of the entries that the active orders by itself. Safe from any thread, because nothing is kept. */
public final class EntryBody {
    private static final int MARK_BYTES = 24;
    private static final int EFFECT_BYTES = 28;

    private EntryBody() {}

    /** Body of a {@link io.lockstep.wire.RequestKind#MARK}: the session's term and position, request id; 24 bytes. */
    public static byte[] ofMark(MarkedRequest marked) {
        return ByteBuffer.allocate(MARK_BYTES)
                .putLong(marked.session().term())
                .putLong(marked.session().position())
                .putLong(marked.requestId())
                .array();
    }

    /** Body of {@code EFFECT_STARTED}, {@code EFFECT_DONE}: session's term, position, request id, ordinal; 28 bytes. */
    public static byte[] ofEffect(EffectRunner.Key key) {
        return ByteBuffer.allocate(EFFECT_BYTES)
                .putLong(key.session().term())
                .putLong(key.session().position())
                .putLong(key.requestId())
                .putInt(key.ordinal())
                .array();
    }

    /**
     * A message that was cut off.
     *
     * @param message its body
     * @param remains what it left behind
     */
    record CutOff(byte[] message, byte[] remains) {}

    /** Body of an entry with {@link io.lockstep.wire.Decision#CUT_OFF}: the message's length, the message, its remains. */
    static byte[] ofCutOff(byte[] message, byte[] remains) {
        return ByteBuffer.allocate(Integer.BYTES + message.length + remains.length)
                .putInt(message.length)
                .put(message)
                .put(remains)
                .array();
    }

    /** @throws IllegalArgumentException when it is no such body */
    static CutOff toCutOff(byte[] body) {
        int length = body.length < Integer.BYTES ? -1 : ByteBuffer.wrap(body).getInt();
        if (length < 0 || length > body.length - Integer.BYTES) {
            throw new IllegalArgumentException("body of " + body.length + " bytes with a message of " + length);
        }
        int remains = Integer.BYTES + length;
        return new CutOff(
                Arrays.copyOfRange(body, Integer.BYTES, remains), Arrays.copyOfRange(body, remains, body.length));
    }

    /** @throws IllegalArgumentException when it is no such body */
    static MarkedRequest toMark(byte[] body) {
        ByteBuffer in = checked(body, MARK_BYTES);
        return new MarkedRequest(new Identity(in.getLong(), in.getLong()), in.getLong());
    }

    /** @throws IllegalArgumentException when it is no such body */
    static EffectRunner.Key toEffect(byte[] body) {
        ByteBuffer in = checked(body, EFFECT_BYTES);
        return new EffectRunner.Key(new Identity(in.getLong(), in.getLong()), in.getLong(), in.getInt());
    }

    private static ByteBuffer checked(byte[] body, int bytes) {
        if (body.length != bytes) {
            throw new IllegalArgumentException("body of " + body.length + " bytes instead of " + bytes);
        }
        return ByteBuffer.wrap(body);
    }
}
