package io.lockstep.tsdstore;

import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Entry;
import io.lockstep.wire.Identity;
import io.lockstep.wire.ProtocolException;
import io.lockstep.wire.RequestKind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.OptionalLong;

/** Executes a recording on a fresh store and compares. */
public final class Replay {
    private Replay() {}

    /**
     * What a replay came to.
     *
     * @param last last entry executed
     * @param chain chain digest there
     * @param digest digest of the whole state there
     * @param answeredDigest what the last entry was answered with, where that asked for a digest: that of the state
     *     before the answer itself was remembered; empty where it asked for something else
     * @param entries how many were executed
     */
    public record Result(Identity last, long chain, long digest, OptionalLong answeredDigest, long entries) {}

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
        try (Recording.Reader reader = new Recording.Reader(file);
                TsdStore store = TsdStore.create(service, records, config)) {
            long entries = 0;
            OptionalLong answeredDigest = OptionalLong.empty();
            for (Entry entry = reader.next();
                    entry != null && entry.position() <= untilPosition;
                    entry = reader.next()) {
                if (entry.position() != entries + 1) {
                    throw new ProtocolException(
                            "the recording has entry " + entry.position() + " in place of " + (entries + 1));
                }
                answeredDigest = answeredDigest(store.apply(entry));
                entries++;
            }
            return new Result(store.last(), store.chain(), store.digest(), answeredDigest, entries);
        }
    }

    private static OptionalLong answeredDigest(Execution execution) {
        Answer answer = execution.answer();
        return execution.entry().header().kind() == RequestKind.DIGEST
                        && answer != null
                        && answer.code() == AnswerCode.OK
                ? OptionalLong.of(ByteBuffer.wrap(answer.body()).getLong())
                : OptionalLong.empty();
    }
}
