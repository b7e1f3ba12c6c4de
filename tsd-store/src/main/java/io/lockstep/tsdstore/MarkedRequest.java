package io.lockstep.tsdstore;

import io.lockstep.wire.Identity;
import io.lockstep.wire.Invariant;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;

/**
 * A message by its name: one that a {@link RequestKind#MARK} entry names, since it is about to be executed again, or one
 * that waits for a lock. What a transaction's or a session's end of time has the service do is named in the same way.
 * Immutable.
 *
 * @param session its session
 * @param requestId its number there; 0 for the end of the session
 */
public record MarkedRequest(Identity session, long requestId) {
    /** Beyond every number that a client gives: added to a transaction's id it names the end of its time. */
    private static final long EXPIRY = 1L << 62;

    /** The end of a transaction's time, or with 0 its session's. */
    public static MarkedRequest expiryOf(Identity session, long transaction) {
        Invariant.check(transaction >= 0 && transaction < EXPIRY, "a transaction's id", transaction, EXPIRY);
        return new MarkedRequest(session, transaction == 0 ? 0 : EXPIRY + transaction);
    }

    /** The transaction whose time is over; 0 when this is something else. */
    public long expiringTransaction() {
        return requestId > EXPIRY ? requestId - EXPIRY : 0;
    }

    /** What takes its place where a request is called for: one with its name, and without a content. */
    public Request asRequest() {
        return new Request(session, 0, requestId, RequestKind.VOID, 0, 0, 0, Identity.NONE, 0, true, new byte[0]);
    }
}
