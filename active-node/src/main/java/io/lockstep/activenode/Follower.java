package io.lockstep.activenode;

import io.lockstep.tsdstore.ForwardLog;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Invariant;
import io.lockstep.wire.View;
import org.jspecify.annotations.Nullable;

/**
 * How far one backup has come, as the active knows. Touched only by the node agent. Always: executed <= received and
 * received <= sent.
 */
final class Follower {
    final View.Member member;
    private FollowerState state;
    private long sentPosition;
    private long receivedPosition;
    private long executedPosition;
    private long acknowledgedRound;
    private long lastSignNs;
    private long lastSentNs;
    private long lastProgressNs;
    private long followingSinceNs;
    /** Stable position that the last frame to it told. */
    private long toldStable;
    /** Bytes of the entries between received and sent. */
    private long inFlightBytes;

    /** The copy on its way; only while {@link FollowerState#COPYING}. */
    private @Nullable Copying copying;

    Follower(View.Member member, FollowerState state, long nowNs) {
        this.member = member;
        this.state = state;
        this.lastSignNs = nowNs;
        this.lastProgressNs = nowNs;
    }

    /** One copy: which, what it is the state of, and how much of it went. */
    static final class Copying {
        final long joinId;
        final long copyId;

        @Nullable Identity at;
        /** Keeps what follows the copy in the log; set together with {@link #at}. */
        ForwardLog.@Nullable Pin pin;

        int sentPieces;
        int acknowledgedPieces;
        boolean isWholeSent;
        boolean isPieceRequested;

        Copying(long joinId, long copyId) {
            this.joinId = joinId;
            this.copyId = copyId;
        }
    }

    void become(FollowerState next) {
        if (next != state && !state.successors().contains(next)) {
            throw Invariant.broken("follower " + member + ": " + state + " to " + next);
        }
        state = next;
        copying = null;
    }

    void copy(long joinId, long copyId) {
        become(FollowerState.COPYING);
        copying = new Copying(joinId, copyId);
        sentPosition = 0;
        receivedPosition = 0;
        executedPosition = 0;
    }

    /** It holds everything up to {@code position}, of our own log. */
    void follow(long position, long executed, long nowNs) {
        if (state != FollowerState.FOLLOWING) {
            followingSinceNs = nowNs;
        }
        become(FollowerState.FOLLOWING);
        sentPosition = position;
        inFlightBytes = 0;
        receivedPosition = Math.max(receivedPosition, position);
        executedPosition = Math.max(executedPosition, Math.min(executed, position));
        lastSignNs = nowNs;
        lastProgressNs = nowNs;
    }

    void onSent(long position, long bytes, long nowNs) {
        inFlightBytes += bytes;
        sentPosition = Math.max(sentPosition, position);
        lastSentNs = nowNs;
    }

    /** @param bytes of the entries that it had not acknowledged before */
    void onAcknowledged(long round, long received, long executed, long bytes, long nowNs) {
        Invariant.check(executed <= received, "a follower executed past received", executed, received);
        if (executed > executedPosition || received > receivedPosition) {
            lastProgressNs = nowNs;
        }
        inFlightBytes = Math.max(0, inFlightBytes - bytes);
        acknowledgedRound = Math.max(acknowledgedRound, round);
        receivedPosition = Math.max(receivedPosition, received);
        executedPosition = Math.max(executedPosition, executed);
        sentPosition = Math.max(sentPosition, receivedPosition);
        lastSignNs = nowNs;
    }

    void onSignOfLife(long nowNs) {
        lastSignNs = nowNs;
    }

    /** We stood still: whatever it said or did meanwhile has not been read yet. */
    void onOwnPause(long nowNs) {
        lastSignNs = nowNs;
        lastProgressNs = nowNs;
    }

    boolean isFollowing() {
        return state == FollowerState.FOLLOWING;
    }

    long inFlightBytes() {
        return inFlightBytes;
    }

    FollowerState state() {
        return state;
    }

    @Nullable Copying copying() {
        return copying;
    }

    long sentPosition() {
        return sentPosition;
    }

    long receivedPosition() {
        return receivedPosition;
    }

    long executedPosition() {
        return executedPosition;
    }

    long acknowledgedRound() {
        return acknowledgedRound;
    }

    long lastSignNs() {
        return lastSignNs;
    }

    long lastSentNs() {
        return lastSentNs;
    }

    void onTold(long stablePosition) {
        toldStable = stablePosition;
    }

    long toldStable() {
        return toldStable;
    }

    long followingSinceNs() {
        return followingSinceNs;
    }

    long lastProgressNs() {
        return lastProgressNs;
    }
}
