package io.lockstep.tests.checkers;

import io.lockstep.wire.Identity;
import io.lockstep.wire.View;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * R17: a message that ended two processes is never executed again, and one that a death note named is never executed by
 * whoever took the note and leads next.
 */
final class Poison {
    private record Key(Identity session, long requestId) {}

    private record Note(View.Member by, Key message) {}

    private final Map<Key, Integer> deaths = new HashMap<>();
    private final Set<Note> notes = new HashSet<>();

    /** A process ended in this message. */
    void died(Identity session, long requestId) {
        deaths.merge(new Key(session, requestId), 1, Integer::sum);
    }

    /** A backup has got a note of the active that it follows. */
    void warned(View.Member backup, Identity session, long requestId) {
        notes.add(new Note(backup, new Key(session, requestId)));
    }

    /** A lane is about to execute a message that could end it. */
    void executing(View.Member node, Identity session, long requestId) {
        Key key = new Key(session, requestId);
        if (deaths.getOrDefault(key, 0) >= 2) {
            throw new Violation("R17: " + node + " executes " + key + ", in which two processes ended");
        }
        if (notes.contains(new Note(node, key))) {
            throw new Violation("R17: " + node + " executes " + key + ", which it had a death note for");
        }
    }
}
