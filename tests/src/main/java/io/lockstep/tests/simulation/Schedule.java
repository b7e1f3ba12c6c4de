package io.lockstep.tests.simulation;

import java.util.BitSet;
import java.util.EnumSet;
import java.util.Set;

/**
 * Which schedule to run: a seed, and what of it is left out. The same schedule gives the same events.
 *
 * @param seed draws everything
 * @param executor what nodes execute with
 * @param without kinds of faults that are off
 * @param suppressed numbers of faults that do not strike, counted as they come
 * @param requests that clients send, at least; when so many are sent they begin no more transactions
 */
public record Schedule(long seed, Executor executor, Set<FaultKind> without, BitSet suppressed, int requests) {
    /** A schedule counts only with so many. */
    static final int REQUESTS_MIN = 200;

    /** What simulated nodes execute with. */
    public enum Executor {
        /** Books in memory. */
        MODEL,
        /** Books in H2. */
        H2
    }

    /** The whole schedule of a seed. */
    public static Schedule of(long seed, Executor executor) {
        return new Schedule(seed, executor, EnumSet.noneOf(FaultKind.class), new BitSet(), REQUESTS_MIN + 2);
    }

    Schedule without(FaultKind kind) {
        Set<FaultKind> more = EnumSet.of(kind);
        more.addAll(without);
        return new Schedule(seed, executor, more, suppressed, requests);
    }

    Schedule suppressing(BitSet faults) {
        BitSet more = (BitSet) suppressed.clone();
        more.or(faults);
        return new Schedule(seed, executor, without, more, requests);
    }

    Schedule withRequests(int fewer) {
        return new Schedule(seed, executor, without, suppressed, fewer);
    }
}
