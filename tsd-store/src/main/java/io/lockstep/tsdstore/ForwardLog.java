package io.lockstep.tsdstore;

import io.lockstep.wire.Entry;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Invariant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongUnaryOperator;

/**
 * The newest entries, in memory: a node's part of the forward log. Touched only by the node agent.
 *
 * <p>Always: positions follow each other without a gap, and each entry's chain digest follows from the one before. When
 * the bytes pass the limit the oldest entries go, except those that a {@link #pin} keeps for a joiner; beyond twice the
 * limit even these go, and the pin is broken.
 */
public final class ForwardLog {
    /** Limit in bytes that is used where nothing else is asked for: 64 MiB. */
    public static final long DEFAULT_MAX_BYTES = 64L << 20;

    private static final int FIRST_CAPACITY = 1024;

    private final long maxBytes;
    private final List<Pin> pins = new ArrayList<>();
    /** Ring; the entry of position p is at p modulo its length, which is a power of two. */
    private Entry[] entries = new Entry[FIRST_CAPACITY];

    private Identity before = Identity.NONE;
    private long chainBefore = Digests.FIRST_CHAIN;
    /** Position of the oldest entry that is held; one past the last when none is. */
    private long first = 1;

    private long last;
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
    }

    /** Drops everything and goes on after that entry; breaks every pin. */
    public void startAfter(Identity identity, long chain) {
        for (Pin pin : List.copyOf(pins)) {
            pin.isBroken = true;
        }
        pins.clear();
        entries = new Entry[FIRST_CAPACITY];
        before = identity;
        chainBefore = chain;
        first = identity.position() + 1;
        last = identity.position();
        bytes = 0;
    }

    /** Whether the entry is the next one: its position is one more, its term no lower, and its chain follows. */
    public boolean continues(Entry entry) {
        return entry.position() == last + 1
                && entry.header().term() >= lastTerm()
                && Digests.continues(lastChain(), entry);
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
                entry.header().term() >= lastTerm(),
                "term falls",
                entry.header().term(),
                lastTerm());
        if (!Digests.continues(lastChain(), entry)) {
            throw Invariant.broken("chain of the forward log breaks at " + entry);
        }
        put(entry);
    }

    private void put(Entry entry) {
        if (last - first + 1 == entries.length) {
            resize(entries.length * 2);
        }
        last = entry.position();
        entries[slot(last)] = entry;
        bytes += entry.bytes();
        evict();
    }

    /**
     * The entry at a position that is held.
     *
     * @throws Invariant.InvariantBroken when it is not
     */
    public Entry get(long position) {
        if (!holds(position)) {
            throw Invariant.broken("not in the forward log: " + position + ", it holds " + first + " to " + last);
        }
        return entries[slot(position)];
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
        return identityAt(last);
    }

    private long lastTerm() {
        return last == first - 1 ? before.term() : entries[slot(last)].header().term();
    }

    /** Chain digest after the newest entry. */
    public long lastChain() {
        return chainAt(last);
    }

    /** Whether identity and chain digest at that position are known: those held, and the one before them. */
    public boolean knows(long position) {
        return position >= first - 1 && position <= last;
    }

    /** Identity of the entry at a position that it {@link #knows}. */
    public Identity identityAt(long position) {
        return position == first - 1 ? before : get(position).identity();
    }

    /** Chain digest after the entry at a position that it {@link #knows}. */
    public long chainAt(long position) {
        return position == first - 1 ? chainBefore : get(position).chain();
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
        while (last > position) {
            bytes -= entries[slot(last)].bytes();
            clear(last);
            last--;
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
        while (first <= last && first < floor && (bytes > 2 * maxBytes || (bytes > maxBytes && first < keepFrom))) {
            before = get(first).identity();
            chainBefore = get(first).chain();
            bytes -= get(first).bytes();
            clear(first);
            first++;
        }
        pins.removeIf(pin -> {
            pin.isBroken |= pin.position < first;
            return pin.isBroken;
        });
    }

    private int slot(long position) {
        return (int) (position & (entries.length - 1));
    }

    @SuppressWarnings("NullAway") // an empty slot is never read: see get()
    private void clear(long position) {
        entries[slot(position)] = null;
    }

    private void resize(int capacity) {
        Entry[] larger = new Entry[capacity];
        LongUnaryOperator slot = position -> position & (capacity - 1);
        for (long p = first; p <= last; p++) {
            larger[(int) slot.applyAsLong(p)] = entries[slot(p)];
        }
        entries = larger;
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
