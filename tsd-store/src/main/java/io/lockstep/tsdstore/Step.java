package io.lockstep.tsdstore;

import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What executing a message came to, before it becomes an entry. Touched only by the lane. */
final class Step {
    private static final byte[] EMPTY = new byte[0];

    final @Nullable Answer answer;
    final @Nullable AnswerCode code;
    final byte[] body;
    /** Whether the message waits for a lock, so that it is answered by another entry. */
    final boolean isWaiting;

    List<OutsideEffect> effects = List.of();
    long transactionsEnded;
    /** Answer to an earlier message that this one cancelled. */
    @Nullable Answer released;

    /** Of a message that was cut off while it ran: what the other nodes need to end it alike. */
    byte @Nullable [] remains;

    private Step(@Nullable Answer answer, @Nullable AnswerCode code, byte[] body, boolean isWaiting) {
        this.answer = answer;
        this.code = code;
        this.body = body;
        this.isWaiting = isWaiting;
    }

    /** No answer: an entry of the active's own. */
    static Step silent() {
        return new Step(null, null, EMPTY, false);
    }

    /** No answer yet. */
    static Step waiting() {
        return new Step(null, null, EMPTY, true);
    }

    /** An answer that is not new, or not to the message itself. */
    static Step old(Answer answer) {
        return new Step(answer, null, EMPTY, false);
    }

    static Step of(AnswerCode code, byte[] body) {
        return new Step(null, code, body, false);
    }

    static Step of(AnswerCode code, String text) {
        return of(code, Judge.text(text));
    }

    AnswerCode code() {
        if (code == null) {
            throw new IllegalStateException("no answer of its own");
        }
        return code;
    }

    boolean isOk() {
        return code == AnswerCode.OK;
    }
}
