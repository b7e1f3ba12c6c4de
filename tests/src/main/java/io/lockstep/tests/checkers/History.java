package io.lockstep.tests.checkers;

import io.lockstep.wire.Entry;
import io.lockstep.wire.Identity;
import java.util.ArrayList;
import java.util.List;

/** What one node has executed since position 1, also what it holds by way of a copy. Touched by one thread. */
public final class History {
    private final ArrayList<Entry> entries = new ArrayList<>(512);

    /** The next entry; a gap or a step back breaks I6. */
    public void add(Entry entry) {
        if (entry.position() != entries.size() + 1) {
            throw new Violation("I6: executes " + entry + " after " + entries.size() + " entries");
        }
        entries.add(entry);
    }

    /** The same up to a position. */
    public History copy(long upTo) {
        History copy = new History();
        copy.entries.addAll(entries.subList(0, (int) upTo));
        return copy;
    }

    /** Last position; 0 before the first. */
    public long lastPosition() {
        return entries.size();
    }

    /** Whether the entry of that name is in it. */
    public boolean has(Identity identity) {
        long position = identity.position();
        return position >= 1
                && position <= entries.size()
                && entries.get((int) position - 1).header().term() == identity.term();
    }

    /** Chain digest after a position. */
    public long chainAt(long position) {
        if (position > entries.size()) {
            throw new Violation("I1: position " + position + " of " + entries.size() + " is missing");
        }
        return position == 0 ? 0 : entries.get((int) position - 1).chain();
    }

    /** All entries in order. */
    public List<Entry> entries() {
        return entries;
    }
}
