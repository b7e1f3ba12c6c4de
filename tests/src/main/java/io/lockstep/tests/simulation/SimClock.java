package io.lockstep.tests.simulation;

/** One machine's clocks, which differ from true time and from each other. Touched only by the schedule's thread. */
final class SimClock {
    private static final long MILLION = 1_000_000;
    /** Wall clocks begin in 2001, so that a jump back stays after 1970. */
    private static final long EPOCH_NS = 1_000_000_000L * 1_000_000_000L;

    private final Scheduler scheduler;
    private final long offsetNs;
    private final long driftPpm;
    private long wallOffsetNs;

    SimClock(Scheduler scheduler, long offsetNs, long driftPpm, long wallOffsetNs) {
        this.scheduler = scheduler;
        this.offsetNs = offsetNs;
        this.driftPpm = driftPpm;
        this.wallOffsetNs = wallOffsetNs;
    }

    /** Never goes back and never jumps. */
    long monotonic() {
        long now = scheduler.now();
        return offsetNs + now + now / MILLION * driftPpm;
    }

    /** May jump. */
    long wall() {
        return EPOCH_NS + monotonic() - offsetNs + wallOffsetNs;
    }

    void jump(long byNs) {
        wallOffsetNs += byNs;
    }
}
