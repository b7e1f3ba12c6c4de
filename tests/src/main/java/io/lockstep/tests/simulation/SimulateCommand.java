package io.lockstep.tests.simulation;

import io.lockstep.server.CommandFailure;
import io.lockstep.server.ExitCode;
import io.lockstep.server.Output;
import io.lockstep.tests.mutants.Mutant;
import io.lockstep.tests.mutants.MutantRun;
import io.lockstep.tests.mutants.ProtocolMutants;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code lockstep simulate}: the shipped decision cores under seeded schedules of faults. Runs on the main thread. */
@Command(
        name = "simulate",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        header = "Runs the shipped decision cores under seeded schedules of faults, and checks every promise.",
        description = {
            "",
            "A schedule is a cluster of distributors, nodes and clients in one thread with virtual time: faults strike, then"
                    + " everything heals, all requests must end and all nodes be equal. The same seed gives the same"
                    + " schedule. A schedule that fails is shrunk and told as one timeline on standard error.",
            ""
        })
public final class SimulateCommand implements Callable<Integer> {
    private static final int TOLD_MAX = 3;

    private final Output output;

    @Option(
            names = "--schedules",
            paramLabel = "N",
            defaultValue = "10000",
            description = "Schedules that count (${DEFAULT-VALUE}).")
    int schedules;

    @Option(names = "--seed", paramLabel = "S", defaultValue = "1", description = "The first seed (${DEFAULT-VALUE}).")
    long seed;

    @Option(
            names = "--executor",
            paramLabel = "EXECUTOR",
            defaultValue = "model",
            description = "What nodes execute with: model or h2 (${DEFAULT-VALUE}).")
    String executor = "model";

    @Option(
            names = "--mutants",
            description = "Runs the mutants instead: the same cores with one rule off each, which must be caught.")
    boolean isMutants;

    /** @param output where the figures go */
    public SimulateCommand(Output output) {
        this.output = output;
    }

    @Override
    public Integer call() throws InterruptedException {
        check(schedules >= 1, "--schedules must be 1 or more");
        check(
                executor.equals("model") || executor.equals("h2"),
                "--executor is '" + executor + "'; allowed: model, h2");
        Schedule.Executor with = Schedule.Executor.valueOf(executor.toUpperCase(Locale.ROOT));
        QuietLogs.hush();
        if (isMutants) {
            return tryMutants();
        }
        output.talk("simulating " + schedules + " schedules from seed " + seed);
        SimulationRun.Report report =
                SimulationRun.run(with, seed, schedules, Runtime.getRuntime().availableProcessors(), output::talk);
        List<Map<String, Object>> failures = tell(report, with);
        print(report);
        output.document(document(report, failures));
        return (report.failures().isEmpty() ? ExitCode.DONE : ExitCode.MISMATCH).code();
    }

    private int tryMutants() throws InterruptedException {
        List<Mutant> mutants = ProtocolMutants.all();
        int most = Math.min(schedules, MutantRun.SCHEDULES_MAX);
        output.talk(mutants.size() + " mutants, at most " + most + " schedules each, from seed " + seed);
        List<MutantRun.Outcome> outcomes =
                MutantRun.run(mutants, seed, most, Runtime.getRuntime().availableProcessors(), output::talk);
        List<Map<String, Object>> list = new ArrayList<>();
        long caught = 0;
        long ran = 0;
        for (MutantRun.Outcome outcome : outcomes) {
            output.text(MutantRun.line(outcome));
            caught += outcome.isCaught() ? 1 : 0;
            ran += outcome.schedules();
            Map<String, Object> json = new LinkedHashMap<>();
            json.put("name", outcome.mutant().name());
            json.put("rule", outcome.mutant().rule());
            json.put("caught", outcome.isCaught());
            json.put("seed", outcome.seed());
            json.put("schedules", outcome.schedules());
            json.put("violation", outcome.violation() == null ? "" : outcome.violation());
            list.add(json);
        }
        output.text(caught + " of " + mutants.size() + " mutants caught");
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("schema", 1);
        json.put("seed", seed);
        json.put("schedules", ran);
        json.put("takeovers", 0);
        json.put("violations", 0);
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("total", mutants.size());
        figures.put("caught", caught);
        figures.put("list", list);
        json.put("mutants", figures);
        output.document(json);
        return (caught == mutants.size() ? ExitCode.DONE : ExitCode.MISMATCH).code();
    }

    private List<Map<String, Object>> tell(SimulationRun.Report report, Schedule.Executor with) {
        List<Map<String, Object>> failures = new ArrayList<>();
        for (SimulationRun.Failure failure : report.failures()) {
            Map<String, Object> json = new LinkedHashMap<>();
            json.put("seed", failure.seed());
            json.put("violation", failure.violation());
            output.talk("seed " + failure.seed() + ": " + failure.violation());
            if (failures.size() < TOLD_MAX) {
                Shrinker.Shrunk shrunk = Shrinker.shrink(Schedule.of(failure.seed(), with), failure.violation());
                output.talk("shrunk to " + shrunk.faults() + " faults and "
                        + shrunk.schedule().requests() + " requests, without "
                        + shrunk.schedule().without() + ": " + shrunk.violation());
                shrunk.timeline().forEach(output::talk);
                json.put("shrunkFaults", shrunk.faults());
                json.put("shrunkViolation", shrunk.violation());
                json.put("timeline", shrunk.timeline());
            }
            failures.add(json);
        }
        return failures;
    }

    private void print(SimulationRun.Report report) {
        output.text(String.format(
                Locale.ROOT,
                "%d schedules from seed %d to %d: %d messages, %d kills, %d faults, %d takeovers (%d schedules had one, %.0f %%)",
                report.schedules(),
                seed,
                report.lastSeed(),
                report.requests(),
                report.kills(),
                report.faults(),
                report.takeovers(),
                report.withTakeover(),
                100.0 * report.withTakeover() / Math.max(1, report.schedules())));
        output.text(String.format(
                Locale.ROOT,
                "%d violations; %d schedules ran twice, with equal events; %.1f s, %.0f schedules a second",
                report.failures().size(),
                report.repeated(),
                report.seconds(),
                report.perSecond()));
        report.coverage().toText().forEach(output::talk);
        List<String> missing = report.coverage().missing();
        output.text(
                missing.isEmpty()
                        ? "every kind of fault struck at every moment at which it can"
                        : "faults that never struck at a moment: " + String.join(" ", missing));
    }

    private Map<String, Object> document(SimulationRun.Report report, List<Map<String, Object>> failures) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("schema", 1);
        json.put("seed", seed);
        json.put("lastSeed", report.lastSeed());
        json.put("executor", executor);
        json.put("schedules", report.schedules());
        json.put("messages", report.requests());
        json.put("takeovers", report.takeovers());
        json.put("schedulesWithTakeover", report.withTakeover());
        json.put("kills", report.kills());
        json.put("faults", report.faults());
        json.put("dark", report.dark());
        json.put("undetermined", report.undetermined());
        json.put("repeated", report.repeated());
        json.put("seconds", report.seconds());
        json.put("schedulesPerSecond", report.perSecond());
        json.put("violations", report.failures().size());
        json.put("failures", failures);
        json.put("cells", report.coverage().toJson());
        json.put("lockWaits", report.coverage().waitsToJson());
        json.put("missingCells", report.coverage().missing());
        Map<String, Object> none = new LinkedHashMap<>();
        none.put("total", 0);
        none.put("caught", 0);
        json.put("mutants", none);
        return json;
    }

    private static void check(boolean condition, String what) {
        if (!condition) {
            throw new CommandFailure(ExitCode.USAGE, what);
        }
    }
}
