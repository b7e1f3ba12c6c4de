package io.lockstep.membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockstep.wire.Invariant;
import io.lockstep.wire.View;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the owner of a view register may rely on, wherever the value is kept. */
@Timeout(120)
abstract class ViewRegisterContract {
    private static final int STEPS_MAX = 10_000;

    /** Another process's hand on the same register. */
    abstract ViewRegister hand();

    /** Lets some milliseconds pass for that hand: answers arrive, {@link ViewRegister#tick} is called. */
    abstract void pass(ViewRegister hand);

    /** Nobody reaches the register. */
    abstract void cutOff();

    /** Everybody reaches the register again. */
    abstract void heal();

    /** The next write takes effect, but whoever wrote it is not told. */
    abstract void loseNextResult();

    /** When hands are made and changes begin. */
    abstract long nowNs();

    static ViewChange activate(String name) {
        return current -> Optional.of(current.map(base -> new View(
                        base.version() + 1, base.term() + 1, new View.Member(name, 1), List.of(), base.voters(), 0))
                .orElse(new View(1, 1, new View.Member(name, 1), List.of(), List.of(), 0)));
    }

    /** Changes the view and gives the outcome that ends it. */
    private ViewOutcome outcome(ViewRegister hand, ViewChange change) {
        List<ViewOutcome> outcomes = new ArrayList<>();
        hand.change(change, outcomes::add, nowNs());
        return last(hand, outcomes);
    }

    private ViewOutcome last(ViewRegister hand, List<ViewOutcome> outcomes) {
        for (int steps = 0; steps < STEPS_MAX && hand.isBusy(); steps++) {
            pass(hand);
        }
        assertThat(hand.isBusy()).as("%s", outcomes).isFalse();
        assertThat(outcomes.subList(0, outcomes.size() - 1))
                .as("any number of these, then one other")
                .allMatch(ViewOutcome.Unreachable.class::isInstance);
        return outcomes.get(outcomes.size() - 1);
    }

    private View committed(ViewRegister hand, ViewChange change) {
        ViewOutcome outcome = outcome(hand, change);
        assertThat(outcome).isInstanceOf(ViewOutcome.Committed.class);
        return ((ViewOutcome.Committed) outcome).view();
    }

    private Optional<View> shown() {
        return ((ViewOutcome.Declined) outcome(hand(), ViewChange.read())).current();
    }

    @Test
    void isEmptyAtFirstAndShowsWhatWasWrittenToEveryHand() {
        assertThat(shown()).isEmpty();
        View first = committed(hand(), activate("n1"));
        assertThat(first.version()).isEqualTo(1);
        assertThat(first.term()).isEqualTo(1);
        assertThat(shown()).contains(first);
        View second = committed(hand(), activate("n2"));
        assertThat(second.version()).isEqualTo(2);
        assertThat(second.term()).isEqualTo(2);
        assertThat(shown()).contains(second);
        assertThat(shown()).contains(second);
    }

    @Test
    void declinesWithTheCurrentValueWhatWantsNothingOrTheSame() {
        View first = committed(hand(), activate("n1"));
        assertThat(outcome(hand(), current -> Optional.empty()))
                .isEqualTo(new ViewOutcome.Declined(Optional.of(first)));
        assertThat(outcome(hand(), ViewChange.nameVoters())).isEqualTo(new ViewOutcome.Declined(Optional.of(first)));
        assertThat(hand().strangers()).isEmpty();
    }

    @Test
    void keepsEveryMemberOfAView() {
        committed(hand(), activate("n1"));
        List<View.Member> backups = List.of(new View.Member("n2", 7), new View.Member("n3", Long.MAX_VALUE));
        View wider = committed(
                hand(),
                current -> current.map(
                        base -> new View(base.version() + 1, base.term(), base.active(), backups, base.voters(), 0)));
        assertThat(shown()).contains(wider);
        assertThat(wider.backups()).isEqualTo(backups);
        assertThat(wider.term()).isEqualTo(1);
    }

    @Test
    void ofTwoHandsThatChangeAtOnceOneComesFirstAndTheOtherSeesIt() {
        committed(hand(), activate("n1"));
        ViewRegister one = hand();
        ViewRegister other = hand();
        List<ViewOutcome> ofOne = new ArrayList<>();
        List<ViewOutcome> ofOther = new ArrayList<>();
        ViewChange once =
                current -> current.orElseThrow().term() == 1 ? activate("n2").apply(current) : Optional.empty();
        one.change(once, ofOne::add, nowNs());
        other.change(once, ofOther::add, nowNs());
        for (int steps = 0; steps < STEPS_MAX && (one.isBusy() || other.isBusy()); steps++) {
            pass(one);
            pass(other);
        }
        List<ViewOutcome> ends = List.of(last(one, ofOne), last(other, ofOther));
        assertThat(ends.stream().filter(ViewOutcome.Committed.class::isInstance))
                .hasSize(1);
        assertThat(ends.stream().filter(ViewOutcome.Declined.class::isInstance)).hasSize(1);
        assertThat(shown().orElseThrow().version()).isEqualTo(2);
    }

    @Test
    void findsItsOwnValueWhenTheResultWasLost() {
        committed(hand(), activate("n1"));
        loseNextResult();
        View second = committed(hand(), activate("n2"));
        assertThat(second.version()).isEqualTo(2);
        assertThat(shown()).contains(second);
    }

    @Test
    void findsItsOwnFirstValueWhenTheResultWasLost() {
        loseNextResult();
        View first = committed(hand(), activate("n1"));
        assertThat(first.version()).isEqualTo(1);
        assertThat(shown()).contains(first);
    }

    @Test
    void saysOnceWhomItWaitsForAndGoesOnUntilItIsAnswered() {
        committed(hand(), activate("n1"));
        cutOff();
        ViewRegister hand = hand();
        List<ViewOutcome> outcomes = new ArrayList<>();
        hand.change(activate("n2"), outcomes::add, nowNs());
        for (int steps = 0; steps < STEPS_MAX && outcomes.isEmpty(); steps++) {
            pass(hand);
        }
        assertThat(hand.isBusy()).isTrue();
        assertThat(outcomes).isNotEmpty().allMatch(ViewOutcome.Unreachable.class::isInstance);
        heal();
        ViewOutcome end = last(hand, outcomes);
        assertThat(end).isInstanceOf(ViewOutcome.Committed.class);
        assertThat(outcomes).hasSizeLessThan(6);
        assertThat(shown().orElseThrow().version()).isEqualTo(2);
    }

    @Test
    void saysNothingAfterItWasCancelledAndMayBeUsedAgain() {
        ViewRegister hand = hand();
        Consumer<ViewOutcome> never = outcome -> {
            throw new AssertionError("told " + outcome);
        };
        hand.change(activate("n1"), never, nowNs());
        hand.cancel();
        assertThat(hand.isBusy()).isFalse();
        for (int steps = 0; steps < 50; steps++) {
            pass(hand);
        }
        committed(hand, activate("n2"));
        assertThat(shown().orElseThrow().active().name()).isEqualTo("n2");
    }

    @Test
    void makesOneChangeAtATime() {
        ViewRegister hand = hand();
        hand.change(ViewChange.read(), outcome -> {}, nowNs());
        assertThatThrownBy(() -> hand.change(ViewChange.read(), outcome -> {}, nowNs()))
                .isInstanceOf(Invariant.InvariantBroken.class);
        hand.cancel();
    }

    @Test
    void refusesAViewOutOfOrder() {
        View.Member n1 = new View.Member("n1", 1);
        View.Member n2 = new View.Member("n2", 1);
        refuses(new View(2, 1, n1, List.of(), List.of(), 0));
        refuses(new View(1, 2, n1, List.of(), List.of(), 0));
        committed(hand(), activate("n1"));
        refuses(new View(2, 1, n2, List.of(), List.of(), 0));
        refuses(new View(2, 2, n1, List.of(), List.of(), 0));
        refuses(new View(3, 2, n2, List.of(), List.of(), 0));
        refuses(new View(2, 2, n2, List.of(n2), List.of(), 0));
        assertThat(shown().orElseThrow().version()).isEqualTo(1);
    }

    private void refuses(View wanted) {
        ViewRegister hand = hand();
        assertThatThrownBy(() -> outcome(hand, current -> Optional.of(wanted)))
                .as("%s", wanted)
                .isInstanceOf(Invariant.InvariantBroken.class);
        hand.cancel();
    }
}
