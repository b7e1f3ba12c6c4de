package io.lockstep.wire;

import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What waits to be sent on all connections of a transport together: when it is too much, the connection that leaves the
 * most waiting is closed. Safe from any thread.
 *
 * <p>So that whoever does not read pays, and nobody else: many slow peers, each below its own limit, would otherwise fill
 * the memory of the process.
 */
final class OutboundBudget {
    private final long maxBytes;
    private final Set<ChannelConnection> connections;
    private final AtomicLong waitingBytes = new AtomicLong();

    /** @param connections of the transport, those that are closing included */
    OutboundBudget(long maxBytes, Set<ChannelConnection> connections) {
        this.maxBytes = maxBytes;
        this.connections = connections;
    }

    /** A frame of that length waits, or, negative, has left or never will. */
    void add(long bytes) {
        waitingBytes.addAndGet(bytes);
    }

    /** Closes at most one connection: one that closes gives back at once what it held, on the network thread. */
    void enforce() {
        long waiting = waitingBytes.get();
        if (waiting <= maxBytes) {
            return;
        }
        ChannelConnection greediest = null;
        long mostBytes = 0;
        for (ChannelConnection connection : connections) {
            long bytes = connection.waitingBytes();
            if (bytes > mostBytes) {
                mostBytes = bytes;
                greediest = connection;
            }
        }
        if (greediest != null) {
            greediest.abort("the other side does not read fast enough: " + mostBytes + " of " + waiting
                    + " bytes wait for it, the most of all connections, and this process lets " + maxBytes
                    + " wait together; read faster or ask for less at a time, then connect again");
        }
    }
}
