package io.lockstep.backupnode;

import io.lockstep.membership.ViewRegister;
import io.lockstep.tsdstore.CopyBrokenException;
import io.lockstep.tsdstore.CopyInstaller;
import io.lockstep.tsdstore.DivergenceException;
import io.lockstep.tsdstore.ForwardLog;
import io.lockstep.tsdstore.Recording;
import io.lockstep.tsdstore.TsdStore;
import io.lockstep.tsdstore.sql.EntryText;
import io.lockstep.wire.Entry;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Identity;
import io.lockstep.wire.View;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The backup role of a node: {@link BackupCore} decides, the lane executes. Everything here belongs to the node agent,
 * but for the lane's own tasks.
 */
public final class BackupNode {
    /** Some microseconds of work; a call that lets nobody go first takes a tenth of that. */
    private static final int YIELD_ENTRIES = 2;
    /** A lane that is further behind lets nobody go first. */
    private static final int YIELD_TAIL_ENTRIES = 256;

    /** The lane has executed all entries up to that position. */
    private record Executed(long position, long chain) {}

    private final BackupPort port;
    private final Supplier<CopyInstaller> installers;
    private final @Nullable Recording recording;
    private final LongSupplier monotonicNs;
    private final BackupCore core;
    private final ExecutorService lane = Executors.newSingleThreadExecutor(task -> {
        Thread thread = new Thread(task, "lane");
        thread.setDaemon(true);
        return thread;
    });

    /** Touched by the lane only, until the role is closed. */
    private TsdStore store;

    /** How far the lane is, as long as that is news. Left by the lane, taken by the node agent. */
    private final AtomicReference<@Nullable Executed> executed = new AtomicReference<>();

    private @Nullable CopyInstaller installer;
    /** Touched by the lane only: what was handed over behind an entry that differed is not executed. */
    private boolean hasDiverged;
    /** A copy that is whole and not yet in the store's place. */
    private @Nullable TsdStore copied;
    /** Whether {@link #store} was closed to make room for a copy. */
    private boolean isStoreClosed;

    /** Up to where the lane is to execute. Written by the node agent, read by the lane. */
    private volatile long handedPosition;
    /** Whether clients wait until everything is executed. Written by the node agent, read by the lane. */
    private volatile boolean isAwaited;

    private long lastEntryAtNs;
    /** Whether this run's state is known to differ from the active's. */
    private boolean differs;

    /**
     * Starts following nobody.
     *
     * @param store new and empty
     * @param installers makes what a copy is installed with, over records of its own
     * @param recording where executed entries are kept for a replay; null when they are not
     */
    public BackupNode(
            View.Member self,
            BackupNodeConfig config,
            TsdStore store,
            Supplier<CopyInstaller> installers,
            ForwardLog log,
            @Nullable Recording recording,
            ViewRegister register,
            BackupPort port,
            LongSupplier monotonicNs) {
        this.port = port;
        this.installers = installers;
        this.recording = recording;
        this.monotonicNs = monotonicNs;
        this.store = store;
        this.lastEntryAtNs = monotonicNs.getAsLong();
        this.core = new BackupCore(self, config, log, register, new Effects(), monotonicNs.getAsLong());
    }

    /** Looks for the active, watches it, proposes itself; call it every few milliseconds. */
    public void tick(long nowNs) {
        takeExecuted(nowNs);
        core.tick(nowNs);
    }

    /** A frame of another node. */
    public void onFrame(View.Member from, Frame frame, long nowNs) {
        takeExecuted(nowNs);
        if (frame instanceof Frame.Forward forward) {
            if (!forward.entries().isEmpty()) {
                lastEntryAtNs = nowNs;
            }
            core.onForward(from.name(), forward, nowNs);
        } else if (frame instanceof Frame.Follow follow) {
            core.onFollow(from.name(), follow, nowNs);
        } else if (frame instanceof Frame.CopyBegin begin) {
            lastEntryAtNs = nowNs;
            core.onCopyBegin(from.name(), begin, nowNs);
        } else if (frame instanceof Frame.CopyChunk chunk) {
            core.onCopyChunk(from.name(), chunk, nowNs);
        } else if (frame instanceof Frame.ViewNotice notice) {
            core.onViewNotice(notice, nowNs);
        } else if (frame instanceof Frame.DeathNote note) {
            core.onDeathNote(from.name(), note, nowNs);
        }
    }

    /** Called by the node agent, before anything else that may come after it. */
    private void takeExecuted(long nowNs) {
        Executed taken = executed.get() == null ? null : executed.getAndSet(null);
        if (taken != null) {
            core.onApplied(taken.position(), taken.chain(), nowNs);
        }
    }

    /** The connection with a node broke, or membership hints that it is gone. */
    public void onConnectionLost(String node, long nowNs) {
        core.onConnectionLost(node, nowNs);
    }

    /** What became of {@link BackupPort#probe}. */
    public void onProbe(String node, boolean isRefused, long nowNs) {
        core.onProbe(node, isRefused, nowNs);
    }

    /**
     * This node's state is found to differ from the active's: it leaves the view, keeps what it holds, and leads nobody.
     *
     * @param position of an entry after which it differs
     * @param expected what stands for the active's
     * @param actual what stands for ours
     */
    public void differs(long position, long expected, long actual, String detail) {
        differs = true;
        core.onDiverged(position, expected, actual, detail, monotonicNs.getAsLong());
    }

    /** What it decides. */
    public BackupCore core() {
        return core;
    }

    // ---- the lane --------------------------------------------------------------------------------------------------

    @SuppressWarnings("ThreadPriorityCheck") // nothing depends on the scheduler but who goes first on a full machine
    private void apply(List<Entry> entries) {
        if (hasDiverged) {
            return;
        }
        try {
            for (Entry entry : entries) {
                if (!apply(entry)) {
                    return;
                }
                if (recording != null) {
                    recording.append(entry);
                }
                if (entry.position() % YIELD_ENTRIES == 0 && isUnhurried(entry.position())) {
                    // No client waits for this, but perhaps for a thread that is in line for this processor.
                    Thread.yield();
                }
            }
            if (recording != null) {
                recording.flush();
            }
            long position = store.last().position();
            executed.set(new Executed(position, store.chain()));
            if (!isUnhurried(position)) {
                tellExecuted();
            }
        } catch (IOException | RuntimeException | Error failure) {
            port.failed(failure);
        }
    }

    /** Whether nobody waits for the lane: no takeover, and no active that holds work back until the tail is short. */
    private boolean isUnhurried(long position) {
        return !isAwaited && handedPosition - position < YIELD_TAIL_ENTRIES;
    }

    /** Wakes the node agent, which finds out by itself otherwise, with its next frame or tick. Safe from any thread. */
    private void tellExecuted() {
        port.onAgent(() -> takeExecuted(monotonicNs.getAsLong()));
    }

    /** Runs something on the agent's thread, which knows by then what was executed before. */
    private void toAgent(Runnable task) {
        port.onAgent(() -> {
            takeExecuted(monotonicNs.getAsLong());
            task.run();
        });
    }

    /** @return false when its outcome differs */
    private boolean apply(Entry entry) {
        long previousTimeNs = store.lastTimeNs();
        try {
            store.apply(entry);
        } catch (DivergenceException divergence) {
            hasDiverged = true;
            String detail = divergence.getMessage() + "; it says " + EntryText.of(entry);
            toAgent(() -> differs(entry.position(), divergence.expected(), divergence.actual(), detail));
            return false;
        }
        port.executed(store, entry, previousTimeNs);
        return true;
    }

    private void beginCopy(boolean keepsStore) {
        try {
            dropCopy();
            if (!keepsStore) {
                store.close();
                isStoreClosed = true;
            }
            installer = installers.get();
        } catch (RuntimeException | Error failure) {
            port.failed(failure);
        }
    }

    /** Two whole states must fit the heap; garbage counts as used, so when in doubt the older one goes. */
    private static boolean hasRoomForTwo() {
        Runtime runtime = Runtime.getRuntime();
        long usedBytes = runtime.totalMemory() - runtime.freeMemory();
        return usedBytes < runtime.maxMemory() / 2;
    }

    private void installCopy() {
        TsdStore whole = copied;
        if (whole != null) {
            closeStore();
            store = whole;
            isStoreClosed = false;
            copied = null;
        }
    }

    private void dropCopy() {
        CopyInstaller half = installer;
        TsdStore whole = copied;
        installer = null;
        copied = null;
        if (half != null) {
            half.close();
        }
        if (whole != null) {
            whole.close();
        }
    }

    private void closeStore() {
        if (!isStoreClosed) {
            isStoreClosed = true;
            store.close();
        }
    }

    private void install(long copyId, int index, boolean isLast, byte[] data) {
        CopyInstaller target = installer;
        if (target == null) {
            return;
        }
        try {
            target.accept(data);
            if (isLast) {
                copied = target.finish();
                installer = null;
            }
            toAgent(() -> core.onCopyPieceTaken(copyId, index, isLast, monotonicNs.getAsLong()));
        } catch (CopyBrokenException broken) {
            target.close();
            installer = null;
            String why = String.valueOf(broken.getMessage());
            toAgent(() -> core.onCopyBroken(copyId, why, monotonicNs.getAsLong()));
        } catch (RuntimeException | Error failure) {
            port.failed(failure);
        }
    }

    private void leaveLane() throws InterruptedException {
        lane.shutdown();
        while (!lane.awaitTermination(1, TimeUnit.SECONDS)) {
            // Ends when the entry in execution does; the watchdog of the process ends an endless one.
        }
    }

    /** Ends the role and drops the state. */
    public void close() throws InterruptedException {
        if (core.state() != BackupState.PROMOTED) {
            lane.shutdownNow();
            leaveLane();
            dropCopy();
            closeStore();
        }
        core.close("the role is closed");
    }

    private final class Effects implements BackupEffects {
        @Override
        public void send(String node, Frame frame) {
            port.send(node, frame);
        }

        @Override
        public void broadcast(Frame frame) {
            port.broadcast(frame);
        }

        @Override
        public void apply(List<Entry> entries) {
            handedPosition = entries.get(entries.size() - 1).position();
            lane.execute(() -> BackupNode.this.apply(entries));
        }

        @Override
        public void probe(String node) {
            port.probe(node);
        }

        @Override
        public boolean beginCopy(long copyId, Identity at, long chain) {
            boolean keepsStore = core.receivedPosition() > 0 && hasRoomForTwo();
            lane.execute(() -> BackupNode.this.beginCopy(keepsStore));
            return keepsStore;
        }

        @Override
        public void installCopy(long copyId) {
            lane.execute(BackupNode.this::installCopy);
        }

        @Override
        public void dropCopy(long copyId) {
            lane.execute(BackupNode.this::dropCopy);
        }

        @Override
        public void copyPiece(long copyId, int index, boolean isLast, byte[] data) {
            lane.execute(() -> install(copyId, index, isLast, data));
        }

        @Override
        public void became(BackupState from, BackupState to, String reason) {
            isAwaited = to == BackupState.CANDIDATE || to == BackupState.PROMOTING;
            if (isAwaited) {
                tellExecuted(); // the lane may have found before that nobody waits
            }
            port.became(from, to, reason);
        }

        @Override
        public void promoted(Promotion promotion) {
            try {
                leaveLane();
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
                port.failed(interrupted);
                return;
            }
            port.promoted(promotion, store, lastEntryAtNs);
        }

        @Override
        public void unfit(String reason) {
            if (differs) {
                port.diverged(reason);
            } else {
                port.unfit(reason);
            }
        }
    }
}
