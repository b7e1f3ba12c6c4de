/** Drawn SQL against plain H2 and Lockstep, a few hundred sequences in each build. */
@NullMarked
package io.lockstep.tests.differential;

import org.jspecify.annotations.NullMarked;
