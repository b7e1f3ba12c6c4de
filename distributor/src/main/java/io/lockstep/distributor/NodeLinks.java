package io.lockstep.distributor;

import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.github.resilience4j.core.IntervalFunction;
import io.lockstep.wire.ConnectFailure;
import io.lockstep.wire.Connection;
import io.lockstep.wire.ConnectionListener;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Peer;
import io.lockstep.wire.Transport;
import io.lockstep.wire.View;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a connection to every node. Touched only by the thread {@code distributor}, which is the network's.
 *
 * <p>A node that is away is called again after pauses that grow at random; one whose connections keep breaking soon
 * after they opened is left alone for a while by its circuit breaker; one that is named active is called at once.
 */
final class NodeLinks {
    /** What happens on the links, and what becomes of it. */
    interface Listener {
        void onUp(View.Member node);

        void onDown(View.Member node);

        void onFrame(View.Member node, Connection connection, Frame frame);

        /** A fault of our own: nothing goes on. */
        void onFault(Throwable fault);

        /** Whether nothing is to happen any more. */
        boolean isOver();
    }

    /** What the network tells about a channel, beside frames. */
    enum Signal {
        UP,
        DOWN
    }

    private static final Logger LOG = LoggerFactory.getLogger(NodeLinks.class);
    private static final Duration CONNECT_LIMIT = Duration.ofSeconds(2);
    /** A connection that lived that long was a good one. */
    private static final long GOOD_NS = TimeUnit.SECONDS.toNanos(1);
    /** Frames are awaited and none comes for that long: the connection is taken for dead and opened anew. */
    private static final long SILENCE_NS = TimeUnit.SECONDS.toNanos(3);
    /** While answers are awaited, a node that has said nothing for so long is asked how it is. */
    private static final long ASK_AFTER_NS = TimeUnit.SECONDS.toNanos(1);

    private static final Frame ARE_YOU_THERE = new Frame.StatusAsk(0, "status");

    private final Transport transport;
    private final Listener listener;
    private final IntervalFunction pauses;
    private final Map<String, Link> links = new LinkedHashMap<>();

    NodeLinks(DistributorConfig config, Transport transport, Listener listener) {
        this.transport = transport;
        this.listener = listener;
        this.pauses =
                IntervalFunction.ofExponentialRandomBackoff(config.reconnectMin(), 2.0, 0.5, config.reconnectMax());
    }

    /**
     * A node has been seen there: new, somewhere else, or back again. A connection to another run of it is given up: its
     * host may be gone without a word, and nothing would ever come on it.
     *
     * @param incarnation which run of it was seen; 0 if that is not known
     */
    void locate(String name, InetSocketAddress address, long incarnation, long nowNs) {
        Link link = links.get(name);
        if (link == null) {
            links.put(name, new Link(name, address, incarnation, nowNs));
        } else if (!address.equals(link.address) || incarnation != link.incarnation) {
            link.address = address;
            link.incarnation = incarnation;
            link.leaveFormerRun(nowNs);
            if (link.channel == null) {
                link.hurry(nowNs);
            }
        }
    }

    /** This node is named active: it is called at once. */
    void want(String name, long nowNs) {
        Link link = links.get(name);
        if (link != null && link.channel == null) {
            link.hurry(nowNs);
            link.tryToOpen(nowNs);
        }
    }

    /** Hands a frame to the node's link; does nothing when it is down. */
    void send(View.Member node, Frame frame) {
        Link link = links.get(node.name());
        if (link != null && node.equals(link.member) && link.connection != null) {
            link.connection.send(frame);
            if (link.awaitedSinceNs == Link.NOTHING) {
                link.awaitedSinceNs = link.nowNs;
            }
        }
    }

    /** Opens what is to be opened, and leaves a link on which an answer is awaited in vain. */
    void tick(long nowNs, boolean isAnswerAwaited) {
        for (Link link : links.values()) {
            link.nowNs = nowNs;
            link.tryToOpen(nowNs);
            link.leaveIfSilent(nowNs, isAnswerAwaited);
        }
    }

    private void on(Channel channel, Object note) {
        if (!listener.isOver()) {
            try {
                channel.link.on(channel, note, System.nanoTime());
            } catch (RuntimeException | Error e) {
                listener.onFault(e);
            }
        }
    }

    /** How many nodes are linked now. */
    int countUp() {
        int up = 0;
        for (Link link : links.values()) {
            if (link.member != null) {
                up++;
            }
        }
        return up;
    }

    /** One attempt and the connection that came of it. */
    final class Channel implements ConnectionListener, Consumer<ConnectFailure> {
        private final Link link;
        private @Nullable Connection opened;

        private Channel(Link link) {
            this.link = link;
        }

        @Override
        public void onOpen(Connection connection) {
            opened = connection;
            on(this, Signal.UP);
        }

        @Override
        public void onFrame(Connection connection, long incarnation, Frame frame) {
            on(this, frame);
        }

        @Override
        public void onClosed(Connection connection, String reason) {
            on(this, Signal.DOWN);
        }

        @Override
        public void accept(ConnectFailure failure) {
            on(this, failure);
        }
    }

    /** The way to one node. */
    private final class Link {
        private static final long NOTHING = Long.MAX_VALUE;

        private final String name;
        private final CircuitBreaker breaker;
        private InetSocketAddress address;
        /** The run that was last seen there; 0 if that is not known. */
        private long incarnation;
        /** The attempt or connection of now; null while pausing. */
        private @Nullable Channel channel;

        private @Nullable Connection connection;
        private View.@Nullable Member member;
        private long upSinceNs;
        private int failures;
        private long nextAttemptNs;
        private long awaitedSinceNs = NOTHING;
        private long heardNs;
        private long nowNs;

        Link(String name, InetSocketAddress address, long incarnation, long nowNs) {
            this.name = name;
            this.address = address;
            this.incarnation = incarnation;
            this.nextAttemptNs = nowNs;
            this.nowNs = nowNs;
            this.breaker = CircuitBreaker.of(
                    name,
                    CircuitBreakerConfig.custom()
                            .slidingWindowType(CircuitBreakerConfig.SlidingWindowType.COUNT_BASED)
                            .slidingWindowSize(8)
                            .minimumNumberOfCalls(8)
                            .failureRateThreshold(75)
                            .waitDurationInOpenState(Duration.ofSeconds(2))
                            .permittedNumberOfCallsInHalfOpenState(1)
                            .build());
        }

        void hurry(long now) {
            nextAttemptNs = now;
            failures = 0;
            breaker.reset();
        }

        void tryToOpen(long now) {
            if (channel == null && now >= nextAttemptNs) {
                if (breaker.tryAcquirePermission()) {
                    Channel attempt = new Channel(this);
                    channel = attempt;
                    transport.connect(address, CONNECT_LIMIT, attempt, attempt);
                } else {
                    nextAttemptNs = now + TimeUnit.MILLISECONDS.toNanos(pauses.apply(1));
                }
            }
        }

        void leaveFormerRun(long now) {
            Connection open = connection;
            if (open != null && incarnation != 0 && open.peer().incarnation() != incarnation) {
                down(now);
                open.close(name + " has begun another run: " + Long.toHexString(incarnation));
            }
        }

        /**
         * Only the active is asked for anything, so only its silence would be noticed; but whoever takes over must be
         * heard too, and its connection may have died in silence long before.
         */
        void leaveIfSilent(long now, boolean isAnswerAwaited) {
            if (!isAnswerAwaited) {
                awaitedSinceNs = NOTHING;
            } else if (connection != null && awaitedSinceNs == NOTHING && now - heardNs > ASK_AFTER_NS) {
                awaitedSinceNs = now;
                connection.send(ARE_YOU_THERE);
            } else if (connection != null && awaitedSinceNs != NOTHING && now - awaitedSinceNs > SILENCE_NS) {
                awaitedSinceNs = NOTHING;
                connection.close("no frame from node " + name + " for " + SILENCE_NS / 1_000_000 + " ms");
            }
        }

        void on(Channel from, Object note, long now) {
            if (from != channel) {
                Connection stale = from.opened;
                if (note == Signal.UP && stale != null) {
                    stale.close("replaced by a newer connection");
                }
                return;
            }
            if (note instanceof Frame frame) {
                awaitedSinceNs = NOTHING;
                heardNs = now;
                if (member != null && connection != null) {
                    listener.onFrame(member, connection, frame);
                }
            } else if (note == Signal.UP) {
                up(from, now);
            } else if (note == Signal.DOWN) {
                down(now);
            } else if (note instanceof ConnectFailure failure) {
                if (failures == 0) {
                    LOG.info("node {} at {} cannot be reached: {}", name, address, failure);
                }
                breaker.onError(now - nextAttemptNs, TimeUnit.NANOSECONDS, new ConnectException(failure.text()));
                pause(now);
            }
        }

        private void up(Channel from, long now) {
            Connection open = from.opened;
            if (open == null) {
                return;
            }
            if (open.peer().role() != Peer.Role.NODE || !open.peer().name().equals(name)) {
                open.close("expected node " + name + " at " + address + ", but " + open.peer()
                        + " answers there; check the addresses");
                return;
            }
            connection = open;
            member = new View.Member(open.peer().name(), open.peer().incarnation());
            upSinceNs = now;
            heardNs = now;
            awaitedSinceNs = NOTHING;
            LOG.info("link to node {} up", member);
            listener.onUp(member);
        }

        private void down(long now) {
            View.Member before = member;
            boolean wasGood = before != null && now - upSinceNs >= GOOD_NS;
            connection = null;
            member = null;
            if (wasGood) {
                breaker.onSuccess(now - upSinceNs, TimeUnit.NANOSECONDS);
                failures = 0;
                channel = null;
                nextAttemptNs = now; // R12: a lost connection is opened once at once
            } else {
                breaker.onError(now - upSinceNs, TimeUnit.NANOSECONDS, new ConnectException("closed at once"));
                pause(now);
            }
            if (before != null) {
                LOG.info("link to node {} down", before);
                listener.onDown(before);
            }
        }

        private void pause(long now) {
            channel = null;
            failures = Math.min(failures + 1, 30);
            nextAttemptNs = now + TimeUnit.MILLISECONDS.toNanos(pauses.apply(failures));
        }
    }

    /** For the circuit breaker's count; never thrown. */
    private static final class ConnectException extends Exception {
        private static final long serialVersionUID = 1L;

        ConnectException(String text) {
            super(text, null, false, false);
        }
    }
}
