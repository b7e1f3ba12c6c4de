package io.lockstep.membership;

import io.lockstep.wire.Invariant;
import io.lockstep.wire.View;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/** The order of views (I13), whatever keeps them. Safe from any thread, because it holds nothing. */
final class Succession {
    /** Version of the first view. */
    static final long FIRST_VERSION = 1;
    /** No database changes its view so often. */
    static final long VERSION_MAX = 1L << 62;

    private Succession() {}

    /** Why no proposer can have written that view; empty when one can. A voter that says it is broken or no voter. */
    static Optional<String> flaw(View view) {
        Set<String> names = new HashSet<>();
        names.add(view.active().name());
        boolean isNamedTwice = view.backups().stream().anyMatch(backup -> !names.add(backup.name()));
        if (isNamedTwice) {
            return Optional.of("it names a node twice: " + view);
        }
        boolean isInRange = view.version() >= FIRST_VERSION
                && view.version() < VERSION_MAX
                && view.term() >= 1
                && view.term() <= view.version();
        return isInRange ? Optional.empty() : Optional.of("its version or term is out of range: " + view);
    }

    /** The first view begins everything: one that does not is never sent. */
    static void checkFirst(View first) {
        Invariant.check(first.version() == FIRST_VERSION, "version of the first view", first.version(), FIRST_VERSION);
        Invariant.check(first.term() == 1, "term of the first view", first.term(), 1);
    }

    /** A view that breaks the order of versions and terms is never sent. */
    static void check(View base, View next) {
        Invariant.check(next.version() == base.version() + 1, "view version", base.version(), next.version());
        long term = next.active().equals(base.active()) ? base.term() : base.term() + 1;
        Invariant.check(next.term() == term, "term of the next view", term, next.term());
        Invariant.check(!next.hasBackup(next.active()), "the active is not its own backup");
    }
}
