/** Drills with real processes, as tests. */
@NullMarked
package io.lockstep.tests.drill;

import org.jspecify.annotations.NullMarked;
