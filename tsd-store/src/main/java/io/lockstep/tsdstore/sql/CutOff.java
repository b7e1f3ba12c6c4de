package io.lockstep.tsdstore.sql;

/** A statement was ended from outside while it ran, or is to end as it did on the active; what it did is undone. */
final class CutOff extends RuntimeException {
    private static final long serialVersionUID = 1L;

    CutOff() {
        super("cut off", null, false, false);
    }
}
