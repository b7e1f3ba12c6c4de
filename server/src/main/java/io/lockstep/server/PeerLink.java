package io.lockstep.server;

import io.lockstep.membership.Endpoint;
import io.lockstep.wire.ConnectFailure;
import io.lockstep.wire.Connection;
import io.lockstep.wire.ConnectionListener;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Peer;
import io.lockstep.wire.Transport;
import java.net.InetSocketAddress;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Our own connection to one node: all that we say to it goes there. Touched only by the agent that owns it; connections
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

    /** What happens to the link. Called by the agent that owns it. */
    interface Events {
        /** Runs something on the agent's thread. Safe from any thread. */
        void onAgent(Runnable task);

        /** The link has a connection that it had not before. */
        void onOpened(Connection opened);

        /** The link's connection has closed, or was given up; a {@link #probe}'s own connection is not the link's. */
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

    /** Where the node is now, as membership says. A connection to another run of it is given up for a new one. */
    void at(Endpoint now, long nowNs) {
        if (now.equals(endpoint)) {
            return;
        }
        endpoint = now;
        pauseNs = FIRST_PAUSE_NS;
        nextAttemptNs = nowNs;
        Connection open = connection;
        if (open != null && open.peer().incarnation() != now.incarnation()) {
            connection = null;
            open.close(name + " has begun another run: " + Long.toHexString(now.incarnation()));
            events.onLost(open);
        }
        tick(nowNs);
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

    /** Tries to connect once, now: rule R12's second look. A connection that is open stays as it is. */
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
        if (!opened.peer().name().equals(name) || opened.peer().role() != Peer.Role.NODE) {
            opened.close("this was meant for node " + name + ", not for " + opened.peer());
            probed(false);
            return;
        }
        pauseNs = FIRST_PAUSE_NS;
        Connection before = connection;
        if (before != null && before.isOpen() && before.peer().equals(opened.peer())) {
            // Frames may be on their way on the older one, and nobody is to lose it because somebody looked.
            opened.close("a look whether this node is there; the older connection stays");
        } else {
            connection = opened;
            if (before != null) {
                before.close("replaced by a newer connection");
            }
            events.onOpened(opened);
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
