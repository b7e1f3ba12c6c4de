package io.lockstep.wire;

import java.time.Duration;

/**
 * Settings of a {@link Transport}, checked when built.
 *
 * @param cluster name of the cluster, 1 to {@link Limits#NAME_MAX_BYTES} bytes; processes of different clusters refuse
 *     each other
 * @param self who we are in our greetings
 * @param maxFrameBytes longest frame that is sent or accepted, 64 KiB to 1 GiB
 * @param handshakeLimit an accepted connection whose greeting is not complete by then is closed, 10 ms to 1 minute
 * @param maxConnections accepted connections at a time, 1 or more
 * @param outboundBufferMaxBytes a peer that leaves more waiting is disconnected; at least two longest frames
 * @param outboundTotalMaxBytes when more waits for all peers together, the one that leaves the most waiting is
 *     disconnected; at least outboundBufferMaxBytes
 */
public record TransportConfig(
        String cluster,
        Peer self,
        int maxFrameBytes,
        Duration handshakeLimit,
        int maxConnections,
        int outboundBufferMaxBytes,
        long outboundTotalMaxBytes) {

    private static final int FRAME_LEAST_BYTES = 64 << 10;
    private static final int FRAME_MOST_BYTES = 1 << 30;

    /**
     * Checks every setting.
     *
     * @throws IllegalArgumentException naming the setting, its value and its range
     */
    public TransportConfig {
        Texts.checkName("cluster", cluster);
        Texts.checkName("self.name", self.name());
        check(
                maxFrameBytes >= FRAME_LEAST_BYTES && maxFrameBytes <= FRAME_MOST_BYTES,
                "maxFrameBytes",
                maxFrameBytes,
                "64 KiB to 1 GiB");
        check(
                handshakeLimit.compareTo(Duration.ofMillis(10)) >= 0
                        && handshakeLimit.compareTo(Duration.ofMinutes(1)) <= 0,
                "handshakeLimit",
                handshakeLimit,
                "10 ms to 1 minute");
        check(maxConnections >= 1, "maxConnections", maxConnections, "1 or more");
        check(
                outboundBufferMaxBytes >= 2L * maxFrameBytes,
                "outboundBufferMaxBytes",
                outboundBufferMaxBytes,
                "at least twice maxFrameBytes (" + maxFrameBytes + ")");
        check(
                outboundTotalMaxBytes >= outboundBufferMaxBytes,
                "outboundTotalMaxBytes",
                outboundTotalMaxBytes,
                "at least outboundBufferMaxBytes (" + outboundBufferMaxBytes + ")");
    }

    /** The same with a quarter of the heap for what waits for all peers together, if one peer may not have more. */
    public TransportConfig(
            String cluster,
            Peer self,
            int maxFrameBytes,
            Duration handshakeLimit,
            int maxConnections,
            int outboundBufferMaxBytes) {
        this(
                cluster,
                self,
                maxFrameBytes,
                handshakeLimit,
                maxConnections,
                outboundBufferMaxBytes,
                Math.max(quarterOfHeapBytes(), outboundBufferMaxBytes));
    }

    /** A quarter of the most memory that this process may have: so much may wait for slow peers. */
    public static long quarterOfHeapBytes() {
        return Runtime.getRuntime().maxMemory() / 4;
    }

    /** The defaults: frames up to 4 MiB, 5 s to greet, 1,024 connections, 64 MiB outbound for each of them, a quarter of the heap for all. */
    public static TransportConfig defaults(String cluster, Peer self) {
        return new TransportConfig(
                cluster, self, Limits.FRAME_MAX_BYTES_DEFAULT, Duration.ofSeconds(5), 1024, 64 << 20);
    }

    private static void check(boolean condition, String setting, Object value, String range) {
        if (!condition) {
            throw new IllegalArgumentException(setting + " is " + value + "; it must be " + range);
        }
    }
}
