package io.lockstep.distributor;

import io.lockstep.wire.BlockingConnection;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Peer;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * At whose door a channel ends: a distributor's, or the active's own. {@link #admit} and {@link #reasonToLeave} belong to
 * whoever has the channel's turn, the rest is safe from any thread.
 */
interface Door {
    /** What it is called, for texts. */
    String what();

    /** How the channel introduces itself. */
    Peer self(String label, long nonce);

    /**
     * Whether the channel is to end at whoever has greeted.
     *
     * @param beforeNs by then it is known
     * @throws IOException it is not, and the next address is tried; the text says why
     */
    void admit(BlockingConnection opened, long beforeNs) throws IOException;

    /**
     * The term to ask in.
     *
     * @param heard the term of the latest answer
     */
    long askTerm(long heard);

    /** A frame came: why the connection is to be left; null to stay. */
    @Nullable String reasonToLeave(Frame frame, long nowNs);

    /** Whether the other side has shown lately that it works, so that silence is no reason to leave. */
    boolean isAlive(long nowNs);

    /** Name of the active, where this door is its own. */
    @Nullable String active();
}
