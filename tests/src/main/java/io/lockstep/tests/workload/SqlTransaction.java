package io.lockstep.tests.workload;

/** One SQL transaction as its client knows it. Written by its teller, read by others. */
public final class SqlTransaction {
    /** What its client knows of its end. */
    public enum Fate {
        /** Begun and not ended. */
        OPEN,
        COMMITTED,
        ROLLED_BACK,
        /** Its commit was sent, and no answer came. */
        UNCERTAIN
    }

    final long id;
    public volatile Fate fate = Fate.OPEN;
    /** Whether its first statement was answered when a node was about to be killed. */
    volatile boolean wasOpenAtKill;
    /** When its commit was sent, by {@link System#nanoTime}; meaningful when it was. */
    public volatile long commitSentNs = Long.MAX_VALUE;
    /** When its commit was answered; meaningful when it was. */
    public volatile long committedNs = Long.MAX_VALUE;

    /** Begins one. */
    public SqlTransaction(long id) {
        this.id = id;
    }

    boolean isCommitted() {
        return fate == Fate.COMMITTED;
    }

    @Override
    public String toString() {
        return "transaction " + id + " (" + fate + ")";
    }
}
