package io.lockstep.server;

import io.lockstep.membership.Endpoint;
import io.lockstep.membership.Members;
import io.lockstep.membership.MembersListener;
import io.lockstep.membership.RegisterAcceptor;
import io.lockstep.membership.RegisterAgent;
import io.lockstep.membership.VoterRecord;
import io.lockstep.wire.Connection;
import io.lockstep.wire.ConnectionListener;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Peer;
import io.lockstep.wire.Transport;
import io.lockstep.wire.View;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a connection from an arbiter to every node, so that each can ask for its vote on it. Owns the thread 'arbiter',
 * which opens connections; votes go from the network thread to the register's and back, past this one.
 *
 * <p>Nothing is said on such a connection for days, and one that the other end has forgotten looks the same. So the
 * arbiter asks each node how it is, once a second, and opens a connection anew on which nothing comes back.
 */
final class ArbiterAgent {
    private static final Logger LOG = LoggerFactory.getLogger(ArbiterAgent.class);
    private static final long TICK_MS = 20;
    private static final long ASK_EVERY_NS = TimeUnit.SECONDS.toNanos(1);
    private static final long SILENCE_NS = TimeUnit.SECONDS.toNanos(3);
    private static final long CLOSE_LIMIT_MS = 1_000;

    private final LockstepConfig config;
    private final Peer self;
    private final RegisterAgent register;
    private final LinkedBlockingQueue<Runnable> inbox = new LinkedBlockingQueue<>();
    private final Thread thread = new Thread(this::run, "arbiter");
    private final Map<String, PeerLink> links = new LinkedHashMap<>();
    /** When each open connection to a node last said anything. */
    private final Map<Connection, Long> heardNs = new HashMap<>();

    /** Both set before the thread starts. */
    private volatile @Nullable Members members;

    private volatile int peerPort;
    private volatile boolean isClosed;
    private long lastTickNs = System.nanoTime();
    private long lastAskNs = System.nanoTime();
    private String published = "";

    /** @param onFailed called when it cannot go on: without it no lost connection would be opened again */
    ArbiterAgent(
            LockstepConfig config,
            Peer self,
            Transport transport,
            RegisterAgent register,
            Consumer<Throwable> onFailed) {
        this.config = config;
        this.self = self;
        this.register = register;
        thread.setUncaughtExceptionHandler((t, failure) -> {
            LOG.error("arbiter {} stops: a fault of its own", config.name(), failure);
            onFailed.accept(failure);
        });
        for (String node : config.nodes()) {
            links.put(node, new PeerLink(node, transport, new Votes(), new LinkEvents()));
        }
    }

    /**
     * Begins to work.
     *
     * @param listeningPort where this process tells how it is
     * @param found tells where the nodes are
     */
    void start(int listeningPort, Members found) {
        peerPort = listeningPort;
        members = found;
        thread.start();
        found.listen(new MembersListener() {
            @Override
            public void onAppeared(Endpoint endpoint) {
                onAgent(() -> found(endpoint));
            }

            @Override
            public void onChanged(Endpoint before, Endpoint endpoint) {
                onAgent(() -> found(endpoint));
            }

            @Override
            public void onGone(Endpoint endpoint) {
                // A hint only: the connection tells more.
            }
        });
    }

    private void run() {
        try {
            while (!isClosed) {
                Runnable task = inbox.poll(TICK_MS, TimeUnit.MILLISECONDS);
                if (task != null) {
                    task.run();
                }
                long nowNs = System.nanoTime();
                if (nowNs - lastTickNs >= TimeUnit.MILLISECONDS.toNanos(TICK_MS)) {
                    lastTickNs = nowNs;
                    tick(nowNs);
                }
            }
        } catch (InterruptedException e) {
            LOG.debug("arbiter {} is told to end", config.name(), e);
        }
    }

    private void onAgent(Runnable task) {
        inbox.add(task);
    }

    private void found(Endpoint endpoint) {
        PeerLink link = links.get(endpoint.name());
        if (link != null && endpoint.role() == Peer.Role.NODE) {
            link.at(endpoint, System.nanoTime());
        }
    }

    private void tick(long nowNs) {
        links.values().forEach(link -> link.tick(nowNs));
        if (nowNs - lastAskNs >= ASK_EVERY_NS) {
            lastAskNs = nowNs;
            links.values().forEach(link -> link.send(new Frame.StatusAsk(0, AdminClient.STATUS)));
            Map.copyOf(heardNs).forEach((connection, heard) -> {
                if (nowNs - heard >= SILENCE_NS) {
                    connection.close("nothing heard from " + connection.peer() + " for "
                            + TimeUnit.NANOSECONDS.toMillis(SILENCE_NS) + " ms");
                }
            });
        }
        publishStatus();
    }

    // ---- frames ----------------------------------------------------------------------------------------------------

    /** What nodes say on the connections that we opened to them; called by network threads. */
    private final class Votes implements ConnectionListener {
        @Override
        public void onOpen(Connection connection) {
            // PeerLink hears of it, and tells.
        }

        @Override
        public void onFrame(Connection connection, long incarnation, Frame frame) {
            if (RegisterAcceptor.isForVoter(frame)) {
                register.submit(frame, connection::send);
            }
            onAgent(() -> heardNs.computeIfPresent(connection, (c, before) -> System.nanoTime()));
        }

        @Override
        public void onClosed(Connection connection, String reason) {
            // PeerLink hears of it, and tells.
        }
    }

    /** What those hear who call us: how we are, and nothing else. Called by network threads. */
    ConnectionListener listener() {
        return new ConnectionListener() {
            @Override
            public void onOpen(Connection connection) {
                LOG.debug("{} has called", connection.peer());
            }

            @Override
            public void onFrame(Connection connection, long incarnation, Frame frame) {
                if (frame instanceof Frame.StatusAsk) {
                    connection.send(new Frame.StatusReply(0, StatusPage.json(describe())));
                } else {
                    connection.close("an arbiter tells its status here and takes nothing else; it votes on the"
                            + " connections that it opens to nodes itself");
                }
            }

            @Override
            public void onClosed(Connection connection, String reason) {
                LOG.debug("{} has gone: {}", connection.peer(), reason);
            }
        };
    }

    private final class LinkEvents implements PeerLink.Events {
        @Override
        public void onAgent(Runnable task) {
            ArbiterAgent.this.onAgent(task);
        }

        @Override
        public void onOpened(Connection opened) {
            heardNs.put(opened, System.nanoTime());
            LOG.info("link to {} up", opened.peer());
        }

        @Override
        public void onLost(Connection lost) {
            heardNs.remove(lost);
            LOG.info("link to {} down", lost.peer());
        }

        @Override
        public void onProbed(String name, boolean isRefused) {
            LOG.debug("a look at {}, refused: {}", name, isRefused);
        }
    }

    // ---- status ----------------------------------------------------------------------------------------------------

    private void publishStatus() {
        Members known = members;
        String json = StatusPage.json(describe());
        if (known != null && !json.equals(published)) {
            published = json;
            known.publishStatus(config.name(), json);
        }
    }

    private ClusterStatus.ArbiterStatus describe() {
        VoterRecord record = register.record();
        return new ClusterStatus.ArbiterStatus(
                config.name(),
                record.voting() ? "VOTING" : "AWAITING_ADMISSION",
                ProcessHandle.current().pid(),
                Map.of("peer", peerPort),
                Long.toHexString(self.incarnation()),
                Long.toHexString(record.diskId()),
                record.value().map(View::version).orElse(0L));
    }

    /** Ends the thread; connections stay the transport's. */
    void close() throws InterruptedException {
        isClosed = true;
        thread.interrupt();
        thread.join(CLOSE_LIMIT_MS);
    }
}
