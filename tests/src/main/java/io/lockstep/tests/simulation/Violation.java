package io.lockstep.tests.simulation;

/** A promise was broken in a simulated schedule. */
public final class Violation extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public Violation(String message) {
        super(message);
    }
}
