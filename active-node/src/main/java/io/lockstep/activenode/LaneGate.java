package io.lockstep.activenode;

import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Where the lane waits for the node agent: until a mark is stable, or until work is no more held back. The agent writes,
 * the lane reads and waits.
 */
final class LaneGate {
    /** Only a guard against a lost wake-up; every wait is ended by an unpark. */
    private static final long RECHECK_NS = 10_000_000L;

    private volatile long stablePosition;
    private volatile boolean isHeldBack;
    private volatile boolean isClosed;
    private volatile @Nullable Thread lane;

    void stable(long position) {
        if (position > stablePosition) {
            stablePosition = position;
            LockSupport.unpark(lane);
        }
    }

    void holdBack(boolean heldBack) {
        isHeldBack = heldBack;
        LockSupport.unpark(lane);
    }

    void close() {
        isClosed = true;
        LockSupport.unpark(lane);
    }

    boolean isClosed() {
        return isClosed;
    }

    boolean mustWait(long markPosition) {
        return !isClosed && (isHeldBack || stablePosition < markPosition);
    }

    /** Waits until the mark is stable and work may go on, or everything ends. Called by the lane. */
    void await(long markPosition) {
        lane = Thread.currentThread();
        while (mustWait(markPosition)) {
            LockSupport.parkNanos(this, RECHECK_NS);
        }
        lane = null;
    }
}
