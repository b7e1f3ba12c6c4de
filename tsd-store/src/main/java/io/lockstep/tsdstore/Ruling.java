package io.lockstep.tsdstore;

import io.lockstep.wire.Answer;

/** What the session table says of a request before it is executed. */
public sealed interface Ruling {
    /** To be executed. */
    record Fresh() implements Ruling {
        static final Fresh INSTANCE = new Fresh();
    }

    /** Executed before: the retained answer, safe to give once entry {@code position} has passed the gate. */
    record Answered(Answer answer, long position) implements Ruling {}

    /** It waits for a lock of another session, and is answered when that has ended. */
    record Waiting() implements Ruling {
        static final Waiting INSTANCE = new Waiting();
    }

    /** Not to be executed; the answer says why. It depends on everything ordered so far. */
    record Refused(Answer answer) implements Ruling {}
}
