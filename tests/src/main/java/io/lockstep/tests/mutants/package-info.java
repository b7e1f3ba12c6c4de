/**
 * How strong the simulation's checks are: the shipped cores with one rule off must be caught.
 *
 * <p>Arrives: the compiled classes of the cores. Leaves: for each mutant the seed that caught it, and the promise that it
 * broke. Each worker thread has classes of its own. Start at {@link io.lockstep.tests.mutants.ProtocolMutants}.
 */
@NullMarked
package io.lockstep.tests.mutants;

import org.jspecify.annotations.NullMarked;
