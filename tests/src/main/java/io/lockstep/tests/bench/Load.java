package io.lockstep.tests.bench;

import java.io.IOException;

/** Something that can be kept busy for a while. Used by one thread; its callers have threads of their own. */
interface Load extends AutoCloseable {
    /** Keeps it busy for so many nanoseconds, and a little longer: what has begun is ended. */
    Round run(long nanos) throws IOException, InterruptedException;

    @Override
    void close() throws IOException;
}
