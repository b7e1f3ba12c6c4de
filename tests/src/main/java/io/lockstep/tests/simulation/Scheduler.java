package io.lockstep.tests.simulation;

import java.util.ArrayDeque;
import java.util.PriorityQueue;
import java.util.SplittableRandom;

/** Virtual time, one queue of events, one source of chance, and the last lines of what happened. */
final class Scheduler {
    static final long US = 1_000;
    static final long MS = 1_000_000;
    private static final int TRACE_LINES = 400;

    final SplittableRandom random;
    private final PriorityQueue<Event> events = new PriorityQueue<>();
    private final ArrayDeque<String> trace = new ArrayDeque<>();
    private long nowNs = 1_000 * MS;
    private long order;

    private record Event(long atNs, long order, Runnable task) implements Comparable<Event> {
        @Override
        public int compareTo(Event other) {
            int byTime = Long.compare(atNs, other.atNs);
            return byTime != 0 ? byTime : Long.compare(order, other.order);
        }
    }

    Scheduler(long seed) {
        random = new SplittableRandom(seed);
    }

    long now() {
        return nowNs;
    }

    void at(long atNs, Runnable task) {
        events.add(new Event(Math.max(atNs, nowNs), order++, task));
    }

    void after(long delayNs, Runnable task) {
        at(nowNs + delayNs, task);
    }

    /** Runs what is due until then. */
    void runUntil(long untilNs) {
        while (!events.isEmpty() && events.peek().atNs <= untilNs) {
            Event event = events.remove();
            nowNs = event.atNs;
            event.task.run();
        }
        nowNs = Math.max(nowNs, untilNs);
    }

    boolean chance(double probability) {
        return random.nextDouble() < probability;
    }

    long between(long leastNs, long mostNs) {
        return leastNs >= mostNs ? leastNs : random.nextLong(leastNs, mostNs);
    }

    void trace(String line) {
        if (trace.size() == TRACE_LINES) {
            trace.remove();
        }
        trace.add(nowNs / US + "us " + line);
    }

    String traceText() {
        return String.join("\n", trace);
    }
}
