package io.lockstep.tests.checkers;

/** A promise was broken. The message begins with the invariant or rule. */
public final class Violation extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public Violation(String message) {
        super(message);
    }

    static void check(boolean condition, String what) {
        if (!condition) {
            throw new Violation(what);
        }
    }
}
