package io.lockstep.tests.differential;

import io.lockstep.tests.differential.SqlScript.Line;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What was asked and seen when a script was run, in the order in which it was asked: an answer may have come after what was
 * asked next, since its session waited for a lock. Touched by one thread.
 */
final class Story {
    /** One thing that was asked. */
    static final class Asked {
        final Line line;
        /** How many had been asked when it was answered. */
        int answeredAfter;

        String seen = "";

        Asked(Line line) {
            this.line = line;
        }

        @Override
        public String toString() {
            return "session " + line.session() + ": " + line.step() + "\n      " + seen;
        }
    }

    final SqlScript script;
    final List<Asked> all = new ArrayList<>();
    private @Nullable List<String> image;

    Story(SqlScript script) {
        this.script = script;
    }

    int asked(Line line) {
        all.add(new Asked(line));
        return all.size() - 1;
    }

    void seen(int number, String what) {
        Asked asked = all.get(number);
        asked.seen = what;
        asked.answeredAfter = all.size();
    }

    void image(List<String> of) {
        image = of;
    }

    List<String> image() {
        List<String> known = image;
        return known == null ? List.of() : known;
    }

    /** All of it, for people. */
    List<String> lines() {
        List<String> lines = new ArrayList<>(script.setUp);
        for (int i = 0; i < all.size(); i++) {
            Asked asked = all.get(i);
            lines.add(i + ": " + asked
                    + (asked.answeredAfter > i + 1 ? " (after " + (asked.answeredAfter - 1) + ")" : ""));
        }
        return lines;
    }

    /** How many waited for somebody else. */
    long waited() {
        long waited = 0;
        for (int i = 0; i < all.size(); i++) {
            waited += all.get(i).answeredAfter > i + 1 ? 1 : 0;
        }
        return waited;
    }
}
