package io.lockstep.wire;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * Opens and accepts connections and speaks the greeting on them. Safe from any thread, because all work is done by the
 * network threads that it owns; they are daemons named {@code wire-<self>-<n>}.
 */
public final class Transport implements AutoCloseable {
    public Transport(TransportConfig config) {
        throw new IllegalStateException(config.cluster());
    }

    /**
     * Accepts connections from now on; may be called for several addresses.
     *
     * @param address port 0 takes a free one
     * @return the address with its real port
     * @throws java.io.UncheckedIOException when the address cannot be had, a {@link java.net.BindException} inside
     */
    public InetSocketAddress listen(InetSocketAddress address, ConnectionListener listener) {
        throw new IllegalStateException();
    }

    /**
     * Opens a connection. Either {@code listener.onOpen} or {@code onFailure} is called, once, by the network thread.
     *
     * @param limit for connecting and both greetings together
     */
    public void connect(
            InetSocketAddress address,
            Duration limit,
            ConnectionListener listener,
            Consumer<ConnectFailure> onFailure) {
        throw new IllegalStateException();
    }

    /** Greets as another run from now on and closes what is open: a node that rejoins has a new incarnation. */
    public void self(Peer self) {
        throw new IllegalStateException();
    }

    /** Says goodbye on every connection and closes; waits up to 2 s. Not to be called by a listener. */
    @Override
    public void close() {}
}
