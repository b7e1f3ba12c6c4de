/**
 * What the messages of a SQL session say: JDBC actions, their replies, and H2's values in them.
 *
 * <p>Arrives: bodies of requests and answers, which are opaque to everybody between driver and node. Leaves: records.
 * Nothing here owns a thread or decides anything. Start at {@link io.lockstep.sqlwire.SqlRequest}.
 */
@NullMarked
package io.lockstep.sqlwire;

import org.jspecify.annotations.NullMarked;
