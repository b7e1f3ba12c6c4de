package io.lockstep.tsdstore.sql;

import io.lockstep.wire.Identity;

/**
 * A SQL session whose open transaction keeps a joiner waiting: it reads a moment of the past that no copy could hold.
 *
 * @param sinceNs header time at which its transaction began
 */
public record CopyBlock(Identity session, long sinceNs) {}
