package io.lockstep.distributor;

/**
 * A client heard from a new active for the first time.
 *
 * @param term the new active's reign
 * @param atMicros when its first answer arrived, microseconds since 1970 UTC by this machine's clock
 */
public record TermChange(long term, long atMicros) {}
