package io.lockstep.tsdstore;

import io.lockstep.wire.Answer;
import io.lockstep.wire.ControlHeader;
import io.lockstep.wire.Decision;
import io.lockstep.wire.Entry;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One node's replicated state: session table, open transactions with their state, records. Changed only by executing
 * entries, so two stores at equal positions are equal. Touched only by the lane.
 */
public final class TsdStore implements AutoCloseable {
    private TsdStore() {}

    /** An empty store. @param records fresh and empty; the store closes them */
    public static TsdStore create(TransactionService service, Records records, TsdStoreConfig config) {
        throw new UnsupportedOperationException();
    }

    /** Builds a store from a copy. @param records fresh and empty; closed when nothing comes of it */
    public static CopyInstaller installer(TransactionService service, Records records, TsdStoreConfig config) {
        throw new UnsupportedOperationException();
    }

    /** The whole state as it is now, for a joining node. Call between two entries. */
    public StateCopy copy() {
        throw new UnsupportedOperationException();
    }

    /** Whether the log that made this store holds that entry; {@link Identity#NONE} is in every log. */
    public boolean hasSeen(Identity identity) {
        throw new UnsupportedOperationException();
    }

    /** Digest over the whole state; equal on all nodes at equal positions. */
    public long digest() {
        throw new UnsupportedOperationException();
    }

    /** Effects to the outside that are not known to be done, in the order in which they were asked for. */
    public List<PendingEffect> pendingEffects() {
        throw new UnsupportedOperationException();
    }

    /** The message that the last entry marks; empty when the last entry is no mark. */
    public Optional<MarkedRequest> mark() {
        throw new UnsupportedOperationException();
    }

    /** Sessions open now. */
    public int sessionCount() {
        throw new UnsupportedOperationException();
    }

    /** Transactions open now. */
    public int transactionCount() {
        throw new UnsupportedOperationException();
    }

    /** Last entry executed. */
    public Identity last() {
        throw new UnsupportedOperationException();
    }

    /** Chain digest after the last entry. */
    public long chain() {
        throw new UnsupportedOperationException();
    }

    /** Header time of the last entry; 0 before the first. */
    public long lastTimeNs() {
        throw new UnsupportedOperationException();
    }

    /** What the session table says of a request, without executing it. */
    public Ruling judge(Request request) {
        throw new UnsupportedOperationException();
    }

    /** Executes a message as the next entry. */
    public Execution execute(ControlHeader header, byte[] body, Decision decision) {
        throw new UnsupportedOperationException();
    }

    /** Answers a read from the present state. */
    public Answer read(Request request, long timeNs) {
        throw new UnsupportedOperationException();
    }

    /** Executes an entry that the active ordered, and compares. @throws DivergenceException its outcome differs */
    public Execution apply(Entry entry) throws DivergenceException {
        throw new UnsupportedOperationException();
    }

    /** What is to be ordered because its time is over; null when nothing is. */
    public @Nullable Due nextDue(long nowNs) {
        throw new UnsupportedOperationException();
    }

    /** Something whose time is over. */
    public record Due(RequestKind kind, Identity session, long transaction) {}

    @Override
    public void close() {
        throw new UnsupportedOperationException();
    }
}
