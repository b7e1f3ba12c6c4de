package io.lockstep.server.drill;

import io.lockstep.tsdstore.Digests;
import io.lockstep.wire.Entry;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;

/**
 * The one history that the recordings of all runs of all nodes have in common. Touched by one thread.
 *
 * <p>A recording may begin late, where its node began with a copy; it may end early, where its node was killed; and it
 * may hold entries that a deposed active executed and nobody was ever answered for. So the history is found backwards:
 * from its last entry, to the one entry of the position before whose chain digest it continues, down to position 1.
 */
final class MergedHistory {
    /** All different entries that were recorded, by position. */
    private final Map<Long, List<Entry>> recorded = new HashMap<>();

    private long setAside;
    /** The first two entries that were found under one name; empty when there are none. */
    private String twoOfOneName = "";

    /** Takes in an entry of any recording, in any order; one that is known already costs nothing. */
    void add(Entry entry) {
        List<Entry> rivals = recorded.computeIfAbsent(entry.position(), position -> new ArrayList<>(1));
        for (Entry rival : rivals) {
            if (rival.chain() == entry.chain() && rival.identity().equals(entry.identity())) {
                return;
            }
            if (rival.identity().equals(entry.identity()) && twoOfOneName.isEmpty()) {
                twoOfOneName = rival + " and " + entry;
            }
        }
        rivals.add(entry);
    }

    /**
     * The entries from position 1 to the given one, in order.
     *
     * @param lastPosition place of an entry that was answered
     * @throws BrokenHistoryException an entry is missing in all recordings, nothing continues another, or two entries have
     *     one term and position, so that there were two writers in a term (I4); says which
     */
    List<Entry> until(long lastPosition) throws BrokenHistoryException {
        if (!twoOfOneName.isEmpty()) {
            throw new BrokenHistoryException("two wrote in one term: " + twoOfOneName);
        }
        List<Entry> backwards = new ArrayList<>();
        Entry entry = last(lastPosition);
        backwards.add(entry);
        while (entry.position() > 1) {
            entry = before(entry);
            backwards.add(entry);
        }
        if (!Digests.continues(Digests.FIRST_CHAIN, entry)) {
            throw new BrokenHistoryException("the first entry " + entry + " does not begin a history");
        }
        Collections.reverse(backwards);
        setAside = recorded.entrySet().stream()
                .filter(rivals -> rivals.getKey() <= lastPosition)
                .mapToLong(rivals -> rivals.getValue().size() - 1L)
                .sum();
        return backwards;
    }

    /** Entries that were recorded and are not part of the history found last: a deposed active's own. */
    long setAside() {
        return setAside;
    }

    /** Header times by session and request id. */
    static Times times(List<Entry> history) {
        Map<RequestKey, Long> times = new HashMap<>();
        for (Entry entry : history) {
            times.putIfAbsent(
                    new RequestKey(
                            entry.header().session().position(), entry.header().requestId()),
                    entry.header().timeNs());
        }
        return new Times(times);
    }

    /** Which request an entry is. */
    private record RequestKey(long sessionPosition, long requestId) {}

    /** When each request was executed, as all nodes saw it. */
    static final class Times {
        private final Map<RequestKey, Long> times;

        private Times(Map<RequestKey, Long> times) {
            this.times = times;
        }

        /** Header time of a request. @throws NoSuchElementException no entry stands for it */
        long of(long sessionPosition, long requestId) {
            return Optional.ofNullable(times.get(new RequestKey(sessionPosition, requestId)))
                    .orElseThrow(() -> new NoSuchElementException(
                            "no entry for request " + requestId + " of the session opened at " + sessionPosition));
        }
    }

    /** The recordings do not give one history. */
    static final class BrokenHistoryException extends Exception {
        private static final long serialVersionUID = 1L;

        BrokenHistoryException(String message) {
            super(message);
        }
    }

    /** Of rivals for the last place the one of the highest term: a deposed active's own entry has a lower one. */
    private Entry last(long position) throws BrokenHistoryException {
        return recorded.getOrDefault(position, List.of()).stream()
                .max((a, b) -> a.identity().compareTo(b.identity()))
                .orElseThrow(() -> new BrokenHistoryException("no node recorded the last entry, position " + position));
    }

    private Entry before(Entry entry) throws BrokenHistoryException {
        long position = entry.position() - 1;
        List<Entry> rivals = recorded.getOrDefault(position, List.of());
        for (Entry rival : rivals) {
            if (Digests.continues(rival.chain(), entry)) {
                return rival;
            }
        }
        throw new BrokenHistoryException(
                rivals.isEmpty()
                        ? "no node recorded position " + position
                        : "entry " + entry + " continues none of those recorded before it: " + rivals);
    }
}
