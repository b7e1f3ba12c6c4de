package io.lockstep.tests.mutants;

/** Which mutant is on; patched classes ask it. Loaded once for each loader, and touched by that loader's thread. */
public final class Switch {
    /** Number of the mutant; 0 for none. */
    public static int on;

    private Switch() {}
}
