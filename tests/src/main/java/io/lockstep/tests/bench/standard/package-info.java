/**
 * Published benchmarks, written anew from their specifications: TPC-C and TATP, over JDBC and nothing else.
 *
 * <p>Arrives: how long, how large, how many kills. Leaves: figures, and the verdict of the benchmark's own conditions over
 * what the database holds afterwards. A thread and a connection for each terminal; everything else is done by the
 * command's own thread. Start at {@link io.lockstep.tests.bench.standard.StandardBench}.
 */
@NullMarked
package io.lockstep.tests.bench.standard;

import org.jspecify.annotations.NullMarked;
