package io.lockstep.tests.checkers;

import io.lockstep.wire.Identity;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Strict serializability, as far as answers show it: every answer carries how much had been done to the records and the
 * digest of that. What begins after something was answered sees it; what was seen is never undone.
 */
final class Reads {
    private final LongMap digests = new LongMap();
    /** By session and request: how much had been done. */
    private final Map<Identity, Seen> writes = new HashMap<>();

    private final Map<Identity, Seen> readings = new HashMap<>();
    private long highestAnswered;

    /** Request ids in ascending order, and what their answers showed. */
    private static final class Seen {
        private long[] ids = new long[32];
        private long[] commits = new long[32];
        private int size;

        /** Place of the first id above; they nearly always come in order. */
        int firstAfter(long id) {
            int place = size;
            while (place > 0 && ids[place - 1] > id) {
                place--;
            }
            return place;
        }

        void put(long id, long seen) {
            if (size == ids.length) {
                ids = Arrays.copyOf(ids, 2 * size);
                commits = Arrays.copyOf(commits, 2 * size);
            }
            int place = firstAfter(id);
            System.arraycopy(ids, place, ids, place + 1, size - place);
            System.arraycopy(commits, place, commits, place + 1, size - place);
            ids[place] = id;
            commits[place] = seen;
            size++;
        }
    }

    /** What was answered before now, which whatever begins now must see. */
    long floor() {
        return highestAnswered;
    }

    /**
     * An answer reached its client.
     *
     * @param floor what had been answered when it began
     * @param commits how much had been done when it was executed
     * @param isRead whether it did nothing itself
     */
    void answered(String what, long floor, long commits, long digest, boolean isRead) {
        if (isRead ? commits < floor : commits <= floor) {
            throw new Violation("R3: stale: " + what + " saw " + commits + " changes, and " + floor
                    + " had been answered before it began");
        }
        long known = digests.putIfAbsent(commits, digest);
        if (known != LongMap.NONE && known != digest) {
            throw new Violation("R3: dirty: " + what + " saw another change number " + commits + " than others did");
        }
        highestAnswered = Math.max(highestAnswered, commits);
    }

    /** Within a session a read sees all that was sent before it. */
    void inSession(Identity session, long requestId, long commits, boolean isRead) {
        Seen others = (isRead ? writes : readings).computeIfAbsent(session, same -> new Seen());
        int first = others.firstAfter(requestId);
        int other = isRead ? first - 1 : first;
        if (other >= 0 && other < others.size) {
            long seen = others.commits[other];
            if (isRead ? commits < seen : commits > seen) {
                throw new Violation(
                        "R9: a read of " + session + " did not see what its session had sent before: request "
                                + requestId + " saw " + commits + ", request " + others.ids[other] + " " + seen);
            }
        }
        (isRead ? readings : writes)
                .computeIfAbsent(session, same -> new Seen())
                .put(requestId, commits);
    }

    /** What the surviving history did, change by change. */
    void survived(long commits, long digest) {
        long known = digests.get(commits);
        if (known != LongMap.NONE && known != digest) {
            throw new Violation("R3: dirty: somebody saw another change number " + commits + " than survived");
        }
    }

    void survivedUpTo(long commits) {
        if (highestAnswered > commits) {
            throw new Violation(
                    "R3: dirty: somebody saw " + highestAnswered + " changes, and " + commits + " survived");
        }
    }
}
