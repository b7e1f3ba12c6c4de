package io.lockstep.server.drill;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lockstep.server.ExitCode;
import io.lockstep.server.drill.DrillConfig.Fault;
import io.lockstep.server.drill.DrillConfig.Target;
import io.lockstep.server.drill.Workload.Phase;
import io.lockstep.server.drill.Workload.Verdict;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * Everything a drill found out, and what follows from it. Immutable, safe from any thread.
 *
 * @param config what was asked for
 * @param startedAt when the drill began
 * @param loadStartedAtMicros wall clock microseconds at which the load began: zero of the verdict's timeline
 * @param tookMs length of the whole drill
 * @param faults what was done, in order
 * @param links what was done to links, in order
 * @param verdict what became of the transactions
 * @param digest whether the copies are equal
 * @param costs what each node costs
 * @param problems what went wrong beside, one line each; any fails the drill
 * @param surroundings versions and machine, by name
 */
record DrillResult(
        DrillConfig config,
        Instant startedAt,
        long loadStartedAtMicros,
        long tookMs,
        List<InjectedFault> faults,
        List<InjectedLinkFault> links,
        Verdict verdict,
        DigestCheck digest,
        List<NodeCost> costs,
        List<String> problems,
        Map<String, String> surroundings) {
    /**
     * One reason why the drill is not ok.
     *
     * @param exitCode what the command ends with when this is the worst
     * @param text for people
     */
    record Complaint(ExitCode exitCode, String text) {}

    /** Why the drill is not ok, worst first; empty when it is. */
    List<Complaint> complaints() {
        List<Complaint> found = new ArrayList<>();
        complainIf(found, verdict.lost() > 0, ExitCode.MISMATCH, verdict.lost() + " answered effects are gone");
        complainIf(found, verdict.doubled() > 0, ExitCode.MISMATCH, verdict.doubled() + " effects took place twice");
        complainIf(
                found,
                verdict.unknown() > 0,
                ExitCode.MISMATCH,
                verdict.unknown() + " requests have an unknown outcome");
        complainIf(found, !verdict.booksBalanced(), ExitCode.MISMATCH, "the books do not balance");
        complainIf(found, !digest.equal(), ExitCode.MISMATCH, "the copies or the replay differ");
        thaws().filter(thaw -> thaw.answersLetGo() > 0)
                .forEach(thaw -> found.add(new Complaint(
                        ExitCode.MISMATCH,
                        "a thawed node let " + thaw.answersLetGo() + " answers go after its reign was over")));
        complainIf(
                found,
                thaws().anyMatch(thaw -> thaw.answersLetGo() < 0),
                ExitCode.FAILED,
                "a thawed node did not say how many answers it let go");
        complainIf(
                found,
                verdict.clientErrors() > 0,
                ExitCode.MISSED,
                "clients saw " + verdict.clientErrors() + " errors");
        found.addAll(tooLong());
        complainIf(
                found,
                killsDone() < config.kills(),
                ExitCode.FAILED,
                "only " + killsDone() + " of " + config.kills() + " faults could be injected and recovered from");
        complainIf(
                found,
                config.kills() + config.links().size() > 0 && verdict.continued() == 0,
                ExitCode.FAILED,
                "no transaction was open at a fault and went on: the drill shows nothing");
        problems.forEach(problem -> found.add(new Complaint(ExitCode.FAILED, problem)));
        found.sort(Comparator.comparing(Complaint::exitCode).reversed());
        return found;
    }

    private List<Complaint> tooLong() {
        List<Complaint> found = new ArrayList<>();
        List<Takeover> takeovers = takeovers();
        if (!config.strict() || takeovers.isEmpty()) {
            return found;
        }
        double longest = Takeover.longestTotalMs(takeovers);
        double median = Takeover.medianTotalMs(takeovers);
        if (config.fault() == Fault.STOP) {
            complainIf(
                    found,
                    longest >= DrillConfig.STRICT_STOP_LONGEST_MS,
                    ExitCode.MISSED,
                    over("longest", longest, DrillConfig.STRICT_STOP_LONGEST_MS));
        } else {
            complainIf(
                    found,
                    longest >= DrillConfig.STRICT_KILL_LONGEST_MS,
                    ExitCode.MISSED,
                    over("longest", longest, DrillConfig.STRICT_KILL_LONGEST_MS));
            complainIf(
                    found,
                    median >= DrillConfig.STRICT_KILL_MEDIAN_MS,
                    ExitCode.MISSED,
                    over("median", median, DrillConfig.STRICT_KILL_MEDIAN_MS));
        }
        return found;
    }

    private static String over(String which, double ms, double limitMs) {
        return String.format(Locale.ROOT, "the %s takeover took %.1f ms; the limit is %.0f ms", which, ms, limitMs);
    }

    private static void complainIf(List<Complaint> found, boolean holds, ExitCode exitCode, String text) {
        if (holds) {
            found.add(new Complaint(exitCode, text));
        }
    }

    /** What the command ends with. */
    ExitCode exitCode() {
        return complaints().stream().map(Complaint::exitCode).findFirst().orElse(ExitCode.DONE);
    }

    /** Faults after which somebody else took over, where that was due, and the process came back. */
    long killsDone() {
        return faults.stream()
                .filter(fault -> fault.cameBack() && (config.target() != Target.ACTIVE || fault.takeover() != null))
                .count();
    }

    private Stream<Thaw> thaws() {
        return faults.stream().map(InjectedFault::thaw).filter(Objects::nonNull);
    }

    /** The takeovers in order. */
    List<Takeover> takeovers() {
        List<Takeover> takeovers = new ArrayList<>();
        for (InjectedFault fault : faults) {
            if (fault.takeover() != null) {
                takeovers.add(fault.takeover());
            }
        }
        return takeovers;
    }

    /** The document that {@code -o json} prints: the keys are a contract, and none is ever left out. */
    ObjectNode toJson() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        List<Complaint> complaints = complaints();
        json.put("schema", 1);
        json.put("seed", config.seed());
        json.put("level", config.level());
        json.put("ok", complaints.isEmpty());
        json.put("exitCode", exitCode().code());
        ArrayNode why = json.putArray("complaints");
        complaints.forEach(complaint -> why.add(complaint.text()));
        json.putObject("kills").put("requested", config.kills()).put("done", killsDone());
        json.putObject("calls")
                .put("started", verdict.started())
                .put("ended", verdict.ended())
                .put("continued", verdict.continued())
                .put("lost", verdict.lost())
                .put("doubled", verdict.doubled())
                .put("unknown", verdict.unknown());
        json.putObject("client").put("errors", verdict.clientErrors());
        ArrayNode takeovers = json.putArray("takeovers");
        takeovers().forEach(takeover -> takeovers.add(toJson(takeover)));
        json.put("takeoverMedianMs", rounded(Takeover.medianTotalMs(takeovers())));
        json.put("takeoverLongestMs", rounded(Takeover.longestTotalMs(takeovers())));
        ArrayNode injected = json.putArray("faults");
        faults.forEach(fault -> injected.add(toJson(fault)));
        ArrayNode broken = json.putArray("links");
        links.forEach(link -> broken.add(toJson(link)));
        ObjectNode latencies = json.putObject("latencyUs");
        for (Phase phase : Phase.values()) {
            latencies.set(
                    phase.name().toLowerCase(Locale.ROOT),
                    toJson(Objects.requireNonNull(verdict.latencyUs().get(phase))));
        }
        ObjectNode books = json.putObject("books").put("balanced", verdict.booksBalanced());
        ArrayNode lines = books.putArray("lines");
        verdict.bookLines().forEach(lines::add);
        json.set("digest", toJson(digest));
        ArrayNode nodes = json.putArray("nodes");
        costs.forEach(cost -> nodes.add(toJson(cost)));
        ArrayNode wrong = json.putArray("problems");
        verdict.problems().forEach(wrong::add);
        problems.forEach(wrong::add);
        json.put("startedAt", startedAt.toString());
        json.put("tookMs", tookMs);
        json.put("commandLine", config.commandLine());
        ObjectNode around = json.putObject("surroundings");
        surroundings.forEach(around::put);
        json.put("report", config.report().toAbsolutePath().normalize().toString());
        return json;
    }

    /** The same document with what the report draws: settings and the timeline. */
    ObjectNode toReportJson() {
        ObjectNode json = toJson();
        json.putObject("config")
                .put("seed", Long.toString(config.seed()))
                .put("workload", config.workload())
                .put("kills", config.kills())
                .put("backups", config.backups())
                .put("calls", config.calls())
                .put("rate", config.rate())
                .put("seconds", config.seconds())
                .put("fault", config.fault().text())
                .put("target", config.target().text())
                .put("strict", config.strict())
                .put("heapMebibytes", config.heapMebibytes())
                .put("stateBytes", config.stateBytes());
        ArrayNode timeline = json.putArray("timeline");
        for (long[] point : verdict.timeline()) {
            timeline.addArray().add(point[0]).add(point[1]);
        }
        return json;
    }

    private ObjectNode toJson(Takeover takeover) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("term", takeover.term())
                .put("from", takeover.from())
                .put("to", takeover.to())
                .put("fault", takeover.fault().text())
                .put("detectMs", rounded(takeover.detectMs()))
                .put("agreeMs", rounded(takeover.agreeMs()))
                .put("promoteMs", rounded(takeover.promoteMs()))
                .put("resumeMs", rounded(takeover.resumeMs()))
                .put("totalMs", rounded(takeover.totalMs()))
                .put("atMs", sinceLoad(takeover.killedAtMicros()));
    }

    private ObjectNode toJson(InjectedFault fault) {
        ObjectNode json = JsonNodeFactory.instance
                .objectNode()
                .put("number", fault.number())
                .put("node", fault.node())
                .put("role", fault.role())
                .put("fault", fault.fault().text())
                .put("atMs", sinceLoad(fault.atMicros()))
                .put("openTransactions", fault.openTransactions())
                .put("waitedMs", fault.waitedMs())
                .put("cameBack", fault.cameBack())
                .put("backMs", rounded(fault.backMs()));
        Takeover takeover = fault.takeover();
        if (takeover == null) {
            json.putNull("term");
        } else {
            json.put("term", takeover.term());
        }
        json.set("thaw", toJson(fault.thaw()));
        ArrayNode notes = json.putArray("notes");
        fault.notes().forEach(notes::add);
        return json;
    }

    private ObjectNode toJson(InjectedLinkFault link) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("number", link.number())
                .put("fault", link.fault().text())
                .put("meaning", link.fault().meaning())
                .put("atMs", sinceLoad(link.atMicros()))
                .put("lastedMs", link.fault().holdMs())
                .put("active", link.active())
                .put("activeAfterwards", link.activeAfterwards())
                .put("term", link.term())
                .put("termAfterwards", link.termAfterwards())
                .put("answered", link.answered())
                .put("silenceMs", link.silenceMs())
                .put("silenceAtEndMs", link.silenceAtEndMs())
                .put("healedMs", rounded(link.healedMs()));
    }

    private static JsonNode toJson(@Nullable Thaw thaw) {
        if (thaw == null) {
            return NullNode.getInstance();
        }
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("answersLetGo", thaw.answersLetGo() < 0 ? null : (Long) thaw.answersLetGo());
        return json.put("answersDropped", thaw.dropped().answers())
                .put("framesDropped", thaw.dropped().frames());
    }

    private static ObjectNode toJson(Histogram latencies) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("p50", latencies.getValueAtPercentile(50))
                .put("p99", latencies.getValueAtPercentile(99))
                .put("max", latencies.getMaxValue())
                .put("count", latencies.getTotalCount());
    }

    private static ObjectNode toJson(DigestCheck digest) {
        ObjectNode json = JsonNodeFactory.instance
                .objectNode()
                .put("equal", digest.equal())
                .put("position", digest.position())
                .put("answered", Long.toHexString(digest.answered()))
                .put("replayed", Long.toHexString(digest.replayed()))
                .put("replayedEntries", digest.replayedEntries());
        ArrayNode nodes = json.putArray("nodes");
        digest.nodes().forEach(nodes::add);
        ArrayNode differences = json.putArray("differences");
        digest.differences().forEach(differences::add);
        return json;
    }

    private static ObjectNode toJson(NodeCost cost) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("name", cost.node())
                .put("residentBytes", cost.residentBytes())
                .put("cpuMsPerSecond", rounded(cost.cpuMsPerSecond()))
                .put("threads", cost.threads())
                .put("heapUsedBytes", cost.heapUsedBytes())
                .put("heapPeakBytes", cost.heapPeakBytes())
                .put("heapMaxBytes", cost.heapMaxBytes());
    }

    private long sinceLoad(long micros) {
        return (micros - loadStartedAtMicros) / 1000;
    }

    private static double rounded(double ms) {
        return Math.round(ms * 10) / 10.0;
    }
}
