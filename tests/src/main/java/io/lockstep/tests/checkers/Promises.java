package io.lockstep.tests.checkers;

import io.lockstep.distributor.Ending;
import io.lockstep.membership.VoterRecord;
import io.lockstep.wire.Answer;
import io.lockstep.wire.Entry;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Request;
import io.lockstep.wire.View;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * All checkers: told what happened, in the order in which it did, they throw a {@link Violation} as soon as a promise is
 * broken. They know nothing of scenarios. Touched by one thread.
 */
public final class Promises {
    /** What the runs of nodes hold. */
    @FunctionalInterface
    public interface Holdings {
        /** Whether that run of a node, dead or alive, holds the entry at a position with that chain digest. */
        boolean holds(View.Member run, long position, long chain);
    }

    private final AnsweredStays answeredStays;
    private final OnceOnly onceOnly = new OnceOnly();
    private final OneWriter oneWriter = new OneWriter();
    private final EqualCopies equalCopies = new EqualCopies();
    private final Gate gate;
    private final Reads reads = new Reads();
    private final Endings endings;
    private final Views views = new Views();
    private final HeaderTimes headerTimes;
    private final Poison poison = new Poison();
    private long answers;

    /**
     * @param undisturbedNs time in which an active is to be found once nothing is wrong
     * @param transactionIdleNs when transactions expire
     */
    public Promises(Holdings holdings, long undisturbedNs, long transactionIdleNs) {
        this.answeredStays = new AnsweredStays(holdings);
        this.gate = new Gate(holdings);
        this.endings = new Endings(undisturbedNs);
        this.headerTimes = new HeaderTimes(transactionIdleNs);
    }

    // ---- clients
    // -----------------------------------------------------------------------------------------------------

    /** An application hands a request to its client; returns what must be known when it ends. */
    public long begun() {
        endings.begun();
        return reads.floor();
    }

    /** A client sends a copy of a request. */
    public void asked(Request request) {
        onceOnly.asked(request);
    }

    /** A client takes an answer's word. */
    public void taken(String client, long term) {
        oneWriter.taken(client, term);
    }

    /**
     * A client tells its application how a request ended.
     *
     * @param lateNs time since the deadline, by the client's clock
     * @param nowNs true time
     * @param isDark whether nobody can be active any more
     */
    public void ended(String client, long lateNs, long nowNs, Ending ending, boolean isDark) {
        endings.ended(client, lateNs, nowNs, ending, isDark);
    }

    /** A client told its application that a request was definitely not executed. */
    public void notExecuted(Identity session, long requestId) {
        onceOnly.notExecuted(session, requestId);
    }

    /** A client died with so many requests open, which therefore never end. */
    public void abandoned(int requests) {
        endings.abandoned(requests);
    }

    /** A client has an answer to a request of its session. */
    public void inSession(Identity session, long requestId, long commits, boolean isRead) {
        reads.inSession(session, requestId, commits, isRead);
    }

    /** An answer tells how much had been done to the records when it was executed. */
    public void saw(String what, long floor, long commits, long digest, boolean isRead) {
        reads.answered(what, floor, commits, digest, isRead);
    }

    // ---- nodes
    // -------------------------------------------------------------------------------------------------------

    /** A node begins a reign. */
    public void promoted(View.Member node, View view, History history) {
        answeredStays.holds(node, view.term(), history);
        oneWriter.promoted(node, view);
        views.usedBy(node, view);
        gate.promoted(node, view, history.lastPosition());
    }

    /** A gate let an answer go. */
    public void answered(View.Member node, long term, Answer answer, History history) {
        answers++;
        oneWriter.answered(node, term);
        gate.answered(node, term, answer, history);
        answeredStays.answered(term, answer, history);
        onceOnly.answered(answer);
    }

    /** An active executed an entry; {@code isExpired}: it ended an open transaction because its time was over. */
    public void ordered(Entry entry, boolean isExpired, long nowNs, History history) {
        equalCopies.executed(entry);
        headerTimes.executed(entry, isExpired, nowNs, history);
    }

    /** A backup executed an entry. */
    public void applied(Entry entry) {
        equalCopies.executed(entry);
    }

    /** A backup hands an entry over for execution while it follows. */
    public void handedOver(View.Member node, long followedTerm, long position) {
        gate.handedOver(node, followedTerm, position);
    }

    /** A backup acknowledges. */
    public void acknowledged(View.Member by, long term, long round, long position, boolean isFollowing) {
        gate.acknowledged(by, term, round, position, isFollowing);
    }

    /** An active has executed a read, when it had executed the entries up to a position. */
    public void read(View.Member by, long term, Identity session, long requestId, long position, long nowNs) {
        gate.read(by, term, session, requestId, position, nowNs);
    }

    /** An active tells a backup what is stable. */
    public void forwarded(View.Member by, Frame.Forward frame, History history, long nowNs) {
        gate.forwarded(by, frame.term(), frame.round(), frame.stablePosition(), history, nowNs);
    }

    /** An active asks for another view; {@link #resolved} when it knows what came of it. */
    public void proposes(View.Member node, View view) {
        View newest = views.newest();
        // What a deposed active proposes is declined, whoever is in it.
        if (newest != null && newest.term() == view.term()) {
            answeredStays.proposes(node, view, gate.installed(node));
        }
        gate.proposes(node, view);
    }

    /** An active knows what came of its proposal. */
    public void resolved(View.Member node) {
        gate.resolved(node);
    }

    /** An active goes by another view. */
    public void installed(View.Member node, View view) {
        views.usedBy(node, view);
        gate.installed(node, view);
    }

    /** A lane executes what waited for the mark at a position. */
    public void passedMark(View.Member by, long position, History history) {
        gate.passedMark(by, position, history);
    }

    // ---- locks
    // -------------------------------------------------------------------------------------------------------

    /** An active's lane has done all that a message let it do. */
    public void waiting(View.Member node, List<Waits.Wait> waits) {
        Waits.afterMessage(node, waits);
    }

    /** An active's lane found nothing whose time is over, at a header time or later. */
    public void nothingDue(View.Member node, List<Waits.Wait> waits, long timeNs) {
        Waits.nothingDue(node, waits, timeNs);
    }

    /** An active's lane tries a message again that waited. */
    public void retries(View.Member node, Identity session, List<Waits.Wait> waits) {
        Waits.retries(node, session, waits);
    }

    // ---- poison
    // ------------------------------------------------------------------------------------------------------

    /** A process ended in a message. */
    public void diedOf(Identity session, long requestId) {
        poison.died(session, requestId);
    }

    /** A backup has got a death note of the active that it follows. */
    public void warned(View.Member backup, Identity session, long requestId) {
        poison.warned(backup, session, requestId);
    }

    /** A lane is about to execute a message that could end it. */
    public void executing(View.Member node, Identity session, long requestId) {
        poison.executing(node, session, requestId);
    }

    // ---- the register
    // ------------------------------------------------------------------------------------------------

    /** A voter saved its record; {@code all} are the records of all voters, this one new. */
    public void saved(VoterRecord record, Collection<VoterRecord> all) {
        views.saved(record, all);
    }

    /** The newest view that a majority has held; null before the first. */
    public @Nullable View newestView() {
        return views.newest();
    }

    // ---- the end
    // -----------------------------------------------------------------------------------------------------

    /** From now on nothing goes wrong any more. */
    public void healed(long nowNs) {
        endings.healed(nowNs);
    }

    /** The history that survived. */
    public void survived(History history) {
        answeredStays.holds(null, Long.MAX_VALUE, history);
        oneWriter.survived(history);
        onceOnly.survived(history);
        headerTimes.survived(history);
        endings.finished();
    }

    /** The same of the records: change by change, and how many. */
    public void survivedChange(long commits, long digest) {
        reads.survived(commits, digest);
    }

    /** How many changes survived. */
    public void survivedChanges(long commits) {
        reads.survivedUpTo(commits);
    }

    /** Every request has ended. */
    public void allEnded() {
        endings.finished();
    }

    /** Two nodes hold the same as far as both go. */
    public void equal(String left, History a, String right, History b) {
        equalCopies.equal(left, a, right, b);
    }

    /** Answers that gates let go. */
    public long answers() {
        return answers;
    }

    /** Requests whose clients could not learn their outcome. */
    public long unknown() {
        return endings.unknown();
    }
}
