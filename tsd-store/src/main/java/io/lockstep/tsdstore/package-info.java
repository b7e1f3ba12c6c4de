/**
 * What every node holds: sessions, transaction state, records; and how one message changes them.
 *
 * <p>Arrives: requests (on the active) and entries (on a backup), one at a time. Leaves: entries, answers, digests,
 * copies. Owned by the lane, the one thread that executes. Start at {@link io.lockstep.tsdstore.TsdStore}; a user's
 * own code starts at {@link io.lockstep.tsdstore.TransactionService}.
 */
@NullMarked
package io.lockstep.tsdstore;

import org.jspecify.annotations.NullMarked;
