package io.lockstep.membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockstep.wire.Invariant;
import io.lockstep.wire.View;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which views may follow each other, at each border. */
class SuccessionTest {
    private static final View.Member A = new View.Member("a", 1);
    private static final View.Member B = new View.Member("b", 1);

    private static View view(long version, long term, View.Member active, View.Member... backups) {
        return new View(version, term, active, List.of(backups), List.of(), 0);
    }

    @Test
    void aViewThatCanHaveBeenWrittenHasNoFlaw() {
        assertThat(Succession.flaw(view(1, 1, A, B))).isEmpty();
        assertThat(Succession.flaw(view(7, 7, A))).isEmpty();
        assertThat(Succession.flaw(view(Succession.VERSION_MAX - 1, 1, A))).isEmpty();
    }

    @Test
    void aViewThatNobodyCanHaveWrittenHasOne() {
        String range = "its version or term is out of range";
        assertThat(Succession.flaw(view(0, 0, A)))
                .hasValueSatisfying(flaw -> assertThat(flaw).contains(range));
        assertThat(Succession.flaw(view(1, 0, A)))
                .hasValueSatisfying(flaw -> assertThat(flaw).contains(range));
        assertThat(Succession.flaw(view(7, 8, A)))
                .hasValueSatisfying(flaw -> assertThat(flaw).contains(range));
        assertThat(Succession.flaw(view(Succession.VERSION_MAX, 1, A)))
                .hasValueSatisfying(flaw -> assertThat(flaw).contains(range));
        assertThat(Succession.flaw(view(2, 1, A, B, new View.Member("b", 2))))
                .hasValueSatisfying(flaw -> assertThat(flaw).contains("names a node twice"));
        assertThat(Succession.flaw(view(2, 1, A, new View.Member("a", 2))))
                .hasValueSatisfying(flaw -> assertThat(flaw).contains("names a node twice"));
    }

    @Test
    void theFirstViewIsTheFirst() {
        Succession.checkFirst(view(1, 1, A));
        refused(() -> Succession.checkFirst(view(2, 1, A)));
        refused(() -> Succession.checkFirst(view(1, 2, A)));
    }

    @Test
    void theVersionRisesByOneAndTheTermWithTheActive() {
        View base = view(4, 2, A);
        Succession.check(base, view(5, 2, A, B));
        Succession.check(base, view(5, 3, B));
        Succession.check(base, view(5, 3, new View.Member("a", 2)));
        refused(() -> Succession.check(base, view(6, 2, A)));
        refused(() -> Succession.check(base, view(4, 2, A)));
        refused(() -> Succession.check(base, view(5, 3, A)));
        refused(() -> Succession.check(base, view(5, 2, B)));
        refused(() -> Succession.check(base, view(5, 4, B)));
        refused(() -> Succession.check(base, view(5, 2, A, A)));
    }

    private static void refused(Runnable checked) {
        assertThatThrownBy(checked::run).isInstanceOf(Invariant.InvariantBroken.class);
    }
}
