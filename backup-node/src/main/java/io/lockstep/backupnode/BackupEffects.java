package io.lockstep.backupnode;

import io.lockstep.tsdstore.MarkedRequest;
import io.lockstep.wire.Entry;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Identity;
import io.lockstep.wire.View;
import java.util.List;

/** What {@link BackupCore} asks the world to do. Called by the node agent; nothing here blocks. */
public interface BackupEffects {
    /** Sends a frame to a node, if it is connected; may be lost. */
    void send(String node, Frame frame);

    /** Sends a frame to every other node. */
    void broadcast(Frame frame);

    /** Executes stable entries in order; then {@link BackupCore#onApplied} or {@link BackupCore#onUnfit}. */
    void apply(List<Entry> entries);

    /** Tries to connect to a node once; then {@link BackupCore#onProbe}. */
    void probe(String node);

    /**
     * Expects a copy; pieces follow, and then {@link #installCopy} or {@link #dropCopy}.
     *
     * @return whether the present state is kept until then; where it is not, it is gone now
     */
    boolean beginCopy(long copyId, Identity at, long chain);

    /** One piece of the copy; then {@link BackupCore#onCopyPieceTaken}. */
    void copyPiece(long copyId, int index, boolean isLast, byte[] data);

    /** The copy, whole now, takes the place of the present state before anything more is executed. */
    void installCopy(long copyId);

    /** Forgets what came of a copy; the present state, which was kept, goes on. */
    void dropCopy(long copyId);

    /** The state changed, for the log and for {@code status}. */
    void became(BackupState from, BackupState to, String reason);

    /** The register made us the active and everything received is executed. */
    void promoted(Promotion promotion);

    /** We must be rebuilt: with a new incarnation and an empty store. */
    void unfit(String reason);

    /**
     * What the new active begins with.
     *
     * @param view the register's value
     * @param quarantined messages that dying actives named, and that nothing stable shows to be settled since
     */
    record Promotion(View view, List<MarkedRequest> quarantined) {}
}
