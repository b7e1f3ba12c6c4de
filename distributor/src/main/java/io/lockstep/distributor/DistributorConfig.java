package io.lockstep.distributor;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Settings of one distributor. Immutable, checked together when built.
 *
 * @param name configured name, unique among the processes of the cluster
 * @param cluster id that every frame carries
 * @param listen where clients connect; port 0 picks a free one; null for a distributor inside a client
 * @param nodes addresses of nodes by name, for a directory that never changes; may be empty where members are discovered
 * @param heldRequestsMax requests held for all sessions together, 1 or more
 * @param heldBytesMax bytes of their bodies
 * @param heldRequestsPerSessionMax requests held for one session
 * @param heldBytesPerSessionMax bytes of their bodies
 * @param sessionsMax sessions known at a time
 * @param sessionGrace how long a session whose client vanished is kept before it is closed
 * @param connectionsMax client connections open at a time
 * @param connectionsPerSecond client connections admitted per second; more are closed at once
 * @param reconnectMin first pause before a node is called again
 * @param reconnectMax longest such pause
 */
public record DistributorConfig(
        String name,
        String cluster,
        @Nullable InetSocketAddress listen,
        Map<String, InetSocketAddress> nodes,
        int heldRequestsMax,
        long heldBytesMax,
        int heldRequestsPerSessionMax,
        long heldBytesPerSessionMax,
        int sessionsMax,
        Duration sessionGrace,
        int connectionsMax,
        int connectionsPerSecond,
        Duration reconnectMin,
        Duration reconnectMax) {

    /** @throws IllegalArgumentException naming the setting, its value and what is allowed */
    public DistributorConfig {
        nodes = Map.copyOf(nodes);
        require(!name.isBlank(), "name", name, "a text that is not blank");
        require(!cluster.isBlank(), "cluster", cluster, "a text that is not blank");
        require(heldRequestsMax >= 1, "heldRequestsMax", heldRequestsMax, "1 or more");
        require(heldBytesMax >= 1, "heldBytesMax", heldBytesMax, "1 or more");
        require(
                heldRequestsPerSessionMax >= 1 && heldRequestsPerSessionMax <= heldRequestsMax,
                "heldRequestsPerSessionMax",
                heldRequestsPerSessionMax,
                "1 to heldRequestsMax " + heldRequestsMax);
        require(
                heldBytesPerSessionMax >= 1 && heldBytesPerSessionMax <= heldBytesMax,
                "heldBytesPerSessionMax",
                heldBytesPerSessionMax,
                "1 to heldBytesMax " + heldBytesMax);
        require(sessionsMax >= 1, "sessionsMax", sessionsMax, "1 or more");
        require(isPositive(sessionGrace), "sessionGrace", sessionGrace, "longer than zero");
        require(connectionsMax >= 1, "connectionsMax", connectionsMax, "1 or more");
        require(connectionsPerSecond >= 1, "connectionsPerSecond", connectionsPerSecond, "1 or more");
        require(reconnectMin.compareTo(Duration.ofMillis(1)) >= 0, "reconnectMin", reconnectMin, "1 ms or longer");
        require(
                reconnectMax.compareTo(reconnectMin) > 0,
                "reconnectMax",
                reconnectMax,
                "longer than reconnectMin " + reconnectMin);
    }

    /** Settings under construction, with the defaults of a small installation. */
    public static Builder builder(String name) {
        return new Builder(name);
    }

    private static boolean isPositive(Duration duration) {
        return !duration.isNegative() && !duration.isZero();
    }

    private static void require(boolean holds, String setting, Object value, String allowed) {
        if (!holds) {
            throw new IllegalArgumentException(
                    "distributor setting " + setting + " is " + value + ", but must be " + allowed);
        }
    }

    /** Collects settings; not safe for use by several threads. */
    public static final class Builder {
        private final String name;
        private String cluster = "lockstep";
        private @Nullable InetSocketAddress listen;
        private final Map<String, InetSocketAddress> nodes = new LinkedHashMap<>();
        private int heldRequestsMax = 65_536;
        private long heldBytesMax = 64L << 20;
        private int heldRequestsPerSessionMax = 16_384;
        private long heldBytesPerSessionMax = 32L << 20;
        private int sessionsMax = 65_536;
        private Duration sessionGrace = Duration.ofSeconds(10);
        private int connectionsMax = 4_096;
        private int connectionsPerSecond = 500;
        private Duration reconnectMin = Duration.ofMillis(20);
        private Duration reconnectMax = Duration.ofSeconds(1);

        private Builder(String name) {
            this.name = name;
        }

        /** Default {@code lockstep}. */
        public Builder cluster(String value) {
            cluster = value;
            return this;
        }

        /** Default: no client port. */
        public Builder listen(InetSocketAddress value) {
            listen = value;
            return this;
        }

        /** Adds a node to the fixed directory. */
        public Builder node(String nodeName, InetSocketAddress address) {
            nodes.put(nodeName, address);
            return this;
        }

        /** Defaults 65,536 requests and 64 MiB. The limits for one session shrink along where they would be higher. */
        public Builder held(int requestsMax, long bytesMax) {
            heldRequestsMax = requestsMax;
            heldBytesMax = bytesMax;
            heldRequestsPerSessionMax = Math.min(heldRequestsPerSessionMax, requestsMax);
            heldBytesPerSessionMax = Math.min(heldBytesPerSessionMax, bytesMax);
            return this;
        }

        /** Defaults 16,384 requests and 32 MiB. */
        public Builder heldPerSession(int requestsMax, long bytesMax) {
            heldRequestsPerSessionMax = requestsMax;
            heldBytesPerSessionMax = bytesMax;
            return this;
        }

        /** Default 65,536. */
        public Builder sessionsMax(int value) {
            sessionsMax = value;
            return this;
        }

        /** Default 10 s. */
        public Builder sessionGrace(Duration value) {
            sessionGrace = value;
            return this;
        }

        /** Defaults 4,096 connections at a time, 500 new ones per second. */
        public Builder connections(int max, int perSecond) {
            connectionsMax = max;
            connectionsPerSecond = perSecond;
            return this;
        }

        /** Defaults 20 ms and 1 s. */
        public Builder reconnect(Duration min, Duration max) {
            reconnectMin = min;
            reconnectMax = max;
            return this;
        }

        /**
         * The settings, checked together.
         *
         * @throws IllegalArgumentException naming the setting, its value and what is allowed
         */
        public DistributorConfig build() {
            return new DistributorConfig(
                    name,
                    cluster,
                    listen,
                    nodes,
                    heldRequestsMax,
                    heldBytesMax,
                    heldRequestsPerSessionMax,
                    heldBytesPerSessionMax,
                    sessionsMax,
                    sessionGrace,
                    connectionsMax,
                    connectionsPerSecond,
                    reconnectMin,
                    reconnectMax);
        }
    }
}
