package io.lockstep.membership;

/**
 * Whether a peer must be taken for dead (rule R12): a lost connection is opened again once, a refused one means dead at
 * once, anything else means dead after a time without a sign of life. Touched only by the thread of the core that owns
 * it.
 */
public final class Suspicion {
    private enum State {
        TRUSTING,
        /** The connection was lost; one attempt to open it again is wanted. */
        PROBE_WANTED,
        /** That attempt is under way or over; only time or a sign of life decides. */
        PROBED,
        SUSPECTED
    }

    private final long limitNs;
    private State state = State.TRUSTING;
    private long lastSignNs;

    private Suspicion(long limitNs, long nowNs) {
        if (limitNs <= 0) {
            throw new IllegalArgumentException("failure-detection is " + limitNs + " ns, must be positive");
        }
        this.limitNs = limitNs;
        this.lastSignNs = nowNs;
    }

    /** How an active suspects its backups: after {@code failure-detection}. */
    public static Suspicion ofBackup(long failureDetectionNs, long nowNs) {
        return new Suspicion(failureDetectionNs, nowNs);
    }

    /** How a backup suspects its active: half as long again, so that the active's removal of it comes first. */
    public static Suspicion ofActive(long failureDetectionNs, long nowNs) {
        return new Suspicion(failureDetectionNs + failureDetectionNs / 2, nowNs);
    }

    /** The peer was heard, or its connection stands again. Ends every suspicion. */
    public void onSignOfLife(long nowNs) {
        lastSignNs = nowNs;
        state = State.TRUSTING;
    }

    /** Its connection broke. A second break before any sign of life wants no second probe. */
    public void onConnectionLost(long nowNs) {
        if (state == State.TRUSTING) {
            state = State.PROBE_WANTED;
        }
    }

    /** Whether the connection is to be opened again now; true once for every loss. */
    public boolean takeProbe() {
        boolean wanted = state == State.PROBE_WANTED;
        if (wanted) {
            state = State.PROBED;
        }
        return wanted;
    }

    /** Nobody listens at its address: it is dead. Counts only after a lost connection. */
    public void onProbeRefused(long nowNs) {
        if (state != State.TRUSTING) {
            state = State.SUSPECTED;
        }
    }

    /** The probe ended in any other way without a greeting: time decides. */
    public void onProbeOther(long nowNs) {
        if (state == State.PROBE_WANTED) {
            state = State.PROBED;
        }
    }

    /**
     * Lets time pass.
     *
     * @return whether the peer is suspected now
     */
    public boolean tick(long nowNs) {
        if (nowNs - lastSignNs >= limitNs) {
            state = State.SUSPECTED;
        }
        return isSuspected();
    }

    /** Whether the peer was suspected at the last event. */
    public boolean isSuspected() {
        return state == State.SUSPECTED;
    }

    /** Time without a sign of life. */
    public long silenceNs(long nowNs) {
        return nowNs - lastSignNs;
    }
}
