package io.lockstep.server;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** docs/settings.md says of every setting what the code says. */
class SettingsDocumentTest {
    @Test
    void documentsEverySettingAsItIs() throws IOException {
        // Tests run in the module's folder.
        assertThat(Files.readString(Path.of("..", "docs", "settings.md"), UTF_8))
                .endsWith(Setting.table());
    }
}
