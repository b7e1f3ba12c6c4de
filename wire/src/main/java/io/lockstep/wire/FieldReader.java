package io.lockstep.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * Reads the fields of one payload in order, each checked before it is believed: nothing is allocated for a length that
 * the received bytes do not cover. Used by one thread at a time.
 */
final class FieldReader {
    private ByteBuf buffer = Unpooled.EMPTY_BUFFER;
    private int index;
    private int end;

    /** Starts at an index; nothing at {@code end} or behind it is read. */
    FieldReader wrap(ByteBuf buffer, int index, int end) {
        this.buffer = buffer;
        this.index = index;
        this.end = end;
        return this;
    }

    private int take(int bytes, String what) throws ProtocolException {
        if (bytes > end - index) {
            throw new ProtocolException(what + " is cut off: " + bytes + " bytes needed, " + (end - index) + " left");
        }
        int at = index;
        index += bytes;
        return at;
    }

    /** Any 64 bits: an incarnation, a digest, a seed. */
    long bits(String what) throws ProtocolException {
        return buffer.getLong(take(Long.BYTES, what));
    }

    /** A position, id or count: 0 or more. */
    long number(String what) throws ProtocolException {
        long value = bits(what);
        if (value < 0) {
            throw negative(what, value);
        }
        return value;
    }

    int smallNumber(String what) throws ProtocolException {
        int value = buffer.getInt(take(Integer.BYTES, what));
        if (value < 0) {
            throw negative(what, value);
        }
        return value;
    }

    int code(String what) throws ProtocolException {
        return buffer.getUnsignedByte(take(1, what));
    }

    boolean flag(String what) throws ProtocolException {
        int value = code(what);
        if (value > 1) {
            throw new ProtocolException(what + " is " + value + "; it must be 0 or 1");
        }
        return value == 1;
    }

    Identity identity(String what) throws ProtocolException {
        long term = number(what);
        long position = number(what);
        return term == 0 && position == 0 ? Identity.NONE : new Identity(term, position);
    }

    /** Length of a list, of which each element has a least length: so a list is never larger than what was received. */
    int count(String what, int max, int leastBytesEach) throws ProtocolException {
        int count = smallNumber(what);
        if (count > max || (long) count * leastBytesEach > end - index) {
            throw new ProtocolException(what + " has " + count + " elements; at most " + max + " are allowed, and "
                    + (end - index) + " bytes are left for them");
        }
        return count;
    }

    byte[] body(String what, int maxBytes) throws ProtocolException {
        int length = smallNumber(what);
        if (length > maxBytes) {
            throw new ProtocolException(what + " has " + length + " bytes; at most " + maxBytes + " are allowed");
        }
        int at = take(length, what);
        byte[] body = new byte[length];
        buffer.getBytes(at, body);
        return body;
    }

    String text(String what, int maxBytes) throws ProtocolException {
        byte[] bytes = body(what, maxBytes);
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(java.nio.ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new ProtocolException(what + " is not UTF-8");
        }
    }

    String name(String what) throws ProtocolException {
        String name = text(what, Limits.NAME_MAX_BYTES);
        try {
            Texts.checkName(what, name);
        } catch (IllegalArgumentException e) {
            throw ProtocolException.of(e);
        }
        return name;
    }

    void finish(String what) throws ProtocolException {
        if (index != end) {
            throw new ProtocolException(what + " is followed by " + (end - index) + " bytes that do not belong to it");
        }
    }

    private static ProtocolException negative(String what, long value) {
        return new ProtocolException(what + " is negative: " + value);
    }
}
