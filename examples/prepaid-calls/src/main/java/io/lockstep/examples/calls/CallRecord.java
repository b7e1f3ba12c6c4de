package io.lockstep.examples.calls;

import io.lockstep.wire.Identity;

/**
 * What the books keep of an ended call; there is exactly one for each.
 *
 * @param session session of the switch
 * @param call the call's transaction id within the session
 * @param card number of the card
 * @param startedNs header time of its first message, in nanoseconds since 1970 UTC
 * @param endedNs header time of its end
 * @param seconds reported in all
 * @param charge in micro-units; 0 unless hung up
 * @param ending how it ended
 * @param contextCheck CRC-32C of the context that was kept with the call to its end, unsigned
 */
public record CallRecord(
        Identity session,
        long call,
        long card,
        long startedNs,
        long endedNs,
        int seconds,
        long charge,
        CallEnding ending,
        long contextCheck) {
    static final int BYTES = 16 + 8 + 8 + 8 + 8 + 4 + 8 + 1 + 4;
}
