/**
 * What processes say to each other: frames, the control header, their codecs, and connections.
 *
 * <p>Arrives: bytes from sockets, frames from the roles. Leaves: the same, the other way round. Network threads decode
 * and hand over; nothing here decides anything. Start at {@link io.lockstep.wire.Frame}.
 */
@NullMarked
package io.lockstep.wire;

import org.jspecify.annotations.NullMarked;
