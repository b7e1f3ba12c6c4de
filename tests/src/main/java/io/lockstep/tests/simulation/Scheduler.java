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
 * <p>The queue is a heap, four children to a parent, of one long for each event: time in the upper bits, order in the lower ones.
 */
final class Scheduler {
    static final long US = 1_000;
    static final long MS = 1_000_000;
    private static final int ORDER_BITS = 23;
    /** Of virtual time; what the upper bits hold. */
    private static final long TIME_MAX_NS = 1L << (63 - ORDER_BITS - 1);

    private static final long EVENTS_MAX = 1L << ORDER_BITS;
    /** Power of two; more than processes, those that are dead and have not noticed it included. */
    private static final int TICKS_MAX = 128;

    /** Chance for everything but faults and work, which have sources of their own, so that leaving one out changes little else. */
    final SplittableRandom random;

    /** Time between two ticks of a process. */
    static final long TICK_NS = 5 * MS;

    private long[] keys = new long[256];
    private Runnable[] tasks = new Runnable[256];
    private int size;
    /** Ticks, in a ring: all come equally late, so that who asks later is later. */
    private final long[] tickKeys = new long[TICKS_MAX];

    private final Runnable[] ticks = new Runnable[TICKS_MAX];
    private int firstTick;
    private int lastTick;
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
            int parent = (child - 1) >>> 2;
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

    /** As {@link #after}, with {@link #TICK_NS}. */
    void afterTick(Runnable task) {
        Invariant.check(lastTick - firstTick < TICKS_MAX && order < EVENTS_MAX, "too many processes", lastTick, order);
        tickKeys[lastTick & (TICKS_MAX - 1)] = ((nowNs + TICK_NS) << ORDER_BITS) | order++;
        ticks[lastTick++ & (TICKS_MAX - 1)] = task;
    }

    void after(long delayNs, Runnable task) {
        at(nowNs + delayNs, task);
    }

    /** Runs what is due until then. */
    void runUntil(long untilNs) {
        long limit = (untilNs + 1) << ORDER_BITS;
        while (true) {
            long tickKey = firstTick == lastTick ? Long.MAX_VALUE : tickKeys[firstTick & (TICKS_MAX - 1)];
            long key = size == 0 ? Long.MAX_VALUE : keys[0];
            Runnable task;
            if (tickKey < key) {
                key = tickKey;
                task = ticks[firstTick & (TICKS_MAX - 1)];
            } else {
                task = tasks[0];
            }
            if (key >= limit) {
                break;
            }
            if (key == tickKey) {
                firstTick++;
            } else {
                removeFirst();
            }
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
        for (int first = 1; first < size; first = 4 * parent + 1) {
            int child = first;
            int end = Math.min(first + 4, size);
            for (int other = first + 1; other < end; other++) {
                if (keys[other] < keys[child]) {
                    child = other;
                }
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
