package io.lockstep.tests.checkers;

import io.lockstep.wire.ControlHeader;
import io.lockstep.wire.Decision;
import io.lockstep.wire.Entry;
import io.lockstep.wire.RequestKind;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** R14: header time never falls, goes as true time goes but for its slewing, and expires nothing early. */
final class HeaderTimes {
    /** Slewing makes header time go faster by a tenth at most, and drift by a hundredth: 1.111; the rest is rounding. */
    private static final double FASTEST = 1.12;

    private final long transactionIdleNs;
    /** By chain digest: true time at which an entry was ordered. */
    private final LongMap orderedNs = new LongMap();

    HeaderTimes(long transactionIdleNs) {
        this.transactionIdleNs = transactionIdleNs;
    }

    /**
     * An active executed an entry, the last one of its history.
     *
     * @param isExpired whether it ended an open transaction because its time was over
     * @param nowNs true time
     */
    void executed(Entry entry, boolean isExpired, long nowNs, History history) {
        orderedNs.put(entry.chain(), nowNs);
        if (isExpired && entry.header().kind() == RequestKind.EXPIRE) {
            long sinceNs = nowNs - lastActivityNs(entry, history);
            if (sinceNs * FASTEST < transactionIdleNs) {
                throw new Violation("R14: " + entry + " expires a transaction after " + sinceNs / 1_000_000 + " ms");
            }
        }
    }

    /** The later of the transaction's last message that was executed and the view entry of the last term, as this history has them. */
    private long lastActivityNs(Entry expiry, History history) {
        List<Entry> entries = history.entries();
        Set<Long> barred = new HashSet<>();
        for (Entry entry : entries) {
            if (entry.decision() == Decision.QUARANTINE
                    && entry.header().session().equals(expiry.header().session())) {
                barred.add(entry.header().requestId());
            }
        }
        for (int i = entries.size() - 2; i >= 0; i--) {
            ControlHeader header = entries.get(i).header();
            long transaction = header.kind() == RequestKind.BEGIN ? header.requestId() : header.transaction();
            boolean isMessage =
                    header.kind() == RequestKind.BEGIN || header.kind().isWithinTransaction();
            boolean isItsOwn = isMessage
                    && header.session().equals(expiry.header().session())
                    && !barred.contains(header.requestId())
                    && transaction == expiry.header().transaction();
            if (isItsOwn || header.kind() == RequestKind.VIEW) {
                return Math.max(0, orderedNs.get(entries.get(i).chain()));
            }
        }
        return 0;
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
