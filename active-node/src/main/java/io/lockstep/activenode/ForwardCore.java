package io.lockstep.activenode;

import io.lockstep.membership.ViewChange;
import io.lockstep.membership.ViewOutcome;
import io.lockstep.membership.ViewRegister;
import io.lockstep.tsdstore.Execution;
import io.lockstep.tsdstore.ForwardLog;
import io.lockstep.wire.Answer;
import io.lockstep.wire.ControlHeader;
import io.lockstep.wire.Entry;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Invariant;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import io.lockstep.wire.View;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Forwards what the lane has executed to the backups, lets answers through the gate, and keeps the view true: the
 * active's half of rules R3, R4 and R11. Touched only by the node agent; time is handed in.
 *
 * <p>Always: answered <= stable <= last position of the log; stable is held by every member of {@link #required}.
 *
 * @param <C> where an answer goes
 */
public final class ForwardCore<C> {
    private static final Logger LOG = LoggerFactory.getLogger(ForwardCore.class);
    /** Pieces of a copy on their way at a time: enough to keep a link busy, little enough to hold in memory. */
    private static final int COPY_WINDOW_PIECES = 8;
    /** Entries in one frame; the frame's byte limit usually comes first. */
    private static final int BATCH_MAX_ENTRIES = 1024;
    /** So many answers at the gate are held in memory at most; beyond, the lane takes nothing new. */
    private static final int WAITING_MAX_ENTRIES = 100_000;

    private static final long WAITING_MAX_BYTES = 64L << 20;
    /** An active without any backup holds work back for one that has followed so long without getting near. */
    private static final long CATCH_UP_PATIENCE_NS = 5_000_000_000L;
    /** Voters with new disks are named at most so often. */
    private static final long NAMING_NS = 1_000_000_000L;
    /** A voter that does not answer is asked at least so often. */
    private static final long NAMING_MAX_NS = 64 * NAMING_NS;
    /** An empty node executes the log from its beginning up to this much work; a copy of the state is quicker beyond. */
    private static final long REPLAY_MAX_NS = 200_000_000L;
    /** A backup that was dropped is taken back after this time at first, doubling, so that a bad link cannot flap us. */
    private static final long FIRST_BACKOFF_NS = 250_000_000L;

    private static final long BACKOFF_MAX_NS = 30_000_000_000L;

    private final View.Member self;
    private final long term;
    private final ActiveNodeConfig config;
    private final ForwardLog log;
    private final ViewRegister register;
    private final ForwardEffects<C> effects;

    /** By node name: one run of a node at a time. */
    private final Map<String, Follower> followers = new LinkedHashMap<>();
    /** The same, to be walked while some of them are dropped. */
    private List<Follower> walked = List.of();

    private final Map<String, Backoff> backoffs = new HashMap<>();
    private final Map<Identity, Parked<C>> parked = new HashMap<>();
    private final ArrayDeque<Waiting<C>> waitingEntries = new ArrayDeque<>();
    private final ArrayDeque<Waiting<C>> waitingReads = new ArrayDeque<>();

    /** Who must have acknowledged: the view's backups and, while a change is in flight, the proposed ones too (R4). */
    private final Set<View.Member> required = new HashSet<>();

    /** Last position of former reigns: all of it may have been answered, whatever is stable in this one. */
    private final long inheritedPosition;

    private View view;
    private boolean isChangingView;
    private boolean isDeposed;
    private boolean isPaused;
    private boolean isHoldingBack;
    private long stablePosition;
    /** Bytes of the entries beyond the stable position. */
    private long unstableBytes;
    /** Bytes of the answers at the gate. */
    private long waitingBytes;

    private long lastNamingNs;
    /** Whether a voter was connected that no round has asked since. */
    private boolean isVoterSeen;

    private long namingPauseNs = NAMING_NS;

    private long round;
    private boolean isRoundWanted;
    /** After a pause of our own: nothing passes the gate before every member required has acknowledged this round. */
    private long confirmingRound;

    private boolean isConfirming;
    /** Answers let go since our last pause, whatever they were; negative before the first. */
    private long answersSincePause = -1;

    private long nextCopyId = 1;
    private long nowNs;
    private double executionNs = 20_000;
    /** Longest execution among the entries that a backup of the view may still have before it. */
    private long slowestNs;

    private record Waiting<C>(
            @Nullable C channel,
            @Nullable Answer answer,
            @Nullable Runnable action,
            long position,
            long round) {}

    /** Where the answer to a message goes that waits for a lock; a session has one such message at most. */
    private record Parked<C>(C channel, long requestId) {}

    private record Backoff(long untilNs, long lengthNs) {}

    /**
     * Begins a reign.
     *
     * @param view the register's value that made us the active
     * @param log what we hold, everything in it executed
     */
    public ForwardCore(
            View.Member self,
            View view,
            ActiveNodeConfig config,
            ForwardLog log,
            ViewRegister register,
            ForwardEffects<C> effects,
            long nowNs) {
        Invariant.check(view.active().equals(self), "a reign of somebody else: " + view);
        this.self = self;
        this.term = view.term();
        this.view = view;
        this.config = config;
        this.log = log;
        this.register = register;
        this.effects = effects;
        this.nowNs = nowNs;
        for (View.Member backup : view.backups()) {
            enlist(new Follower(backup, FollowerState.AWAITED, nowNs));
        }
        required.addAll(view.backups());
        inheritedPosition = log.lastPosition();
        lastNamingNs = nowNs - NAMING_NS - 1;
        advanceStable();
    }

    // ---- from the lane ---------------------------------------------------------------------------------------------

    /**
     * An entry of the active's own, or of a client: it goes to the log and to the backups. Where it answers a message that
     * waited for a lock, that answer goes to the gate.
     */
    public void onEntry(Execution execution) {
        log.append(execution.entry());
        unstableBytes += execution.entry().bytes();
        ControlHeader header = execution.entry().header();
        Parked<C> waited = parked.get(header.session());
        if (waited == null) {
            return;
        }
        Answer answer = execution.released() == null ? execution.answer() : execution.released();
        if (answer != null && answer.requestId() == waited.requestId()) {
            parked.remove(header.session());
            toGate(waited.channel(), answer, header.position());
        } else if (header.kind() == RequestKind.CLOSE || header.kind() == RequestKind.EXPIRE_SESSION) {
            parked.remove(header.session());
        }
    }

    private void toGate(C channel, Answer answer, long position) {
        if (position <= stablePosition && mayAnswer()) {
            answer(channel, answer);
        } else {
            waitingEntries.add(new Waiting<>(channel, answer, null, position, 0));
            waitingBytes += answer.body().length;
        }
    }

    /** Does something once an entry has passed the gate. */
    public void whenStable(long position, Runnable action) {
        waitingEntries.add(new Waiting<>(null, null, action, position, 0));
    }

    /** What the lane made of a request that came by {@code channel}. */
    public void onOrdered(C channel, Request request, Ordered ordered) {
        if (ordered.execution() != null) {
            onEntry(ordered.execution());
        }
        // R5: what former reigns executed is not answered before this reign's first entry has passed the gate either.
        long waitPosition = Math.max(ordered.waitPosition(), inheritedPosition + 1);
        Answer answer = ordered.answer();
        if (answer == null) {
            parked.put(request.session(), new Parked<>(channel, request.requestId()));
        } else if (ordered.needsRound() && !required.isEmpty()) {
            // The frame that confirms our reign must leave after the read was executed: the next one does.
            isRoundWanted = true;
            waitingReads.add(new Waiting<>(channel, answer, null, waitPosition, round + 1));
            waitingBytes += answer.body().length;
        } else {
            toGate(channel, answer, waitPosition);
        }
    }

    /** How long the lane worked for one entry, in nanoseconds; feeds the takeover budget. */
    public void onExecutionTime(long elapsedNs) {
        executionNs += (elapsedNs - executionNs) / 64;
        slowestNs = Math.max(slowestNs, elapsedNs);
    }

    /** Sends what is not sent yet and answers what may be; called at the end of every batch of work. */
    public void flush(long now) {
        at(now);
        if (isDeposed) {
            return;
        }
        advanceStable();
        release();
        boolean isRoundStarted = isRoundWanted;
        if (isRoundStarted) {
            round++;
            isRoundWanted = false;
        }
        for (Follower follower : walked) {
            if (follower.isFollowing()) {
                // While work is held back no entry tells a backup that it may execute what would end the holding back.
                boolean isWaitedFor = isHoldingBack && follower.toldStable() < stablePosition;
                forward(follower, isWaitedFor || (isRoundStarted && required.contains(follower.member)));
            }
        }
    }

    // ---- from the backups ------------------------------------------------------------------------------------------

    /** A node says where it stands and wants to follow. */
    public void onJoin(View.Member from, Frame.Join join, long now) {
        at(now);
        if (isDeposed || isHigherTerm(join)) {
            return;
        }
        Follower known = followers.get(from.name());
        if (known != null && !known.member.equals(from)) {
            if (required.contains(known.member)) {
                // The run that the view lists is gone: a process with its name runs anew.
                lose(known, "runs anew as " + from);
                return;
            }
            drop(known);
            known = null;
        }
        if (known == null || known.state() == FollowerState.LOST) {
            if (known != null && required.contains(from)) {
                return;
            }
            known = new Follower(from, FollowerState.AWAITED, now);
            enlist(known);
        }
        if (known.isFollowing() && join.last().position() < known.receivedPosition()) {
            // Said before it came so far: no run of a node forgets what it has acknowledged.
            return;
        }
        if (known.copying() != null && known.copying().joinId >= join.joinId()) {
            if (known.copying().at == null) {
                // The lane has not come to it yet, and nobody else is to blame.
                known.onSignOfLife(now);
            }
            // Its copy is on its way; should the copy's beginning have been lost, its silence ends the attempt.
            return;
        }
        known.onSignOfLife(now);
        long from1 = resumePoint(join);
        if (from1 > 0) {
            abandonCopy(known);
            known.follow(from1 - 1, join.executedPosition(), now);
            effects.send(from, new Frame.Follow(term, join.joinId(), from1));
            forward(known, true);
        } else if (required.contains(from)) {
            lose(known, "needs a copy of the state");
        } else {
            abandonCopy(known);
            long copyId = nextCopyId++;
            known.copy(join.joinId(), copyId);
            LOG.info("copying the state to {} (copy {})", from, copyId);
            effects.takeCopy(copyId);
        }
    }

    /** A backup says how far it has come. */
    public void onAcknowledge(View.Member from, Frame.Acknowledge acknowledge, long now) {
        at(now);
        if (isDeposed || isHigherTerm(acknowledge) || acknowledge.term() < term) {
            return;
        }
        Follower follower = followers.get(from.name());
        if (follower == null || !follower.member.equals(from) || !follower.isFollowing()) {
            return;
        }
        if (acknowledge.receivedPosition() > log.lastPosition()
                || acknowledge.executedPosition() > acknowledge.receivedPosition()) {
            lose(follower, "acknowledged entries that we never sent, or executed what it does not hold");
            return;
        }
        long bytes = 0;
        for (long p = follower.receivedPosition() + 1; p <= acknowledge.receivedPosition(); p++) {
            bytes += log.holds(p) ? log.bytesAt(p) : 0;
        }
        follower.onAcknowledged(
                acknowledge.round(), acknowledge.receivedPosition(), acknowledge.executedPosition(), bytes, now);
        regulate();
        considerView();
    }

    /** A backup's execution gave something else than ours: it leaves the view at once. */
    public void onDiverged(View.Member from, Frame.Diverged diverged, long now) {
        at(now);
        Follower follower = followers.get(from.name());
        if (isDeposed || isHigherTerm(diverged) || follower == null || !follower.member.equals(from)) {
            return;
        }
        LOG.error(
                "{} differs at position {}: ours {}, its {}: {}",
                from,
                diverged.position(),
                Long.toHexString(diverged.expected()),
                Long.toHexString(diverged.actual()),
                diverged.detail());
        lose(follower, "differs at position " + diverged.position());
    }

    /** A connection attempt to a node was refused: no process listens there any more. */
    public void onNodeGone(View.Member member, long now) {
        at(now);
        Follower follower = followers.get(member.name());
        if (!isDeposed && follower != null && follower.member.equals(member)) {
            lose(follower, "is gone");
        }
    }

    // ---- copies ----------------------------------------------------------------------------------------------------

    /** The lane took the copy: it is the state after {@code at}. */
    public void onCopyTaken(long copyId, Identity at, long chain) {
        Follower follower = copyingFollower(copyId);
        if (follower == null) {
            effects.dropCopy(copyId);
            return;
        }
        Follower.Copying copying = Objects.requireNonNull(follower.copying());
        copying.at = at;
        if (!log.knows(at.position())) {
            LOG.warn("the log rolled past the copy for {}: it joins anew", follower.member);
            drop(follower);
            return;
        }
        copying.pin = log.pin(at.position() + 1);
        effects.send(follower.member, new Frame.CopyBegin(term, copying.joinId, copyId, at, chain));
        wantPiece(copying);
    }

    /** One piece of a copy was read. */
    public void onCopyPiece(long copyId, byte[] data, boolean isLast) {
        Follower follower = copyingFollower(copyId);
        if (follower == null) {
            effects.dropCopy(copyId);
            return;
        }
        Follower.Copying copying = Objects.requireNonNull(follower.copying());
        copying.isPieceRequested = false;
        effects.send(follower.member, new Frame.CopyChunk(term, copyId, copying.sentPieces++, isLast, data));
        follower.onSent(0, 0, nowNs);
        copying.isWholeSent = isLast;
        if (isLast) {
            effects.dropCopy(copyId);
        } else {
            wantPiece(copying);
        }
    }

    /** A joining node holds the copy's pieces up to an index. */
    public void onCopyAcknowledge(View.Member from, Frame.CopyAcknowledge acknowledge, long now) {
        at(now);
        Follower follower = copyingFollower(acknowledge.copyId());
        if (isDeposed || follower == null || !follower.member.equals(from)) {
            return;
        }
        Follower.Copying copying = Objects.requireNonNull(follower.copying());
        copying.acknowledgedPieces = Math.max(copying.acknowledgedPieces, acknowledge.pieces());
        follower.onSignOfLife(now);
        if (copying.isWholeSent && copying.acknowledgedPieces == copying.sentPieces && copying.at != null) {
            long position = copying.at.position();
            if (Objects.requireNonNull(copying.pin).isBroken()) {
                LOG.warn("the log rolled past the copy for {}: it joins anew", from);
                drop(follower);
                return;
            }
            copying.pin.close();
            follower.follow(position, position, now);
            forward(follower, true);
        } else {
            wantPiece(copying);
        }
    }

    private void wantPiece(Follower.Copying copying) {
        if (!copying.isPieceRequested
                && !copying.isWholeSent
                && copying.sentPieces - copying.acknowledgedPieces < COPY_WINDOW_PIECES) {
            copying.isPieceRequested = true;
            effects.readCopyPiece(copying.copyId);
        }
    }

    private @Nullable Follower copyingFollower(long copyId) {
        for (Follower follower : followers.values()) {
            if (follower.copying() != null && follower.copying().copyId == copyId) {
                return follower;
            }
        }
        return null;
    }

    private void abandonCopy(Follower follower) {
        Follower.Copying copying = follower.copying();
        if (copying != null) {
            if (copying.pin != null) {
                copying.pin.close();
            }
            effects.dropCopy(copying.copyId);
        }
    }

    // ---- time ------------------------------------------------------------------------------------------------------

    /** Heartbeats, lost backups, held-back work; call it every few milliseconds. */
    public void tick(long now) {
        at(now);
        if (isDeposed) {
            return;
        }
        for (Follower follower : walked) {
            if (now - follower.lastSignNs() > config.failureDetection().toNanos()) {
                lose(follower, "gave no sign for " + config.failureDetection().toMillis() + " ms");
            } else if (isStuck(follower)) {
                lose(follower, "executes nothing more after position " + follower.executedPosition());
            } else if (follower.isFollowing()) {
                considerResending(follower);
            }
        }
        regulate();
        considerView();
        flush(now);
    }

    /**
     * Says what time it is. Every call does so first, so that whichever comes first after a pause of our own notices it;
     * those without a time of their own, as {@link #onOrdered}, need this before them.
     */
    public void at(long now) {
        if (now - nowNs > config.failureDetection().toNanos() / 2) {
            // We stood still ourselves: what the backups said meanwhile has not been read yet.
            followers.values().forEach(follower -> follower.onOwnPause(now));
            // What they acknowledged before may lie there too, and somebody else may reign since then: whoever has gone
            // over to another reign acknowledges no frame that we send from here on.
            confirmingRound = round + 1;
            isRoundWanted = true;
            if (!isConfirming) {
                isConfirming = true;
                answersSincePause = 0;
            }
        }
        nowNs = now;
    }

    /** R11: it has something that it may execute, and makes no progress for longer than that can take. */
    private boolean isStuck(Follower follower) {
        return follower.isFollowing()
                && required.contains(follower.member)
                && follower.executedPosition() < Math.min(follower.receivedPosition(), stablePosition)
                && nowNs - follower.lastProgressNs() > config.failureDetection().toNanos() + slowestNs;
    }

    /** A heartbeat when nothing was sent for a while; entries that were sent and not acknowledged for long go again. */
    private void considerResending(Follower follower) {
        if (follower.receivedPosition() < follower.sentPosition()
                && nowNs - follower.lastProgressNs() > config.failureDetection().toNanos() / 2
                && nowNs - follower.lastSentNs() >= config.heartbeatNs()) {
            follower.follow(follower.receivedPosition(), follower.executedPosition(), follower.lastSignNs());
        }
        if (nowNs - follower.lastSentNs() >= config.heartbeatNs()) {
            forward(follower, true);
        }
    }

    // ---- the gate --------------------------------------------------------------------------------------------------

    private boolean mayAnswer() {
        return !isPaused && !isDeposed && !isConfirming;
    }

    private void advanceStable() {
        long stable = log.lastPosition();
        for (View.Member member : required) {
            Follower follower = followers.get(member.name());
            stable = Math.min(
                    stable, follower != null && follower.member.equals(member) ? follower.receivedPosition() : 0);
        }
        stablePosition = Math.max(stablePosition, Math.min(stable, log.firstPosition() - 1));
        for (; stablePosition < stable; stablePosition++) {
            if (log.holds(stablePosition + 1)) {
                unstableBytes -= log.bytesAt(stablePosition + 1);
            }
        }
        unstableBytes = stablePosition == log.lastPosition() ? 0 : Math.max(0, unstableBytes);
    }

    private long confirmedRound() {
        long confirmed = round;
        for (View.Member member : required) {
            Follower follower = followers.get(member.name());
            confirmed = Math.min(
                    confirmed, follower != null && follower.member.equals(member) ? follower.acknowledgedRound() : 0);
        }
        return confirmed;
    }

    private void release() {
        if (isConfirming && (required.isEmpty() || confirmedRound() >= confirmingRound)) {
            isConfirming = false;
        }
        if (!mayAnswer()) {
            return;
        }
        while (!waitingEntries.isEmpty() && waitingEntries.peek().position() <= stablePosition) {
            let(waitingEntries.remove());
        }
        if (!waitingReads.isEmpty()) {
            long confirmed = required.isEmpty() ? Long.MAX_VALUE : confirmedRound();
            while (!waitingReads.isEmpty()
                    && waitingReads.peek().position() <= stablePosition
                    && waitingReads.peek().round() <= confirmed) {
                let(waitingReads.remove());
            }
        }
    }

    private void let(Waiting<C> waiting) {
        if (waiting.action() != null) {
            waiting.action().run();
        }
        if (waiting.channel() != null && waiting.answer() != null) {
            waitingBytes -= waiting.answer().body().length;
            answer(waiting.channel(), waiting.answer());
        }
    }

    private void answer(C channel, Answer answer) {
        if (answersSincePause >= 0) {
            answersSincePause++;
        }
        effects.answer(channel, answer);
    }

    // ---- forwarding ------------------------------------------------------------------------------------------------

    private void forward(Follower follower, boolean isFrameWanted) {
        boolean isSent = false;
        while (follower.sentPosition() < log.lastPosition()) {
            if (!log.holds(follower.sentPosition() + 1)) {
                // It fell behind what the log still holds: it must join anew and be copied.
                lose(follower, "fell behind the log");
                return;
            }
            if (follower.inFlightBytes() >= config.forwardWindowBytes()) {
                break;
            }
            List<Entry> batch = batchAfter(follower.sentPosition());
            send(follower, batch);
            long bytes = 0;
            for (Entry entry : batch) {
                bytes += entry.bytes();
            }
            follower.onSent(batch.get(batch.size() - 1).position(), bytes, nowNs);
            isSent = true;
        }
        if (isFrameWanted && !isSent) {
            send(follower, List.of());
            follower.onSent(follower.sentPosition(), 0, nowNs);
        }
    }

    private List<Entry> batchAfter(long position) {
        List<Entry> batch = new ArrayList<>();
        long bytes = 0;
        for (long p = position + 1; p <= log.lastPosition() && batch.size() < BATCH_MAX_ENTRIES; p++) {
            Entry entry = log.get(p);
            bytes += entry.bytes();
            if (!batch.isEmpty() && bytes > config.forwardBatchBytes()) {
                break;
            }
            batch.add(entry);
        }
        return batch;
    }

    private void send(Follower follower, List<Entry> entries) {
        follower.onTold(stablePosition);
        effects.send(follower.member, new Frame.Forward(term, round, stablePosition, entries));
    }

    /**
     * First position to send to a joining node, or 0 when it needs a copy. Its last entry is ours too when the chains
     * agree; what it has executed was stable, so that at least this must be ours if it is in sync.
     */
    private long resumePoint(Frame.Join join) {
        if (isOurs(join.last().position(), join.lastChain())) {
            long missing = log.lastPosition() - join.last().position();
            boolean isNew = join.last().position() == 0;
            return isNew && missing * executionNs > REPLAY_MAX_NS
                    ? 0
                    : join.last().position() + 1;
        }
        if (isOurs(join.executedPosition(), join.executedChain())) {
            return join.executedPosition() + 1;
        }
        return 0;
    }

    private boolean isOurs(long position, long chain) {
        return position <= log.lastPosition() && log.knows(position) && log.chainAt(position) == chain;
    }

    /** Holds new work back while a backup of the view would need longer than the budget to execute its tail (R11). */
    private void regulate() {
        long worst = 0;
        boolean isAllExecuted = true;
        for (View.Member member : required) {
            Follower follower = followers.get(member.name());
            isAllExecuted &= follower != null && follower.executedPosition() == log.lastPosition();
            if (follower != null && follower.isFollowing()) {
                worst = Math.max(worst, follower.receivedPosition() - follower.executedPosition());
            }
        }
        if (isAllExecuted) {
            slowestNs = 0;
        }
        if (required.isEmpty()) {
            worst = tailOfPatientFollower();
        }
        double tailNs = worst * executionNs;
        boolean isOver = (worst > 1 && tailNs > config.takeoverBudget().toNanos())
                || waitingAnswers() > WAITING_MAX_ENTRIES
                || waitingBytes > WAITING_MAX_BYTES
                || unstableBytes > log.maxBytes() / 2;
        if (isOver != isHoldingBack) {
            isHoldingBack = isOver;
            effects.holdBack(isOver);
        }
    }

    /** Alone, the active waits a little for one that follows and cannot get near while the load lasts. */
    private long tailOfPatientFollower() {
        for (Follower follower : followers.values()) {
            if (follower.isFollowing() && nowNs - follower.followingSinceNs() > CATCH_UP_PATIENCE_NS) {
                return log.lastPosition() - follower.executedPosition();
            }
        }
        return 0;
    }

    // ---- the view --------------------------------------------------------------------------------------------------

    /** A frame of a higher term is a hint (R12): answer nothing until the register has been read. */
    private boolean isHigherTerm(Frame frame) {
        if (frame.term() > term) {
            onHigherTerm(frame.term());
            return true;
        }
        return false;
    }

    /** Somebody spoke of a higher term: pause, and read the register. */
    public void onHigherTerm(long higherTerm) {
        if (isPaused || isDeposed) {
            return;
        }
        LOG.info("term {} was heard of while term {} reigns: pausing until the register is read", higherTerm, term);
        isPaused = true;
        if (!isChangingView) {
            change(view.backups());
        }
    }

    private void lose(Follower follower, String reason) {
        if (follower.state() == FollowerState.LOST) {
            return;
        }
        LOG.info("{} in term {}: {} {}", self.name(), term, follower.member, reason);
        abandonCopy(follower);
        if (required.contains(follower.member)) {
            follower.become(FollowerState.LOST);
            Backoff last = backoffs.get(follower.member.name());
            long lengthNs = last == null || nowNs - last.untilNs() > BACKOFF_MAX_NS
                    ? FIRST_BACKOFF_NS
                    : Math.min(BACKOFF_MAX_NS, last.lengthNs() * 2);
            backoffs.put(follower.member.name(), new Backoff(nowNs + lengthNs, lengthNs));
            considerView();
        } else {
            drop(follower);
        }
    }

    private void enlist(Follower follower) {
        followers.put(follower.member.name(), follower);
        walked = List.copyOf(followers.values());
    }

    private void drop(Follower follower) {
        abandonCopy(follower);
        followers.remove(follower.member.name(), follower);
        walked = List.copyOf(followers.values());
    }

    /** Proposes the view that the followers' states ask for, one change at a time. */
    private void considerView() {
        if (isChangingView || isDeposed || isPaused) {
            return;
        }
        if (!isViewAsItShouldBe()) {
            change(membersWanted());
        } else if (nowNs - lastNamingNs > namingPauseNs
                && (isVoterSeen
                        || !register.strangers().isEmpty()
                        || !register.silent().isEmpty())) {
            // A voter came back, perhaps with a new disk: it votes again once the register names that disk (R13). Only
            // a round that it answers shows which disk it has, and without one the next takeover would be the first to
            // learn it. Who does not answer is asked again, ever more rarely.
            lastNamingNs = nowNs;
            boolean isOneThere = isVoterSeen || !register.strangers().isEmpty();
            namingPauseNs = isOneThere ? NAMING_NS : Math.min(2 * namingPauseNs, NAMING_MAX_NS);
            isVoterSeen = false;
            isChangingView = true;
            register.change(ViewChange.nameVoters(), this::onViewOutcome, nowNs);
        }
    }

    private boolean isViewAsItShouldBe() {
        for (View.Member backup : view.backups()) {
            if (!isKept(backup)) {
                return false;
            }
        }
        for (Follower follower : walked) {
            if (isWanted(follower)) {
                return false;
            }
        }
        return true;
    }

    private List<View.Member> membersWanted() {
        List<View.Member> wanted = new ArrayList<>();
        for (View.Member backup : view.backups()) {
            if (isKept(backup)) {
                wanted.add(backup);
            }
        }
        for (Follower follower : walked) {
            if (isWanted(follower)) {
                wanted.add(follower.member);
            }
        }
        return wanted;
    }

    private boolean isKept(View.Member backup) {
        Follower follower = followers.get(backup.name());
        return follower != null && follower.member.equals(backup) && follower.state() != FollowerState.LOST;
    }

    private boolean isWanted(Follower follower) {
        return !view.hasBackup(follower.member) && isReady(follower);
    }

    /** A voter was connected that may have been away: the register is asked whether it still knows its disk (R13). */
    public void onVoterSeen(long now) {
        at(now);
        isVoterSeen = true;
        namingPauseNs = NAMING_NS;
        considerView();
    }

    /** R4: it holds everything ever answered, and its tail is short. */
    private boolean isReady(Follower follower) {
        Backoff backoff = backoffs.get(follower.member.name());
        return follower.isFollowing()
                && follower.receivedPosition() >= Math.max(stablePosition, inheritedPosition)
                && (log.lastPosition() - follower.executedPosition()) * executionNs
                        <= config.takeoverBudget().toNanos()
                && (backoff == null || nowNs >= backoff.untilNs());
    }

    private void change(List<View.Member> backups) {
        isChangingView = true;
        List<View.Member> proposed = List.copyOf(backups);
        required.addAll(proposed);
        register.change(
                current -> current.filter(v -> isOurReign(v) && !v.backups().equals(proposed))
                        .map(v -> new View(v.version() + 1, term, self, proposed, v.voters(), v.nonce())),
                this::onViewOutcome,
                nowNs);
    }

    private boolean isOurReign(View current) {
        return current.term() == term && current.active().equals(self);
    }

    private void onViewOutcome(ViewOutcome outcome) {
        if (outcome instanceof ViewOutcome.Unreachable unreachable) {
            // The gate stays bound to both views until the register has spoken.
            LOG.warn("the view cannot be changed yet: {}", unreachable.waitingFor());
            return;
        }
        isChangingView = false;
        if (isDeposed) {
            return;
        }
        Optional<View> current = outcome instanceof ViewOutcome.Committed committed
                ? Optional.of(committed.view())
                : ((ViewOutcome.Declined) outcome).current();
        if (current.isEmpty() || !isOurReign(current.get())) {
            depose(current.orElse(view), "the register names another reign");
            return;
        }
        isPaused = false;
        install(current.get());
    }

    private void install(View next) {
        Invariant.check(next.version() >= view.version(), "view version falls", next.version(), view.version());
        boolean isNew = next.version() > view.version();
        view = next;
        required.clear();
        required.addAll(view.backups());
        for (Follower follower : walked) {
            if (follower.state() == FollowerState.LOST && !required.contains(follower.member)) {
                drop(follower);
            }
        }
        if (isNew) {
            LOG.info("installed {} at position {}, stable {}", view, log.lastPosition(), stablePosition);
            effects.viewInstalled(view);
        }
        flush(nowNs);
        considerView();
    }

    private void depose(View current, String reason) {
        isDeposed = true;
        for (Follower follower : walked) {
            drop(follower);
        }
        effects.deposed(current, reason);
    }

    // ---- what others may know --------------------------------------------------------------------------------------

    /** The installed view. */
    public View view() {
        return view;
    }

    /** All entries up to here are held by every backup of the view. */
    public long stablePosition() {
        return stablePosition;
    }

    /** Answers that wait at the gate. */
    public int waitingAnswers() {
        return waitingEntries.size() + waitingReads.size();
    }

    /**
     * Answers let go since this process last stood still for longer than half of {@code failure-detection}; negative when
     * it never did in this reign. Of a reign that ended in such a pause it must be 0: a thawed node answers nobody.
     */
    public long answersSincePause() {
        return answersSincePause;
    }

    /** Whether new work is held back for a backup's sake. */
    public boolean isHoldingBack() {
        return isHoldingBack;
    }

    /** Last position that every member which follows has executed; for {@code status}. */
    public Map<String, Long> executedPositions() {
        Map<String, Long> positions = new LinkedHashMap<>();
        followers.values().forEach(f -> positions.put(f.member.name(), f.executedPosition()));
        return positions;
    }
}
