package io.lockstep.tests.checkers;

import io.lockstep.wire.Entry;
import io.lockstep.wire.Identity;
import io.lockstep.wire.RequestKind;
import java.util.HashMap;
import java.util.Map;

/** R14: header time never falls, goes as true time goes but for its slewing, and expires nothing early. */
final class HeaderTimes {
    /** Slewing makes header time go faster by a tenth at most, drift by a hundredth. */
    private static final double FASTEST = 1.12;

    private record Key(Identity session, long transaction) {}

    private final long transactionIdleNs;
    private final Map<Key, Long> lastActivityNs = new HashMap<>();
    private long viewNs;

    HeaderTimes(long transactionIdleNs) {
        this.transactionIdleNs = transactionIdleNs;
    }

    /**
     * The active executed an entry.
     *
     * @param isExpired whether it ended an open transaction because its time was over
     * @param nowNs true time
     */
    void executed(Entry entry, boolean isExpired, long nowNs) {
        RequestKind kind = entry.header().kind();
        if (kind == RequestKind.VIEW) {
            viewNs = nowNs;
        } else if (kind == RequestKind.BEGIN || kind.isWithinTransaction()) {
            long transaction = kind == RequestKind.BEGIN
                    ? entry.header().requestId()
                    : entry.header().transaction();
            lastActivityNs.put(new Key(entry.header().session(), transaction), nowNs);
        } else if (kind == RequestKind.EXPIRE && isExpired) {
            Long activeNs = lastActivityNs.get(
                    new Key(entry.header().session(), entry.header().transaction()));
            long sinceNs = nowNs - Math.max(viewNs, activeNs == null ? 0 : activeNs);
            if (sinceNs * FASTEST < transactionIdleNs) {
                throw new Violation("R14: " + entry + " expires a transaction after " + sinceNs / 1_000_000 + " ms");
            }
        }
    }

    void survived(History history) {
        long timeNs = 0;
        for (Entry entry : history.entries()) {
            if (entry.header().timeNs() < timeNs) {
                throw new Violation("R14: header time falls at " + entry);
            }
            timeNs = entry.header().timeNs();
        }
    }
}
