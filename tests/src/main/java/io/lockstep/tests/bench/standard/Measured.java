package io.lockstep.tests.bench.standard;

import io.lockstep.tests.bench.standard.Benchmark.Audit;
import io.lockstep.tests.bench.standard.Benchmark.Finding;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * One benchmark over one database, from its creation to what was checked afterwards. Immutable, safe from any thread.
 *
 * @param database what it ran against, for people
 * @param fillSeconds that creating its tables took
 * @param before what was checked before the run
 * @param run what terminals came to
 * @param after what was checked after the run
 * @param audit what became of what was answered
 */
record Measured(
        String database,
        double fillSeconds,
        List<Finding> before,
        TerminalRun.Result run,
        List<Finding> after,
        Audit audit) {
    Measured {
        before = List.copyOf(before);
        after = List.copyOf(after);
    }

    long heldAfter() {
        return after.stream().filter(Finding::holds).count();
    }

    /** Whether everything holds, before and after. */
    boolean holds() {
        return before.stream().allMatch(Finding::holds) && after.stream().allMatch(Finding::holds);
    }

    /** {@code 12 of 12}. */
    String held() {
        return heldAfter() + " of " + after.size();
    }

    Map<String, Object> toJson() {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("database", database);
        json.put("fillSeconds", hundredths(fillSeconds));
        json.put("seconds", hundredths(run.seconds()));
        json.put("transactions", run.ended());
        json.put("perSecond", hundredths(run.perSecond()));
        json.put("deadlockRetries", run.deadlocks());
        Map<String, Object> kinds = new LinkedHashMap<>();
        run.tallies().forEach((kind, tally) -> kinds.put(kind, toJson(tally)));
        json.put("kinds", kinds);
        json.put("conditionsBefore", before.stream().filter(Finding::holds).count() + " of " + before.size());
        json.put("conditionsHeld", held());
        json.put("conditions", after.stream().map(Measured::toJson).toList());
        json.put("audit", audit.lines());
        return json;
    }

    private static Map<String, Object> toJson(TerminalRun.Tally tally) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("committed", tally.committed());
        json.put("withoutEffect", tally.withoutEffect());
        json.put("deadlockRetries", tally.deadlocks());
        json.put("p50Us", tally.latenciesUs().getValueAtPercentile(50));
        json.put("p90Us", tally.latenciesUs().getValueAtPercentile(90));
        json.put("p99Us", tally.latenciesUs().getValueAtPercentile(99));
        json.put("maxUs", tally.latenciesUs().getMaxValue());
        return json;
    }

    private static Map<String, Object> toJson(Finding finding) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("name", finding.name());
        json.put("text", finding.text());
        json.put("query", finding.query());
        json.put("holds", finding.holds());
        json.put("violations", finding.violations());
        json.put("examples", finding.examples());
        return json;
    }

    /** For people. */
    List<String> toText() {
        List<String> lines = new ArrayList<>();
        lines.add(String.format(
                Locale.ROOT,
                "%s: %,d transactions in %.1f s, %,.1f a second; %,d deadlock victims tried again; %d errors",
                database,
                run.ended(),
                run.seconds(),
                run.perSecond(),
                run.deadlocks(),
                run.errors()));
        run.tallies()
                .forEach((kind, tally) -> lines.add(String.format(
                        Locale.ROOT,
                        "  %-24s %,8d committed, %,6d without effect; p50 %,7d us, p99 %,9d us, max %,9d us",
                        kind,
                        tally.committed(),
                        tally.withoutEffect(),
                        tally.latenciesUs().getValueAtPercentile(50),
                        tally.latenciesUs().getValueAtPercentile(99),
                        tally.latenciesUs().getMaxValue())));
        for (Finding finding : after) {
            lines.add("  " + (finding.holds() ? "holds " : "BROKEN") + " " + finding.name() + "  " + finding.text());
            finding.examples().forEach(example -> lines.add("         " + example));
        }
        audit.lines().forEach(line -> lines.add("  " + line));
        run.problems().forEach(problem -> lines.add("  " + problem));
        lines.add("  conditions " + held() + "; lost " + audit.lost() + ", doubled " + audit.doubled() + ", unknown "
                + run.unknown() + ", errors " + run.errors());
        return lines;
    }

    static double hundredths(double value) {
        return Math.round(value * 100) / 100.0;
    }
}
