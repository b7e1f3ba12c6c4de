package io.lockstep.server;

/** What an active does when the last backup has left the view. */
public enum WhenAlone {
    /** Goes on answering, since the register agreed that it is alone. */
    CONTINUE,
    /** Answers nothing until a backup is in sync again. */
    STOP
}
