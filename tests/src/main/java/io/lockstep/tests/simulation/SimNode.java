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
import io.lockstep.tests.checkers.History;
import io.lockstep.tests.checkers.Promises;
import io.lockstep.tests.checkers.Violation;
import io.lockstep.tsdstore.CopyBrokenException;
import io.lockstep.tsdstore.CopyInstaller;
import io.lockstep.tsdstore.DivergenceException;
import io.lockstep.tsdstore.Execution;
import io.lockstep.tsdstore.ForwardLog;
import io.lockstep.tsdstore.MarkedRequest;
import io.lockstep.tsdstore.Ruling;
import io.lockstep.tsdstore.StateCopy;
import io.lockstep.tsdstore.TsdStore;
import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Entry;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import io.lockstep.wire.View;
import io.lockstep.wire.ViewCodec;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One run of one node: the shipped cores in one thread, with a lane that works at its own pace. Touched only by the
 * schedule's thread.
 */
final class SimNode implements Network.Host {
    private static final long NOTICE_NS = 500 * Scheduler.MS;
    private static final long EXPIRY_CHECK_NS = 50 * Scheduler.MS;
    /** Between a backup's decision to acknowledge and the frame's leaving. */
    private static final long ACKNOWLEDGE_NS = 10 * Scheduler.US;

    private static final int QUEUE_MAX = 256;

    private final Simulation simulation;
    private final Scheduler scheduler;
    private final Promises promises;
    private final int index;
    private final String name;
    private final SimVoter voter;
    private final SimClock clock;
    private final LongSupplier random;

    private final Runnable tick = this::tick;

    private View.Member self;
    private boolean isAlive = true;
    private int lostTo;
    private long lateNs;
    private long pausedUntilNs;
    /** Rises with every role, so that what a former role had under way is dropped. */
    private int epoch;

    private RegisterProposer proposer;
    private ForwardLog log;
    private History history;
    private State state;
    private @Nullable BackupCore backup;
    private @Nullable Reign reign;
    private @Nullable CopyInstaller installer;
    private Simulation.@Nullable Copied installing;
    private @Nullable MemoryBooks installingBooks;
    private @Nullable ModelSql installingSql;
    /** The books in which a record has changed by itself, and no execution has met it yet. */
    private @Nullable MemoryBooks corrupted;
    /** Its execution differed, or ended: the lane executes nothing more in this run. */
    private boolean isLaneOver;

    private long lastEntryAtNs;
    private long laneFreeNs;
    private long lastResultNs;
    private int acknowledgementsPending;
    private int appliesPending;
    private int pruningPending;

    /** What executes, and the books that it executes on. */
    record State(
            TsdStore store,
            @Nullable MemoryBooks books,
            @Nullable ModelSql sql) {}

    SimNode(Simulation simulation, int index, String name, SimVoter voter, SimClock clock) {
        this.simulation = simulation;
        this.scheduler = simulation.scheduler;
        this.promises = simulation.promises;
        this.index = index;
        this.name = name;
        this.voter = voter;
        this.clock = clock;
        this.random = () -> scheduler.random.nextLong() >>> 1 | 1;
        this.self = new View.Member(name, random.getAsLong());
        this.proposer = newProposer();
        this.log = new ForwardLog(simulation.logBytes());
        simulation.runs.put(self, log);
        this.history = new History();
        this.state = simulation.newState(this::diesOf);
        this.backup = newBackup();
        scheduler.after(scheduler.between(0, Scheduler.TICK_NS), tick);
    }

    // ---- the process -----------------------------------------------------------------------------------------------

    @Override
    public int index() {
        return index;
    }

    @Override
    public View.Member member() {
        return self;
    }

    @Override
    public boolean isAlive() {
        return isAlive;
    }

    @Override
    public long pausedUntilNs() {
        return pausedUntilNs;
    }

    @Override
    public boolean isLostTo(int host) {
        return !isAlive && (lostTo >>> host & 1) == 1;
    }

    @Override
    public long lateNs() {
        return lateNs;
    }

    boolean isActive() {
        return isAlive && reign != null;
    }

    /** A run that could still lead: alive, with a copy that is as it should be. */
    boolean isCopy() {
        return isAlive && corrupted == null && !isLaneOver;
    }

    @Nullable View view() {
        return reign == null ? null : reign.core.view();
    }

    long term() {
        return reign == null ? 0 : reign.term;
    }

    boolean isUnfit() {
        return isAlive && backup != null && backup.state() == BackupState.UNFIT;
    }

    boolean isLocating() {
        return isAlive
                && backup != null
                && (backup.state() == BackupState.LOCATING_ACTIVE || backup.state() == BackupState.CANDIDATE);
    }

    /** Whether messages are at this moment within this node. */
    boolean isIn(Moment moment) {
        if (!isAlive) {
            return false;
        }
        return switch (moment) {
            case S3 -> reign != null && !reign.queue.isEmpty();
            case S4 -> reign != null && reign.isLaneBusy;
            case S7 -> acknowledgementsPending > 0;
            case S12 -> pruningPending > 0;
            case S13 -> appliesPending > 0;
            default -> false;
        };
    }

    /**
     * A record changes by itself, and is as before when what is on its way to execution has been executed and did not
     * meet it: only what is executed is compared here. True when it has changed.
     */
    boolean corrupt() {
        MemoryBooks books = state.books;
        if (backup == null
                || backup.state() != BackupState.FOLLOWING
                || appliesPending == 0
                || books == null
                || corrupted != null) {
            return false;
        }
        books.corrupt();
        corrupted = books;
        return true;
    }

    void jump(long byNs) {
        clock.jump(byNs);
    }

    /** Where it stands, for the report of a schedule that does not end. */
    String describe() {
        String role = reign == null
                ? String.valueOf(backup == null ? null : backup.state() + ": " + backup.reason())
                : "term " + reign.term + " stable " + reign.core.stablePosition() + " waiting answers "
                        + reign.core.waitingAnswers() + " queue " + reign.queue.size() + " mark " + reign.markPosition
                        + (reign.isLaneBusy ? " busy" : "") + (reign.isHeldBack ? " held back" : "");
        return self + (isAlive ? "" : " dead") + " log " + log.lastPosition() + " executed " + position() + " " + role;
    }

    History history() {
        return history;
    }

    long digest() {
        return state.store.digest();
    }

    @Nullable ModelSql sql() {
        return state.sql;
    }

    @Nullable MemoryBooks books() {
        return state.books;
    }

    int openTransactions() {
        return state.store.transactionCount();
    }

    long position() {
        return state.store.last().position();
    }

    /**
     * The process is killed.
     *
     * @param lostTo bit by bit the hosts that what is on its way does not reach any more
     * @param lateNs by how much later the rest of it arrives
     */
    void kill(int lostTo, long lateNs) {
        this.lostTo = lostTo;
        this.lateNs = lateNs;
        isAlive = false;
        endRole();
        closeState();
    }

    /** The lane executes a poisonous message. */
    private boolean diesOf(Identity session, long requestId) {
        if (reign == null) {
            return false;
        }
        promises.executing(self, session, requestId);
        return simulation.diesOf(this, session, requestId);
    }

    private void endRole() {
        epoch++;
        if (reign != null) {
            reign.copies.values().forEach(StateCopy::close);
        }
        acknowledgementsPending = 0;
        appliesPending = 0;
        pruningPending = 0;
    }

    private void closeState() {
        if (installer != null) {
            installer.close();
        }
        state.store.close();
    }

    /** Stands still, unless it does already: what waits out a pause goes on in its order. */
    void pause(long lengthNs) {
        if (pausedUntilNs <= scheduler.now()) {
            pausedUntilNs = scheduler.now() + lengthNs;
        }
    }

    /** Something of this role, after a time; waits out a pause, and is dropped with the role. */
    private void internal(long delayNs, Runnable task) {
        scheduler.after(delayNs, new Internal(task));
    }

    private final class Internal implements Runnable {
        private final int mine = epoch;
        private final Runnable task;

        Internal(Runnable task) {
            this.task = task;
        }

        @Override
        public void run() {
            if (!isAlive || epoch != mine) {
                return;
            }
            if (pausedUntilNs > scheduler.now()) {
                scheduler.at(pausedUntilNs, this);
                return;
            }
            task.run();
        }
    }

    private void tick() {
        if (!isAlive) {
            return;
        }
        if (pausedUntilNs > scheduler.now()) {
            scheduler.at(pausedUntilNs, tick);
            return;
        }
        long now = clock.monotonic();
        proposer.tick(now);
        if (backup != null) {
            backup.tick(now);
        }
        if (reign != null) {
            reign.tick();
        }
        scheduler.afterTick(tick);
    }

    @Override
    public void receive(View.Member from, Frame frame) {
        if (frame instanceof Frame.Ask ask) {
            ask(from, ask);
        } else if (RegisterAcceptor.isForVoter(frame)) {
            Frame reply = voter.answer(frame);
            if (reply != null) {
                internal(voter.flushNs(), () -> simulation.network.send(this, from, reply));
            }
        } else if (RegisterProposer.isForProposer(frame)) {
            proposer.onFrame(from.name(), frame, clock.monotonic());
        } else if (reign != null) {
            reign.receive(from, frame);
        } else if (backup != null) {
            follow(backup, from, frame);
        }
    }

    private void follow(BackupCore core, View.Member from, Frame frame) {
        long now = clock.monotonic();
        if (frame instanceof Frame.Forward forward) {
            if (!forward.entries().isEmpty()) {
                lastEntryAtNs = now;
            }
            core.onForward(from.name(), forward, now);
        } else if (frame instanceof Frame.Follow follow) {
            core.onFollow(from.name(), follow, now);
        } else if (frame instanceof Frame.CopyBegin begin) {
            lastEntryAtNs = now;
            core.onCopyBegin(from.name(), begin, now);
        } else if (frame instanceof Frame.CopyChunk chunk) {
            core.onCopyChunk(from.name(), chunk, now);
        } else if (frame instanceof Frame.ViewNotice notice) {
            core.onViewNotice(notice, now);
        } else if (frame instanceof Frame.DeathNote note) {
            if (core.state() == BackupState.FOLLOWING
                    && note.term() == core.term()
                    && from.name().equals(core.followed())) {
                promises.warned(self, note.session(), note.requestId());
            }
            core.onDeathNote(from.name(), note, now);
        }
    }

    private void ask(View.Member from, Frame.Ask ask) {
        if (reign == null) {
            refuse(from, 0, ask.request(), AnswerCode.NOT_ACTIVE);
        } else if (ask.term() != reign.term) {
            if (ask.term() > reign.term) {
                reign.core.onHigherTerm(ask.term());
            }
            simulation.network.send(this, from, new Frame.ViewNotice(reign.term, 1, self));
            refuse(from, reign.term, ask.request(), AnswerCode.NOT_ACTIVE);
        } else {
            reign.ask(from, ask.request());
        }
    }

    private void refuse(View.Member to, long term, Request request, AnswerCode code) {
        simulation.network.send(
                this,
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

    /** The network tells that a process's connection broke; the second look is refused when it is dead. */
    void connectionLost(View.Member gone) {
        if (!isAlive) {
            return;
        }
        internal(scheduler.between(100 * Scheduler.US, 2 * Scheduler.MS), () -> {
            if (backup != null) {
                backup.onConnectionLost(gone.name(), clock.monotonic());
            } else if (reign != null) {
                reign.core.onNodeGone(gone, clock.monotonic());
            }
        });
    }

    /** A voter was connected, perhaps with a new disk. */
    void voterSeen() {
        if (reign != null) {
            internal(scheduler.between(100 * Scheduler.US, 2 * Scheduler.MS), () -> {
                if (reign != null) {
                    reign.core.onVoterSeen(clock.monotonic());
                }
            });
        }
    }

    /** Whether an operator's order to lead would be tried now. */
    boolean couldBeOrdered() {
        return isAlive && backup != null && backup.overrideRefusal().isEmpty();
    }

    /** An operator orders it to lead. */
    void override(Predicate<View.Member> isGone) {
        internal(scheduler.between(0, Scheduler.MS), () -> {
            if (backup != null) {
                Optional<String> refusal = backup.override(isGone, clock.monotonic());
                if (scheduler.isTracing()) {
                    scheduler.trace(self + " is ordered to lead: " + refusal.orElse("it asks the register"));
                }
            }
        });
    }

    /** A distributor is connected. */
    void greeted(View.Member distributor) {
        if (reign != null) {
            simulation.network.send(
                    this,
                    distributor,
                    new Frame.ViewNotice(reign.term, reign.core.view().version(), self));
        }
    }

    // ---- roles -----------------------------------------------------------------------------------------------------

    private RegisterProposer newProposer() {
        return new RegisterProposer(simulation.voterNames(), self.incarnation(), this::sendToVoter, random);
    }

    private void sendToVoter(String to, Frame frame) {
        if (to.equals(name)) {
            RegisterProposer asker = proposer;
            Frame reply = voter.answer(frame);
            if (reply != null) {
                internal(voter.flushNs(), () -> asker.onFrame(name, reply, clock.monotonic()));
            }
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
                clock.monotonic());
    }

    private void rebuild(String reason) {
        if (scheduler.isTracing()) {
            scheduler.trace(self + " is rebuilt: " + reason);
        }
        View.Member before = self;
        simulation.gaveUp(this);
        endRole();
        closeState();
        reign = null;
        installer = null;
        corrupted = null;
        isLaneOver = false;
        self = new View.Member(name, random.getAsLong());
        proposer = newProposer();
        log = new ForwardLog(simulation.logBytes());
        simulation.runs.put(self, log);
        history = new History();
        state = simulation.newState(this::diesOf);
        backup = newBackup();
        simulation.reconnected(before, this);
    }

    private void lane(long workNs, Runnable task) {
        long start = Math.max(laneFreeNs, scheduler.now());
        laneFreeNs = start + workNs;
        internal(laneFreeNs - scheduler.now(), task);
    }

    private final class Following implements BackupEffects {
        private boolean isFollowing;

        @Override
        public void send(String node, Frame frame) {
            if (frame instanceof Frame.Acknowledge acknowledge) {
                promises.acknowledged(
                        self, acknowledge.term(), acknowledge.round(), acknowledge.receivedPosition(), isFollowing);
                acknowledgementsPending++;
                simulation.reached(Moment.S7);
                internal(ACKNOWLEDGE_NS, () -> {
                    acknowledgementsPending--;
                    simulation.network.send(SimNode.this, node, frame);
                });
            } else {
                simulation.network.send(SimNode.this, node, frame);
            }
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
            BackupCore core = backup;
            if (core != null && core.state() == BackupState.FOLLOWING) {
                promises.handedOver(
                        self, core.term(), entries.get(entries.size() - 1).position());
            }
            appliesPending += entries.size();
            for (Entry entry : entries) {
                pruningPending += entry.header().acknowledgedUpTo() > 0 ? 1 : 0;
                lane(scheduler.between(10 * Scheduler.US, 80 * Scheduler.US), () -> apply(entry));
            }
            simulation.reached(Moment.S13);
        }

        private void apply(Entry entry) {
            appliesPending--;
            pruningPending -= entry.header().acknowledgedUpTo() > 0 ? 1 : 0;
            BackupCore core = backup;
            if (isLaneOver || core == null) {
                return;
            }
            try {
                state.store.apply(entry);
            } catch (DivergenceException divergence) {
                if (corrupted == null) {
                    throw new Violation("I5: " + name + " differs at " + entry + ": " + divergence.getMessage());
                }
                isLaneOver = true;
                core.onDiverged(
                        entry.position(),
                        divergence.expected(),
                        divergence.actual(),
                        String.valueOf(divergence.getMessage()),
                        clock.monotonic());
                return;
            }
            if (appliesPending == 0 && corrupted != null) {
                corrupted.mend();
                corrupted = null;
            }
            history.add(entry);
            promises.applied(entry);
            core.onApplied(entry.position(), state.store.chain(), clock.monotonic());
        }

        @Override
        public void probe(String node) {
            internal(scheduler.between(100 * Scheduler.US, 2 * Scheduler.MS), () -> {
                if (backup != null) {
                    backup.onProbe(node, !simulation.network.at(node).isAlive(), clock.monotonic());
                }
            });
        }

        @Override
        public boolean beginCopy(long copyId, Identity at, long chain) {
            lane(Scheduler.US, () -> {
                closeState();
                corrupted = null;
                Simulation.Copied copied = simulation.copied(at.position(), chain);
                MemoryBooks books =
                        copied.books() == null ? null : copied.books().copy();
                ModelSql sql = books == null ? null : simulation.newSql();
                installer = simulation.newInstaller(books, sql, SimNode.this::diesOf);
                installingBooks = books;
                installingSql = sql;
                installing = copied;
            });
            return false;
        }

        @Override
        public void installCopy(long copyId) {
            // It is in the place of the former state since its last piece was taken.
        }

        @Override
        public void dropCopy(long copyId) {
            throw new IllegalStateException("the former state is never kept here");
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
                        state = new State(target.finish(), installingBooks, installingSql);
                        history = installing.history().copy(installing.history().lastPosition());
                        installer = null;
                    }
                    backup.onCopyPieceTaken(copyId, index, isLast, clock.monotonic());
                } catch (CopyBrokenException broken) {
                    if (!isForAPieceLost(broken)) {
                        throw new Violation("R8: nothing damages pieces here, and a copy was broken: " + broken);
                    }
                    target.close();
                    installer = null;
                    backup.onCopyBroken(copyId, String.valueOf(broken.getMessage()), clock.monotonic());
                }
            });
        }

        private boolean isForAPieceLost(CopyBrokenException broken) {
            String why = String.valueOf(broken.getMessage());
            return why.contains(" of the copy instead of ") || why.startsWith("the copy ends early");
        }

        @Override
        public void became(BackupState from, BackupState to, String reason) {
            isFollowing = to == BackupState.FOLLOWING;
            if (to == BackupState.LOCATING_ACTIVE) {
                simulation.seeksActive(SimNode.this);
            }
            if (scheduler.isTracing()) {
                scheduler.trace(self + " " + from + " -> " + to + " at " + log.lastPosition() + ": " + reason);
            }
        }

        @Override
        public void promoted(Promotion promotion) {
            internal(0, () -> promote(promotion));
        }

        @Override
        public void unfit(String reason) {
            internal(0, () -> rebuild(reason));
        }
    }

    private void promote(BackupEffects.Promotion promotion) {
        endRole();
        backup = null;
        simulation.onPromoted(this, promotion.view());
        Reign mine = new Reign(promotion.view());
        reign = mine;
        mine.open(promotion.quarantined());
        mine.announce();
    }

    /** The active's role: lane, gate, and what lies between them. */
    private final class Reign implements ForwardEffects<View.Member> {
        private final long term;
        private final OrderCore order;
        private final ForwardCore<View.Member> core;
        private final ArrayDeque<Task> queue = new ArrayDeque<>();
        private final Map<Long, StateCopy> copies = new HashMap<>();
        private boolean isLaneBusy;
        private boolean isHeldBack;
        private long markPosition;
        private long lastNoticeNs;
        private long lastExpiryNs;
        private boolean isExpiryQueued;

        private enum Work {
            ASK,
            MARK,
            EXPIRE,
            COPY
        }

        private record Task(
                Work work,
                View.@Nullable Member from,
                @Nullable Request request,
                long copyId) {}

        Reign(View view) {
            term = view.term();
            order = new OrderCore(
                    state.store,
                    term,
                    new HeaderClock(
                            state.store.lastTimeNs(),
                            state.store.lastTimeNs() == 0 ? clock.monotonic() : lastEntryAtNs,
                            clock.wall()),
                    scheduler.random::nextLong);
            core = new ForwardCore<>(
                    self,
                    view,
                    ActiveNodeConfig.withFailureDetection(Simulation.FAILURE_DETECTION),
                    log,
                    new WatchedRegister(proposer, self, promises, this::installedView),
                    this,
                    clock.monotonic());
        }

        private @Nullable View installedView() {
            return reign == null ? null : core.view();
        }

        void open(List<MarkedRequest> named) {
            var marked = state.store.mark();
            executed(order.openTerm(ViewCodec.encode(core.view()), clock.monotonic(), clock.wall()), true);
            marked.ifPresent(m -> quarantine(m.session(), m.requestId()));
            named.forEach(m -> quarantine(m.session(), m.requestId()));
            core.flush(clock.monotonic());
        }

        private void quarantine(Identity session, long requestId) {
            if (scheduler.isTracing()) {
                scheduler.trace(self + " quarantines " + session + "#" + requestId);
            }
            Execution barred = order.quarantine(session, requestId, clock.monotonic(), clock.wall());
            if (barred != null) {
                if (barred.entry().header().kind() != RequestKind.VOID) {
                    simulation.endsWithoutService(session);
                }
                executed(barred, true);
            }
        }

        void announce() {
            Frame notice = new Frame.ViewNotice(term, core.view().version(), self);
            for (SimDistributor distributor : simulation.distributors()) {
                simulation.network.send(SimNode.this, distributor.member(), notice);
            }
            core.view().backups().forEach(backup -> simulation.network.send(SimNode.this, backup, notice));
        }

        /** The lane has executed something; the agent is told now, or later by whoever calls this. */
        private void executed(Execution execution, boolean isToldNow) {
            history.add(execution.entry());
            promises.ordered(execution.entry(), false, scheduler.now(), history);
            if (isToldNow) {
                core.onEntry(execution);
            }
        }

        void ask(View.Member from, Request request) {
            if (queue.size() >= QUEUE_MAX) {
                refuse(from, term, request, AnswerCode.BUSY);
                return;
            }
            if (request.repeated() && OrderCore.mayEndAProcess(request.kind())) {
                queue.add(new Task(Work.MARK, from, request, 0));
            }
            queue.add(new Task(Work.ASK, from, request, 0));
            simulation.reached(Moment.S3);
            step();
        }

        /** The lane takes the next task, unless it must wait. */
        private void step() {
            if (!isAlive || isLaneBusy || queue.isEmpty()) {
                return;
            }
            Task next = queue.element();
            Request request = next.request;
            boolean isAfterMark = request != null && request.repeated() && OrderCore.mayEndAProcess(request.kind());
            if (next.work == Work.ASK && (isHeldBack || (isAfterMark && core.stablePosition() < markPosition))) {
                return;
            }
            queue.remove();
            isLaneBusy = true;
            switch (next.work) {
                case MARK -> mark(Objects.requireNonNull(request));
                case ASK -> execute(Objects.requireNonNull(next.from), Objects.requireNonNull(request), isAfterMark);
                case EXPIRE -> expire();
                case COPY -> copy(next.copyId);
            }
            simulation.reached(Moment.S4);
        }

        private void mark(Request request) {
            Execution mark = order.mark(request, clock.monotonic(), clock.wall());
            markPosition = mark == null ? 0 : mark.entry().position();
            if (mark != null) {
                executed(mark, false);
            }
            done(() -> {
                if (mark != null) {
                    core.onEntry(mark);
                }
            });
        }

        private void execute(View.Member from, Request request, boolean isAfterMark) {
            if (isAfterMark && markPosition > 0) {
                promises.passedMark(self, markPosition, history);
            }
            Ordered ordered;
            try {
                Ordered key = null;
                if (order.isFreshRead(request)) {
                    key = order.readKey(request, false);
                    if (key == null) {
                        readBeside(from, request, order.readBeside(request));
                        return;
                    }
                }
                ordered = key == null ? order.onRequest(request, clock.monotonic(), clock.wall()) : key;
            } catch (ModelService.Died died) {
                simulation.kill(SimNode.this);
                return;
            }
            if (ordered.execution() != null) {
                executed(ordered.execution(), false);
            } else if (!request.kind().isOrdered()) {
                promises.read(
                        self, term, request.session(), request.requestId(), history.lastPosition(), scheduler.now());
            }
            List<Execution> retried = retry();
            done(() -> {
                core.onOrdered(from, request, ordered);
                retried.forEach(core::onEntry);
            });
        }

        /** Another thread reads, while the lane goes on; its answer comes to the agent when it comes. */
        private void readBeside(View.Member from, Request request, Supplier<Answer> read) {
            internal(scheduler.between(0, 300 * Scheduler.US), () -> {
                if (state.store.judge(request) instanceof Ruling.Refused refused
                        && refused.answer().code() == AnswerCode.UNKNOWN_SESSION) {
                    return; // its session has ended meanwhile: asked again, it is told so
                }
                Ordered seen = new Ordered(null, read.get(), order.seenPosition(), true);
                promises.read(
                        self, term, request.session(), request.requestId(), history.lastPosition(), scheduler.now());
                internal(scheduler.between(0, 200 * Scheduler.US), () -> {
                    core.at(clock.monotonic());
                    core.onOrdered(from, request, seen);
                    core.flush(clock.monotonic());
                    step();
                });
            });
            done(() -> {});
        }

        /** Whoever waited for a lock that is free now comes before those who have just arrived. */
        private List<Execution> retry() {
            ModelSql sql = state.sql;
            if (sql == null || !sql.isAnybodyWaiting()) {
                return List.of();
            }
            List<Execution> retried = new ArrayList<>(1);
            while (true) {
                MarkedRequest next = order.nextRetry();
                if (next == null) {
                    break;
                }
                promises.retries(self, next.session(), sql.waits());
                Execution attempt = order.retry(next, clock.monotonic(), clock.wall());
                executed(attempt, false);
                retried.add(attempt);
            }
            promises.waiting(self, sql.waits());
            return retried;
        }

        private void expire() {
            int open = state.store.transactionCount();
            Execution due = order.expireNext(clock.monotonic(), clock.wall());
            if (due != null) {
                history.add(due.entry());
                promises.ordered(due.entry(), state.store.transactionCount() < open, scheduler.now(), history);
                queue.addFirst(new Task(Work.EXPIRE, null, null, 0));
            }
            ModelSql sql = state.sql;
            if (due == null && sql != null) {
                promises.nothingDue(self, sql.waits(), state.store.lastTimeNs());
            }
            List<Execution> retried = retry();
            done(() -> {
                if (due != null) {
                    core.onEntry(due);
                    retried.forEach(core::onEntry);
                } else {
                    isExpiryQueued = false;
                }
            });
        }

        private void copy(long copyId) {
            Execution replan = order.beforeCopy(clock.monotonic(), clock.wall());
            executed(replan, false);
            StateCopy copy = state.store.copy();
            copies.put(copyId, copy);
            simulation.copied(history, state.books, copy);
            done(() -> {
                core.onEntry(replan);
                core.onCopyTaken(copyId, copy.at(), copy.chain());
            });
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
                core.at(clock.monotonic());
                result.run();
                core.onExecutionTime(workNs);
                core.flush(clock.monotonic());
                step();
            });
        }

        void tick() {
            long now = clock.monotonic();
            if (now - lastNoticeNs >= NOTICE_NS) {
                lastNoticeNs = now;
                announce();
            }
            if (!isExpiryQueued && now - lastExpiryNs >= EXPIRY_CHECK_NS) {
                lastExpiryNs = now;
                isExpiryQueued = true;
                queue.add(new Task(Work.EXPIRE, null, null, 0));
            }
            core.tick(now);
            step();
        }

        void receive(View.Member from, Frame frame) {
            long now = clock.monotonic();
            if (frame instanceof Frame.Acknowledge acknowledge) {
                core.onAcknowledge(from, acknowledge, now);
            } else if (frame instanceof Frame.Join join) {
                core.onJoin(from, join, now);
            } else if (frame instanceof Frame.CopyAcknowledge acknowledge) {
                core.onCopyAcknowledge(from, acknowledge, now);
            } else if (frame instanceof Frame.Diverged diverged) {
                core.onDiverged(from, diverged, now);
            } else if (frame.term() > term) {
                core.onHigherTerm(frame.term());
            }
            core.flush(now);
            step();
        }

        @Override
        public void send(View.Member to, Frame frame) {
            if (frame instanceof Frame.Forward forward) {
                promises.forwarded(self, forward, history, scheduler.now());
            }
            simulation.network.send(SimNode.this, to, frame);
        }

        @Override
        public void answer(View.Member channel, Answer answer) {
            promises.answered(self, term, answer, history);
            simulation.network.send(SimNode.this, channel, new Frame.Reply(term, answer));
        }

        @Override
        public void takeCopy(long copyId) {
            queue.add(new Task(Work.COPY, null, null, copyId));
            internal(0, this::step);
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
            promises.installed(self, view);
            if (scheduler.isTracing()) {
                scheduler.trace(self + " installs " + view);
            }
        }

        @Override
        public void deposed(View current, String reason) {
            internal(0, () -> rebuild("deposed: " + reason));
        }
    }
}
