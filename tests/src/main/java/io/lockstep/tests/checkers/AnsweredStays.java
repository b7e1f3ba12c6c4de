package io.lockstep.tests.checkers;

import io.lockstep.wire.Answer;
import io.lockstep.wire.Identity;
import io.lockstep.wire.View;
import org.jspecify.annotations.Nullable;

/** I1: what was answered is on every later active, at the same place of the same history. */
final class AnsweredStays {
    /** Position and chain digest there, of every entry whose answer was let go. */
    private final LongMap chains = new LongMap();

    private final Promises.Holdings holdings;
    private long last;
    private long lastChain;

    AnsweredStays(Promises.Holdings holdings) {
        this.holdings = holdings;
    }

    void answered(Answer answer, History history) {
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
        if (position > last) {
            last = position;
            lastChain = chain;
        }
    }

    /** An active proposes a view: whoever is new in it must hold everything ever answered (R4). */
    void proposes(View.Member node, View next, @Nullable View now) {
        for (View.Member backup : next.backups()) {
            if (last > 0 && (now == null || !now.hasBackup(backup)) && !holdings.holds(backup, last, lastChain)) {
                throw new Violation("R4: " + node + " proposes " + next + ", and " + backup + " does not hold position "
                        + last + ", which was answered");
            }
        }
    }

    /** A node begins a reign, or the schedule ends: the chain covers all that is before it. */
    void holds(View.@Nullable Member node, History history) {
        if (last > history.lastPosition()) {
            throw new Violation(
                    "I1: " + node + " leads with " + history.lastPosition() + " entries, answered was " + last);
        }
        if (last > 0 && history.chainAt(last) != lastChain) {
            throw new Violation("I1: " + node + " leads with another history than was answered up to " + last);
        }
    }
}
