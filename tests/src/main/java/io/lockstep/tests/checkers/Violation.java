package io.lockstep.tests.checkers;

/** A promise was broken. The message begins with the invariant or rule. An error, so that no core takes it for a service's. */
public final class Violation extends AssertionError {
    private static final long serialVersionUID = 1L;

    public Violation(String message) {
        super(message);
    }
}
