package io.lockstep.tsdstore.sql;

/** A limit that the node was configured with is exceeded; the text says which. */
final class LimitException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    LimitException(String message) {
        super(message, null, false, false);
    }
}
