package io.lockstep.tsdstore;

import io.lockstep.wire.Answer;
import io.lockstep.wire.Entry;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What executing one message gave.
 *
 * @param entry the entry with its outcome and chain
 * @param answer for the client; null for entries of the active's own, and for a message that waits for a lock
 * @param released answer to an earlier message of the session, which waited until this one cancelled it; else null
 * @param effects what is to be run outside, in order; their ordinals count from 0
 */
public record Execution(
        Entry entry, @Nullable Answer answer, @Nullable Answer released, List<OutsideEffect> effects) {}
