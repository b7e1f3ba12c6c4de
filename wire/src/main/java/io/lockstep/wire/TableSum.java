package io.lockstep.wire;

/**
 * What stands for all rows of a table when two nodes compare them.
 *
 * @param table its name, cut to {@link Limits#TEXT_MAX_BYTES} when it is sent
 * @param sum of the digests of its rows, in any order
 * @param rows how many
 */
public record TableSum(String table, long sum, long rows) {}
