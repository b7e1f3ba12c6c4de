package io.lockstep.examples.calls;

/** The caller's PIN is wrong; there is no call. */
public final class WrongPinException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int triesLeft;

    WrongPinException(int triesLeft) {
        super(triesLeft > 0 ? "wrong PIN, " + triesLeft + " tries left" : "wrong PIN, the card is blocked now");
        this.triesLeft = triesLeft;
    }

    /** Wrong PINs until the card is blocked; 0 when it now is. */
    public int triesLeft() {
        return triesLeft;
    }
}
