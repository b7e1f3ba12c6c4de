package io.lockstep.tests.checkers;

import io.lockstep.membership.VoterRecord;
import io.lockstep.wire.Ballot;
import io.lockstep.wire.View;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** I13, R1, R5, R13: the register shows one view per version; versions and terms only rise, and keep their order. */
final class Views {
    private final Map<Long, View> chosen = new HashMap<>();
    /** The disks on which the value of a ballot was accepted. */
    private final Map<Ballot, Set<Long>> accepted = new HashMap<>();

    private @Nullable View newest;

    /**
     * A voter saved its record: perhaps a majority has accepted a value in one ballot now, so that it is chosen. Some of
     * them may have gone on to a higher ballot since.
     */
    void saved(VoterRecord saved, Collection<VoterRecord> all) {
        if (saved.value().isEmpty() || saved.accepted().equals(Ballot.ZERO)) {
            return;
        }
        View value = saved.value().get();
        boolean isCounted = saved.voting() || value.version() == 1;
        if (!isCounted || !names(value, saved)) {
            return;
        }
        Set<Long> holders = accepted.computeIfAbsent(saved.accepted(), ballot -> new HashSet<>());
        holders.add(saved.diskId());
        int needed = value.version() == 1 ? all.size() : all.size() / 2 + 1;
        if (holders.size() >= needed) {
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
