package io.lockstep.server.drill;

/**
 * What a drill did to links, and what followed. Immutable, safe from any thread.
 *
 * @param number counts from 1
 * @param fault what was done
 * @param atMicros wall clock microseconds, taken right before
 * @param active who was active then
 * @param activeAfterwards who was active when everything had healed
 * @param term of the active then
 * @param termAfterwards of the active when everything had healed
 * @param answered messages answered while the fault lasted
 * @param silenceMs longest time in it without any answer
 * @param silenceAtEndMs time without any answer at its end
 * @param healedMs from its end until all nodes were in sync; negative when they never were
 */
record InjectedLinkFault(
        int number,
        LinkFault fault,
        long atMicros,
        String active,
        String activeAfterwards,
        long term,
        long termAfterwards,
        long answered,
        long silenceMs,
        long silenceAtEndMs,
        double healedMs) {
    /** How many terms began. */
    long terms() {
        return termAfterwards - term;
    }
}
