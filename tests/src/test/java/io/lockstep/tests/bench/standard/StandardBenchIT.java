package io.lockstep.tests.bench.standard;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.lockstep.server.ExitCode;
import io.lockstep.server.Main;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The published benchmarks over real processes whose active is killed, small enough for every build. */
@Timeout(180)
class StandardBenchIT {
    private static final String CLASS_PATH = "lockstep.classpath";

    @BeforeAll
    static void childrenRunFromTheClassPathOfThisTest() {
        System.setProperty(
                CLASS_PATH, System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")));
    }

    @AfterAll
    static void forget() {
        System.clearProperty(CLASS_PATH);
    }

    @Test
    void tpccIsConsistentAfterAKill() throws Exception {
        JsonNode verdict = bench("tpcc", "--warehouses", "2", "--items", "500", "--customers", "30", "--seed", "21");

        assertThat(verdict.at("/ours/conditionsBefore").asText()).isEqualTo("12 of 12");
        assertThat(verdict.at("/ours/conditionsHeld").asText()).isEqualTo("12 of 12");
        assertThat(verdict.at("/ours/conditions")).hasSize(12);
        assertThat(verdict.at("/ours/kinds")).hasSize(5);
    }

    @Test
    void tatpLosesNothingByAKill() throws Exception {
        JsonNode verdict = bench("tatp", "--subscribers", "1000", "--seed", "22");

        assertThat(verdict.at("/ours/kinds")).hasSize(7);
    }

    private static JsonNode bench(String... options) throws Exception {
        List<String> arguments = new ArrayList<>(List.of("bench"));
        arguments.addAll(List.of(options));
        arguments.addAll(List.of("-o", "json", "--kills", "1", "--seconds", "8", "--terminals", "6", "--heap", "256"));
        StringWriter out = new StringWriter();
        StringWriter talk = new StringWriter();

        int exit = Main.run(arguments.toArray(String[]::new), new PrintWriter(out), new PrintWriter(talk));

        assertThat(exit).as("%s%n%s", out, talk).isEqualTo(ExitCode.DONE.code());
        JsonNode verdict = JsonMapper.builder().build().readTree(out.toString());
        assertThat(verdict.get("ok").asBoolean()).isTrue();
        assertThat(verdict.at("/kills/done").asInt()).isOne();
        assertThat(verdict.at("/continued").asInt()).isPositive();
        assertThat(verdict.at("/client/errors").asInt(-1)).isZero();
        assertThat(verdict.at("/lost").asInt(-1)).isZero();
        assertThat(verdict.at("/doubled").asInt(-1)).isZero();
        assertThat(verdict.at("/unknown").asInt(-1)).isZero();
        assertThat(verdict.at("/digest/equal").asBoolean()).isTrue();
        assertThat(verdict.at("/cells")).hasSize(1);
        return verdict;
    }
}
