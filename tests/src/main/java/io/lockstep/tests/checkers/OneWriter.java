package io.lockstep.tests.checkers;

import io.lockstep.wire.Entry;
import io.lockstep.wire.RequestKind;
import io.lockstep.wire.View;
import java.util.HashMap;
import java.util.Map;

/** I4 and I13: one node at most answers in a term, terms rise, and nobody takes the word of an older term for a newer. */
final class OneWriter {
    private final Map<Long, View.Member> leaders = new HashMap<>();
    private final Map<View.Member, Long> termOf = new HashMap<>();
    private final Map<String, Long> heardBy = new HashMap<>();

    /** A node begins a reign. */
    void promoted(View.Member node, View view) {
        if (!view.active().equals(node)) {
            throw new Violation("I4: " + node + " leads by a view that names another: " + view);
        }
        View.Member other = leaders.putIfAbsent(view.term(), node);
        if (other != null) {
            throw new Violation("I4: " + node + " and " + other + " both lead in term " + view.term());
        }
        Long before = termOf.put(node, view.term());
        if (before != null) {
            throw new Violation("I13: " + node + " leads in term " + before + " and again in " + view.term());
        }
    }

    /** A gate let an answer go. */
    void answered(View.Member node, long term) {
        if (!node.equals(leaders.get(term))) {
            throw new Violation("I4: " + node + " answers in term " + term + ", which " + leaders.get(term) + " leads");
        }
    }

    /** A client took an answer. */
    void taken(String client, long term) {
        Long before = heardBy.put(client, term);
        if (before != null && before > term) {
            throw new Violation("I4: " + client + " took an answer of term " + term + " after one of term " + before);
        }
    }

    /** The history that survived. */
    void survived(History history) {
        long term = 0;
        for (Entry entry : history.entries()) {
            if (entry.header().term() < term) {
                throw new Violation("I13: the term falls at " + entry);
            }
            if (entry.header().term() > term && entry.header().kind() != RequestKind.VIEW) {
                throw new Violation("R5: the first entry of a term is no view: " + entry);
            }
            term = entry.header().term();
        }
    }
}
