package io.lockstep.wire;

/** Views as bytes: the body of a VIEW entry, the register's file. Safe from any thread, because it has no state. */
public final class ViewCodec {
    private ViewCodec() {}

    /** The view's bytes. @throws IllegalArgumentException when a name or list is over its limit */
    public static byte[] encode(View view) {
        throw new IllegalStateException();
    }

    /** The view that these bytes are, neither more nor less. @throws ProtocolException when they are not */
    public static View decode(byte[] bytes) throws ProtocolException {
        throw new IllegalStateException();
    }
}
