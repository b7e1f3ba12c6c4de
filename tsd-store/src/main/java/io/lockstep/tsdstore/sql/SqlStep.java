package io.lockstep.tsdstore.sql;

import io.lockstep.wire.Identity;
import java.util.List;

/** What one attempt at a SQL message came to. Immutable; arrays must not be changed by anyone. */
public sealed interface SqlStep {
    /**
     * The message is done, with success or with an error that is equal on all nodes.
     *
     * @param reply body of the answer
     */
    record Answered(byte[] reply) implements SqlStep {}

    /**
     * The message was ended while it ran: by its client, by a limit, or as the active had ended it.
     *
     * @param reply body of the answer
     * @param remains what the other nodes need to end it alike, without executing what was cut off
     */
    record CutOff(byte[] reply, byte[] remains) implements SqlStep {}

    /**
     * The message was a cancellation, and the session's waiting message has ended by it.
     *
     * @param reply body of the answer to the cancellation
     * @param cancelledReply body of the answer to the message that waited
     */
    record Cancelled(byte[] reply, byte[] cancelledReply) implements SqlStep {}

    /**
     * The message met a lock and has had no effect but on sequences; it waits within the engine.
     *
     * @param holders sessions that the message could be waiting for, in ascending order; never empty
     */
    record Waiting(List<Identity> holders) implements SqlStep {}
}
