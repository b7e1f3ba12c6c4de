package io.lockstep.distributor;

import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Identity;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * How one request of a session ended, as the application is told.
 *
 * @param requestId its number within the session; 0 when no copy ever left the client
 * @param entry identity of the entry that it became; {@link Identity#NONE} when it left none, or none is known
 * @param problem what is known of its effect; null when it ended well
 * @param code the node's or distributor's word; null when there was none
 * @param body the service's answer, or a text in UTF-8 that says what, why and what to do
 */
public record Ending(
        long requestId,
        Identity entry,
        LockstepException.@Nullable Outcome problem,
        @Nullable AnswerCode code,
        byte[] body) {

    static Ending failed(long requestId, LockstepException.Outcome problem, @Nullable AnswerCode code, String text) {
        return new Ending(requestId, Identity.NONE, problem, code, text.getBytes(StandardCharsets.UTF_8));
    }

    /** The body as text. */
    public String text() {
        return new String(body, StandardCharsets.UTF_8);
    }

    @Override
    public String toString() {
        return problem == null
                ? "OK(#" + requestId + " at " + entry + ")"
                : problem + "(" + code + " #" + requestId + ")";
    }
}
