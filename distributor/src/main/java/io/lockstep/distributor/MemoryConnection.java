package io.lockstep.distributor;

import io.lockstep.wire.Connection;
import io.lockstep.wire.ConnectionListener;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Peer;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * One end of a cable within a process: what one end sends the other end's listener hears, on the sender's thread. Safe
 * from any thread, as far as the listeners are; here they leave notes for their own thread.
 */
final class MemoryConnection implements Connection {
    private static final InetSocketAddress NOWHERE = InetSocketAddress.createUnresolved("in-process", 0);

    private final Peer peer;
    private final long ownIncarnation;
    private final ConnectionListener listener;
    private final AtomicBoolean isOpen;
    private MemoryConnection other;

    @SuppressWarnings("NullAway") // `other` is set by connect before anybody sees the object
    private MemoryConnection(Peer peer, long ownIncarnation, ConnectionListener listener, AtomicBoolean isOpen) {
        this.peer = peer;
        this.ownIncarnation = ownIncarnation;
        this.listener = listener;
        this.isOpen = isOpen;
    }

    /** Connects a client with a server; both listeners hear {@code onOpen} before this returns. */
    static void connect(
            Peer client, ConnectionListener clientListener, Peer server, ConnectionListener serverListener) {
        AtomicBoolean isOpen = new AtomicBoolean(true);
        MemoryConnection ofClient = new MemoryConnection(server, client.incarnation(), clientListener, isOpen);
        MemoryConnection ofServer = new MemoryConnection(client, server.incarnation(), serverListener, isOpen);
        ofClient.other = ofServer;
        ofServer.other = ofClient;
        serverListener.onOpen(ofServer);
        clientListener.onOpen(ofClient);
    }

    @Override
    public Peer peer() {
        return peer;
    }

    @Override
    public boolean isOpen() {
        return isOpen.get();
    }

    @Override
    public boolean isWritable() {
        return isOpen.get();
    }

    @Override
    public void send(Frame frame) {
        if (isOpen.get()) {
            other.listener.onFrame(other, ownIncarnation, frame);
        }
    }

    @Override
    public void close(String reason) {
        if (isOpen.compareAndSet(true, false)) {
            listener.onClosed(this, reason);
            other.listener.onClosed(other, reason);
        }
    }

    @Override
    public SocketAddress remote() {
        return NOWHERE;
    }
}
