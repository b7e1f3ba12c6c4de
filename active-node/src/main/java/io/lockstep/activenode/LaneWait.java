package io.lockstep.activenode;

import com.lmax.disruptor.AlertException;
import com.lmax.disruptor.Sequence;
import com.lmax.disruptor.SequenceBarrier;
import com.lmax.disruptor.WaitStrategy;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * How the lane waits for the next slot: it sleeps, and whoever publishes wakes it only if it does. {@link #waitFor}
 * belongs to the lane, {@link #signalAllWhenBlocking} is safe from any thread.
 *
 * <p>The library's own blocking strategy takes a lock with every slot, asleep or not; spinning would take a processor
 * from the processes that the lane waits for.
 */
final class LaneWait implements WaitStrategy {
    /** The lane while it sleeps, or is about to; whoever takes it out wakes it. */
    private volatile @Nullable Thread sleeper;

    @Override
    public long waitFor(long sequence, Sequence cursor, Sequence dependentSequence, SequenceBarrier barrier)
            throws AlertException {
        long available = dependentSequence.get();
        while (available < sequence) {
            barrier.checkAlert();
            sleeper = Thread.currentThread();
            // Read after the sign that we sleep was set, as the publisher reads that after its slot was claimed.
            available = dependentSequence.get();
            if (available < sequence && !barrier.isAlerted()) {
                LockSupport.park(this);
                available = dependentSequence.get();
            }
            sleeper = null;
        }
        return available;
    }

    @Override
    public void signalAllWhenBlocking() {
        Thread lane = sleeper;
        if (lane != null) {
            sleeper = null;
            LockSupport.unpark(lane);
        }
    }
}
