package io.lockstep.tests.checkers;

import io.lockstep.wire.Identity;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Messages that wait for locks: nobody waits for itself, nobody for what is free, and who came first is tried first. */
public final class Waits {
    private Waits() {}

    /**
     * One message that waits.
     *
     * @param row that it waits for
     * @param since rising with the order in which messages began to wait
     * @param holder session that has the row; null when nobody has
     * @param giveUpNs header time until which it waits
     */
    public record Wait(
            Identity session,
            long row,
            long since,
            @Nullable Identity holder,
            long giveUpNs) {}

    /** After an active's lane has done what a message let it do. */
    static void afterMessage(Object node, List<Wait> waits) {
        for (Wait wait : waits) {
            if (wait.holder == null) {
                throw new Violation("Locks: at " + node + ": " + wait + " waits for what nobody has");
            }
            Identity at = wait.holder;
            for (int steps = 0; at != null && steps <= waits.size(); steps++) {
                if (at.equals(wait.session)) {
                    throw new Violation("Locks: at " + node + ": " + wait + " waits for itself: " + waits);
                }
                Wait next = of(at, waits);
                at = next == null ? null : next.holder;
            }
        }
    }

    /** An active found nothing whose time is over, at a header time or later. */
    static void nothingDue(Object node, List<Wait> waits, long timeNs) {
        for (Wait wait : waits) {
            if (wait.giveUpNs <= timeNs) {
                throw new Violation("Locks: at " + node + ": " + wait + " waits on at " + timeNs);
            }
        }
    }

    /** An active tries a session's message again. */
    static void retries(Object node, Identity session, List<Wait> waits) {
        Wait tried = of(session, waits);
        if (tried == null) {
            return;
        }
        for (Wait other : waits) {
            if (other.row == tried.row && other.since < tried.since) {
                throw new Violation(
                        "Locks: at " + node + ": " + tried + " is tried before " + other + ", which came first");
            }
        }
    }

    private static @Nullable Wait of(Identity session, List<Wait> waits) {
        for (Wait wait : waits) {
            if (wait.session.equals(session)) {
                return wait;
            }
        }
        return null;
    }
}
