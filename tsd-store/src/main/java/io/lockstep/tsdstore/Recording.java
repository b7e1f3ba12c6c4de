package io.lockstep.tsdstore;

import io.lockstep.wire.Entry;
import java.io.IOException;
import java.nio.file.Path;
import java.util.function.Consumer;

/**
 * Writes executed entries to a file, so that a fresh node can execute them again. Touched by one thread at a time,
 * usually the lane. It is evidence for a drill, not a log to start from: nothing is forced to the disk.
 */
public final class Recording implements AutoCloseable {
    private Recording() {}

    /** Starts a recording; an existing file is overwritten. */
    public static Recording create(Path file) throws IOException {
        throw new UnsupportedOperationException();
    }

    /** Appends an entry that was executed; kept in a buffer until the next {@link #flush} or until that is full. */
    public void append(Entry entry) throws IOException {
        throw new UnsupportedOperationException();
    }

    /** Hands what is buffered to the operating system, so that it survives the end of this process. */
    public void flush() throws IOException {
        throw new UnsupportedOperationException();
    }

    /**
     * Reads a recording from its beginning; a torn last entry is ignored.
     *
     * @param entries gets every entry, in the order of the file
     * @throws IOException the file cannot be read, or is not a recording
     */
    public static void read(Path file, Consumer<Entry> entries) throws IOException {
        throw new UnsupportedOperationException();
    }

    @Override
    public void close() throws IOException {
        throw new UnsupportedOperationException();
    }
}
