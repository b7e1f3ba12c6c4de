package io.lockstep.tsdstore;

import io.lockstep.wire.Identity;

/** Runs effects of one name in the outside world. Found by {@link java.util.ServiceLoader} on a node's class path. */
public interface EffectRunner {
    /** The {@link OutsideEffect#name} that it runs. */
    String name();

    /**
     * Runs one effect; called on a thread of its own, never on the lane.
     *
     * @param key unique, and the same when the effect is run again
     * @param payload as the service gave it
     * @throws Exception it could not be done; it is tried again later (not, where it is at most once)
     */
    void run(Key key, byte[] payload) throws Exception;

    /**
     * Key of one effect.
     *
     * @param session session of the message that asked
     * @param requestId request id of that message
     * @param ordinal counts the effects of that message from 0
     */
    record Key(Identity session, long requestId, int ordinal) {}
}
