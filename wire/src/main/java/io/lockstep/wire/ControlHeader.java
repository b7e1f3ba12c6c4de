package io.lockstep.wire;

/**
 * What makes a backup's execution equal to the active's: everything that executing a message may depend on beside the
 * message and the state.
 *
 * @param term reign of the active that ordered it
 * @param position place in the forward log, rising by one
 * @param session session that asked; {@link Identity#NONE} for entries of the active's own
 * @param requestId number within the session
 * @param kind what is asked
 * @param attach the session's connection count
 * @param transaction request id that opened the transaction, 0 outside of one
 * @param acknowledgedUpTo the client holds the answers up to this id, so they may be pruned
 * @param timeNs header time: nanoseconds since 1970 UTC, never falling along the log
 * @param seed seed for every random choice of the execution
 */
public record ControlHeader(
        long term,
        long position,
        Identity session,
        long requestId,
        RequestKind kind,
        int attach,
        long transaction,
        long acknowledgedUpTo,
        long timeNs,
        long seed) {

    /** Length on the wire, in bytes. */
    public static final int BYTES = 8 + 8 + 16 + 8 + 1 + 4 + 8 + 8 + 8 + 8;

    /** The entry's name. */
    public Identity identity() {
        return new Identity(term, position);
    }
}
