package io.lockstep.server;

import io.lockstep.membership.Endpoint;
import io.lockstep.membership.Members;
import io.lockstep.membership.RegisterAgent;
import io.lockstep.membership.ZooKeeperClient;
import io.lockstep.tsdstore.EffectRunner;
import io.lockstep.tsdstore.Recording;
import io.lockstep.tsdstore.TransactionService;
import io.lockstep.wire.NetworkLoop;
import io.lockstep.wire.Peer;
import io.lockstep.wire.Transport;
import io.lockstep.wire.TransportConfig;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.security.SecureRandom;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One node, assembled: the voter where it is one, the network, and the agent that holds the role. Built, joined and
 * closed by one thread; each part has threads of its own.
 */
public final class Node implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Node.class);

    /** A message at its longest, with its header and the frame around it. */
    private static final int FRAME_MARGIN_BYTES = 64 << 10;

    private final LockstepConfig config;
    private final long incarnation;
    private final long pid;
    private final Deque<AutoCloseable> parts = new ArrayDeque<>();
    private final NodeAgent agent;
    private final int port;

    /** What the process around a node does for it. Called by any of the node's threads. */
    public interface Surroundings {
        /** Process id. */
        long pid();

        /** The voter's disk has failed, so the process is to close everything and end. */
        void end(String reason);

        /** The node cannot go on: the process is to end at once, with nothing closed. */
        void halt();
    }

    /**
     * Listens, and holds the register's file from now on; does nothing else before it {@link #join joins}.
     *
     * @param incarnation which run of the node this is: random, above 0
     * @param service what its lane executes
     * @param runners of effects to the outside, by name
     */
    public Node(
            LockstepConfig config,
            long incarnation,
            TransactionService service,
            Map<String, EffectRunner> runners,
            Surroundings around)
            throws IOException {
        this.config = config;
        this.incarnation = incarnation;
        this.pid = around.pid();
        boolean isOpen = false;
        try {
            Files.createDirectories(config.directory());
            NetworkLoop loop = part(new NetworkLoop("node"));
            Transport transport = part(new Transport(network(config, incarnation), loop));
            RegisterAgent register = null;
            if (config.isVoter()) {
                SecureRandom random = new SecureRandom();
                register = part(RegisterAgent.start(
                        config.name(),
                        config.registerFile(),
                        () -> random.nextLong() >>> 1 | 1,
                        failure -> around.end("the view register's file failed: " + failure)));
            }
            ZooKeeperClient keeper = config.register() == RegisterKind.ZOOKEEPER ? part(zooKeeper(config)) : null;
            Recording recording = null;
            if (config.recordEntries().isPresent()) {
                recording = part(Recording.create(config.recordEntries().get()));
            }
            agent = new NodeAgent(
                    config, incarnation, around, loop, transport, register, keeper, service, runners, recording);
            port = transport
                    .listen(new InetSocketAddress(config.host(), config.peerPort()), agent.listener())
                    .getPort();
            isOpen = true;
        } finally {
            if (!isOpen) {
                close();
            }
        }
    }

    /** Curator is there only for those who need it. */
    private static ZooKeeperClient zooKeeper(LockstepConfig config) {
        try {
            return ZooKeeperClient.connect(config.zooKeeperConnect(), config.cluster(), config.database());
        } catch (NoClassDefFoundError e) {
            throw new ConfigException(
                    Setting.REGISTER.key(),
                    "register is zookeeper, and Curator is not on the class path (" + e.getMessage()
                            + "); add org.apache.curator:curator-framework, or use register caspaxos");
        }
    }

    private <T extends AutoCloseable> T part(T opened) {
        parts.push(opened);
        return opened;
    }

    /** A distributor or backup that does not read may have a quarter of the heap waiting at most, alone or with others. */
    private static TransportConfig network(LockstepConfig config, long incarnation) {
        Peer self = new Peer(config.name(), Peer.Role.NODE, incarnation);
        TransportConfig defaults = TransportConfig.defaults(config.cluster(), self);
        int frameBytes = Math.max(defaults.maxFrameBytes(), config.limits().messageMaxBytes() + FRAME_MARGIN_BYTES);
        long outboundBytes = Math.min(defaults.outboundBufferMaxBytes(), TransportConfig.quarterOfHeapBytes());
        return new TransportConfig(
                config.cluster(),
                self,
                frameBytes,
                defaults.handshakeLimit(),
                config.limits().connectionsMax(),
                (int) Math.max(outboundBytes, 2L * frameBytes));
    }

    /** Where others reach it. */
    public Endpoint endpoint() {
        return new Endpoint(config.name(), Peer.Role.NODE, incarnation, pid, config.host(), port, 0);
    }

    /** Begins to work: looks for the active among these, or becomes it. The members are to be closed after the node. */
    public void join(Members members) {
        parts.push(agent::close);
        agent.start(port, members);
    }

    /** A thread that is not its own met an error: it ends as after one of its own. Safe from any thread. */
    public void failed(Error error) {
        agent.failed(error);
    }

    /** What it tells about itself: one JSON document. Safe from any thread; at most a fifth of a second old. */
    public String status() {
        return agent.status();
    }

    /** Ends what it does and closes every part, the last one first. */
    @Override
    public void close() {
        boolean isInterrupted = false;
        for (AutoCloseable part = parts.poll(); part != null; part = parts.poll()) {
            try {
                part.close();
            } catch (InterruptedException e) {
                isInterrupted = true;
            } catch (Exception e) {
                LOG.warn("{} cannot close {}", config.name(), part, e);
            }
        }
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
