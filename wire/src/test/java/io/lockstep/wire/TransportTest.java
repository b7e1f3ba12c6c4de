package io.lockstep.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Two transports over loopback sockets. */
@Timeout(30)
class TransportTest {
    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final Peer NODE = new Peer("node-1", Peer.Role.NODE, 0x1111);
    private static final Peer CLIENT = new Peer("client", Peer.Role.CLIENT, 0x2222);

    private final Transport server = new Transport(TransportConfig.defaults("test", NODE));
    private final Transport client = new Transport(TransportConfig.defaults("test", CLIENT));
    private final Recorder atServer = new Recorder();
    private final Recorder atClient = new Recorder();

    @AfterEach
    void closeBoth() {
        client.close();
        server.close();
    }

    @Test
    void bothSidesLearnWhoTheOtherIs() throws Exception {
        client.connect(listen(), LIMIT, atClient, atClient);

        assertThat(atClient.opened().peer()).isEqualTo(NODE);
        assertThat(atServer.opened().peer()).isEqualTo(CLIENT);
    }

    @Test
    void closingDoesNotWaitForAListenerThatDoesNotReturn() throws Exception {
        CompletableFuture<String> release = new CompletableFuture<>();
        CompletableFuture<String> isBlocked = new CompletableFuture<>();
        Recorder blocking = new Recorder() {
            @Override
            public void onOpen(Connection connection) {
                isBlocked.complete("by " + connection);
                release.join();
            }
        };
        client.connect(listen(), LIMIT, blocking, blocking);
        assertThat(isBlocked).succeedsWithin(LIMIT);
        try {
            assertThat(CompletableFuture.runAsync(client::close)).succeedsWithin(LIMIT);
        } finally {
            release.complete("now");
        }
    }

    @Test
    void deliversABurstOfFramesInOrder() throws Exception {
        int frames = 100_000;
        client.connect(listen(), LIMIT, atClient, atClient);
        Connection connection = atClient.opened();

        for (int i = 0; i < frames; i++) {
            connection.send(new Frame.Acknowledge(7, i, i, i));
        }

        for (int i = 0; i < frames; i++) {
            assertThat(atServer.frame()).isEqualTo(new Frame.Acknowledge(7, i, i, i));
        }
        assertThat(atServer.incarnations).containsOnly(CLIENT.incarnation());
    }

    @Test
    void framesSentBeforeCloseArriveAndTheReasonFollows() throws Exception {
        client.connect(listen(), LIMIT, atClient, atClient);
        Connection connection = atClient.opened();

        connection.send(new Frame.Prepare(1, new Ballot(1, 2)));
        connection.close("enough");
        connection.close("another reason");
        connection.send(new Frame.Prepare(1, new Ballot(3, 4)));

        assertThat(connection.isOpen()).isFalse();
        assertThat(atServer.frame()).isEqualTo(new Frame.Prepare(1, new Ballot(1, 2)));
        assertThat(atServer.closed()).isEqualTo("the other side said: enough");
        assertThat(atClient.closed()).isEqualTo("enough");
        assertThat(atServer.frames).isEmpty();
    }

    @Test
    void anErrorOnANetworkThreadReachesWhoeverEndsTheProcess() throws Exception {
        BlockingQueue<Throwable> told = new LinkedBlockingQueue<>();
        Thread.UncaughtExceptionHandler before = Thread.getDefaultUncaughtExceptionHandler();
        Thread.setDefaultUncaughtExceptionHandler((thread, failure) -> told.add(failure));
        try {
            OutOfMemoryError error = new OutOfMemoryError("pretended");
            Recorder full = new Recorder() {
                @Override
                public void onFrame(Connection connection, long incarnation, Frame frame) {
                    throw error;
                }
            };
            InetSocketAddress address = server.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), full);
            client.connect(address, LIMIT, atClient, atClient);
            atClient.opened().send(new Frame.StatusAsk(0, "how are you?"));

            assertThat(Recorder.next(told)).isSameAs(error);
            assertThat(atClient.closed()).contains("error of the other side");
        } finally {
            Thread.setDefaultUncaughtExceptionHandler(before);
        }
    }

    @Test
    void aDeadPortIsReportedAsRefusedAtOnce() throws Exception {
        InetSocketAddress dead;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            dead = (InetSocketAddress) socket.getLocalSocketAddress();
        }
        client.connect(dead, LIMIT, atClient, atClient); // the first one also loads classes
        assertThat(atClient.failure().kind()).isEqualTo(ConnectFailure.Kind.REFUSED);

        long beganNs = System.nanoTime();
        client.connect(dead, LIMIT, atClient, atClient);

        assertThat(atClient.failure().kind()).isEqualTo(ConnectFailure.Kind.REFUSED);
        assertThat(Duration.ofNanos(System.nanoTime() - beganNs)).isLessThan(Duration.ofMillis(500));
    }

    @Test
    void aNameThatWasNotLookedUpFails() throws Exception {
        client.connect(InetSocketAddress.createUnresolved("localhost", 1), LIMIT, atClient, atClient);

        assertThat(atClient.failure().kind()).isEqualTo(ConnectFailure.Kind.FAILED);
    }

    @Test
    void aTakenPortIsNamed() {
        InetSocketAddress taken = listen();

        assertThatThrownBy(() -> client.listen(taken, atClient))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining(String.valueOf(taken.getPort()))
                .hasCauseInstanceOf(BindException.class);
    }

    @Test
    void aProcessThatDoesNotGreetIsReportedAsTimedOut() throws Exception {
        try (ServerSocket silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            client.connect(
                    (InetSocketAddress) silent.getLocalSocketAddress(), Duration.ofMillis(100), atClient, atClient);

            assertThat(atClient.failure().kind()).isEqualTo(ConnectFailure.Kind.TIMED_OUT);
        }
    }

    @Test
    void aNewRunGreetsAnewAndClosesWhatWasOpen() throws Exception {
        InetSocketAddress address = listen();
        client.connect(address, LIMIT, atClient, atClient);
        atClient.opened();
        atServer.opened();
        Peer next = new Peer(CLIENT.name(), CLIENT.role(), 0x3333);

        client.self(next);

        assertThat(atServer.closed()).contains("new incarnation");
        client.connect(address, LIMIT, atClient, atClient);
        assertThat(atServer.opened().peer()).isEqualTo(next);
    }

    @Test
    void reconnectsToAPortThatCameBack() throws Exception {
        InetSocketAddress address;
        try (Transport first = new Transport(TransportConfig.defaults("test", NODE))) {
            address = first.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), atServer);
            client.connect(address, LIMIT, atClient, atClient);
            atClient.opened();
        }
        assertThat(atClient.closed()).isEqualTo("the other side said: this process closes");

        server.listen(address, atServer);
        client.connect(address, LIMIT, atClient, atClient);

        assertThat(atClient.opened().isOpen()).isTrue();
    }

    private InetSocketAddress listen() {
        return server.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), atServer);
    }

    /** Keeps what it is told; whoever asks waits for it. */
    static class Recorder implements ConnectionListener, java.util.function.Consumer<ConnectFailure> {
        final BlockingQueue<Connection> opened = new LinkedBlockingQueue<>();
        final BlockingQueue<Frame> frames = new LinkedBlockingQueue<>();
        final BlockingQueue<String> closed = new LinkedBlockingQueue<>();
        final BlockingQueue<ConnectFailure> failures = new LinkedBlockingQueue<>();
        final BlockingQueue<Connection> writable = new LinkedBlockingQueue<>();
        final List<Long> incarnations = java.util.Collections.synchronizedList(new ArrayList<>());

        final AtomicInteger openedCount = new AtomicInteger();
        final AtomicInteger closedCount = new AtomicInteger();

        @Override
        public void onOpen(Connection connection) {
            openedCount.incrementAndGet();
            opened.add(connection);
        }

        @Override
        public void onFrame(Connection connection, long incarnation, Frame frame) {
            incarnations.add(incarnation);
            frames.add(frame);
        }

        @Override
        public void onClosed(Connection connection, String reason) {
            closedCount.incrementAndGet();
            closed.add(reason);
        }

        @Override
        public void onWritable(Connection connection) {
            writable.add(connection);
        }

        @Override
        public void accept(ConnectFailure failure) {
            failures.add(failure);
        }

        Connection opened() throws InterruptedException {
            return next(opened);
        }

        Frame frame() throws InterruptedException {
            return next(frames);
        }

        String closed() throws InterruptedException {
            return next(closed);
        }

        ConnectFailure failure() throws InterruptedException {
            return next(failures);
        }

        static <T> T next(BlockingQueue<T> queue) throws InterruptedException {
            T next = queue.poll(20, TimeUnit.SECONDS);
            assertThat(next).as("arrived in time").isNotNull();
            return java.util.Objects.requireNonNull(next);
        }
    }
}
