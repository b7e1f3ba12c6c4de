package io.lockstep.tsdstore;

/**
 * Turns a value of a transaction's state into bytes and back. Equal values must give equal bytes, on every node.
 *
 * @param <T> type of the value
 */
public interface Codec<T> {
    /** The value as bytes. */
    byte[] encode(T value);

    /** The value that {@link #encode} made these bytes of. */
    T decode(byte[] bytes);
}
