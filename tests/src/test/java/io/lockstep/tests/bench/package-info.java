/** What the benchmarks promise. */
@NullMarked
package io.lockstep.tests.bench;

import org.jspecify.annotations.NullMarked;
