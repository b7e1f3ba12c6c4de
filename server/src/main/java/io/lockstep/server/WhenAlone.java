package io.lockstep.server;

import io.lockstep.wire.View;

/** What an active does when the last backup has left the view. */
public enum WhenAlone {
    /** Goes on answering, since the register agreed that it is alone. */
    CONTINUE,
    /** Answers nothing until a backup is in sync again. */
    STOP;

    /**
     * Whether an active of that view takes no new requests. The first view of a database never had a backup, and is
     * served.
     */
    boolean isStoppedIn(View view) {
        return this == STOP && view.backups().isEmpty() && view.version() > 1;
    }
}
