package io.lockstep.distributor;

import io.lockstep.wire.Request;
import org.jspecify.annotations.Nullable;

/**
 * The requests of one session that are not answered yet, by rising request id. Touched only by the owner of the
 * {@link DistributorCore}. A linked list, since requests come at its end and leave near its front.
 */
final class HeldRequests {
    private @Nullable Held first;
    private @Nullable Held last;
    private int count;
    private long bytes;

    /** One request that waits for its answer. */
    static final class Held {
        Request request;
        long arrivedNs;
        /** {@link DistributorCore} counts the times at which an active took over; 0 when it was never sent to one. */
        int sentEpoch;

        private @Nullable Held previous;
        private @Nullable Held next;

        private Held(Request request, long arrivedNs) {
            this.request = request;
            this.arrivedNs = arrivedNs;
        }

        @Nullable Held next() {
            return next;
        }

        long deadlineNs() {
            return arrivedNs + request.deadlineMillis() * 1_000_000L;
        }
    }

    @Nullable Held first() {
        return first;
    }

    int count() {
        return count;
    }

    long bytes() {
        return bytes;
    }

    @Nullable Held find(long requestId) {
        if (last == null || last.request.requestId() < requestId) {
            return null;
        }
        Held held = first;
        while (held != null && held.request.requestId() < requestId) {
            held = held.next;
        }
        return held != null && held.request.requestId() == requestId ? held : null;
    }

    /** The one with the highest id above {@code requestId}, if it was never sent to a node. */
    @Nullable Held newestUnsentAfter(long requestId) {
        Held held = last;
        return held != null && held.sentEpoch == 0 && held.request.requestId() > requestId ? held : null;
    }

    /** Adds a request whose id is not held, in its place. */
    Held insert(Request request, long nowNs) {
        Held held = new Held(request, nowNs);
        Held before = last;
        while (before != null && before.request.requestId() > request.requestId()) {
            before = before.previous;
        }
        Held after = before == null ? first : before.next;
        held.previous = before;
        held.next = after;
        if (before == null) {
            first = held;
        } else {
            before.next = held;
        }
        if (after == null) {
            last = held;
        } else {
            after.previous = held;
        }
        count++;
        bytes += request.body().length;
        return held;
    }

    /** Puts another copy in the place of a held one. */
    void replace(Held held, Request request, long nowNs) {
        bytes += request.body().length - held.request.body().length;
        held.request = request;
        held.arrivedNs = nowNs;
    }

    void remove(Held held) {
        if (held.previous == null) {
            first = held.next;
        } else {
            held.previous.next = held.next;
        }
        if (held.next == null) {
            last = held.previous;
        } else {
            held.next.previous = held.previous;
        }
        held.previous = null;
        held.next = null;
        count--;
        bytes -= held.request.body().length;
    }
}
