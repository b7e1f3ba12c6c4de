package io.lockstep.tsdstore;

import io.lockstep.wire.Identity;

/**
 * The message that a {@link io.lockstep.wire.RequestKind#MARK} entry names: it is about to be executed again. Immutable.
 *
 * @param session its session
 * @param requestId its number there
 */
public record MarkedRequest(Identity session, long requestId) {}
