package io.lockstep.tsdstore;

import io.lockstep.wire.Identity;
import java.nio.ByteBuffer;

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
