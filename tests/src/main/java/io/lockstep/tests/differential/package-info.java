/**
 * SQL drawn from a seed, against plain H2 and against Lockstep with a takeover in the middle: everything that an
 * application sees must be the same.
 *
 * <p>Arrives: a seed. Leaves: where the two differ, and nothing else. Each session has a thread; one thread tells the
 * story; start at {@link io.lockstep.tests.differential.Comparison}.
 */
@NullMarked
package io.lockstep.tests.differential;

import org.jspecify.annotations.NullMarked;
