package io.lockstep.tests.simulation;

import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * What may go wrong in one schedule. Drawn as a swarm: each kind of fault is wholly off in some schedules.
 *
 * @param kinds that are on
 * @param strikes how often each kind that strikes the world does so
 * @param perFrame probability that a frame is struck by each kind that strikes frames
 * @param lateMaxNs how late a delayed frame is at most
 * @param backups 1 or 2
 * @param distributors 1 or 2
 * @param clients 3 or 4
 * @param faultsNs how long faults may strike
 * @param thinkNs mean time between a client's answer and its next message
 * @param timeoutNs of the clients' requests
 * @param logBytes of the nodes' logs: small, so that they roll and joiners are copied
 * @param hasSql whether clients also have a SQL transaction open, and wait for each other's locks
 * @param lockTimeoutNs how long they do at most
 */
record Faults(
        Set<FaultKind> kinds,
        Map<FaultKind, Integer> strikes,
        double perFrame,
        long lateMaxNs,
        int backups,
        int distributors,
        int clients,
        long faultsNs,
        long thinkNs,
        long timeoutNs,
        long logBytes,
        boolean hasSql,
        long lockTimeoutNs) {
    private static final Map<FaultKind, Double> LIKELIHOOD = new EnumMap<>(Map.ofEntries(
            Map.entry(FaultKind.LOSS, 0.25),
            Map.entry(FaultKind.DUPLICATION, 0.3),
            Map.entry(FaultKind.REORDERING, 0.35),
            Map.entry(FaultKind.DELAY, 0.2),
            Map.entry(FaultKind.CUT, 0.2),
            Map.entry(FaultKind.ONE_WAY_CUT, 0.2),
            Map.entry(FaultKind.CLOG, 0.2),
            Map.entry(FaultKind.PARTITION, 0.2),
            Map.entry(FaultKind.KILL, 0.8),
            Map.entry(FaultKind.PAUSE, 0.35),
            Map.entry(FaultKind.ZOMBIE, 0.008),
            Map.entry(FaultKind.POISON, 0.12),
            Map.entry(FaultKind.CORRUPTION, 0.08),
            Map.entry(FaultKind.WRONG_REPEAT, 0.2),
            Map.entry(FaultKind.CLOCK_OFFSET, 0.5),
            Map.entry(FaultKind.CLOCK_DRIFT, 0.3),
            Map.entry(FaultKind.CLOCK_JUMP, 0.2),
            Map.entry(FaultKind.POWER_OFF, 0.12),
            Map.entry(FaultKind.TORN_WRITE, 0.12),
            Map.entry(FaultKind.BIT_FLIP, 0.12),
            Map.entry(FaultKind.FAILED_FLUSH, 0.12),
            Map.entry(FaultKind.SLOW_DISK, 0.15),
            Map.entry(FaultKind.NEW_DISK, 0.1),
            Map.entry(FaultKind.ALL_DARK, 0.01),
            Map.entry(FaultKind.OVERRIDE, 0.15)));

    static Faults draw(SplittableRandom random, Set<FaultKind> without) {
        Set<FaultKind> kinds = EnumSet.noneOf(FaultKind.class);
        Map<FaultKind, Integer> strikes = new EnumMap<>(FaultKind.class);
        for (FaultKind kind : FaultKind.values()) {
            boolean isOn = random.nextDouble() < LIKELIHOOD.getOrDefault(kind, 0.0);
            int times =
                    switch (kind) {
                        case KILL -> 1 + random.nextInt(3);
                        case ZOMBIE, ALL_DARK, NEW_DISK -> 1;
                        default -> 1 + random.nextInt(3);
                    };
            if (isOn && !without.contains(kind)) {
                kinds.add(kind);
                strikes.put(kind, times);
            }
        }
        if (kinds.isEmpty() && without.isEmpty()) {
            kinds.add(FaultKind.KILL);
            strikes.put(FaultKind.KILL, 1);
        }
        return new Faults(
                kinds,
                strikes,
                random.nextDouble(0.005, 0.06),
                random.nextLong(1, 250) * Scheduler.MS,
                1 + random.nextInt(2),
                1 + random.nextInt(2),
                3 + random.nextInt(2),
                random.nextLong(250, 800) * Scheduler.MS,
                random.nextLong(15, 60) * Scheduler.MS,
                (random.nextInt(3) == 0 ? random.nextLong(500, 1200) : 4_000) * Scheduler.MS,
                random.nextLong(4 << 10, 24 << 10),
                random.nextInt(3) > 0,
                random.nextLong(50, 400) * Scheduler.MS);
    }

    boolean has(FaultKind kind) {
        return kinds.contains(kind);
    }
}
