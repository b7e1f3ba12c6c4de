package io.lockstep.membership;

import io.lockstep.wire.View;
import java.util.Optional;

/**
 * What somebody wants the view to become. Called on the thread of the register's owner, once or several times, each
 * time with the value that the newest round found; so it must depend on nothing but its argument.
 */
@FunctionalInterface
public interface ViewChange {
    /**
     * The view that follows.
     *
     * @param current what the register holds; empty when every voter answered that its disk is new
     * @return the wanted view, its version one above the current one (1 if there is none), its term one above when the
     *     active or its incarnation changes and the same when not; or empty to leave everything as it is. Its voters and
     *     nonce are filled in by the register.
     */
    Optional<View> apply(Optional<View> current);

    /** Changes nothing: a full round that shows the current value. */
    static ViewChange read() {
        return current -> Optional.empty();
    }

    /** Changes no member, only lets voters with a new disk vote again (rule R13); declined when there are none. */
    static ViewChange nameVoters() {
        return current -> current.map(view ->
                new View(view.version() + 1, view.term(), view.active(), view.backups(), view.voters(), view.nonce()));
    }
}
