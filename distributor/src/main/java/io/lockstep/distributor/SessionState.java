package io.lockstep.distributor;

import java.util.EnumSet;
import java.util.Set;

/** What a client's session is doing, in the order of a healthy life. */
public enum SessionState {
    /** Its opening is asked for and not answered yet. */
    OPENING,
    /** It has a name; requests go out. */
    OPEN,
    /** Its end is asked for; nothing new is taken. */
    CLOSING,
    /** It is over: closed, lost, or never opened. */
    ENDED;

    Set<SessionState> successors() {
        return switch (this) {
            case OPENING -> EnumSet.of(OPEN, ENDED);
            case OPEN -> EnumSet.of(CLOSING, ENDED);
            case CLOSING -> EnumSet.of(ENDED);
            case ENDED -> EnumSet.noneOf(SessionState.class);
        };
    }
}
