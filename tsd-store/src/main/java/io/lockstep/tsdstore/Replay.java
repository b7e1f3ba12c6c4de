package io.lockstep.tsdstore;

import io.lockstep.wire.Identity;
import java.io.IOException;
import java.nio.file.Path;

/** Executes a recording on a fresh store and compares. */
public final class Replay {
    private Replay() {}

    /**
     * What a replay came to.
     *
     * @param last last entry executed
     * @param chain chain digest there
     * @param digest digest of the whole state there
     * @param entries how many were executed
     */
    public record Result(Identity last, long chain, long digest, long entries) {}

    /**
     * Executes the entries of a recording up to {@code untilPosition} (or its end, where that comes first) on an empty
     * store; a torn last entry is ignored.
     *
     * @param records fresh and empty; closed at the end
     * @throws DivergenceException an outcome or chain digest differs
     * @throws IOException the file cannot be read or does not begin at position 1
     */
    public static Result run(
            Path file, TransactionService service, Records records, TsdStoreConfig config, long untilPosition)
            throws DivergenceException, IOException {
        throw new UnsupportedOperationException();
    }
}
