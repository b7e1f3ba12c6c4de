package io.lockstep.examples.calls;

import io.lockstep.tsdstore.ServiceException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Reads the fields of one message strictly: what is missing, too much or out of range is refused by name. Touched only
 * by the thread that made it.
 *
 * <p>Numbers are big-endian; a text is one byte of length and that many ASCII characters; a blob is four bytes of
 * length and that many bytes.
 */
final class Fields {
    private final String what;
    private final ByteBuffer buffer;

    Fields(String what, byte[] bytes) {
        this(what, ByteBuffer.wrap(bytes));
    }

    private Fields(String what, ByteBuffer buffer) {
        this.what = what;
        this.buffer = buffer;
    }

    /** The fields that are left, under the name of the message that they belong to. */
    Fields of(String message) {
        return new Fields(message, buffer);
    }

    int code() throws ServiceException {
        need("kind", 1);
        return buffer.get() & 0xff;
    }

    int int32(String field, int min, int max) throws ServiceException {
        need(field, Integer.BYTES);
        int value = buffer.getInt();
        check(field, value, min, max);
        return value;
    }

    long int64(String field, long min, long max) throws ServiceException {
        need(field, Long.BYTES);
        long value = buffer.getLong();
        check(field, value, min, max);
        return value;
    }

    /** A text of decimal digits. */
    String digits(String field, int minLength, int maxLength) throws ServiceException {
        need(field, 1);
        int length = buffer.get() & 0xff;
        check("length of " + field, length, minLength, maxLength);
        need(field, length);
        byte[] text = new byte[length];
        buffer.get(text);
        for (byte c : text) {
            if (c < '0' || c > '9') {
                throw new ServiceException(what + ": " + field + " must consist of digits");
            }
        }
        return new String(text, StandardCharsets.US_ASCII);
    }

    byte[] blob(String field, int maxLength) throws ServiceException {
        int length = int32("length of " + field, 0, maxLength);
        need(field, length);
        byte[] bytes = new byte[length];
        buffer.get(bytes);
        return bytes;
    }

    void end() throws ServiceException {
        if (buffer.hasRemaining()) {
            throw new ServiceException(what + ": " + buffer.remaining() + " bytes too many after its last field");
        }
    }

    private void need(String field, int bytes) throws ServiceException {
        if (buffer.remaining() < bytes) {
            throw new ServiceException(what + ": " + field + " needs " + bytes + " bytes at offset " + buffer.position()
                    + ", there are " + buffer.remaining());
        }
    }

    private void check(String field, long value, long min, long max) throws ServiceException {
        if (value < min || value > max) {
            throw new ServiceException(what + ": " + field + " must be " + min + " to " + max + ", is " + value);
        }
    }
}
