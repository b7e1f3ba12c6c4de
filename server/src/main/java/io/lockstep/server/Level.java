package io.lockstep.server;

/** What must have happened to an entry before its answer may go. */
public enum Level {
    /** Every in-sync backup holds it in memory. */
    MEMORY
}
