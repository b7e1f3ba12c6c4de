package io.lockstep.server.drill;

import java.util.List;

/**
 * Whether all copies are equal, and equal to what the recorded messages give when executed once more. Immutable, safe
 * from any thread.
 *
 * @param position of the entry that asked for the digest; 0 when it was not answered
 * @param answered the digest that the cluster answered
 * @param replayed the digest after executing the merged history on a fresh store; meaningful when {@code position} was
 *     reached
 * @param replayedEntries how many entries were executed again
 * @param nodes what each node in sync reported about reaching the position, one line each
 * @param differences where the copies, the replay or the undisturbed run differ; empty when nothing does
 */
record DigestCheck(
        long position,
        long answered,
        long replayed,
        long replayedEntries,
        List<String> nodes,
        List<String> differences) {
    DigestCheck {
        nodes = List.copyOf(nodes);
        differences = List.copyOf(differences);
    }

    /** Whether the digest was answered, the whole history was executed again, and everything was equal. */
    boolean equal() {
        return position > 0 && replayedEntries == position && answered == replayed && differences.isEmpty();
    }
}
