/**
 * Who is there, who is active, in which term.
 *
 * <p>Arrives: proposals to change the view, register frames. Leaves: committed views, register frames, addresses of the
 * other processes. Decisions ({@link io.lockstep.membership.RegisterProposer}, {@link
 * io.lockstep.membership.RegisterAcceptor}) own no thread; {@link io.lockstep.membership.RegisterAgent} owns the voter's.
 * Start at {@link io.lockstep.membership.ViewRegister}.
 */
@NullMarked
package io.lockstep.membership;

import org.jspecify.annotations.NullMarked;
