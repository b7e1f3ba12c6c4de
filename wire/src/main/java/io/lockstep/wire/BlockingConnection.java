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
 * One socket without a thread of its own: whoever has something to say writes it, whoever waits reads. Safe from any
 * thread, but for {@link #receive} and {@link #next}, which one thread at a time may call.
 *
 * <p>Of those that have something to say at the same time one writes for all: what is appended while it does goes with
 * its next write.
 */
public final class BlockingConnection implements AutoCloseable {
    private static final int BUFFER_BYTES = 16 << 10;
    /** More is not kept for a side that does not read; one frame always is. */
    private static final int APPENDED_MAX_BYTES = 32 << 20;
    /** A buffer that one long frame has made larger than this is not kept. */
    private static final int BUFFER_KEPT_BYTES = 256 << 10;

    private final Socket socket;
    private final InputStream in;
    private final OutputStream out;
    private final FrameWriter writer;
    private final FrameReader reader;

    private final Object pen = new Object();
    // Touched only while the pen is held.
    private ByteBuf outgoing = Unpooled.buffer(BUFFER_BYTES);
    private @Nullable ByteBuf spare = Unpooled.buffer(BUFFER_BYTES);
    private boolean hasWriter;

    /** {@link System#nanoTime} when a write began; 0 while nobody writes. */
    private volatile long writingSinceNs;

    /** When something was appended after which nothing has been read; 0 when there is nothing of the kind. */
    private volatile long askedSinceNs;

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
        if (!append(frame)) {
            throw new IOException("the other side does not read");
        }
        flush(false);
    }

    /**
     * Leaves a frame for the next {@link #flush}, of whichever thread.
     *
     * @return false when too much waits already, and this frame does not
     * @throws IllegalArgumentException the frame is too long
     */
    public boolean append(Frame frame) {
        if (askedSinceNs == 0) {
            askedSinceNs = System.nanoTime() | 1;
        }
        synchronized (pen) {
            if (outgoing.readableBytes() > APPENDED_MAX_BYTES) {
                return false;
            }
            int start = outgoing.writerIndex();
            boolean isWhole = false;
            try {
                writer.write(frame, outgoing);
                isWhole = true;
            } finally {
                if (!isWhole) {
                    outgoing.writerIndex(start);
                }
            }
        }
        return true;
    }

    /**
     * Sees to it that what was appended is written: by this thread, or by the one that writes already. Whoever writes
     * waits for as long as the other side does not read.
     *
     * @param isShared whether other threads are about to append, too: those that could run go first, and one write takes
     *     what all of them have to say
     * @throws IOException the connection is broken, and closed
     */
    @SuppressWarnings("ThreadPriorityCheck") // nothing depends on the scheduler but how many frames leave together
    public void flush(boolean isShared) throws IOException {
        synchronized (pen) {
            if (hasWriter || !outgoing.isReadable()) {
                return;
            }
            hasWriter = true;
        }
        boolean isDone = false;
        try {
            if (isShared) {
                Thread.yield();
            }
            ByteBuf batch = swapped(null);
            while (batch != null) {
                writingSinceNs = System.nanoTime() | 1;
                out.write(batch.array(), batch.arrayOffset(), batch.readableBytes());
                writingSinceNs = 0;
                batch = swapped(batch);
            }
            isDone = true;
        } finally {
            if (!isDone) {
                writingSinceNs = 0;
                close(); // a part may have left: nothing that follows would be understood, and nobody may write it
            }
        }
    }

    /** Gives back what was written, and takes what was appended meanwhile; null when there is nothing, and nobody writes. */
    private @Nullable ByteBuf swapped(@Nullable ByteBuf written) {
        synchronized (pen) {
            if (written != null) {
                spare = emptied(written);
            }
            hasWriter = outgoing.isReadable();
            if (!hasWriter) {
                return null;
            }
            ByteBuf batch = outgoing;
            outgoing = spare == null ? Unpooled.buffer(BUFFER_BYTES) : spare;
            spare = null;
            return batch;
        }
    }

    /**
     * For how long nothing was read after something was appended, in nanoseconds; 0 while there is nothing of the kind, or
     * somebody writes.
     */
    public long unansweredNs() {
        long sinceNs = askedSinceNs;
        return sinceNs == 0 || writingSinceNs != 0 ? 0 : System.nanoTime() - sinceNs;
    }

    /** How long the write that is under way has taken, in nanoseconds; 0 while nobody writes. */
    public long writingNs() {
        long sinceNs = writingSinceNs;
        return sinceNs == 0 ? 0 : System.nanoTime() - sinceNs;
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
        long beforeNs = System.nanoTime() + timeoutMillis * 1_000_000L;
        Frame frame = next();
        for (int left = timeoutMillis; frame == null && left > 0; ) {
            boolean isAny = readMore(left);
            frame = next();
            left = isAny ? (int) ((beforeNs - System.nanoTime()) / 1_000_000) : 0;
        }
        return frame;
    }

    /**
     * The next frame that has been read from the socket already.
     *
     * @return null when there is none, or a part of one
     * @throws IOException as {@link #receive}
     */
    public @Nullable Frame next() throws IOException {
        Frame frame = reader.read(incoming);
        if (frame instanceof Frame.Goodbye goodbye) {
            throw new EOFException("the other side said: " + goodbye.reason());
        }
        if (frame != null && !incoming.isReadable()) {
            incoming = emptied(incoming);
        }
        return frame;
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
            askedSinceNs = 0;
            return true;
        } catch (SocketTimeoutException e) {
            return false;
        }
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
