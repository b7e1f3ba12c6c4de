package io.lockstep.wire;

import java.io.IOException;

/** Bytes from outside that are not what they should be; the text says what, and where it helps, what to do. */
public final class ProtocolException extends IOException {
    private static final long serialVersionUID = 1L;

    public ProtocolException(String what) {
        super(what);
    }

    /** A field that one of our types refused. */
    static ProtocolException of(IllegalArgumentException refusal) {
        return new ProtocolException(String.valueOf(refusal.getMessage()));
    }
}
