package io.lockstep.tsdstore;

import io.lockstep.wire.Answer;
import io.lockstep.wire.ControlHeader;
import io.lockstep.wire.Decision;
import io.lockstep.wire.Entry;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import org.jspecify.annotations.Nullable;

/**
 * One node's replicated state: session table, open transactions with their state, records. Changed only by executing
 * entries, so two stores at equal positions are equal. Touched only by the lane.
 */
public final class TsdStore implements AutoCloseable {
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
