package io.lockstep.activenode;

import com.lmax.disruptor.BusySpinWaitStrategy;
import com.lmax.disruptor.ExceptionHandler;
import com.lmax.disruptor.InsufficientCapacityException;
import com.lmax.disruptor.RingBuffer;
import com.lmax.disruptor.Sequence;
import io.lockstep.activenode.LaneEvent.Task;
import io.lockstep.membership.ViewRegister;
import io.lockstep.tsdstore.EffectRunner;
import io.lockstep.tsdstore.Execution;
import io.lockstep.tsdstore.ForwardLog;
import io.lockstep.tsdstore.MarkedRequest;
import io.lockstep.tsdstore.OutsideEffect;
import io.lockstep.tsdstore.PendingEffect;
import io.lockstep.tsdstore.Recording;
import io.lockstep.tsdstore.TsdStore;
import io.lockstep.tsdstore.sql.CopyBlock;
import io.lockstep.tsdstore.sql.Refusals;
import io.lockstep.tsdstore.sql.RunningStatements;
import io.lockstep.wire.Answer;
import io.lockstep.wire.Connection;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import io.lockstep.wire.View;
import io.lockstep.wire.ViewCodec;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The active role of a node: a ring whose first stage, the lane, orders and executes, and whose second stage, the node
 * agent, forwards and answers. {@link #ask} is safe from any thread; everything else belongs to the node agent.
 */
public final class ActiveNode {
    private static final Logger LOG = LoggerFactory.getLogger(ActiveNode.class);
    private static final long EXPIRY_CHECK_NS = 50_000_000L;
    private static final long LANE_LIMIT_MS = 5_000;
    /** A statement that has been seen to run for so long is one that reads need not wait for. */
    private static final long LONG_NS = 1_000_000L;

    /** Of answers to reads between execution and connection; no setting, since the heap says what there is room for. */
    private static final long READ_ANSWERS_MAX_BYTES = Runtime.getRuntime().maxMemory() / 8;

    private final ActivePort port;
    private final View.Member self;
    private final long term;
    private final TsdStore store;
    private final ForwardCore<Connection> core;
    private final Effects effects;
    private final RingBuffer<LaneEvent> ring;
    private final Sequence agentSequence = new Sequence();
    private final ExecuteHandler handler;
    private final LaneGate gate = new LaneGate();
    private final Lane lane;
    private final Outside outside;
    private final CopyReader copies;
    private final ReadPool reads;
    /** What SQL runs; null without SQL sessions. */
    private final @Nullable RunningStatements running;

    private volatile long version;
    private long lastExpiryNs;
    private boolean isExpiryQueued;
    /** Copies that wait for a SQL transaction to end; asked for again until then. */
    private final Map<Long, CopyBlock> blockedCopies = new LinkedHashMap<>();
    /** What found no room in the ring. */
    private final List<Runnable> again = new ArrayList<>();

    /**
     * What a reign begins with.
     *
     * @param self this run of this node
     * @param view the register's value that names it
     * @param store everything received is executed
     * @param log what it holds
     * @param lastEntryAtNs monotonic time at which the last entry was received
     * @param quarantined messages that former actives died of, as they said
     * @param recording where executed entries are kept for a replay; null when they are not
     * @param runners of effects to the outside, by name
     */
    public record Start(
            View.Member self,
            View view,
            TsdStore store,
            ForwardLog log,
            long lastEntryAtNs,
            List<MarkedRequest> quarantined,
            @Nullable Recording recording,
            Map<String, EffectRunner> runners) {}

    /** Begins the reign: the lane runs, and the term's first entry is on its way. */
    public ActiveNode(
            ActiveNodeConfig config,
            Start start,
            ViewRegister register,
            ActivePort port,
            LongSupplier monotonicNs,
            LongSupplier wallNs,
            LongSupplier seeds) {
        this.port = port;
        this.self = start.self();
        this.term = start.view().term();
        this.store = start.store();
        this.running = start.store().running();
        this.version = start.view().version();
        this.effects = new Effects();
        this.core =
                new ForwardCore<>(self, start.view(), config, start.log(), register, effects, monotonicNs.getAsLong());
        this.copies = new CopyReader(port, this::onCopyPiece);
        this.outside = new Outside(start.runners(), this::orderEffect);
        HeaderClock clock = new HeaderClock(
                store.lastTimeNs(),
                store.lastTimeNs() == 0 ? monotonicNs.getAsLong() : start.lastEntryAtNs(),
                wallNs.getAsLong());
        OrderCore order = new OrderCore(store, term, clock, seeds);
        ReadAnswers readAnswers = new ReadAnswers(READ_ANSWERS_MAX_BYTES);
        this.reads = new ReadPool(port, order::seenPosition, readAnswers, core::onOrdered);
        // Nobody waits at the ring itself, so that nobody there need be woken: the lane sleeps by itself.
        this.ring = RingBuffer.createMultiProducer(LaneEvent::new, config.ringSize(), new BusySpinWaitStrategy());
        Sequence done = new Sequence(ring.getCursor());
        this.handler = new ExecuteHandler(
                order, store, start.recording(), gate, reads, readAnswers, monotonicNs, wallNs, port, done);
        this.lane = new Lane(ring, handler, done, new LaneExceptions(), monotonicNs);
        ring.addGatingSequences(agentSequence);
        agentSequence.set(ring.getCursor());
        openReign(start);
        lane.start();
    }

    /** Quarantined messages come before anything that a client may send again (R17). */
    private void openReign(Start start) {
        List<MarkedRequest> poison = new ArrayList<>();
        store.mark().ifPresent(poison::add);
        poison.addAll(start.quarantined());
        publish(Task.OPEN_TERM, event -> event.view = ViewCodec.encode(start.view()));
        for (MarkedRequest message : poison) {
            LOG.warn("quarantining message {} of session {}", message.requestId(), message.session());
            publish(Task.QUARANTINE, event -> event.request = message.asRequest());
        }
    }

    // ---- requests --------------------------------------------------------------------------------------------------

    /**
     * Takes a request into the ring; its answer goes to {@code channel}.
     *
     * @return false when the ring is full; nothing was taken
     */
    public boolean ask(Connection channel, Request request) {
        RunningStatements statements = running;
        if (statements != null && request.kind() == RequestKind.SQL) {
            statements.cancelAsAsked(request.session(), request.body());
        } else if (statements != null && request.kind() == RequestKind.VOID) {
            statements.cancel(request.session(), request.requestId());
        }
        boolean isMarked = request.repeated() && OrderCore.mayEndAProcess(request.kind());
        boolean isPerhapsBrief =
                !isMarked && (request.kind() == RequestKind.SQL || request.kind() == RequestKind.SQL_READ);
        try {
            long last = ring.tryNext(isMarked ? 2 : 1);
            if (isMarked) {
                LaneEvent mark = ring.get(last - 1);
                mark.task = Task.MARK;
                mark.request = request;
            }
            LaneEvent event = ring.get(last);
            event.task = Task.ASK;
            event.request = request;
            event.channel = channel;
            event.isAfterMark = isMarked;
            ring.publish(isMarked ? last - 1 : last, last);
            if (isPerhapsBrief) {
                VarHandle.fullFence(); // as in Lane.rouse
                port.wake();
            } else {
                lane.rouse();
            }
            return true;
        } catch (InsufficientCapacityException full) {
            return false;
        }
    }

    private void publish(Task task, Consumer<LaneEvent> fill) {
        long sequence = ring.next();
        try {
            LaneEvent event = ring.get(sequence);
            event.task = task;
            fill.accept(event);
        } finally {
            ring.publish(sequence);
        }
        lane.rouse();
    }

    /** The agent empties the ring, so it must never wait for room in it: it tries {@link #again} with the next tick. */
    private boolean tryPublish(Task task, Consumer<LaneEvent> fill) {
        try {
            long sequence = ring.tryNext();
            LaneEvent event = ring.get(sequence);
            event.task = task;
            fill.accept(event);
            ring.publish(sequence);
            lane.rouse();
            return true;
        } catch (InsufficientCapacityException full) {
            return false;
        }
    }

    private void orderEffect(RequestKind kind, EffectRunner.Key key, Runnable whenStable) {
        port.onAgent(() -> tryOrderEffect(kind, key, whenStable));
    }

    private void tryOrderEffect(RequestKind kind, EffectRunner.Key key, Runnable whenStable) {
        boolean isTaken = tryPublish(Task.EFFECT, event -> {
            event.effectKind = kind;
            event.effect = key;
            event.whenStable = whenStable;
        });
        if (!isTaken && !gate.isClosed()) {
            again.add(() -> tryOrderEffect(kind, key, whenStable));
        }
    }

    // ---- the node agent's rounds -----------------------------------------------------------------------------------

    /**
     * Takes what the lane has done and sends it on. What is brief is executed here first, if the lane's thread sleeps.
     *
     * @return how many slots of the ring were taken
     */
    public int work(long nowNs) {
        core.at(nowNs);
        lane.lend();
        long done = lane.getSequence().get();
        long from = agentSequence.get();
        for (long sequence = from + 1; sequence <= done; sequence++) {
            LaneEvent event = ring.get(sequence);
            take(event);
            event.clear();
        }
        if (done > from) {
            agentSequence.set(done);
        }
        core.flush(nowNs);
        gate.stable(core.stablePosition());
        return (int) (done - from);
    }

    private void take(LaneEvent event) {
        if (event.before != null) {
            core.onEntry(event.before);
            runWhenStable(event.before);
        }
        for (Execution execution : event.own) {
            core.onEntry(execution);
            runWhenStable(execution);
            if (event.whenStable != null) {
                core.whenStable(execution.entry().position(), event.whenStable);
            }
        }
        for (PendingEffect pending : event.pendingEffects) {
            core.whenStable(event.own.get(0).entry().position(), () -> outside.run(pending));
        }
        if (event.ordered != null && event.channel != null) {
            core.onOrdered(event.channel, Objects.requireNonNull(event.request), event.ordered);
            if (event.ordered.execution() != null) {
                runWhenStable(event.ordered.execution());
                core.onExecutionTime(event.elapsedNs);
            }
        }
        for (Execution execution : event.retried) {
            core.onEntry(execution);
        }
        if (event.isRetryMarked) {
            // Without room in the ring another slot comes anyway.
            var ignored = tryPublish(Task.RETRY, next -> {});
        }
        if (event.task == Task.COPY) {
            if (event.copyBlock == null) {
                blockedCopies.remove(event.copyId);
            } else if (effects.isWanted(event.copyId)) {
                blockedCopies.put(event.copyId, event.copyBlock);
            }
        }
        if (event.copy != null) {
            copies.opened(event.copyId, event.copy);
            core.onCopyTaken(event.copyId, event.copy.at(), event.copy.chain());
        }
        if (event.task == Task.EXPIRE) {
            isExpiryQueued = false;
        }
    }

    private void runWhenStable(Execution execution) {
        List<OutsideEffect> wanted = execution.effects();
        for (int ordinal = 0; ordinal < wanted.size(); ordinal++) {
            var header = execution.entry().header();
            PendingEffect pending = new PendingEffect(
                    new EffectRunner.Key(
                            header.session(),
                            // As the store keys them: entries without a request id are told apart by their position.
                            header.requestId() > 0 ? header.requestId() : -header.position(),
                            ordinal),
                    wanted.get(ordinal),
                    header.position(),
                    false);
            core.whenStable(header.position(), () -> outside.run(pending));
        }
    }

    /** Heartbeats, expiry, lost backups; call it every few milliseconds. */
    public void tick(long nowNs) {
        if (!isExpiryQueued && nowNs - lastExpiryNs >= EXPIRY_CHECK_NS) {
            isExpiryQueued = tryPublish(Task.EXPIRE, event -> {});
            lastExpiryNs = nowNs;
            blockedCopies.keySet().forEach(effects::publishCopy);
        }
        if (!again.isEmpty()) {
            List<Runnable> now = List.copyOf(again);
            again.clear();
            now.forEach(Runnable::run);
        }
        core.tick(nowNs);
        gate.stable(core.stablePosition());
    }

    /**
     * Ends statements that have run for too long, and lets reads go before one that runs for long; call it every few
     * milliseconds.
     *
     * @param isHeapShort whether the one that has run for longest must make room
     */
    public void watchStatements(long nowNs, boolean isHeapShort) {
        RunningStatements statements = running;
        if (statements != null) {
            statements.look(nowNs, isHeapShort);
            statements.besideStatement(LONG_NS, this::readAmid);
        }
    }

    /** Reads that have come since the lane began what it is at. */
    private void readAmid() {
        long last = ring.getCursor();
        for (long slot = lane.getSequence().get() + 1; slot <= last && ring.isAvailable(slot); slot++) {
            handler.readAmid(ring.get(slot));
        }
    }

    /** The statement that has run for longest, if it is that long; safe from any thread. */
    public Optional<RunningStatements.Running> runningStatement(long leastNs) {
        return running == null ? Optional.empty() : running.longest(leastNs);
    }

    /** A frame of another node. */
    public void onFrame(View.Member from, Frame frame, long nowNs) {
        if (frame instanceof Frame.Acknowledge acknowledge) {
            core.onAcknowledge(from, acknowledge, nowNs);
        } else if (frame instanceof Frame.Join join) {
            core.onJoin(from, join, nowNs);
        } else if (frame instanceof Frame.CopyAcknowledge acknowledge) {
            core.onCopyAcknowledge(from, acknowledge, nowNs);
        } else if (frame instanceof Frame.Diverged diverged) {
            core.onDiverged(from, diverged, nowNs);
        } else if (frame.term() > term) {
            core.onHigherTerm(frame.term());
        }
    }

    /** A higher term was heard of, from whomever. */
    public void onHigherTerm(long higherTerm) {
        if (higherTerm > term) {
            core.onHigherTerm(higherTerm);
        }
    }

    /** A voter was connected. */
    public void onVoterSeen(long nowNs) {
        core.onVoterSeen(nowNs);
    }

    /** No process listens where that run of that node was. */
    public void onNodeGone(View.Member member, long nowNs) {
        core.onNodeGone(member, nowNs);
    }

    private void onCopyPiece(long copyId, byte[] data, boolean isLast) {
        core.onCopyPiece(copyId, data, isLast);
    }

    // ---- what others may know --------------------------------------------------------------------------------------

    /** The reign. */
    public long term() {
        return term;
    }

    /** Version of the installed view. Safe from any thread. */
    public long version() {
        return version;
    }

    /** This run of this node. */
    public View.Member self() {
        return self;
    }

    /** The SQL transaction that keeps a joining node waiting; empty when nobody waits. */
    public Optional<CopyBlock> copyBlockedBy() {
        return blockedCopies.values().stream().findFirst();
    }

    /** What this node's SQL sessions asked for and were refused; empty without any. Safe from any thread. */
    public Optional<Refusals> refusals() {
        return store.refusals();
    }

    /** Forwarding, the gate and the view. */
    public ForwardCore<Connection> core() {
        return core;
    }

    /** The request in execution; null between requests. Safe from any thread. */
    public @Nullable Request executing() {
        return handler.current();
    }

    /** Since when {@link #executing} is, on the monotonic clock. Safe from any thread. */
    public long executingSinceNs() {
        return handler.currentSinceNs();
    }

    /**
     * Ends the role: nothing is executed or answered any more. The store stays open; the lane has left it.
     *
     * @throws IllegalStateException when the lane is still in the service after 5 s, or a copy is still being read: the
     *     store cannot be closed under them, so the process must end
     */
    public void close() throws InterruptedException {
        gate.close();
        lane.halt();
        if (running != null) {
            running.close();
        }
        outside.close();
        copies.close();
        reads.close();
        if (!lane.join(LANE_LIMIT_MS)) {
            Request request = handler.current();
            throw new IllegalStateException("the lane did not end within " + LANE_LIMIT_MS + " ms; it is executing "
                    + (request == null ? "nothing of a client" : request));
        }
    }

    private final class Effects implements ForwardEffects<Connection> {
        private final Map<Long, Boolean> wanted = new HashMap<>();

        @Override
        public void send(View.Member to, Frame frame) {
            port.send(to, frame);
        }

        @Override
        public void answer(Connection channel, Answer answer) {
            channel.send(new Frame.Reply(term, answer));
        }

        @Override
        public void takeCopy(long copyId) {
            wanted.put(copyId, true);
            publishCopy(copyId);
        }

        boolean isWanted(long copyId) {
            return wanted.containsKey(copyId);
        }

        private void publishCopy(long copyId) {
            boolean isTaken = tryPublish(Task.COPY, event -> event.copyId = copyId);
            if (!isTaken && wanted.containsKey(copyId) && !gate.isClosed()) {
                again.add(() -> publishCopy(copyId));
            }
        }

        @Override
        public void readCopyPiece(long copyId) {
            copies.read(copyId);
        }

        @Override
        public void dropCopy(long copyId) {
            wanted.remove(copyId);
            blockedCopies.remove(copyId);
            copies.drop(copyId);
        }

        @Override
        public void holdBack(boolean isHeldBack) {
            gate.holdBack(isHeldBack);
        }

        @Override
        public void viewInstalled(View view) {
            version = view.version();
            port.viewInstalled(view);
        }

        @Override
        public void deposed(View current, String reason) {
            port.deposed(current, reason);
        }
    }

    private final class LaneExceptions implements ExceptionHandler<LaneEvent> {
        @Override
        public void handleEventException(Throwable failure, long sequence, LaneEvent event) {
            gate.close();
            port.failed(handler.current(), failure);
        }

        @Override
        public void handleOnStartException(Throwable failure) {
            port.failed(null, failure);
        }

        @Override
        public void handleOnShutdownException(Throwable failure) {
            port.failed(null, failure);
        }
    }
}
