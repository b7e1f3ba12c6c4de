package io.lockstep.distributor;

import java.util.PriorityQueue;
import java.util.SplittableRandom;

/**
 * A world whose time and chance come from one seed: what is to happen stands in a queue by its time, and running the
 * queue is the only thing that moves the clock. Touched only by the test's thread.
 */
public final class SeededScheduler {
    private static final long MS = 1_000_000;

    private final SplittableRandom random;
    private final PriorityQueue<Event> events = new PriorityQueue<>();
    private long nowNs = 1_000 * MS;
    private long count;

    /** @param seed decides everything */
    public SeededScheduler(long seed) {
        this.random = new SplittableRandom(seed);
    }

    /** The clock, in nanoseconds. */
    public long nowNs() {
        return nowNs;
    }

    /** One stream of chance for all. */
    public SplittableRandom random() {
        return random;
    }

    /** True with that probability. */
    public boolean chance(double probability) {
        return probability > 0 && random.nextDouble() < probability;
    }

    /** A number of milliseconds between both, as nanoseconds. */
    public long millis(double least, double most) {
        return (long) ((least + random.nextDouble() * (most - least)) * MS);
    }

    /** Does that after the delay; what is due at the same time happens in the order in which it was scheduled. */
    public void after(long delayNs, Runnable action) {
        events.add(new Event(nowNs + Math.max(0, delayNs), count++, action));
    }

    /** Does that again and again, while it says so. */
    public void every(long periodNs, java.util.function.BooleanSupplier action) {
        after(periodNs, () -> {
            if (action.getAsBoolean()) {
                every(periodNs, action);
            }
        });
    }

    /** Lets time pass. */
    public void runFor(long durationNs) {
        long endNs = nowNs + durationNs;
        while (!events.isEmpty() && events.element().atNs <= endNs) {
            Event event = events.remove();
            nowNs = event.atNs;
            event.action.run();
        }
        nowNs = endNs;
    }

    private record Event(long atNs, long order, Runnable action) implements Comparable<Event> {
        @Override
        public int compareTo(Event other) {
            int byTime = Long.compare(atNs, other.atNs);
            return byTime != 0 ? byTime : Long.compare(order, other.order);
        }
    }

    /**
     * One direction of a cable: what is sent arrives later, and, where the faults say so, not at all, twice, or out of
     * order. Cutting it loses what is under way.
     *
     * @param <M> what travels
     */
    public static final class Cable<M> {
        private final SeededScheduler world;
        private final Faults faults;
        private final java.util.function.Consumer<M> receiver;
        private long lastArrivalNs;
        private boolean isCut;

        public Cable(SeededScheduler world, Faults faults, java.util.function.Consumer<M> receiver) {
            this.world = world;
            this.faults = faults;
            this.receiver = receiver;
        }

        /** Sends one thing. */
        public void send(M message) {
            if (isCut || world.chance(faults.loss)) {
                return;
            }
            arrive(message, world.chance(faults.reorder));
            if (world.chance(faults.duplicate)) {
                arrive(message, true);
            }
        }

        private void arrive(M message, boolean isOutOfOrder) {
            long atNs = world.nowNs() + world.millis(0.05, faults.delayMs);
            if (isOutOfOrder) {
                atNs += world.millis(0, 20 * faults.delayMs);
            } else {
                atNs = Math.max(atNs, lastArrivalNs);
                lastArrivalNs = atNs;
            }
            world.after(atNs - world.nowNs(), () -> {
                if (!isCut) {
                    receiver.accept(message);
                }
            });
        }

        /** For ever. */
        public void cut() {
            isCut = true;
        }
    }

    /**
     * What a cable does to each thing that it carries.
     *
     * @param loss probability, 0 to 1
     * @param duplicate probability, 0 to 1
     * @param reorder probability, 0 to 1
     * @param delayMs longest ordinary delay
     */
    public record Faults(double loss, double duplicate, double reorder, double delayMs) {
        /** Like one TCP connection. */
        public static final Faults NONE = new Faults(0, 0, 0, 1);
    }
}
