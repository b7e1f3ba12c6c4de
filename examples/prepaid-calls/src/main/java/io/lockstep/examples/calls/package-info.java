/**
 * Example: a prepaid calling-card service. A call is one transaction: it reserves balance, extends, is charged.
 *
 * <p>Arrives: a switch's messages ({@link io.lockstep.examples.calls.CallMessage}) and questions. Leaves: answers,
 * and the books: cards, top-ups, call records. The service runs on the node's lane, the client on the caller's thread.
 * Start at {@link io.lockstep.examples.calls.PrepaidCalls} for the node's side and {@link
 * io.lockstep.examples.calls.CallClient} for the client's.
 */
@NullMarked
package io.lockstep.examples.calls;

import org.jspecify.annotations.NullMarked;
