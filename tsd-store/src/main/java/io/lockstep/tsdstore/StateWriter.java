package io.lockstep.tsdstore;

import io.lockstep.wire.Identity;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Writes items, each with its length and tag in front, into a buffer that grows. Touched by one thread at a time. Copies
 * and digests are both made of what is written here, so nothing is in the one and not in the other.
 */
public final class StateWriter {
    private static final int ITEM_HEAD_BYTES = 5;

    private byte[] buffer = new byte[4096];
    private int size;
    private int itemStart = -1;

    public void begin(StateTag tag) {
        itemStart = size;
        putInt(0);
        putByte(tag.code());
    }

    public void end() {
        int bytes = size - itemStart - ITEM_HEAD_BYTES;
        int end = size;
        size = itemStart;
        putInt(bytes);
        size = end;
        itemStart = -1;
    }

    public void putByte(int value) {
        room(1);
        buffer[size++] = (byte) value;
    }

    public void putInt(int value) {
        room(4);
        buffer[size++] = (byte) (value >>> 24);
        buffer[size++] = (byte) (value >>> 16);
        buffer[size++] = (byte) (value >>> 8);
        buffer[size++] = (byte) value;
    }

    public void putLong(long value) {
        putInt((int) (value >>> 32));
        putInt((int) value);
    }

    public void putIdentity(Identity identity) {
        putLong(identity.term());
        putLong(identity.position());
    }

    public void putBytes(byte[] bytes) {
        putBytes(bytes, bytes.length);
    }

    public void putBytes(byte[] bytes, int length) {
        putInt(length);
        room(length);
        System.arraycopy(bytes, 0, buffer, size, length);
        size += length;
    }

    public void putString(String text) {
        putBytes(text.getBytes(StandardCharsets.UTF_8));
    }

    public int size() {
        return size;
    }

    public byte[] buffer() {
        return buffer;
    }

    /** Drops the first bytes, which somebody has taken. */
    public void drop(int bytes) {
        System.arraycopy(buffer, bytes, buffer, 0, size - bytes);
        size -= bytes;
    }

    private void room(int more) {
        if (size + more > buffer.length) {
            buffer = Arrays.copyOf(buffer, Math.max(Math.addExact(size, more), Math.min(buffer.length * 2, 1 << 30)));
        }
    }
}
