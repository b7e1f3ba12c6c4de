/**
 * A backup: receives entries, acknowledges, executes in silence, and can be promoted.
 *
 * <p>Arrives: entries and copies from the active. Leaves: acknowledgements; a takeover. Two threads: the node agent
 * decides ({@link io.lockstep.backupnode.BackupCore}), the lane executes. Start at {@link
 * io.lockstep.backupnode.BackupNode}.
 */
@NullMarked
package io.lockstep.backupnode;

import org.jspecify.annotations.NullMarked;
