package io.lockstep.server.drill;

import io.lockstep.distributor.TermChange;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * When clients first heard from each active. Safe from any thread, because its map is and waiting is done under its
 * monitor.
 */
final class TermWatch {
    private final ConcurrentSkipListMap<Long, Long> firstAnswerMicros = new ConcurrentSkipListMap<>();

    /** A client had an answer of a new term. */
    synchronized void heard(TermChange change) {
        firstAnswerMicros.merge(change.term(), change.atMicros(), Math::min);
        notifyAll();
    }

    /** Highest term that anybody heard of; 0 before the first. */
    long term() {
        Map.Entry<Long, Long> last = firstAnswerMicros.lastEntry();
        return last == null ? 0 : last.getKey();
    }

    /** The first answer of a term above the given one; empty when there is none within the limit. */
    synchronized Optional<TermChange> awaitAbove(long term, Duration limit) throws InterruptedException {
        long end = System.nanoTime() + limit.toNanos();
        while (true) {
            Map.Entry<Long, Long> next = firstAnswerMicros.higherEntry(term);
            long leftMs = (end - System.nanoTime()) / 1_000_000;
            if (next != null) {
                return Optional.of(new TermChange(next.getKey(), next.getValue()));
            }
            if (leftMs <= 0) {
                return Optional.empty();
            }
            wait(leftMs);
        }
    }

    /** When the first answer of that term arrived, as far as clients have told. */
    Optional<Long> firstAnswerMicros(long term) {
        return Optional.ofNullable(firstAnswerMicros.get(term));
    }
}
