package io.lockstep.tsdstore.sql;

/**
 * Names a row of a table on all nodes.
 *
 * @param map H2's name of the map that holds the table's rows
 * @param key of the row
 */
public record RowName(String map, long key) {}
