/**
 * What must hold in every history, apart from any scenario: one class for each family of invariants (faults.md) and rules.
 *
 * <p>Arrives: what clients, gates, nodes and voters did. Leaves: nothing, or a {@link
 * io.lockstep.tests.checkers.Violation} that names the invariant. One thread owns everything. Start at {@link
 * io.lockstep.tests.checkers.Promises}.
 */
@NullMarked
package io.lockstep.tests.checkers;

import org.jspecify.annotations.NullMarked;
