package io.lockstep.server;

import io.lockstep.membership.Endpoint;
import io.lockstep.wire.ConnectFailure;
import io.lockstep.wire.Connection;
import io.lockstep.wire.ConnectionListener;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Transport;
import java.net.InetSocketAddress;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Our own connection to one other node: all that we say to it goes there. Touched only by the node agent; connections
 * are opened by the network thread, which hands the result over.
 */
final class PeerLink {
    private static final long FIRST_PAUSE_NS = 20_000_000L;
    private static final long PAUSE_MAX_NS = 500_000_000L;
    private static final Duration CONNECT_LIMIT = Duration.ofSeconds(1);

    private final String name;
    private final Transport transport;
    private final ConnectionListener listener;
    private final Events events;
    private @Nullable Endpoint endpoint;
    private @Nullable Connection connection;
    private boolean isConnecting;
    private boolean isProbe;
    private long pauseNs = FIRST_PAUSE_NS;
    private long nextAttemptNs;

    /** What happens to the link. Called by the node agent. */
    interface Events {
        /** Runs something on the node agent's thread. Safe from any thread. */
        void onAgent(Runnable task);

        /** A connection that was open has closed. */
        void onLost(Connection lost);

        /** A {@link #probe} has ended. */
        void onProbed(String name, boolean isRefused);
    }

    /** @param listener gets the frames of the connection; its opening and closing are this link's */
    PeerLink(String name, Transport transport, ConnectionListener listener, Events events) {
        this.name = name;
        this.transport = transport;
        this.listener = listener;
        this.events = events;
    }

    /** Where the node is now, as membership says. */
    void at(Endpoint now) {
        if (!now.equals(endpoint)) {
            endpoint = now;
            pauseNs = FIRST_PAUSE_NS;
            nextAttemptNs = 0;
        }
    }

    /** Sends, if that run of the node is connected. */
    void send(long incarnation, Frame frame) {
        Connection open = connection;
        if (open != null && open.peer().incarnation() == incarnation) {
            open.send(frame);
        }
    }

    /** Sends to whatever run of the node is connected. */
    void send(Frame frame) {
        Connection open = connection;
        if (open != null) {
            open.send(frame);
        }
    }

    /** Connects, if it is not connected and it is time. */
    void tick(long nowNs) {
        if (connection == null && !isConnecting && endpoint != null && nowNs >= nextAttemptNs) {
            connect(nowNs);
        }
    }

    /** Tries to connect once, now: rule R12's second look. */
    void probe(long nowNs) {
        isProbe = true;
        if (endpoint == null) {
            probed(false);
        } else if (!isConnecting) {
            connect(nowNs);
        }
    }

    private void connect(long nowNs) {
        Endpoint target = endpoint;
        if (target == null) {
            return;
        }
        isConnecting = true;
        nextAttemptNs = nowNs + pauseNs;
        pauseNs = Math.min(PAUSE_MAX_NS, pauseNs * 2);
        transport.connect(
                new InetSocketAddress(target.peerHost(), target.peerPort()),
                CONNECT_LIMIT,
                new ConnectionListener() {
                    @Override
                    public void onOpen(Connection opened) {
                        events.onAgent(() -> opened(opened));
                    }

                    @Override
                    public void onFrame(Connection from, long incarnation, Frame frame) {
                        listener.onFrame(from, incarnation, frame);
                    }

                    @Override
                    public void onClosed(Connection closed, String reason) {
                        events.onAgent(() -> closed(closed));
                    }
                },
                failure -> events.onAgent(() -> failed(failure)));
    }

    private void opened(Connection opened) {
        isConnecting = false;
        if (!opened.peer().name().equals(name)) {
            opened.close("this was meant for " + name + ", not for " + opened.peer());
            probed(false);
            return;
        }
        Connection before = connection;
        connection = opened;
        pauseNs = FIRST_PAUSE_NS;
        if (before != null) {
            before.close("replaced by a newer connection");
        }
        probed(false);
    }

    private void closed(Connection closed) {
        if (connection == closed) {
            connection = null;
            events.onLost(closed);
        }
    }

    private void failed(ConnectFailure failure) {
        isConnecting = false;
        probed(failure.kind() == ConnectFailure.Kind.REFUSED);
    }

    private void probed(boolean isRefused) {
        if (isProbe) {
            isProbe = false;
            events.onProbed(name, isRefused);
        }
    }

    /** The open connection; null without one. */
    @Nullable Connection connection() {
        return connection;
    }
}
