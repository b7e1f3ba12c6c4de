package io.lockstep.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

/**
 * The payload of a {@link Frame.Forward}, read in place: round, stable position, number of entries (8 + 8 + 4), entries.
 * Used by one thread at a time, and only until the buffer changes.
 */
public final class ForwardView {
    static final int FIXED_BYTES = 8 + 8 + 4;

    private ByteBuf buffer = Unpooled.EMPTY_BUFFER;
    private int index;
    private int end;
    private int nextIndex;
    private int left;

    /**
     * Points at the payload of a frame and stands before its first entry.
     *
     * @throws ProtocolException when it is none, as far as can be seen before its entries are read
     */
    public ForwardView wrap(EnvelopeView envelope) throws ProtocolException {
        buffer = envelope.buffer();
        index = envelope.payloadIndex();
        end = envelope.payloadEnd();
        nextIndex = index + FIXED_BYTES;
        if (envelope.type() != FrameType.FORWARD || nextIndex > end) {
            throw new ProtocolException("forward frame is cut off, or is none");
        }
        if (round() < 0 || stablePosition() < 0) {
            throw new ProtocolException("forward frame has a negative round or position");
        }
        if (count() < 0
                || count() > Limits.FORWARD_ENTRIES_MAX
                || (long) count() * Entry.OVERHEAD_BYTES > end - nextIndex) {
            throw new ProtocolException("forward frame has " + count() + " entries; at most "
                    + Limits.FORWARD_ENTRIES_MAX + " are allowed, and " + (end - nextIndex)
                    + " bytes are left for them");
        }
        left = count();
        return this;
    }

    public long round() {
        return buffer.getLong(index);
    }

    public long stablePosition() {
        return buffer.getLong(index + 8);
    }

    /** How many entries it holds. */
    public int count() {
        return buffer.getInt(index + 16);
    }

    /**
     * Points the view at the next entry.
     *
     * @return false when there is none
     * @throws ProtocolException when the bytes there are none, or too many
     */
    public boolean next(EntryView entry) throws ProtocolException {
        if (left == 0) {
            if (nextIndex != end) {
                throw new ProtocolException(
                        "forward frame is followed by " + (end - nextIndex) + " bytes that do not belong to it");
            }
            return false;
        }
        entry.wrap(buffer, nextIndex, end);
        nextIndex += entry.bytes();
        left--;
        return true;
    }
}
