package io.lockstep.server.drill;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/**
 * Writes a drill's result as one HTML file that fetches nothing: the facts as JSON, and a script that draws them. Safe
 * from any thread, because it keeps nothing.
 */
final class DrillReport {
    private static final String PLACE = "@FACTS@";

    private DrillReport() {}

    /** The whole file. */
    static String html(DrillResult result) throws IOException {
        try (InputStream page = Objects.requireNonNull(DrillReport.class.getResourceAsStream("report.html"))) {
            String template = new String(page.readAllBytes(), StandardCharsets.UTF_8);
            int place = template.indexOf(PLACE);
            String facts = JsonMapper.builder().build().writeValueAsString(result.toReportJson());
            return template.substring(0, place) + escaped(facts) + template.substring(place + PLACE.length());
        }
    }

    /** Writes it. */
    static void write(DrillResult result, Path file) throws IOException {
        Path target = file.toAbsolutePath();
        Files.createDirectories(Objects.requireNonNull(target.getParent()));
        Files.writeString(target, html(result), StandardCharsets.UTF_8);
    }

    /** A text inside a script element must not contain what could end it. */
    private static String escaped(String json) {
        return json.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029");
    }
}
