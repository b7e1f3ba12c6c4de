package io.lockstep.tsdstore;

import io.lockstep.wire.Entry;
import io.lockstep.wire.EntryCodec;
import io.lockstep.wire.ProtocolException;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Writes executed entries to a file, so that a fresh node can execute them again: length, CRC32C, entry. Touched by one
 * thread at a time, usually the lane. It is evidence for a drill, not a log to start from: nothing is forced to the disk.
 */
public final class Recording implements AutoCloseable {
    private static final int BUFFER_BYTES = 256 << 10;
    private static final int ENTRY_MAX_BYTES = 64 << 20;

    private final DataOutputStream out;

    private Recording(DataOutputStream out) {
        this.out = out;
    }

    /** Starts a recording; an existing file is overwritten. */
    public static Recording create(Path file) throws IOException {
        return new Recording(new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(file), BUFFER_BYTES)));
    }

    /** Appends an entry that was executed; kept in a buffer until the next {@link #flush} or until that is full. */
    public void append(Entry entry) throws IOException {
        byte[] bytes = EntryCodec.encode(entry);
        out.writeInt(bytes.length);
        out.writeInt(checksum(bytes));
        out.write(bytes);
    }

    /** Hands what is buffered to the operating system, so that it survives the end of this process. */
    public void flush() throws IOException {
        out.flush();
    }

    /**
     * Reads a recording from its beginning; a torn last entry is ignored.
     *
     * @param entries gets every entry, in the order of the file
     * @throws ProtocolException a whole entry is damaged
     */
    public static void read(Path file, Consumer<Entry> entries) throws IOException {
        try (Reader reader = new Reader(file)) {
            for (Entry entry = reader.next(); entry != null; entry = reader.next()) {
                entries.accept(entry);
            }
        }
    }

    @Override
    public void close() throws IOException {
        out.close();
    }

    private static int checksum(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return (int) crc.getValue();
    }

    /** Reads a recording from its beginning. Touched by one thread at a time. */
    static final class Reader implements AutoCloseable {
        private final DataInputStream in;

        Reader(Path file) throws IOException {
            in = new DataInputStream(new BufferedInputStream(Files.newInputStream(file), BUFFER_BYTES));
        }

        /**
         * The next entry; null at the end, or where the process that wrote it ended in the middle of an entry.
         *
         * @throws ProtocolException a whole entry is damaged
         */
        @Nullable Entry next() throws IOException {
            byte[] bytes;
            int expected;
            try {
                int length = in.readInt();
                if (length < Entry.OVERHEAD_BYTES || length > ENTRY_MAX_BYTES) {
                    throw new ProtocolException("a recorded entry of " + length + " bytes");
                }
                expected = in.readInt();
                bytes = in.readNBytes(length);
                if (bytes.length < length) {
                    return null;
                }
            } catch (EOFException torn) {
                return null;
            }
            if (checksum(bytes) != expected) {
                throw new ProtocolException("a recorded entry is damaged: its checksum differs");
            }
            return EntryCodec.decode(bytes);
        }

        @Override
        public void close() throws IOException {
            in.close();
        }
    }
}
