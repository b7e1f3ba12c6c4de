package io.lockstep.wire;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.ScheduledFuture;
import java.io.IOException;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One socket: greets, turns bytes into frames for the listener, says goodbye. Touched only by its network thread, except
 * for the methods of {@link Connection}, which only read volatile fields, queue, or ask the network thread.
 */
final class ChannelConnection extends ByteToMessageDecoder implements Connection {
    private static final Logger log = LoggerFactory.getLogger(ChannelConnection.class);

    /** How long the other side has to read a farewell before the socket is closed under it. */
    private static final long LINGER_MILLIS = 500;

    private final Channel channel;
    private final TransportConfig config;
    private final Peer self;
    private final long greetBeforeNs;
    private final ConnectionListener listener;
    private final Consumer<ConnectFailure> onNotOpened;
    private final FrameReader greetingReader;
    private final FrameReader frameReader;
    private final OutboundBudget budget;
    private final OutboundQueue outbound;

    /** Why it ends; the first reason counts. Set from any thread, and nothing is sent or received once it is set. */
    private final AtomicReference<@Nullable String> endReason = new AtomicReference<>();

    private volatile ConnectionState state = ConnectionState.GREETING;
    private volatile @Nullable Peer peer;
    private @Nullable ScheduledFuture<?> greetingTimer;

    /** Whether the owner has been told how it ended: by onNotOpened if it never opened, else by onClosed. */
    private boolean isEndTold;

    /**
     * @param budget of all connections of the transport
     * @param greetBeforeNs on {@link System#nanoTime}: without the other side's greeting by then it is over
     * @param onNotOpened told once if it never opens
     */
    ChannelConnection(
            Channel channel,
            TransportConfig config,
            OutboundBudget budget,
            Peer self,
            long greetBeforeNs,
            ConnectionListener listener,
            Consumer<ConnectFailure> onNotOpened) {
        this.channel = channel;
        this.config = config;
        this.budget = budget;
        this.self = self;
        this.greetBeforeNs = greetBeforeNs;
        this.listener = listener;
        this.onNotOpened = onNotOpened;
        this.greetingReader = new FrameReader(config.cluster(), Limits.GREETING_MAX_BYTES);
        this.frameReader = new FrameReader(config.cluster(), config.maxFrameBytes());
        FrameWriter writer = new FrameWriter(config.cluster(), self.incarnation(), config.maxFrameBytes());
        this.outbound = new OutboundQueue(channel, writer, config.outboundBufferMaxBytes(), budget, this::tellWritable);
    }

    // ---- from any thread ------------------------------------------------------------------------------------------

    @Override
    public Peer peer() {
        return Objects.requireNonNull(peer, "known once it is open");
    }

    @Override
    public boolean isOpen() {
        return state == ConnectionState.OPEN && endReason.get() == null;
    }

    @Override
    public boolean isWritable() {
        return isOpen() && outbound.isWritable();
    }

    @Override
    public void send(Frame frame) {
        int bytes = FrameWriter.checkedBytes(frame, config.maxFrameBytes());
        if (!isOpen()) {
            return;
        }
        if (outbound.offer(frame, bytes)) {
            budget.enforce();
        } else {
            abort("the other side does not read: more than " + config.outboundBufferMaxBytes()
                    + " bytes would wait for it");
        }
    }

    /** Closes without a farewell, which the other side would not read either. Safe from any thread. */
    void abort(String reason) {
        endReason.compareAndSet(null, reason);
        closeSocket();
        outbound.discard();
    }

    long waitingBytes() {
        return outbound.waitingBytes();
    }

    @Override
    public void close(String reason) {
        if (endReason.compareAndSet(null, reason)) {
            try {
                channel.eventLoop().execute(this::leave);
            } catch (RejectedExecutionException e) {
                closeSocket(); // the transport has closed, and this connection with it
            }
        }
    }

    @Override
    public SocketAddress remote() {
        return channel.remoteAddress();
    }

    Peer self() {
        return self;
    }

    Channel channel() {
        return channel;
    }

    @Override
    public String toString() {
        return (peer == null ? "somebody" : peer) + " at " + channel.remoteAddress();
    }

    // ---- the network thread, in the order of a life ---------------------------------------------------------------

    @Override
    public void channelActive(ChannelHandlerContext context) {
        if (endReason.get() != null) {
            leave();
        } else if (channel.localAddress().equals(channel.remoteAddress())) {
            // A free port that connects to itself (TCP simultaneous open, RFC 9293 section 3.5): nobody listens there.
            end(ConnectFailure.Kind.REFUSED, "nobody listens at " + channel.remoteAddress());
            closeSocket();
        } else {
            Frame greeting = new Frame.Hello(0, self);
            outbound.offer(greeting, FrameWriter.bytes(greeting));
            greetingTimer = context.executor()
                    .schedule(this::onGreetingLate, greetBeforeNs - System.nanoTime(), TimeUnit.NANOSECONDS);
        }
    }

    private void onGreetingLate() {
        if (state == ConnectionState.GREETING
                && endReason.compareAndSet(
                        null, "no greeting came in time; a connection begins with one from both sides")) {
            end(ConnectFailure.Kind.TIMED_OUT, "no greeting");
            leave();
        }
    }

    @Override
    protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
        while (isReceiving()) {
            FrameReader reader = state == ConnectionState.OPEN ? frameReader : greetingReader;
            try {
                Frame frame = reader.read(in);
                if (frame == null) {
                    return;
                }
                if (state == ConnectionState.OPEN) {
                    onFrame(reader.envelope().incarnation(), frame);
                } else {
                    onGreeting(reader.envelope().incarnation(), frame);
                }
            } catch (ProtocolException e) {
                refuse(state == ConnectionState.GREETING ? greetingTrouble(in, e) : String.valueOf(e.getMessage()));
            }
        }
        in.skipBytes(in.readableBytes());
    }

    private boolean isReceiving() {
        return (state == ConnectionState.GREETING || state == ConnectionState.OPEN) && endReason.get() == null;
    }

    private void onGreeting(long incarnation, Frame frame) throws ProtocolException {
        if (frame instanceof Frame.Goodbye goodbye) {
            endByPeer(goodbye);
        } else if (frame instanceof Frame.Hello hello) {
            if (hello.sender().incarnation() != incarnation) {
                throw new ProtocolException("greeting and envelope name different incarnations");
            }
            peer = hello.sender();
            cancelGreetingTimer();
            become(ConnectionState.OPEN, "greeted");
            listener.onOpen(this);
        } else {
            throw new ProtocolException("a connection begins with a greeting, not with " + FrameType.of(frame));
        }
    }

    private void onFrame(long incarnation, Frame frame) throws ProtocolException {
        if (incarnation != peer().incarnation()) {
            throw new ProtocolException("the sender's incarnation changed from "
                    + Long.toHexString(peer().incarnation()) + " to " + Long.toHexString(incarnation)
                    + "; a new run opens a new connection");
        }
        if (frame instanceof Frame.Goodbye goodbye) {
            endByPeer(goodbye);
        } else if (frame instanceof Frame.Hello) {
            throw new ProtocolException("a second greeting");
        } else {
            listener.onFrame(this, incarnation, frame);
        }
    }

    private void endByPeer(Frame.Goodbye goodbye) {
        endReason.compareAndSet(null, "the other side said: " + goodbye.reason());
        closeSocket();
    }

    private void refuse(String trouble) {
        if (endReason.compareAndSet(null, trouble)) {
            leave();
        }
    }

    /** What to tell somebody who does not speak our protocol; the first bytes often show what he speaks instead. */
    private static String greetingTrouble(ByteBuf in, ProtocolException trouble) {
        String text = "this port speaks Lockstep protocol version " + EnvelopeView.PROTOCOL_VERSION;
        String first = in.readableBytes() < 4 ? "" : in.toString(in.readerIndex(), 4, StandardCharsets.ISO_8859_1);
        return switch (first) {
            case "GET ", "POST", "PUT ", "HEAD", "OPTI", "DELE", "PATC", "CONN", "PRI " ->
                text + "; the first bytes look like HTTP: point the browser or probe at another port";
            case "SSH-" -> text + "; the first bytes look like SSH: point the client at another port";
            default ->
                first.startsWith("\u0016\u0003")
                        ? text + " without TLS; the first bytes look like TLS: switch it off at the client"
                        : text + "; " + trouble.getMessage();
        };
    }

    /** Sends what waits and a farewell, then closes when the other side has, or after {@link #LINGER_MILLIS}. */
    private void leave() {
        if (!channel.isActive()) {
            closeSocket();
            return;
        }
        if (state == ConnectionState.LEAVING) {
            return;
        }
        String reason = end(ConnectFailure.Kind.FAILED, "left");
        become(ConnectionState.LEAVING, reason);
        outbound.finish(new Frame.Goodbye(0, reason)).addListener((Future<Void> left) -> {
            if (left.isSuccess()) {
                var unused = ((DuplexChannel) channel).shutdownOutput(); // if it fails, the linger limit closes
            } else {
                closeSocket();
            }
        });
        ScheduledFuture<?> lingering =
                channel.eventLoop().schedule(this::closeSocket, LINGER_MILLIS, TimeUnit.MILLISECONDS);
        channel.closeFuture().addListener((Future<Void> closed) -> {
            boolean unused = lingering.cancel(false);
        });
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        if (cause instanceof IOException) {
            endReason.compareAndSet(null, "connection lost: " + cause.getMessage());
            closeSocket();
        } else if (cause instanceof Error) {
            // The network library would go on; whoever ends the process is to hear of it, as of any thread's error.
            Thread thread = Thread.currentThread();
            thread.getUncaughtExceptionHandler().uncaughtException(thread, cause);
            refuse("error of the other side; its log says more");
        } else {
            log.error("closing the connection to {}: its listener failed", this, cause);
            refuse("internal error of the other side; its log says more");
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        String reason = state == ConnectionState.GREETING
                ? "the other side closed the connection before it had greeted"
                : "the other side closed the connection";
        end(ConnectFailure.Kind.FAILED, reason);
        become(ConnectionState.CLOSED, "socket closed");
        outbound.discard();
    }

    /** The socket could not be connected; nothing else is called then. */
    void onNotConnected(ConnectFailure failure) {
        end(failure.kind(), failure.text());
        become(ConnectionState.CLOSED, failure.text());
    }

    /** Tells the owner that it is over, once. @return why: the reason given, unless there was one before */
    private String end(ConnectFailure.Kind kind, String reason) {
        cancelGreetingTimer();
        endReason.compareAndSet(null, reason);
        String first = Objects.requireNonNull(endReason.get(), "set above");
        if (!isEndTold) {
            isEndTold = true;
            if (state == ConnectionState.OPEN) {
                listener.onClosed(this, first);
            } else {
                onNotOpened.accept(new ConnectFailure(kind, first));
            }
        }
        return first;
    }

    /** From any thread; that it is closed shows in {@link #channelInactive}. */
    private void closeSocket() {
        var unused = channel.close();
    }

    private void cancelGreetingTimer() {
        if (greetingTimer != null) {
            greetingTimer.cancel(false);
            greetingTimer = null;
        }
    }

    private void tellWritable() {
        if (isOpen()) {
            listener.onWritable(this);
        }
    }

    private void become(ConnectionState next, String reason) {
        Invariant.check(state == next || state.successors().contains(next), "connection from " + state + " to " + next);
        log.debug("{}: {} -> {}: {}", this, state, next, reason);
        state = next;
    }
}
