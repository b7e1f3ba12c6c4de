package io.lockstep.examples.calls;

/** The service's limits, checked on every message. Safe from any thread, because they are constants. */
public final class CallLimits {
    /** Highest card number: 16 digits. */
    public static final long CARD_MAX = 9_999_999_999_999_999L;
    /** Shortest PIN, in digits. */
    public static final int PIN_MIN = 4;
    /** Longest PIN, in digits. */
    public static final int PIN_MAX = 12;
    /** Longest stretch reserved at once, in seconds: a day. */
    public static final int STRETCH_MAX_SECONDS = 86_400;
    /** Longest call, in seconds: thirty days. */
    public static final int CALL_MAX_SECONDS = 30 * 86_400;
    /** Largest top-up, in micro-units: a million units. */
    public static final long TOP_UP_MAX = 1_000_000_000_000L;
    /** Largest balance, in micro-units: leaves room to add up nine thousand such cards, and far more real ones. */
    public static final long BALANCE_MAX = 1_000_000_000_000_000L;
    /** Largest context of a call, in bytes. */
    public static final int CONTEXT_MAX_BYTES = 64 * 1_024;
    /** Most cards issued by one message, so that none holds the lane for long. */
    public static final int ISSUE_MAX = 500;
    /** Most records in one page. */
    public static final int PAGE_MAX = 500;
    /** Most calls open on one card. */
    public static final int CALLS_PER_CARD_MAX = 4;
    /** A card is blocked after so many wrong PINs in a row. */
    public static final int WRONG_PINS_MAX = 3;

    private CallLimits() {}
}
