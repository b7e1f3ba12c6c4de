/**
 * The client's side of the path: sessions, holding and repeating messages, knowing who is active.
 *
 * <p>Arrives: calls of the application, frames of clients and nodes. Leaves: asks to the active, replies to clients. The
 * thread {@code client} owns a session, the thread {@code distributor} owns the routing. Start at {@link
 * io.lockstep.distributor.LockstepClient}.
 */
@NullMarked
package io.lockstep.distributor;

import org.jspecify.annotations.NullMarked;
