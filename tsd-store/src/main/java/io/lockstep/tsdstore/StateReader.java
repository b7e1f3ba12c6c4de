package io.lockstep.tsdstore;

import io.lockstep.wire.Identity;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Reads the content of one item of a copy. Touched by one thread at a time. */
public final class StateReader {
    private final ByteBuffer in;

    public StateReader(ByteBuffer in) {
        this.in = in;
    }

    public int getByte() {
        return in.get() & 0xff;
    }

    public int getInt() {
        return in.getInt();
    }

    public long getLong() {
        return in.getLong();
    }

    public Identity getIdentity() {
        return new Identity(in.getLong(), in.getLong());
    }

    public byte[] getBytes() {
        int length = in.getInt();
        if (length < 0 || length > in.remaining()) {
            throw new IllegalArgumentException("length " + length + " of " + in.remaining());
        }
        byte[] bytes = new byte[length];
        in.get(bytes);
        return bytes;
    }

    public String getString() {
        return new String(getBytes(), StandardCharsets.UTF_8);
    }

    public boolean hasMore() {
        return in.hasRemaining();
    }
}
