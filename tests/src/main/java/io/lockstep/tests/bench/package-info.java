/**
 * Benchmarks: what a message costs, and beside each figure what a plain echo costs on the same machine.
 *
 * <p>Arrives: options. Leaves: a table, or one JSON document. Callers run in the clients' threads, everything else on
 * the command's own. Start at {@link io.lockstep.tests.bench.BenchCommand}.
 */
@NullMarked
package io.lockstep.tests.bench;

import org.jspecify.annotations.NullMarked;
