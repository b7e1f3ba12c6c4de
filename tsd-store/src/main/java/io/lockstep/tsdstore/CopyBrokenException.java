package io.lockstep.tsdstore;

/** A copy is damaged, incomplete, out of order or does not fit here; nothing of it is used. */
public final class CopyBrokenException extends Exception {
    private static final long serialVersionUID = 1L;

    CopyBrokenException(String message) {
        super(message);
    }

    CopyBrokenException(String message, Throwable cause) {
        super(message, cause);
    }
}
