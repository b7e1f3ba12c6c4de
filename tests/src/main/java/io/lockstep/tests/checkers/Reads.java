package io.lockstep.tests.checkers;

import io.lockstep.wire.Identity;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * Strict serializability, as far as answers show it: every answer carries how much had been done to the records and the
 * digest of that. What begins after something was answered sees it; what was seen is never undone.
 */
final class Reads {
    private final Map<Long, Long> digests = new HashMap<>();
    /** By session and request: how much had been done. */
    private final Map<Identity, TreeMap<Long, Long>> writes = new HashMap<>();

    private final Map<Identity, TreeMap<Long, Long>> readings = new HashMap<>();
    private long highestAnswered;

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
        Long known = digests.putIfAbsent(commits, digest);
        if (known != null && known != digest) {
            throw new Violation("R3: dirty: " + what + " saw another change number " + commits + " than others did");
        }
        highestAnswered = Math.max(highestAnswered, commits);
    }

    /** Within a session a read sees all that was sent before it. */
    void inSession(Identity session, long requestId, long commits, boolean isRead) {
        TreeMap<Long, Long> others = (isRead ? writes : readings).computeIfAbsent(session, same -> new TreeMap<>());
        Map.Entry<Long, Long> other = isRead ? others.lowerEntry(requestId) : others.higherEntry(requestId);
        if (other != null && (isRead ? commits < other.getValue() : commits > other.getValue())) {
            throw new Violation("R9: a read of " + session + " did not see what its session had sent before: request "
                    + requestId + " saw " + commits + ", request " + other.getKey() + " " + other.getValue());
        }
        (isRead ? readings : writes)
                .computeIfAbsent(session, same -> new TreeMap<>())
                .put(requestId, commits);
    }

    /** What the surviving history did, change by change. */
    void survived(long commits, long digest) {
        Long known = digests.get(commits);
        if (known != null && known != digest) {
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
