package io.lockstep.server.drill;

import java.util.Collection;

/**
 * One change of the active, by phase. Immutable, safe from any thread.
 *
 * <p>All instants are wall clock microseconds of one machine: the drill's own, the nodes' and the clients'.
 *
 * @param term the new active's term
 * @param from who was active
 * @param to who is
 * @param fault what happened to {@code from}
 * @param killedAtMicros taken right before the signal was sent
 * @param detectMs from the signal until the winner stopped acknowledging
 * @param agreeMs until the register held the new view
 * @param promoteMs until the winner had executed its tail and become active
 * @param resumeMs until a client had the first answer of the new term
 * @param totalMs from the signal until that answer: the sum of the four
 */
record Takeover(
        long term,
        String from,
        String to,
        DrillConfig.Fault fault,
        long killedAtMicros,
        double detectMs,
        double agreeMs,
        double promoteMs,
        double resumeMs,
        double totalMs) {

    /**
     * Divides a takeover into its phases. A milestone that was stamped before the one that it follows (two processes
     * stamp them) counts at the earlier one's instant, so that no phase is negative and the four add up to the total.
     */
    static Takeover between(
            long term,
            String from,
            String to,
            DrillConfig.Fault fault,
            long killedAtMicros,
            long detectedAtMicros,
            long agreedAtMicros,
            long promotedAtMicros,
            long resumedAtMicros) {
        long resumed = Math.max(killedAtMicros, resumedAtMicros);
        long detected = clamp(detectedAtMicros, killedAtMicros, resumed);
        long agreed = clamp(agreedAtMicros, detected, resumed);
        long promoted = clamp(promotedAtMicros, agreed, resumed);
        return new Takeover(
                term,
                from,
                to,
                fault,
                killedAtMicros,
                millis(detected - killedAtMicros),
                millis(agreed - detected),
                millis(promoted - agreed),
                millis(resumed - promoted),
                millis(resumed - killedAtMicros));
    }

    /** The middle total in milliseconds; of an even number the mean of the middle two; 0 when there is none. */
    static double medianTotalMs(Collection<Takeover> takeovers) {
        double[] totals =
                takeovers.stream().mapToDouble(Takeover::totalMs).sorted().toArray();
        int middle = totals.length / 2;
        if (totals.length == 0) {
            return 0;
        }
        return totals.length % 2 == 1 ? totals[middle] : (totals[middle - 1] + totals[middle]) / 2;
    }

    /** The longest total in milliseconds; 0 when there is none. */
    static double longestTotalMs(Collection<Takeover> takeovers) {
        return takeovers.stream().mapToDouble(Takeover::totalMs).max().orElse(0);
    }

    private static long clamp(long value, long least, long most) {
        return Math.min(Math.max(value, least), most);
    }

    private static double millis(long micros) {
        return micros / 1000.0;
    }
}
