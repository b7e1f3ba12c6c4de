package io.lockstep.membership;

import java.util.Set;
import java.util.function.Consumer;

/**
 * The one place that says who is active (design rules R1, R4, R5, R13): compare-and-set on one {@link
 * io.lockstep.wire.View}, held by a majority of voters. Touched only by the thread of the core that owns it, which also
 * gets the outcomes.
 *
 * <p>One change at a time. Once begun it goes on until a full round has shown its result, or until it is cancelled; then
 * its result is unknown and the next read shows it.
 */
public interface ViewRegister {
    /**
     * Begins a change.
     *
     * @param change wanted; may be asked several times
     * @param done gets any number of {@link ViewOutcome.Unreachable}, then exactly one other outcome
     * @param nowNs monotonic time
     * @throws io.lockstep.wire.Invariant.InvariantBroken when one is under way, or when the wanted view breaks the order
     *     of versions and terms (I13)
     */
    void change(ViewChange change, Consumer<ViewOutcome> done, long nowNs);

    /** Begins a change that changes nothing: the outcome is {@link ViewOutcome.Declined} with the current value. */
    default void read(Consumer<ViewOutcome> done, long nowNs) {
        change(ViewChange.read(), done, nowNs);
    }

    /** Stops trying; no outcome will be told. What was sent may still take effect. */
    void cancel();

    /** Whether a change is under way. */
    boolean isBusy();

    /** Voters that answered lately that they do not count, because the register does not name their disk (rule R13). */
    Set<String> strangers();

    /** Voters that have not answered since the last round began, so that nobody knows whether their disk is named. */
    Set<String> silent();

    /** Lets time pass: sends again what was lost, ends a pause. To be called every few milliseconds. */
    void tick(long nowNs);
}
