package io.lockstep.tests.checkers;

import io.lockstep.wire.Answer;
import io.lockstep.wire.Identity;
import io.lockstep.wire.View;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * R3, R4, R5: what is answered or called stable is held by every backup of the view, and of the proposed one while a
 * change is in flight; the view entry of the term as well; who proposes itself acknowledges nothing; a backup executes
 * only what is stable.
 */
final class Gate {

    private final Promises.Holdings holdings;
    /** By active: views that it proposed and does not know the fate of yet. */
    private final Map<View.Member, List<View>> proposed = new HashMap<>();

    private final Map<View.Member, View> installed = new HashMap<>();
    private final Map<View.Member, Long> firstPosition = new HashMap<>();
    /** By term and round: when the active first sent it. */
    private final Map<Round, Long> sentNs = new HashMap<>();
    /** By term and run: the highest round that it acknowledged. */
    private final Map<Echo, Long> echoed = new HashMap<>();
    /** By term and request: when that read was first executed, and behind which entry. */
    private final Map<Read, ReadAt> reads = new HashMap<>();

    private record Round(long term, long round) {}

    private record Echo(long term, View.Member run) {}

    private record Read(long term, Identity session, long requestId) {}

    /** @param isAlone whether nobody else could begin a reign then: the view had no other member, nor was one proposed */
    private record ReadAt(long ns, long position, boolean isAlone) {}

    /** Highest position that the active of a term called stable. */
    private final Map<Long, Long> stableOfTerm = new HashMap<>();

    Gate(Promises.Holdings holdings) {
        this.holdings = holdings;
    }

    /** A backup sends an acknowledgement. */
    void acknowledged(View.Member by, long term, long round, long position, boolean isFollowing) {
        if (!isFollowing) {
            throw new Violation("R5: " + by + " acknowledges position " + position + " in term " + term
                    + " while it proposes itself or follows nobody");
        }
        echoed.merge(new Echo(term, by), round, Math::max);
    }

    /** An active has executed a read, when it had executed the entries up to a position. */
    void read(View.Member by, long term, Identity session, long requestId, long position, long nowNs) {
        View view = installed.get(by);
        List<View> views = proposed.get(by);
        boolean isAlone = view != null && view.backups().isEmpty() && views != null && views.isEmpty();
        reads.putIfAbsent(new Read(term, session, requestId), new ReadAt(nowNs, position, isAlone));
    }

    /**
     * Nobody else can have begun a reign before the read: every backup has confirmed a frame that left after it, unless
     * there was none when it was executed (R3).
     */
    private void mustBeConfirmed(View.Member by, long term, Answer answer, History history) {
        ReadAt executed = reads.get(new Read(term, answer.session(), answer.requestId()));
        View view = installed.get(by);
        if (executed == null || view == null || !answer.entry().equals(Identity.NONE)) {
            return;
        }
        mustBeHeld(by, executed.position, "answers a read that saw", history);
        if (executed.isAlone) {
            return;
        }
        for (View.Member backup : view.backups()) {
            Long round = echoed.get(new Echo(term, backup));
            Long leftNs = round == null ? null : sentNs.get(new Round(term, round));
            if (leftNs == null || leftNs < executed.ns) {
                throw new Violation("R3: " + by + " answers a read with " + answer + ", and " + backup
                        + " has not confirmed a round that began after it");
            }
        }
    }

    void promoted(View.Member node, View view, long position) {
        installed.put(node, view);
        proposed.put(node, new ArrayList<>());
        firstPosition.put(node, position + 1);
    }

    /** An active is about to ask the register for another view of its reign. */
    void proposes(View.Member node, View view) {
        List<View> views = proposed.get(node);
        if (views != null) {
            views.add(view);
        }
    }

    /** An active knows the register's value. */
    void resolved(View.Member node) {
        List<View> views = proposed.get(node);
        if (views != null) {
            views.clear();
        }
    }

    void installed(View.Member node, View view) {
        installed.put(node, view);
    }

    /** The view that an active goes by. */
    @Nullable View installed(View.Member node) {
        return installed.get(node);
    }

    /** An active tells a backup what is stable. */
    void forwarded(View.Member by, long term, long round, long stable, History history, long nowNs) {
        sentNs.putIfAbsent(new Round(term, round), nowNs);
        mustBeHeld(by, stable, "calls stable", history);
        stableOfTerm.merge(term, stable, Math::max);
    }

    /** A gate let an answer go. */
    void answered(View.Member by, long term, Answer answer, History history) {
        mustBeConfirmed(by, term, answer, history);
        Long first = firstPosition.get(by);
        mustBeHeld(by, Math.max(answer.entry().position(), first == null ? 0 : first), "answered", history);
    }

    /** The lane begins a repeated message behind its mark (R17). */
    void passedMark(View.Member by, long position, History history) {
        mustBeHeld(by, position, "executes what is behind the mark at", history);
    }

    private void mustBeHeld(View.Member by, long position, String what, History history) {
        View view = installed.get(by);
        if (view == null || position == 0) {
            return;
        }
        long chain = history.chainAt(position);
        requireAll(by, position, chain, what, view);
        List<View> views = proposed.get(by);
        if (views != null) {
            for (int i = 0; i < views.size(); i++) {
                requireAll(by, position, chain, what, views.get(i));
            }
        }
    }

    private void requireAll(View.Member by, long position, long chain, String what, View view) {
        List<View.Member> backups = view.backups();
        for (int i = 0; i < backups.size(); i++) {
            if (!holdings.holds(backups.get(i), position, chain)) {
                throw new Violation("R3, R4: " + by + " " + what + " position " + position + ", which " + backups.get(i)
                        + " of " + view + " does not hold");
            }
        }
    }

    /** A backup hands entries over for execution while it follows the active of a term. */
    void handedOver(View.Member node, long followedTerm, long position) {
        long stable = 0;
        for (Map.Entry<Long, Long> of : stableOfTerm.entrySet()) {
            if (of.getKey() <= followedTerm) {
                stable = Math.max(stable, of.getValue());
            }
        }
        if (position > stable) {
            throw new Violation("R3: backup " + node + " executes position " + position + ", of which no more than "
                    + stable + " was called stable up to term " + followedTerm);
        }
    }
}
