package io.lockstep.activenode;

import io.lockstep.tsdstore.Execution;
import io.lockstep.wire.Answer;
import org.jspecify.annotations.Nullable;

/**
 * What the lane made of one request, for the gate.
 *
 * @param execution the entry that it became; null when it left none
 * @param answer for the client; null while the request waits for a lock: another entry answers it
 * @param waitPosition the answer may go when this entry is stable
 * @param needsRound whether the answer tells of the present state, so that a backup must confirm our reign first (R3)
 */
public record Ordered(
        @Nullable Execution execution, @Nullable Answer answer, long waitPosition, boolean needsRound) {}
