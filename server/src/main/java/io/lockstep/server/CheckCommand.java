package io.lockstep.server;

import io.lockstep.tsdstore.sql.SqlConfig;
import io.lockstep.tsdstore.sql.StatementCheck;
import io.lockstep.tsdstore.sql.StatementCheck.Finding;
import io.lockstep.tsdstore.sql.StatementCheck.Verdict;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Says which SQL statements Lockstep executes and which it refuses. Runs on the main thread. */
@Command(
        name = "check",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        header = "Says which SQL statements are protected, which are refused, and why.",
        description = {
            "",
            "With files: judges their statements, in order, as a node would, without a database being up. Definitions"
                    + " (CREATE TABLE and the like) are applied to an empty database, so that later statements are judged"
                    + " against them; rows are not. Nothing outside is touched.",
            "Without a file: what the active of a running database was asked for since it began, and what it refused.",
            "",
            "Exit code 7 when a statement is refused, or does not parse.",
            ""
        })
final class CheckCommand implements Callable<Integer> {
    private static final Duration LIMIT = Duration.ofSeconds(2);
    private static final String STANDARD_INPUT = "-";
    private static final double PERCENT = 100.0;

    @Parameters(
            paramLabel = "FILE",
            arity = "0..*",
            description = "Scripts, one after the other over one schema; - for standard input.")
    private List<String> files = new ArrayList<>();

    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            description = "A setting of the database that the files are for, like mode=MySQL.")
    private Map<String, String> settings = new LinkedHashMap<>();

    @Mixin
    private Target target = new Target();

    private final Output output;
    private final InputStream standardInput;

    CheckCommand(Output output, InputStream standardInput) {
        this.output = output;
        this.standardInput = standardInput;
    }

    /** A finding and where it was made; what is printed of it with JSON. */
    private record Found(
            String file, int line, String statement, String verdict, String reason, List<String> weaknesses) {}

    /** The result, of files or of a running database. */
    private record Report(
            int schema,
            String database,
            String node,
            List<String> files,
            long statements,
            long refused,
            long invalid,
            double percentage,
            Map<String, Long> reasons,
            List<Found> findings) {}

    @Override
    public Integer call() {
        Report report = files.isEmpty() ? ofDatabase() : ofFiles();
        output.document(report);
        if (!output.isJson()) {
            print(report);
        }
        return report.refused() + report.invalid() == 0 ? ExitCode.DONE.code() : ExitCode.MISSED.code();
    }

    // ---- files -----------------------------------------------------------------------------------------------------

    private Report ofFiles() {
        List<Found> findings = new ArrayList<>();
        Map<String, Long> reasons = new TreeMap<>();
        long[] counts = new long[Verdict.values().length];
        try (StatementCheck check =
                new StatementCheck(SqlConfig.DEFAULT.withSettings(LockstepConfig.sqlOf(settings)))) {
            for (String file : files) {
                try (Reader script = open(file)) {
                    check.check(script, finding -> {
                        counts[finding.verdict().ordinal()]++;
                        if (finding.verdict() == Verdict.REFUSED) {
                            reasons.merge(finding.reason(), 1L, Long::sum);
                        }
                        if (finding.verdict() != Verdict.PROTECTED
                                || !finding.weaknesses().isEmpty()) {
                            findings.add(found(file, finding));
                        }
                    });
                } catch (IOException | IllegalArgumentException e) {
                    throw new CommandFailure(ExitCode.USAGE, file + " cannot be read: " + e.getMessage(), e);
                }
            }
        }
        long all = counts[0] + counts[1] + counts[2];
        return new Report(
                1,
                "",
                "",
                files,
                all,
                counts[Verdict.REFUSED.ordinal()],
                counts[Verdict.INVALID.ordinal()],
                percentage(counts[Verdict.PROTECTED.ordinal()], all),
                reasons,
                findings);
    }

    private Reader open(String file) throws IOException {
        if (file.equals(STANDARD_INPUT)) {
            return new InputStreamReader(standardInput, StandardCharsets.UTF_8);
        }
        try {
            return Files.newBufferedReader(Path.of(file), StandardCharsets.UTF_8);
        } catch (InvalidPathException e) {
            throw new IOException("no such path", e);
        }
    }

    private static Found found(String file, Finding finding) {
        return new Found(
                file,
                finding.line(),
                finding.statement(),
                finding.verdict().name().toLowerCase(Locale.ROOT),
                finding.reason(),
                finding.weaknesses());
    }

    // ---- a running database ----------------------------------------------------------------------------------------

    private Report ofDatabase() {
        ClusterStatus status = target.status(LIMIT);
        ClusterStatus.NodeStatus active = status.activeNode()
                .orElseThrow(() -> new CommandFailure(
                        ExitCode.CANNOT_REACH, "database " + status.database() + " has no active at this moment"));
        ClusterStatus.SqlStatus sql = active.sql();
        if (sql == null) {
            throw new CommandFailure(
                    ExitCode.CANNOT_REACH, active.name() + " does not tell what its SQL sessions asked for");
        }
        long refused =
                sql.refused().values().stream().mapToLong(Long::longValue).sum();
        return new Report(
                1,
                status.database(),
                active.name(),
                List.of(),
                sql.statements(),
                refused,
                0,
                percentage(sql.statements() - refused, sql.statements()),
                sql.refused(),
                List.of());
    }

    /** Of none, all are protected. */
    private static double percentage(long some, long all) {
        return all == 0 ? PERCENT : Math.floor(some * PERCENT * PERCENT / all) / PERCENT;
    }

    // ---- for people ------------------------------------------------------------------------------------------------

    private void print(Report report) {
        for (Found each : report.findings()) {
            String place = each.file() + ":" + each.line() + ": ";
            if (!each.reason().isEmpty()) {
                output.text(place + each.verdict() + ": " + each.reason());
                output.text("    " + each.statement());
            }
            for (String weakness : each.weaknesses()) {
                output.text(place + "weakness of H2: " + weakness);
            }
        }
        Map<String, Long> sorted = new LinkedHashMap<>();
        report.reasons().entrySet().stream()
                .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
                .forEach(each -> sorted.put(each.getKey(), each.getValue()));
        if (!sorted.isEmpty()) {
            output.text(report.findings().isEmpty() ? "refused" : "");
        }
        sorted.forEach((reason, count) -> output.text(String.format(Locale.ROOT, "%10d  %s", count, reason)));
        output.text(String.format(
                Locale.ROOT,
                "%s%d statements, %d refused, %d not understood: %.2f %% are protected",
                report.node().isEmpty()
                        ? ""
                        : "database " + report.database() + ", since its active " + report.node() + " began: ",
                report.statements(),
                report.refused(),
                report.invalid(),
                report.percentage()));
    }
}
