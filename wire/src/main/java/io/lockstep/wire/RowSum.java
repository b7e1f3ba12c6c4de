package io.lockstep.wire;

/**
 * What stands for some rows of a table, or for one, while two nodes look for the rows that differ.
 *
 * @param key number of the part, or key of the row
 * @param sum of the digests of the rows
 * @param rows how many
 * @param text of one row, for people; empty for a part
 */
public record RowSum(long key, long sum, long rows, String text) {}
