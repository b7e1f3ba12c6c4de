package io.lockstep.membership;

import io.lockstep.wire.View;
import java.util.Optional;

/** What became of a change of the view. */
public sealed interface ViewOutcome {
    /**
     * The change is the register's value, or was at the moment of the round.
     *
     * @param view as committed
     */
    record Committed(View view) implements ViewOutcome {}

    /**
     * A full round showed a value from which the change did not want to go on, or which it would not alter.
     *
     * @param current the register's value; empty when every voter answered that its disk is new
     */
    record Declined(Optional<View> current) implements ViewOutcome {}

    /**
     * Not the end: too few voters answer, and the register goes on trying. Told again only when the text changes.
     *
     * @param waitingFor for people: which voters are missing, and why others do not count
     */
    record Unreachable(String waitingFor) implements ViewOutcome {}
}
