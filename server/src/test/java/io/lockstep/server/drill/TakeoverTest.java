package io.lockstep.server.drill;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.server.drill.DrillConfig.Fault;
import java.util.List;
import org.junit.jupiter.api.Test;

class TakeoverTest {
    @Test
    void phasesAddUpToTheTotal() {
        Takeover takeover = takeover(1_000_000, 1_012_500, 1_020_000, 1_021_250, 1_031_000);

        assertThat(takeover.detectMs()).isEqualTo(12.5);
        assertThat(takeover.agreeMs()).isEqualTo(7.5);
        assertThat(takeover.promoteMs()).isEqualTo(1.25);
        assertThat(takeover.resumeMs()).isEqualTo(9.75);
        assertThat(takeover.totalMs()).isEqualTo(31.0);
    }

    @Test
    void noPhaseIsNegativeWhenTwoProcessesStampOutOfOrder() {
        Takeover takeover = takeover(1_000_000, 999_000, 1_020_000, 1_035_000, 1_031_000);

        assertThat(takeover.detectMs()).isZero();
        assertThat(takeover.agreeMs()).isEqualTo(20.0);
        assertThat(takeover.promoteMs()).isEqualTo(11.0);
        assertThat(takeover.resumeMs()).isZero();
        assertThat(takeover.totalMs()).isEqualTo(31.0);
    }

    @Test
    void medianOfAnEvenNumberIsBetweenTheMiddleTwo() {
        assertThat(Takeover.medianTotalMs(List.of())).isZero();
        assertThat(Takeover.medianTotalMs(List.of(total(30), total(10), total(20))))
                .isEqualTo(20);
        assertThat(Takeover.medianTotalMs(List.of(total(30), total(10), total(20), total(90))))
                .isEqualTo(25);
        assertThat(Takeover.longestTotalMs(List.of(total(30), total(90), total(20))))
                .isEqualTo(90);
    }

    static Takeover total(int ms) {
        return takeover(0, 0, 0, 0, ms * 1000L);
    }

    private static Takeover takeover(long killed, long detected, long agreed, long promoted, long resumed) {
        return Takeover.between(2, "node-1", "node-2", Fault.KILL, killed, detected, agreed, promoted, resumed);
    }
}
