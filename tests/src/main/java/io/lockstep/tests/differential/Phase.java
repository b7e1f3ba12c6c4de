package io.lockstep.tests.differential;

/** What a sequence's time is spent on. */
enum Phase {
    PLAIN,
    DISTURBED,
    UNDISTURBED,
    IN_SYNC,
    DIGEST
}
