package io.lockstep.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * One socket without a thread of its own: whoever has something to say writes it, whoever waits reads. One thread at a
 * time may {@link #send}, another one may {@link #receive}; {@link #close} is safe from any thread and ends both.
 */
public final class BlockingConnection implements AutoCloseable {
    private static final int BUFFER_BYTES = 16 << 10;
    /** A buffer that one long frame has made larger than this is not kept. */
    private static final int BUFFER_KEPT_BYTES = 256 << 10;

    private final Socket socket;
    private final InputStream in;
    private final OutputStream out;
    private final FrameWriter writer;
    private final FrameReader reader;
    private ByteBuf outgoing = Unpooled.buffer(BUFFER_BYTES);
    private ByteBuf incoming = Unpooled.buffer(BUFFER_BYTES);
    private int readTimeoutMillis = -1;

    /** Who answered the greeting; set before anybody else has the connection. */
    private Peer peer;

    private BlockingConnection(Socket socket, String cluster, Peer self) throws IOException {
        this.socket = socket;
        this.in = socket.getInputStream();
        this.out = socket.getOutputStream();
        this.writer = new FrameWriter(cluster, self.incarnation(), Limits.FRAME_MAX_BYTES_DEFAULT);
        this.reader = new FrameReader(cluster, Limits.FRAME_MAX_BYTES_DEFAULT);
        this.peer = self;
    }

    /**
     * Connects and greets.
     *
     * @param address resolved here if it is not
     * @param limit for connecting and both greetings together, 1 ms or more
     * @throws IOException it could not be had; the text says why
     */
    public static BlockingConnection open(InetSocketAddress address, Duration limit, String cluster, Peer self)
            throws IOException {
        long beforeNs = System.nanoTime() + limit.toNanos();
        InetSocketAddress resolved = address.isUnresolved()
                ? new InetSocketAddress(InetAddress.getByName(address.getHostString()), address.getPort())
                : address;
        Socket socket = new Socket();
        BlockingConnection connection = null;
        try {
            socket.setTcpNoDelay(true);
            socket.setKeepAlive(true);
            socket.connect(resolved, leftMillis(beforeNs));
            connection = new BlockingConnection(socket, cluster, self);
            connection.greet(self, beforeNs);
            return connection;
        } catch (IOException | RuntimeException e) {
            socket.close();
            throw e;
        }
    }

    private void greet(Peer self, long beforeNs) throws IOException {
        send(new Frame.Hello(0, self));
        Frame greeting = receive(leftMillis(beforeNs));
        if (greeting == null) {
            throw new SocketTimeoutException("no greeting came in time");
        }
        if (!(greeting instanceof Frame.Hello hello)) {
            throw new ProtocolException("a connection begins with a greeting, not with " + FrameType.of(greeting));
        }
        peer = hello.sender();
    }

    /** Who is at the other end, as its greeting said. */
    public Peer peer() {
        return peer;
    }

    private static int leftMillis(long beforeNs) {
        return (int) Math.max(1, Math.min(Integer.MAX_VALUE, (beforeNs - System.nanoTime()) / 1_000_000));
    }

    /**
     * Writes a frame; waits for as long as the other side does not read.
     *
     * @throws IOException the connection is broken
     * @throws IllegalArgumentException the frame is too long
     */
    public void send(Frame frame) throws IOException {
        writer.write(frame, outgoing);
        try {
            out.write(outgoing.array(), outgoing.arrayOffset(), outgoing.readableBytes());
        } finally {
            outgoing = emptied(outgoing);
        }
    }

    private static ByteBuf emptied(ByteBuf buffer) {
        return buffer.capacity() > BUFFER_KEPT_BYTES ? Unpooled.buffer(BUFFER_BYTES) : buffer.clear();
    }

    /**
     * Waits for the next frame.
     *
     * @param timeoutMillis 1 or more
     * @return null when none came in that time
     * @throws IOException the connection is over or broken; the other side's farewell is in the text
     */
    public @Nullable Frame receive(int timeoutMillis) throws IOException {
        while (true) {
            Frame frame = reader.read(incoming);
            if (frame instanceof Frame.Goodbye goodbye) {
                throw new EOFException("the other side said: " + goodbye.reason());
            }
            if (frame != null) {
                if (!incoming.isReadable()) {
                    incoming = emptied(incoming);
                }
                return frame;
            }
            if (!readMore(timeoutMillis)) {
                return null;
            }
        }
    }

    private boolean readMore(int timeoutMillis) throws IOException {
        if (!incoming.isWritable()) {
            incoming.discardReadBytes();
            incoming.ensureWritable(Math.max(BUFFER_BYTES, incoming.readableBytes()));
        }
        if (timeoutMillis != readTimeoutMillis) {
            socket.setSoTimeout(timeoutMillis);
            readTimeoutMillis = timeoutMillis;
        }
        try {
            int count = in.read(
                    incoming.array(), incoming.arrayOffset() + incoming.writerIndex(), incoming.writableBytes());
            if (count < 0) {
                throw new EOFException("the other side closed the connection");
            }
            incoming.writerIndex(incoming.writerIndex() + count);
            return true;
        } catch (SocketTimeoutException e) {
            return false;
        }
    }

    /** Whether a frame, or a part of one, has been read from the socket and waits. */
    public boolean hasRead() {
        return incoming.isReadable();
    }

    /** Closes the socket; a thread that reads or writes it gets an {@link IOException}. */
    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            // It is closed all the same; there is nobody to whom this would matter.
        }
    }

    @Override
    public String toString() {
        return "connection to " + socket.getRemoteSocketAddress();
    }
}
