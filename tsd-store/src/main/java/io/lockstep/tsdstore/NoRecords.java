package io.lockstep.tsdstore;

/** For services that keep everything in their transactions' state. */
public final class NoRecords implements Records {
    @Override
    public void close() {}
}
