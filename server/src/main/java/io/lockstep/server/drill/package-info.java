/**
 * The drill: breaks a running cluster on purpose and says whether anybody could have noticed.
 *
 * <p>Arrives: a {@link io.lockstep.server.drill.Workload} and options. Leaves: one JSON document, one HTML file, an exit
 * code. Everything runs on the command's own thread, except what the workload's clients do. Start at {@link
 * io.lockstep.server.drill.Drill}.
 */
@NullMarked
package io.lockstep.server.drill;

import org.jspecify.annotations.NullMarked;
