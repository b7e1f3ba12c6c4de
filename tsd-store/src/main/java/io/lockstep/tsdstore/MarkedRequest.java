package io.lockstep.tsdstore;

import io.lockstep.wire.Identity;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;

/**
 * A message by its name: one that a {@link RequestKind#MARK} entry names, since it is about to be executed again, or one
 * that waits for a lock. Immutable.
 *
 * @param session its session
 * @param requestId its number there
 */
public record MarkedRequest(Identity session, long requestId) {
    /** What takes its place where a request is called for: one with its name, and without a content. */
    public Request asRequest() {
        return new Request(session, 0, requestId, RequestKind.VOID, 0, 0, 0, Identity.NONE, 0, true, new byte[0]);
    }
}
