package io.lockstep.activenode;

import io.lockstep.wire.Answer;
import io.lockstep.wire.Frame;
import io.lockstep.wire.View;

/**
 * What {@link ForwardCore} asks the world to do. Called by the node agent; nothing here blocks.
 *
 * @param <C> where an answer goes: the connection that the request came by
 */
public interface ForwardEffects<C> {
    /** Sends a frame to that run of that node, if it is connected; may be lost. */
    void send(View.Member to, Frame frame);

    /** Sends an answer that has passed the gate. */
    void answer(C channel, Answer answer);

    /** Take a copy at the next lane boundary; then {@link ForwardCore#onCopyTaken}. */
    void takeCopy(long copyId);

    /** Read the copy's next piece; then {@link ForwardCore#onCopyPiece}. */
    void readCopyPiece(long copyId);

    /** The copy is not needed any more. */
    void dropCopy(long copyId);

    /** Whether the lane may take new messages. */
    void holdBack(boolean isHeldBack);

    /** The view has changed. */
    void viewInstalled(View view);

    /** Our reign is over; {@code current} is the register's value. The role is closed and answers nothing more. */
    void deposed(View current, String reason);
}
