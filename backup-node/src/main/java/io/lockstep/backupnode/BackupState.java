package io.lockstep.backupnode;

import java.util.EnumSet;
import java.util.Set;

/** What a backup is doing, in the order of a healthy life. */
public enum BackupState {
    /** Asks every node whether it is the active, and the register whether there is one. */
    LOCATING_ACTIVE,
    /** Installs a copy of the whole state. */
    MIRRORING,
    /** Receives, acknowledges and executes entries. */
    FOLLOWING,
    /** Has stopped acknowledging and proposes itself. */
    CANDIDATE,
    /** Has won, and executes the rest of what it received. */
    PROMOTING,
    /** Has executed everything: the active's role opens over the same store. */
    PROMOTED,
    /** Its execution differed, failed for reasons of its own, or its copy broke: never proposes itself, and is rebuilt. */
    UNFIT,
    /** Over. */
    CLOSED;

    /** The states that may come next. */
    Set<BackupState> successors() {
        return switch (this) {
            case LOCATING_ACTIVE -> EnumSet.of(MIRRORING, FOLLOWING, CANDIDATE, PROMOTING, UNFIT, CLOSED);
            case MIRRORING -> EnumSet.of(FOLLOWING, LOCATING_ACTIVE, UNFIT, CLOSED);
            case FOLLOWING -> EnumSet.of(CANDIDATE, LOCATING_ACTIVE, UNFIT, CLOSED);
            case CANDIDATE -> EnumSet.of(PROMOTING, LOCATING_ACTIVE, UNFIT, CLOSED);
            case PROMOTING -> EnumSet.of(PROMOTED, UNFIT, CLOSED);
            case PROMOTED, UNFIT -> EnumSet.of(CLOSED);
            case CLOSED -> EnumSet.noneOf(BackupState.class);
        };
    }
}
