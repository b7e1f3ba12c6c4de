package io.lockstep.tests.simulation;

/** Where a message may be when something goes wrong, as in faults.md: S1 to S13. */
enum Moment {
    /** Client to distributor. */
    S1,
    /** Distributor to active. */
    S2,
    /** Taken by the active, not executed yet. */
    S3,
    /** In execution at the active. */
    S4,
    /** Journaled by the active. */
    S5,
    /** Active to backup. */
    S6,
    /** Received by a backup, not acknowledged yet. */
    S7,
    /** Journaled by a backup. */
    S8,
    /** Acknowledgement on its way. */
    S9,
    /** Answer from the active to the distributor. */
    S10,
    /** Answer from the distributor to the client. */
    S11,
    /** An entry that prunes retained answers is executed here and not there. */
    S12,
    /** Stable, and on its way to execution by a backup. */
    S13
}
