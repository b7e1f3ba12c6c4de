package io.lockstep.wire;

/** What a message asks for; the order of the constants is the code on the wire, so new ones go to the end. */
public enum RequestKind {
    /** Opens a session; its name is provisional, its body empty. */
    OPEN(Origin.CLIENT),
    /** Ends a session and rolls back its open transactions; ignored unless its attach number is the latest. */
    CLOSE(Origin.CLIENT),
    /** Keeps a session alive and publishes its attach number. */
    TOUCH(Origin.CLIENT),
    /** First message of a transaction; the transaction's id within the session is this request id. */
    BEGIN(Origin.CLIENT),
    /** Further message of a transaction. */
    CONTINUE(Origin.CLIENT),
    /** Termination message: the transaction ends when the service has accepted it. */
    END(Origin.CLIENT),
    /** Rolls a transaction back: the service undoes what it reserved. */
    ROLLBACK(Origin.CLIENT),
    /** A question without effect: not ordered, not forwarded. */
    READ(Origin.CLIENT),
    /** Takes the place of the request with the same id: yields its answer, or bars it for ever. */
    VOID(Origin.CLIENT),
    /** Computes the digest of the whole state at one position, on every node. */
    DIGEST(Origin.CLIENT),
    /** First entry of a term: names the view. */
    VIEW(Origin.ACTIVE),
    /** A transaction's time is over. */
    EXPIRE(Origin.ACTIVE),
    /** A session's time is over. */
    EXPIRE_SESSION(Origin.ACTIVE),
    /** An effect to the outside is about to be run, where it may be run once at most. */
    EFFECT_STARTED(Origin.ACTIVE),
    /** An effect to the outside has been run. */
    EFFECT_DONE(Origin.ACTIVE),
    /** A repeated message is about to be executed; see rule R17. */
    MARK(Origin.ACTIVE),
    /** One action of a SQL session; it may wait for a row that another session has locked. */
    SQL(Origin.CLIENT),
    /** An action of a SQL session that has no effect: not ordered, not forwarded. */
    SQL_READ(Origin.CLIENT),
    /** Another attempt of a SQL action that waits: its holders' transactions have ended. */
    RETRY(Origin.ACTIVE),
    /** A SQL action has waited as long as its session allows. */
    GIVE_UP(Origin.ACTIVE),
    /** A copy is about to be taken: all nodes plan their SQL statements anew, as the copy will. */
    REPLAN(Origin.ACTIVE);

    private enum Origin {
        CLIENT,
        ACTIVE
    }

    private static final RequestKind[] BY_CODE = values();
    private final Origin origin;

    RequestKind(Origin origin) {
        this.origin = origin;
    }

    /** The kind's code on the wire, 0 to 255. */
    public int code() {
        return ordinal();
    }

    /** Whether a client may send it. */
    public boolean isFromClient() {
        return origin == Origin.CLIENT;
    }

    /** Whether it becomes an entry of the forward log: the replication indicator. */
    public boolean isOrdered() {
        return this != READ && this != SQL_READ;
    }

    /** Whether it names a transaction that must exist already. */
    public boolean isWithinTransaction() {
        return this == CONTINUE || this == END || this == ROLLBACK;
    }

    /** The kind for a code on the wire. @throws IllegalArgumentException when there is none */
    public static RequestKind of(int code) {
        if (code < 0 || code >= BY_CODE.length) {
            throw new IllegalArgumentException("unknown request kind " + code);
        }
        return BY_CODE[code];
    }
}
