package io.lockstep.tsdstore.sql;

/** Why a waiting message is tried no more; the order of the constants is their code in an entry. */
public enum GiveUp {
    /** It waited for as long as its session's lock timeout allows. */
    LOCK_TIMEOUT,
    /** The client cancelled it, or its query timeout is over. */
    CANCELLED,
    /** The client voided its request (R10), or it ended a process (R17): its answer comes from elsewhere. */
    VOIDED
}
