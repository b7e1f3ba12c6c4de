/**
 * What applications use over JDBC, each with the active killed inside its open transaction. Arrives: the driver's jar and
 * the launcher. Leaves: nothing but verdicts. Each test runs on its own thread. Start at {@link Database} and any test.
 */
@NullMarked
package io.lockstep.tests.clients;

import org.jspecify.annotations.NullMarked;
