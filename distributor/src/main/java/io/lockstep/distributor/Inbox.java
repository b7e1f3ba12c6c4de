package io.lockstep.distributor;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Notes from many threads to the one that acts on them, in order, without a lock (D. Vyukov's intrusive queue of many
 * producers and one consumer). {@link #offer} and {@link #put} are safe from any thread; the rest is the owner's.
 */
final class Inbox {
    /** What the owner does with one note. */
    interface Handler {
        void on(Object source, Object note);
    }

    private static final VarHandle TAIL;
    private static final VarHandle NEXT;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            TAIL = lookup.findVarHandle(Inbox.class, "tail", Node.class);
            NEXT = lookup.findVarHandle(Node.class, "next", Node.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final int offersMax;
    private final AtomicInteger count = new AtomicInteger();
    private Node head = new Node();

    @SuppressWarnings("UnusedVariable") // by TAIL
    private volatile Node tail = head;

    /** The owner while it sleeps, or is about to. */
    private volatile @Nullable Thread sleeper;

    /** @param offersMax notes that may wait before {@link #offer} refuses */
    Inbox(int offersMax) {
        this.offersMax = offersMax;
    }

    /** Leaves a note if there is room; false if not. */
    boolean offer(Object source, Object note) {
        if (count.get() >= offersMax) {
            return false;
        }
        put(source, note);
        return true;
    }

    /** Leaves a note that must not be lost, of a kind whose number is bounded elsewhere. */
    void put(Object source, Object note) {
        Node node = new Node();
        node.source = source;
        node.note = note;
        count.getAndIncrement();
        Node before = (Node) TAIL.getAndSet(this, node);
        NEXT.setVolatile(before, node);
        Thread thread = sleeper;
        if (thread != null) {
            sleeper = null;
            LockSupport.unpark(thread);
        }
    }

    /** Hands over what waits, at most {@code limit} notes; how many there were. */
    int drain(Handler handler, int limit) {
        int done = 0;
        while (done < limit) {
            Node next = (Node) NEXT.getAcquire(head);
            if (next == null) {
                break;
            }
            Object source = next.source;
            Object note = next.note;
            next.source = null;
            next.note = null;
            head = next;
            done++;
            if (source != null && note != null) {
                handler.on(source, note);
            }
        }
        if (done > 0) {
            count.getAndAdd(-done);
        }
        return done;
    }

    /** Sleeps until a note is there or the time is over. */
    void await(long limitNs) {
        sleeper = Thread.currentThread();
        if (NEXT.getVolatile(head) == null) {
            LockSupport.parkNanos(this, limitNs);
        }
        sleeper = null;
    }

    /** Notes that wait, roughly. */
    int size() {
        return count.get();
    }

    private static final class Node {
        @Nullable Object source;

        @Nullable Object note;

        @SuppressWarnings("UnusedVariable") // by NEXT
        volatile @Nullable Node next;
    }
}
