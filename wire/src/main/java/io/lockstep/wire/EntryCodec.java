package io.lockstep.wire;

import java.nio.ByteBuffer;

/** Entries as bytes: in forward frames, recordings and copies. Safe from any thread, because it has no state. */
public final class EntryCodec {
    private EntryCodec() {}

    /** The entry in {@link Entry#bytes} bytes. */
    public static byte[] encode(Entry entry) {
        throw new IllegalStateException();
    }

    /** Writes the entry in {@link Entry#bytes} bytes at the buffer's position, and moves the position behind it. */
    public static void encode(Entry entry, ByteBuffer out) {
        throw new IllegalStateException();
    }

    /** The entry that these bytes are, neither more nor less. @throws ProtocolException when they are not */
    public static Entry decode(byte[] bytes) throws ProtocolException {
        throw new IllegalStateException();
    }

    /**
     * Reads one entry at the buffer's position and moves the position behind it.
     *
     * @throws ProtocolException when there is none; the position is then unspecified
     */
    public static Entry decode(ByteBuffer in) throws ProtocolException {
        throw new IllegalStateException();
    }
}
