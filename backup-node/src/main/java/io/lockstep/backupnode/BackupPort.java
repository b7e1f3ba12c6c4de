package io.lockstep.backupnode;

import io.lockstep.tsdstore.TsdStore;
import io.lockstep.wire.Entry;
import io.lockstep.wire.Frame;

/** What a {@link BackupNode} needs of the process that it lives in. */
public interface BackupPort {
    /** Sends a frame to a node, if it is connected. Called by the node agent. */
    void send(String node, Frame frame);

    /** Sends a frame to every other node. Called by the node agent. */
    void broadcast(Frame frame);

    /** Tries to connect to a node once, and tells {@link BackupNode#onProbe}. Called by the node agent. */
    void probe(String node);

    /** It is doing something else now. Called by the node agent. */
    void became(BackupState from, BackupState to, String reason);

    /**
     * We are the active from now on. Called by the node agent; the lane has left the store.
     *
     * @param lastEntryAtNs monotonic time at which the last entry was received
     */
    void promoted(BackupEffects.Promotion promotion, TsdStore store, long lastEntryAtNs);

    /** This run's state is not to be used any more: rebuild. Called by the node agent. */
    void unfit(String reason);

    /**
     * This run's state differs from the active's, and nobody knows yet which of them is right: keep it, and lead nobody.
     * Called by the node agent.
     */
    void diverged(String reason);

    /**
     * An entry has been executed, and nothing else is until this returns; so it must be short. Called by the lane.
     *
     * @param previousTimeNs header time of the entry before
     */
    void executed(TsdStore store, Entry entry, long previousTimeNs);

    /** Runs something on the node agent's thread. Safe from any thread. */
    void onAgent(Runnable task);

    /** The lane has failed for good: the process must end. Called by the lane. */
    void failed(Throwable cause);
}
