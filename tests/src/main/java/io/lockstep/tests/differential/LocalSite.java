package io.lockstep.tests.differential;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.lockstep.distributor.Distributor;
import io.lockstep.distributor.DistributorConfig;
import io.lockstep.distributor.DistributorHooks;
import io.lockstep.distributor.LockstepClient;
import io.lockstep.membership.Endpoint;
import io.lockstep.membership.RegisterAgent;
import io.lockstep.membership.StaticMembers;
import io.lockstep.server.ClusterStatus;
import io.lockstep.server.LockstepConfig;
import io.lockstep.server.Node;
import io.lockstep.tsdstore.TransactionService;
import io.lockstep.wire.Peer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.ServiceLoader;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Two shipped nodes and a distributor in this JVM, over real sockets. Used by one thread; each part has threads of its
 * own.
 */
final class LocalSite implements Site {
    private static final String CLUSTER = "differential";
    private static final Duration LIMIT = Duration.ofMinutes(3);
    private static final long LOOK_EVERY_NS = 1_000_000;
    private static final List<String> NODES = List.of("n1", "n2");
    private static final ObjectMapper JSON =
            new ObjectMapper().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);

    private final Path folder;
    private final Map<String, StaticMembers> members = new LinkedHashMap<>();
    private final Map<String, Endpoint> endpoints = new LinkedHashMap<>();
    private final Map<String, Node> nodes = new LinkedHashMap<>();
    private final Distributor distributor;
    private final RegisterAgent voter;
    private final LockstepClient auditor;
    private volatile @Nullable String fault;

    LocalSite(Path folder) {
        this.folder = folder;
        try {
            Files.createDirectories(folder.resolve("d1"));
            voter = RegisterAgent.start(
                    "d1",
                    folder.resolve("d1").resolve("register"),
                    () -> ThreadLocalRandom.current().nextLong(1, Long.MAX_VALUE),
                    failure -> fault = failure.toString());
            long incarnation = ThreadLocalRandom.current().nextLong(1, Long.MAX_VALUE);
            StaticMembers known = known("d1");
            distributor = new Distributor(
                    DistributorConfig.builder("d1")
                            .cluster(CLUSTER)
                            .listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                            .build(),
                    incarnation,
                    known,
                    new DistributorHooks(question -> "{}", voter::submit, failure -> fault = failure.toString()));
            int port = address().getPort();
            publish(new Endpoint("d1", Peer.Role.DISTRIBUTOR, incarnation, 0, "127.0.0.1", port, port));
            for (String name : NODES) {
                Files.writeString(file(name), settings(name));
                start(name);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        LockstepClient opened = null;
        try {
            mend();
            opened = LockstepClient.builder()
                    .cluster(CLUSTER)
                    .distributors(List.of(address()))
                    .label("auditor")
                    .open();
        } finally {
            if (opened == null) {
                closeProcesses();
            }
        }
        auditor = opened;
    }

    private Path file(String name) {
        return folder.resolve(name + ".yaml");
    }

    private String settings(String name) {
        return "name: " + name + "\nrole: node\ndirectory: '" + folder.resolve(name) + "'\ncluster: " + CLUSTER
                + "\nnodes: "
                + NODES + "\nvoters: [n1, n2, d1]\nhazelcast-port: 1\nhazelcast-members: ['127.0.0.1:1']\n"
                + "failure-detection: 2000ms\n";
    }

    private StaticMembers known(String name) {
        StaticMembers mine = new StaticMembers(List.of());
        members.put(name, mine);
        endpoints.values().stream().filter(other -> !other.name().equals(name)).forEach(mine::publish);
        return mine;
    }

    private void publish(Endpoint endpoint) {
        endpoints.put(endpoint.name(), endpoint);
        members.forEach((name, known) -> known.publish(endpoint));
    }

    private void start(String name) throws IOException {
        Node node = new Node(
                LockstepConfig.read(file(name)),
                ThreadLocalRandom.current().nextLong(1, Long.MAX_VALUE),
                service(),
                Map.of(),
                new Around(name));
        nodes.put(name, node);
        StaticMembers known = known(name);
        publish(node.endpoint());
        node.join(known);
    }

    /** Nothing of it is asked. */
    private static TransactionService service() {
        return ServiceLoader.load(TransactionService.class).findFirst().orElseThrow();
    }

    private InetSocketAddress address() {
        return Objects.requireNonNull(distributor.clientAddress());
    }

    @Override
    public String url() {
        return "jdbc:lockstep://127.0.0.1:" + address().getPort() + "/lockstep?TimeZone=UTC&cluster=" + CLUSTER;
    }

    @Override
    public void kill() {
        String active = active();
        Node killed = nodes.remove(active);
        if (killed != null) {
            killed.close();
        }
    }

    private String active() {
        long endNs = System.nanoTime() + LIMIT.toNanos();
        while (true) {
            List<ClusterStatus.NodeStatus> actives = statuses().stream()
                    .filter(each -> each.role().equals("ACTIVE"))
                    .toList();
            if (actives.size() == 1) {
                return actives.get(0).name();
            }
            pause(endNs, "there is no active");
        }
    }

    private List<ClusterStatus.NodeStatus> statuses() {
        List<ClusterStatus.NodeStatus> all = new ArrayList<>();
        for (Node node : nodes.values()) {
            String json = node.status();
            try {
                if (!json.equals("{}")) {
                    all.add(JSON.readValue(json, ClusterStatus.NodeStatus.class));
                }
            } catch (JsonProcessingException e) {
                throw new IllegalStateException(e);
            }
        }
        return all;
    }

    private void pause(long endNs, String otherwise) {
        if (fault != null || System.nanoTime() - endNs >= 0) {
            throw new IllegalStateException(otherwise + "; " + fault + "; " + statuses());
        }
        LockSupport.parkNanos(LOOK_EVERY_NS);
    }

    @Override
    public void restart() {
        for (String name : NODES) {
            if (!nodes.containsKey(name)) {
                try {
                    start(name);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
        }
    }

    @Override
    public void mend() {
        restart();
        long endNs = System.nanoTime() + LIMIT.toNanos();
        while (!areInSync()) {
            pause(endNs, "the nodes are not in sync");
        }
    }

    private boolean areInSync() {
        List<ClusterStatus.NodeStatus> all = statuses();
        List<String> backups = all.stream()
                .filter(each -> each.role().equals("BACKUP"))
                .map(each -> each.name() + "/" + each.incarnation())
                .toList();
        return backups.size() == 1
                && all.stream().anyMatch(each -> each.role().equals("ACTIVE") && backups.equals(each.inSyncBackups()));
    }

    @Override
    public long digest() {
        var answer = auditor.digestAsync().toCompletableFuture().join();
        long endNs = System.nanoTime() + LIMIT.toNanos();
        // A backup whose digest is another leaves the view, and says so.
        while (!areInSync() || statuses().stream().anyMatch(each -> each.executedPosition() < answer.position())) {
            pause(endNs, "the nodes are not equal");
        }
        return answer.digest();
    }

    @Override
    public void close() {
        auditor.close();
        closeProcesses();
    }

    private void closeProcesses() {
        nodes.values().forEach(Node::close);
        distributor.close();
        try {
            voter.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** In one JVM a node that cannot go on is a fault of the whole run. */
    private final class Around implements Node.Surroundings {
        private final String name;

        private Around(String name) {
            this.name = name;
        }

        @Override
        public long pid() {
            return ProcessHandle.current().pid();
        }

        @Override
        public void end(String reason) {
            fault = name + " has ended itself: " + reason;
        }

        @Override
        public void halt() {
            fault = name + " has been ended by its agent";
        }
    }
}
