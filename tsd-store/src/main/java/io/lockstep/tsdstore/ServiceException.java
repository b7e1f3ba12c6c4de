package io.lockstep.tsdstore;

/** A service's refusal of one message; its text reaches the client, and the message has changed nothing. */
public final class ServiceException extends Exception {
    private static final long serialVersionUID = 1L;

    /** @param message what is wrong, why, and what to do; the same on every node */
    public ServiceException(String message) {
        super(message);
    }
}
