package io.lockstep.wire;

import java.util.EnumSet;
import java.util.Set;

/** What a connection is doing, in the order of a healthy life. */
enum ConnectionState {
    /** Greets, and waits for the other side's greeting. */
    GREETING,
    /** Frames pass both ways. */
    OPEN,
    /** Sends what waits and a farewell; what arrives is thrown away. */
    LEAVING,
    CLOSED;

    Set<ConnectionState> successors() {
        return switch (this) {
            case GREETING -> EnumSet.of(OPEN, LEAVING, CLOSED);
            case OPEN -> EnumSet.of(LEAVING, CLOSED);
            case LEAVING -> EnumSet.of(CLOSED);
            case CLOSED -> EnumSet.noneOf(ConnectionState.class);
        };
    }
}
