package io.lockstep.activenode;

/**
 * The time that goes into headers: the last entry's time plus monotonic elapsed time, slewed towards the wall clock,
 * never back (rule R14). Touched only by the lane; both clocks are handed in.
 */
public final class HeaderClock {
    /** A tenth: the wall clock pulls by at most 100 ms per second, so that a jump of it expires nothing at once. */
    private static final long SLEW = 10;

    private long timeNs;
    private long atNs;

    /**
     * Starts a reign.
     *
     * @param lastTimeNs header time of the last entry, 0 for a new database
     * @param lastTimeAtNs monotonic time at which that entry was learned
     * @param wallNs wall clock in nanoseconds since 1970 UTC; taken as it is for a new database
     */
    public HeaderClock(long lastTimeNs, long lastTimeAtNs, long wallNs) {
        this.timeNs = lastTimeNs == 0 ? wallNs : lastTimeNs;
        this.atNs = lastTimeAtNs;
    }

    /**
     * The header time now.
     *
     * @param monotonicNs monotonic clock, never less than in the call before
     * @param wallNs wall clock, may jump
     * @return never less than what was returned before
     */
    public long now(long monotonicNs, long wallNs) {
        long elapsedNs = Math.max(0, monotonicNs - atNs);
        long expectedNs = timeNs + elapsedNs;
        long pullMaxNs = elapsedNs / SLEW;
        long pullNs = Math.max(-pullMaxNs, Math.min(pullMaxNs, wallNs - expectedNs));
        timeNs = expectedNs + pullNs;
        atNs += elapsedNs;
        return timeNs;
    }
}
