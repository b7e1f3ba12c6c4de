package io.lockstep.server.drill;

import io.lockstep.server.Cluster;

/**
 * What a stopped active did when it went on, after somebody else had taken over. Immutable, safe from any thread.
 *
 * <p>It answers nobody: its gate lets nothing go after the pause. Answers that had passed the gate before the pause may
 * still lie in its memory and leave it then; every backup had acknowledged their entries, so the new active answers the
 * same, and distributors drop them.
 *
 * @param answersLetGo answers that its gate let go after it went on, as it says itself; negative when it never said
 * @param dropped what the distributors dropped of it
 */
record Thaw(long answersLetGo, Cluster.Dropped dropped) {
    /** For people. */
    String text() {
        String own = answersLetGo < 0
                ? "the thawed node did not say how many answers it let go"
                : "the thawed node let " + answersLetGo + " answers go";
        return own + "; distributors dropped " + dropped.frames() + " frames of the older term, "
                + (dropped.answers() == 0
                        ? "none of them an answer"
                        : dropped.answers() + " of them answers that had left its gate before the stop");
    }
}
