package io.lockstep.tests.mutants;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Runs schedules with each mutant on until one is caught. Safe to be started from any thread. */
public final class MutantRun {
    /** A mutant that no such schedule catches is not caught. */
    public static final int SCHEDULES_MAX = 10_000;

    private MutantRun() {}

    /**
     * What became of a mutant.
     *
     * @param schedules that ran, the one that caught it included
     * @param seed that caught it; 0 when none did
     * @param violation that it was caught with; null when it was not
     */
    public record Outcome(
            Mutant mutant,
            int schedules,
            long seed,
            @Nullable String violation) {
        /** Whether it was caught. */
        public boolean isCaught() {
            return violation != null;
        }
    }

    /**
     * Tries every mutant.
     *
     * @param firstSeed the same schedules for every mutant
     * @param schedulesMax for one mutant
     * @param progress gets a line for each mutant, from any thread
     * @throws IllegalStateException when a mutant does not apply
     */
    public static List<Outcome> run(
            List<Mutant> mutants, long firstSeed, int schedulesMax, int threads, Consumer<String> progress)
            throws InterruptedException {
        AtomicInteger next = new AtomicInteger();
        ExecutorService workers = Executors.newFixedThreadPool(threads);
        try {
            List<Future<List<Outcome>>> parts = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                parts.add(workers.submit(() -> work(mutants, next, firstSeed, schedulesMax, progress)));
            }
            List<Outcome> all = new ArrayList<>();
            for (Future<List<Outcome>> part : parts) {
                all.addAll(part.get());
            }
            all.sort((a, b) -> Integer.compare(mutants.indexOf(a.mutant()), mutants.indexOf(b.mutant())));
            return all;
        } catch (ExecutionException broken) {
            throw new IllegalStateException(String.valueOf(broken.getCause()), broken);
        } finally {
            workers.shutdownNow();
        }
    }

    private static List<Outcome> work(
            List<Mutant> mutants, AtomicInteger next, long firstSeed, int schedulesMax, Consumer<String> progress) {
        MutantLoader loader = new MutantLoader(mutants);
        List<Outcome> outcomes = new ArrayList<>();
        for (int i = next.getAndIncrement(); i < mutants.size(); i = next.getAndIncrement()) {
            Outcome outcome = tryOut(loader, mutants.get(i), i + 1, firstSeed, schedulesMax);
            outcomes.add(outcome);
            progress.accept(line(outcome));
        }
        return outcomes;
    }

    private static Outcome tryOut(MutantLoader loader, Mutant mutant, int number, long firstSeed, int schedulesMax) {
        for (int i = 0; i < schedulesMax; i++) {
            String violation = loader.verdict(number, firstSeed + i);
            if (violation != null) {
                String shipped = loader.verdict(0, firstSeed + i);
                if (shipped != null) {
                    throw new IllegalStateException(
                            "the shipped cores break a promise with seed " + (firstSeed + i) + ": " + shipped);
                }
                return new Outcome(mutant, i + 1, firstSeed + i, violation);
            }
        }
        return new Outcome(mutant, schedulesMax, 0, null);
    }

    /** One line for people. */
    public static String line(Outcome outcome) {
        String violation = outcome.violation();
        return violation == null
                ? "NOT CAUGHT in " + outcome.schedules() + " schedules: "
                        + outcome.mutant().name()
                : "caught by seed " + outcome.seed() + ": " + outcome.mutant().name() + " ("
                        + outcome.mutant().rule() + "): "
                        + violation.lines().findFirst().orElse("");
    }
}
