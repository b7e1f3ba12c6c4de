package io.lockstep.wire;

/**
 * One message of a client session on its way to the active. Immutable; the body must not be changed by anyone.
 *
 * @param session identity of the session's opening entry, or the provisional name in an {@link RequestKind#OPEN}
 * @param attach counts the session's connections; the highest is the live one
 * @param requestId number within the session, rising; {@code (session, requestId)} is the key for doing it once
 * @param kind what it asks for
 * @param transaction request id of the {@link RequestKind#BEGIN} that opened the transaction; 0 outside of one
 * @param acknowledgedUpTo the client holds the answers of all requests up to this id
 * @param previousOrdered id of the last request before this one that becomes an entry; a mismatch is a gap
 * @param highestSeen highest identity that the client was ever answered with
 * @param deadlineMillis time left until the client gives up, in milliseconds, 0 or more
 * @param repeated whether a copy may have reached a node before
 * @param body the application's bytes
 */
public record Request(
        Identity session,
        int attach,
        long requestId,
        RequestKind kind,
        long transaction,
        long acknowledgedUpTo,
        long previousOrdered,
        Identity highestSeen,
        int deadlineMillis,
        boolean repeated,
        byte[] body) {

    /** The same message, marked as one that may have reached a node before. */
    public Request asRepeated() {
        return repeated
                ? this
                : new Request(
                        session,
                        attach,
                        requestId,
                        kind,
                        transaction,
                        acknowledgedUpTo,
                        previousOrdered,
                        highestSeen,
                        deadlineMillis,
                        true,
                        body);
    }

    @Override
    public String toString() {
        return kind + "(" + session + "#" + requestId + (repeated ? " repeated" : "") + ")";
    }
}
