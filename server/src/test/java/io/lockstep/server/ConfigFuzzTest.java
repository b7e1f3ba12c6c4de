package io.lockstep.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.charset.StandardCharsets;

/** Whatever stands in a configuration file: settings that are written back alike, or one complaint. */
class ConfigFuzzTest {
    @FuzzTest(maxDuration = "5m")
    void yaml(byte[] data) {
        try {
            LockstepConfig config = LockstepConfig.parse(new String(data, StandardCharsets.UTF_8), "fuzz.yaml");
            assertThat(LockstepConfig.parse(config.toYaml(), "again.yaml")).isEqualTo(config);
        } catch (ConfigException e) {
            assertThat(e.getMessage()).isNotBlank();
        }
    }
}
