package io.lockstep.distributor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.lockstep.distributor.LockstepException.Outcome;
import io.lockstep.wire.RequestKind;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Sessions without a thread of their own, through a shipped distributor and real sockets. */
@Timeout(60)
class DirectSessionTest {
    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final long TIMEOUT_NS = TimeUnit.SECONDS.toNanos(5);

    private final ModelStore store = new ModelStore();
    private final List<AutoCloseable> open = new ArrayList<>();

    @AfterEach
    void close() throws Exception {
        for (int i = open.size() - 1; i >= 0; i--) {
            open.get(i).close();
        }
    }

    @Test
    void asksInOrderAndGoesOnAcrossATakeover() {
        SocketNode a = node("a");
        SocketNode b = node("b");
        a.promote(1);
        DirectSession session = session(distributor(a, b));
        assertThat(text(session.ask(RequestKind.BEGIN, bytes("one"), TIMEOUT_NS)))
                .isEqualTo("did one");
        a.holdsAnswers = true;
        DirectSession.Call pending = session.submit(RequestKind.BEGIN, bytes("two"), TIMEOUT_NS);
        assertThat(pending.requestId()).isEqualTo(2);
        CompletableFuture<Ending> ending = CompletableFuture.supplyAsync(() -> session.await(pending));
        b.promote(2);
        assertThat(text(ending.join())).isEqualTo("did two");
        assertThat(text(session.ask(RequestKind.READ, bytes("three"), TIMEOUT_NS)))
                .isEqualTo("did three");
        assertThat(session.term()).isEqualTo(2);
        assertThat(session.takeovers()).isEqualTo(1);
        session.close();
        assertThat(store.sessionCount()).isZero();
        assertThat(session.ask(RequestKind.READ, bytes("late"), TIMEOUT_NS).problem())
                .isEqualTo(Outcome.NOT_EXECUTED);
    }

    @Test
    void movesToTheOtherDistributorWhenOneEnds() {
        SocketNode a = node("a");
        a.promote(1);
        Distributor first = distributor(a);
        Distributor second = distributor(a);
        DirectSession session = session(first, second);
        assertThat(text(session.ask(RequestKind.BEGIN, bytes("one"), TIMEOUT_NS)))
                .isEqualTo("did one");
        first.close();
        assertThat(text(session.ask(RequestKind.BEGIN, bytes("two"), TIMEOUT_NS)))
                .isEqualTo("did two");
        assertThat(second.clients()).isEqualTo(1);
    }

    @Test
    void findsTheActiveAmongTheNodesAndTheNextOneWhenItEnds() {
        SocketNode a = node("a");
        SocketNode b = node("b");
        SocketNode c = node("c");
        b.promote(1);
        DirectSession session = openAtNodes(a.address, b.address, c.address);
        assertThat(session.active()).isEqualTo("b");
        assertThat(text(session.ask(RequestKind.BEGIN, bytes("one"), TIMEOUT_NS)))
                .isEqualTo("did one");
        b.holdsAnswers = true;
        DirectSession.Call pending = session.submit(RequestKind.BEGIN, bytes("two"), TIMEOUT_NS);
        CompletableFuture<Ending> ending = CompletableFuture.supplyAsync(() -> session.await(pending));
        b.close();
        c.promote(2);
        assertThat(text(ending.join())).isEqualTo("did two");
        assertThat(session.active()).isEqualTo("c");
        assertThat(session.term()).isEqualTo(2);
        assertThat(session.takeovers()).isEqualTo(1);
        session.close();
        assertThat(store.sessionCount()).isZero();
    }

    @Test
    void leavesANodeThatIsNotActiveAnyMoreAndNeverTakesAFormerActiveForOne() {
        SocketNode a = node("a");
        SocketNode b = node("b");
        a.promote(1);
        DirectSession session = openAtNodes(a.address, b.address);
        b.promote(2);
        // Cut off, the node of term 1 takes what it is asked and gives no answer; nor does it say a word by itself.
        DirectSession.Call pending = session.submit(RequestKind.BEGIN, bytes("one"), TIMEOUT_NS);
        assertThat(text(session.await(pending))).isEqualTo("did one");
        assertThat(session.active()).isEqualTo("b");
        b.connections.forEach(connection -> connection.close("cut"));
        assertThat(text(session.ask(RequestKind.BEGIN, bytes("two"), TIMEOUT_NS)))
                .isEqualTo("did two");
        assertThat(session.active()).isEqualTo("b");
    }

    @Test
    void isNoDistributorsGuestByTheAddressesOfNodes() {
        SocketNode a = node("a");
        a.promote(1);
        InetSocketAddress address = Objects.requireNonNull(distributor(a).clientAddress());
        assertThatThrownBy(() -> DirectSession.openAtNodes(
                        List.of(address),
                        "lockstep",
                        "test",
                        Duration.ofSeconds(5),
                        Duration.ofSeconds(20),
                        Duration.ofMillis(500)))
                .isInstanceOf(LockstepException.class)
                .hasMessageContaining("is no node");
    }

    @Test
    void comesBackBetweenRequestsWhenItIsCaredFor() {
        SocketNode a = node("a");
        a.promote(1);
        Distributor first = distributor(a);
        Distributor second = distributor(a);
        DirectSession session = session(first, second);
        first.close();
        long beforeNs = System.nanoTime() + TIMEOUT_NS;
        while (second.clients() == 0 && System.nanoTime() - beforeNs < 0) {
            session.care();
        }
        assertThat(second.clients()).isEqualTo(1);
    }

    @Test
    void servesManyThreadsAtOnce() {
        SocketNode a = node("a");
        a.promote(1);
        DirectSession session = session(distributor(a));
        List<CompletableFuture<Ending>> endings = new ArrayList<>();
        for (int i = 0; i < 64; i++) {
            String message = "m" + i;
            endings.add(CompletableFuture.supplyAsync(
                    () -> session.ask(RequestKind.READ, bytes(message), TIMEOUT_NS), task -> new Thread(task).start()));
        }
        for (int i = 0; i < 64; i++) {
            assertThat(text(endings.get(i).join())).isEqualTo("did m" + i);
        }
    }

    @Test
    void endsARequestByItsDeadlineWhenNobodyAnswers() {
        SocketNode a = node("a");
        a.promote(1);
        DirectSession session = session(distributor(a));
        a.holdsAnswers = true;
        long startNs = System.nanoTime();
        Ending read = session.ask(RequestKind.READ, bytes("one"), TimeUnit.MILLISECONDS.toNanos(300));
        assertThat(read.problem()).isEqualTo(Outcome.NOT_EXECUTED);
        Ending ordered = session.ask(RequestKind.BEGIN, bytes("two"), TimeUnit.MILLISECONDS.toNanos(300));
        assertThat(ordered.problem()).isEqualTo(Outcome.UNKNOWN);
        assertThat(Duration.ofNanos(System.nanoTime() - startNs)).isLessThan(Duration.ofSeconds(3));
    }

    @Test
    void anAbortEndsThoseThatWait() {
        SocketNode a = node("a");
        a.promote(1);
        DirectSession session = session(distributor(a));
        a.holdsAnswers = true;
        DirectSession.Call pending = session.submit(RequestKind.BEGIN, bytes("one"), TIMEOUT_NS);
        CompletableFuture<Ending> ending = CompletableFuture.supplyAsync(() -> session.await(pending));
        session.abort("enough");
        assertThat(ending.join().problem()).isEqualTo(Outcome.UNKNOWN);
        assertThat(session.isOver()).isTrue();
    }

    @Test
    void sessionsOfOnePlaceShareAConnectionThatLivesAsLongAsThey() {
        SocketNode a = node("a");
        a.promote(1);
        Distributor distributor = distributor(a);
        DirectSession first = session(distributor);
        DirectSession second = session(distributor);
        DirectSession third = session(distributor);
        assertThat(distributor.clients()).isEqualTo(1);
        first.close();
        assertThat(text(second.ask(RequestKind.BEGIN, bytes("two"), TIMEOUT_NS)))
                .isEqualTo("did two");
        assertThat(first.ask(RequestKind.READ, bytes("late"), TIMEOUT_NS).problem())
                .isEqualTo(Outcome.NOT_EXECUTED);
        second.close();
        third.close();
        await().atMost(LIMIT).until(() -> distributor.clients() == 0);
        assertThat(text(session(distributor).ask(RequestKind.BEGIN, bytes("four"), TIMEOUT_NS)))
                .isEqualTo("did four");
    }

    @Test
    void anAbortedSessionEndsAtTheNodesAndDisturbsNobody() {
        SocketNode a = node("a");
        a.promote(1);
        Distributor distributor = distributor(a);
        DirectSession aborted = session(distributor);
        DirectSession other = session(distributor);
        a.readsAnsweredTogether = 2;
        DirectSession.Call held = other.submit(RequestKind.READ, bytes("one"), TIMEOUT_NS);
        CompletableFuture<Ending> ending = CompletableFuture.supplyAsync(() -> other.await(held));
        assertThat(store.sessionCount()).isEqualTo(2);
        aborted.abort("enough");
        await().atMost(LIMIT).until(() -> store.sessionCount() == 1);
        assertThat(ending).isNotDone();
        a.readsAnsweredTogether = 1;
        assertThat(text(session(distributor).ask(RequestKind.READ, bytes("two"), TIMEOUT_NS)))
                .isEqualTo("did two");
        assertThat(text(ending.join())).isEqualTo("did one");
        assertThat(a.opened.get()).as("connections of the distributor").isEqualTo(1);
    }

    @Test
    void aSessionThatIsOpenTooLateIsClosed() {
        SocketNode a = node("a");
        SocketNode b = node("b");
        a.promote(1);
        Distributor distributor = distributor(a, b);
        DirectSession first = session(distributor);
        a.holdsAnswers = true;
        assertThatThrownBy(() -> open(Duration.ofMillis(300), Objects.requireNonNull(distributor.clientAddress())))
                .isInstanceOf(LockstepException.class);
        assertThat(store.sessionCount()).isEqualTo(2);
        b.promote(2); // gets what the distributor holds, and answers
        assertThat(text(first.ask(RequestKind.BEGIN, bytes("one"), TIMEOUT_NS))).isEqualTo("did one");
        await().atMost(LIMIT).until(() -> store.sessionCount() == 1);
        assertThat(distributor.clients()).isEqualTo(1);
    }

    @Test
    void aSessionThatIsGivenUpWhileItWasToAskAgainIsClosedAllTheSame() {
        SocketNode a = node("a");
        a.promote(1);
        Distributor distributor = distributor(a);
        DirectSession first = session(distributor);
        DirectSession second = session(distributor);
        a.refusals.set(1_000);
        DirectSession.Call refused = second.submit(RequestKind.BEGIN, bytes("one"), TIMEOUT_NS);
        CompletableFuture<Ending> ending = CompletableFuture.supplyAsync(() -> second.await(refused));
        await().atMost(LIMIT).until(() -> a.refusals.get() < 999);
        second.abort("enough");
        assertThat(ending.join().problem()).isEqualTo(Outcome.UNKNOWN);
        a.refusals.set(0);
        await().atMost(LIMIT).until(() -> store.sessionCount() == 1);
        assertThat(text(first.ask(RequestKind.BEGIN, bytes("two"), TIMEOUT_NS))).isEqualTo("did two");
        assertThat(distributor.clients()).isEqualTo(1);
    }

    /** A sleeper that is to ask again after some milliseconds, and is not woken for it, does so a second later only. */
    @Test
    void aSleeperThatIsToAskAgainIsWoken() throws Exception {
        SocketNode a = node("a");
        a.promote(1);
        DirectSession reading = openAtNodes(a.address);
        DirectSession sleeping = openAtNodes(a.address);
        Duration quickest = LIMIT;
        for (int round = 0; round < 5; round++) {
            a.readsAnsweredTogether = 2; // so the reader waits for the sleeper's question
            CompletableFuture<Ending> last = new CompletableFuture<>();
            CompletableFuture<Ending> answered = new CompletableFuture<>();
            Thread reader = new Thread(
                    () -> last.complete(reading.ask(RequestKind.READ, bytes("one"), TimeUnit.HOURS.toNanos(1))));
            reader.start();
            awaitReading(reader);
            a.refusals.set(1);
            long startNs = System.nanoTime();
            new Thread(() -> answered.complete(sleeping.ask(RequestKind.READ, bytes("two"), TimeUnit.HOURS.toNanos(1))))
                    .start();
            assertThat(text(answered.get(10, TimeUnit.SECONDS))).isEqualTo("did two");
            Duration took = Duration.ofNanos(System.nanoTime() - startNs);
            quickest = took.compareTo(quickest) < 0 ? took : quickest;
            assertThat(text(last.get(10, TimeUnit.SECONDS))).isEqualTo("did one");
        }
        assertThat(quickest).as("the quickest of five").isLessThan(Duration.ofMillis(700));
    }

    @Test
    void oneSessionsImpatienceDoesNotDisturbTheOthersAtOnce() {
        SocketNode a = node("a");
        a.promote(1);
        Distributor first = distributor(a);
        Distributor second = distributor(a);
        DirectSession patient = openWith(Duration.ofSeconds(60), first, second);
        DirectSession impatient = openWith(Duration.ofSeconds(1), first, second);
        a.holdsAnswers = true;
        assertThat(impatient
                        .ask(RequestKind.READ, bytes("one"), TimeUnit.SECONDS.toNanos(1))
                        .problem())
                .isEqualTo(Outcome.NOT_EXECUTED);
        a.holdsAnswers = false;
        assertThat(text(patient.ask(RequestKind.BEGIN, bytes("two"), TIMEOUT_NS)))
                .isEqualTo("did two");
        assertThat(second.clients()).isZero();
    }

    private static void awaitReading(Thread thread) {
        await().atMost(LIMIT).until(() -> Arrays.stream(thread.getStackTrace())
                .anyMatch(frame -> frame.getMethodName().equals("readMore")));
    }

    /** Without the turn it would wake up by itself a second later, and ask again: in one of a few rounds it does not. */
    @Test
    void whoeverEndsItsWaitHandsTheTurnToASleeper() throws Exception {
        SocketNode a = node("a");
        a.promote(1);
        DirectSession reading = openAtNodes(a.address);
        DirectSession sleeping = openAtNodes(a.address);
        DirectSession third = openAtNodes(a.address);
        int copies = 0;
        for (int round = 0; round < 5 && copies != 3; round++) {
            a.readsAnsweredTogether = 3;
            int before = a.asked.get();
            CompletableFuture<Ending> late = new CompletableFuture<>();
            CompletableFuture<Ending> answered = new CompletableFuture<>();
            Thread reader = new Thread(() ->
                    late.complete(reading.ask(RequestKind.READ, bytes("one"), TimeUnit.MILLISECONDS.toNanos(500))));
            reader.start();
            awaitReading(reader);
            Thread sleeper = new Thread(
                    () -> answered.complete(sleeping.ask(RequestKind.READ, bytes("two"), TimeUnit.HOURS.toNanos(1))));
            sleeper.start();
            await().atMost(LIMIT).until(() -> sleeper.getState() == Thread.State.TIMED_WAITING);
            assertThat(late.get(10, TimeUnit.SECONDS).problem()).isEqualTo(Outcome.NOT_EXECUTED);
            // Nobody waits for this one, so nobody else reads.
            third.submit(RequestKind.READ, bytes("three"), TIMEOUT_NS);
            assertThat(text(answered.get(10, TimeUnit.SECONDS))).isEqualTo("did two");
            copies = a.asked.get() - before;
        }
        assertThat(copies).isEqualTo(3);
    }

    @Test
    void manySessionsAskAtOnceAndNobodyIsForgottenAcrossATakeoverAndADistributorsEnd() throws Exception {
        SocketNode a = node("a");
        SocketNode b = node("b");
        a.promote(1);
        Distributor leaving = distributor(a, b);
        Distributor staying = distributor(a, b);
        int sessions = 12;
        int requests = 2_000;
        CountDownLatch third = new CountDownLatch(sessions * requests / 3);
        CountDownLatch twoThirds = new CountDownLatch(2 * sessions * requests / 3);
        List<CompletableFuture<Void>> askers = new ArrayList<>();
        for (int i = 0; i < sessions; i++) {
            DirectSession session = openWith(Duration.ofSeconds(60), leaving, staying);
            String name = "s" + i + "-";
            askers.add(CompletableFuture.runAsync(
                    () -> {
                        for (int n = 0; n < requests; n++) {
                            RequestKind kind = n % 3 == 0 ? RequestKind.BEGIN : RequestKind.READ;
                            assertThat(text(session.ask(kind, bytes(name + n), TimeUnit.SECONDS.toNanos(60))))
                                    .isEqualTo("did " + name + n);
                            third.countDown();
                            twoThirds.countDown();
                        }
                    },
                    task -> new Thread(task).start()));
        }
        assertThat(leaving.clients()).isEqualTo(1);
        assertThat(third.await(60, TimeUnit.SECONDS)).isTrue();
        b.promote(2);
        assertThat(twoThirds.await(60, TimeUnit.SECONDS)).isTrue();
        leaving.close();
        askers.forEach(CompletableFuture::join);
        assertThat(staying.clients()).isEqualTo(1);
    }

    @Test
    void anInterruptIsKeptForAfterTheAnswer() throws Exception {
        SocketNode a = node("a");
        a.promote(1);
        Distributor distributor = distributor(a);
        DirectSession first = session(distributor);
        DirectSession second = session(distributor);
        a.readsAnsweredTogether = 2;
        List<Thread> threads = new ArrayList<>();
        List<CompletableFuture<Boolean>> interrupted = new ArrayList<>();
        for (DirectSession session : List.of(first, second)) {
            CompletableFuture<Boolean> isInterrupted = new CompletableFuture<>();
            CountDownLatch sent = new CountDownLatch(1);
            threads.add(new Thread(() -> {
                Thread.currentThread().interrupt();
                DirectSession.Call call = session.submit(RequestKind.READ, bytes("one"), TIMEOUT_NS);
                sent.countDown();
                Ending ending = session.await(call);
                isInterrupted.complete(Thread.currentThread().isInterrupted() && ending.problem() == null);
            }));
            threads.get(threads.size() - 1).start();
            assertThat(sent.await(10, TimeUnit.SECONDS)).isTrue();
            interrupted.add(isInterrupted);
        }
        for (CompletableFuture<Boolean> each : interrupted) {
            assertThat(each.get(10, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void saysWhyItCannotBeOpened() {
        assertThatThrownBy(() -> open(Duration.ofMillis(400), new InetSocketAddress("127.0.0.1", 1)))
                .isInstanceOf(LockstepException.class)
                .hasMessageContaining("no distributor could be reached")
                .hasMessageContaining("127.0.0.1:1");
    }

    @Test
    void anAnswerCostsLessThanAMillisecond() {
        SocketNode a = node("a");
        a.promote(1);
        DirectSession session = session(distributor(a));
        byte[] body = bytes("x");
        for (int i = 0; i < 5_000; i++) {
            session.ask(RequestKind.BEGIN, body, TIMEOUT_NS);
        }
        long startNs = System.nanoTime();
        int count = 5_000;
        for (int i = 0; i < count; i++) {
            session.ask(RequestKind.BEGIN, body, TIMEOUT_NS);
        }
        long eachUs = (System.nanoTime() - startNs) / count / 1_000;
        System.out.println("direct: " + eachUs + " us a request through a distributor");
        assertThat(eachUs).isLessThan(1_000);
    }

    private SocketNode node(String name) {
        SocketNode node = new SocketNode(name, name.charAt(0), store, 0);
        open.add(node);
        return node;
    }

    private Distributor distributor(SocketNode... nodes) {
        DistributorConfig.Builder config =
                DistributorConfig.builder("d" + open.size()).listen(new InetSocketAddress("127.0.0.1", 0));
        for (SocketNode node : nodes) {
            config.node(node.member.name(), node.address);
        }
        Distributor distributor = new Distributor(config.build(), open.size(), null, DistributorHooks.none());
        open.add(distributor);
        return distributor;
    }

    private DirectSession session(Distributor... distributors) {
        return open(
                Duration.ofSeconds(10),
                Arrays.stream(distributors)
                        .map(distributor -> Objects.requireNonNull(distributor.clientAddress()))
                        .toArray(InetSocketAddress[]::new));
    }

    private DirectSession open(Duration limit, InetSocketAddress... addresses) {
        DirectSession session = DirectSession.open(
                List.of(addresses), "lockstep", "test", Duration.ofSeconds(5), Duration.ofSeconds(20), limit);
        open.add(() -> session.abort("the test is over"));
        return session;
    }

    private DirectSession openWith(Duration requestTimeout, Distributor... distributors) {
        DirectSession session = DirectSession.open(
                Arrays.stream(distributors)
                        .map(distributor -> Objects.requireNonNull(distributor.clientAddress()))
                        .toList(),
                "lockstep",
                "test",
                requestTimeout,
                Duration.ofSeconds(20),
                LIMIT);
        open.add(() -> session.abort("the test is over"));
        return session;
    }

    private DirectSession openAtNodes(InetSocketAddress... addresses) {
        DirectSession session = DirectSession.openAtNodes(
                List.of(addresses),
                "lockstep",
                "test",
                Duration.ofSeconds(15),
                Duration.ofSeconds(20),
                Duration.ofSeconds(10));
        open.add(() -> session.abort("the test is over"));
        return session;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(Ending ending) {
        assertThat(ending.problem()).as(ending.text()).isNull();
        return ending.text();
    }
}
