/**
 * A seeded scheduler that runs the shipped decision cores (distributor, client, order, forward, backup, register) in one
 * thread, with virtual clocks, a network, voters' disks and processes that fail.
 *
 * <p>Arrives: a seed. Leaves: a {@link io.lockstep.tests.simulation.Simulation.Result}, or a violation of one of {@link
 * io.lockstep.tests.checkers.Promises}. One thread owns everything. Start at {@link
 * io.lockstep.tests.simulation.Simulation}; {@link io.lockstep.tests.simulation.SimulateCommand} runs many.
 */
@NullMarked
package io.lockstep.tests.simulation;

import org.jspecify.annotations.NullMarked;
