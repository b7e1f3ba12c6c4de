package io.lockstep.membership;

import java.io.IOException;

/** Where a voter keeps its record. Touched only by the voter's thread. */
public interface RegisterStore {
    /** What was last saved, or the record of a new disk. */
    VoterRecord record();

    /**
     * Makes the record durable before it returns.
     *
     * @throws IOException when it may not be durable; the store is of no use afterwards, because nobody can tell what a
     *     later read or flush would find
     */
    void save(VoterRecord record) throws IOException;
}
