package io.lockstep.tests.simulation;

import io.lockstep.tests.checkers.Violation;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Entry;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import io.lockstep.wire.View;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;

/** Somebody who repeats requests wrongly; what it is answered must be a definite refusal (R9). Touched by one thread. */
final class Intruder implements Network.Host {
    private static final long FAR = 1_000;
    private static final Set<AnswerCode> ALWAYS =
            EnumSet.of(AnswerCode.NOT_ACTIVE, AnswerCode.BUSY, AnswerCode.UNKNOWN_SESSION, AnswerCode.LOG_LACKS_SEEN);

    /** What is wrong with a repeat. */
    private enum Wrong {
        OTHER_BODY,
        GAP,
        UNSEEN_ENTRY,
        STALE_CLOSE,
        PLAIN
    }

    private static final Map<Wrong, Set<AnswerCode>> ALLOWED = new EnumMap<>(Map.of(
            Wrong.OTHER_BODY, EnumSet.of(AnswerCode.ID_REUSED, AnswerCode.EXPIRED),
            Wrong.GAP, EnumSet.of(AnswerCode.GAP),
            Wrong.UNSEEN_ENTRY, EnumSet.of(AnswerCode.LOG_LACKS_SEEN),
            Wrong.STALE_CLOSE, EnumSet.of(AnswerCode.REFUSED),
            Wrong.PLAIN, EnumSet.allOf(AnswerCode.class)));

    private final Simulation simulation;
    private final int index;
    private View.Member self;
    private Wrong wrong = Wrong.PLAIN;

    Intruder(Simulation simulation, int index) {
        this.simulation = simulation;
        this.index = index;
        this.self = new View.Member("intruder", 1);
    }

    /** Sends a wrong repeat of a request that has been answered. */
    void strike(SimNode active, Request settled, SplittableRandom random) {
        // A new connection for each, so that an answer is told from one to an earlier repeat.
        self = new View.Member("intruder", self.incarnation() + 1);
        wrong = Wrong.values()[random.nextInt(Wrong.values().length)];
        boolean isLater = wrong == Wrong.GAP;
        long id = isLater ? settled.requestId() + FAR : settled.requestId();
        byte[] body = settled.body().clone();
        RequestKind kind = settled.kind();
        int attach = settled.attach();
        if (wrong == Wrong.OTHER_BODY) {
            if (body.length == 0) {
                wrong = Wrong.PLAIN;
            } else {
                body[body.length - 1] ^= 1;
            }
        } else if (wrong == Wrong.STALE_CLOSE) {
            attach = attachExecuted(active, settled.session());
            if (attach < 2) {
                attach = settled.attach();
                wrong = Wrong.PLAIN;
            } else {
                attach--;
                kind = RequestKind.CLOSE;
                id = 0;
                body = new byte[0];
            }
        }
        Identity seen = wrong == Wrong.UNSEEN_ENTRY
                ? new Identity(active.term(), active.position() + FAR)
                : settled.highestSeen();
        simulation.network.send(
                this,
                active.member(),
                new Frame.Ask(
                        active.term(),
                        new Request(
                                settled.session(),
                                attach,
                                id,
                                kind,
                                kind == RequestKind.CLOSE ? 0 : settled.transaction(),
                                kind == RequestKind.CLOSE ? 0 : settled.acknowledgedUpTo(),
                                isLater ? id - 1 : kind == RequestKind.CLOSE ? 0 : settled.previousOrdered(),
                                seen,
                                1_000,
                                true,
                                body)));
    }

    /** The latest attachment that the session's entries name. */
    private static int attachExecuted(SimNode active, Identity session) {
        int attach = 0;
        for (Entry entry : active.history().entries()) {
            if (entry.header().session().equals(session)) {
                attach = Math.max(attach, entry.header().attach());
            }
        }
        return attach;
    }

    @Override
    public void receive(View.Member from, Frame frame) {
        if (frame instanceof Frame.Reply reply) {
            AnswerCode code = reply.answer().code();
            if (!ALWAYS.contains(code) && !ALLOWED.getOrDefault(wrong, ALWAYS).contains(code)) {
                throw new Violation("R9: a repeat with " + wrong + " was answered with " + reply.answer());
            }
        }
    }

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
        return true;
    }

    @Override
    public long pausedUntilNs() {
        return 0;
    }
}
