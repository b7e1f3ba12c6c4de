package io.lockstep.tests.checkers;

import io.lockstep.wire.Answer;
import io.lockstep.wire.Identity;
import io.lockstep.wire.View;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** I1: what was answered is on every later active, at the same place of the same history. */
final class AnsweredStays {
    /** Position and chain digest there, of every entry whose answer was let go. */
    private final LongMap chains = new LongMap();

    private final Promises.Holdings holdings;
    private Answered last = new Answered(0, 0);
    /** The last that was answered in each term, and in those before it. */
    private final TreeMap<Long, Answered> lastOf = new TreeMap<>();

    /** An entry, and the chain digest there. */
    private record Answered(long position, long chain) {}

    AnsweredStays(Promises.Holdings holdings) {
        this.holdings = holdings;
    }

    void answered(long term, Answer answer, History history) {
        Identity entry = answer.entry();
        if (entry.equals(Identity.NONE)) {
            return;
        }
        long position = entry.position();
        if (!history.has(entry)) {
            throw new Violation("I1: answered " + answer + ", of which the answering node has no entry");
        }
        long chain = history.chainAt(position);
        long known = chains.putIfAbsent(position, chain);
        if (known != LongMap.NONE && known != chain) {
            throw new Violation("I1: position " + position + " was answered with two histories");
        }
        if (position > last.position()) {
            last = new Answered(position, chain);
        }
        Map.Entry<Long, Answered> before = lastOf.floorEntry(term);
        if (before == null || position > before.getValue().position()) {
            lastOf.put(term, new Answered(position, chain));
        }
    }

    /** An active proposes a view: whoever is new in it must hold everything ever answered (R4). */
    void proposes(View.Member node, View next, @Nullable View now) {
        for (View.Member backup : next.backups()) {
            if (last.position() > 0
                    && (now == null || !now.hasBackup(backup))
                    && !holdings.holds(backup, last.position(), last.chain())) {
                throw new Violation("R4: " + node + " proposes " + next + ", and " + backup + " does not hold position "
                        + last.position() + ", which was answered");
            }
        }
    }

    /**
     * A node begins a reign, or the schedule ends: the chain covers all that is before it. Who stood still since it won
     * may begin one that is over already: then only what was answered before its own term counts.
     */
    void holds(View.@Nullable Member node, long term, History history) {
        Map.Entry<Long, Answered> before = lastOf.lowerEntry(term);
        if (before == null) {
            return;
        }
        long position = before.getValue().position();
        if (position > history.lastPosition()) {
            throw new Violation("I1: " + node + " leads term " + term + " with " + history.lastPosition()
                    + " entries, answered was " + position);
        }
        if (history.chainAt(position) != before.getValue().chain()) {
            throw new Violation("I1: " + node + " leads with another history than was answered up to " + position);
        }
    }
}
