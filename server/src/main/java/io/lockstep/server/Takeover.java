package io.lockstep.server;

/**
 * When this node took over, for {@code status} and drills. Times are microseconds since 1970 on this machine's clock.
 *
 * @param term that it opened
 * @param fromName node that was active before; empty for a new database
 * @param detectedAtMicros it suspected the active
 * @param agreedAtMicros the register named it
 * @param promotedAtMicros its lane took requests
 */
record Takeover(long term, String fromName, long detectedAtMicros, long agreedAtMicros, long promotedAtMicros) {}
