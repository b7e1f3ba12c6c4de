package io.lockstep.tests.checkers;

import io.lockstep.wire.Entry;

/** I5: an entry is the same on every node, from its first execution on; copies at equal positions are equal. */
final class EqualCopies {
    /** More than any schedule has. */
    private static final long POSITIONS_MAX = 1L << 32;

    /** By term and position: the chain digest. */
    private final LongMap executed = new LongMap();

    /** Some node executed an entry. */
    void executed(Entry entry) {
        long name = entry.header().term() * POSITIONS_MAX + entry.position();
        long first = executed.putIfAbsent(name, entry.chain());
        if (first != LongMap.NONE && first != entry.chain()) {
            throw new Violation("I5: two nodes executed different entries " + entry);
        }
    }

    /** Two nodes hold the same history as far as both go. */
    void equal(String left, History a, String right, History b) {
        long common = Math.min(a.lastPosition(), b.lastPosition());
        if (a.chainAt(common) != b.chainAt(common)) {
            throw new Violation("I5: " + left + " and " + right + " differ at or before position " + common);
        }
    }
}
