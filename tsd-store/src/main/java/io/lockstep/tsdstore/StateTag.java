package io.lockstep.tsdstore;

/** What an item of a copy is; in the order in which they come. The order of the constants is the code. */
public enum StateTag {
    /** Settings, identity, chain, time, mark. */
    HEAD,
    TERM,
    SESSION,
    /** An answer of the session before. */
    RETAINED,
    /** An open transaction of the session before. */
    TRANSACTION,
    EFFECT,
    /** One object of the records' schema. */
    SCHEMA_OBJECT,
    /** A table whose rows follow. */
    TABLE,
    ROWS,
    /** The SQL engine's database begins; what follows, up to the end, is the engine's. */
    SQL,
    /** Where a sequence stands. */
    SEQUENCE,
    /** A SQL session: its settings and variables. */
    SQL_SESSION,
    /** A local temporary table of the session before, or what belongs to one. */
    SQL_SESSION_OBJECT,
    /** Changes by the open transaction of the session before, in their order. */
    SQL_CHANGES,
    /** Locks and savepoints of the session before. */
    SQL_STANDING,
    /** How far the numbers of waiting messages have got. */
    SQL_QUEUE,
    /** What the engine itself keeps of a session. */
    SQL_CONVERSATION,
    /** A prepared statement of the conversation before. */
    SQL_STATEMENT,
    /** An update of the conversation before that was answered and is not done yet. */
    SQL_DEFERRED,
    /** An open result of the conversation before; its rows follow. */
    SQL_RESULT,
    SQL_RESULT_ROWS,
    /** A large object that an answer of the conversation before has named. */
    SQL_OBJECT,
    /** Digest of all items before. */
    END;

    private static final StateTag[] BY_CODE = values();

    int code() {
        return ordinal();
    }

    static StateTag of(int code) {
        if (code < 0 || code >= BY_CODE.length) {
            throw new IllegalArgumentException("unknown item " + code);
        }
        return BY_CODE[code];
    }
}
