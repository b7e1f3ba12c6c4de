package io.lockstep.server;

import io.lockstep.activenode.ActiveNode;
import io.lockstep.activenode.ActiveNodeConfig;
import io.lockstep.activenode.ActivePort;
import io.lockstep.membership.ViewChange;
import io.lockstep.membership.ViewOutcome;
import io.lockstep.membership.ViewRegister;
import io.lockstep.tsdstore.ForwardLog;
import io.lockstep.tsdstore.NoRecords;
import io.lockstep.tsdstore.TransactionContext;
import io.lockstep.tsdstore.TransactionService;
import io.lockstep.tsdstore.TsdStore;
import io.lockstep.tsdstore.TsdStoreConfig;
import io.lockstep.wire.Connection;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Peer;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import io.lockstep.wire.View;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Plays a short reign over a scratch store before a node starts, with the shipped active: so that a takeover does not
 * begin with loading and interpreting classes, which costs more than all else that it does. Touched by the main thread;
 * leaves nothing behind but compiled code.
 */
final class Rehearsal implements ActivePort, Connection {
    private static final Logger LOG = LoggerFactory.getLogger(Rehearsal.class);
    private static final int MESSAGES = 3_000;
    private static final long LIMIT_NS = TimeUnit.SECONDS.toNanos(10);

    private final View.Member self = new View.Member("rehearsal", 1);
    private final View.Member other = new View.Member("audience", 2);
    private final ConcurrentLinkedQueue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private @Nullable ActiveNode active;
    private Identity session = Identity.NONE;
    private long answers;
    private long received;
    private @Nullable Throwable failure;

    private Rehearsal() {}

    /** Plays it. Not finishing in time is no failure of the node: it only starts less warm. */
    static void play(ActiveNodeConfig config) throws InterruptedException {
        long startNs = System.nanoTime();
        Rehearsal rehearsal = new Rehearsal();
        rehearsal.reign(config, startNs + LIMIT_NS);
        LOG.info(
                "rehearsed {} answers in {} ms{}",
                rehearsal.answers,
                (System.nanoTime() - startNs) / 1_000_000,
                rehearsal.failure == null ? "" : ", then failed: " + rehearsal.failure);
    }

    private void reign(ActiveNodeConfig config, long untilNs) throws InterruptedException {
        LongSupplier monotonicNs = System::nanoTime;
        try (TsdStore store = TsdStore.create(new Echo(), new NoRecords(), TsdStoreConfig.defaults())) {
            ActiveNode reigning = new ActiveNode(
                    config,
                    new ActiveNode.Start(
                            self,
                            new View(1, 1, self, List.of(other), List.of(), 0),
                            store,
                            new ForwardLog(ForwardLog.DEFAULT_MAX_BYTES),
                            System.nanoTime(),
                            List.of(),
                            null,
                            Map.of()),
                    new NoRegister(),
                    this,
                    monotonicNs,
                    () -> TimeUnit.MILLISECONDS.toNanos(System.currentTimeMillis()),
                    new SplittableRandom(1)::nextLong);
            active = reigning;
            reigning.onFrame(other, new Frame.Join(1, 1, Identity.NONE, 0, 0, 0), System.nanoTime());
            reigning.ask(this, request(Identity.provisional(1), 0, RequestKind.OPEN));
            long asked = 0;
            while (answers < MESSAGES && failure == null && System.nanoTime() < untilNs) {
                if (!session.equals(Identity.NONE) && asked < answers + 8) {
                    asked++;
                    reigning.ask(this, request(session, asked, RequestKind.BEGIN));
                }
                reigning.work(System.nanoTime());
                for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
                    task.run();
                }
                Thread.onSpinWait();
            }
            reigning.close();
        }
    }

    private static Request request(Identity of, long id, RequestKind kind) {
        return new Request(
                of,
                1,
                id,
                kind,
                0,
                Math.max(0, id - 16),
                Math.max(0, id - 1),
                Identity.NONE,
                1_000,
                id % 8 == 0,
                new byte[kind == RequestKind.OPEN ? 0 : 64]);
    }

    // ---- the active's surroundings ---------------------------------------------------------------------------------

    @Override
    public void send(View.Member to, Frame frame) {
        ActiveNode reigning = active;
        if (frame instanceof Frame.Forward forward && reigning != null) {
            forward.entries().forEach(entry -> received = entry.position());
            long last = received;
            tasks.add(() ->
                    reigning.onFrame(other, new Frame.Acknowledge(1, forward.round(), last, last), System.nanoTime()));
        }
    }

    @Override
    public void viewInstalled(View view) {
        LOG.debug("rehearsed {}", view);
    }

    @Override
    public void deposed(View current, String reason) {
        failure = new IllegalStateException(reason);
    }

    @Override
    public void wake() {
        // The rehearsal's one thread never rests.
    }

    @Override
    public void onAgent(Runnable task) {
        tasks.add(task);
    }

    @Override
    public void failed(@Nullable Request poison, Throwable cause) {
        failure = cause;
    }

    // ---- the client's connection -----------------------------------------------------------------------------------

    @Override
    public Peer peer() {
        return new Peer("rehearsal", Peer.Role.DISTRIBUTOR, 1);
    }

    @Override
    public boolean isOpen() {
        return true;
    }

    @Override
    public boolean isWritable() {
        return true;
    }

    @Override
    public void send(Frame frame) {
        if (frame instanceof Frame.Reply reply) {
            if (!reply.answer().code().isOrdered()) {
                failure = new IllegalStateException(reply.answer().toString());
            }
            answers++;
            if (reply.answer().session().isProvisional()) {
                session = reply.answer().entry();
            }
        }
    }

    @Override
    public void close(String reason) {
        LOG.debug("rehearsal's connection closed: {}", reason);
    }

    @Override
    public SocketAddress remote() {
        return InetSocketAddress.createUnresolved("rehearsal", 0);
    }

    /** A register in which nothing happens. */
    private static final class NoRegister implements ViewRegister {
        @Override
        public void change(ViewChange change, Consumer<ViewOutcome> done, long nowNs) {
            LOG.debug("no register in a rehearsal");
        }

        @Override
        public void cancel() {
            LOG.debug("no register in a rehearsal");
        }

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
        public void tick(long nowNs) {
            LOG.trace("no register in a rehearsal");
        }
    }

    /** A service that ends every transaction at once. */
    private static final class Echo implements TransactionService {
        @Override
        public String name() {
            return "echo";
        }

        @Override
        public byte[] handle(TransactionContext context, byte[] message) {
            context.end();
            return message;
        }

        @Override
        public void onRollback(TransactionContext context) {
            LOG.debug("nothing to undo");
        }

        @Override
        public void onExpire(TransactionContext context) {
            LOG.debug("nothing to undo");
        }
    }
}
