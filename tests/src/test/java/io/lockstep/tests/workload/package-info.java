/** Checks on the loads that drills use: that they keep their rate, and that they find what a database does wrong. */
@NullMarked
package io.lockstep.tests.workload;

import org.jspecify.annotations.NullMarked;
