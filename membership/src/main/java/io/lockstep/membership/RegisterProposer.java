package io.lockstep.membership;

import io.lockstep.wire.Ballot;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Frame.Accept;
import io.lockstep.wire.Frame.Accepted;
import io.lockstep.wire.Frame.Admit;
import io.lockstep.wire.Frame.Prepare;
import io.lockstep.wire.Frame.Promise;
import io.lockstep.wire.Frame.RegisterRefusal;
import io.lockstep.wire.Invariant;
import io.lockstep.wire.View;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One process's hand on the view register: the proposer of CASPaxos (D. Rystsov, 2018). Touched only by the thread of
 * the core that owns it.
 *
 * <p>A round asks all voters to promise a ballot, takes the newest value that they hold, lets the change make the next
 * value of it, and asks them to accept that. A majority of voters whose disks the value names decides. Two cases go
 * beyond the paper, both from rule R13. The first value is written only when every voter has answered that its disk is
 * new, and counts only when every voter holds it. A voter with a disk that the value does not name is given the value
 * ({@link Admit}) and votes from then on, after a majority of all voters, counted among the others, has accepted a value
 * that names its disk.
 *
 * <p>A round's result may be lost although its value was taken: then a later round finds a value with this change's own
 * nonce, and completes it as its own.
 */
public final class RegisterProposer implements ViewRegister {
    private static final Logger log = LoggerFactory.getLogger(RegisterProposer.class);

    /** How long to wait for an answer before asking again; a fsync on a busy disk takes tens of milliseconds. */
    static final long RESEND_NS = 50_000_000;
    /**
     * Age at which a change's first round is given up for one with a new ballot; twice as much for each further one. A
     * round takes two saves of each voter that decides, one after the other, and those of older ballots come before: with
     * a fixed age no round would end on disks that are slow enough.
     */
    static final long ROUND_MAX_NS = 8 * RESEND_NS;
    /** The age is doubled no more often than this, to 51 s. */
    private static final int ROUND_DOUBLINGS_MAX = 7;
    /** First pause after a conflict; doubled by every further one, and scattered by half of itself to either side. */
    static final long PAUSE_MIN_NS = 2_000_000;

    static final long PAUSE_MAX_NS = 100_000_000;
    /** To 33 s, where rounds take as long. */
    private static final int PAUSE_DOUBLINGS_MAX = 14;
    /** A voter that was away long is still told that it may vote. */
    static final long ADMISSION_PAUSE_MAX_NS = 1_000_000_000;
    /** After this time without result the owner is told whom the register waits for. */
    static final long PATIENCE_NS = 250_000_000;

    /** Where a round's frames go. */
    @FunctionalInterface
    public interface Effects {
        /**
         * Sends to one voter, perhaps in this very process; may be lost. Must not call back into the proposer.
         *
         * @param voter configured name
         */
        void send(String voter, Frame frame);
    }

    private enum State {
        IDLE,
        PREPARING,
        ACCEPTING,
        PAUSING
    }

    private final List<String> voters;
    private final long incarnation;
    private final Effects effects;
    private final LongSupplier random;

    private State state = State.IDLE;
    /** Highest counter seen in any ballot. */
    private long highestCounter;
    /** The change under way; null exactly in IDLE. */
    private @Nullable Attempt attempt;
    /** The round under way; null in IDLE and PAUSING. */
    private @Nullable Round round;

    private final TreeMap<String, Long> strangers = new TreeMap<>();
    private final TreeSet<String> silent = new TreeSet<>();
    /** Values that their voters have not confirmed yet; a lost one would leave its voter without a vote. */
    private final Map<String, Admit> admissions = new TreeMap<>();

    private long admissionsSentNs;
    private long admissionsPauseNs = RESEND_NS;

    /**
     * @param voters configured names of all voters, an odd number
     * @param incarnation of this process: makes its ballots its own, so no other run may ever have had it
     * @param effects where frames go
     * @param random source of nonces and of the scatter of pauses
     */
    public RegisterProposer(List<String> voters, long incarnation, Effects effects, LongSupplier random) {
        Invariant.check(voters.size() % 2 == 1, "number of voters must be odd");
        this.voters = List.copyOf(voters);
        this.incarnation = incarnation;
        this.effects = effects;
        this.random = random;
    }

    /** Whether a frame is one for a proposer, that is, a voter's reply. */
    public static boolean isForProposer(Frame frame) {
        return frame instanceof Promise || frame instanceof Accepted || frame instanceof RegisterRefusal;
    }

    @Override
    public void change(ViewChange change, Consumer<ViewOutcome> done, long nowNs) {
        Invariant.check(state == State.IDLE, "one change of the view at a time");
        attempt = new Attempt(change, done, random.getAsLong(), nowNs);
        beginRound(nowNs);
    }

    @Override
    public void cancel() {
        state = State.IDLE;
        attempt = null;
        round = null;
    }

    @Override
    public boolean isBusy() {
        return state != State.IDLE;
    }

    @Override
    public Set<String> strangers() {
        return new TreeSet<>(strangers.keySet());
    }

    @Override
    public Set<String> silent() {
        return Collections.unmodifiableSet(silent);
    }

    /**
     * Takes a voter's reply.
     *
     * @param voter who said it, as its connection proved
     * @param frame {@link Promise}, {@link Accepted} or {@link RegisterRefusal}; late and repeated ones do no harm
     */
    public void onFrame(String voter, Frame frame, long nowNs) {
        if (!voters.contains(voter)) {
            return;
        }
        if (frame instanceof Promise promise) {
            Optional<String> flaw = promise.value().flatMap(Succession::flaw);
            if (flaw.isPresent()) {
                log.warn("view register: the value of voter {} cannot be one: {}", voter, flaw.get());
                onRefusal(voter, new RegisterRefusal(0, promise.ballot(), Ballot.ZERO, flaw.get()), nowNs);
                return;
            }
            onPromise(voter, promise, nowNs);
        } else if (frame instanceof Accepted accepted) {
            onAccepted(voter, accepted, nowNs);
        } else if (frame instanceof RegisterRefusal refusal) {
            onRefusal(voter, refusal, nowNs);
        }
    }

    @Override
    public void tick(long nowNs) {
        resendAdmissions(nowNs);
        switch (state) {
            case IDLE -> {}
            case PAUSING -> {
                if (nowNs - current().pauseEndNs >= 0) {
                    beginRound(nowNs);
                }
            }
            case PREPARING, ACCEPTING -> tickRound(nowNs);
        }
        tellWhomWeWaitFor(nowNs);
    }

    // ---- one round ------------------------------------------------------------------------------------------------

    private void beginRound(long nowNs) {
        highestCounter++;
        silent.addAll(voters);
        Round begun = new Round(new Ballot(highestCounter, incarnation), nowNs);
        round = begun;
        state = State.PREPARING;
        sendToAll(new Prepare(0, begun.ballot));
    }

    private void onPromise(String voter, Promise promise, long nowNs) {
        highestCounter = Math.max(highestCounter, promise.accepted().counter());
        silent.remove(voter);
        if (promise.voting()) {
            strangers.remove(voter);
        } else {
            strangers.put(voter, promise.diskId());
        }
        Admit admission = admissions.get(voter);
        if (admission != null && (promise.voting() || diskOf(admission.value(), voter) != promise.diskId())) {
            admissions.remove(voter);
        }
        Round now = round;
        if (state == State.PREPARING && now != null && now.ballot.equals(promise.ballot())) {
            now.promises.putIfAbsent(voter, promise);
            weighPromises(now, nowNs);
        }
    }

    /** Goes on to accepting as soon as enough voters have promised. */
    private void weighPromises(Round now, long nowNs) {
        Optional<View> newest = now.newestValue();
        boolean everybody = now.promises.size() == voters.size();
        if (newest.isEmpty()) {
            if (everybody && now.nobodyVotes()) {
                proposeFirst(now, nowNs);
            }
            return;
        }
        View base = newest.get();
        if (!namesOurVoters(base)) {
            return;
        }
        long electorate = now.promises.entrySet().stream()
                .filter(e -> e.getValue().voting()
                        && diskOf(base, e.getKey()) == e.getValue().diskId())
                .count();
        if (electorate >= majority()) {
            if (!awaitsStranger(now, nowNs)) {
                proposeNext(now, base, nowNs);
            }
        } else if (everybody && now.nobodyVotes() && somebodyNeverTook(base, now)) {
            // Somebody began to write the first value and did not come to its end. It needed every voter, and one on
            // the very disk that it names took none, and from now on takes none of an older ballot: so it was not
            // chosen, and never will be. Whoever it names may have died since; the change begins on its own.
            proposeFirst(now, nowNs);
        } else if (everybody && base.version() == Succession.FIRST_VERSION && allNamedBy(base, now)) {
            // Somebody began to write the first value and may have come to its end: it ends here, in every voter.
            propose(now, base, Quorum.EVERY_VOTER, current().isOurs(base) ? Result.COMMITTED : Result.GO_ON, nowNs);
        }
    }

    /** A voter that waits to be named is worth a short delay, since it can be named only in a round that it answers. */
    private boolean awaitsStranger(Round now, long nowNs) {
        return nowNs - now.beganNs < RESEND_NS && !now.promises.keySet().containsAll(strangers.keySet());
    }

    private void proposeFirst(Round now, long nowNs) {
        Optional<View> wanted = current().change.apply(Optional.empty());
        if (wanted.isEmpty()) {
            end(new ViewOutcome.Declined(Optional.empty()));
            return;
        }
        View first = wanted.get();
        Succession.checkFirst(first);
        List<View.Voter> named = new ArrayList<>();
        for (String voter : voters) {
            named.add(new View.Voter(voter, now.promise(voter).diskId()));
        }
        propose(now, withVoters(first, named), Quorum.EVERY_VOTER, Result.COMMITTED, nowNs);
    }

    private void proposeNext(Round now, View base, long nowNs) {
        if (current().isOurs(base)) {
            propose(now, base, Quorum.MAJORITY, Result.COMMITTED, nowNs);
            return;
        }
        Optional<View> wanted = current().change.apply(Optional.of(base));
        if (wanted.isEmpty()) {
            propose(now, base, Quorum.MAJORITY, Result.DECLINED, nowNs);
            return;
        }
        Succession.check(base, wanted.get());
        View next = withVoters(wanted.get(), votersAfter(base, now));
        boolean same = next.active().equals(base.active())
                && next.backups().equals(base.backups())
                && next.voters().equals(base.voters());
        propose(now, same ? base : next, Quorum.MAJORITY, same ? Result.DECLINED : Result.COMMITTED, nowNs);
    }

    /** The voters with their disks; a new disk is named when it has just answered and does not vote yet. */
    private static List<View.Voter> votersAfter(View base, Round now) {
        List<View.Voter> named = new ArrayList<>();
        for (View.Voter voter : base.voters()) {
            Promise promise = now.promises.get(voter.name());
            named.add(promise != null && !promise.voting() ? new View.Voter(voter.name(), promise.diskId()) : voter);
        }
        return named;
    }

    private View withVoters(View view, List<View.Voter> named) {
        return new View(view.version(), view.term(), view.active(), view.backups(), named, current().nonce);
    }

    private void propose(Round now, View value, Quorum quorum, Result result, long nowNs) {
        now.value = value;
        now.quorum = quorum;
        now.result = result;
        now.sentNs = nowNs;
        state = State.ACCEPTING;
        sendToAll(new Accept(0, now.ballot, value));
    }

    private void onAccepted(String voter, Accepted accepted, long nowNs) {
        Admit admission = admissions.get(voter);
        if (admission != null && admission.ballot().equals(accepted.ballot())) {
            admissions.remove(voter);
            strangers.remove(voter);
        }
        Round now = round;
        if (state != State.ACCEPTING || now == null || !now.ballot.equals(accepted.ballot())) {
            return;
        }
        if (counts(voter, accepted.diskId(), now)) {
            now.accepted.add(voter);
        }
        int needed = now.quorum == Quorum.EVERY_VOTER ? voters.size() : majority();
        if (now.accepted.size() >= needed) {
            onCommitted(now, nowNs);
        }
    }

    /** A voter whose disk this very value names anew does not count for it (rule R13: counted among the others). */
    private static boolean counts(String voter, long diskId, Round now) {
        if (diskOf(now.value(), voter) != diskId) {
            return false;
        }
        return now.quorum == Quorum.EVERY_VOTER
                || now.newestValue().map(base -> diskOf(base, voter) == diskId).orElse(false);
    }

    private void onCommitted(Round now, long nowNs) {
        View value = now.value();
        now.promises.forEach((voter, promise) -> {
            if (!promise.voting() && diskOf(value, voter) == promise.diskId()) {
                admissions.put(voter, new Admit(0, now.ballot, value));
            }
        });
        admissionsPauseNs = RESEND_NS;
        sendAdmissions(nowNs);
        switch (now.result) {
            case COMMITTED -> end(new ViewOutcome.Committed(value));
            case DECLINED -> end(new ViewOutcome.Declined(Optional.of(value)));
            case GO_ON -> beginRound(nowNs);
        }
    }

    private void onRefusal(String voter, RegisterRefusal refusal, long nowNs) {
        highestCounter = Math.max(highestCounter, refusal.promised().counter());
        Round now = round;
        if (now == null || !now.ballot.equals(refusal.ballot())) {
            return;
        }
        if (refusal.promised().compareTo(now.ballot) > 0) {
            onConflict(nowNs);
        } else {
            now.refusals.put(voter, refusal.reason());
        }
    }

    /** The first conflict usually means a ballot of long ago, of which this process had not heard. */
    private void onConflict(long nowNs) {
        if (current().conflicts == 0) {
            current().conflicts = 1;
            beginRound(nowNs);
        } else {
            // Disks that made this round take long let nobody's round end in a pause that is short beside it.
            pause(nowNs, Math.max(PAUSE_MAX_NS, nowNs - Invariants.present(round, "round").beganNs));
        }
    }

    /** Somebody else is at it too: whoever waits longer lets the other one finish. */
    private void pause(long nowNs, long mostNs) {
        Attempt now = current();
        long span = Math.min(mostNs, PAUSE_MIN_NS << Math.min(now.conflicts, PAUSE_DOUBLINGS_MAX));
        now.conflicts++;
        now.pauseEndNs = nowNs + span / 2 + Math.floorMod(random.getAsLong(), span);
        round = null;
        state = State.PAUSING;
    }

    private void end(ViewOutcome outcome) {
        Consumer<ViewOutcome> done = current().done;
        log.debug("view register: {}", outcome);
        cancel();
        done.accept(outcome);
    }

    // ---- time -----------------------------------------------------------------------------------------------------

    private void tickRound(long nowNs) {
        Round now = Invariants.present(round, "round");
        if (nowNs - now.beganNs >= ROUND_MAX_NS << Math.min(current().conflicts, ROUND_DOUBLINGS_MAX)) {
            current().lastReport = report(now);
            pause(nowNs, PAUSE_MAX_NS);
        } else if (nowNs - now.sentNs >= RESEND_NS) {
            now.sentNs = nowNs;
            if (state == State.PREPARING) {
                weighPromises(now, nowNs);
            }
            if (round == now) {
                current().lastReport = report(now);
                resend(now);
            }
        }
    }

    private void resend(Round now) {
        for (String voter : voters) {
            if (state == State.PREPARING && !now.promises.containsKey(voter)) {
                effects.send(voter, new Prepare(0, now.ballot));
            } else if (state == State.ACCEPTING && !now.accepted.contains(voter)) {
                effects.send(voter, new Accept(0, now.ballot, now.value()));
            }
        }
    }

    private void resendAdmissions(long nowNs) {
        if (!admissions.isEmpty() && nowNs - admissionsSentNs >= admissionsPauseNs) {
            admissionsPauseNs = Math.min(ADMISSION_PAUSE_MAX_NS, 2 * admissionsPauseNs);
            sendAdmissions(nowNs);
        }
    }

    private void sendAdmissions(long nowNs) {
        admissionsSentNs = nowNs;
        admissions.forEach(effects::send);
    }

    private void sendToAll(Frame frame) {
        for (String voter : voters) {
            effects.send(voter, frame);
        }
    }

    private void tellWhomWeWaitFor(long nowNs) {
        Attempt now = attempt;
        if (now == null || nowNs - now.beganNs < PATIENCE_NS) {
            return;
        }
        if (!now.lastReport.equals(now.told)) {
            now.told = now.lastReport;
            now.done.accept(new ViewOutcome.Unreachable(now.told));
        }
    }

    private String report(Round now) {
        Map<String, String> missing = new LinkedHashMap<>();
        Optional<View> newest = now.newestValue();
        for (String voter : voters) {
            Promise promise = now.promises.get(voter);
            if (now.refusals.containsKey(voter)) {
                missing.put(voter, now.refusals.get(voter));
            } else if (promise == null || (state == State.ACCEPTING && !now.accepted.contains(voter))) {
                missing.put(voter, "no answer");
            } else if (newest.isPresent() && diskOf(newest.get(), voter) != promise.diskId()) {
                missing.put(voter, "its disk is not the one that the register names");
            } else if (newest.isPresent() && !promise.voting()) {
                missing.put(voter, "its disk has not been admitted");
            } else if (newest.isEmpty() && promise.voting()) {
                missing.put(voter, "it voted before and has lost its value");
            }
        }
        return whatIsNeeded(now) + "; missing: " + missing;
    }

    /** Everything that the next step depends on but the time. */
    @Override
    public String toString() {
        return "proposer " + incarnation + " " + state + " highest " + highestCounter + " strangers " + strangers
                + " admissions " + admissions
                + (attempt == null ? "" : " conflicts " + attempt.conflicts)
                + (round == null ? "" : " " + round);
    }

    private String whatIsNeeded(Round now) {
        Optional<View> newest = now.newestValue();
        if (now.promises.isEmpty()) {
            return "no voter answers";
        } else if (newest.isEmpty()) {
            return "no voter that answers holds a view, and a first one needs all of " + voters + "; " + remedy(now);
        } else if (!namesOurVoters(newest.get())) {
            return "the register's voters are " + newest.get().voters() + ", not the configured " + voters;
        }
        return "a change of the view needs " + majority() + " of " + voters;
    }

    /** A view that was ever agreed on is held by a majority, so a majority without one shows that there was none. */
    private String remedy(Round now) {
        return now.promises.size() >= majority()
                ? "start those that are missing; if one of them is lost for good: no view was ever agreed on, so nothing was"
                        + " ever answered under this name; stop all, remove the register's file of every voter, start again"
                : "start those that are missing";
    }

    // ---- arithmetic -----------------------------------------------------------------------------------------------

    private int majority() {
        return voters.size() / 2 + 1;
    }

    private boolean namesOurVoters(View base) {
        Set<String> names = new HashSet<>();
        base.voters().forEach(voter -> names.add(voter.name()));
        return names.equals(new HashSet<>(voters)) && base.voters().size() == voters.size();
    }

    private static boolean allNamedBy(View base, Round now) {
        return now.promises.entrySet().stream()
                .allMatch(e -> diskOf(base, e.getKey()) == e.getValue().diskId());
    }

    private static boolean somebodyNeverTook(View base, Round now) {
        return now.promises.entrySet().stream()
                .anyMatch(e -> e.getValue().value().isEmpty()
                        && diskOf(base, e.getKey()) == e.getValue().diskId());
    }

    /** Disk id under which the view names the voter. */
    private static long diskOf(View view, String voter) {
        for (View.Voter named : view.voters()) {
            if (named.name().equals(voter)) {
                return named.diskId();
            }
        }
        return NO_DISK;
    }

    /** No disk has this id. */
    static final long NO_DISK = 0;

    private Attempt current() {
        return Invariants.present(attempt, "change under way");
    }

    // ---- what is remembered ---------------------------------------------------------------------------------------

    private enum Quorum {
        MAJORITY,
        EVERY_VOTER
    }

    /** What the acceptance of a round's value means for the change. */
    private enum Result {
        COMMITTED,
        DECLINED,
        /** Somebody else's first value is complete now; the change itself is still to be made. */
        GO_ON
    }

    /** A change, over all its rounds. */
    private static final class Attempt {
        final ViewChange change;
        final Consumer<ViewOutcome> done;
        /** Marks every value that this change proposes. */
        final long nonce;

        final long beganNs;
        /** Rounds that somebody else's ballot ended, or their age. */
        int conflicts;

        long pauseEndNs;
        String lastReport = "";
        String told = "";

        Attempt(ViewChange change, Consumer<ViewOutcome> done, long nonce, long beganNs) {
            this.change = change;
            this.done = done;
            this.nonce = nonce;
            this.beganNs = beganNs;
        }

        boolean isOurs(View view) {
            return view.nonce() == nonce;
        }
    }

    /** One ballot of a change. */
    private static final class Round {
        final Ballot ballot;
        final long beganNs;
        long sentNs;
        final Map<String, Promise> promises = new TreeMap<>();
        final Set<String> accepted = new TreeSet<>();
        final Map<String, String> refusals = new TreeMap<>();
        /** Set by {@code propose}, with the next two. */
        @Nullable View value;

        Quorum quorum = Quorum.MAJORITY;
        Result result = Result.DECLINED;

        Round(Ballot ballot, long nowNs) {
            this.ballot = ballot;
            this.beganNs = nowNs;
            this.sentNs = nowNs;
        }

        /** The value with the highest ballot, also of voters that do not count: it can only be newer than theirs. */
        Optional<View> newestValue() {
            return promises.values().stream()
                    .filter(promise -> promise.value().isPresent())
                    .max((a, b) -> a.accepted().compareTo(b.accepted()))
                    .flatMap(Promise::value);
        }

        boolean nobodyVotes() {
            return promises.values().stream().noneMatch(Promise::voting);
        }

        @Override
        public String toString() {
            return ballot + " " + promises + " " + value + " " + quorum + " " + result + " " + accepted + " "
                    + refusals;
        }

        Promise promise(String voter) {
            return Invariants.present(promises.get(voter), "promise");
        }

        View value() {
            return Invariants.present(value, "proposed value");
        }
    }

    private static final class Invariants {
        static <T> T present(@Nullable T value, String what) {
            if (value == null) {
                Invariant.check(false, "missing: " + what);
                throw new AssertionError(what);
            }
            return value;
        }
    }
}
