package io.lockstep.tests.workload;

import java.util.EnumSet;
import java.util.Set;

/** What a load is doing, in the order of a healthy life. */
enum LoadState {
    /** Issues cards. */
    FILLING,
    /** Opens calls as fast as they are answered. */
    RAMPING,
    /** Keeps the rate. */
    STEADY,
    /** Sends nothing more, since too much is unanswered. */
    HALTED,
    /** Ends the open calls as fast as that is answered. */
    DRAINING,
    /** Has no thread any more. */
    STOPPED;

    Set<LoadState> successors() {
        return switch (this) {
            case FILLING -> EnumSet.of(RAMPING, STOPPED);
            case RAMPING -> EnumSet.of(STEADY, HALTED, DRAINING, STOPPED);
            case STEADY -> EnumSet.of(HALTED, DRAINING, STOPPED);
            case HALTED -> EnumSet.of(DRAINING, STOPPED);
            case DRAINING -> EnumSet.of(STOPPED);
            case STOPPED -> EnumSet.noneOf(LoadState.class);
        };
    }
}
