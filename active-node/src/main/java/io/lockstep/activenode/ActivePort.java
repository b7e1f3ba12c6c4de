package io.lockstep.activenode;

import io.lockstep.tsdstore.TsdStore;
import io.lockstep.wire.Entry;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Request;
import io.lockstep.wire.View;

/** What an {@link ActiveNode} needs of the process that it lives in. */
public interface ActivePort {
    /** Sends a frame to that run of that node, if it is connected. Called by the node agent. */
    void send(View.Member to, Frame frame);

    /** The view has changed. Called by the node agent. */
    void viewInstalled(View view);

    /** The reign is over. Called by the node agent. */
    void deposed(View current, String reason);

    /** There is work for the node agent. Safe from any thread; called often, so it must be cheap. */
    void wake();

    /** Runs something on the node agent's thread. Safe from any thread. */
    void onAgent(Runnable task);

    /**
     * An entry has been executed, and nothing else is until this returns; so it must be short. Called by whoever
     * holds the lane: its thread, or the node agent.
     *
     * @param previousTimeNs header time of the entry before
     */
    default void executed(TsdStore store, Entry entry, long previousTimeNs) {
        // Who only plays at being a node has nobody to compare with.
    }

    /**
     * The lane has failed for good: the process must end (rules R2, R17). Called by whoever held it.
     *
     * @param poison the message that it was executing, or null
     */
    void failed(@org.jspecify.annotations.Nullable Request poison, Throwable cause);
}
