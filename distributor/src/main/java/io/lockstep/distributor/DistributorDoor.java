package io.lockstep.distributor;

import io.lockstep.wire.BlockingConnection;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Peer;
import org.jspecify.annotations.Nullable;

/** A distributor knows who is active, and asks again by itself. Safe from any thread: it keeps nothing. */
final class DistributorDoor implements Door {
    @Override
    public String what() {
        return "distributor";
    }

    @Override
    public Peer self(String label, long nonce) {
        return new Peer(label, Peer.Role.CLIENT, nonce);
    }

    /** Any of them will do. */
    @Override
    public void admit(BlockingConnection opened, long beforeNs) {}

    @Override
    public long askTerm(long heard) {
        return heard;
    }

    @Override
    public @Nullable String reasonToLeave(Frame frame, long nowNs) {
        return null;
    }

    /** It says nothing of its own accord, so its silence may be that of somebody who is gone. */
    @Override
    public boolean isAlive(long nowNs) {
        return false;
    }

    @Override
    public @Nullable String active() {
        return null;
    }
}
