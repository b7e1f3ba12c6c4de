package io.lockstep.backupnode;

import io.lockstep.membership.ViewOutcome;
import io.lockstep.membership.ViewRegister;
import io.lockstep.tsdstore.ForwardLog;
import io.lockstep.tsdstore.MarkedRequest;
import io.lockstep.wire.ControlHeader;
import io.lockstep.wire.Entry;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Invariant;
import io.lockstep.wire.View;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows the active and takes its place: the backup's half of rules R2 to R5, R7, R11 and R12. Touched only by the
 * node agent; time is handed in.
 *
 * <p>Always: executed <= handed over for execution <= stable <= received, but for a promotion, in which everything
 * received is handed over.
 */
public final class BackupCore {
    private static final Logger LOG = LoggerFactory.getLogger(BackupCore.class);
    private static final long REGISTER_READ_NS = 250_000_000L;
    /** A copy may be read slowly at the other end; without a piece for so long it is given up. */
    private static final long MIRROR_PATIENCE = 10;
    /** Executing this many entries is worth an acknowledgement of its own, since the active may hold work back. */
    private static final long PROGRESS_ENTRIES = 128;

    /** So many are, when there is nothing more to execute. */
    private static final long IDLE_ENTRIES = 8;
    /** The oldest is dropped for the next one; a reign ends with one at most. */
    private static final int DEATH_NOTES_MAX = 16;

    private final View.Member self;
    private final BackupNodeConfig config;
    private final ForwardLog log;
    private final ViewRegister register;
    private final BackupEffects effects;

    private BackupState state = BackupState.LOCATING_ACTIVE;
    private String reason = "started";
    private long nowNs;

    /** Term and node that we follow; meaningful from the first Follow or CopyBegin on. */
    private long followedTerm;

    private String followed = "";
    /** Counts the times that it looked for an active; what it holds does not change within one, so it may be repeated. */
    private long joinId = 1;

    private long lastJoinNs;
    private long lastRegisterReadNs;
    private boolean isReadingRegister;
    private Optional<View> registerView = Optional.empty();
    /** Version of the view that was last read while we looked for its active, and when it was first read. */
    private long sightedVersion;

    private long sightedNs;

    /**
     * What we hold up to here is what the followed active holds, as the chains have shown. Beyond it may be entries of a
     * former reign: kept, because they may still count if we lead next, and replaced when the active sends others.
     */
    private long agreedPosition;

    private long stablePosition;
    private long handedPosition;
    private long executedPosition;
    private long executedChain;
    private long reportedExecutedPosition;
    private long highestRound;

    private long lastSignNs;
    private boolean isProbing;

    private long copyId;
    private Identity copyAt = Identity.NONE;
    private long copyChain;
    /** Pieces taken, and pieces handed over to be taken. */
    private int copyPieces;

    private int copyPiecesReceived;
    /** Whether what the copy replaces is still there: an older copy is better than none (R7). */
    private boolean isStateKept;

    private final List<DeathNote> deathNotes = new ArrayList<>();

    /**
     * Starts as a node that follows nobody.
     *
     * @param log empty, or what this run received before
     */
    public BackupCore(
            View.Member self,
            BackupNodeConfig config,
            ForwardLog log,
            ViewRegister register,
            BackupEffects effects,
            long nowNs) {
        this.self = self;
        this.config = config;
        this.log = log;
        this.register = register;
        this.effects = effects;
        this.nowNs = nowNs;
        // Before the first entry the chain says how the database is set.
        this.executedChain = log.lastPosition() == 0 ? log.lastChain() : 0;
        log.keepFrom(log.lastPosition() + 1);
        this.lastJoinNs = nowNs - config.locateNs();
        this.lastRegisterReadNs = nowNs - REGISTER_READ_NS;
    }

    // ---- finding the active ----------------------------------------------------------------------------------------

    /** Looks for the active, watches it, proposes itself; call it every few milliseconds. */
    public void tick(long now) {
        at(now);
        switch (state) {
            case LOCATING_ACTIVE -> locate();
            case MIRRORING -> {
                if (now - lastSignNs > MIRROR_PATIENCE * config.suspicionNs()) {
                    giveUpCopy("the copy stopped coming");
                } else if (now - lastJoinNs >= config.locateNs()) {
                    lastJoinNs = now;
                    effects.send(followed, new Frame.CopyAcknowledge(followedTerm, copyId, copyPieces));
                }
            }
            case FOLLOWING -> {
                if (now - lastSignNs > config.suspicionNs()) {
                    propose(
                            followedTerm,
                            "no sign of life from " + followed + " for " + config.suspicionNs() / 1_000_000 + " ms");
                }
            }
            case CANDIDATE, PROMOTING, PROMOTED, UNFIT, CLOSED -> {
                // What happens next is somebody else's answer.
            }
        }
    }

    /** Every call says what time it is, so that whichever comes first after a pause of our own notices it. */
    private void at(long now) {
        if (now - nowNs > config.suspicionNs() / 2) {
            // We stood still ourselves: what the others said meanwhile has not been read yet.
            lastSignNs = Math.max(lastSignNs, now - config.suspicionNs() / 2);
        }
        nowNs = now;
    }

    private void locate() {
        if (nowNs - lastJoinNs >= config.locateNs()) {
            lastJoinNs = nowNs;
            effects.broadcast(
                    new Frame.Join(followedTerm, joinId, log.last(), log.lastChain(), executedPosition, executedChain));
        }
        if (!isReadingRegister && nowNs - lastRegisterReadNs >= REGISTER_READ_NS) {
            lastRegisterReadNs = nowNs;
            isReadingRegister = true;
            boolean mayStart = self.name().equals(config.nodes().get(0)) && log.lastPosition() == 0;
            if (mayStart) {
                register.change(
                        current -> current.isPresent()
                                ? Optional.empty()
                                : Optional.of(new View(1, 1, self, List.of(), List.of(), 0)),
                        this::onRegisterRead,
                        nowNs);
            } else {
                register.read(this::onRegisterRead, nowNs);
            }
        }
    }

    private void onRegisterRead(ViewOutcome outcome) {
        if (outcome instanceof ViewOutcome.Unreachable unreachable) {
            if (state == BackupState.LOCATING_ACTIVE) {
                reason = "the view register cannot be read: " + unreachable.waitingFor();
            }
            return;
        }
        isReadingRegister = false;
        registerView = current(outcome);
        if (state != BackupState.LOCATING_ACTIVE || registerView.isEmpty()) {
            return;
        }
        View view = registerView.get();
        if (view.active().equals(self)) {
            followedTerm = view.term();
            promote(view, "the register names us");
        } else if (view.hasBackup(self)) {
            // In sync, since the view lists this run, even if it never heard the view's active: what that one answered
            // needed our acknowledgement. It has its time to answer our Join; then nobody else may know of its death.
            if (view.version() != sightedVersion) {
                sightedVersion = view.version();
                sightedNs = nowNs;
            }
            if (nowNs - Math.max(lastSignNs, sightedNs) > config.suspicionNs()) {
                propose(view.term(), "in sync, and nobody answers as the active");
            }
        } else {
            reason = "waiting for " + view.active() + ", active of term " + view.term()
                    + (view.backups().isEmpty() ? "" : ", or an in-sync backup of " + view.backups());
        }
    }

    /** The active keeps our entries before a position and sends what follows. */
    public void onFollow(String from, Frame.Follow follow, long now) {
        at(now);
        if (state != BackupState.LOCATING_ACTIVE || follow.joinId() != joinId || follow.term() < followedTerm) {
            return;
        }
        long keep = follow.fromPosition() - 1;
        if (keep > log.lastPosition()) {
            LOG.warn("{} wants us to go on after {}, we hold {}", from, keep, log.lastPosition());
            return;
        }
        if (!log.knows(keep)) {
            // Handed over and evicted: no chain can show it any more. Our next Join tells how far it is executed.
            LOG.info("{} wants us to go on after {}, which we hold no longer", from, keep);
            return;
        }
        follow(from, follow.term(), keep);
    }

    private void follow(String from, long term, long agreed) {
        enterTerm(term);
        followed = from;
        agreedPosition = agreed;
        lastSignNs = nowNs;
        isProbing = false;
        become(BackupState.FOLLOWING, "from position " + (agreed + 1) + " of " + from);
        acknowledge();
    }

    /** Rounds belong to one reign. A death note does not: the next active may die before its quarantine is stable. */
    private void enterTerm(long term) {
        if (term > followedTerm) {
            highestRound = 0;
        }
        followedTerm = term;
    }

    // ---- following -------------------------------------------------------------------------------------------------

    /** Entries from the active. */
    public void onForward(String from, Frame.Forward forward, long now) {
        at(now);
        if (state != BackupState.FOLLOWING || forward.term() < followedTerm || !from.equals(followed)) {
            return;
        }
        if (forward.term() > followedTerm) {
            become(BackupState.LOCATING_ACTIVE, "term " + forward.term() + " was heard of");
            return;
        }
        lastSignNs = now;
        for (Entry entry : forward.entries()) {
            if (!take(entry)) {
                return;
            }
        }
        highestRound = Math.max(highestRound, forward.round());
        stablePosition = Math.max(stablePosition, Math.min(forward.stablePosition(), agreedPosition));
        acknowledge();
        handOver(stablePosition);
    }

    /** A node says that it is the active: of a later reign than the one that is followed, it is joined at once. */
    public void onViewNotice(Frame.ViewNotice notice, long now) {
        at(now);
        if (state == BackupState.FOLLOWING && notice.term() > followedTerm) {
            become(BackupState.LOCATING_ACTIVE, notice.active().name() + " says that it leads term " + notice.term());
        }
    }

    /** Takes the next entry, or finds that we hold it; whether we go on following. */
    private boolean take(Entry entry) {
        long position = entry.position();
        if (position <= agreedPosition) {
            return true;
        }
        if (position > agreedPosition + 1) {
            become(BackupState.LOCATING_ACTIVE, "entries before " + position + " are missing");
            return false;
        }
        if (position <= log.lastPosition() && log.chainAt(position) != entry.chain()) {
            if (position <= handedPosition) {
                onUnfit("executed another entry than the active's at position " + position, nowNs);
                return false;
            }
            LOG.info("setting aside entries {} to {}: the active has others", position, log.lastPosition());
            log.truncateAfter(position - 1);
        }
        if (position > log.lastPosition() && !log.appendIfNext(entry)) {
            become(BackupState.LOCATING_ACTIVE, "entry " + entry + " does not continue our log");
            return false;
        }
        agreedPosition = position;
        return true;
    }

    private void acknowledge() {
        reportedExecutedPosition = executedPosition;
        effects.send(
                followed,
                new Frame.Acknowledge(
                        followedTerm, highestRound, agreedPosition, Math.min(executedPosition, agreedPosition)));
    }

    private void handOver(long upTo) {
        if (handedPosition >= upTo) {
            return;
        }
        List<Entry> entries = new ArrayList<>();
        for (long p = handedPosition + 1; p <= upTo; p++) {
            entries.add(log.get(p));
        }
        if (!deathNotes.isEmpty()) {
            entries.forEach(entry -> deathNotes.removeIf(note -> note.isSettledBy(entry.header())));
        }
        handedPosition = upTo;
        log.keepFrom(handedPosition + 1);
        effects.apply(entries);
    }

    /** The lane has executed all entries up to a position, with outcomes equal to the active's. */
    public void onApplied(long position, long chain, long now) {
        at(now);
        Invariant.check(position <= handedPosition, "executed what was not handed over", position, handedPosition);
        executedPosition = position;
        executedChain = chain;
        boolean isWorthTelling = executedPosition - reportedExecutedPosition >= PROGRESS_ENTRIES
                || (executedPosition == handedPosition && executedPosition - reportedExecutedPosition >= IDLE_ENTRIES);
        if (state == BackupState.FOLLOWING && isWorthTelling) {
            acknowledge();
        }
        finishPromotion();
    }

    /** The lane's execution of an entry gave something else. */
    public void onDiverged(long position, long expected, long actual, String detail, long now) {
        at(now);
        LOG.error(
                "our execution of {} differs: expected {}, got {}: {}",
                position,
                Long.toHexString(expected),
                Long.toHexString(actual),
                detail);
        effects.send(followed, new Frame.Diverged(followedTerm, position, expected, actual, detail));
        onUnfit("differs from the active at position " + position + ": " + detail, now);
    }

    /** This node failed for reasons of its own. */
    public void onUnfit(String why, long now) {
        at(now);
        if (state != BackupState.UNFIT && state != BackupState.CLOSED) {
            boolean isTakingOver = state == BackupState.CANDIDATE || state == BackupState.PROMOTING;
            become(BackupState.UNFIT, why);
            if (isTakingOver) {
                // Perhaps the last copy there is: it leads nobody (R5), but it is kept for an operator to decide.
                LOG.error("{} could have led and is not fit to: {}; its copy is kept, and it serves nobody", self, why);
            } else {
                effects.unfit(why);
            }
        }
    }

    // ---- copies ----------------------------------------------------------------------------------------------------

    /** The active sends a copy of the state. */
    public void onCopyBegin(String from, Frame.CopyBegin begin, long now) {
        at(now);
        if (state != BackupState.LOCATING_ACTIVE || begin.joinId() != joinId || begin.term() < followedTerm) {
            return;
        }
        enterTerm(begin.term());
        followed = from;
        copyId = begin.copyId();
        copyAt = begin.at();
        copyChain = begin.chain();
        copyPieces = 0;
        copyPiecesReceived = 0;
        lastSignNs = now;
        become(BackupState.MIRRORING, "copy " + copyId + " of " + from + " at position " + copyAt.position());
        isStateKept = effects.beginCopy(copyId, copyAt, copyChain);
    }

    /** One piece of the copy. */
    public void onCopyChunk(String from, Frame.CopyChunk chunk, long now) {
        at(now);
        if (state != BackupState.MIRRORING
                || chunk.copyId() != copyId
                || !from.equals(followed)
                || chunk.term() != followedTerm) {
            return;
        }
        lastSignNs = now;
        if (chunk.index() < copyPiecesReceived) {
            return;
        }
        copyPiecesReceived = chunk.index() + 1;
        effects.copyPiece(copyId, chunk.index(), chunk.last(), chunk.data());
    }

    /** A piece was taken; with the last one the copy is installed whole. */
    public void onCopyPieceTaken(long takenCopyId, int index, boolean isInstalled, long now) {
        at(now);
        if (state != BackupState.MIRRORING || takenCopyId != copyId) {
            return;
        }
        copyPieces = index + 1;
        if (isInstalled) {
            effects.installCopy(copyId);
            log.startAfter(copyAt, copyChain);
            log.keepFrom(copyAt.position() + 1);
            stablePosition = copyAt.position();
            handedPosition = copyAt.position();
            executedPosition = copyAt.position();
            executedChain = copyChain;
            effects.send(followed, new Frame.CopyAcknowledge(followedTerm, copyId, copyPieces));
            follow(followed, followedTerm, copyAt.position());
        } else {
            effects.send(followed, new Frame.CopyAcknowledge(followedTerm, copyId, copyPieces));
        }
    }

    /** Nothing of a copy is used that is not whole; what it was to replace goes on where it is still there. */
    private void giveUpCopy(String why) {
        if (isStateKept) {
            effects.dropCopy(copyId);
            become(BackupState.LOCATING_ACTIVE, why);
        } else {
            onUnfit(why, nowNs);
        }
    }

    /** The copy is broken: it is dropped whole, and another is asked for. */
    public void onCopyBroken(long brokenCopyId, String why, long now) {
        at(now);
        if (state == BackupState.MIRRORING && brokenCopyId == copyId) {
            giveUpCopy("the copy was broken: " + why);
        }
    }

    // ---- suspicion -------------------------------------------------------------------------------------------------

    /** A connection with a node was lost, or membership hints that it is gone: look once (R12). */
    public void onConnectionLost(String node, long now) {
        at(now);
        if (state == BackupState.FOLLOWING && node.equals(followed) && !isProbing) {
            isProbing = true;
            effects.probe(node);
        }
    }

    /** The one attempt to connect again was refused (no process listens there), or ended otherwise. */
    public void onProbe(String node, boolean isRefused, long now) {
        at(now);
        isProbing = false;
        if (state == BackupState.FOLLOWING && node.equals(followed) && isRefused) {
            propose(followedTerm, node + " refuses connections");
        }
    }

    /** The active says which message is ending it. */
    public void onDeathNote(String from, Frame.DeathNote note, long now) {
        at(now);
        if (note.term() == followedTerm && from.equals(followed)) {
            LOG.warn("{} dies of message {} of session {}: {}", from, note.requestId(), note.session(), note.cause());
            if (deathNotes.size() == DEATH_NOTES_MAX) {
                deathNotes.remove(0);
            }
            deathNotes.add(new DeathNote(note.term(), new MarkedRequest(note.session(), note.requestId())));
        }
    }

    // ---- taking over -----------------------------------------------------------------------------------------------

    private void propose(long term, String why) {
        if (state == BackupState.LOCATING_ACTIVE) {
            become(BackupState.FOLLOWING, "in sync with term " + term);
        }
        // From here on nothing is acknowledged: only FOLLOWING does that (R5).
        become(BackupState.CANDIDATE, why);
        ask(current -> current.filter(view -> view.term() == term && view.hasBackup(self))
                .map(view -> succeeding(
                        view,
                        view.backups().stream()
                                .filter(other -> !other.equals(self))
                                .toList())));
    }

    /**
     * Why this node cannot lead because an operator says so; empty when that can be tried. Only who follows nobody and holds
     * something can: others have somebody better.
     */
    public Optional<String> overrideRefusal() {
        return switch (state) {
            case LOCATING_ACTIVE ->
                log.lastPosition() > 0
                        ? Optional.empty()
                        : Optional.of("it holds nothing, so there is nothing to lead with");
            case MIRRORING, FOLLOWING -> Optional.of("it follows " + followed + ", which lives");
            case CANDIDATE, PROMOTING, PROMOTED -> Optional.of("it is taking over already");
            case UNFIT, CLOSED -> Optional.of("it is not fit to lead: " + reason);
        };
    }

    /**
     * An operator decides that this node leads, alone and in a new term, with what it holds, though later entries were
     * answered (R7). The register decides: nothing happens while any other member of its view may live.
     *
     * @param isGone whether that run of a node has certainly ended, or an operator vouches for it; called by the register,
     *     on the node agent's thread
     * @return why not; empty when the register is asked now, after which {@link BackupEffects#became} tells
     */
    public Optional<String> override(Predicate<View.Member> isGone, long now) {
        at(now);
        Optional<String> refusal = overrideRefusal();
        if (refusal.isPresent()) {
            return refusal;
        }
        LOG.warn(
                "{}: an operator wants it to lead with what it holds up to {}; what was answered after that is lost",
                self,
                log.last());
        become(BackupState.CANDIDATE, "an operator overrides");
        ask(current -> current.filter(view -> Stream.concat(Stream.of(view.active()), view.backups().stream())
                        .filter(member -> !member.equals(self))
                        .allMatch(isGone))
                .map(view -> succeeding(view, List.of())));
        return Optional.empty();
    }

    /** The view of the next term, in which this node leads. */
    private View succeeding(View view, List<View.Member> backups) {
        return new View(view.version() + 1, view.term() + 1, self, backups, view.voters(), view.nonce());
    }

    private void ask(UnaryOperator<Optional<View>> change) {
        if (register.isBusy()) {
            // Only our own reading can be under way.
            register.cancel();
            isReadingRegister = false;
        }
        register.change(change::apply, this::onProposalOutcome, nowNs);
    }

    private static Optional<View> current(ViewOutcome outcome) {
        return outcome instanceof ViewOutcome.Committed committed
                ? Optional.of(committed.view())
                : ((ViewOutcome.Declined) outcome).current();
    }

    private void onProposalOutcome(ViewOutcome outcome) {
        if (state != BackupState.CANDIDATE) {
            return;
        }
        if (outcome instanceof ViewOutcome.Unreachable unreachable) {
            reason = "proposing itself, but " + unreachable.waitingFor();
            LOG.warn("{} {}", self, reason);
            return;
        }
        registerView = current(outcome);
        if (registerView.isPresent() && registerView.get().active().equals(self)) {
            promote(registerView.get(), "won term " + registerView.get().term());
        } else {
            become(
                    BackupState.LOCATING_ACTIVE,
                    registerView.map(v -> "the register says " + v).orElse("the register is empty"));
        }
    }

    private void promote(View view, String why) {
        become(BackupState.PROMOTING, why);
        registerView = Optional.of(view);
        // Whatever we hold may have been answered, and nobody else decides any more.
        stablePosition = log.lastPosition();
        handOver(log.lastPosition());
        finishPromotion();
    }

    private void finishPromotion() {
        if (state == BackupState.PROMOTING && executedPosition == log.lastPosition()) {
            log.keepFrom(Long.MAX_VALUE);
            become(BackupState.PROMOTED, "executed everything up to " + executedPosition);
            List<MarkedRequest> quarantined =
                    deathNotes.stream().map(DeathNote::message).distinct().toList();
            effects.promoted(new BackupEffects.Promotion(registerView.orElseThrow(), quarantined));
        }
    }

    /** Ends the role. */
    public void close(String why) {
        if (state != BackupState.CLOSED) {
            become(BackupState.CLOSED, why);
        }
    }

    private void become(BackupState next, String why) {
        if (!state.successors().contains(next)) {
            throw Invariant.broken("backup " + self + ": " + state + " to " + next);
        }
        BackupState from = state;
        state = next;
        reason = why;
        if (next == BackupState.LOCATING_ACTIVE) {
            joinId++;
            lastJoinNs = nowNs - config.locateNs();
            lastRegisterReadNs = nowNs;
        }
        LOG.info("{}: {} -> {} in term {} at position {}: {}", self, from, next, followedTerm, log.lastPosition(), why);
        effects.became(from, next, why);
    }

    // ---- what others may know --------------------------------------------------------------------------------------

    /** What it is doing. */
    public BackupState state() {
        return state;
    }

    /** Why it is doing that, in words. */
    public String reason() {
        return reason;
    }

    /** Term that it follows; 0 before the first. */
    public long term() {
        return followedTerm;
    }

    /** Node that it follows, or followed last; empty before the first. */
    public String followed() {
        return followed;
    }

    /** The register's value as last read. */
    public Optional<View> registerView() {
        return registerView;
    }

    /** Last entry that it holds. */
    public long receivedPosition() {
        return log.lastPosition();
    }

    /** Last entry that it has executed. */
    public long executedPosition() {
        return executedPosition;
    }

    /** Which message the active of a term died of. */
    private record DeathNote(long term, MarkedRequest message) {
        /**
         * A later reign went on with its session behind it: it was executed or barred, or its client has left it; or the
         * session has ended. What has no number of its own, the end of a session or of a transaction's time, is settled by
         * that end alone.
         */
        boolean isSettledBy(ControlHeader header) {
            if (header.term() <= term || !header.session().equals(message.session())) {
                return false;
            }
            long expiring = message.expiringTransaction();
            boolean isNumbered = expiring == 0 && message.requestId() > 0;
            return switch (header.kind()) {
                case EXPIRE_SESSION -> true;
                case EXPIRE -> expiring > 0 && header.transaction() == expiring;
                case CLOSE -> !isNumbered || header.requestId() >= message.requestId();
                default -> isNumbered && header.requestId() >= message.requestId();
            };
        }
    }
}
