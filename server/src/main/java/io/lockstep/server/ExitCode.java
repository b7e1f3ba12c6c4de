package io.lockstep.server;

/** How a command ended; scripts rely on the numbers. Safe from any thread, because it is immutable. */
public enum ExitCode {
    /** Done. */
    DONE(0, "done"),
    /** Our own fault. */
    INTERNAL(1, "internal error; the text on standard error is worth reporting"),
    /** A wrong option or configuration. */
    USAGE(2, "wrong option or configuration"),
    /** Nobody answers there. */
    CANNOT_REACH(3, "cannot reach, or nothing there"),
    /** Refused before anything changed. */
    REFUSED(4, "refused, nothing changed"),
    /** Something was started and then went wrong. */
    FAILED(5, "failed after starting"),
    /** Nobody knows whether it took effect. */
    UNKNOWN(6, "outcome unknown"),
    /** A figure was missed, clients saw errors, or statements were refused. */
    MISSED(7, "a threshold was missed, clients saw errors, or statements are refused"),
    /** Lost, doubled, unknown; books or digests differ; a violation. */
    MISMATCH(8, "mismatch: something lost, doubled or different"),
    /** Ctrl-C or TERM. */
    INTERRUPTED(130, "interrupted");

    private final int code;
    private final String meaning;

    ExitCode(int code, String meaning) {
        this.code = code;
        this.meaning = meaning;
    }

    /** The number that the process ends with, 0 to 255. */
    public int code() {
        return code;
    }

    /** A few words for help texts. */
    public String meaning() {
        return meaning;
    }

    /** The constant for a number; {@link #FAILED} for one that is not ours. */
    public static ExitCode of(int code) {
        for (ExitCode each : values()) {
            if (each.code == code) {
                return each;
            }
        }
        return FAILED;
    }
}
