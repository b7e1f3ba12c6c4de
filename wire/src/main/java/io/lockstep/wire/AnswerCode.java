package io.lockstep.wire;

/** How a request ended, or why it did not run; the order of the constants is the code on the wire. */
public enum AnswerCode {
    /** Executed. */
    OK(true),
    /** Executed, and the service refused it: its changes are undone, its text says why. */
    SERVICE_ERROR(true),
    /** Executed, and the service failed unexpectedly, equally on every node: its changes are undone. */
    SERVICE_FAILED(true),
    /** Barred for ever before it was executed, at the client's wish. */
    VOIDED(true),
    /** Barred for ever because it ended a process. */
    QUARANTINED(true),
    /** Names a transaction that this session never opened. */
    TRANSACTION_UNKNOWN(true),
    /** Names a transaction that has ended, was rolled back or expired. */
    TRANSACTION_ENDED(true),
    /** A request id that was used before with another content; nothing was executed. */
    ID_REUSED(false),
    /** The answer was pruned, since the client acknowledged it; never executed anew. */
    EXPIRED(false),
    /** No such session: it was closed, has expired, or never was. */
    UNKNOWN_SESSION(false),
    /** A message before this one is missing; nothing was executed, the client sends again from there. */
    GAP(false),
    /** The client has seen entries that this database does not have; it refuses rather than guess. */
    LOG_LACKS_SEEN(false),
    /** Full; this copy was dropped before it reached a node. */
    BUSY(false),
    /** This node is not the active; the client's distributor finds it. */
    NOT_ACTIVE(false),
    /** Malformed or over a limit. */
    REFUSED(false);

    private static final AnswerCode[] BY_CODE = values();
    private final boolean isOrdered;

    AnswerCode(boolean isOrdered) {
        this.isOrdered = isOrdered;
    }

    /** The answer's code on the wire, 0 to 255. */
    public int code() {
        return ordinal();
    }

    /** Whether such an answer belongs to an entry (for a read: is final): a repeat yields the same. */
    public boolean isOrdered() {
        return isOrdered;
    }

    /** The code for a number on the wire. @throws IllegalArgumentException when there is none */
    public static AnswerCode of(int code) {
        if (code < 0 || code >= BY_CODE.length) {
            throw new IllegalArgumentException("unknown answer code " + code);
        }
        return BY_CODE[code];
    }
}
