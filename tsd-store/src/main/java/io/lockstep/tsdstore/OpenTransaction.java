package io.lockstep.tsdstore;

import io.lockstep.wire.Identity;

/** A transaction between two of its messages. Touched only by the lane; there may be 100,000, so it is kept small. */
final class OpenTransaction implements DueQueue.Timed {
    final Session owner;
    private final long id;
    TransactionState state;
    long lastActivityNs;
    long idleNs;
    private int dueIndex = -1;

    OpenTransaction(Session owner, long id, TransactionState state, long lastActivityNs, long idleNs) {
        this.owner = owner;
        this.id = id;
        this.state = state;
        this.lastActivityNs = lastActivityNs;
        this.idleNs = idleNs;
    }

    @Override
    public long id() {
        return id;
    }

    @Override
    public Identity session() {
        return owner.name;
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
}
