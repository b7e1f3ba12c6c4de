package io.lockstep.tests.checkers;

import io.lockstep.wire.Entry;
import io.lockstep.wire.Identity;
import java.util.HashMap;
import java.util.Map;

/** I5: an entry is the same on every node, from its first execution on; copies at equal positions are equal. */
final class EqualCopies {
    private final Map<Identity, Entry> executed = new HashMap<>();

    /** Some node executed an entry. */
    void executed(Entry entry) {
        Entry first = executed.putIfAbsent(entry.identity(), entry);
        if (first != null && first.chain() != entry.chain()) {
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
