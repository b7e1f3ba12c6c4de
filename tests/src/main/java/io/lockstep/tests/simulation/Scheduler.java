package io.lockstep.tests.simulation;

import io.lockstep.wire.Invariant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Virtual time and one queue of events, in the order of their times and, at equal times, of their asking. Touched only by
 * the thread that runs the schedule.
 *
 * <p>The queue is a heap of one long for each event: time in the upper bits, order in the lower ones.
 */
final class Scheduler {
    static final long US = 1_000;
    static final long MS = 1_000_000;
    private static final int ORDER_BITS = 23;
    /** Of virtual time; what the upper bits hold. */
    private static final long TIME_MAX_NS = 1L << (63 - ORDER_BITS - 1);

    private static final long EVENTS_MAX = 1L << ORDER_BITS;

    /** Chance for everything but faults and work, which have sources of their own, so that leaving one out changes little else. */
    final SplittableRandom random;

    private long[] keys = new long[1024];
    private Runnable[] tasks = new Runnable[1024];
    private int size;
    private long nowNs = 1_000 * MS;
    private long order;
    private long hash;
    private final boolean isTracing;
    private final List<String> trace = new ArrayList<>();

    Scheduler(long seed, boolean isTracing) {
        this.random = new SplittableRandom(seed);
        this.isTracing = isTracing;
    }

    /** True time, which no process sees: they have clocks. */
    long now() {
        return nowNs;
    }

    /** Over the order of all events; equal for equal schedules. */
    long hash() {
        return hash;
    }

    long events() {
        return order;
    }

    void at(long atNs, Runnable task) {
        Invariant.check(atNs < TIME_MAX_NS && order < EVENTS_MAX, "the schedule is too long", atNs, order);
        if (size == keys.length) {
            keys = Arrays.copyOf(keys, 2 * size);
            tasks = Arrays.copyOf(tasks, 2 * size);
        }
        long key = (Math.max(atNs, nowNs) << ORDER_BITS) | order++;
        int child = size++;
        while (child > 0) {
            int parent = (child - 1) >>> 1;
            if (keys[parent] < key) {
                break;
            }
            keys[child] = keys[parent];
            tasks[child] = tasks[parent];
            child = parent;
        }
        keys[child] = key;
        tasks[child] = task;
    }

    void after(long delayNs, Runnable task) {
        at(nowNs + delayNs, task);
    }

    /** Runs what is due until then. */
    void runUntil(long untilNs) {
        long limit = (untilNs + 1) << ORDER_BITS;
        while (size > 0 && keys[0] < limit) {
            long key = keys[0];
            Runnable task = tasks[0];
            removeFirst();
            nowNs = key >>> ORDER_BITS;
            hash = hash * 0x9E3779B97F4A7C15L + key;
            task.run();
        }
        nowNs = Math.max(nowNs, untilNs);
    }

    @SuppressWarnings("NullAway") // a place beyond the size is never read
    private void removeFirst() {
        size--;
        long key = keys[size];
        Runnable task = tasks[size];
        tasks[size] = null;
        int parent = 0;
        for (int child = 1; child < size; child = 2 * parent + 1) {
            if (child + 1 < size && keys[child + 1] < keys[child]) {
                child++;
            }
            if (keys[child] > key) {
                break;
            }
            keys[parent] = keys[child];
            tasks[parent] = tasks[child];
            parent = child;
        }
        if (size > 0) {
            keys[parent] = key;
            tasks[parent] = task;
        }
    }

    boolean chance(double probability) {
        return probability > 0 && random.nextDouble() < probability;
    }

    /** From least to below most. */
    long between(long leastNs, long mostNs) {
        return leastNs >= mostNs ? leastNs : leastNs + (long) ((mostNs - leastNs) * random.nextDouble());
    }

    // ---- the timeline
    // ------------------------------------------------------------------------------------------------

    /** Whether anybody will read the timeline; lines are made only then. */
    boolean isTracing() {
        return isTracing;
    }

    void trace(String line) {
        trace.add(String.format("%10.3f ms  %s", (nowNs - 1_000 * MS) / 1e6, line));
    }

    List<String> timeline() {
        return trace;
    }
}
