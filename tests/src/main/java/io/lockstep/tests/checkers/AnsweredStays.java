package io.lockstep.tests.checkers;

import io.lockstep.wire.Answer;
import io.lockstep.wire.Identity;
import io.lockstep.wire.View;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** I1: what was answered is on every later active, at the same place of the same history. */
final class AnsweredStays {
    /** Position and chain digest there, of every entry whose answer was let go. */
    private final Map<Long, Long> chains = new HashMap<>();

    private long last;
    private long lastChain;

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
        Long known = chains.putIfAbsent(position, chain);
        if (known != null && known != chain) {
            throw new Violation("I1: position " + position + " was answered with two histories");
        }
        if (position > last) {
            last = position;
            lastChain = chain;
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
