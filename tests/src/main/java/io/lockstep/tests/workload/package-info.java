/**
 * Loads for drills, whose every outcome is checked afterwards.
 *
 * <p>Arrives: settings and a way to open clients. Leaves: messages at a fixed rate, then a verdict. One thread, {@code
 * call-load}, owns a running load. Start at {@link io.lockstep.tests.workload.CallsWorkload}.
 */
@NullMarked
package io.lockstep.tests.workload;

import org.jspecify.annotations.NullMarked;
