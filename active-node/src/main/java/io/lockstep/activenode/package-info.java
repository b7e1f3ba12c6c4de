/**
 * The active: puts messages in one order, executes them, forwards them to the backups, and answers.
 *
 * <p>Arrives: requests from distributors, acknowledgements from backups. Leaves: entries to backups, answers through
 * the gate. Two threads: the lane orders and executes ({@link io.lockstep.activenode.OrderCore}), the node agent
 * forwards and answers ({@link io.lockstep.activenode.ForwardCore}). Start at {@link
 * io.lockstep.activenode.ActiveNode}.
 */
@NullMarked
package io.lockstep.activenode;

import org.jspecify.annotations.NullMarked;
