package io.lockstep.tests.workload;

import io.lockstep.examples.calls.CallRecord;
import org.jspecify.annotations.Nullable;

/**
 * The ledger's page of one call: what was answered, and what its books say. Touched only by the load's thread, and
 * after that has ended by whoever judges.
 */
final class LoadedCall {
    /** What became of a call, as far as its client can tell. */
    enum Fate {
        /** Its start has not been answered. */
        STARTING,
        /** Begun and answered, not ended. */
        OPEN,
        /** Hung up and answered. */
        ENDED,
        /** Its start was definitely refused or not executed. */
        NEVER_STARTED,
        /** The database denies that it is open. */
        LOST,
        /** Something of it may or may not have been executed. */
        UNCERTAIN
    }

    final int index;
    final int session;
    Fate fate = Fate.STARTING;

    /** Messages answered. */
    int answered;

    /** Request ids of the answered messages; the first is the call's id. */
    final long[] requestIds = new long[CallPlan.MESSAGES];

    final byte[][] answers = new byte[CallPlan.MESSAGES][];

    /** Only while {@link Fate#OPEN}. */
    CallDoor.@Nullable Conversation transaction;

    /** Pretended or real start, by the load's clock. */
    long startNs;

    /** When the next message is due; orders the schedule. */
    long dueNs;

    /** Whether a message is unanswered. */
    boolean isWaiting;

    boolean wasOpenAtKill;
    int failures;

    @Nullable CallRecord record;

    LoadedCall(int index, int session) {
        this.index = index;
        this.session = session;
    }

    long id() {
        return requestIds[0];
    }

    @Override
    public String toString() {
        return "call " + index + " (session " + session + " #" + id() + ")";
    }
}
