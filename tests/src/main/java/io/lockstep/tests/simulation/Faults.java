package io.lockstep.tests.simulation;

import java.util.SplittableRandom;

/**
 * What may go wrong in one run. Drawn as a swarm: each kind of fault is wholly off in some runs, so that the others are
 * seen undisturbed.
 *
 * @param loss probability that a frame is lost
 * @param duplication probability that a frame arrives twice
 * @param delay probability that a frame is late, and so overtaken
 * @param delayMaxNs how late at most
 * @param killEveryNs mean time between kills of a process
 * @param pauseEveryNs mean time between pauses of a process
 * @param cutEveryNs mean time between one-way cuts
 * @param backups 1 or 2
 * @param distributors 1 or 2
 */
record Faults(
        double loss,
        double duplication,
        double delay,
        long delayMaxNs,
        long killEveryNs,
        long pauseEveryNs,
        long cutEveryNs,
        int backups,
        int distributors) {
    static Faults draw(SplittableRandom random) {
        return new Faults(
                random.nextInt(3) == 0 ? random.nextDouble(0.05) : 0,
                random.nextInt(2) == 0 ? random.nextDouble(0.1) : 0,
                random.nextInt(2) == 0 ? random.nextDouble(0.1) : 0,
                random.nextLong(1, 300) * Scheduler.MS,
                random.nextInt(4) == 0 ? Long.MAX_VALUE : random.nextLong(300, 1500) * Scheduler.MS,
                random.nextInt(2) == 0 ? Long.MAX_VALUE : random.nextLong(300, 2000) * Scheduler.MS,
                random.nextInt(2) == 0 ? Long.MAX_VALUE : random.nextLong(300, 2000) * Scheduler.MS,
                1 + random.nextInt(2),
                1 + random.nextInt(2));
    }
}
