package io.lockstep.tests.checkers;

import io.lockstep.distributor.Ending;
import io.lockstep.distributor.LockstepException.Outcome;
import io.lockstep.wire.AnswerCode;

/**
 * I7 and I8: every request ends, once, by its deadline; "unknown" only when no active could be reached.
 */
final class Endings {
    /** A client looks at its deadlines every few milliseconds, by its own clock. */
    private static final long SLACK_NS = 60_000_000;

    private final long undisturbedNs;
    private long begun;
    private long ended;
    private long unknown;
    /** Since when nothing is wrong with any process or link; never, before. */
    private long healedNs = Long.MAX_VALUE;

    /** @param undisturbedNs time in which an active is to be found once nothing is wrong */
    Endings(long undisturbedNs) {
        this.undisturbedNs = undisturbedNs;
    }

    void healed(long nowNs) {
        healedNs = nowNs;
    }

    void begun() {
        begun++;
    }

    void ended(String client, long lateNs, long nowNs, Ending ending, boolean isDark) {
        ended++;
        if (lateNs > SLACK_NS) {
            throw new Violation(
                    "I8: " + ending + " of " + client + " came " + lateNs / 1_000_000 + " ms after its deadline");
        }
        if (ending.problem() == Outcome.UNKNOWN) {
            unknown++;
            if (ending.code() == AnswerCode.EXPIRED) {
                throw new Violation(
                        "I7: " + ending + " of " + client + ": its answer was pruned before it was acknowledged");
            }
            if (!isDark && healedNs != Long.MAX_VALUE && nowNs - healedNs > undisturbedNs) {
                throw new Violation("I7: " + ending + " of " + client + " is unknown, though everything was well for "
                        + (nowNs - healedNs) / 1_000_000 + " ms: " + ending.text());
            }
        }
    }

    void abandoned(int requests) {
        ended += requests;
    }

    long unknown() {
        return unknown;
    }

    void finished() {
        if (begun != ended) {
            throw new Violation("I8: " + begun + " requests began, " + ended + " ended");
        }
    }
}
