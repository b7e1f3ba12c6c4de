package io.lockstep.tests.simulation;

import io.lockstep.wire.Answer;
import io.lockstep.wire.Decision;
import io.lockstep.wire.Entry;
import io.lockstep.wire.Identity;
import io.lockstep.wire.RequestKind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The checkers: what was answered, by whom, and what every node has executed. Knows nothing of the story. */
final class Ledger {
    private record Key(Identity session, long requestId) {}

    private record Given(Answer answer, long chain) {}

    private final Map<Key, Given> answers = new HashMap<>();
    /** Chain digest of every position whose answer was given. */
    private final Map<Long, Long> answeredChains = new HashMap<>();

    private final Map<Long, String> answererOfTerm = new HashMap<>();
    private long answersGiven;

    /** The gate of a node let an answer go. */
    void answered(String node, long incarnation, long term, Answer answer, History history) {
        answersGiven++;
        String who = node + "/" + incarnation;
        String first = answererOfTerm.putIfAbsent(term, who);
        check(first == null || first.equals(who), "I4: " + who + " and " + first + " both answer in term " + term);
        if (answer.entry().equals(Identity.NONE)) {
            return;
        }
        long position = answer.entry().position();
        long chain = history.chainAt(position);
        Long known = answeredChains.putIfAbsent(position, chain);
        check(known == null || known == chain, "I1: position " + position + " was answered with another history");
        Given given = answers.putIfAbsent(new Key(answer.session(), answer.requestId()), new Given(answer, chain));
        if (given != null && answer.requestId() != 0) {
            check(
                    given.answer().code() == answer.code()
                            && given.answer().entry().equals(answer.entry())
                            && Arrays.equals(given.answer().body(), answer.body()),
                    "I3: " + given.answer() + " became " + answer);
        }
    }

    /** A node begins a reign: all that was ever answered must be there. */
    void promoted(String node, History history) {
        answeredChains.forEach((position, chain) -> {
            check(
                    position <= history.lastPosition(),
                    "I1: " + node + " leads with " + history.lastPosition() + " entries, answered was " + position);
            check(history.chainAt(position) == chain, "I1: " + node + " leads with another entry at " + position);
        });
    }

    /** The history that survived: every request once, each session's requests in order, positions without a gap. */
    void survived(History history) {
        promoted("the last active", history);
        Map<Key, Long> seen = new HashMap<>();
        Map<Key, Long> barred = new HashMap<>();
        Map<Identity, Long> lastOfSession = new HashMap<>();
        long position = 0;
        long term = 0;
        for (Entry entry : history.entries()) {
            check(entry.position() == position + 1, "I6: after position " + position + " comes " + entry.position());
            position = entry.position();
            check(entry.header().term() >= term, "I13: the term falls at position " + position);
            term = entry.header().term();
            RequestKind kind = entry.header().kind();
            boolean isNumbered = kind.isFromClient() && entry.header().requestId() > 0;
            Key key = new Key(entry.header().session(), entry.header().requestId());
            if (isNumbered && entry.decision() == Decision.QUARANTINE) {
                // Bars the message; the message itself may still take its place in the session, without effect.
                barred.put(key, position);
            } else if (isNumbered) {
                Long before = seen.put(key, position);
                check(before == null, "I2: " + key + " took effect at " + before + " and at " + position);
                Long last = lastOfSession.put(key.session(), key.requestId());
                check(last == null || last < key.requestId(), "I6: " + key + " after request " + last);
            }
        }
        answers.forEach((key, given) -> {
            if (given.answer().requestId() > 0) {
                check(
                        Long.valueOf(given.answer().entry().position()).equals(seen.get(key))
                                || Long.valueOf(given.answer().entry().position())
                                        .equals(barred.get(key)),
                        "I1: " + given.answer() + " is not in the history that survived");
            }
        });
    }

    /** Two nodes at one position have the same history. */
    void equal(String left, History a, String right, History b) {
        long common = Math.min(a.lastPosition(), b.lastPosition());
        check(a.chainAt(common) == b.chainAt(common), "I5: " + left + " and " + right + " differ at " + common);
    }

    long answersGiven() {
        return answersGiven;
    }

    private static void check(boolean condition, String what) {
        if (!condition) {
            throw new Violation(what);
        }
    }

    /** What one node has executed since position 1. */
    static final class History {
        private final List<Entry> entries = new ArrayList<>();

        void add(Entry entry) {
            check(entry.position() == entries.size() + 1, "I6: executes " + entry + " after " + entries.size());
            entries.add(entry);
        }

        History copy(long upTo) {
            History copy = new History();
            copy.entries.addAll(entries.subList(0, (int) upTo));
            return copy;
        }

        long lastPosition() {
            return entries.size();
        }

        long chainAt(long position) {
            check(position <= entries.size(), "I1: position " + position + " of " + entries.size() + " is missing");
            return position == 0 ? 0 : entries.get((int) position - 1).chain();
        }

        List<Entry> entries() {
            return entries;
        }
    }
}
