package io.lockstep.tests.bench;

import io.lockstep.distributor.LockstepClient;
import io.lockstep.examples.calls.CallClient;
import io.lockstep.examples.calls.CallClient.OpenedCall;
import io.lockstep.examples.calls.CallLimits;
import io.lockstep.server.Cluster;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * Prepaid calls in a closed loop: a fixed number of callers, each of whom sends a message as soon as the one before is
 * answered. Used by one thread; callers go on in the clients' threads.
 */
final class CallsBench implements Load {
    private static final int SESSIONS_MAX = 4;
    private static final String PIN = "471100";
    private static final long TOP_UP = 1_000_000_000_000L;
    private static final long HIGHEST_US = 60_000_000;

    private final List<LockstepClient> clients = new ArrayList<>();
    private final int inFlight;
    private final long firstCard;

    /**
     * Opens sessions and issues a card for each caller.
     *
     * @param inFlight callers, 1 or more
     * @param firstCard cards from this number on belong to this bench
     */
    CallsBench(Cluster cluster, int inFlight, long firstCard) {
        this.inFlight = inFlight;
        this.firstCard = firstCard;
        for (int i = 0; i < Math.min(SESSIONS_MAX, inFlight); i++) {
            clients.add(LockstepClient.builder()
                    .cluster(cluster.plan().cluster())
                    .distributors(cluster.clientAddresses())
                    .label("bench")
                    .open());
        }
        CallClient office = new CallClient(clients.get(0));
        for (int issued = 0; issued < inFlight; issued += CallLimits.ISSUE_MAX) {
            int count = Math.min(CallLimits.ISSUE_MAX, inFlight - issued);
            var unused = office.issueCards(firstCard + issued, count, PIN, TOP_UP);
        }
    }

    /** Lets the callers call for a while. */
    @Override
    public Round run(long nanos) throws InterruptedException {
        Loop loop = new Loop(System.nanoTime() + nanos);
        long beganNs = System.nanoTime();
        for (int caller = 0; caller < inFlight; caller++) {
            CallClient client = new CallClient(clients.get(caller % clients.size()));
            loop.begin(client, firstCard + caller);
        }
        loop.ended.await();
        return new Round(loop.messages.get(), (System.nanoTime() - beganNs) / 1e9, loop.latenciesUs, loop.errors.get());
    }

    @Override
    public void close() {
        clients.forEach(LockstepClient::close);
    }

    /** All callers of one round. Safe from any thread, because its parts are. */
    private final class Loop {
        private final long endNs;
        private final CountDownLatch ended = new CountDownLatch(inFlight);
        private final AtomicLong messages = new AtomicLong();
        private final AtomicLong errors = new AtomicLong();
        private final Histogram latenciesUs = new ConcurrentHistogram(HIGHEST_US, 3);

        private Loop(long endNs) {
            this.endNs = endNs;
        }

        private void begin(CallClient client, long card) {
            if (System.nanoTime() >= endNs) {
                ended.countDown();
                return;
            }
            long sentNs = System.nanoTime();
            client.startCallAsync(card, PIN, 60, new byte[0]).whenComplete((call, error) -> {
                if (isAnswered(sentNs, error)) {
                    extend(client, card, Objects.requireNonNull(call), 2);
                }
            });
        }

        private void extend(CallClient client, long card, OpenedCall call, int left) {
            long sentNs = System.nanoTime();
            if (left == 0) {
                call.hangUpAsync(30).whenComplete((charged, error) -> {
                    if (isAnswered(sentNs, error)) {
                        begin(client, card);
                    }
                });
            } else {
                call.extendAsync(60, 60).whenComplete((granted, error) -> {
                    if (isAnswered(sentNs, error)) {
                        extend(client, card, call, left - 1);
                    }
                });
            }
        }

        /** Counts it; a caller who had an error calls no more. */
        private boolean isAnswered(long sentNs, @Nullable Throwable error) {
            if (error != null) {
                errors.incrementAndGet();
                ended.countDown();
                return false;
            }
            messages.incrementAndGet();
            latenciesUs.recordValue(Math.min(HIGHEST_US, (System.nanoTime() - sentNs) / 1_000));
            return true;
        }
    }
}
