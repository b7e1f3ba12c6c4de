package io.lockstep.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.wire.TransportTest.Recorder;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Whoever does not speak our protocol is told so and closed; the port and its other connections go on. */
@Timeout(60)
class HostilePeerTest {
    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final Duration GREETING_LIMIT = Duration.ofSeconds(1);
    private static final int CONNECTIONS_MAX = 3;
    private static final int FRAME_MAX_BYTES = 64 << 10;
    private static final int OUTBOUND_MAX_BYTES = 4 << 20;
    private static final long OUTBOUND_TOTAL_MAX_BYTES = OUTBOUND_MAX_BYTES + (1 << 20);
    private static final Peer NODE = new Peer("node-1", Peer.Role.NODE, 0x1111);
    private static final Peer CLIENT = new Peer("client", Peer.Role.CLIENT, 0x2222);

    private final Transport server = new Transport(new TransportConfig(
            "test",
            NODE,
            FRAME_MAX_BYTES,
            GREETING_LIMIT,
            CONNECTIONS_MAX,
            OUTBOUND_MAX_BYTES,
            OUTBOUND_TOTAL_MAX_BYTES));
    private final Transport client = new Transport(TransportConfig.defaults("test", CLIENT));
    private final Recorder atServer = new Recorder();
    private final Recorder atClient = new Recorder();

    private InetSocketAddress address;
    private Connection wellBehaved;

    @BeforeEach
    void connectSomebodyWellBehaved() throws Exception {
        address = server.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), atServer);
        client.connect(address, LIMIT, atClient, atClient);
        wellBehaved = atClient.opened();
        atServer.opened();
    }

    @AfterEach
    void theOthersWereNotAffected() throws Exception {
        Frame frame = new Frame.StatusAsk(0, "still there?");
        wellBehaved.send(frame);
        assertThat(atServer.frame()).isEqualTo(frame);
        client.close();
        server.close();
        assertThat(atClient.closedCount.get()).isEqualTo(atClient.openedCount.get());
        assertThat(atServer.closedCount.get()).isEqualTo(atServer.openedCount.get());
    }

    static List<Arguments> garbage() {
        byte[] greeting = bytes(new Frame.Hello(0, CLIENT), "test");
        byte[] damaged = greeting.clone();
        damaged[damaged.length - 1] ^= 1;
        return List.of(
                Arguments.of("an HTTP request", text("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), "look like HTTP"),
                Arguments.of("a TLS greeting", new byte[] {0x16, 3, 1, 2, 0, 1, 0, 1, (byte) 0xFC, 3, 3}, "like TLS"),
                Arguments.of("an SSH greeting", text("SSH-2.0-OpenSSH_9.2\r\n"), "look like SSH"),
                Arguments.of("random bytes", new RandomFrames(7).bytes(1000), "is not within"),
                Arguments.of("length 2^31-1", new byte[] {0x7F, -1, -1, -1, 0, 0}, "frame length 2147483647"),
                Arguments.of("a negative length", new byte[] {-1, -1, -1, -2, 0, 0}, "frame length -2"),
                Arguments.of("a greeting of a megabyte", new byte[] {0, 16, 0, 0, 0, 0}, "frame length 1048576"),
                Arguments.of("an older version", withVersion(greeting, 0), "protocol version 0 is not spoken"),
                Arguments.of("a newer version", withVersion(greeting, 2), "protocol version 2 is not spoken"),
                Arguments.of("another cluster", bytes(new Frame.Hello(0, CLIENT), "other"), "another cluster"),
                Arguments.of("a damaged greeting", damaged, "checksum"),
                Arguments.of("a borrowed incarnation", bytes(new Frame.Hello(0, NODE), "test"), "incarnations"),
                Arguments.of("no greeting", bytes(new Frame.Follow(1, 1, 1), "test"), "begins with a greeting"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("garbage")
    void isToldWhatIsWrongAndClosed(String what, byte[] bytes, String text) throws Exception {
        try (Socket socket = open(bytes)) {
            assertThat(farewell(socket)).as(what).contains("protocol version 1").contains(text);
        }
        assertThat(atServer.opened).isEmpty();
        assertThat(atServer.closed).isEmpty();
        assertThat(server.refusedConnections()).isEqualTo(1);
    }

    @Test
    void garbageAfterTheGreetingEndsTheConnectionOnce() throws Exception {
        try (Socket socket = open(bytes(new Frame.Hello(0, CLIENT), "test"))) {
            atServer.opened();
            socket.getOutputStream().write(new byte[] {0x7F, -1, -1, -1});
            assertThat(farewell(socket)).contains("frame length 2147483647 is not within 30 to 65532");
        }
        assertThat(atServer.closed()).contains("frame length 2147483647");
        assertThat(atServer.closed).isEmpty();
    }

    @Test
    void aFrameOfAnotherIncarnationIsRefused() throws Exception {
        try (Socket socket = open(bytes(new Frame.Hello(0, CLIENT), "test"))) {
            ByteBuf frame = Unpooled.buffer();
            new FrameWriter("test", 0x9999, FRAME_MAX_BYTES).write(new Frame.Follow(1, 1, 1), frame);
            socket.getOutputStream().write(ByteBufUtil.getBytes(frame));
            assertThat(farewell(socket)).contains("incarnation changed from 2222 to 9999");
        }
        assertThat(atServer.frames).isEmpty();
    }

    @Test
    void whoDoesNotFinishItsGreetingIsClosedAtTheLimit() throws Exception {
        long beganNs = System.nanoTime();
        byte[] greeting = bytes(new Frame.Hello(0, CLIENT), "test");
        try (Socket silent = open(new byte[0]);
                Socket slow = open(Arrays.copyOf(greeting, greeting.length - 1))) {
            assertThat(farewell(silent)).contains("no greeting came in time");
            assertThat(farewell(slow)).contains("no greeting came in time");
        }
        assertThat(Duration.ofNanos(System.nanoTime() - beganNs)).isBetween(GREETING_LIMIT, LIMIT);
    }

    @Test
    void connectionsAboveTheLimitAreToldAndThoseBelowGoOn() throws Exception {
        client.connect(address, LIMIT, atClient, atClient);
        Connection second = atClient.opened();
        client.connect(address, LIMIT, atClient, atClient);
        atClient.opened();

        client.connect(address, LIMIT, atClient, atClient);
        ConnectFailure failure = atClient.failure();

        assertThat(failure.kind()).isEqualTo(ConnectFailure.Kind.FAILED);
        assertThat(failure.text()).contains("too many connections: 3 are open");
        second.close("makes room");
        assertThat(atClient.closed()).isEqualTo("makes room");
        assertThat(connectsWhenThereIsRoom()).isTrue();
    }

    /** The closed socket counts until the server has seen the other side's end of it, so the first attempts may fail. */
    private boolean connectsWhenThereIsRoom() throws Exception {
        BlockingQueue<Boolean> outcomes = new LinkedBlockingQueue<>();
        Recorder attempt = new Recorder() {
            @Override
            public void onOpen(Connection connection) {
                outcomes.add(true);
            }
        };
        for (int i = 0; i < 1_000; i++) {
            client.connect(address, LIMIT, attempt, failure -> outcomes.add(false));
            if (Recorder.next(outcomes)) {
                return true;
            }
        }
        return false;
    }

    @Test
    void aFloodOfConnectionsIsRefusedAndTheOthersGoOn() throws Exception {
        int flood = 300;
        Socket[] sockets = new Socket[flood];
        for (int i = 0; i < flood; i++) {
            sockets[i] = open(new byte[0]);
        }
        for (Socket socket : sockets) {
            assertThat(farewell(socket))
                    .satisfiesAnyOf(
                            text -> assertThat(text).contains("too many connections"),
                            text -> assertThat(text).contains("no greeting came in time"),
                            text -> assertThat(text).isEmpty());
            socket.close();
        }
        assertThat(server.refusedConnections()).isEqualTo(flood);
    }

    @Test
    void whoNeverReadsIsClosedWhenItsBufferIsFull() throws Exception {
        try (Socket socket = open(bytes(new Frame.Hello(0, CLIENT), "test"))) {
            Connection deaf = atServer.opened();
            Frame piece = new Frame.CopyChunk(1, 1, 1, false, new byte[FRAME_MAX_BYTES / 2]);
            while (deaf.isOpen() && deaf.isWritable()) {
                deaf.send(piece);
            }
            assertThat(deaf.isOpen()).isTrue();
            while (deaf.isOpen()) {
                deaf.send(piece);
            }
            assertThat(atServer.closed()).contains("does not read");
            assertThat(socket.isClosed()).isFalse();
        }
    }

    /** Until as much waits as may before others are asked to hold back, and the operating system takes no more of it. */
    private static void fill(Connection connection, Frame piece) throws Exception {
        Channel channel = ((ChannelConnection) connection).channel();
        boolean isTaken = true;
        while (isTaken || connection.isWritable()) {
            while (connection.isWritable()) {
                connection.send(piece);
            }
            // Asked between two turns of the network thread: then what it could write it has written.
            isTaken = channel.eventLoop().submit(channel::isWritable).get();
        }
    }

    @Test
    void whenAllTogetherLeaveTooMuchWaitingTheGreediestIsClosedAndTheOthersGoOn() throws Exception {
        try (Socket modest = open(bytes(new Frame.Hello(0, CLIENT), "test"));
                Socket greedy = open(bytes(new Frame.Hello(0, CLIENT), "test"))) {
            Connection one = atServer.opened();
            Connection other = atServer.opened();
            Frame piece = new Frame.CopyChunk(1, 1, 1, false, new byte[FRAME_MAX_BYTES / 2]);
            // Most of the limit of one peer each, which together is more than the limit of all.
            fill(one, piece);
            while (other.isOpen()) {
                other.send(piece);
            }
            assertThat(atServer.closed())
                    .contains("of all connections", OUTBOUND_TOTAL_MAX_BYTES + " wait together", "connect again");
            assertThat(one.isOpen()).isTrue();

            // What the closed one left waiting is forgotten, so that there is room for the next.
            try (Socket next = open(bytes(new Frame.Hello(0, CLIENT), "test"))) {
                Connection third = atServer.opened();
                fill(third, piece);
                assertThat(third.isOpen()).isTrue();
                assertThat(one.isOpen()).isTrue();
                assertThat(List.of(modest, greedy, next)).noneMatch(Socket::isClosed);
            }
        }
    }

    @Test
    void whoReadsAgainIsWritableAgain() throws Exception {
        try (Socket socket = open(bytes(new Frame.Hello(0, CLIENT), "test"))) {
            Connection slow = atServer.opened();
            Frame piece = new Frame.CopyChunk(1, 1, 1, false, new byte[FRAME_MAX_BYTES / 2]);
            while (slow.isWritable()) {
                slow.send(piece);
            }
            assertThat(atServer.writable).isEmpty();

            Thread reader = new Thread(() -> readUntilClosed(socket), "reads again");
            reader.start();

            assertThat(Recorder.next(atServer.writable)).isSameAs(slow);
            assertThat(slow.isWritable()).isTrue();
            assertThat(slow.isOpen()).isTrue();
        }
        assertThat(atServer.closed()).isNotBlank();
        assertThat(atServer.closed).isEmpty();
    }

    private static void readUntilClosed(Socket socket) {
        try {
            socket.getInputStream().transferTo(OutputStream.nullOutputStream());
        } catch (IOException closed) {
            assertThat(socket.isClosed()).isTrue();
        }
    }

    private Socket open(byte[] firstBytes) throws IOException {
        Socket socket = new Socket(address.getAddress(), address.getPort());
        socket.setSoTimeout((int) LIMIT.toMillis());
        socket.getOutputStream().write(firstBytes);
        return socket;
    }

    /** Reads to the end. @return the reason of the goodbye, which is the last frame; empty if there is none */
    private static String farewell(Socket socket) throws IOException {
        ByteBuf received;
        try {
            received = Unpooled.wrappedBuffer(socket.getInputStream().readAllBytes());
        } catch (java.net.SocketException reset) {
            return ""; // closed without a word
        }
        FrameReader reader = new FrameReader("test", FRAME_MAX_BYTES);
        String reason = "";
        while (received.isReadable()) {
            Frame frame = Objects.requireNonNull(reader.read(received), "no frame is cut off");
            reason = frame instanceof Frame.Goodbye goodbye ? goodbye.reason() : "";
        }
        return reason;
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] bytes(Frame frame, String cluster) {
        ByteBuf buffer = Unpooled.buffer();
        new FrameWriter(cluster, CLIENT.incarnation(), FRAME_MAX_BYTES).write(frame, buffer);
        return ByteBufUtil.getBytes(buffer);
    }

    private static byte[] withVersion(byte[] greeting, int version) {
        byte[] other = greeting.clone();
        other[EnvelopeView.VERSION_OFFSET] = (byte) version;
        return other;
    }
}
