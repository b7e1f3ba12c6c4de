package io.lockstep.distributor;

import io.lockstep.wire.BlockingConnection;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Peer;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * At whose door a session's connection ends: a distributor's, or the active's own. Touched under the session's lock, but
 * for {@link #admit}, which one thread at a time calls without it.
 */
interface Door {
    /** What it is called, for texts. */
    String what();

    /** How the session introduces itself. */
    Peer self(String label, long nonce);

    /**
     * Whether the session wants whoever has greeted.
     *
     * @param beforeNs by then it is known
     * @throws IOException it does not, and goes on to the next address; the text says why
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
