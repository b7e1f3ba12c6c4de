package io.lockstep.tsdstore;

import io.lockstep.wire.Identity;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Reads the content of one item of a copy. Touched by one thread at a time. */
final class StateReader {
    private final ByteBuffer in;

    StateReader(ByteBuffer in) {
        this.in = in;
    }

    int getByte() {
        return in.get() & 0xff;
    }

    int getInt() {
        return in.getInt();
    }

    long getLong() {
        return in.getLong();
    }

    Identity getIdentity() {
        return new Identity(in.getLong(), in.getLong());
    }

    byte[] getBytes() {
        int length = in.getInt();
        if (length < 0 || length > in.remaining()) {
            throw new IllegalArgumentException("length " + length + " of " + in.remaining());
        }
        byte[] bytes = new byte[length];
        in.get(bytes);
        return bytes;
    }

    String getString() {
        return new String(getBytes(), StandardCharsets.UTF_8);
    }

    boolean hasMore() {
        return in.hasRemaining();
    }
}
