package io.lockstep.membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

/** Rule R12, told as what is heard and when. */
class SuspicionTest {
    private static final long MS = 1_000_000;
    private static final long LIMIT = 500 * MS;

    @Test
    void silenceForTheLimitIsDeath() {
        Suspicion backup = Suspicion.ofBackup(LIMIT, 0);
        assertThat(backup.tick(LIMIT - 1)).isFalse();
        assertThat(backup.tick(LIMIT)).isTrue();
    }

    @Test
    void anActiveIsGivenHalfAsLongAgain() {
        Suspicion active = Suspicion.ofActive(LIMIT, 0);
        assertThat(active.tick(750 * MS - 1)).isFalse();
        assertThat(active.tick(750 * MS)).isTrue();
    }

    @Test
    void aRefusedProbeAfterALostConnectionIsDeathAtOnce() {
        Suspicion active = Suspicion.ofActive(LIMIT, 0);
        active.onConnectionLost(MS);
        assertThat(active.takeProbe()).isTrue();
        assertThat(active.tick(MS)).isFalse();
        active.onProbeRefused(2 * MS);
        assertThat(active.tick(2 * MS)).isTrue();
    }

    @Test
    void aLostConnectionIsProbedOnceOnly() {
        Suspicion active = Suspicion.ofActive(LIMIT, 0);
        assertThat(active.takeProbe()).isFalse();
        active.onConnectionLost(MS);
        active.onConnectionLost(MS);
        assertThat(active.takeProbe()).isTrue();
        active.onConnectionLost(2 * MS);
        assertThat(active.takeProbe()).isFalse();
    }

    @Test
    void anyOtherEndOfAProbeWaitsForTheLimit() {
        Suspicion active = Suspicion.ofActive(LIMIT, 0);
        active.onConnectionLost(MS);
        assertThat(active.takeProbe()).isTrue();
        active.onProbeOther(2 * MS);
        assertThat(active.tick(749 * MS)).isFalse();
        assertThat(active.tick(750 * MS)).isTrue();
    }

    @Test
    void aSignOfLifeEndsEverySuspicion() {
        Suspicion active = Suspicion.ofActive(LIMIT, 0);
        active.onConnectionLost(MS);
        assertThat(active.takeProbe()).isTrue();
        active.onProbeRefused(MS);
        active.onSignOfLife(3 * MS);
        assertThat(active.tick(4 * MS)).isFalse();
        assertThat(active.silenceNs(4 * MS)).isEqualTo(MS);
        active.onConnectionLost(5 * MS);
        assertThat(active.takeProbe()).isTrue();
    }

    @Test
    void aRefusalWithoutALossIsNoDeath() {
        Suspicion active = Suspicion.ofActive(LIMIT, 0);
        active.onProbeRefused(MS);
        assertThat(active.tick(MS)).isFalse();
    }

    @Test
    void refusesALimitThatIsNone() {
        assertThatThrownBy(() -> Suspicion.ofBackup(0, 0)).hasMessageContaining("failure-detection");
    }
}
