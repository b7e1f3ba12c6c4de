package io.lockstep.wire;

/**
 * Checks of what must be true, always on. A broken invariant is our own fault: the node stops, since a stopped node can
 * be replaced and a wrong one cannot.
 */
public final class Invariant {
    private Invariant() {}

    /**
     * Checks one condition.
     *
     * @throws InvariantBroken when it is false
     */
    public static void check(boolean condition, String what) {
        if (!condition) {
            throw new InvariantBroken(what);
        }
    }

    /**
     * Checks a condition between two values.
     *
     * @throws InvariantBroken with both values when it is false
     */
    public static void check(boolean condition, String what, long left, long right) {
        if (!condition) {
            throw new InvariantBroken(what + ": " + left + ", " + right);
        }
    }

    /** To be thrown where the words would cost too much to find while nothing is wrong. */
    public static InvariantBroken broken(String what) {
        return new InvariantBroken(what);
    }

    /** Our own fault; whoever catches it stops the node. */
    public static final class InvariantBroken extends IllegalStateException {
        private static final long serialVersionUID = 1L;

        InvariantBroken(String what) {
            super(what);
        }
    }
}
