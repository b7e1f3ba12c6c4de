package io.lockstep.tests.checkers;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockstep.wire.Identity;
import java.util.List;
import org.junit.jupiter.api.Test;

class WaitsTest {
    private static final Identity ONE = new Identity(1, 1);
    private static final Identity TWO = new Identity(1, 2);
    private static final Identity THREE = new Identity(1, 3);

    @Test
    void findsWhoWaitsForWhatNobodyHas() {
        assertThatThrownBy(() -> Waits.afterMessage("node", List.of(new Waits.Wait(ONE, 0, 1, null, 9))))
                .isInstanceOf(Violation.class)
                .hasMessageContaining("nobody has");
    }

    @Test
    void findsCirclesOfThoseWhoWaitForEachOther() {
        List<Waits.Wait> line = List.of(new Waits.Wait(ONE, 0, 1, TWO, 9), new Waits.Wait(TWO, 1, 2, THREE, 9));
        assertThatCode(() -> Waits.afterMessage("node", line)).doesNotThrowAnyException();
        List<Waits.Wait> circle = List.of(line.get(0), line.get(1), new Waits.Wait(THREE, 2, 3, ONE, 9));
        assertThatThrownBy(() -> Waits.afterMessage("node", circle)).hasMessageContaining("waits for itself");
    }

    @Test
    void findsWhoIsTriedBeforeSomebodyWhoCameFirst() {
        List<Waits.Wait> line = List.of(new Waits.Wait(ONE, 0, 1, null, 9), new Waits.Wait(TWO, 0, 2, null, 9));
        assertThatCode(() -> Waits.retries("node", ONE, line)).doesNotThrowAnyException();
        assertThatThrownBy(() -> Waits.retries("node", TWO, line)).hasMessageContaining("came first");
    }

    @Test
    void findsWhoWaitsBeyondItsTime() {
        List<Waits.Wait> line = List.of(new Waits.Wait(ONE, 0, 1, TWO, 9));
        assertThatCode(() -> Waits.nothingDue("node", line, 8)).doesNotThrowAnyException();
        assertThatThrownBy(() -> Waits.nothingDue("node", line, 9)).hasMessageContaining("waits on");
    }
}
