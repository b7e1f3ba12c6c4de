package io.lockstep.server;

/** What a process is. */
public enum ProcessRole {
    /** Holds a copy of the database. */
    NODE,
    /** Takes messages from clients to the active. */
    DISTRIBUTOR,
    /** Votes on the view register and does nothing else. */
    ARBITER
}
