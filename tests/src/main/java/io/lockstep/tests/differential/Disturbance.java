package io.lockstep.tests.differential;

import java.util.SplittableRandom;

/**
 * When the active dies, and when it comes back. Immutable.
 *
 * @param killAt the message before or in which the active dies; {@link #NEVER} for none
 * @param isBehind whether the message is on its way when the active dies
 * @param restartAt the message before which the dead one is started again: it joins what is open then
 * @param againAt the message before which, when both are in sync, the new active dies too; {@link #NEVER} for none
 */
record Disturbance(int killAt, boolean isBehind, int restartAt, int againAt) {
    static final int NEVER = -1;
    static final Disturbance NONE = new Disturbance(NEVER, false, NEVER, NEVER);

    /** One in so many sequences has a second takeover, to a node whose state is a copy. */
    private static final int AGAIN_ONE_IN = 4;

    private static final int JOINS_WITHIN = 6;

    /** @param canJoin whether a node can be in sync while the sequence goes on: nobody reads a moment of the past */
    static Disturbance draw(long seed, int messages, boolean canJoin) {
        SplittableRandom random = new SplittableRandom(seed * 31 + 7);
        int killAt = random.nextInt(messages);
        boolean isBehind = random.nextBoolean();
        int restartAt = killAt + 1 + random.nextInt(JOINS_WITHIN);
        boolean isAgain = random.nextInt(AGAIN_ONE_IN) == 0;
        int againAt = isAgain && canJoin && restartAt + 1 < messages ? random.nextInt(restartAt + 1, messages) : NEVER;
        return new Disturbance(killAt, isBehind, restartAt, againAt);
    }

    int takeovers() {
        return (killAt == NEVER ? 0 : 1) + (againAt == NEVER ? 0 : 1);
    }

    @Override
    public String toString() {
        return killAt == NEVER
                ? "undisturbed"
                : "active killed " + (isBehind ? "in" : "before") + " message " + killAt + ", back before " + restartAt
                        + (againAt == NEVER ? "" : ", the next one killed before " + againAt);
    }
}
