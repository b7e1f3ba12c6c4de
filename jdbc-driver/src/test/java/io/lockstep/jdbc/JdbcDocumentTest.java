package io.lockstep.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** docs/jdbc.md says what the code does. */
class JdbcDocumentTest {
    private static final Path DOCUMENT = Path.of("..", "docs", "jdbc.md");

    @Test
    void tellsEveryPropertyAsItIs() throws IOException {
        List<String> rows = Files.readAllLines(DOCUMENT).stream()
                .filter(line -> line.startsWith("| `"))
                .toList();
        assertThat(rows)
                .containsExactlyElementsOf(Arrays.stream(DriverProperty.values())
                        .map(each -> "| `" + each.key() + "` | `" + each.defaultValue() + "` | " + each.range() + " | "
                                + each.description() + " |")
                        .toList());
    }

    @Test
    void tellsEveryStateOfOurs() throws IOException {
        String text = Files.readString(DOCUMENT);
        for (SqlState state : SqlState.values()) {
            assertThat(text).contains("`" + state.code() + "`");
        }
    }
}
