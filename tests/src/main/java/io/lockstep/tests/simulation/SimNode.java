package io.lockstep.tests.simulation;

import io.lockstep.activenode.ActiveNodeConfig;
import io.lockstep.activenode.ForwardCore;
import io.lockstep.activenode.ForwardEffects;
import io.lockstep.activenode.HeaderClock;
import io.lockstep.activenode.OrderCore;
import io.lockstep.activenode.Ordered;
import io.lockstep.backupnode.BackupCore;
import io.lockstep.backupnode.BackupEffects;
import io.lockstep.backupnode.BackupNodeConfig;
import io.lockstep.backupnode.BackupState;
import io.lockstep.membership.RegisterAcceptor;
import io.lockstep.membership.RegisterProposer;
import io.lockstep.tsdstore.CopyBrokenException;
import io.lockstep.tsdstore.CopyInstaller;
import io.lockstep.tsdstore.DivergenceException;
import io.lockstep.tsdstore.Execution;
import io.lockstep.tsdstore.ForwardLog;
import io.lockstep.tsdstore.NoRecords;
import io.lockstep.tsdstore.StateCopy;
import io.lockstep.tsdstore.TsdStore;
import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Entry;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Request;
import io.lockstep.wire.View;
import io.lockstep.wire.ViewCodec;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** One run of one node: the shipped cores in one thread, with a lane that works at its own pace. */
final class SimNode implements Network.Host {
    private static final long TICK_NS = 5 * Scheduler.MS;
    private static final long NOTICE_NS = 500 * Scheduler.MS;
    /** Small, so that logs roll and joiners are copied. */
    private static final long LOG_BYTES = 64 << 10;

    private final Simulation simulation;
    private final Scheduler scheduler;
    private final String name;
    private final Voter voter;
    private final LongSupplier random;

    private View.Member self;
    private boolean isAlive = true;
    private long pausedUntilNs;
    /** Rises with every role, so that what a former role had under way is dropped. */
    private int epoch;

    private RegisterProposer proposer;
    private ForwardLog log;
    private Ledger.History history;
    private TsdStore store;
    private @Nullable BackupCore backup;
    private @Nullable Reign reign;
    private @Nullable CopyInstaller installer;
    private Ledger.@Nullable History installing;
    private long laneFreeNs;
    private long lastResultNs;

    SimNode(Simulation simulation, String name, Voter voter) {
        this.simulation = simulation;
        this.scheduler = simulation.scheduler;
        this.name = name;
        this.voter = voter;
        this.random = () -> scheduler.random.nextLong() >>> 1 | 1;
        this.self = new View.Member(name, random.getAsLong());
        this.proposer = newProposer();
        this.log = new ForwardLog(LOG_BYTES);
        this.history = new Ledger.History();
        this.store = TsdStore.create(new FoldService(), new NoRecords(), Simulation.STORE);
        this.backup = newBackup();
        scheduler.after(scheduler.between(0, TICK_NS), this::tick);
    }

    /** A voter of the register: its record outlives the process. */
    static final class Voter {
        final RegisterAcceptor acceptor;

        Voter(String name, long diskId) {
            this.acceptor = new RegisterAcceptor(name, new MemoryStore(diskId));
        }

        Frame answer(Frame request) {
            try {
                return acceptor.answer(request);
            } catch (IOException impossible) {
                throw new UncheckedIOException(impossible);
            }
        }
    }

    // ---- the process -----------------------------------------------------------------------------------------------

    @Override
    public String name() {
        return name;
    }

    @Override
    public long incarnation() {
        return self.incarnation();
    }

    @Override
    public boolean isAlive() {
        return isAlive;
    }

    @Override
    public long pausedUntilNs() {
        return pausedUntilNs;
    }

    View.Member member() {
        return self;
    }

    boolean isActive() {
        return isAlive && reign != null;
    }

    @Nullable View view() {
        return reign == null ? null : reign.core.view();
    }

    boolean isFollowing() {
        return backup != null && backup.state() == BackupState.FOLLOWING;
    }

    /** Where it stands, for the report of a schedule that does not end. */
    String describe() {
        String role = reign == null
                ? String.valueOf(backup == null ? null : backup.state() + ": " + backup.reason())
                : "term " + reign.term + " stable " + reign.core.stablePosition() + " waiting answers "
                        + reign.core.waitingAnswers() + " queue " + reign.queue.size() + " mark " + reign.markPosition
                        + (reign.isLaneBusy ? " busy" : "") + (reign.isHeldBack ? " held back" : "");
        return self + " log " + log.lastPosition() + " executed " + position() + " " + role;
    }

    Ledger.History history() {
        return history;
    }

    long digest() {
        return store.digest();
    }

    long position() {
        return store.last().position();
    }

    void kill() {
        scheduler.trace("kill " + self + (reign == null ? "" : ", the active of term " + reign.term));
        isAlive = false;
        epoch++;
    }

    void pause(long lengthNs) {
        scheduler.trace("pause " + self + " for " + lengthNs / Scheduler.MS + " ms");
        pausedUntilNs = Math.max(pausedUntilNs, scheduler.now() + lengthNs);
    }

    /** Something of this role, after a time; waits out a pause, and is dropped with the role. */
    private void internal(long delayNs, Runnable task) {
        int mine = epoch;
        scheduler.after(delayNs, () -> runInternal(mine, task));
    }

    private void runInternal(int mine, Runnable task) {
        if (!isAlive || epoch != mine) {
            return;
        }
        if (pausedUntilNs > scheduler.now()) {
            scheduler.at(pausedUntilNs, () -> runInternal(mine, task));
            return;
        }
        task.run();
    }

    private void tick() {
        if (!isAlive) {
            return;
        }
        if (pausedUntilNs > scheduler.now()) {
            scheduler.at(pausedUntilNs, this::tick);
            return;
        }
        proposer.tick(scheduler.now());
        if (backup != null) {
            backup.tick(scheduler.now());
        }
        if (reign != null) {
            reign.tick();
        }
        scheduler.after(TICK_NS, this::tick);
    }

    @Override
    public void receive(View.Member from, Frame frame) {
        if (frame instanceof Frame.Ask ask) {
            ask(from, ask);
        } else if (RegisterAcceptor.isForVoter(frame)) {
            Frame reply = voter.answer(frame);
            internal(scheduler.between(50 * Scheduler.US, 500 * Scheduler.US), () -> send(from, reply));
        } else if (RegisterProposer.isForProposer(frame)) {
            proposer.onFrame(from.name(), frame, scheduler.now());
        } else if (reign != null) {
            reign.receive(from, frame);
        } else if (backup != null) {
            follow(backup, from, frame);
        }
    }

    private void follow(BackupCore core, View.Member from, Frame frame) {
        long now = scheduler.now();
        if (frame instanceof Frame.Forward forward) {
            core.onForward(from.name(), forward, now);
        } else if (frame instanceof Frame.Follow follow) {
            core.onFollow(from.name(), follow, now);
        } else if (frame instanceof Frame.CopyBegin begin) {
            core.onCopyBegin(from.name(), begin, now);
        } else if (frame instanceof Frame.CopyChunk chunk) {
            core.onCopyChunk(from.name(), chunk, now);
        }
    }

    private void ask(View.Member from, Frame.Ask ask) {
        if (reign == null) {
            refuse(from, 0, ask.request(), AnswerCode.NOT_ACTIVE);
        } else if (ask.term() != reign.term) {
            if (ask.term() > reign.term) {
                reign.core.onHigherTerm(ask.term());
            }
            send(from, new Frame.ViewNotice(reign.term, 1, self));
            refuse(from, reign.term, ask.request(), AnswerCode.NOT_ACTIVE);
        } else {
            reign.ask(from, ask.request());
        }
    }

    private void refuse(View.Member to, long term, Request request, AnswerCode code) {
        send(
                to,
                new Frame.Reply(
                        term,
                        new Answer(
                                request.session(),
                                request.requestId(),
                                Identity.NONE,
                                code,
                                name.getBytes(StandardCharsets.UTF_8))));
    }

    private void send(View.Member to, Frame frame) {
        simulation.network.send(this, to.name(), to.incarnation(), frame);
    }

    /** The network tells that a process's connection broke; the second look is refused when it is dead. */
    void connectionLost(View.Member gone) {
        if (!isAlive) {
            return;
        }
        internal(scheduler.between(100 * Scheduler.US, 2 * Scheduler.MS), () -> {
            if (backup != null) {
                backup.onConnectionLost(gone.name(), scheduler.now());
            } else if (reign != null) {
                reign.core.onNodeGone(gone, scheduler.now());
            }
        });
    }

    /** A distributor is connected. */
    void greeted(View.Member distributor) {
        if (reign != null) {
            send(distributor, new Frame.ViewNotice(reign.term, reign.core.view().version(), self));
        }
    }

    // ---- roles -----------------------------------------------------------------------------------------------------

    private RegisterProposer newProposer() {
        return new RegisterProposer(simulation.voters(), self.incarnation(), this::sendToVoter, random);
    }

    private void sendToVoter(String to, Frame frame) {
        if (to.equals(name)) {
            RegisterProposer asker = proposer;
            Frame reply = voter.answer(frame);
            internal(
                    scheduler.between(50 * Scheduler.US, 500 * Scheduler.US),
                    () -> asker.onFrame(name, reply, scheduler.now()));
        } else {
            simulation.network.send(this, to, frame);
        }
    }

    private BackupCore newBackup() {
        return new BackupCore(
                self,
                new BackupNodeConfig(Simulation.FAILURE_DETECTION, simulation.nodeNames()),
                log,
                proposer,
                new Following(),
                scheduler.now());
    }

    private void rebuild(String reason) {
        scheduler.trace(self + " is rebuilt: " + reason);
        View.Member before = self;
        epoch++;
        reign = null;
        installer = null;
        self = new View.Member(name, random.getAsLong());
        proposer = newProposer();
        log = new ForwardLog(LOG_BYTES);
        history = new Ledger.History();
        store = TsdStore.create(new FoldService(), new NoRecords(), Simulation.STORE);
        backup = newBackup();
        simulation.reconnected(before, this);
    }

    private void lane(long workNs, Runnable task) {
        long start = Math.max(laneFreeNs, scheduler.now());
        laneFreeNs = start + workNs;
        internal(laneFreeNs - scheduler.now(), task);
    }

    private final class Following implements BackupEffects {
        @Override
        public void send(String node, Frame frame) {
            simulation.network.send(SimNode.this, node, frame);
        }

        @Override
        public void broadcast(Frame frame) {
            for (String node : simulation.nodeNames()) {
                if (!node.equals(name)) {
                    simulation.network.send(SimNode.this, node, frame);
                }
            }
        }

        @Override
        public void apply(List<Entry> entries) {
            for (Entry entry : entries) {
                lane(scheduler.between(10 * Scheduler.US, 80 * Scheduler.US), () -> apply(entry));
            }
        }

        private void apply(Entry entry) {
            try {
                store.apply(entry);
            } catch (DivergenceException divergence) {
                throw new Violation("I5: " + name + " differs at " + entry + ": " + divergence.getMessage());
            }
            history.add(entry);
            if (backup != null) {
                backup.onApplied(entry.position(), store.chain(), scheduler.now());
            }
        }

        @Override
        public void probe(String node) {
            internal(scheduler.between(100 * Scheduler.US, 2 * Scheduler.MS), () -> {
                if (backup != null) {
                    backup.onProbe(node, !simulation.network.at(node).isAlive(), scheduler.now());
                }
            });
        }

        @Override
        public void beginCopy(long copyId, Identity at, long chain) {
            lane(Scheduler.US, () -> {
                installer = TsdStore.installer(new FoldService(), new NoRecords(), Simulation.STORE);
                installing = simulation.copiedHistory(at.position(), chain);
            });
        }

        @Override
        public void copyPiece(long copyId, int index, boolean isLast, byte[] data) {
            lane(scheduler.between(10 * Scheduler.US, 1000 * Scheduler.US), () -> {
                CopyInstaller target = installer;
                if (target == null || backup == null || installing == null) {
                    return;
                }
                try {
                    target.accept(data);
                    if (isLast) {
                        store = target.finish();
                        history = installing;
                        installer = null;
                    }
                    backup.onCopyPieceTaken(copyId, index, isLast, scheduler.now());
                } catch (CopyBrokenException broken) {
                    installer = null;
                    backup.onCopyBroken(copyId, String.valueOf(broken.getMessage()), scheduler.now());
                }
            });
        }

        @Override
        public void became(BackupState from, BackupState to, String reason) {
            scheduler.trace(self + " " + from + " -> " + to + ": " + reason);
        }

        @Override
        public void promoted(Promotion promotion) {
            internal(0, () -> promote(promotion.view()));
        }

        @Override
        public void unfit(String reason) {
            internal(0, () -> rebuild(reason));
        }
    }

    private void promote(View view) {
        epoch++;
        backup = null;
        simulation.onPromoted(this, view);
        Reign mine = new Reign(view);
        reign = mine;
        mine.open();
        mine.announce();
    }

    /** The active's role: lane, gate, and what lies between them. */
    private final class Reign implements ForwardEffects<View.Member> {
        private final long term;
        private final OrderCore order;
        private final ForwardCore<View.Member> core;
        private final ArrayDeque<Asked> queue = new ArrayDeque<>();
        private final Map<Long, StateCopy> copies = new HashMap<>();
        private boolean isLaneBusy;
        private boolean isHeldBack;
        private long markPosition;
        private long lastNoticeNs;

        private record Asked(View.Member from, Request request, boolean isMark) {}

        Reign(View view) {
            term = view.term();
            order = new OrderCore(
                    store,
                    term,
                    new HeaderClock(store.lastTimeNs(), scheduler.now(), scheduler.now()),
                    scheduler.random::nextLong);
            core = new ForwardCore<>(
                    self,
                    view,
                    ActiveNodeConfig.withFailureDetection(Simulation.FAILURE_DETECTION),
                    log,
                    proposer,
                    this,
                    scheduler.now());
        }

        void open() {
            var marked = store.mark();
            Execution opening = order.openTerm(ViewCodec.encode(core.view()), scheduler.now(), scheduler.now());
            executed(opening);
            marked.ifPresent(m -> {
                Execution barred = order.quarantine(m.session(), m.requestId(), scheduler.now(), scheduler.now());
                if (barred != null) {
                    executed(barred);
                }
            });
            core.flush(scheduler.now());
        }

        void announce() {
            simulation
                    .distributors()
                    .forEach(distributor -> SimNode.this.send(
                            distributor.member(),
                            new Frame.ViewNotice(term, core.view().version(), self)));
        }

        private void executed(Execution execution) {
            history.add(execution.entry());
            core.onEntry(execution);
        }

        void ask(View.Member from, Request request) {
            if (queue.size() >= 256) {
                refuse(from, term, request, AnswerCode.BUSY);
                return;
            }
            if (request.repeated() && request.kind().isOrdered()) {
                queue.add(new Asked(from, request, true));
            }
            queue.add(new Asked(from, request, false));
            step();
        }

        /** The lane takes the next message, unless it must wait. */
        private void step() {
            if (isLaneBusy || queue.isEmpty() || isHeldBack || core.stablePosition() < markPosition) {
                return;
            }
            isLaneBusy = true;
            Asked asked = queue.remove();
            long now = scheduler.now();
            if (asked.isMark()) {
                Execution mark = order.mark(asked.request(), now, now);
                if (mark != null) {
                    markPosition = mark.entry().position();
                    history.add(mark.entry());
                }
                done(() -> {
                    if (mark != null) {
                        core.onEntry(mark);
                    }
                });
            } else {
                Request request = asked.request();
                Ordered ordered = order.onRequest(request, now, now);
                if (ordered.execution() != null) {
                    history.add(ordered.execution().entry());
                }
                done(() -> core.onOrdered(asked.from(), request, ordered));
            }
        }

        /** The result reaches the node agent a little later, in order; the lane goes on meanwhile. */
        private void done(Runnable result) {
            long now = scheduler.now();
            long workNs = scheduler.between(10 * Scheduler.US, 100 * Scheduler.US);
            lastResultNs = Math.max(lastResultNs, now + workNs + scheduler.between(0, 200 * Scheduler.US));
            internal(workNs, () -> {
                isLaneBusy = false;
                step();
            });
            internal(lastResultNs - now, () -> {
                result.run();
                core.flush(scheduler.now());
                step();
            });
        }

        void tick() {
            long now = scheduler.now();
            if (now - lastNoticeNs >= NOTICE_NS) {
                lastNoticeNs = now;
                announce();
            }
            Execution due = order.expireNext(now, now);
            if (due != null) {
                history.add(due.entry());
                done(() -> core.onEntry(due));
            }
            core.tick(now);
            step();
        }

        void receive(View.Member from, Frame frame) {
            long now = scheduler.now();
            if (frame instanceof Frame.Acknowledge acknowledge) {
                core.onAcknowledge(from, acknowledge, now);
            } else if (frame instanceof Frame.Join join) {
                core.onJoin(from, join, now);
            } else if (frame instanceof Frame.CopyAcknowledge acknowledge) {
                core.onCopyAcknowledge(from, acknowledge, now);
            } else if (frame.term() > term) {
                core.onHigherTerm(frame.term());
            }
            core.flush(now);
            step();
        }

        @Override
        public void send(View.Member to, Frame frame) {
            SimNode.this.send(to, frame);
        }

        @Override
        public void answer(View.Member channel, Answer answer) {
            simulation.ledger.answered(name, self.incarnation(), term, answer, history);
            SimNode.this.send(channel, new Frame.Reply(term, answer));
        }

        @Override
        public void takeCopy(long copyId) {
            internal(scheduler.between(0, Scheduler.MS), () -> {
                StateCopy copy = store.copy();
                copies.put(copyId, copy);
                simulation.copied(history, copy);
                // The boundary reaches the agent behind what the lane did before it.
                done(() -> core.onCopyTaken(copyId, copy.at(), copy.chain()));
            });
        }

        @Override
        public void readCopyPiece(long copyId) {
            internal(scheduler.between(0, Scheduler.MS), () -> {
                StateCopy copy = copies.get(copyId);
                if (copy != null) {
                    byte[] piece = copy.next();
                    core.onCopyPiece(copyId, piece, !copy.hasNext());
                }
            });
        }

        @Override
        public void dropCopy(long copyId) {
            StateCopy copy = copies.remove(copyId);
            if (copy != null) {
                copy.close();
            }
        }

        @Override
        public void holdBack(boolean heldBack) {
            isHeldBack = heldBack;
        }

        @Override
        public void viewInstalled(View view) {
            scheduler.trace(self + " installs " + view);
        }

        @Override
        public void deposed(View current, String reason) {
            internal(0, () -> rebuild(reason));
        }
    }
}
