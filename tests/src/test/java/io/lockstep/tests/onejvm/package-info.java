/**
 * Drills in one JVM: a whole cluster of shipped nodes and distributors over real sockets, with cables between them that
 * can be cut, held and delayed.
 *
 * <p>Arrives: one failure in domain verbs. Leaves: what every checker says. The test's thread tells the story; cables,
 * nodes and clients have threads of their own; start at {@link io.lockstep.tests.onejvm.Drill}.
 */
@NullMarked
package io.lockstep.tests.onejvm;

import org.jspecify.annotations.NullMarked;
