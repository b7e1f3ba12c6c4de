package io.lockstep.tests.onejvm;

import java.util.concurrent.TimeUnit;

/** Holds whoever passes while it is closed. Safe from any thread, because its lock guards everything. */
final class Gate {
    private boolean isClosed;
    private int waiting;

    synchronized void close() {
        isClosed = true;
    }

    synchronized void open() {
        isClosed = false;
        notifyAll();
    }

    /** Returns when the gate is open. */
    synchronized void pass() {
        if (!isClosed) {
            return;
        }
        waiting++;
        notifyAll();
        boolean isInterrupted = false;
        while (isClosed) {
            try {
                wait();
            } catch (InterruptedException e) {
                isInterrupted = true;
            }
        }
        waiting--;
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Returns when somebody waits at the closed gate. */
    synchronized void awaitSomebody() {
        long untilNs = System.nanoTime() + Drill.LIMIT.toNanos();
        while (waiting == 0) {
            long leftMs = TimeUnit.NANOSECONDS.toMillis(untilNs - System.nanoTime());
            if (leftMs <= 0) {
                throw new AssertionError("nobody came to the gate");
            }
            try {
                wait(leftMs);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new AssertionError("interrupted at the gate", e);
            }
        }
    }
}
