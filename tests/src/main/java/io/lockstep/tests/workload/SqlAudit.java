package io.lockstep.tests.workload;

import java.util.ArrayList;
import java.util.List;

/** What an audit finds. Touched only by whoever judges, when the load has ended. */
final class SqlAudit implements ListHistory.Findings {
    private final Problems problems;
    private final List<String> lines = new ArrayList<>();
    private long lost;
    private long doubled;
    private boolean isBalanced = true;

    SqlAudit(Problems problems) {
        this.problems = problems;
    }

    /** Something that was answered is gone. */
    @Override
    public void lost(String what) {
        lost++;
        problems.add("lost: " + what);
    }

    /** Something took place that should not have, or twice. */
    @Override
    public void doubled(String what) {
        doubled++;
        problems.add("doubled: " + what);
    }

    /** Something is not as it must be. */
    @Override
    public void wrong(String what) {
        isBalanced = false;
        problems.add(what);
    }

    /** Something to be read by people. */
    @Override
    public void note(String line) {
        lines.add(line);
    }

    /** Two sums that must be the same. */
    void check(String what, long expected, long found) {
        if (expected == found) {
            lines.add(what + ": " + found + ", as expected");
        } else {
            isBalanced = false;
            lines.add(what + ": " + found + " instead of " + expected);
        }
    }

    long lost() {
        return lost;
    }

    long doubled() {
        return doubled;
    }

    boolean isBalanced() {
        return isBalanced;
    }

    List<String> lines() {
        return List.copyOf(lines);
    }
}
