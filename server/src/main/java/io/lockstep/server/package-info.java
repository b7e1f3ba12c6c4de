/**
 * The processes and the command line: configuration, children, status.
 *
 * <p>Arrives: arguments and YAML files. Leaves: running processes, exit codes, one JSON document or text on standard
 * output. Commands run on the main thread; start at {@link io.lockstep.server.Main}.
 */
@NullMarked
package io.lockstep.server;

import org.jspecify.annotations.NullMarked;
