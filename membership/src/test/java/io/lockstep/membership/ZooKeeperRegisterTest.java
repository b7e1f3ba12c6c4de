package io.lockstep.membership;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.wire.View;
import io.lockstep.wire.ViewCodec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.curator.test.InstanceSpec;
import org.apache.curator.test.TestingServer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The register in a ZooKeeper server of its own, which is stopped and started again. */
final class ZooKeeperRegisterTest extends ViewRegisterContract {
    @TempDir
    private Path folder;

    private final SplittableRandom random = new SplittableRandom(1);
    private final List<ZooKeeperClient> clients = new ArrayList<>();
    /** The threads that own the hands: this one, hand after hand. */
    private final Map<ViewRegister, LinkedBlockingQueue<Runnable>> owners = new HashMap<>();

    private TestingServer server;
    private volatile boolean isNextResultLost;

    @BeforeEach
    void start() throws Exception {
        server = new TestingServer(
                new InstanceSpec(folder.toFile(), -1, -1, -1, true, 1, 500, 100, Map.of(), "127.0.0.1"), true);
    }

    @AfterEach
    void end() throws Exception {
        clients.forEach(ZooKeeperClient::close);
        server.close();
    }

    private ZooKeeperClient client() {
        ZooKeeperClient client = ZooKeeperClient.connect(server.getConnectString(), "c", "d");
        clients.add(client);
        return client;
    }

    @Override
    ViewRegister hand() {
        ZooKeeperClient client = client();
        LinkedBlockingQueue<Runnable> owner = new LinkedBlockingQueue<>();
        ViewRegister hand = new ZooKeeperRegister(new Lossy(client), owner::add, random::nextLong);
        owners.put(hand, owner);
        return hand;
    }

    @Override
    void pass(ViewRegister hand) {
        try {
            Runnable task = Objects.requireNonNull(owners.get(hand)).poll(5, TimeUnit.MILLISECONDS);
            if (task != null) {
                task.run();
            }
            hand.tick(nowNs());
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    void cutOff() {
        try {
            server.stop();
        } catch (java.io.IOException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    void heal() {
        try {
            server.restart();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @Override
    void loseNextResult() {
        isNextResultLost = true;
    }

    @Override
    long nowNs() {
        return System.nanoTime();
    }

    @Test
    void aValueThatNobodyCanHaveWrittenIsNeverTakenForAView() {
        ZooKeeperClient client = client();
        View nonsense = new View(3, 7, new View.Member("n1", 1), List.of(), List.of(), 5);
        for (byte[] bytes : List.of(new byte[] {1, 2, 3}, new byte[0], ViewCodec.encode(nonsense))) {
            set(client, bytes);
            ViewRegister hand = hand();
            List<ViewOutcome> outcomes = new ArrayList<>();
            hand.change(activate("n1"), outcomes::add, nowNs());
            while (outcomes.isEmpty()
                    || !outcomes.get(outcomes.size() - 1).toString().contains("its value cannot be")) {
                pass(hand);
            }
            assertThat(outcomes).allMatch(ViewOutcome.Unreachable.class::isInstance);
            hand.cancel();
        }
    }

    /** Puts those bytes in, whatever is there. */
    private static void set(ZooKeeperClient client, byte[] bytes) {
        LinkedBlockingQueue<ZooKeeperRegister.Store.Reply> replies = new LinkedBlockingQueue<>();
        try {
            client.read(replies::add);
            ZooKeeperRegister.Store.Reply before = Objects.requireNonNull(replies.poll(30, TimeUnit.SECONDS));
            client.write(bytes, before.version(), replies::add);
            assertThat(Objects.requireNonNull(replies.poll(30, TimeUnit.SECONDS))
                            .code())
                    .isEqualTo(ZooKeeperRegister.Store.Code.DONE);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Carries everything to the server; a write's result may be lost on its way back. */
    private final class Lossy implements ZooKeeperRegister.Store {
        private final ZooKeeperRegister.Store carried;

        Lossy(ZooKeeperRegister.Store carried) {
            this.carried = carried;
        }

        @Override
        public void read(Consumer<Reply> done) {
            carried.read(done);
        }

        @Override
        public void write(byte[] bytes, int expected, Consumer<Reply> done) {
            boolean isLost = isNextResultLost;
            isNextResultLost = false;
            carried.write(
                    bytes,
                    expected,
                    reply -> done.accept(isLost ? new Reply(Code.FAILED, bytes, ABSENT, "connection lost") : reply));
        }

        @Override
        public void catchUp(Consumer<Reply> done) {
            carried.catchUp(done);
        }
    }
}
