package io.lockstep.membership;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.membership.RegisterWorld.Sent;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * Every reachable state of a small register, one after the other; each is checked.
 *
 * <p>A frame may arrive at any time, any number of times or never; so loss, delay, repetition and reordering need no
 * steps of their own. A voter saves before it replies: its crash without the last write is a frame that never arrived, and
 * its crash with it is a reply that is lost. A reply arrives at once or never. That loses no behaviour: a proposer acts only on the last reply that it needs,
 * and what it then sends may arrive at any later time anyway.
 */
class RegisterExplorationTest {
    /**
     * @param changes that each proposer makes
     * @param rounds that each proposer may give up without a conflict
     * @param diskLosses voters that forget everything; once the register is in use, one only while the others vote
     * @param crashes of proposers, which forget what they had begun and go on as another run
     * @param begun whether the register is in use already
     * @param statesMax no more are visited; only a scope that is not exhausted needs it
     */
    private record Scope(
            int voters,
            int proposers,
            int changes,
            int rounds,
            int diskLosses,
            int crashes,
            boolean begun,
            long statesMax) {}

    private record State(RegisterWorld world, int lossesLeft, int crashesLeft, int[] roundsLeft) {
        State copy() {
            return new State(world.copy(), lossesLeft, crashesLeft, roundsLeft.clone());
        }

        long fingerprint() {
            return Fingerprint.of(
                    world.fingerprint(), (long) lossesLeft, (long) crashesLeft, (long) Arrays.hashCode(roundsLeft));
        }
    }

    private static final long ALL = Long.MAX_VALUE;
    private static final long SOME = 200_000;
    /** Incarnations of proposers that have crashed once. */
    private static final long RUN_AFTER_CRASH = 100;

    private final Set<Long> seen = new HashSet<>();
    private final Deque<State> unvisited = new ArrayDeque<>();
    private long highestVersion;

    private boolean explore(String name, Scope scope) {
        long began = System.nanoTime();
        RegisterWorld world = new RegisterWorld(scope.voters, scope.proposers, scope.changes);
        if (scope.begun) {
            world.bootstrap();
        }
        int[] rounds = new int[scope.proposers];
        Arrays.fill(rounds, scope.rounds);
        reach(new State(world, scope.diskLosses, scope.crashes, rounds));
        while (!unvisited.isEmpty() && seen.size() < scope.statesMax) {
            visit(unvisited.removeLast(), scope);
        }
        System.out.printf(
                "register, %s: %,d states%s, highest version %d, %,d ms%n",
                name,
                seen.size(),
                unvisited.isEmpty() ? "" : " (not all)",
                highestVersion,
                (System.nanoTime() - began) / 1_000_000);
        return unvisited.isEmpty();
    }

    private void reach(State state) {
        state.world.dropIdleFrames();
        if (seen.add(state.fingerprint())) {
            state.world.checkNothingForgotten();
            highestVersion = Math.max(highestVersion, state.world.newestShown());
            unvisited.addLast(state);
        }
    }

    private void visit(State state, Scope scope) {
        for (Sent sent : List.copyOf(state.world.inFlight())) {
            State next = state.copy();
            next.world.deliver(sent, false);
            reach(next);
            State inVain = state.copy();
            inVain.world.deliverInVain(sent);
            reach(inVain);
        }
        for (int p = 0; p < scope.proposers; p++) {
            if (state.world.mayBegin(p)) {
                State next = state.copy();
                next.world.beginChange(p);
                reach(next);
            } else if (state.world.isBusy(p) && state.roundsLeft[p] > 0) {
                State next = state.copy();
                next.roundsLeft[p]--;
                next.world.beginAnotherRound(p);
                reach(next);
            }
        }
        if (state.lossesLeft > 0 && (!scope.begun || state.world.allVote())) {
            for (int v = 0; v < scope.voters; v++) {
                State next = new State(
                        state.world.copy(), state.lossesLeft - 1, state.crashesLeft, state.roundsLeft.clone());
                next.world.loseDisk(v);
                reach(next);
            }
        }
        for (int p = 0; p < scope.proposers && state.crashesLeft > 0; p++) {
            if (state.world.isBusy(p)) {
                State next = new State(
                        state.world.copy(), state.lossesLeft, state.crashesLeft - 1, state.roundsLeft.clone());
                next.world.restart(p, RUN_AFTER_CRASH + p);
                reach(next);
            }
        }
    }

    @Test
    void writesOneFirstValue() {
        assertThat(explore("1 proposer, new disks", new Scope(3, 1, 1, 0, 0, 0, false, ALL)))
                .isTrue();
    }

    @Test
    void showsOneViewPerVersionToTwoProposers() {
        assertThat(explore("2 proposers, in use", new Scope(3, 2, 1, 0, 0, 0, true, ALL)))
                .isTrue();
    }

    @Test
    void forgetsNothingWhenAProposerCrashesAndGoesOnAsAnotherRun() {
        assertThat(explore("1 proposer, in use, 1 crash", new Scope(3, 1, 2, 1, 0, 1, true, ALL)))
                .isTrue();
    }

    @Test
    void forgetsNothingWhenOneVoterForgetsEverything() {
        assertThat(explore("1 proposer, in use, 1 disk lost", new Scope(3, 1, 2, 1, 1, 0, true, ALL)))
                .isTrue();
    }

    /** As many states as {@code -Dlockstep.states} says; the scope is far larger than what a build can visit. */
    @Test
    void showsOneViewPerVersionToThreeProposersAsFarAsItLooks() {
        explore("3 proposers, in use", new Scope(3, 3, 1, 0, 0, 0, true, Long.getLong("lockstep.states", SOME)));
        assertThat(seen).isNotEmpty();
    }
}
