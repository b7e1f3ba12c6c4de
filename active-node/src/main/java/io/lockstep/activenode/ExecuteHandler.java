package io.lockstep.activenode;

import com.lmax.disruptor.Sequence;
import io.lockstep.tsdstore.Execution;
import io.lockstep.tsdstore.MarkedRequest;
import io.lockstep.tsdstore.Recording;
import io.lockstep.tsdstore.TsdStore;
import io.lockstep.wire.Answer;
import io.lockstep.wire.Request;
import java.io.IOException;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * First stage of the ring: what the lane does, one slot after the other. Touched only by whoever holds the {@link Lane}. It
 * lets the next stage see each slot as soon as it is done, so that entry p is forwarded while p+1 executes.
 */
final class ExecuteHandler {
    /** Expiries in one slot: after a takeover very many may be due together, and others wait. */
    private static final int EXPIRE_BATCH = 256;

    /** Within a batch the agent is woken so often: what is ready leaves soon, and several entries in one frame. */
    private static final long WAKE_NS = 30_000;

    private final OrderCore core;
    private final TsdStore store;
    private final @Nullable Recording recording;
    private final LaneGate gate;
    private final ReadPool reads;
    private final ReadAnswers readAnswers;
    private final LongSupplier monotonicNs;
    private final LongSupplier wallNs;
    private final ActivePort port;
    private final Sequence done;
    private long lastTimeNs;
    private long markPosition;
    private long wokenNs;
    /** Marked as what is executed next, and where its mark is; null for the most part. */
    private TsdStore.@Nullable Due markedDue;

    private long dueMarkPosition;
    /** Messages that waited when the reign began: the former active may have died of their last attempt (R17). */
    private final Set<MarkedRequest> inherited = new HashSet<>();
    /** The one of them whose mark has been ordered, so that it is tried when that is stable; null without one. */
    private @Nullable MarkedRequest markedRetry;

    private long markedRetryPosition;

    /** The request in execution and since when, for the watchdog and the death note; null between requests. */
    private volatile @Nullable Request current;

    private volatile long currentSinceNs;

    ExecuteHandler(
            OrderCore core,
            TsdStore store,
            @Nullable Recording recording,
            LaneGate gate,
            ReadPool reads,
            ReadAnswers readAnswers,
            LongSupplier monotonicNs,
            LongSupplier wallNs,
            ActivePort port,
            Sequence done) {
        this.core = core;
        this.store = store;
        this.recording = recording;
        this.gate = gate;
        this.reads = reads;
        this.readAnswers = readAnswers;
        this.monotonicNs = monotonicNs;
        this.wallNs = wallNs;
        this.port = port;
        this.done = done;
        this.lastTimeNs = store.lastTimeNs();
    }

    /** The lane's thread begins with what has come. */
    void onBatchStart() {
        wokenNs = monotonicNs.getAsLong(); // the agent is not woken for the first slot alone
    }

    /**
     * Does what the slot asks for; called by the lane's thread, which it may keep waiting.
     *
     * @return false when everything ends
     */
    boolean onEvent(LaneEvent event, long sequence, boolean endOfBatch) throws IOException {
        boolean isRead = event.isTaken;
        event.isTaken = true;
        if (gate.isClosed()) {
            return false;
        }
        if (markedDue != null && !expireMarked(event, markedDue, sequence)) {
            return false;
        }
        if (markedRetry != null && event.task != LaneEvent.Task.QUARANTINE && !retryMarked(event, sequence)) {
            return false;
        }
        if (event.task == LaneEvent.Task.ASK && gate.mustWait(event.isAfterMark ? markPosition : 0)) {
            publishUpTo(sequence - 1);
            port.wake();
            gate.await(event.isAfterMark ? markPosition : 0);
            if (gate.isClosed()) {
                return false;
            }
        }
        long startNs = monotonicNs.getAsLong();
        long nowWallNs = wallNs.getAsLong();
        switch (event.task) {
            case ASK -> {
                if (!isRead) {
                    ask(event, Objects.requireNonNull(event.request), startNs, nowWallNs);
                }
            }
            case MARK -> {
                Execution mark = core.mark(Objects.requireNonNull(event.request), startNs, nowWallNs);
                markPosition = mark == null ? 0 : mark.entry().position();
                add(event, mark);
            }
            case OPEN_TERM -> {
                event.pendingEffects = store.pendingEffects();
                inherited.addAll(store.waitingMessages());
                add(event, core.openTerm(Objects.requireNonNull(event.view), startNs, nowWallNs));
            }
            case QUARANTINE -> {
                Request poison = Objects.requireNonNull(event.request);
                add(event, core.quarantine(poison.session(), poison.requestId(), startNs, nowWallNs));
            }
            case EXPIRE -> expire(event, startNs, nowWallNs);
            case RETRY -> {
                // Those who wait have had their turn above, and have another one below.
            }
            case COPY -> {
                event.copyBlock = store.copyBlockedBy().orElse(null);
                if (event.copyBlock == null) {
                    add(event, core.beforeCopy(startNs, nowWallNs));
                    flushRecording();
                    event.copy = store.copy();
                }
            }
            case EFFECT -> {
                add(event, core.effect(event.effectKind, Objects.requireNonNull(event.effect), startNs, nowWallNs));
            }
        }
        if (event.task != LaneEvent.Task.OPEN_TERM && markedDue == null) {
            // Not before what ended the former active is barred, nor between a mark and what it names.
            retry(event, nowWallNs);
        }
        long endNs = monotonicNs.getAsLong();
        event.elapsedNs = endNs - startNs;
        if (endOfBatch) {
            flushRecording();
        }
        publishUpTo(sequence);
        if (endOfBatch || endNs - wokenNs >= WAKE_NS) {
            wokenNs = endNs;
            port.wake();
        }
        return true;
    }

    /**
     * Does what the slot asks for if that takes little time for certain and need not wait for anything; called by the node
     * agent, for whom the next slot counts as well as this one.
     *
     * @return false when it is not brief: nothing has been done then
     */
    boolean onBriefEvent(LaneEvent event, long sequence) throws IOException {
        Request request = event.request;
        if (event.task != LaneEvent.Task.ASK
                || event.isTaken
                || event.isAfterMark
                || request == null
                || markedDue != null
                || markedRetry != null
                || recording != null
                || gate.isClosed()
                || gate.mustWait(0)) {
            return false;
        }
        long startNs = monotonicNs.getAsLong();
        currentSinceNs = startNs;
        current = request;
        boolean isDone = doIfBrief(event, request, startNs);
        current = null;
        if (isDone) {
            event.isTaken = true;
            event.elapsedNs = monotonicNs.getAsLong() - startNs;
            publishUpTo(sequence);
        }
        return isDone;
    }

    private boolean doIfBrief(LaneEvent event, Request request, long startNs) throws IOException {
        if (!request.kind().isOrdered()) {
            // Those who may be tried again come before a read, too.
            return !readAnswers.isFull() && core.nextRetry() == null && readKey(event, request, true);
        }
        if (!core.holdIfBrief(request)) {
            return false;
        }
        try {
            // Nobody waits for a lock, so that nobody is to be tried again after it.
            take(event, request, core.onRequest(request, startNs, wallNs.getAsLong()));
        } finally {
            core.letGo(request);
        }
        return true;
    }

    private boolean readKey(LaneEvent event, Request request, boolean isBriefOnly) throws IOException {
        Ordered ordered = core.isFreshRead(request) ? core.readKey(request, isBriefOnly) : null;
        if (ordered != null) {
            take(event, request, ordered);
        }
        return ordered != null;
    }

    private void ask(LaneEvent event, Request request, long startNs, long nowWallNs) throws IOException {
        boolean isRead = !request.kind().isOrdered();
        if (isRead && readAnswers.isFull()) {
            event.ordered = new Ordered(null, readAnswers.busy(request), 0, false);
            return;
        }
        currentSinceNs = startNs;
        current = request;
        boolean isDone = isRead && (readKey(event, request, false) || readBeside(event, request));
        if (!isDone) {
            take(event, request, core.onRequest(request, startNs, nowWallNs));
        }
        current = null;
    }

    private boolean readBeside(LaneEvent event, Request request) {
        return core.isFreshRead(request)
                && reads.read(Objects.requireNonNull(event.channel), request, core.readBeside(request));
    }

    private void take(LaneEvent event, Request request, Ordered ordered) throws IOException {
        event.ordered = ordered;
        if (!request.kind().isOrdered() && ordered.answer() != null) {
            event.channel = readAnswers.counted(Objects.requireNonNull(event.channel), ordered.answer());
        }
        if (ordered.execution() != null) {
            record(ordered.execution());
        }
    }

    /**
     * Hands a read over that stands behind a statement which runs for long, if nothing else of its session does. Called by the
     * node agent while the lane stands still.
     */
    void readAmid(LaneEvent event) {
        Request request = event.request;
        if (event.isTaken
                || event.task != LaneEvent.Task.ASK
                || event.isAfterMark
                || request == null
                || readAnswers.isFull()) {
            return;
        }
        Supplier<Answer> read = core.readAmid(request);
        event.isTaken = read != null && reads.read(Objects.requireNonNull(event.channel), request, read);
    }

    /** Ends what has run out of time, until one needs a mark: then that one is the next thing that the lane executes. */
    private void expire(LaneEvent event, long startNs, long nowWallNs) throws IOException {
        while (event.own.size() < EXPIRE_BATCH) {
            TsdStore.Due due = core.nextDue(startNs, nowWallNs);
            if (due == null) {
                add(event, core.expireNext(startNs, nowWallNs)); // tells the time, now and then
                return;
            }
            Execution mark = core.markExpiry(due, startNs, nowWallNs);
            if (mark != null) {
                add(event, mark);
                markedDue = due;
                dueMarkPosition = mark.entry().position();
                return;
            }
            add(event, expire(due, startNs, nowWallNs));
        }
    }

    /** @return false when everything ends */
    private boolean expireMarked(LaneEvent event, TsdStore.Due due, long sequence) throws IOException {
        publishUpTo(sequence - 1);
        port.wake();
        gate.await(dueMarkPosition);
        if (gate.isClosed()) {
            return false;
        }
        markedDue = null;
        Execution done = expire(due, monotonicNs.getAsLong(), wallNs.getAsLong());
        event.before = done;
        record(done);
        return true;
    }

    private Execution expire(TsdStore.Due due, long startNs, long nowWallNs) {
        MarkedRequest name = due.name();
        currentSinceNs = monotonicNs.getAsLong();
        current = name == null ? null : name.asRequest();
        Execution done = core.expire(due, startNs, nowWallNs);
        current = null;
        return done;
    }

    /** Whoever waited for a lock that is free now comes before those who have just arrived. */
    private void retry(LaneEvent event, long nowWallNs) throws IOException {
        for (MarkedRequest waiting = core.nextRetry(); waiting != null; waiting = core.nextRetry()) {
            if (inherited.contains(waiting)) {
                Execution mark = core.markRetry(waiting, monotonicNs.getAsLong(), nowWallNs);
                markedRetry = waiting;
                markedRetryPosition = mark.entry().position();
                event.isRetryMarked = true;
                event.retried.add(mark);
                record(mark);
                return;
            }
            event.retried.add(retryNext(waiting, nowWallNs));
        }
    }

    /**
     * When the mark is stable the attempt may be made; unless something has come in between.
     *
     * @return false when everything ends
     */
    private boolean retryMarked(LaneEvent event, long sequence) throws IOException {
        publishUpTo(sequence - 1);
        port.wake();
        gate.await(markedRetryPosition);
        if (gate.isClosed()) {
            return false;
        }
        MarkedRequest waiting = markedRetry;
        markedRetry = null;
        if (waiting != null
                && waiting.equals(core.nextRetry())
                && waiting.equals(store.mark().orElse(null))) {
            event.before = retryNext(waiting, wallNs.getAsLong());
            inherited.remove(waiting);
        }
        return true;
    }

    private Execution retryNext(MarkedRequest waiting, long nowWallNs) throws IOException {
        long startNs = monotonicNs.getAsLong();
        currentSinceNs = startNs;
        current = waiting.asRequest();
        Execution execution = core.retry(waiting, startNs, nowWallNs);
        current = null;
        record(execution);
        return execution;
    }

    private void add(LaneEvent event, @Nullable Execution execution) throws IOException {
        if (execution != null) {
            event.own.add(execution);
            record(execution);
        }
    }

    /** Follows each execution at once. */
    private void record(Execution execution) throws IOException {
        long previousTimeNs = lastTimeNs;
        lastTimeNs = execution.entry().header().timeNs();
        port.executed(store, execution.entry(), previousTimeNs);
        if (recording != null) {
            recording.append(execution.entry());
        }
    }

    private void flushRecording() throws IOException {
        if (recording != null) {
            recording.flush();
        }
    }

    private void publishUpTo(long sequence) {
        // Volatile, not ordered: whether the agent is awake must be read after this is seen, or it sleeps through it.
        done.setVolatile(sequence);
    }

    /** The request that is being executed; null between requests. Safe from any thread. */
    @Nullable Request current() {
        return current;
    }

    /** Since when, on the monotonic clock. Safe from any thread. */
    long currentSinceNs() {
        return currentSinceNs;
    }
}
