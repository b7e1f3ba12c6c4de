package io.lockstep.tsdstore;

/** Records in an H2 database in this process's memory, reached through HikariCP. Touched only by the lane. */
public final class H2Records implements Records {
    /** A new, empty, private database. */
    public H2Records() {}

    @Override
    public void close() {
        throw new UnsupportedOperationException();
    }
}
