package io.lockstep.wire;

import java.net.SocketAddress;

/**
 * Today's cable to one peer, after both sides have greeted. Safe from any thread: what is sent waits in a queue until
 * the network thread encodes it.
 */
public interface Connection {
    /** Who is at the other end, as its greeting said. */
    Peer peer();

    /** Whether frames may still be sent and received. */
    boolean isOpen();

    /** Whether less waits to be sent than the high-water mark, half of {@link TransportConfig#outboundBufferMaxBytes}. */
    boolean isWritable();

    /**
     * Queues a frame; frames arrive in the order in which one thread sends them. Never blocks. A peer that leaves more
     * than {@link TransportConfig#outboundBufferMaxBytes} waiting is disconnected, and so is the one that leaves the most
     * waiting when it is more than {@link TransportConfig#outboundTotalMaxBytes} for all together. Does nothing after the
     * connection has closed.
     *
     * @throws IllegalArgumentException when the frame is longer than {@link TransportConfig#maxFrameBytes} or carries a
     *     name or list over a limit; see {@link Limits}
     */
    void send(Frame frame);

    /**
     * Sends what waits, says goodbye and closes; nothing is received from here on.
     *
     * @param reason told to the peer and to {@link ConnectionListener#onClosed}; the first one counts
     */
    void close(String reason);

    /** Address of the other end. */
    SocketAddress remote();
}
