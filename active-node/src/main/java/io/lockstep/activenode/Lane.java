package io.lockstep.activenode;

import com.lmax.disruptor.EventProcessor;
import com.lmax.disruptor.ExceptionHandler;
import com.lmax.disruptor.RingBuffer;
import com.lmax.disruptor.Sequence;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/**
 * The one place where slots of the ring are executed, one after the other. It has a thread of its own, and the node agent
 * may take its place for what is brief: waking another thread and being woken by it takes longer than a statement by key.
 * Whoever executes holds {@link #isHeld}; what the handler touches is handed on with it.
 *
 * <p>Nobody is woken in vain, and nothing stays behind: whoever publishes calls {@link #rouse} or {@link #lend}, and both look
 * for slots after the lane has been let go, as its thread does after it has said that it sleeps.
 */
final class Lane implements EventProcessor {
    /** The agent goes back to its sockets after this much; what is left is the thread's. */
    private static final long LENT_NS = 400_000;

    private final RingBuffer<LaneEvent> ring;
    private final ExecuteHandler handler;
    private final ExceptionHandler<LaneEvent> failures;
    private final LongSupplier monotonicNs;
    private final Sequence done;
    private final Thread thread = new Thread(this, "lane");
    private final AtomicBoolean isHeld = new AtomicBoolean();

    /** The thread sleeps or is about to; whoever takes it back wakes it. */
    private volatile boolean isAsleep;

    private volatile boolean isHalted;

    /** @param done of the handler: the last slot that has been executed */
    Lane(
            RingBuffer<LaneEvent> ring,
            ExecuteHandler handler,
            Sequence done,
            ExceptionHandler<LaneEvent> failures,
            LongSupplier monotonicNs) {
        this.ring = ring;
        this.handler = handler;
        this.done = done;
        this.failures = failures;
        this.monotonicNs = monotonicNs;
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    /** What is published is executed by somebody soon; the caller has other things to do. Safe from any thread. */
    void rouse() {
        VarHandle.fullFence(); // publishing alone lets what is read next be read before
        if (isAsleep && !isHeld.get() && isWaitedFor()) {
            isAsleep = false;
            LockSupport.unpark(thread);
        }
    }

    /** Executes what is brief, up to the first slot that is not, unless the thread is at work; the thread has the rest. */
    void lend() {
        if (isAsleep && isWaitedFor() && hold()) {
            try {
                long next = done.get() + 1;
                long endNs = monotonicNs.getAsLong() + LENT_NS;
                while (!isHalted
                        && ring.isAvailable(next)
                        && execute(next, true)
                        && monotonicNs.getAsLong() - endNs < 0) {
                    next++;
                }
            } finally {
                isHeld.set(false);
            }
        }
        rouse();
    }

    @Override
    public void run() {
        while (!isHalted) {
            if (hold()) {
                try {
                    executeAll();
                } finally {
                    isHeld.set(false);
                }
            }
            isAsleep = true;
            // Looked for after the sign that we sleep is set, as the others look for that after they have published or
            // let go.
            VarHandle.fullFence();
            if (!isHalted && (isHeld.get() || !isWaitedFor())) {
                LockSupport.park(this);
            }
            isAsleep = false;
        }
    }

    private void executeAll() {
        handler.onBatchStart();
        for (long next = done.get() + 1; !isHalted && ring.isAvailable(next); next++) {
            if (!execute(next, false)) {
                isHalted = true; // the reign is over
            }
        }
    }

    /** Executes one slot; if it must be brief and is not, nothing is done. @return whether it was executed */
    private boolean execute(long sequence, boolean isBrief) {
        LaneEvent event = ring.get(sequence);
        try {
            return isBrief
                    ? handler.onBriefEvent(event, sequence)
                    : handler.onEvent(event, sequence, !ring.isAvailable(sequence + 1));
        } catch (Throwable failure) {
            isHalted = true;
            failures.handleEventException(failure, sequence, event);
            return false;
        }
    }

    private boolean hold() {
        return !isHeld.get() && isHeld.compareAndSet(false, true);
    }

    private boolean isWaitedFor() {
        return ring.isAvailable(done.get() + 1);
    }

    @Override
    public Sequence getSequence() {
        return done;
    }

    @Override
    public void halt() {
        isHalted = true;
        LockSupport.unpark(thread);
    }

    @Override
    public boolean isRunning() {
        return thread.isAlive();
    }

    /** Waits for the thread. @return whether it has ended within that time */
    boolean join(long millis) throws InterruptedException {
        thread.join(millis);
        return !thread.isAlive();
    }
}
