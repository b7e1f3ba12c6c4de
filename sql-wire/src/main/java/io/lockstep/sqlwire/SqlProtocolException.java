package io.lockstep.sqlwire;

/** Bytes that are no SQL message: what is wrong with them. Nothing of such a message is used. */
public final class SqlProtocolException extends Exception {
    private static final long serialVersionUID = 1L;

    public SqlProtocolException(String message) {
        super(message);
    }

    SqlProtocolException(String message, Throwable cause) {
        super(message, cause);
    }
}
