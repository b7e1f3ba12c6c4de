/** The published benchmarks, and whether they notice what is wrong. */
@NullMarked
package io.lockstep.tests.bench.standard;

import org.jspecify.annotations.NullMarked;
