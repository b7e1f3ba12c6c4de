package io.lockstep.examples.calls;

/** How a call ended; the order of the constants is the code in records and on the wire. */
public enum CallEnding {
    /** The switch reported its end: charged. */
    HUNG_UP,
    /** Its switch, or the end of the switch's session, took it back: not charged. */
    ROLLED_BACK,
    /** Nobody reported anything in time: not charged. */
    EXPIRED;

    private static final CallEnding[] BY_CODE = values();

    int code() {
        return ordinal();
    }

    static CallEnding of(int code) {
        return BY_CODE[code];
    }
}
