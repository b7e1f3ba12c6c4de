package io.lockstep.tsdstore;

import io.lockstep.wire.Entry;
import io.lockstep.wire.EntrySegment;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Invariant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The newest entries, in memory: a node's part of the forward log. Touched only by the node agent.
 *
 * <p>They are kept as the bytes that they are on the wire, in segments: a garbage collector has nothing to follow or to
 * count in them, and they take about the room that the limit says. The very newest are kept as objects, too, since these are
 * about to be sent and executed.
 *
 * <p>Always: positions follow each other without a gap, and each entry's chain digest follows from the one before. When
 * the bytes pass the limit the oldest entries go, except those that a {@link #pin} keeps for a joiner; beyond twice the
 * limit even these go, and the pin is broken.
 */
public final class ForwardLog {
    /** Limit in bytes that is used where nothing else is asked for: 64 MiB. */
    public static final long DEFAULT_MAX_BYTES = 64L << 20;

    private static final int SEGMENT_LEAST_BYTES = 4 << 10;
    private static final int SEGMENT_MOST_BYTES = 1 << 20;
    /** A small log has so many segments at least. */
    private static final int SEGMENTS = 16;
    /** No more than this part of a segment is left unused at its end. */
    private static final int ROOM_LOST = 8;
    /** So many of the newest entries are kept as objects, those that are not longer than the maximum. */
    private static final int RECENT = 1024;

    private static final int RECENT_MAX_BYTES = 2 << 10;

    private final long maxBytes;
    private final int segmentBytes;
    private final List<Pin> pins = new ArrayList<>();
    /** By position, none empty; an entry that is longer than a segment has one of its own, and trimmed ones are shorter. */
    private final List<EntrySegment> segments = new ArrayList<>();
    /** One that is not used any more, for when the next is needed. */
    private @Nullable EntrySegment spare;
    /** At its position modulo the length, if it is not too long. */
    private final @Nullable Entry[] recent = new Entry[RECENT];

    private Identity before = Identity.NONE;
    private long chainBefore = Digests.FIRST_CHAIN;
    /** Position of the oldest entry that is held; one past the last when none is. */
    private long first = 1;

    private long last;
    private long lastTerm = before.term();
    private long lastChain = chainBefore;
    private long bytes;
    /** Nothing from here on is evicted, whatever the limits: a backup has not handed it to its lane yet. */
    private long floor = Long.MAX_VALUE;

    /**
     * An empty log before the first entry.
     *
     * @param maxBytes of entries on the wire, 1 or more
     */
    public ForwardLog(long maxBytes) {
        Invariant.check(maxBytes > 0, "forward log without room");
        this.maxBytes = maxBytes;
        this.segmentBytes = (int) Math.max(SEGMENT_LEAST_BYTES, Math.min(SEGMENT_MOST_BYTES, maxBytes / SEGMENTS));
    }

    /** Drops everything and goes on after that entry; breaks every pin. */
    public void startAfter(Identity identity, long chain) {
        for (Pin pin : List.copyOf(pins)) {
            pin.isBroken = true;
        }
        pins.clear();
        segments.clear();
        before = identity;
        chainBefore = chain;
        first = identity.position() + 1;
        last = identity.position();
        lastTerm = identity.term();
        lastChain = chain;
        bytes = 0;
    }

    /** Whether the entry is the next one: its position is one more, its term no lower, and its chain follows. */
    public boolean continues(Entry entry) {
        return entry.position() == last + 1 && entry.header().term() >= lastTerm && Digests.continues(lastChain, entry);
    }

    /** Appends the entry if it {@link #continues} the log; whether it did. */
    public boolean appendIfNext(Entry entry) {
        boolean isNext = continues(entry);
        if (isNext) {
            put(entry);
        }
        return isNext;
    }

    /**
     * Appends the next entry.
     *
     * @throws Invariant.InvariantBroken when it does not {@link #continues} the log
     */
    public void append(Entry entry) {
        Invariant.check(entry.position() == last + 1, "gap in the forward log", entry.position(), last);
        Invariant.check(
                entry.header().term() >= lastTerm, "term falls", entry.header().term(), lastTerm);
        if (!Digests.continues(lastChain, entry)) {
            throw Invariant.broken("chain of the forward log breaks at " + entry);
        }
        put(entry);
    }

    private void put(Entry entry) {
        int length = entry.bytes();
        EntrySegment segment = segments.isEmpty() ? null : segments.get(segments.size() - 1);
        if (segment == null || segment.room() < length) {
            if (segment != null && segment.room() > segmentBytes / ROOM_LOST) {
                segment.trim();
            }
            segment = nextSegment(entry.position(), length);
            segments.add(segment);
        }
        segment.append(entry);
        recent[slot(entry.position())] = length > RECENT_MAX_BYTES ? null : entry;
        last = entry.position();
        lastTerm = entry.header().term();
        lastChain = entry.chain();
        bytes += length;
        evict();
    }

    private EntrySegment nextSegment(long position, int length) {
        EntrySegment again = spare;
        if (again == null || length > segmentBytes) {
            return new EntrySegment(Math.max(segmentBytes, length), position);
        }
        spare = null;
        again.startAt(position);
        return again;
    }

    /**
     * The entry at a position that is held.
     *
     * @throws Invariant.InvariantBroken when it is not
     */
    public Entry get(long position) {
        check(position);
        Entry known = recent[slot(position)];
        return known != null && known.position() == position
                ? known
                : segmentOf(position).get(position);
    }

    /** Length of the entry at a position that is held, as on the wire. */
    public int bytesAt(long position) {
        return held(position).lengthAt(position);
    }

    private void check(long position) {
        if (!holds(position)) {
            throw Invariant.broken("not in the forward log: " + position + ", it holds " + first + " to " + last);
        }
    }

    private EntrySegment held(long position) {
        check(position);
        return segmentOf(position);
    }

    private EntrySegment segmentOf(long position) {
        int from = 0;
        int to = segments.size() - 1;
        if (segments.get(to).first() <= position) {
            return segments.get(to); // for the most part
        }
        while (to - from > 1) {
            int middle = (from + to) >>> 1;
            if (segments.get(middle).first() <= position) {
                from = middle;
            } else {
                to = middle;
            }
        }
        return segments.get(from);
    }

    /** Whether the entry at that position is held. */
    public boolean holds(long position) {
        return position >= first && position <= last;
    }

    /** Position of the oldest entry that is held; one past the last when none is. */
    public long firstPosition() {
        return first;
    }

    /** Position of the newest entry, held or (right after {@link #startAfter}) only known; 0 before the first. */
    public long lastPosition() {
        return last;
    }

    /** Identity of the newest entry. */
    public Identity last() {
        return new Identity(lastTerm, last);
    }

    /** Chain digest after the newest entry. */
    public long lastChain() {
        return lastChain;
    }

    /** Whether identity and chain digest at that position are known: those held, and the one before them. */
    public boolean knows(long position) {
        return position >= first - 1 && position <= last;
    }

    /** Identity of the entry at a position that it {@link #knows}. */
    public Identity identityAt(long position) {
        return position == first - 1 ? before : held(position).identityAt(position);
    }

    /** Chain digest after the entry at a position that it {@link #knows}. */
    public long chainAt(long position) {
        return position == first - 1 ? chainBefore : held(position).chainAt(position);
    }

    /** Bytes of the entries held, as on the wire. */
    public long bytes() {
        return bytes;
    }

    /** The limit in bytes that it was made with. */
    public long maxBytes() {
        return maxBytes;
    }

    /** Evicts nothing from that position on; {@link Long#MAX_VALUE} lifts it. Who sets it bounds what is appended. */
    public void keepFrom(long position) {
        floor = position;
    }

    /** Drops everything after a position that it {@link #knows}. */
    public void truncateAfter(long position) {
        Invariant.check(knows(position), "cannot truncate after " + position + ", it holds", first, last);
        for (long dropped = position + 1; dropped <= last; dropped++) {
            bytes -= bytesAt(dropped);
        }
        lastTerm = identityAt(position).term();
        lastChain = chainAt(position);
        last = position;
        while (!segments.isEmpty() && segments.get(segments.size() - 1).first() > position) {
            segments.remove(segments.size() - 1);
        }
        if (!segments.isEmpty()) {
            segments.get(segments.size() - 1).truncateAfter(position);
        }
    }

    /**
     * Keeps everything from that position on, for a joiner, until the pin is released or broken.
     *
     * @param position held, or one past the last
     */
    public Pin pin(long position) {
        Invariant.check(
                position >= first && position <= last + 1, "cannot pin " + position + ", it holds", first, last);
        Pin pin = new Pin(position);
        pins.add(pin);
        return pin;
    }

    private void evict() {
        if (bytes <= maxBytes) {
            return;
        }
        long keepFrom = Long.MAX_VALUE;
        for (Pin pin : pins) {
            keepFrom = Math.min(keepFrom, pin.position);
        }
        long kept = first;
        while (kept <= last && kept < floor && (bytes > 2 * maxBytes || (bytes > maxBytes && kept < keepFrom))) {
            bytes -= bytesAt(kept);
            kept++;
        }
        if (kept > first) {
            before = identityAt(kept - 1);
            chainBefore = chainAt(kept - 1);
            first = kept;
            forgetSegments();
        }
        pins.removeIf(pin -> {
            pin.isBroken |= pin.position < first;
            return pin.isBroken;
        });
    }

    /** Those that hold nothing any more; the newest stays, since the next entry goes there. */
    private void forgetSegments() {
        int unused = 0;
        while (unused < segments.size() - 1 && segments.get(unused + 1).first() <= first) {
            if (segments.get(unused).capacity() == segmentBytes) {
                spare = segments.get(unused);
            }
            unused++;
        }
        segments.subList(0, unused).clear();
    }

    private static int slot(long position) {
        return (int) (position & (RECENT - 1));
    }

    /** Keeps a part of the log for one joiner. Touched only by the node agent. */
    public final class Pin implements AutoCloseable {
        private long position;
        private boolean isBroken;

        private Pin(long position) {
            this.position = position;
        }

        /** First position that it keeps. */
        public long position() {
            return position;
        }

        /**
         * The joiner has got everything before that position.
         *
         * @param position no less than before
         */
        public void advanceTo(long position) {
            Invariant.check(position >= this.position, "a pin goes back", position, this.position);
            this.position = position;
        }

        /** Whether the log had to go on without it: the joiner starts again. */
        public boolean isBroken() {
            return isBroken;
        }

        /** Releases it; may be called twice. */
        @Override
        public void close() {
            pins.remove(this);
        }
    }
}
