package io.lockstep.tests.simulation;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** How often each kind of fault struck while messages were at each moment. Touched by one thread; added up afterwards. */
final class Coverage {
    private static final FaultKind[] KINDS = FaultKind.values();
    private static final Moment[] MOMENTS = Moment.values();

    private static final ModelSql.Status[] STATUSES = ModelSql.Status.values();

    private final long[][] cells = new long[KINDS.length][MOMENTS.length];
    private final long[] statuses = new long[STATUSES.length];

    void count(FaultKind kind, Moment moment) {
        cells[kind.ordinal()][moment.ordinal()]++;
    }

    /** A message of a SQL session waited for a lock in vain. */
    void met(ModelSql.Status status) {
        statuses[status.ordinal()]++;
    }

    void add(Coverage other) {
        for (int s = 0; s < STATUSES.length; s++) {
            statuses[s] += other.statuses[s];
        }
        for (int k = 0; k < KINDS.length; k++) {
            for (int m = 0; m < MOMENTS.length; m++) {
                cells[k][m] += other.cells[k][m];
            }
        }
    }

    /** Why a kind can never strike at a moment; null when it can. */
    static @org.jspecify.annotations.Nullable String impossible(FaultKind kind, Moment moment) {
        return switch (moment) {
            case S5, S8 -> "nothing is journaled at level memory";
            case S3, S4, S7 -> kind.scope == FaultKind.Scope.FRAME ? "no frame is on its way then" : null;
            default -> null;
        };
    }

    /** Cells that are possible and were never struck. */
    List<String> missing() {
        List<String> missing = new ArrayList<>();
        for (FaultKind kind : KINDS) {
            for (Moment moment : MOMENTS) {
                if (impossible(kind, moment) == null && cells[kind.ordinal()][moment.ordinal()] == 0) {
                    missing.add(kind + "/" + moment);
                }
            }
        }
        return missing;
    }

    /** By kind, then by moment; impossible cells are left out. */
    Map<String, Map<String, Long>> toJson() {
        Map<String, Map<String, Long>> json = new LinkedHashMap<>();
        for (FaultKind kind : KINDS) {
            Map<String, Long> row = new LinkedHashMap<>();
            for (Moment moment : MOMENTS) {
                if (impossible(kind, moment) == null) {
                    row.put(moment.name(), cells[kind.ordinal()][moment.ordinal()]);
                }
            }
            json.put(kind.name(), row);
        }
        return json;
    }

    /** How messages of SQL sessions waited in vain, and how often. */
    Map<String, Long> waitsToJson() {
        Map<String, Long> json = new LinkedHashMap<>();
        for (ModelSql.Status status : STATUSES) {
            if (status != ModelSql.Status.DONE && status != ModelSql.Status.FAILED) {
                json.put(status.name(), statuses[status.ordinal()]);
            }
        }
        return json;
    }

    /** As a table; a dash is a cell that is impossible. */
    List<String> toText() {
        List<String> lines = new ArrayList<>();
        StringBuilder head = new StringBuilder(String.format(Locale.ROOT, "%-14s", "fault"));
        for (Moment moment : MOMENTS) {
            head.append(String.format(Locale.ROOT, "%10s", moment));
        }
        lines.add(head.toString());
        for (FaultKind kind : KINDS) {
            StringBuilder line = new StringBuilder(String.format(Locale.ROOT, "%-14s", kind));
            for (Moment moment : MOMENTS) {
                line.append(String.format(
                        Locale.ROOT,
                        "%10s",
                        impossible(kind, moment) == null
                                ? Long.toString(cells[kind.ordinal()][moment.ordinal()])
                                : "-"));
            }
            lines.add(line.toString());
        }
        lines.add("waited for a lock in vain: " + waitsToJson());
        lines.add("-: S5 and S8, since nothing is journaled at level memory; a frame's fault at S3, S4 and S7, since no"
                + " frame is on its way then");
        return lines;
    }
}
