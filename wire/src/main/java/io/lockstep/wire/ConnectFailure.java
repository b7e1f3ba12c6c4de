package io.lockstep.wire;

/**
 * Why a connection could not be opened.
 *
 * @param kind what to conclude from it
 * @param text what happened, for people
 */
public record ConnectFailure(Kind kind, String text) {
    /** What a failure tells about the other side. */
    public enum Kind {
        /** Its host answers and nobody listens there: the process is gone. */
        REFUSED,
        /** Nothing came in time: the host, the network or the process may be slow, stopped or gone. */
        TIMED_OUT,
        /** Anything else: no such address, another cluster or version, too many connections. */
        FAILED
    }

    @Override
    public String toString() {
        return kind + ": " + text;
    }
}
