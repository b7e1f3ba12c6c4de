package io.lockstep.tsdstore;

import io.lockstep.wire.Identity;

/**
 * The whole state after one entry, for a node that joins. Made by the lane in {@link TsdStore#copy}; read and closed by
 * one other thread while the lane goes on.
 */
public interface StateCopy extends AutoCloseable {
    /** It is the state after this entry. */
    Identity at();

    /** Chain digest there. */
    long chain();

    /** Whether there is another piece. */
    boolean hasNext();

    /**
     * The next piece, 1 to 262,144 bytes.
     *
     * @throws NodeFailure this node cannot read its own records
     */
    byte[] next();

    /** Lets go of what it holds; may be called at any time, also twice. */
    @Override
    void close();
}
