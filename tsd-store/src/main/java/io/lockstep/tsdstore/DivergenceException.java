package io.lockstep.tsdstore;

/** This node's execution of an entry gave something else than the active's. */
public final class DivergenceException extends Exception {
    private static final long serialVersionUID = 1L;

    private final long expected;
    private final long actual;

    public DivergenceException(String detail, long expected, long actual) {
        super(detail);
        this.expected = expected;
        this.actual = actual;
    }

    /** The active's outcome digest. */
    public long expected() {
        return expected;
    }

    /** Ours. */
    public long actual() {
        return actual;
    }
}
