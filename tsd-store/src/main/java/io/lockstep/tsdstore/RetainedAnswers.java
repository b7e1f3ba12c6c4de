package io.lockstep.tsdstore;

import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Invariant;
import org.jspecify.annotations.Nullable;

/**
 * The answers of one session that its client has not acknowledged: a ring in ascending order of request ids, found by
 * binary search. Touched only by the lane; the answers themselves never change.
 */
final class RetainedAnswers {
    /** What an answer costs beside its body: object, array header, slot; an estimate for the limit. */
    private static final int OVERHEAD_BYTES = 80;

    /**
     * One answer.
     *
     * @param contentDigest of the request's kind, transaction and body; tells a repeat from a reused id
     */
    record Retained(long requestId, AnswerCode code, byte[] body, Identity entry, long contentDigest) {}

    private static final @Nullable Retained[] NONE = new Retained[0];

    private @Nullable Retained[] ring = NONE;
    private int head;
    private int size;
    private long bytes;
    /** Of all sessions of the store; null while the session is in none. */
    private @Nullable Total total;

    /** How much the answers of all sessions of a store have. Touched only by the lane. */
    static final class Total {
        private long bytes;

        long bytes() {
            return bytes;
        }
    }

    /** These answers count there from now on. */
    void countIn(Total all) {
        total = all;
        all.bytes += bytes;
    }

    /** These answers no longer count: their session has ended. */
    void countOut() {
        if (total != null) {
            total.bytes -= bytes;
            total = null;
        }
    }

    private void change(long by) {
        bytes += by;
        if (total != null) {
            total.bytes += by;
        }
    }

    int size() {
        return size;
    }

    long bytes() {
        return bytes;
    }

    /** The one at a place, counted from the oldest. */
    Retained at(int index) {
        Retained retained = ring[(head + index) & (ring.length - 1)];
        if (retained == null) {
            throw new IllegalStateException("hole in the retained answers at " + index);
        }
        return retained;
    }

    @Nullable Retained get(long requestId) {
        int index = firstAfter(requestId - 1);
        return index < size && at(index).requestId() == requestId ? at(index) : null;
    }

    /** Keeps an answer in the place of its id: behind all others, but where an id was barred before its turn (R17). */
    void put(Retained retained) {
        int later = size - firstAfter(retained.requestId() - 1);
        Retained[] barred = new Retained[later];
        for (int i = later - 1; i >= 0; i--) {
            barred[i] = removeLast();
        }
        add(retained);
        for (Retained each : barred) {
            if (each.requestId() != retained.requestId()) {
                add(each);
            }
        }
    }

    private Retained removeLast() {
        Retained last = at(size - 1);
        ring[(head + size - 1) & (ring.length - 1)] = null;
        size--;
        change(-cost(last));
        return last;
    }

    void add(Retained retained) {
        Invariant.check(size == 0 || at(size - 1).requestId() < retained.requestId(), "retained answers out of order");
        if (size == ring.length) {
            Retained[] larger = new Retained[Math.max(4, size * 2)];
            for (int i = 0; i < size; i++) {
                larger[i] = at(i);
            }
            ring = larger;
            head = 0;
        }
        ring[(head + size) & (ring.length - 1)] = retained;
        size++;
        change(cost(retained));
    }

    void pruneUpTo(long requestId) {
        while (size > 0 && at(0).requestId() <= requestId) {
            change(-cost(at(0)));
            ring[head] = null;
            head = (head + 1) & (ring.length - 1);
            size--;
        }
        if (size == 0 && ring.length > 64) {
            ring = NONE;
            head = 0;
        }
    }

    /** How many there would be after {@link #pruneUpTo}. */
    int sizeAfter(long requestId) {
        return size - firstAfter(requestId);
    }

    /** How many bytes there would be after {@link #pruneUpTo}. */
    long bytesAfter(long requestId) {
        long left = bytes;
        int pruned = firstAfter(requestId);
        for (int i = 0; i < pruned; i++) {
            left -= cost(at(i));
        }
        return left;
    }

    Retained[] toArray() {
        Retained[] all = new Retained[size];
        for (int i = 0; i < size; i++) {
            all[i] = at(i);
        }
        return all;
    }

    private int firstAfter(long requestId) {
        int low = 0;
        int high = size;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (at(middle).requestId() <= requestId) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    private static long cost(Retained retained) {
        return (long) OVERHEAD_BYTES + retained.body().length;
    }
}
