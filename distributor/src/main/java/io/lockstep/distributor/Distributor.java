package io.lockstep.distributor;

import io.lockstep.membership.Endpoint;
import io.lockstep.membership.Members;
import io.lockstep.membership.MembersListener;
import io.lockstep.wire.Connection;
import io.lockstep.wire.ConnectionListener;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Limits;
import io.lockstep.wire.NetworkLoop;
import io.lockstep.wire.Peer;
import io.lockstep.wire.Request;
import io.lockstep.wire.Transport;
import io.lockstep.wire.TransportConfig;
import io.lockstep.wire.View;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Stands between clients and nodes: takes requests on the client port, knows who is active, sends on and repeats. Public
 * methods are safe from any thread, because everything is decided by its one thread {@code distributor}, which also reads
 * and writes the sockets: so a request passes without a hand-over, and all that arrived together leaves together.
 *
 * <p>It may run as a process of its own or inside a client ({@link LockstepClient.Builder#embedded}).
 */
public final class Distributor implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Distributor.class);
    private static final long TICK_NS = TimeUnit.MILLISECONDS.toNanos(2);
    private static final long IDLE_NS = TimeUnit.MILLISECONDS.toNanos(10);
    private static final int STATUS_QUESTIONS_MAX = 64;
    private static final Duration GREETING_LIMIT = Duration.ofSeconds(5);

    private final DistributorConfig config;
    private final DistributorHooks hooks;
    private final Peer self;
    private final NetworkLoop loop;
    private final Transport toNodes;
    private final @Nullable Transport toClients;
    private final @Nullable InetSocketAddress clientAddress;
    private final Admission admission;
    private final ClientPort clientPort = new ClientPort();
    private final NodeLinks links;
    private final DistributorCore<Connection> core;
    private final ThreadPoolExecutor statusAnswers;
    private final AtomicBoolean hasShut = new AtomicBoolean();

    private volatile boolean isClosing;
    private volatile DistributorCore.Snapshot snapshot;

    /**
     * Starts to listen and to connect.
     *
     * @param incarnation of this process
     * @param members where nodes are found, beside those that the configuration names; null when it names them all
     * @throws java.io.UncheckedIOException when the client port cannot be had
     */
    public Distributor(DistributorConfig config, long incarnation, @Nullable Members members, DistributorHooks hooks) {
        this.config = config;
        this.hooks = hooks;
        this.self = new Peer(config.name(), Peer.Role.DISTRIBUTOR, incarnation);
        this.loop = new NetworkLoop("distributor");
        this.admission = new Admission(config);
        this.core = new DistributorCore<>(config, new CoreEffects());
        this.snapshot = core.snapshot();
        this.toNodes = new Transport(TransportConfig.defaults(config.cluster(), self), loop);
        this.links = new NodeLinks(config, toNodes, new LinkEvents());
        this.statusAnswers = new ThreadPoolExecutor(
                1, 1, 10, TimeUnit.SECONDS, new ArrayBlockingQueue<>(STATUS_QUESTIONS_MAX), work -> {
                    Thread answering = new Thread(work, "distributor-status");
                    answering.setDaemon(true);
                    return answering;
                });
        this.statusAnswers.allowCoreThreadTimeOut(true);
        long nowNs = System.nanoTime();
        config.nodes().forEach((name, address) -> links.locate(name, address, 0, nowNs));
        InetSocketAddress listen = config.listen();
        if (listen == null) {
            this.toClients = null;
            this.clientAddress = null;
        } else {
            this.toClients = new Transport(clientTransport(config, self), loop);
            try {
                this.clientAddress = toClients.listen(listen, clientPort);
            } catch (RuntimeException e) {
                toClients.close();
                toNodes.close();
                loop.close();
                throw e;
            }
        }
        loop.execute(this::tickAgain);
        if (members != null) {
            members.listen(new MemberNotes());
        }
    }

    /**
     * A slow client may leave some frames waiting, since many sessions may share its connection; all of them together are
     * bounded by the transport's budget. More connections than places are greeted to be refused.
     */
    private static TransportConfig clientTransport(DistributorConfig config, Peer self) {
        int frame = Limits.FRAME_MAX_BYTES_DEFAULT;
        return new TransportConfig(
                config.cluster(), self, frame, GREETING_LIMIT, config.connectionsMax() + 64, 8 * frame);
    }

    /** Where clients connect, with its real port; null when inside a client. */
    public @Nullable InetSocketAddress clientAddress() {
        return clientAddress;
    }

    /** What is known; at most some milliseconds old. */
    public DistributorCore.Snapshot snapshot() {
        return snapshot;
    }

    /** Client connections open now. */
    public int clients() {
        return admission.admitted();
    }

    /**
     * Connects a client in this process: the same frames without a socket.
     *
     * @param client who connects
     * @param listener hears of it before this returns, and of frames on the thread {@code distributor}
     */
    void connectInProcess(Peer client, ConnectionListener listener) {
        MemoryConnection.connect(client, listener, self, clientPort);
    }

    /** Says goodbye to everybody and stops; waits up to a few seconds, unless its own thread calls. */
    @Override
    public void close() {
        isClosing = true;
        if (loop.isOwnThread()) {
            Thread closing = new Thread(this::shut, "distributor-close");
            closing.setDaemon(true);
            closing.start();
        } else {
            shut();
        }
    }

    private void shut() {
        if (hasShut.compareAndSet(false, true)) {
            clientPort.closeAll("distributor " + config.name() + " ends; use another one");
            if (toClients != null) {
                toClients.close();
            }
            toNodes.close();
            loop.close();
            statusAnswers.shutdownNow();
        }
    }

    // ---- the thread -----------------------------------------------------------------------------------------------

    private long lastTickNs = System.nanoTime() - IDLE_NS;

    /** Whatever happens on the thread: a fault of our own ends the distributor. */
    private void guarded(Runnable step) {
        if (!isClosing) {
            try {
                step.run();
            } catch (RuntimeException | Error e) {
                fail(e);
            }
        }
    }

    private void fail(Throwable fault) {
        LOG.error("distributor {} stops: a fault of its own", config.name(), fault);
        isClosing = true;
        hooks.onFailure().accept(fault);
        close();
    }

    private void later(Runnable step) {
        loop.execute(() -> guarded(step));
    }

    private void tickAgain() {
        guarded(() -> {
            tickIfDue(System.nanoTime());
            loop.schedule(this::tickAgain, Duration.ofNanos(snapshot.heldRequests() > 0 ? TICK_NS : IDLE_NS));
        });
    }

    private void tickIfDue(long nowNs) {
        if (nowNs - lastTickNs >= TICK_NS) {
            lastTickNs = nowNs;
            core.tick(nowNs);
            DistributorCore.Snapshot now = core.snapshot();
            snapshot = now;
            links.tick(nowNs, now.heldRequests() > 0);
        }
    }

    private void onRequest(Connection client, Request request) {
        if (!isClosing) {
            try {
                long nowNs = System.nanoTime();
                core.onRequest(client, request, nowNs);
                tickIfDue(nowNs);
            } catch (RuntimeException | Error e) {
                fail(e);
            }
        }
    }

    /** What the core wants done. */
    private final class CoreEffects implements DistributorCore.Effects<Connection> {
        @Override
        public void sendToNode(View.Member node, Frame.Ask ask) {
            links.send(node, ask);
        }

        @Override
        public void answerClient(Connection channel, Frame.Reply reply) {
            channel.send(reply);
        }

        @Override
        public void closeClient(Connection channel, String reason) {
            channel.close(reason);
        }

        @Override
        public void activeNamed(long term, View.Member active) {
            links.want(active.name(), System.nanoTime());
        }
    }

    /** What happens on the links to nodes. */
    private final class LinkEvents implements NodeLinks.Listener {
        @Override
        public void onUp(View.Member node) {
            core.onNodeUp(node, System.nanoTime());
        }

        @Override
        public void onDown(View.Member node) {
            core.onNodeDown(node);
        }

        @Override
        public void onFault(Throwable fault) {
            fail(fault);
        }

        @Override
        public boolean isOver() {
            return isClosing;
        }

        @Override
        public void onFrame(View.Member node, Connection connection, Frame frame) {
            if (frame instanceof Frame.Reply reply) {
                core.onReply(node, reply, System.nanoTime());
            } else if (frame instanceof Frame.ViewNotice notice) {
                core.onViewNotice(node, notice, System.nanoTime());
            } else if (frame instanceof Frame.Prepare
                    || frame instanceof Frame.Accept
                    || frame instanceof Frame.Admit) {
                hooks.voter().onFrame(frame, connection::send);
            } else if (!(frame instanceof Frame.StatusReply)) { // that one only says that the node is there
                LOG.debug(
                        "node {} said {}, which a distributor has no use for",
                        node,
                        frame.getClass().getSimpleName());
            }
        }
    }

    // ---- clients ----------------------------------------------------------------------------------------------

    /** Clients and administrators; called by the thread, and by clients within the process. */
    private final class ClientPort implements ConnectionListener {
        private final Set<Connection> admitted = ConcurrentHashMap.newKeySet();

        @Override
        public void onOpen(Connection connection) {
            Peer.Role role = connection.peer().role();
            if (role != Peer.Role.CLIENT && role != Peer.Role.ADMIN) {
                connection.close("this is the port for clients, but " + connection.peer() + " has called");
                return;
            }
            String refusal = isClosing ? "distributor " + config.name() + " ends; use another one" : admission.refuse();
            if (refusal != null) {
                connection.close(refusal);
            } else {
                admitted.add(connection);
            }
        }

        @Override
        public void onFrame(Connection connection, long incarnation, Frame frame) {
            if (!admitted.contains(connection)) {
                return; // on its way before the farewell was read
            }
            if (frame instanceof Frame.Ask ask) {
                if (loop.isOwnThread()) {
                    onRequest(connection, ask.request());
                } else {
                    loop.execute(() -> onRequest(connection, ask.request())); // a client within the process
                }
            } else if (frame instanceof Frame.StatusAsk ask) {
                answerStatus(connection, ask.question());
            } else {
                connection.close("a client may ask and ask for status, but it sent "
                        + frame.getClass().getSimpleName());
            }
        }

        @Override
        public void onClosed(Connection connection, String reason) {
            if (admitted.remove(connection)) {
                admission.leave();
                later(() -> core.onClientGone(connection, System.nanoTime()));
            }
        }

        void closeAll(String reason) {
            for (Connection connection : admitted) {
                connection.close(reason);
            }
        }

        private void answerStatus(Connection connection, String question) {
            try {
                statusAnswers.execute(() ->
                        connection.send(new Frame.StatusReply(0, hooks.status().apply(question))));
            } catch (RejectedExecutionException e) {
                connection.close(STATUS_QUESTIONS_MAX + " questions for status wait already; ask again later");
            }
        }
    }

    /** Nodes that appear; called by threads of the membership library. */
    private final class MemberNotes implements MembersListener {
        @Override
        public void onAppeared(Endpoint endpoint) {
            if (endpoint.role() == Peer.Role.NODE) {
                later(() -> links.locate(
                        endpoint.name(),
                        new InetSocketAddress(endpoint.peerHost(), endpoint.peerPort()),
                        endpoint.incarnation(),
                        System.nanoTime()));
            }
        }

        @Override
        public void onChanged(Endpoint before, Endpoint endpoint) {
            onAppeared(endpoint);
        }

        @Override
        public void onGone(Endpoint endpoint) {
            // A hint only: its connection tells more, and the node may come back under the same address.
        }
    }
}
