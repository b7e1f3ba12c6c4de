package io.lockstep.server.drill;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lockstep.server.ExitCode;
import io.lockstep.server.drill.DrillConfig.Fault;
import io.lockstep.server.drill.DrillConfig.Target;
import io.lockstep.server.drill.Samples.Books;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class DrillResultTest {
    @Test
    void printsEveryKeyOfTheContract() {
        ObjectNode json = Samples.good().toJson();

        assertThat(keys(json))
                .contains(
                        "schema",
                        "seed",
                        "level",
                        "ok",
                        "kills",
                        "calls",
                        "client",
                        "takeovers",
                        "latencyUs",
                        "books",
                        "digest",
                        "report");
        assertThat(json.get("schema").asInt()).isEqualTo(1);
        assertThat(json.get("ok").isBoolean()).isTrue();
        assertThat(keys(json.get("kills"))).contains("requested", "done");
        assertThat(keys(json.get("calls"))).contains("started", "continued", "lost", "doubled", "unknown");
        assertThat(keys(json.get("client"))).contains("errors");
        assertThat(keys(json.get("takeovers").get(0)))
                .contains("term", "from", "to", "fault", "detectMs", "agreeMs", "promoteMs", "resumeMs", "totalMs");
        assertThat(keys(json.get("latencyUs"))).contains("before", "during", "after");
        for (JsonNode phase : json.get("latencyUs")) {
            assertThat(keys(phase)).contains("p50", "p99", "max");
        }
        assertThat(json.get("books").get("balanced").asBoolean()).isTrue();
        assertThat(json.get("digest").get("equal").asBoolean()).isTrue();
    }

    @Test
    void leavesNoKeyOutWhenNothingHappened() {
        ObjectNode nothing = Samples.result(Samples.config(Target.ACTIVE, Fault.KILL, 1, false), List.of(), Books.NONE)
                .toJson();
        ObjectNode much = Samples.good().toJson();

        assertThat(keys(nothing)).isEqualTo(keys(much));
        assertThat(nothing.get("takeovers").isArray()).isTrue();
        assertThat(keys(nothing.get("latencyUs").get("during")))
                .isEqualTo(keys(much.get("latencyUs").get("during")));
    }

    @Test
    void everyNumberNamedAfterADefectCountsDefects() {
        assertDefectNumbersAreZero(Samples.good().toJson(), "");
    }

    @Test
    void endsWithZeroWhenNothingIsWrong() {
        assertThat(Samples.good().complaints()).isEmpty();
        assertThat(Samples.good().exitCode()).isEqualTo(ExitCode.DONE);
    }

    @Test
    void endsWithEightForAnyMismatch() {
        for (Books books : List.of(Books.LOST, Books.DOUBLED, Books.UNKNOWN, Books.UNBALANCED, Books.DIFFERENT)) {
            DrillResult result =
                    Samples.result(Samples.config(Target.ACTIVE, Fault.KILL, 2, false), Samples.twoKills(), books);
            assertThat(result.exitCode()).as("%s", books).isEqualTo(ExitCode.MISMATCH);
            assertThat(result.toJson().get("ok").asBoolean()).isFalse();
        }
    }

    @Test
    void endsWithSevenWhenClientsSawErrors() {
        DrillResult result =
                Samples.result(Samples.config(Target.ACTIVE, Fault.KILL, 2, false), Samples.twoKills(), Books.ERRORS);

        assertThat(result.exitCode()).isEqualTo(ExitCode.MISSED);
    }

    @Test
    void minds300MillisecondsOnlyWhenStrict() {
        List<InjectedFault> slow = List.of(Samples.kill(1, 2, 301), Samples.kill(2, 3, 40));

        assertThat(strict(false, Fault.KILL, slow)).isEqualTo(ExitCode.DONE);
        assertThat(strict(true, Fault.KILL, slow)).isEqualTo(ExitCode.MISSED);
    }

    @Test
    void mindsTheMedianWhenStrict() {
        assertThat(strict(true, Fault.KILL, List.of(Samples.kill(1, 2, 99), Samples.kill(2, 3, 100))))
                .isEqualTo(ExitCode.DONE);
        assertThat(strict(true, Fault.KILL, List.of(Samples.kill(1, 2, 100), Samples.kill(2, 3, 101))))
                .isEqualTo(ExitCode.MISSED);
    }

    @Test
    void allowsOneSecondAfterAStop() {
        assertThat(strict(true, Fault.STOP, List.of(Samples.kill(1, 2, 999), Samples.kill(2, 3, 800))))
                .isEqualTo(ExitCode.DONE);
        assertThat(strict(true, Fault.STOP, List.of(Samples.kill(1, 2, 1000), Samples.kill(2, 3, 800))))
                .isEqualTo(ExitCode.MISSED);
    }

    @Test
    void failsWhenAFaultIsMissing() {
        DrillResult result =
                Samples.result(Samples.config(Target.ACTIVE, Fault.KILL, 3, false), Samples.twoKills(), Books.GOOD);

        assertThat(result.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(result.toJson().get("kills").get("done").asInt()).isEqualTo(2);
    }

    @Test
    void failsWhenNothingWasOpenAtAKill() {
        DrillResult result = Samples.result(
                Samples.config(Target.ACTIVE, Fault.KILL, 2, false), Samples.twoKills(), Books.NOTHING_CONTINUED);

        assertThat(result.exitCode()).isEqualTo(ExitCode.FAILED);
    }

    @Test
    void failsWhenNobodyTookOver() {
        InjectedFault without = Samples.kill(1, 2, 50);
        InjectedFault quiet = new InjectedFault(
                1, without.node(), "active", Fault.KILL, without.atMicros(), 1000, 0, null, 1200, null, List.of());

        assertThat(Samples.result(Samples.config(Target.ACTIVE, Fault.KILL, 1, false), List.of(quiet), Books.GOOD)
                        .exitCode())
                .isEqualTo(ExitCode.FAILED);
        assertThat(Samples.result(Samples.config(Target.BACKUP, Fault.KILL, 1, false), List.of(quiet), Books.GOOD)
                        .exitCode())
                .isEqualTo(ExitCode.DONE);
    }

    @Test
    void failsWhenAThawedNodeAnswers() {
        DrillResult harmless = stopped(0);
        DrillResult harmful = stopped(3);
        DrillResult silent = stopped(-1);

        assertThat(harmless.exitCode()).isEqualTo(ExitCode.DONE);
        assertThat(harmless.toJson().at("/faults/0/thaw/answersLetGo").asLong(-1))
                .isZero();
        assertThat(harmless.toJson().at("/faults/0/thaw/answersDropped").asLong())
                .isEqualTo(2);
        assertThat(harmful.exitCode()).isEqualTo(ExitCode.MISMATCH);
        assertThat(harmful.complaints().get(0).text())
                .isEqualTo("a thawed node let 3 answers go after its reign was over");
        assertThat(silent.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(silent.toJson().at("/faults/0/thaw/answersLetGo").isNull()).isTrue();
    }

    private static DrillResult stopped(long answersLetGo) {
        return Samples.result(
                Samples.config(Target.ACTIVE, Fault.STOP, 1, false), List.of(Samples.stop(answersLetGo)), Books.GOOD);
    }

    private static ExitCode strict(boolean strict, Fault fault, List<InjectedFault> faults) {
        return Samples.result(Samples.config(Target.ACTIVE, fault, faults.size(), strict), faults, Books.GOOD)
                .exitCode();
    }

    private static Set<String> keys(JsonNode node) {
        Set<String> keys = new TreeSet<>();
        node.fieldNames().forEachRemaining(keys::add);
        return keys;
    }

    private static void assertDefectNumbersAreZero(JsonNode node, String path) {
        if (node.isObject()) {
            node.properties()
                    .forEach(child -> assertDefectNumbersAreZero(child.getValue(), path + "." + child.getKey()));
        } else if (node.isNumber() && path.matches(".*(?i:lost|doubled|unknown|errors)[^.]*")) {
            assertThat(node.asLong()).as(path).isZero();
        }
    }
}
