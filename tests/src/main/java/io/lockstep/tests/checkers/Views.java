package io.lockstep.tests.checkers;

import io.lockstep.membership.VoterRecord;
import io.lockstep.wire.Ballot;
import io.lockstep.wire.View;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** I13, R1, R5, R13: the register shows one view per version; versions and terms only rise, and keep their order. */
final class Views {
    private final Map<Long, View> chosen = new HashMap<>();
    private @Nullable View newest;

    /** A voter saved its record: perhaps a value is held by a majority now, so that it is chosen. */
    void saved(VoterRecord saved, Collection<VoterRecord> all) {
        if (saved.value().isEmpty() || saved.accepted().equals(Ballot.ZERO)) {
            return;
        }
        View value = saved.value().get();
        int holders = 0;
        for (VoterRecord record : all) {
            Optional<View> held = record.value();
            boolean isCounted = record.voting() || value.version() == 1;
            if (isCounted && record.accepted().equals(saved.accepted()) && held.isPresent() && names(value, record)) {
                holders++;
            }
        }
        int needed = value.version() == 1 ? all.size() : all.size() / 2 + 1;
        if (holders >= needed) {
            choose(value);
        }
    }

    private static boolean names(View value, VoterRecord record) {
        for (View.Voter voter : value.voters()) {
            if (voter.diskId() == record.diskId()) {
                return true;
            }
        }
        return false;
    }

    private void choose(View value) {
        View known = chosen.putIfAbsent(value.version(), value);
        if (known != null && !known.equals(value)) {
            throw new Violation("I13: version " + value.version() + " is " + known + " and " + value);
        }
        View before = newest;
        if (before == null || value.version() > before.version()) {
            if (before != null && value.version() == before.version() + 1) {
                boolean isNewReign = !value.active().equals(before.active());
                long term = isNewReign ? before.term() + 1 : before.term();
                if (value.term() != term) {
                    throw new Violation("I13: after " + before + " comes " + value);
                }
                if (isNewReign && !before.hasBackup(value.active())) {
                    throw new Violation("R5: " + before + " does not list the active of " + value);
                }
            }
            newest = value;
        }
    }

    /** A node goes by a view. */
    void usedBy(View.Member node, View view) {
        if (!view.equals(chosen.get(view.version()))) {
            throw new Violation("R1, R13: " + node + " goes by " + view
                    + ", which no majority of voters holds; known is " + chosen.get(view.version()));
        }
    }

    /** The newest value that a majority has held. */
    @Nullable View newest() {
        return newest;
    }
}
