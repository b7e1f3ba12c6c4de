package io.lockstep.tests.onejvm;

import io.lockstep.wire.Frame;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * One direction between two processes, whichever of them has opened the connections. Safe from any thread, because one
 * lock guards everything; frames pass on the threads of the cables.
 */
final class Way {
    /** What becomes of a frame. */
    enum Fate {
        PASS,
        /** Its first half passes, and nothing behind it. */
        HALVE,
        /** It passes twice. */
        DOUBLE,
        /** It passes after the one behind it. */
        SWAP
    }

    private final String name;
    private final List<Consumer<Frame>> observers = new ArrayList<>();
    private Predicate<Frame> held = Way::isNone;
    private Predicate<Frame> halved = Way::isNone;
    private Predicate<Frame> doubled = Way::isNone;
    private Predicate<Frame> swapped = Way::isNone;
    private long delayNs;
    private boolean isCut;
    private int waiting;

    Way(String name) {
        this.name = name;
    }

    private static boolean isNone(Frame frame) {
        return false;
    }

    // ---- the story -------------------------------------------------------------------------------------------------

    /** Nothing gets through, not even the end of a connection; what is said waits, as it does in a network. */
    synchronized void cut() {
        isCut = true;
    }

    /** Such frames wait, and all behind them on the same connection. */
    synchronized void hold(Predicate<Frame> which) {
        held = which;
    }

    /** Of the next such frame one half gets through, and nothing after that; the connection ends when the way is healed. */
    synchronized void halve(Predicate<Frame> which) {
        halved = which;
    }

    /** Such frames come twice. */
    synchronized void repeat(Predicate<Frame> which) {
        doubled = which;
    }

    /** Each such frame comes after the one behind it. */
    synchronized void swap(Predicate<Frame> which) {
        swapped = which;
    }

    /** Every frame takes so much longer. */
    synchronized void delay(long millis) {
        delayNs = TimeUnit.MILLISECONDS.toNanos(millis);
    }

    /** No cut any more; what is held stays held. */
    synchronized void mend() {
        isCut = false;
        notifyAll();
    }

    /** As good as new; what waited goes on. */
    synchronized void heal() {
        isCut = false;
        held = Way::isNone;
        halved = Way::isNone;
        doubled = Way::isNone;
        swapped = Way::isNone;
        delayNs = 0;
        notifyAll();
    }

    /** Whether a frame waits. */
    synchronized boolean isHolding() {
        return waiting > 0;
    }

    /** Hears of every frame that arrives at the cable, whatever becomes of it. Called by the cables' threads. */
    synchronized void observe(Consumer<Frame> observer) {
        observers.add(observer);
    }

    // ---- the cables' threads ---------------------------------------------------------------------------------------

    /**
     * A frame has come; returns when it may go on.
     *
     * @param connection whose end ends the wait
     */
    Fate pass(Frame frame, Cable.Strand connection) throws InterruptedException {
        List<Consumer<Frame>> told;
        synchronized (this) {
            told = List.copyOf(observers);
        }
        told.forEach(observer -> observer.accept(frame));
        synchronized (this) {
            if (delayNs > 0) {
                awaitDelay(connection);
            }
            await(() -> isCut || held.test(frame), connection);
            if (halved.test(frame)) {
                isCut = true;
                return Fate.HALVE;
            }
            return doubled.test(frame) ? Fate.DOUBLE : swapped.test(frame) ? Fate.SWAP : Fate.PASS;
        }
    }

    /** The connection's end has come. */
    synchronized void passEnd(Cable.Strand connection) throws InterruptedException {
        await(() -> isCut, connection);
    }

    /** Whoever waits for a connection that has been torn looks again. */
    synchronized void wakeAll() {
        notifyAll();
    }

    private synchronized void await(java.util.function.BooleanSupplier isHeld, Cable.Strand connection)
            throws InterruptedException {
        if (!isHeld.getAsBoolean()) {
            return;
        }
        waiting++;
        try {
            while (isHeld.getAsBoolean() && !connection.isTorn()) {
                wait();
            }
        } finally {
            waiting--;
        }
    }

    private synchronized void awaitDelay(Cable.Strand connection) throws InterruptedException {
        long untilNs = System.nanoTime() + delayNs;
        for (long leftNs = delayNs; leftNs > 0 && !connection.isTorn(); leftNs = untilNs - System.nanoTime()) {
            TimeUnit.NANOSECONDS.timedWait(this, leftNs);
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
