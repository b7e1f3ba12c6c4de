package io.lockstep.tsdstore;

import io.lockstep.wire.Identity;
import java.util.TreeMap;

/** One client conversation, as executing its entries left it. Touched only by the lane. */
final class Session implements DueQueue.Timed {
    final Identity name;
    /** Of the client that opened it: its {@code OPEN} yields this session for as long as that lives. */
    final long nonce;
    /** In ascending order of ids, since that is the order in which they are rolled back when the session ends. */
    final TreeMap<Long, OpenTransaction> transactions = new TreeMap<>();

    final RetainedAnswers retained = new RetainedAnswers();
    int attach;
    /** Id of its last ordered request; always prunedUpTo <= lastOrdered. */
    long lastOrdered;

    long prunedUpTo;
    long lastActivityNs;
    /** Id of its SQL message that waits for a lock, and what tells a repeat of it; 0 when none waits. */
    long waitingRequest;

    long waitingContent;
    private final long idleNs;
    private int dueIndex = -1;

    Session(Identity name, long nonce, int attach, long lastActivityNs, long idleNs) {
        this.name = name;
        this.nonce = nonce;
        this.attach = attach;
        this.lastActivityNs = lastActivityNs;
        this.idleNs = idleNs;
    }

    /** The client holds all answers up to that id; what it cannot hold yet does not count. */
    void acknowledge(long upTo) {
        long bounded = Math.min(upTo, lastOrdered);
        if (bounded > prunedUpTo) {
            prunedUpTo = bounded;
            retained.pruneUpTo(bounded);
        }
    }

    @Override
    public long dueNs() {
        return DueQueue.add(lastActivityNs, idleNs);
    }

    @Override
    public int dueIndex() {
        return dueIndex;
    }

    @Override
    public void setDueIndex(int index) {
        dueIndex = index;
    }

    @Override
    public Identity session() {
        return name;
    }

    @Override
    public long id() {
        return 0;
    }
}
