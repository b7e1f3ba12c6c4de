package io.lockstep.tsdstore;

/** What an item of a copy is; in the order in which they come. The order of the constants is the code. */
enum StateTag {
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
