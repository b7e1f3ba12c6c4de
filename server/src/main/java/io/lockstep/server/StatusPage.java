package io.lockstep.server;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.lockstep.membership.Endpoint;
import io.lockstep.membership.Members;
import io.lockstep.wire.Peer;
import io.lockstep.wire.View;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts together how a cluster is, from what its processes publish about themselves and what this process knows of the
 * view. Safe from any thread, because it holds nothing.
 */
final class StatusPage {
    private static final Logger LOG = LoggerFactory.getLogger(StatusPage.class);
    private static final ObjectMapper JSON = new ObjectMapper();

    private StatusPage() {}

    /** What a process publishes about itself through {@link Members#publishStatus}. */
    static String json(Object status) {
        try {
            return JSON.writeValueAsString(status);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot write " + status, e);
        }
    }

    /**
     * The whole cluster.
     *
     * @param term of the view as this process knows it, 0 when it knows none
     * @param active as the view names it, null when this process knows none
     */
    static ClusterStatus of(LockstepConfig config, long term, View.@Nullable Member active, Members members) {
        Map<String, String> statuses = members.statuses();
        TreeSet<String> names = new TreeSet<>(config.nodes());
        List<ClusterStatus.DistributorStatus> distributors = new ArrayList<>();
        List<ClusterStatus.ArbiterStatus> arbiters = new ArrayList<>();
        for (Endpoint endpoint : members.all()) {
            if (endpoint.role() == Peer.Role.NODE) {
                names.add(endpoint.name());
            } else if (endpoint.role() == Peer.Role.DISTRIBUTOR) {
                distributors.add(new ClusterStatus.DistributorStatus(
                        endpoint.name(),
                        "SERVING",
                        endpoint.pid(),
                        Map.of("client", endpoint.clientPort()),
                        Long.toHexString(endpoint.incarnation())));
            } else if (endpoint.role() == Peer.Role.ARBITER) {
                arbiters.add(arbiter(endpoint, Optional.ofNullable(statuses.get(endpoint.name()))));
            }
        }
        List<ClusterStatus.NodeStatus> published = names.stream()
                .map(name -> node(name, members.find(name), Optional.ofNullable(statuses.get(name))))
                .toList();
        Optional<ClusterStatus.NodeStatus> claimant = published.stream()
                .filter(n -> n.role().equals("ACTIVE"))
                .max((a, b) -> Long.compare(a.term(), b.term()));
        List<ClusterStatus.NodeStatus> nodes =
                published.stream().map(n -> judged(n, claimant)).toList();
        if (active != null) {
            return new ClusterStatus(1, config.database(), term, active.name(), nodes, distributors, arbiters);
        }
        // Nobody has told this process yet: the node that says so itself, in the highest term.
        return new ClusterStatus(
                1,
                config.database(),
                claimant.map(ClusterStatus.NodeStatus::term).orElse(term),
                claimant.map(ClusterStatus.NodeStatus::name).orElse(null),
                nodes,
                distributors,
                arbiters);
    }

    /** The active's view says who is in sync; a backup's own word may be older. */
    private static ClusterStatus.NodeStatus judged(
            ClusterStatus.NodeStatus node, Optional<ClusterStatus.NodeStatus> active) {
        if (active.isEmpty()
                || active.get().inSyncBackups() == null
                || active.get().name().equals(node.name())) {
            return node;
        }
        return node.withInSync(active.get().inSyncBackups().contains(node.name() + "/" + node.incarnation()));
    }

    private static ClusterStatus.NodeStatus node(String name, Optional<Endpoint> endpoint, Optional<String> published) {
        if (published.isPresent()) {
            try {
                return JSON.readValue(published.get(), ClusterStatus.NodeStatus.class);
            } catch (JsonProcessingException e) {
                LOG.warn("cannot read what {} says of itself: {}", name, e.getOriginalMessage());
            }
        }
        return new ClusterStatus.NodeStatus(
                name,
                "NONE",
                endpoint.isPresent() ? "STARTING" : ClusterStatus.NodeStatus.GONE,
                "",
                false,
                endpoint.map(Endpoint::pid).orElse(0L),
                endpoint.map(e -> Map.of("peer", e.peerPort())).orElse(Map.of()),
                0,
                0,
                0,
                0,
                endpoint.map(e -> Long.toHexString(e.incarnation())).orElse(null),
                null,
                null,
                null,
                0,
                0,
                null);
    }

    private static ClusterStatus.ArbiterStatus arbiter(Endpoint endpoint, Optional<String> published) {
        if (published.isPresent()) {
            try {
                return JSON.readValue(published.get(), ClusterStatus.ArbiterStatus.class);
            } catch (JsonProcessingException e) {
                LOG.warn("cannot read what {} says of itself: {}", endpoint.name(), e.getOriginalMessage());
            }
        }
        return new ClusterStatus.ArbiterStatus(
                endpoint.name(),
                "STARTING",
                endpoint.pid(),
                Map.of("peer", endpoint.peerPort()),
                Long.toHexString(endpoint.incarnation()),
                null,
                0);
    }
}
