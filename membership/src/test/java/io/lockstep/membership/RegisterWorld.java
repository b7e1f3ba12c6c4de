package io.lockstep.membership;

import io.lockstep.wire.Ballot;
import io.lockstep.wire.Frame;
import io.lockstep.wire.View;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Voters and proposers of one register in a world where any frame ever sent may arrive at any time, any number of times
 * or never: so loss, delay, repetition and reordering need no steps of their own. Touched only by its test's thread.
 *
 * <p>A voter is rebuilt from its disk for every frame, since it keeps nothing beside it. So a crash before the record is
 * saved is a frame that never arrived, and a crash after it is a reply that was lost.
 */
final class RegisterWorld {
    /**
     * One frame under way.
     *
     * @param hash digest of the other three
     */
    record Sent(String from, String to, Frame frame, long hash) {
        Sent(String from, String to, Frame frame) {
            this(from, to, frame, Fingerprint.of(from, to, frame));
        }
    }

    /** Leads from a proposer to the world in which it lives just now, since worlds are copied. */
    private static final class Bridge {
        private RegisterWorld world;

        private Bridge(RegisterWorld world) {
            this.world = world;
        }
    }

    private final Bridge bridge;
    private final List<String> voters;
    private final VoterRecord[] records;
    private final RegisterProposer[] proposers;
    /** Whether that proposer is this world's alone, and not shared with the worlds it was copied from or to. */
    private final boolean[] owned;

    /** Digests, renewed at every change. */
    private final long[] recordHashes;

    private final long[] proposerHashes;
    private long shownHash;

    private final int[] changesLeft;
    /** Highest version that anybody had shown when that proposer's change began; its result may not be older. */
    private final long[] shownAtBegin;

    private final List<Sent> inFlight;
    /** Every view that an outcome has shown, by version. */
    private final TreeMap<Long, View> shown;

    private long nextDiskId;
    private long now;

    RegisterWorld(int voters, int proposers, int changesEach) {
        this.bridge = new Bridge(this);
        this.voters = new ArrayList<>();
        this.records = new VoterRecord[voters];
        this.proposers = new RegisterProposer[proposers];
        this.owned = new boolean[proposers];
        this.recordHashes = new long[voters];
        this.proposerHashes = new long[proposers];
        this.changesLeft = new int[proposers];
        this.shownAtBegin = new long[proposers];
        this.inFlight = new ArrayList<>();
        this.shown = new TreeMap<>();
        for (int v = 0; v < voters; v++) {
            this.voters.add("v" + v);
            loseDisk(v);
        }
        for (int p = 0; p < proposers; p++) {
            changesLeft[p] = changesEach;
            restart(p, p + 1);
        }
    }

    private RegisterWorld(RegisterWorld other) {
        bridge = other.bridge;
        voters = other.voters;
        records = other.records.clone();
        proposers = other.proposers.clone();
        Arrays.fill(other.owned, false);
        owned = other.owned.clone();
        recordHashes = other.recordHashes.clone();
        proposerHashes = other.proposerHashes.clone();
        shownHash = other.shownHash;
        changesLeft = other.changesLeft.clone();
        shownAtBegin = other.shownAtBegin.clone();
        inFlight = new ArrayList<>(other.inFlight);
        shown = new TreeMap<>(other.shown);
        nextDiskId = other.nextDiskId;
        now = other.now;
    }

    RegisterWorld copy() {
        return new RegisterWorld(this);
    }

    /** The proposer, to be changed by this world. */
    private RegisterProposer own(int p) {
        bridge.world = this;
        if (!owned[p]) {
            proposers[p] = ProposerMirror.copy(proposers[p]);
            owned[p] = true;
        }
        return proposers[p];
    }

    private void onChanged(int p) {
        proposerHashes[p] =
                Fingerprint.mix(ProposerMirror.fingerprint(proposers[p]), changesLeft[p] * 1000L + shownAtBegin[p]);
    }

    // ---- steps ----------------------------------------------------------------------------------------------------

    int voterCount() {
        return voters.size();
    }

    int proposerCount() {
        return proposers.length;
    }

    List<Sent> inFlight() {
        return inFlight;
    }

    boolean mayBegin(int p) {
        return !proposers[p].isBusy() && changesLeft[p] > 0;
    }

    boolean isBusy(int p) {
        return proposers[p].isBusy();
    }

    boolean allVote() {
        for (VoterRecord record : records) {
            if (!record.voting()) {
                return false;
            }
        }
        return true;
    }

    boolean nobodyVotes() {
        return !anybodyVotes();
    }

    long newestShown() {
        return shown.isEmpty() ? 0 : shown.lastKey();
    }

    /** That process makes itself the active, or, where it is, adds and removes a backup in turns. */
    void beginChange(int p) {
        View.Member self = new View.Member("p" + p, 1);
        begin(p, current -> Optional.of(next(current, self)));
    }

    void beginRead(int p) {
        begin(p, ViewChange.read());
    }

    void beginNaming(int p) {
        begin(p, ViewChange.nameVoters());
    }

    private void begin(int p, ViewChange change) {
        changesLeft[p]--;
        shownAtBegin[p] = newestShown();
        Bridge way = bridge;
        own(p).change(change, outcome -> way.world.onOutcome(p, outcome), now);
        onChanged(p);
    }

    private static View next(Optional<View> current, View.Member self) {
        if (current.isEmpty()) {
            return new View(1, 1, self, List.of(), List.of(), 0);
        }
        View base = current.get();
        if (!base.active().equals(self)) {
            return new View(base.version() + 1, base.term() + 1, self, List.of(), List.of(), 0);
        }
        List<View.Member> backups = base.backups().isEmpty() ? List.of(new View.Member("helper", 1)) : List.of();
        return new View(base.version() + 1, base.term(), self, backups, List.of(), 0);
    }

    /**
     * A frame arrives at a voter, which saves its record and replies.
     *
     * @param replyLater whether the reply stays under way; if not, it arrives at once
     */
    void deliver(Sent sent, boolean replyLater) {
        Sent reply = take(sent);
        if (replyLater) {
            send(reply);
        } else {
            deliverReply(reply);
        }
    }

    /** A frame arrives at a voter, whose reply is lost; or the voter crashes before it sends it. */
    void deliverInVain(Sent sent) {
        take(sent);
    }

    void deliverReply(Sent reply) {
        now += RegisterProposer.RESEND_NS + 1;
        int p = proposerOf(reply.to());
        own(p).onFrame(reply.from(), reply.frame(), now);
        onChanged(p);
    }

    boolean isForVoter(Sent sent) {
        return voters.contains(sent.to());
    }

    private Sent take(Sent sent) {
        now += RegisterProposer.RESEND_NS + 1;
        int v = voters.indexOf(sent.to());
        MemoryDisk disk = new MemoryDisk(records[v]);
        Frame reply = answer(new RegisterAcceptor(sent.to(), disk), sent.frame());
        setRecord(v, disk.record());
        return new Sent(sent.to(), sent.from(), reply);
    }

    private static Frame answer(RegisterAcceptor acceptor, Frame request) {
        try {
            return acceptor.answer(request);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** That proposer gives its round up and begins another one. */
    void beginAnotherRound(int p) {
        letTimePass(p, RegisterProposer.ROUND_MAX_NS);
        letTimePass(p, 2 * RegisterProposer.PAUSE_MAX_NS);
    }

    void letTimePass(int p, long ns) {
        now += ns;
        own(p).tick(now);
        onChanged(p);
    }

    /** Another run of that process, which knows nothing of what this one had begun. */
    void restart(int p, long incarnation) {
        Bridge way = bridge;
        String name = "p" + p;
        proposers[p] = new RegisterProposer(
                voters,
                incarnation,
                (voter, frame) -> way.world.send(new Sent(name, voter, frame)),
                () -> Fingerprint.of(incarnation, (long) way.world.changesLeft[p]));
        owned[p] = true;
        onChanged(p);
    }

    void loseDisk(int v) {
        nextDiskId++;
        setRecord(v, VoterRecord.ofNewDisk(nextDiskId));
    }

    private void setRecord(int v, VoterRecord record) {
        if (!record.equals(records[v])) {
            records[v] = record;
            recordHashes[v] = Fingerprint.of(record);
        }
    }

    /** A first value is written and all voters vote; costs the first proposer none of its changes. */
    void bootstrap() {
        changesLeft[0]++;
        beginChange(0);
        settle();
        check(shown.size() == 1 && allVote(), "no first value");
    }

    /** Every frame arrives once and in order, until nobody has anything to say. */
    void settle() {
        while (!inFlight.isEmpty()) {
            deliver(inFlight.remove(0), false);
        }
    }

    private void send(Sent sent) {
        for (Sent other : inFlight) {
            if (other.hash == sent.hash) {
                return;
            }
        }
        inFlight.add(sent);
    }

    private static int proposerOf(String name) {
        return Integer.parseInt(name.substring(1));
    }

    /** Forgets frames whose arrival can change nothing any more, now or later. */
    void dropIdleFrames() {
        inFlight.removeIf(this::isIdle);
    }

    private boolean isIdle(Sent sent) {
        int v = voters.indexOf(sent.to());
        if (v >= 0) {
            if (sent.frame() instanceof Frame.Admit admit) {
                return records[v].voting() && records[v].promised().compareTo(admit.ballot()) >= 0;
            }
            Ballot ballot = ProposerMirror.ballotOf(sent.frame());
            return records[v].promised().compareTo(ballot) > 0
                    && !ballot.equals(ProposerMirror.ballot(proposers[proposerOf(sent.from())]));
        }
        return false;
    }

    /** Digest of everything that later steps depend on, and of what has been shown. */
    long fingerprint() {
        long frames = 0;
        for (Sent sent : inFlight) {
            frames += sent.hash;
        }
        long hash = Fingerprint.mix(Fingerprint.mix(shownHash, nextDiskId), frames);
        for (long recordHash : recordHashes) {
            hash = Fingerprint.mix(hash, recordHash);
        }
        for (long proposerHash : proposerHashes) {
            hash = Fingerprint.mix(hash, proposerHash);
        }
        return hash;
    }

    // ---- checks ---------------------------------------------------------------------------------------------------

    private void onOutcome(int p, ViewOutcome outcome) {
        if (outcome instanceof ViewOutcome.Committed committed) {
            show(committed.view(), shownAtBegin[p]);
        } else if (outcome instanceof ViewOutcome.Declined declined) {
            declined.current().ifPresent(view -> show(view, shownAtBegin[p]));
            check(declined.current().isPresent() || shownAtBegin[p] == 0, "empty after " + shown);
        }
    }

    private void show(View view, long atLeast) {
        check(view.version() >= atLeast, "older than what was shown before: " + view + ", " + atLeast);
        View same = shown.putIfAbsent(view.version(), view);
        check(same == null || same.equals(view), "two views of one version: " + same + " and " + view);
        shownHash = Fingerprint.of(shown);
        checkTerms(shown.get(view.version() - 1), view);
        checkTerms(view, shown.get(view.version() + 1));
    }

    private void checkTerms(@Nullable View lower, @Nullable View higher) {
        if (lower != null && higher != null) {
            long term = lower.term() + (lower.active().equals(higher.active()) ? 0 : 1);
            check(higher.term() == term, "terms out of order: " + lower + " and " + higher);
        }
    }

    /** Whoever asks now, and whichever voters answer, finds what was shown, or cannot decide. */
    void checkNothingForgotten() {
        int all = (1 << records.length) - 1;
        for (int subset = 1; subset <= all; subset++) {
            VoterRecord newest = newestOf(subset);
            if (newest == null) {
                check(shown.isEmpty() || subset != all || anybodyVotes(), "a second register could begin");
                continue;
            }
            View base = newest.value().orElseThrow();
            if (electorate(subset, base) >= records.length / 2 + 1) {
                check(base.version() >= newestShown(), "forgotten: found only " + base);
                View same = shown.get(base.version());
                check(same == null || same.equals(base), "shown " + same + ", found " + base);
            }
        }
    }

    private @Nullable VoterRecord newestOf(int subset) {
        @Nullable VoterRecord newest = null;
        for (int v = 0; v < records.length; v++) {
            if ((subset >> v & 1) == 1
                    && records[v].value().isPresent()
                    && (newest == null || records[v].accepted().compareTo(newest.accepted()) > 0)) {
                newest = records[v];
            }
        }
        return newest;
    }

    private boolean anybodyVotes() {
        for (VoterRecord record : records) {
            if (record.voting()) {
                return true;
            }
        }
        return false;
    }

    private int electorate(int subset, View base) {
        int count = 0;
        for (int v = 0; v < records.length; v++) {
            if ((subset >> v & 1) == 1
                    && records[v].voting()
                    && base.voters().contains(new View.Voter(voters.get(v), records[v].diskId()))) {
                count++;
            }
        }
        return count;
    }

    private void check(boolean condition, String what) {
        if (!condition) {
            throw new AssertionError(what + "\n" + this);
        }
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        for (VoterRecord record : records) {
            text.append(record).append('\n');
        }
        for (RegisterProposer proposer : proposers) {
            text.append(proposer).append('\n');
        }
        inFlight.forEach(sent -> text.append(sent).append('\n'));
        return text.append("shown ").append(shown).toString();
    }
}
