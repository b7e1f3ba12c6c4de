package io.lockstep.server.drill;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.lockstep.server.drill.DrillConfig.Fault;
import io.lockstep.server.drill.DrillConfig.Target;
import io.lockstep.server.drill.Samples.Books;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DrillReportTest {
    private static final Pattern FACTS =
            Pattern.compile("<script type=\"application/json\" id=\"facts\">(.*?)</script>", Pattern.DOTALL);

    @Test
    void fetchesNothing() throws Exception {
        String html = DrillReport.html(Samples.good());

        assertThat(html)
                .doesNotContainPattern("(?i)https?:|//[a-z0-9.-]+\\.[a-z]{2,}/")
                .doesNotContainPattern("(?i)\\b(src|href|action|poster|srcset)\\s*=")
                .doesNotContainPattern("(?i)url\\(|@import|<link|<iframe|<object|<embed")
                .doesNotContainPattern("fetch\\(|XMLHttpRequest|WebSocket|sendBeacon|import\\(|serviceWorker");
    }

    @Test
    void containsTheFactsOfTheJsonDocument() throws Exception {
        DrillResult result = Samples.good();

        JsonNode facts = factsOf(DrillReport.html(result));

        result.toJson().properties().forEach(expected -> assertThat(
                        facts.get(expected.getKey()).toString())
                .isEqualTo(expected.getValue().toString()));
        assertThat(facts.get("timeline")).hasSize(400);
        assertThat(facts.get("commandLine").asText()).contains("--seed 4711");
    }

    @Test
    void aTextCannotEndTheScript() throws Exception {
        String html = DrillReport.html(Samples.result(
                Samples.config(Target.ACTIVE, Fault.KILL, 2, false), Samples.twoKills(), Books.DIFFERENT));

        Matcher facts = FACTS.matcher(html);
        assertThat(facts.find()).isTrue();
        assertThat(facts.group(1)).doesNotContain("<").contains("\\u003ccents>");
    }

    @Test
    void writesIntoFoldersThatAreNotThereYet(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("a").resolve("b").resolve("report.html");

        DrillReport.write(Samples.good(), file);

        assertThat(Files.readString(file)).startsWith("<!DOCTYPE html>").contains("Lockstep drill");
    }

    private static JsonNode factsOf(String html) throws Exception {
        Matcher facts = FACTS.matcher(html);
        assertThat(facts.find()).isTrue();
        return JsonMapper.builder().build().readTree(facts.group(1));
    }
}
