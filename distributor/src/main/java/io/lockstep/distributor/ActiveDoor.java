package io.lockstep.distributor;

import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.BlockingConnection;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Peer;
import io.lockstep.wire.View;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Finds the active among the nodes: what a distributor does, for the sessions of a process and without a thread.
 *
 * <p>To a node it is a distributor with a name of its own, so that it is told who is active: at once where that is so,
 * and on promotion. It is no voter, ever (R13): nobody's configuration can name it.
 */
final class ActiveDoor implements Door {
    /** A promotion that is under way is waited for; longer and longer while no node is active. */
    private static final long WAIT_MIN_NS = TimeUnit.MILLISECONDS.toNanos(100);

    private static final long WAIT_MAX_NS = TimeUnit.MILLISECONDS.toNanos(800);
    /** An active names itself twice a second. */
    private static final long ALIVE_NS = TimeUnit.MILLISECONDS.toNanos(1_250);

    private long waitNs = WAIT_MIN_NS;

    /** Highest term that any node has named; never falls, so that a former active is not taken for one (I4). */
    private volatile long term;

    private volatile View.@Nullable Member active;
    private volatile long heardNs;

    @Override
    public String what() {
        return "node";
    }

    @Override
    public Peer self(String label, long nonce) {
        return new Peer("session-" + Long.toHexString(nonce), Peer.Role.DISTRIBUTOR, nonce);
    }

    @Override
    public void admit(BlockingConnection opened, long beforeNs) throws IOException {
        Peer peer = opened.peer();
        if (peer.role() != Peer.Role.NODE) {
            throw new IOException(peer + " is no node; its address belongs into a URL without nodes:");
        }
        View.Member member = new View.Member(peer.name(), peer.incarnation());
        long untilNs = Math.min(beforeNs, System.nanoTime() + waitNs);
        for (long leftNs = untilNs - System.nanoTime(); leftNs > 0; leftNs = untilNs - System.nanoTime()) {
            Frame frame = opened.receive((int) Math.max(1, leftNs / 1_000_000));
            if (frame instanceof Frame.ViewNotice notice
                    && notice.term() >= term
                    && notice.active().equals(member)) {
                waitNs = WAIT_MIN_NS;
                hear(notice, System.nanoTime());
                return;
            }
        }
        waitNs = Math.min(2 * waitNs, WAIT_MAX_NS);
        throw new IOException(peer + " does not say that it is active");
    }

    private void hear(Frame.ViewNotice notice, long nowNs) {
        term = notice.term();
        active = notice.active();
        heardNs = nowNs;
    }

    @Override
    public long askTerm(long heard) {
        return term;
    }

    @Override
    public @Nullable String reasonToLeave(Frame frame, long nowNs) {
        if (frame instanceof Frame.ViewNotice notice) {
            if (!notice.active().equals(active) || notice.term() < term) {
                return notice.active() + " is said to be active in term " + notice.term();
            }
            hear(notice, nowNs);
        } else if (frame instanceof Frame.Reply reply && reply.answer().code() == AnswerCode.NOT_ACTIVE) {
            return active + " is not active any more";
        }
        return null;
    }

    @Override
    public boolean isAlive(long nowNs) {
        return nowNs - heardNs < ALIVE_NS;
    }

    @Override
    public @Nullable String active() {
        View.Member known = active;
        return known == null ? null : known.name();
    }
}
