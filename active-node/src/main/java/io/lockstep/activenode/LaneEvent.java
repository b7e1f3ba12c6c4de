package io.lockstep.activenode;

import io.lockstep.tsdstore.EffectRunner;
import io.lockstep.tsdstore.Execution;
import io.lockstep.tsdstore.PendingEffect;
import io.lockstep.tsdstore.StateCopy;
import io.lockstep.tsdstore.sql.CopyBlock;
import io.lockstep.wire.Connection;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One slot of the ring: what the lane shall do, and behind it what it did. Filled by whoever publishes, then touched by
 * the lane, then by the node agent, which clears it; the ring's sequences hand it from one to the next.
 */
final class LaneEvent {
    /** What the lane shall do. */
    enum Task {
        ASK,
        MARK,
        /** Nothing but what comes before and after every slot: those who wait for a lock. */
        RETRY,
        OPEN_TERM,
        QUARANTINE,
        EXPIRE,
        COPY,
        EFFECT
    }

    // ---- what shall be done ----
    Task task = Task.ASK;

    @Nullable Connection channel;

    @Nullable Request request;

    boolean isAfterMark;
    byte @Nullable [] view;
    long copyId;
    EffectRunner.@Nullable Key effect;
    RequestKind effectKind = RequestKind.EFFECT_DONE;

    @Nullable Runnable whenStable;

    // ---- what was done ----
    /** Whether the lane has come to it, or it is a read that went before a statement which runs for long. */
    boolean isTaken;
    /**
     * What an earlier slot marked, the end of something's time or another attempt; its entry comes before all others of the
     * slot.
     */
    @Nullable Execution before;

    /** Whether the slot ends with the mark of an attempt, which the next one makes. */
    boolean isRetryMarked;

    @Nullable Ordered ordered;

    final List<Execution> own = new ArrayList<>(1);

    /** Attempts of messages that waited for what this slot ended; their entries come after all others of the slot. */
    final List<Execution> retried = new ArrayList<>(0);

    @Nullable StateCopy copy;

    /** What keeps a copy that was asked for waiting; null when it was taken. */
    @Nullable CopyBlock copyBlock;

    List<PendingEffect> pendingEffects = List.of();
    long elapsedNs;

    void clear() {
        channel = null;
        request = null;
        isAfterMark = false;
        view = null;
        effect = null;
        whenStable = null;
        isTaken = false;
        before = null;
        isRetryMarked = false;
        ordered = null;
        own.clear();
        retried.clear();
        copy = null;
        copyBlock = null;
        pendingEffects = List.of();
        elapsedNs = 0;
    }
}
