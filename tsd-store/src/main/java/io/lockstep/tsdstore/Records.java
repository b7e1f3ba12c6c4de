package io.lockstep.tsdstore;

/**
 * The database proper of one node. Touched only by the lane, through its store; made by whoever makes the store.
 */
public sealed interface Records extends AutoCloseable permits H2Records, NoRecords {
    @Override
    void close();
}
