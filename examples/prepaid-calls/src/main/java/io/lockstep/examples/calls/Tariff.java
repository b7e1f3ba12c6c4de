package io.lockstep.examples.calls;

import java.time.Instant;

/**
 * What a second costs, by the time of day in UTC. Safe from any thread, because it has no state.
 *
 * <p>Amounts are whole micro-units of currency and times whole seconds, so a price is a plain product and nothing is
 * ever rounded; a switch that measures finer reports a started second as a whole one. A stretch of a call is priced
 * at the rate of the moment at which it was reserved, also when it reaches over the end of that rate's hours.
 */
public enum Tariff {
    /** From 08:00 to 18:00. */
    PEAK(2_500),
    /** From 06:00 to 08:00 and from 18:00 to 22:00. */
    OFF_PEAK(1_500),
    /** From 22:00 to 06:00. */
    NIGHT(700);

    private static final long SECONDS_PER_DAY = 86_400;
    private final long microsPerSecond;

    Tariff(long microsPerSecond) {
        this.microsPerSecond = microsPerSecond;
    }

    /** Price of one second, in millionths of the currency unit. */
    public long microsPerSecond() {
        return microsPerSecond;
    }

    /** The tariff at a moment; the first instant of an hour belongs to that hour. */
    public static Tariff at(Instant time) {
        int hour = (int) (Math.floorMod(time.getEpochSecond(), SECONDS_PER_DAY) / 3_600);
        if (hour >= 8 && hour < 18) {
            return PEAK;
        }
        return hour >= 6 && hour < 22 ? OFF_PEAK : NIGHT;
    }
}
