package io.lockstep.backupnode;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.membership.ViewChange;
import io.lockstep.membership.ViewOutcome;
import io.lockstep.membership.ViewRegister;
import io.lockstep.tsdstore.ForwardLog;
import io.lockstep.tsdstore.NoRecords;
import io.lockstep.tsdstore.TransactionContext;
import io.lockstep.tsdstore.TransactionService;
import io.lockstep.tsdstore.TsdStore;
import io.lockstep.tsdstore.TsdStoreConfig;
import io.lockstep.wire.Entry;
import io.lockstep.wire.Frame;
import io.lockstep.wire.View;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The backup role with its lane. */
@Timeout(60)
class BackupNodeTest {
    private static final View.Member ACTIVE = new View.Member("a", 1);

    /** The differential test: the process ended itself where it was to start anew as an empty node. */
    @Test
    void row58WhatWasHandedOverBehindAnEntryThatDiffersIsNotExecuted() throws Exception {
        Orders orders = new Orders().reign(1).messages(6);
        Port port = new Port();
        BackupNode node = following(port, new Other());
        node.onFrame(ACTIVE, forward(orders, 1, 3), System.nanoTime());
        node.onFrame(ACTIVE, forward(orders, 4, 6), System.nanoTime());
        while (port.diverged.isEmpty()) {
            Runnable task = port.tasks.poll(1, TimeUnit.SECONDS);
            if (task != null) {
                task.run();
            }
        }
        node.close();
        assertThat(port.diverged.get(0)).contains("entry BEGIN@1.3");
        assertThat(port.unfit).as("thrown away before anybody has decided").isEmpty();
        assertThat(port.failures).isEmpty();
    }

    @Test
    void theAgentFindsOutByItselfWhatWasExecutedAndIsNotWokenForIt() throws Exception {
        Port port = new Port();
        BackupNode node = following(port, new TallyService());
        node.onFrame(ACTIVE, forward(new Orders().reign(1).messages(2), 1, 3), System.nanoTime());
        while (node.core().executedPosition() < 3) {
            node.tick(System.nanoTime());
        }
        assertThat(port.tasks).isEmpty();
        node.close();
        assertThat(port.failures).isEmpty();
    }

    @Test
    void aTakeoverIsToldAtOnceWhatWasExecuted() throws Exception {
        CountDownLatch mayGoOn = new CountDownLatch(1);
        Port port = new Port();
        BackupNode node = following(port, new Held(new TallyService(), mayGoOn));
        node.onFrame(ACTIVE, forward(new Orders().reign(1).messages(2), 1, 3), System.nanoTime());
        node.onConnectionLost("a", System.nanoTime());
        node.onProbe("a", true, System.nanoTime());
        assertThat(node.core().state()).isEqualTo(BackupState.CANDIDATE);
        mayGoOn.countDown();
        while (node.core().executedPosition() < 3) {
            Runnable task = port.tasks.poll(30, TimeUnit.SECONDS);
            assertThat(task).as("nobody tells the agent").isNotNull();
            task.run();
        }
        node.close();
        assertThat(port.failures).isEmpty();
    }

    @Test
    void aNoticeOfALaterReignReachesItsCore() throws Exception {
        BackupNode node = following(new Port(), new TallyService());
        View.Member next = new View.Member("c", 3);
        node.onFrame(next, new Frame.ViewNotice(2, 2, next), System.nanoTime());
        assertThat(node.core().state()).isEqualTo(BackupState.LOCATING_ACTIVE);
    }

    private static Frame forward(Orders orders, long from, long to) {
        return new Frame.Forward(1, 0, to, orders.range(from, to));
    }

    private static BackupNode following(Port port, TransactionService service) {
        BackupNode node = new BackupNode(
                new View.Member("b", 2),
                new BackupNodeConfig(Duration.ofMillis(500), List.of("a", "b")),
                TsdStore.create(service, new NoRecords(), TsdStoreConfig.defaults()),
                () -> {
                    throw new IllegalStateException("nothing is copied");
                },
                new ForwardLog(ForwardLog.DEFAULT_MAX_BYTES),
                null,
                new NoRegister(),
                port,
                System::nanoTime);
        node.tick(System.nanoTime());
        node.onFrame(ACTIVE, new Frame.Follow(1, 1, 1), System.nanoTime());
        return node;
    }

    private static final class Port implements BackupPort {
        final LinkedBlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();
        final List<String> unfit = new ArrayList<>();
        final List<String> diverged = new ArrayList<>();
        final LinkedBlockingQueue<Throwable> failures = new LinkedBlockingQueue<>();

        @Override
        public void send(String node, Frame frame) {}

        @Override
        public void broadcast(Frame frame) {}

        @Override
        public void probe(String node) {}

        @Override
        public void became(BackupState from, BackupState to, String reason) {}

        @Override
        public void promoted(BackupEffects.Promotion promotion, TsdStore store, long lastEntryAtNs) {}

        @Override
        public void unfit(String reason) {
            unfit.add(reason);
        }

        @Override
        public void diverged(String reason) {
            diverged.add(reason);
        }

        @Override
        public void executed(TsdStore store, Entry entry, long previousTimeNs) {}

        @Override
        public void onAgent(Runnable task) {
            tasks.add(task);
        }

        @Override
        public void failed(Throwable cause) {
            failures.add(cause);
        }
    }

    /** The same to look at, and answers otherwise. */
    private static final class Other implements TransactionService {
        @Override
        public String name() {
            return "tally";
        }

        @Override
        public byte[] handle(TransactionContext context, byte[] message) {
            return new byte[] {7, 7, 7};
        }

        @Override
        public void onRollback(TransactionContext context) {}

        @Override
        public void onExpire(TransactionContext context) {}
    }

    /** Its first message takes as long as the test wants. */
    private record Held(TallyService service, CountDownLatch mayGoOn) implements TransactionService {
        @Override
        public String name() {
            return service.name();
        }

        @Override
        public byte[] handle(TransactionContext context, byte[] message) {
            try {
                mayGoOn.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            return service.handle(context, message);
        }

        @Override
        public void onRollback(TransactionContext context) {}

        @Override
        public void onExpire(TransactionContext context) {}
    }

    /** Nobody proposes anything. */
    private static final class NoRegister implements ViewRegister {
        @Override
        public void change(ViewChange change, Consumer<ViewOutcome> done, long nowNs) {}

        @Override
        public void cancel() {}

        @Override
        public boolean isBusy() {
            return false;
        }

        @Override
        public Set<String> strangers() {
            return Set.of();
        }

        @Override
        public Set<String> silent() {
            return Set.of();
        }

        @Override
        public void tick(long nowNs) {}
    }
}
