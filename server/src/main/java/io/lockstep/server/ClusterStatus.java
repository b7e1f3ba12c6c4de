package io.lockstep.server;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * How a cluster is, as one process sees it. Safe from any thread, because it is immutable.
 *
 * @param schema of the document, 1
 * @param database its name
 * @param term reign of the active; 0 before the first
 * @param active name of the node that the view names; null before the first view
 * @param nodes every node that is there
 * @param distributors every distributor that is there
 * @param arbiters every arbiter that is there
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record ClusterStatus(
        int schema,
        String database,
        long term,
        @Nullable String active,
        List<NodeStatus> nodes,
        List<DistributorStatus> distributors,
        List<ArbiterStatus> arbiters) {

    private static final ObjectMapper JSON = new ObjectMapper();

    public ClusterStatus {
        nodes = nodes == null ? List.of() : List.copyOf(nodes);
        distributors = distributors == null ? List.of() : List.copyOf(distributors);
        arbiters = arbiters == null ? List.of() : List.copyOf(arbiters);
    }

    /**
     * One node.
     *
     * @param role {@code ACTIVE}, {@code BACKUP} or {@code NONE}
     * @param state what it is doing
     * @param reason why, when that is not the ordinary case; empty or null otherwise
     * @param inSync whether the view lists that very run of it
     * @param pid of its process
     * @param ports by duty: {@code peer}
     * @param receivedPosition it holds all entries up to here
     * @param executedPosition it has executed all entries up to here
     * @param incarnation which run of it, in hexadecimal
     * @param takeover how it became active, null when it never did
     * @param formerReign the last reign of this process that somebody else ended, null when there was none
     * @param inSyncBackups of an active: the backups of its view, {@code name/incarnation} each, incarnation in hexadecimal;
     *     null for others
     * @param sql of an active: what its SQL sessions asked for; null for others
     */
    @JsonIgnoreProperties(ignoreUnknown = true)
    public record NodeStatus(
            String name,
            String role,
            String state,
            @Nullable String reason,
            boolean inSync,
            long pid,
            Map<String, Integer> ports,
            long receivedPosition,
            long executedPosition,
            long term,
            long version,
            @Nullable String incarnation,
            @Nullable TakeoverStatus takeover,
            @Nullable FormerReign formerReign,
            @Nullable List<String> inSyncBackups,
            long heapUsedBytes,
            long heapMaxBytes,
            @Nullable SqlStatus sql) {
        /** State of a configured node that nobody has seen, or that has gone. */
        static final String GONE = "GONE";

        public NodeStatus {
            ports = ports == null ? Map.of() : Map.copyOf(ports);
        }

        NodeStatus asGone() {
            return new NodeStatus(
                    name, "NONE", GONE, "", false, 0, Map.of(), 0, 0, term, version, null, null, null, null, 0, 0,
                    null);
        }

        NodeStatus withInSync(boolean isInSync) {
            return new NodeStatus(
                    name,
                    role,
                    state,
                    reason,
                    isInSync,
                    pid,
                    ports,
                    receivedPosition,
                    executedPosition,
                    term,
                    version,
                    incarnation,
                    takeover,
                    formerReign,
                    inSyncBackups,
                    heapUsedBytes,
                    heapMaxBytes,
                    sql);
        }
    }

    /**
     * What a node's SQL sessions asked for since the node began.
     *
     * @param statements all, refused ones included
     * @param refused how many were refused for each reason
     */
    @JsonIgnoreProperties(ignoreUnknown = true)
    public record SqlStatus(long statements, Map<String, Long> refused) {
        public SqlStatus {
            refused = refused == null ? Map.of() : Collections.unmodifiableMap(new TreeMap<>(refused));
        }
    }

    /**
     * How a node became active; times are microseconds since 1970.
     *
     * @param term that it opened
     * @param fromName who was active before, null when nobody was
     */
    @JsonIgnoreProperties(ignoreUnknown = true)
    public record TakeoverStatus(
            long term, @Nullable String fromName, long detectedAtMicros, long agreedAtMicros, long promotedAtMicros) {}

    /**
     * One distributor.
     *
     * @param ports by duty: {@code client}
     * @param incarnation which run of it, in hexadecimal
     */
    @JsonIgnoreProperties(ignoreUnknown = true)
    public record DistributorStatus(
            String name,
            String state,
            long pid,
            Map<String, Integer> ports,
            @Nullable String incarnation) {
        public DistributorStatus {
            ports = ports == null ? Map.of() : Map.copyOf(ports);
        }
    }

    /**
     * One arbiter.
     *
     * @param state {@code VOTING}; {@code AWAITING_ADMISSION} with a disk that the register does not name yet (R13);
     *     {@code STARTING}
     * @param ports by duty: {@code peer}
     * @param incarnation which run of it, in hexadecimal
     * @param diskId by which the register knows it, in hexadecimal; null while it starts
     * @param version of the newest view that it holds; 0 without one
     */
    @JsonIgnoreProperties(ignoreUnknown = true)
    public record ArbiterStatus(
            String name,
            String state,
            long pid,
            Map<String, Integer> ports,
            @Nullable String incarnation,
            @Nullable String diskId,
            long version) {
        public ArbiterStatus {
            ports = ports == null ? Map.of() : Map.copyOf(ports);
        }
    }

    /** Reads such a document. @throws IllegalArgumentException when it is none */
    public static ClusterStatus parse(String json) {
        try {
            return JSON.readValue(json, ClusterStatus.class);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("not a status: " + e.getOriginalMessage(), e);
        }
    }

    /** The same, with nodes that do not run shown as gone. */
    ClusterStatus withoutEnded(Predicate<NodeStatus> isRunning) {
        List<NodeStatus> shown =
                nodes.stream().map(n -> isRunning.test(n) ? n : n.asGone()).toList();
        return new ClusterStatus(schema, database, term, active, shown, distributors, arbiters);
    }

    /** The node of that name. */
    public Optional<NodeStatus> node(String name) {
        return nodes.stream().filter(n -> n.name().equals(name)).findFirst();
    }

    /** The node that the view names, if it has said how it is. */
    public Optional<NodeStatus> activeNode() {
        return active == null ? Optional.empty() : node(active);
    }

    /** Nodes other than the active that the view lists. */
    public List<NodeStatus> inSyncBackups() {
        return nodes.stream()
                .filter(n -> n.inSync() && !n.name().equals(active))
                .toList();
    }

    /** Whether the view names an active that works, and that many backups are in sync. */
    public boolean isInSync(int backups) {
        return activeNode().map(n -> n.role().equals("ACTIVE")).orElse(false)
                && inSyncBackups().size() >= backups;
    }
}
