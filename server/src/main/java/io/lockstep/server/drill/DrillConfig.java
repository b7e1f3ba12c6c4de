package io.lockstep.server.drill;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What a drill is to do. Immutable, safe from any thread.
 *
 * @param workload name of the load, see {@link Workload#name}
 * @param kills how many faults are wanted, 0 or more
 * @param backups backups beside the active, 1 or more
 * @param calls transactions kept open, 1 or more
 * @param rate messages per second, 1 or more
 * @param seconds length of the load once it is warm, 1 or more; faults that have to wait lengthen it
 * @param seed decides every message and every moment of a fault
 * @param fault what happens to the target
 * @param target whom it happens to
 * @param hasArbiter whether an arbiter votes in the distributor's place; always when the arbiter is the target
 * @param strict whether a takeover longer than its limit fails the drill
 * @param level acknowledgement level
 * @param heapMebibytes heap limit of a node
 * @param stateBytes bytes of state that each transaction carries, 0 or more
 * @param thawAfter how long a stopped process stays stopped after somebody took over
 * @param links what happens to links between processes, in order; none without a {@link Yard}
 * @param directory where the processes keep their files
 * @param report the HTML file to write
 */
record DrillConfig(
        String workload,
        int kills,
        int backups,
        int calls,
        int rate,
        int seconds,
        long seed,
        Fault fault,
        Target target,
        boolean hasArbiter,
        boolean strict,
        String level,
        int heapMebibytes,
        int stateBytes,
        Duration thawAfter,
        List<LinkFault> links,
        Path directory,
        Path report) {
    /** Median total of a takeover after a kill, in milliseconds, that {@code --strict} allows. */
    static final double STRICT_KILL_MEDIAN_MS = 100;
    /** Longest total of a takeover after a kill, in milliseconds, that {@code --strict} allows. */
    static final double STRICT_KILL_LONGEST_MS = 300;
    /** Longest total of a takeover after a stop, in milliseconds, that {@code --strict} allows. */
    static final double STRICT_STOP_LONGEST_MS = 1000;

    /** What happens to the target. */
    enum Fault {
        /** SIGKILL. */
        KILL,
        /** SIGSTOP, and SIGCONT later. */
        STOP;

        /** As written on the command line. */
        String text() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Whom it happens to. */
    enum Target {
        ACTIVE,
        BACKUP,
        DISTRIBUTOR,
        ARBITER;

        /** As written on the command line. */
        String text() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** @throws IllegalArgumentException an option is out of its range; says which, and what to give instead */
    DrillConfig {
        hasArbiter |= target == Target.ARBITER;
        links = List.copyOf(links);
        check(kills >= 0, "--kills must be 0 or more");
        check(backups >= 1, "--backups must be 1 or more: with none there is nobody to take over");
        check(calls >= 1, "--calls must be 1 or more");
        check(rate >= 1, "--rate must be 1 or more");
        check(seconds >= 1, "--seconds must be 1 or more");
        check(stateBytes >= 0, "--state-bytes must be 0 or more");
        check(
                links.isEmpty() || (kills == 0 && backups == 1 && !hasArbiter),
                "--links goes with one backup, without an arbiter, and without --kills");
        check(
                level.equals("memory"),
                "--level must be memory: other levels need the log on disk, which is not there yet");
    }

    private static void check(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalArgumentException(otherwise);
        }
    }

    /** How long the load runs unless told: long enough to be warm, and for each killed process to come back. */
    static int defaultSeconds(int kills) {
        return 15 + 5 * Math.max(0, kills - 1);
    }

    /** How many distributors run: two when one is to fail or be cut off, since somebody must be left to connect to. */
    int distributors() {
        return target == Target.DISTRIBUTOR || !links.isEmpty() ? 2 : 1;
    }

    /** The command line that runs the same drill again. */
    String commandLine() {
        List<String> words = new ArrayList<>(List.of("./lockstep", "drill", "--workload", workload));
        if (links.isEmpty()) {
            words.addAll(List.of("--kills", "" + kills, "--fault", fault.text(), "--target", target.text()));
        } else {
            words.addAll(List.of(
                    "--links",
                    String.join(",", links.stream().map(LinkFault::text).toList())));
        }
        words.addAll(List.of("--backups", "" + backups, "--calls", "" + calls));
        words.addAll(List.of("--rate", "" + rate, "--seconds", "" + seconds, "--seed", "" + seed));
        words.addAll(List.of("--level", level, "--heap", heapMebibytes + "m", "--state-bytes", "" + stateBytes));
        if (hasArbiter) {
            words.add("--arbiter");
        }
        if (strict) {
            words.add("--strict");
        }
        return String.join(" ", words);
    }
}
