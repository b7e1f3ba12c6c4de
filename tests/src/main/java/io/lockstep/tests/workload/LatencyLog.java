package io.lockstep.tests.workload;

import io.lockstep.server.drill.Workload.Phase;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.HdrHistogram.Histogram;

/** Latencies from the intended start, by phase and over time. Touched only by the load's thread, then by the judge. */
final class LatencyLog {
    private static final long INTERVAL_NS = 10_000_000;
    private static final long HIGHEST_US = 3_600_000_000L;

    /** By ordinal of the phase. */
    private final Histogram[] histograms = new Histogram[Phase.values().length];

    /** Highest latency by interval of the intended start, in microseconds. */
    private long[] highestUs = new long[6_000];

    private int intervals;

    LatencyLog() {
        for (int i = 0; i < histograms.length; i++) {
            histograms[i] = new Histogram(HIGHEST_US, 3);
        }
    }

    /**
     * @param phase the phase in which the answer came
     * @param intendedNs when the message was due, since the load's start
     * @param answeredNs when its answer came, likewise
     */
    void add(Phase phase, long intendedNs, long answeredNs) {
        long us = Math.min(HIGHEST_US, Math.max(0, (answeredNs - intendedNs) / 1_000));
        histograms[phase.ordinal()].recordValue(us);
        int interval = (int) (Math.max(0, intendedNs) / INTERVAL_NS);
        if (interval >= highestUs.length) {
            highestUs = Arrays.copyOf(highestUs, Math.max(interval + 1, highestUs.length * 2));
        }
        highestUs[interval] = Math.max(highestUs[interval], us);
        intervals = Math.max(intervals, interval + 1);
    }

    Map<Phase, Histogram> byPhase() {
        Map<Phase, Histogram> copy = new EnumMap<>(Phase.class);
        for (Phase phase : Phase.values()) {
            copy.put(phase, histograms[phase.ordinal()].copy());
        }
        return copy;
    }

    /** Milliseconds since the start, highest latency in microseconds; intervals without a message are left out. */
    List<long[]> timeline() {
        List<long[]> points = new ArrayList<>(intervals);
        for (int i = 0; i < intervals; i++) {
            if (highestUs[i] > 0) {
                points.add(new long[] {i * INTERVAL_NS / 1_000_000, highestUs[i]});
            }
        }
        return points;
    }
}
