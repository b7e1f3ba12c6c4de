package io.lockstep.tsdstore;

import io.lockstep.wire.Identity;
import io.lockstep.wire.Invariant;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What is due first: a binary heap whose members know their place, so that each can move or leave in logarithmic time
 * and an open transaction costs four bytes here. Touched only by the lane.
 */
final class DueQueue<T extends DueQueue.Timed> {
    /** A member. Its time and index are changed only together with the queue. */
    interface Timed {
        /** Header time from which on it is due. */
        long dueNs();

        Identity session();

        /** Request id that opened the transaction; 0 for a session. */
        long id();

        /** Place in the queue; negative outside of it. */
        int dueIndex();

        void setDueIndex(int index);
    }

    private @Nullable Timed[] heap = new Timed[16];
    private int size;

    int size() {
        return size;
    }

    @SuppressWarnings("unchecked")
    @Nullable T first() {
        return size == 0 ? null : (T) heap[0];
    }

    void add(T member) {
        Invariant.check(member.dueIndex() < 0, "queued twice");
        if (size == heap.length) {
            heap = Arrays.copyOf(heap, size * 2);
        }
        place(member, size++);
        rise(member);
    }

    void remove(T member) {
        int index = member.dueIndex();
        Invariant.check(index >= 0 && heap[index] == member, "not queued");
        member.setDueIndex(-1);
        Timed moved = at(--size);
        heap[size] = null;
        if (moved != member) {
            place(moved, index);
            moved(moved);
        }
    }

    /** To be called after the member's time has changed. */
    void moved(Timed member) {
        rise(member);
        sink(member);
    }

    /** To be called after the times of many members have changed. */
    void reorder() {
        for (int i = size / 2 - 1; i >= 0; i--) {
            sink(at(i));
        }
    }

    /** Sum without overflow: what never comes is due at the end of time. */
    static long add(long timeNs, long idleNs) {
        long sum = timeNs + idleNs;
        return sum < timeNs ? Long.MAX_VALUE : sum;
    }

    private void rise(Timed member) {
        int index = member.dueIndex();
        while (index > 0) {
            Timed parent = at((index - 1) / 2);
            if (!isBefore(member, parent)) {
                break;
            }
            int parentIndex = parent.dueIndex();
            place(parent, index);
            index = parentIndex;
        }
        place(member, index);
    }

    private void sink(Timed member) {
        int index = member.dueIndex();
        while (2 * index + 1 < size) {
            int child = 2 * index + 1;
            if (child + 1 < size && isBefore(at(child + 1), at(child))) {
                child++;
            }
            Timed smaller = at(child);
            if (!isBefore(smaller, member)) {
                break;
            }
            place(smaller, index);
            index = child;
        }
        place(member, index);
    }

    private Timed at(int index) {
        Timed member = heap[index];
        if (member == null) {
            throw new IllegalStateException("hole in the queue at " + index);
        }
        return member;
    }

    private void place(Timed member, int index) {
        heap[index] = member;
        member.setDueIndex(index);
    }

    private static boolean isBefore(Timed left, Timed right) {
        if (left.dueNs() != right.dueNs()) {
            return left.dueNs() < right.dueNs();
        }
        int bySession = left.session().compareTo(right.session());
        return bySession != 0 ? bySession < 0 : left.id() < right.id();
    }
}
