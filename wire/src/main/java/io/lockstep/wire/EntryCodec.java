package io.lockstep.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;

/** Entries as bytes, for recordings and copies. Safe from any thread, because it has no state. */
public final class EntryCodec {
    private EntryCodec() {}

    /** The entry in {@link Entry#bytes} bytes. */
    public static byte[] encode(Entry entry) {
        byte[] bytes = new byte[entry.bytes()];
        EntryView.write(entry, Unpooled.wrappedBuffer(bytes).clear());
        return bytes;
    }

    /**
     * Writes the entry in {@link Entry#bytes} bytes at the buffer's position, and moves the position behind it.
     *
     * @throws java.nio.BufferOverflowException when it has not that many left
     */
    public static void encode(Entry entry, ByteBuffer out) {
        out.put(encode(entry));
    }

    /** The entry that these bytes are, neither more nor less. @throws ProtocolException when they are not */
    public static Entry decode(byte[] bytes) throws ProtocolException {
        EntryView view = new EntryView().wrap(Unpooled.wrappedBuffer(bytes), 0, bytes.length);
        if (view.bytes() != bytes.length) {
            throw new ProtocolException(
                    "entry is followed by " + (bytes.length - view.bytes()) + " bytes that do not belong to it");
        }
        return view.toEntry();
    }

    /**
     * Reads one entry at the buffer's position and moves the position behind it.
     *
     * @throws ProtocolException when there is none; the position stays
     */
    public static Entry decode(ByteBuffer in) throws ProtocolException {
        ByteBuf buffer = Unpooled.wrappedBuffer(in.duplicate().order(java.nio.ByteOrder.BIG_ENDIAN));
        EntryView view = new EntryView().wrap(buffer, 0, in.remaining());
        in.position(in.position() + view.bytes());
        return view.toEntry();
    }
}
