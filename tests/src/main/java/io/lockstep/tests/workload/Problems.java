package io.lockstep.tests.workload;

import java.util.ArrayList;
import java.util.List;

/** The first hundred lines about what went wrong, and how many there were. Safe from any thread, by its lock. */
final class Problems {
    private static final int MAX = 99;

    private final List<String> lines = new ArrayList<>();
    private long more;

    synchronized void add(String line) {
        if (lines.size() < MAX) {
            lines.add(line);
        } else {
            more++;
        }
    }

    synchronized List<String> lines() {
        List<String> copy = new ArrayList<>(lines);
        if (more > 0) {
            copy.add("and " + more + " more");
        }
        return List.copyOf(copy);
    }
}
