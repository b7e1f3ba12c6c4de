package io.lockstep.wire;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Entries that follow each other, as bytes: the layout of {@link EntryView}, without the network's buffers, which decision
 * cores must not touch. Used by one thread. Who asks for a position names one that it holds.
 */
public final class EntrySegment {
    private static final int FIRST_ENTRIES = 64;
    private static final int CHAIN = Entry.OVERHEAD_BYTES - 4 - 8;

    private ByteBuffer bytes;
    /** Where each entry ends. */
    private int[] ends = new int[FIRST_ENTRIES];

    private int count;
    private long first;

    /**
     * An empty one.
     *
     * @param capacity in bytes; never more
     * @param first position of the entry that comes first
     */
    public EntrySegment(int capacity, long first) {
        this.bytes = ByteBuffer.allocate(capacity);
        this.first = first;
    }

    /** Drops everything; the entry that comes next has that position. */
    public void startAt(long position) {
        first = position;
        count = 0;
        bytes.clear();
    }

    /** Position of the first entry. */
    public long first() {
        return first;
    }

    /** Its length, used or not, in bytes. */
    public int capacity() {
        return bytes.capacity();
    }

    /** How many bytes there is room for. */
    public int room() {
        return bytes.remaining();
    }

    /** Gives back the room behind the last entry. */
    public void trim() {
        bytes = ByteBuffer.wrap(Arrays.copyOf(bytes.array(), bytes.position())).position(bytes.position());
    }

    /**
     * Takes the next entry.
     *
     * @throws java.nio.BufferOverflowException there is no {@link #room} for it
     */
    public void append(Entry entry) {
        if (count == ends.length) {
            ends = Arrays.copyOf(ends, 2 * count);
        }
        write(entry);
        ends[count++] = bytes.position();
    }

    /** Drops what comes after a position that it holds. */
    public void truncateAfter(long position) {
        count = (int) (position - first) + 1;
        bytes.position(ends[count - 1]);
    }

    /** Length of an entry on the wire, in bytes. */
    public int lengthAt(long position) {
        return ends[(int) (position - first)] - startOf(position);
    }

    /** The entry, as a new object. */
    public Entry get(long position) {
        ByteBuffer in = bytes.duplicate().position(startOf(position));
        ControlHeader header = new ControlHeader(
                in.getLong(),
                in.getLong(),
                session(in.getLong(), in.getLong()),
                in.getLong(),
                RequestKind.of(in.get()),
                in.getInt(),
                in.getLong(),
                in.getLong(),
                in.getLong(),
                in.getLong());
        Decision decision = Decision.of(in.get());
        long outcome = in.getLong();
        long chain = in.getLong();
        byte[] body = new byte[in.getInt()];
        in.get(body);
        return new Entry(header, body, decision, outcome, chain);
    }

    private static Identity session(long term, long position) {
        return term == 0 && position == 0 ? Identity.NONE : new Identity(term, position);
    }

    private void write(Entry entry) {
        ControlHeader header = entry.header();
        bytes.putLong(header.term()).putLong(header.position());
        bytes.putLong(header.session().term()).putLong(header.session().position());
        bytes.putLong(header.requestId());
        bytes.put((byte) header.kind().code());
        bytes.putInt(header.attach());
        bytes.putLong(header.transaction());
        bytes.putLong(header.acknowledgedUpTo());
        bytes.putLong(header.timeNs());
        bytes.putLong(header.seed());
        bytes.put((byte) entry.decision().code());
        bytes.putLong(entry.outcome());
        bytes.putLong(entry.chain());
        bytes.putInt(entry.body().length);
        bytes.put(entry.body());
    }

    /** Its name. */
    public Identity identityAt(long position) {
        return new Identity(bytes.getLong(startOf(position)), position);
    }

    /** Its chain digest. */
    public long chainAt(long position) {
        return bytes.getLong(startOf(position) + CHAIN);
    }

    private int startOf(long position) {
        int index = (int) (position - first);
        return index == 0 ? 0 : ends[index - 1];
    }
}
