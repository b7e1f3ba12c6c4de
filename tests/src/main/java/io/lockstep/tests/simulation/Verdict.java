package io.lockstep.tests.simulation;

import io.lockstep.tests.checkers.Violation;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Runs the schedule of a seed and says what it broke; made by name where the classes are loaded anew. Touched by one
 * thread.
 */
public final class Verdict implements LongFunction<@Nullable String> {
    @Override
    public @Nullable String apply(long seed) {
        try {
            new Simulation(seed).run();
            return null;
        } catch (Violation violation) {
            return String.valueOf(violation.getMessage());
        }
    }
}
