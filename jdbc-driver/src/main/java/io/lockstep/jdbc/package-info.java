/**
 * The application's door for JDBC: {@code jdbc:lockstep://host[:port]/database}.
 *
 * <p>Arrives: calls of H2's own JDBC classes, as {@code org.h2.engine.Session} and {@code CommandInterface} have them.
 * Leaves: SQL messages in requests of a {@link io.lockstep.distributor.DirectSession}. Runs on the application's threads;
 * the only one of its own is {@code lockstep-jdbc}, which cares for idle connections. Start at
 * {@link io.lockstep.jdbc.LockstepDriver}.
 */
@NullMarked
package io.lockstep.jdbc;

import org.jspecify.annotations.NullMarked;
