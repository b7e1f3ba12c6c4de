package io.lockstep.wire;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.ConnectTimeoutException;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens and accepts connections and speaks the greeting on them. Safe from any thread, because all work is done by the
 * network thread: its own, a daemon named {@code wire-<self>}, or one that it shares with others of its process.
 */
public final class Transport implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Transport.class);
    private static final int ACCEPT_BACKLOG = 1024;
    /** Netty's own choice allocates memory anew for every tenth read of a size that changes; this one keeps it. */
    private static final ByteBufAllocator BUFFERS = PooledByteBufAllocator.DEFAULT;

    /** So many connections above the limit are told why at a time; further ones are closed without a word. */
    private static final int TOLD_ABOVE_LIMIT_MAX = 64;

    private static final String REJOINS = "this process rejoins under a new incarnation";
    private static final String CLOSES = "this process closes";
    private static final long CLOSE_LIMIT_MILLIS = 1000;
    private static final long REFUSALS_LOGGED_EVERY_NS = TimeUnit.SECONDS.toNanos(1);

    private final TransportConfig config;
    private final NetworkLoop loop;
    private final boolean isLoopOwn;
    private final Queue<Channel> listening = new ConcurrentLinkedQueue<>();
    private final Set<ChannelConnection> connections = ConcurrentHashMap.newKeySet();
    private final OutboundBudget budget;

    /** Sockets that were accepted and are not closed yet. */
    private final AtomicInteger accepted = new AtomicInteger();

    private final AtomicLong refused = new AtomicLong();
    private final AtomicLong refusalLoggedNs = new AtomicLong(System.nanoTime() - REFUSALS_LOGGED_EVERY_NS);
    private volatile Peer self;
    private volatile boolean isClosed;

    /** With a network thread of its own. */
    public Transport(TransportConfig config) {
        this(config, new NetworkLoop("wire-" + config.self().name()), true);
    }

    /**
     * On a network thread that others use too.
     *
     * @param loop outlives the transport, whose {@link #close} does not end it
     */
    public Transport(TransportConfig config, NetworkLoop loop) {
        this(config, loop, false);
    }

    private Transport(TransportConfig config, NetworkLoop loop, boolean isLoopOwn) {
        this.config = config;
        this.budget = new OutboundBudget(config.outboundTotalMaxBytes(), connections);
        this.self = config.self();
        this.loop = loop;
        this.isLoopOwn = isLoopOwn;
    }

    /**
     * Accepts connections from now on; may be called for several addresses. Waits for the system, so not to be called by
     * a listener.
     *
     * @param address port 0 takes a free one
     * @return the address with its real port
     * @throws UncheckedIOException when the address cannot be had, a {@link java.net.BindException} inside if it is taken
     */
    public InetSocketAddress listen(InetSocketAddress address, ConnectionListener listener) {
        ServerBootstrap bootstrap = new ServerBootstrap()
                .group(loop.group())
                .channel(NioServerSocketChannel.class)
                .option(ChannelOption.SO_REUSEADDR, true)
                .option(ChannelOption.SO_BACKLOG, ACCEPT_BACKLOG)
                .childOption(ChannelOption.ALLOCATOR, BUFFERS)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childOption(ChannelOption.SO_KEEPALIVE, true)
                .childHandler(initializer(channel -> onAccepted(channel, listener)));
        ChannelFuture bound = bootstrap.bind(address).awaitUninterruptibly();
        Throwable cause = bound.cause();
        if (cause != null) {
            IOException trouble = cause instanceof IOException known ? known : new IOException(cause);
            throw new UncheckedIOException("cannot listen on " + address + ": " + cause.getMessage(), trouble);
        }
        listening.add(bound.channel());
        return (InetSocketAddress) bound.channel().localAddress();
    }

    private void onAccepted(Channel channel, ConnectionListener listener) {
        int count = accepted.incrementAndGet();
        channel.closeFuture().addListener((Future<Void> closed) -> accepted.decrementAndGet());
        if (count > config.maxConnections() + TOLD_ABOVE_LIMIT_MAX) {
            onRefused(channel, "too many connections");
            var unused = channel.close(); // its end shows in closeFuture, above
            return;
        }
        long greetBeforeNs = System.nanoTime() + config.handshakeLimit().toNanos();
        ChannelConnection connection =
                add(channel, greetBeforeNs, listener, failure -> onRefused(channel, failure.text()));
        if (count > config.maxConnections()) {
            connection.close("too many connections: " + config.maxConnections()
                    + " are open; close some, or raise the limit of connections");
        }
    }

    private void onRefused(Channel channel, String reason) {
        long count = refused.incrementAndGet();
        long loggedNs = refusalLoggedNs.get();
        long nowNs = System.nanoTime();
        if (nowNs - loggedNs >= REFUSALS_LOGGED_EVERY_NS && refusalLoggedNs.compareAndSet(loggedNs, nowNs)) {
            log.warn("no connection with {}: {} ({} so far)", channel.remoteAddress(), reason, count);
        } else {
            log.debug("no connection with {}: {}", channel.remoteAddress(), reason);
        }
    }

    /** Accepted connections that never opened: not greeted in time, not our protocol, too many. */
    public long refusedConnections() {
        return refused.get();
    }

    /**
     * Opens a connection. Either {@code listener.onOpen} or {@code onFailure} is called, once, by a network thread.
     *
     * @param address resolved: looking up a name could hold up a network thread, so that is the caller's part
     * @param limit for connecting and both greetings together, 1 ms or more
     */
    public void connect(
            InetSocketAddress address,
            Duration limit,
            ConnectionListener listener,
            Consumer<ConnectFailure> onFailure) {
        if (isClosed) {
            onFailure.accept(new ConnectFailure(ConnectFailure.Kind.FAILED, "this transport is closed"));
            return;
        }
        long greetBeforeNs = System.nanoTime() + limit.toNanos();
        Bootstrap bootstrap = new Bootstrap()
                .group(loop.group())
                .channel(NioSocketChannel.class)
                .disableResolver()
                .option(ChannelOption.ALLOCATOR, BUFFERS)
                .option(ChannelOption.TCP_NODELAY, true)
                .option(ChannelOption.SO_KEEPALIVE, true)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int) Math.max(1, limit.toMillis()))
                .handler(initializer(channel -> add(channel, greetBeforeNs, listener, onFailure)));
        bootstrap.connect(address).addListener((ChannelFuture connected) -> {
            Throwable cause = connected.cause();
            if (cause != null) {
                onNotConnected(connected.channel(), failure(cause), onFailure);
            }
        });
    }

    private static ConnectFailure failure(Throwable cause) {
        if (cause instanceof ConnectTimeoutException) {
            return new ConnectFailure(ConnectFailure.Kind.TIMED_OUT, String.valueOf(cause.getMessage()));
        }
        // The system's own connection time-out is also a ConnectException, but comes minutes after ours.
        boolean isRefused = cause instanceof ConnectException;
        return new ConnectFailure(
                isRefused ? ConnectFailure.Kind.REFUSED : ConnectFailure.Kind.FAILED,
                cause.getMessage() == null ? cause.toString() : cause.getMessage());
    }

    private static void onNotConnected(Channel channel, ConnectFailure failure, Consumer<ConnectFailure> onFailure) {
        ChannelConnection connection = channel.pipeline().get(ChannelConnection.class);
        if (connection == null) {
            onFailure.accept(failure);
        } else {
            connection.onNotConnected(failure);
        }
    }

    private static ChannelInitializer<Channel> initializer(Consumer<Channel> onChannel) {
        return new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                onChannel.accept(channel);
            }
        };
    }

    private ChannelConnection add(
            Channel channel, long greetBeforeNs, ConnectionListener listener, Consumer<ConnectFailure> onNotOpened) {
        ChannelConnection connection =
                new ChannelConnection(channel, config, budget, self, greetBeforeNs, listener, onNotOpened);
        connections.add(connection);
        channel.closeFuture().addListener((Future<Void> closed) -> connections.remove(connection));
        channel.pipeline().addLast(connection);
        // Whoever changed self or closed before the connection was added to the set has not seen it there.
        if (!connection.self().equals(self)) {
            connection.close(REJOINS);
        } else if (isClosed) {
            connection.close(CLOSES);
        }
        return connection;
    }

    /** Greets as another run from now on and closes what is open: a node that rejoins has a new incarnation. */
    public void self(Peer self) {
        Texts.checkName("self.name", self.name());
        this.self = self;
        for (ChannelConnection connection : connections) {
            if (!connection.self().equals(self)) {
                connection.close(REJOINS);
            }
        }
    }

    /**
     * Says goodbye on every connection and closes; waits up to 4 s, and leaves behind a network
     * thread whose listener does not return. Not to be called by a listener.
     */
    @Override
    public void close() {
        isClosed = true;
        for (Channel channel : listening) {
            channel.close().awaitUninterruptibly(CLOSE_LIMIT_MILLIS);
        }
        long closedBeforeNs = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(CLOSE_LIMIT_MILLIS);
        for (ChannelConnection connection : connections) {
            connection.close(CLOSES);
        }
        for (ChannelConnection connection : connections) {
            long leftNs = Math.max(0, closedBeforeNs - System.nanoTime());
            connection.channel().closeFuture().awaitUninterruptibly(leftNs, TimeUnit.NANOSECONDS);
        }
        if (isLoopOwn) {
            loop.close();
        }
    }
}
