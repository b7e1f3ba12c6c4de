package io.lockstep.wire;

/** What the active decided that the log alone does not determine; the order is the code on the wire. */
public enum Decision {
    /** Execute it. */
    EXECUTE,
    /** Do not execute it, ever: it ended a process. */
    QUARANTINE,
    /** The active ended its execution: do not execute what it had not done, and take over what that left behind. */
    CUT_OFF;

    private static final Decision[] BY_CODE = values();

    /** The decision's code on the wire, 0 to 255. */
    public int code() {
        return ordinal();
    }

    /** The decision for a number on the wire. @throws IllegalArgumentException when there is none */
    public static Decision of(int code) {
        if (code < 0 || code >= BY_CODE.length) {
            throw new IllegalArgumentException("unknown decision " + code);
        }
        return BY_CODE[code];
    }
}
