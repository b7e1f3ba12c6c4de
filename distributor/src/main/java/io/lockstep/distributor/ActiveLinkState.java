package io.lockstep.distributor;

import java.util.EnumSet;
import java.util.Set;

/** What a distributor knows of its way to the active, in the order of a healthy start. */
enum ActiveLinkState {
    /** Nobody has named an active yet. */
    NOBODY_NAMED,
    /** An active is named; its link is down, or it has not said itself that it is active. */
    AWAITED,
    /** Requests go to it. */
    READY;

    Set<ActiveLinkState> successors() {
        return switch (this) {
            case NOBODY_NAMED -> EnumSet.of(AWAITED);
            case AWAITED -> EnumSet.of(READY);
            case READY -> EnumSet.of(AWAITED);
        };
    }
}
