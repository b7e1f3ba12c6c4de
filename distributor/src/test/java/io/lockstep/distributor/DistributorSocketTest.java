package io.lockstep.distributor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockstep.distributor.LockstepException.Outcome;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Connection;
import io.lockstep.wire.ConnectionListener;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Peer;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import io.lockstep.wire.Transport;
import io.lockstep.wire.TransportConfig;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The shipped client and distributor through real sockets, with a node that follows the protocol behind them. */
@Timeout(60)
class DistributorSocketTest {
    private final ModelStore store = new ModelStore();
    private final List<AutoCloseable> open = new ArrayList<>();

    @AfterEach
    void close() throws Exception {
        for (int i = open.size() - 1; i >= 0; i--) {
            open.get(i).close();
        }
    }

    @Test
    void goesOnAcrossATakeoverOverTheNetwork() {
        SocketNode a = node("a");
        SocketNode b = node("b");
        a.promote(1);
        LockstepClient client = open(client(distributor(config(a, b))));
        List<TermChange> changes = new ArrayList<>();
        client.onTermChange(changes::add);
        LockstepTransaction transaction = client.begin(bytes("one"));
        assertThat(text(transaction.firstAnswer())).isEqualTo("did one");
        assertThat(text(transaction.send(bytes("two")))).isEqualTo("did two");
        a.holdsAnswers = true;
        CompletableFuture<byte[]> pending =
                transaction.sendAsync(bytes("three")).toCompletableFuture();
        await(() -> store.log().size() == 5);
        b.promote(2);
        assertThat(text(pending.join())).isEqualTo("did three");
        assertThat(text(transaction.end(bytes("four")))).isEqualTo("did four");
        assertThat(text(client.read(bytes("five")))).isEqualTo("did five");
        assertThat(client.term()).isEqualTo(2);
        assertThat(changes).extracting(TermChange::term).containsExactly(2L);
        assertThat(client.digestAsync().toCompletableFuture().join().position()).isEqualTo(8);
        assertThat(client.inFlight()).isZero();
        client.close();
        assertThat(store.sessionCount()).isZero();
    }

    @Test
    void servesAClientInTheSameProcess() {
        SocketNode a = node("a");
        a.promote(1);
        DistributorConfig inside =
                DistributorConfig.builder("inside").node("a", a.address).build();
        LockstepClient client = open(LockstepClient.builder().embedded(inside).open());
        LockstepTransaction transaction = client.begin(bytes("one"));
        assertThat(text(transaction.end(bytes("two")))).isEqualTo("did two");
        assertThatThrownBy(() -> transaction.send(bytes("three")))
                .isInstanceOfSatisfying(LockstepException.class, e -> {
                    assertThat(e.outcome()).isEqualTo(Outcome.NOT_EXECUTED);
                    assertThat(e.code()).isEqualTo(AnswerCode.TRANSACTION_ENDED);
                });
        client.close();
        assertThat(store.sessionCount()).isZero();
        assertThatThrownBy(() -> client.begin(bytes("late"))).isInstanceOf(LockstepException.class);
    }

    @Test
    void movesToTheOtherDistributorWhenOneEnds() {
        SocketNode a = node("a");
        a.promote(1);
        Distributor first = distributor(config(a));
        Distributor second = distributor(config(a));
        LockstepClient client = open(client(first, second));
        LockstepTransaction transaction = client.begin(bytes("one"));
        first.close();
        assertThat(text(transaction.send(bytes("two")))).isEqualTo("did two");
        assertThat(second.clients()).isEqualTo(1);
    }

    @Test
    void keepsTheOrderOfManyRequestsInFlight() {
        SocketNode a = node("a");
        a.promote(1);
        LockstepClient client = open(client(distributor(config(a))));
        int count = 20_000;
        List<CompletableFuture<LockstepTransaction>> begun = new ArrayList<>();
        long startNs = System.nanoTime();
        for (int i = 0; i < count; i++) {
            begun.add(client.beginAsync(bytes("m" + i)).toCompletableFuture());
        }
        CompletableFuture.allOf(begun.toArray(CompletableFuture[]::new)).join();
        long ms = Math.max(1, (System.nanoTime() - startNs) / 1_000_000);
        System.out.println("pipelined: " + count * 1_000L / ms + " requests/s through sockets");
        for (int i = 0; i < count; i++) {
            assertThat(begun.get(i).join().id()).isEqualTo(i + 1);
        }
    }

    @Test
    void saysWhyASessionCannotBeOpened() {
        assertThatThrownBy(() -> LockstepClient.builder()
                        .distributors(List.of(new InetSocketAddress("127.0.0.1", 1)))
                        .connectTimeout(Duration.ofMillis(400))
                        .open())
                .isInstanceOf(LockstepException.class)
                .hasMessageContaining("no distributor could be reached")
                .hasMessageContaining("127.0.0.1:1");
        SocketNode a = node("a");
        Distributor distributor = distributor(config(a));
        assertThatThrownBy(() -> LockstepClient.builder()
                        .distributors(List.of(address(distributor)))
                        .connectTimeout(Duration.ofMillis(400))
                        .open())
                .isInstanceOf(LockstepException.class)
                .hasMessageContaining("no active answered");
    }

    @Test
    void garbageAndOversizeFramesOnTheClientPortHarmNobody() throws IOException {
        SocketNode a = node("a");
        a.promote(1);
        Distributor distributor = distributor(config(a));
        LockstepClient client = open(client(distributor));
        List<byte[]> bad = List.of(
                bytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
                new byte[] {0x7f, (byte) 0xff, (byte) 0xff, (byte) 0xff, 1, 2, 3, 4, 5, 6, 7, 8},
                new byte[] {(byte) 0xff, (byte) 0xff, (byte) 0xff, (byte) 0xff, 1, 2, 3, 4, 5, 6, 7, 8},
                new byte[64]);
        for (byte[] garbage : bad) {
            try (Socket socket = new Socket("127.0.0.1", address(distributor).getPort())) {
                socket.setSoTimeout(10_000);
                socket.getOutputStream().write(garbage);
                socket.getOutputStream().flush();
                assertThat(isClosed(socket)).as("closed after garbage").isTrue();
            }
        }
        assertThat(text(client.begin(bytes("still")).firstAnswer())).isEqualTo("did still");
    }

    @Test
    void aFloodOfConnectionsIsRefusedAndThoseInsideAreServed() throws InterruptedException {
        SocketNode a = node("a");
        a.promote(1);
        Distributor distributor = distributor(DistributorConfig.builder("d")
                .listen(new InetSocketAddress("127.0.0.1", 0))
                .node("a", a.address)
                .connections(40, 10)
                .build());
        LockstepClient client = open(client(distributor));
        int callers = 60;
        Flood flood = new Flood(distributor, callers);
        flood.await();
        assertThat(flood.refusedForRate.get()).as("refused by the rate").isGreaterThanOrEqualTo(callers - 31);
        assertThat(distributor.clients()).isLessThanOrEqualTo(31);
        assertThat(text(client.begin(bytes("still")).firstAnswer())).isEqualTo("did still");
    }

    @Test
    void moreClientsThanPlacesAreRefused() throws InterruptedException {
        SocketNode a = node("a");
        a.promote(1);
        Distributor distributor = distributor(DistributorConfig.builder("d")
                .listen(new InetSocketAddress("127.0.0.1", 0))
                .node("a", a.address)
                .connections(5, 10_000)
                .build());
        LockstepClient client = open(client(distributor));
        Flood flood = new Flood(distributor, 30);
        flood.await();
        assertThat(flood.refusedForPlaces.get())
                .as("refused for want of a place")
                .isEqualTo(26);
        assertThat(distributor.clients()).isEqualTo(5);
        assertThat(text(client.begin(bytes("still")).firstAnswer())).isEqualTo("did still");
        flood.close();
        await(() -> distributor.clients() == 1);
        assertThat(text(open(client(distributor)).begin(bytes("room again")).firstAnswer()))
                .isEqualTo("did room again");
    }

    @Test
    void aClientThatReadsNothingIsDisconnectedAndOthersAreServed() throws InterruptedException {
        SocketNode a = node("a");
        a.promote(1);
        Distributor distributor = distributor(config(a));
        LockstepClient client = open(client(distributor));
        CountDownLatch closed = new CountDownLatch(1);
        Transport slow = transport("slow", "lockstep");
        CountDownLatch blockade = new CountDownLatch(1);
        open.add(blockade::countDown);
        CompletableFuture<Connection> opened = new CompletableFuture<>();
        slow.connect(
                address(distributor),
                Duration.ofSeconds(5),
                new ConnectionListener() {
                    @Override
                    public void onOpen(Connection connection) {
                        opened.complete(connection);
                    }

                    @Override
                    public void onFrame(Connection connection, long incarnation, Frame frame) {
                        if (frame instanceof Frame.Reply reply && reply.answer().requestId() == 0) {
                            return;
                        }
                        try {
                            blockade.await();
                        } catch (InterruptedException e) {
                            Thread.currentThread().interrupt();
                        }
                    }

                    @Override
                    public void onClosed(Connection connection, String reason) {
                        closed.countDown();
                    }
                },
                failure -> opened.completeExceptionally(new IOException(failure.text())));
        Connection connection = opened.join();
        Identity provisional = Identity.provisional(77);
        connection.send(new Frame.Ask(0, request(provisional, 0, RequestKind.OPEN, "")));
        await(() -> store.sessionCount() == 2);
        Identity session = new Identity(1, store.log().size());
        a.readsAnsweredTogether = 48;
        for (int i = 1; i <= 48; i++) {
            connection.send(new Frame.Ask(0, request(session, i, RequestKind.READ, "big")));
        }
        await(() -> distributor.clients() == 1);
        assertThat(text(client.begin(bytes("still")).firstAnswer())).isEqualTo("did still");
        blockade.countDown();
        assertThat(closed.await(10, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void anotherClusterIsRefused() {
        SocketNode a = node("a");
        a.promote(1);
        Distributor distributor = distributor(config(a));
        assertThatThrownBy(() -> LockstepClient.builder()
                        .cluster("elsewhere")
                        .distributors(List.of(address(distributor)))
                        .connectTimeout(Duration.ofMillis(500))
                        .open())
                .isInstanceOf(LockstepException.class)
                .hasMessageContaining("cluster");
    }

    @Test
    void aNodeWhoseConnectionsKeepBreakingIsLeftAlone() {
        SocketNode a = node("a");
        SocketNode flapping = node("b");
        flapping.closesAtOnce = true;
        a.promote(1);
        LockstepClient client = open(client(distributor(config(a, flapping))));
        await(() -> flapping.opened.get() >= 8);
        int before = flapping.opened.get();
        long endNs = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(1_500);
        while (System.nanoTime() < endNs) {
            assertThat(text(client.begin(bytes("on")).firstAnswer())).isEqualTo("did on");
        }
        assertThat(flapping.opened.get() - before)
                .as("calls while its breaker is open")
                .isLessThanOrEqualTo(1);
        flapping.closesAtOnce = false;
        a.connections.forEach(connection ->
                connection.send(new Frame.ViewNotice(2, 2, flapping.member))); // a hint: it is called at once
        await(() -> !flapping.connections.isEmpty());
    }

    @Test
    void aNodeThatIsAwayIsCalledAfterGrowingPauses() {
        SocketNode away = node("b");
        away.closesAtOnce = true;
        open(new Distributor(
                DistributorConfig.builder("d")
                        .node("b", away.address)
                        .reconnect(Duration.ofMillis(200), Duration.ofSeconds(5))
                        .build(),
                7,
                null,
                DistributorHooks.none()));
        await(() -> away.opened.get() >= 1);
        long endNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(1);
        await(() -> System.nanoTime() >= endNs);
        assertThat(away.opened.get()).as("calls within a second").isLessThanOrEqualTo(7);
    }

    @Test
    void statusIsAnsweredByTheProcessAround() {
        SocketNode a = node("a");
        Distributor distributor = new Distributor(
                config(a),
                7,
                null,
                new DistributorHooks(
                        question -> "{\"you asked\":\"" + question + "\"}", (frame, reply) -> {}, e -> {}));
        open.add(distributor);
        Transport admin = new Transport(TransportConfig.defaults("lockstep", new Peer("me", Peer.Role.ADMIN, 9)));
        open.add(admin);
        CompletableFuture<String> answer = new CompletableFuture<>();
        admin.connect(
                address(distributor),
                Duration.ofSeconds(5),
                new ConnectionListener() {
                    @Override
                    public void onOpen(Connection connection) {
                        connection.send(new Frame.StatusAsk(0, "status"));
                    }

                    @Override
                    public void onFrame(Connection connection, long incarnation, Frame frame) {
                        if (frame instanceof Frame.StatusReply reply) {
                            answer.complete(reply.json());
                        }
                    }

                    @Override
                    public void onClosed(Connection connection, String reason) {}
                },
                failure -> answer.completeExceptionally(new IOException(failure.text())));
        assertThat(answer.join()).isEqualTo("{\"you asked\":\"status\"}");
    }

    // ---- help -----------------------------------------------------------------------------------------------------

    /** Callers that only greet, and stay. */
    private final class Flood implements ConnectionListener, AutoCloseable {
        final AtomicInteger refusedForRate = new AtomicInteger();
        final AtomicInteger refusedForPlaces = new AtomicInteger();
        private final CountDownLatch decided;
        private final Transport transport;

        Flood(Distributor distributor, int callers) {
            decided = new CountDownLatch(callers);
            transport = transport("flood", "lockstep");
            for (int i = 0; i < callers; i++) {
                transport.connect(address(distributor), Duration.ofSeconds(10), this, failure -> {
                    count(failure.text());
                    decided.countDown();
                });
            }
        }

        void await() throws InterruptedException {
            decided.await(2, TimeUnit.SECONDS); // those let in are never decided
        }

        private void count(String reason) {
            if (reason.contains("within a second")) {
                refusedForRate.incrementAndGet();
            } else if (reason.contains("clients are connected")) {
                refusedForPlaces.incrementAndGet();
            }
        }

        @Override
        public void onOpen(Connection connection) {}

        @Override
        public void onFrame(Connection connection, long incarnation, Frame frame) {}

        @Override
        public void onClosed(Connection connection, String reason) {
            count(reason);
            decided.countDown();
        }

        @Override
        public void close() {
            transport.close();
        }
    }

    private SocketNode node(String name) {
        return open(new SocketNode(name, 100 + name.charAt(0), store, 0));
    }

    private Distributor distributor(DistributorConfig config) {
        return open(new Distributor(config, 7, null, DistributorHooks.none()));
    }

    private static DistributorConfig config(SocketNode... nodes) {
        DistributorConfig.Builder builder =
                DistributorConfig.builder("d").listen(new InetSocketAddress("127.0.0.1", 0));
        for (SocketNode node : nodes) {
            builder.node(node.member.name(), node.address);
        }
        return builder.build();
    }

    private static InetSocketAddress address(Distributor distributor) {
        return java.util.Objects.requireNonNull(distributor.clientAddress());
    }

    private LockstepClient client(Distributor... distributors) {
        return LockstepClient.builder()
                .distributors(java.util.Arrays.stream(distributors)
                        .map(DistributorSocketTest::address)
                        .toList())
                .label("test")
                .open();
    }

    private Transport transport(String name, String cluster) {
        return open(new Transport(TransportConfig.defaults(cluster, new Peer(name, Peer.Role.CLIENT, 5))));
    }

    private static Request request(Identity session, long id, RequestKind kind, String body) {
        return new Request(session, 1, id, kind, 0, 0, 0, Identity.NONE, 60_000, false, bytes(body));
    }

    private static boolean isClosed(Socket socket) throws IOException {
        InputStream in = socket.getInputStream();
        try {
            return in.transferTo(OutputStream.nullOutputStream()) >= 0;
        } catch (java.net.SocketException reset) {
            return true;
        }
    }

    private static void await(BooleanSupplier condition) {
        Awaitility.await().atMost(Duration.ofSeconds(20)).until(condition::getAsBoolean);
    }

    private <X extends AutoCloseable> X open(X resource) {
        open.add(resource);
        return resource;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
