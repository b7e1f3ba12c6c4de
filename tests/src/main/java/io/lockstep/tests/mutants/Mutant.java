package io.lockstep.tests.mutants;

import java.util.List;

/**
 * One rule off in the shipped cores.
 *
 * @param name what it does wrong
 * @param rule that it breaks
 * @param patches of the compiled classes that do it
 */
public record Mutant(String name, String rule, List<Patch> patches) {
    static Mutant of(String name, String rule, Patch... patches) {
        return new Mutant(name, rule, List.of(patches));
    }
}
