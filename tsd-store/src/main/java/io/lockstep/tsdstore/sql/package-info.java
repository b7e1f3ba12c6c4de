/**
 * SQL sessions of one node: an H2 session each, over one database in this process's memory.
 *
 * <p>Arrives: bodies of SQL messages with their header's time and seed. Leaves: bodies of answers, and the news that a
 * message waits for others. Owned by the lane. Start at {@link io.lockstep.tsdstore.sql.SqlEngine}.
 */
@NullMarked
package io.lockstep.tsdstore.sql;

import org.jspecify.annotations.NullMarked;
