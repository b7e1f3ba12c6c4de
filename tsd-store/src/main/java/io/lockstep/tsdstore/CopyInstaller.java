package io.lockstep.tsdstore;

/**
 * Builds a store from the pieces of a {@link StateCopy}. Touched by one thread at a time. Until {@link #finish} has
 * returned there is no store; after an exception there never will be one from this installer.
 */
public interface CopyInstaller extends AutoCloseable {
    /**
     * Takes the next piece, in the order in which they were made.
     *
     * @throws CopyBrokenException it is damaged, out of order, or from a store with other settings
     */
    void accept(byte[] piece) throws CopyBrokenException;

    /**
     * The store, at the copy's identity and chain and with the same digest. Call once, after the last piece.
     *
     * @throws CopyBrokenException pieces are missing, or the digest is not that of the source
     */
    TsdStore finish() throws CopyBrokenException;

    /** Drops what was built unless {@link #finish} has returned it; may be called twice. */
    @Override
    void close();
}
