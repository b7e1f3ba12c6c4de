package io.lockstep.distributor;

import io.lockstep.wire.AnswerCode;
import org.jspecify.annotations.Nullable;

/** A request did not end well; {@link #outcome} says whether it took effect. */
public class LockstepException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** What is known of the request's effect. */
    public enum Outcome {
        /** Executed, and the service refused or failed: it changed nothing beyond being answered. */
        REFUSED_BY_SERVICE,
        /** Definitely not executed, now and for ever. */
        NOT_EXECUTED,
        /** No active could be reached by the deadline: it may or may not have been executed. */
        UNKNOWN
    }

    private final Outcome outcome;
    private final @Nullable AnswerCode code;

    public LockstepException(Outcome outcome, @Nullable AnswerCode code, String message) {
        super(message);
        this.outcome = outcome;
        this.code = code;
    }

    /** What is known of the request's effect. */
    public Outcome outcome() {
        return outcome;
    }

    /** The node's answer; null when there was none. */
    public @Nullable AnswerCode code() {
        return code;
    }
}
