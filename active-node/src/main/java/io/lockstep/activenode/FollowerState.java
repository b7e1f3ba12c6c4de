package io.lockstep.activenode;

import java.util.EnumSet;
import java.util.Set;

/** How the active stands to one backup, in the order of a healthy joining. */
enum FollowerState {
    /** In the view, but has not said yet where it stands. */
    AWAITED,
    /** A copy of the state is on its way. */
    COPYING,
    /** Gets every entry. */
    FOLLOWING,
    /** Gone. */
    LOST;

    Set<FollowerState> successors() {
        return switch (this) {
            case AWAITED -> EnumSet.of(COPYING, FOLLOWING, LOST);
            case COPYING, FOLLOWING -> EnumSet.of(COPYING, FOLLOWING, LOST);
            case LOST -> EnumSet.noneOf(FollowerState.class);
        };
    }
}
