package io.lockstep.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.wire.View;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class OverrideOrderTest {
    private static final View.Member A = new View.Member("a", 1);
    private static final View.Member C = new View.Member("c", 7);
    private static final View VIEW = new View(3, 2, A, List.of(C), List.of(), 0);

    private final List<String> answers = new ArrayList<>();

    private OverrideOrder order(String... fenced) {
        return OverrideOrder.of(OverrideOrder.question(List.of(fenced)), Set.of("a", "c"), answers::add);
    }

    @Test
    void isKnownByItsFirstWordOnly() {
        assertThat(OverrideOrder.isOne(OverrideOrder.question(List.of()))).isTrue();
        assertThat(OverrideOrder.isOne(OverrideOrder.question(List.of("a", "c"))))
                .isTrue();
        assertThat(List.of("status", "overrides", "", "please override")).noneMatch(OverrideOrder::isOne);
    }

    @Test
    void nobodyIsGoneOfWhomNothingIsKnown() {
        OverrideOrder order = order();
        assertThat(order.areAllSeen()).isFalse();
        assertThat(order.isGone(A)).isFalse();
        order.seen("a", false, 0);
        assertThat(order.areAllSeen()).isFalse();
        assertThat(order.isGone(A)).isFalse();
        order.seen("c", true, 0);
        assertThat(order.areAllSeen()).isTrue();
        assertThat(order.whoMayLive(VIEW))
                .contains("nothing is heard of a")
                .contains("--fenced a")
                .doesNotContain("c ");
    }

    @Test
    void whoseNodeRefusesConnectionsOrRunsAnewIsGone() {
        OverrideOrder order = order();
        order.seen("a", true, 0);
        order.seen("c", false, 8);
        assertThat(order.isGone(A)).isTrue();
        assertThat(order.isGone(C)).isTrue();
        assertThat(order.whoMayLive(VIEW)).isEqualTo("the register says " + VIEW);
    }

    @Test
    void theOperatorMayVouchForWhoIsSilentAndForNobodyWhoIsConnected() {
        OverrideOrder order = order("a", "c");
        order.seen("a", false, 0);
        order.seen("c", false, 7);
        assertThat(order.isGone(A)).isTrue();
        assertThat(order.isGone(C)).isFalse();
        assertThat(order.whoMayLive(VIEW)).isEqualTo("c lives: it is connected; end its process first");
    }

    @Test
    void answersWithOneDocument() {
        order().refuse("b", "it holds nothing");
        order().done("b", 4, 17);
        assertThat(answers)
                .satisfiesExactly(
                        refused -> assertThat(refused).contains("\"done\":false", "it holds nothing"),
                        done -> assertThat(done).contains("\"done\":true", "\"term\":4", "\"position\":17"));
    }
}
