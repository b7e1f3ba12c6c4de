package io.lockstep.activenode;

import io.lockstep.tsdstore.EffectRunner;
import io.lockstep.tsdstore.PendingEffect;
import io.lockstep.wire.RequestKind;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs effects to the outside, each after the entry that asked for it is stable (rule R16). Runners are called by the
 * thread 'outside', one at a time; {@link #run} and {@link #close} are safe from any thread.
 */
final class Outside implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Outside.class);
    private static final long RETRY_MS = 1_000;

    private final Map<String, EffectRunner> runners;
    private final Order order;
    private final ScheduledThreadPoolExecutor executor;

    /** Puts an entry about an effect into the order; {@code whenStable} is run by the node agent. */
    interface Order {
        void order(RequestKind kind, EffectRunner.Key key, Runnable whenStable);
    }

    Outside(Map<String, EffectRunner> runners, Order order) {
        this.runners = Map.copyOf(runners);
        this.order = order;
        this.executor = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, "outside");
            thread.setDaemon(true);
            return thread;
        });
        executor.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    }

    /** The entry that asked for it is stable. */
    void run(PendingEffect pending) {
        if (!pending.effect().isAtMostOnce()) {
            executor.execute(() -> attempt(pending));
        } else if (pending.isStarted()) {
            LOG.warn(
                    "effect {} {} was started before the takeover and may be run once only: given up",
                    pending.effect().name(),
                    pending.key());
            finish(pending);
        } else {
            executor.execute(() -> attemptOnce(pending));
        }
    }

    /**
     * An effect counts as started from the entry that says so, and one that has started is given up at a takeover: so that
     * entry is ordered when its turn has come, and those behind it wait unstarted.
     */
    private void attemptOnce(PendingEffect pending) {
        CountDownLatch isStarted = new CountDownLatch(1);
        order.order(RequestKind.EFFECT_STARTED, pending.key(), isStarted::countDown);
        try {
            isStarted.await();
        } catch (InterruptedException closed) {
            Thread.currentThread().interrupt();
            return;
        }
        attempt(pending);
    }

    private void attempt(PendingEffect pending) {
        EffectRunner runner = runners.get(pending.effect().name());
        try {
            if (runner == null) {
                throw new IllegalStateException(
                        "no EffectRunner named '" + pending.effect().name()
                                + "' on this node's class path: install it, or the effect stays pending");
            }
            runner.run(pending.key(), pending.effect().payload());
        } catch (Throwable failure) { // an Error of the application's runner must not leave its effect pending for good
            if (pending.effect().isAtMostOnce()) {
                LOG.error(
                        "effect {} {} failed and is not repeated",
                        pending.effect().name(),
                        pending.key(),
                        failure);
            } else {
                LOG.warn(
                        "effect {} {} failed, tried again in {} ms: {}",
                        pending.effect().name(),
                        pending.key(),
                        RETRY_MS,
                        failure.toString());
                var unused = executor.schedule(() -> attempt(pending), RETRY_MS, TimeUnit.MILLISECONDS);
                return;
            }
        }
        finish(pending);
    }

    private void finish(PendingEffect pending) {
        order.order(RequestKind.EFFECT_DONE, pending.key(), () -> {});
    }

    @Override
    public void close() {
        executor.shutdownNow();
    }
}
