package io.lockstep.server.drill;

import io.lockstep.server.Cluster;
import io.lockstep.server.drill.DrillConfig.Fault;
import io.lockstep.server.drill.DrillConfig.Target;
import io.lockstep.server.drill.Workload.Phase;
import io.lockstep.server.drill.Workload.Verdict;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.HdrHistogram.Histogram;

/** Results of drills that never ran. */
final class Samples {
    private static final long START_MICROS = 1_790_000_000_000_000L;

    private Samples() {}

    enum Books {
        GOOD,
        NONE,
        LOST,
        DOUBLED,
        UNKNOWN,
        UNBALANCED,
        DIFFERENT,
        ERRORS,
        NOTHING_CONTINUED
    }

    static DrillResult good() {
        return result(config(Target.ACTIVE, Fault.KILL, 2, false), twoKills(), Books.GOOD);
    }

    static List<InjectedFault> twoKills() {
        return List.of(kill(1, 2, 61), kill(2, 3, 48));
    }

    static DrillConfig config(Target target, Fault fault, int kills, boolean strict) {
        return new DrillConfig(
                "calls",
                kills,
                1,
                1000,
                2000,
                20,
                4711,
                fault,
                target,
                false,
                strict,
                "memory",
                512,
                0,
                Duration.ofSeconds(3),
                List.of(),
                Path.of("drill"),
                Path.of("drill", "report.html"));
    }

    static InjectedFault kill(int number, long term, int totalMs) {
        long at = START_MICROS + number * 6_500_000L;
        long ms = totalMs * 1000L;
        Takeover takeover = Takeover.between(
                term,
                "node-" + number,
                "node-" + (3 - number),
                Fault.KILL,
                at,
                at + ms / 5,
                at + ms / 2,
                at + ms * 3 / 5,
                at + ms);
        return new InjectedFault(
                number,
                "node-" + number,
                "active",
                Fault.KILL,
                at,
                1000,
                number == 2 ? 240 : 0,
                takeover,
                2811,
                null,
                List.of());
    }

    /** A stop of the active, after which it let that many answers go. */
    static InjectedFault stop(long answersLetGo) {
        InjectedFault kill = kill(1, 2, 800);
        return new InjectedFault(
                1,
                kill.node(),
                "active",
                Fault.STOP,
                kill.atMicros(),
                1000,
                0,
                kill.takeover(),
                1200,
                new Thaw(answersLetGo, new Cluster.Dropped(900, 2)),
                List.of());
    }

    static DrillResult result(DrillConfig config, List<InjectedFault> faults, Books books) {
        boolean isDifferent = books == Books.DIFFERENT;
        DigestCheck digest = new DigestCheck(
                41_207,
                0x5eed_0000_1234_abcdL,
                isDifferent ? 1 : 0x5eed_0000_1234_abcdL,
                41_207,
                List.of("node-1 executed 41207 of 41207, in sync", "node-2 executed 41207 of 41207, in sync"),
                isDifferent ? List.of("call 17 was charged 12 and undisturbed 11 <cents>") : List.of());
        NodeCost cost = new NodeCost("node-1", 148L << 20, 3.2, 41, 22L << 20, 103L << 20, 512L << 20);
        return new DrillResult(
                config,
                Instant.parse("2026-11-21T13:00:00Z"),
                START_MICROS,
                24_310,
                faults,
                List.of(),
                verdict(books, faults),
                digest,
                List.of(cost),
                List.of(),
                Map.of("Lockstep", "0.1.0", "Java", "17.0.15", "Machine", "2 processors <any>"));
    }

    private static Verdict verdict(Books books, List<InjectedFault> faults) {
        Map<Phase, Histogram> latencies = new EnumMap<>(Phase.class);
        for (Phase phase : Phase.values()) {
            latencies.put(phase, new Histogram(3));
        }
        List<long[]> timeline = new ArrayList<>();
        if (books != Books.NONE) {
            Random random = new Random(1);
            for (int ms = 0; ms < 20_000; ms += 50) {
                long us = 400 + (long) (300 * Math.abs(random.nextGaussian())) + (ms < 1500 ? 20_000 - ms * 13 : 0);
                for (InjectedFault fault : faults) {
                    Takeover takeover = fault.takeover();
                    long after = ms - (fault.atMicros() - START_MICROS) / 1000;
                    if (takeover != null && after >= 0 && after < 100) {
                        us += (long) (takeover.totalMs() * 1000) - after * 400;
                    }
                }
                timeline.add(new long[] {ms, us});
                Phase phase = ms < 6000 ? Phase.BEFORE : us > 20_000 ? Phase.DURING : Phase.AFTER;
                Objects.requireNonNull(latencies.get(phase)).recordValue(us);
            }
        }
        return new Verdict(
                9_412,
                9_412,
                books == Books.NOTHING_CONTINUED ? 0 : 1_998,
                books == Books.LOST ? 1 : 0,
                books == Books.DOUBLED ? 1 : 0,
                books == Books.UNKNOWN ? 1 : 0,
                books == Books.ERRORS ? 1 : 0,
                books != Books.UNBALANCED,
                List.of(
                        "balances 912,300 + reserves 0 + charges 87,700 = top-ups 1,000,000",
                        "9,412 calls ended, 9,412 records"),
                latencies,
                timeline,
                List.of());
    }
}
