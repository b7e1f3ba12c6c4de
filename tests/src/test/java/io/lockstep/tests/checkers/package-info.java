/** Tests of the simulation's checkers: they find what they are there to find. */
@NullMarked
package io.lockstep.tests.checkers;

import org.jspecify.annotations.NullMarked;
