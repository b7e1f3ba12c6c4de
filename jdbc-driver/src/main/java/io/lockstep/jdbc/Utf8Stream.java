package io.lockstep.jdbc;

import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;
import java.nio.charset.StandardCharsets;

/** The characters of a reader as bytes in UTF-8; a pair of surrogates is never torn. Used by one thread at a time. */
final class Utf8Stream extends InputStream {
    private static final int CHARACTERS = 8 << 10;

    private final Reader reader;
    private final char[] characters = new char[CHARACTERS];
    private long left;
    private long count;
    /** Characters at the front of the buffer that wait for their other half: 0 or 1. */
    private int kept;

    private byte[] bytes = new byte[0];
    private int at;

    /** @param limit characters to read at most */
    Utf8Stream(Reader reader, long limit) {
        this.reader = reader;
        this.left = limit;
    }

    /** Characters read so far. */
    long characters() {
        return count;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int from, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        while (at == bytes.length) {
            if (!fill()) {
                return -1;
            }
        }
        int taken = Math.min(length, bytes.length - at);
        System.arraycopy(bytes, at, into, from, taken);
        at += taken;
        return taken;
    }

    private boolean fill() throws IOException {
        int wanted = (int) Math.min(left, (long) CHARACTERS - kept);
        int more = wanted == 0 ? -1 : reader.read(characters, kept, wanted);
        if (more < 0 && kept == 0) {
            return false;
        }
        int length = kept + Math.max(0, more);
        left -= Math.max(0, more);
        count += Math.max(0, more);
        boolean isTorn = more >= 0 && left > 0 && Character.isHighSurrogate(characters[length - 1]);
        int whole = isTorn ? length - 1 : length;
        bytes = new String(characters, 0, whole).getBytes(StandardCharsets.UTF_8);
        at = 0;
        kept = length - whole;
        if (isTorn) {
            characters[0] = characters[whole];
        }
        return true;
    }

    @Override
    public void close() throws IOException {
        reader.close();
    }
}
