package io.lockstep.wire;

/**
 * What a request is answered with. Immutable; the body must not be changed by anyone.
 *
 * @param session as in the request; an {@link RequestKind#OPEN} is answered under its provisional name and the new
 *     session is {@code entry}
 * @param requestId as in the request
 * @param entry identity of the entry that the request became; {@link Identity#NONE} when it left none
 * @param code how it ended
 * @param body the service's bytes, or a text in UTF-8 that says what, why and what to do
 */
public record Answer(Identity session, long requestId, Identity entry, AnswerCode code, byte[] body) {
    @Override
    public String toString() {
        return code + "(" + session + "#" + requestId + " at " + entry + ")";
    }
}
