/**
 * A small seeded scheduler that runs the shipped decision cores (distributor, client, order, forward, backup, register)
 * in one thread, with losses, delays, duplicates, cuts, kills and pauses, and checks I1 to I6 while it runs.
 *
 * <p>Arrives: a seed. Leaves: a {@link io.lockstep.tests.simulation.Simulation.Result}, or a violation with the seed and
 * the trace. One thread owns everything. Start at {@link io.lockstep.tests.simulation.Simulation}.
 */
@NullMarked
package io.lockstep.tests.simulation;

import org.jspecify.annotations.NullMarked;
