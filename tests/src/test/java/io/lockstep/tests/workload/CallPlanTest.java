package io.lockstep.tests.workload;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.examples.calls.CallMessage;
import io.lockstep.server.drill.Workload.Settings;
import org.junit.jupiter.api.Test;

class CallPlanTest {
    private static final Settings SETTINGS = new Settings(7, 1_000, 2_000, 1_024);

    @Test
    void sameSeedGivesTheSameCalls() {
        CallPlan plan = new CallPlan(SETTINGS);
        CallPlan again = new CallPlan(SETTINGS);
        CallPlan other = new CallPlan(new Settings(8, 1_000, 2_000, 1_024));
        for (int call = 0; call < 100; call++) {
            for (int message = 0; message < CallPlan.MESSAGES - 1; message++) {
                byte[] bytes = plan.message(call, message).encode();
                assertThat(again.message(call, message).encode()).isEqualTo(bytes);
                assertThat(other.message(call, message).encode()).isNotEqualTo(bytes);
            }
            assertThat(again.offsetNs(call, 2)).isEqualTo(plan.offsetNs(call, 2));
        }
    }

    @Test
    void neverUsesMoreThanWasGranted() {
        CallPlan plan = new CallPlan(SETTINGS);
        for (int call = 0; call < 10_000; call++) {
            for (int stretch = 0; stretch < CallPlan.MESSAGES - 1; stretch++) {
                assertThat(plan.usedSeconds(call, stretch)).isBetween(0, plan.stretchSeconds(call, stretch));
            }
        }
    }

    @Test
    void carriesTheWantedStateInEveryCall() {
        CallPlan plan = new CallPlan(SETTINGS);
        CallMessage.Start start = (CallMessage.Start) plan.message(3, 0);
        assertThat(start.context()).hasSize(1_024);
    }

    /** Open at a time t are the calls that started before it and whose last message is due after it. */
    @Test
    void keepsTheWantedNumberOpenAtTheWantedRate() {
        CallPlan plan = new CallPlan(SETTINGS);
        long second = 1_000_000_000L;
        long from = 10 * second;
        int open = 0;
        int messages = 0;
        for (int call = 0; call < 10_000; call++) {
            long start = plan.startNs(call, call);
            long previous = start;
            for (int message = 1; message < CallPlan.MESSAGES; message++) {
                long due = start + plan.offsetNs(call, message);
                assertThat(due).isGreaterThan(previous);
                messages += due >= from && due < from + second ? 1 : 0;
                previous = due;
            }
            messages += start >= from && start < from + second ? 1 : 0;
            open += start < from && previous >= from ? 1 : 0;
        }
        assertThat(open).isBetween(990, 1_010);
        assertThat(messages).isBetween(1_980, 2_020);
    }

    @Test
    void givesNeighboursDifferentCardsAndACardFewCalls() {
        CallPlan plan = new CallPlan(SETTINGS);
        assertThat(plan.cards()).isEqualTo(500 + 15_000);
        assertThat(plan.card(0)).isNotEqualTo(plan.card(1));
        assertThat(plan.card(0)).isEqualTo(plan.card(plan.cards()));
    }

    @Test
    void spreadsTheAgesOfCallsOpenedAheadOverACallsLife() {
        CallPlan plan = new CallPlan(SETTINGS);
        long life = 2_000_000_000L;
        int young = 0;
        for (int call = 0; call < 1_000; call++) {
            assertThat(plan.ageNs(call)).isBetween(0L, life);
            young += plan.ageNs(call) < life / 4 ? 1 : 0;
        }
        assertThat(young).isBetween(245, 255);
    }
}
