package io.lockstep.examples.calls;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TariffTest {
    @ParameterizedTest
    @CsvSource({
        "2026-11-21T00:00:00Z, NIGHT",
        "2026-11-21T05:59:59.999999999Z, NIGHT",
        "2026-11-21T06:00:00Z, OFF_PEAK",
        "2026-11-21T07:59:59.999999999Z, OFF_PEAK",
        "2026-11-21T08:00:00Z, PEAK",
        "2026-11-21T17:59:59.999999999Z, PEAK",
        "2026-11-21T18:00:00Z, OFF_PEAK",
        "2026-11-21T21:59:59.999999999Z, OFF_PEAK",
        "2026-11-21T22:00:00Z, NIGHT",
        "2026-11-21T23:59:59.999999999Z, NIGHT",
        "1969-12-31T23:59:59Z, NIGHT",
        "1969-12-31T12:00:00Z, PEAK"
    })
    void changesAtTheFirstInstantOfItsHour(Instant time, Tariff tariff) {
        assertThat(Tariff.at(time)).isEqualTo(tariff);
    }
}
