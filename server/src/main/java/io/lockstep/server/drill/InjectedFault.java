package io.lockstep.server.drill;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One fault that the drill caused, and what followed. Immutable, safe from any thread.
 *
 * @param number counts from 1
 * @param node whose process it was
 * @param role what it was at that moment: active, backup, distributor
 * @param fault what happened to it
 * @param atMicros wall clock microseconds, taken right before the signal
 * @param openTransactions transactions that were open at that moment
 * @param waitedMs how long the fault waited for a backup in sync and open transactions
 * @param takeover the change of the active that followed; null when there was none
 * @param backMs from the signal, or for a stopped process from its thaw, until it was back in its place; negative when
 *     it never came back
 * @param thaw what a stopped active did when it went on; null for other faults
 * @param notes what else was seen, one line each
 */
record InjectedFault(
        int number,
        String node,
        String role,
        DrillConfig.Fault fault,
        long atMicros,
        int openTransactions,
        long waitedMs,
        @Nullable Takeover takeover,
        double backMs,
        @Nullable Thaw thaw,
        List<String> notes) {
    InjectedFault {
        notes = List.copyOf(notes);
    }

    /** Whether it was in its place again before the drill went on. */
    boolean cameBack() {
        return backMs >= 0;
    }
}
