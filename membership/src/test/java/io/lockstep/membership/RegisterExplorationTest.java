package io.lockstep.membership;

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
 * <p>A reply arrives at once or never. That loses no behaviour: a proposer acts only on the last reply that it needs,
 * and what it then sends may arrive at any later time anyway.
 */
class RegisterExplorationTest {
    /**
     * @param changes that each proposer makes
     * @param rounds that each proposer may give up without a conflict
     * @param diskLosses voters that forget everything; once the register is in use, one only while the others vote
     * @param begun whether the register is in use already
     */
    private record Scope(int voters, int proposers, int changes, int rounds, int diskLosses, boolean begun) {}

    private record State(RegisterWorld world, int lossesLeft, int[] roundsLeft) {
        State copy() {
            return new State(world.copy(), lossesLeft, roundsLeft.clone());
        }

        long fingerprint() {
            return Fingerprint.of(world.fingerprint(), (long) lossesLeft, (long) Arrays.hashCode(roundsLeft));
        }
    }

    private final Set<Long> seen = new HashSet<>();
    private final Deque<State> unvisited = new ArrayDeque<>();
    private long highestVersion;

    private void explore(String name, Scope scope) {
        long began = System.nanoTime();
        RegisterWorld world = new RegisterWorld(scope.voters, scope.proposers, scope.changes);
        if (scope.begun) {
            world.bootstrap();
        }
        int[] rounds = new int[scope.proposers];
        Arrays.fill(rounds, scope.rounds);
        reach(new State(world, scope.diskLosses, rounds));
        while (!unvisited.isEmpty()) {
            visit(unvisited.removeLast(), scope);
        }
        System.out.printf(
                "register, %s: %,d states, highest version %d, %,d ms%n",
                name, seen.size(), highestVersion, (System.nanoTime() - began) / 1_000_000);
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
                State next = new State(state.world.copy(), state.lossesLeft - 1, state.roundsLeft.clone());
                next.world.loseDisk(v);
                reach(next);
            }
        }
    }

    @Test
    void writesOneFirstValue() {
        explore("1 proposer, new disks", new Scope(3, 1, 1, 0, 0, false));
    }

    @Test
    void showsOneViewPerVersionToTwoProposers() {
        explore("2 proposers, in use", new Scope(3, 2, 1, 0, 0, true));
    }

    @Test
    void forgetsNothingWhenOneVoterForgetsEverything() {
        explore("1 proposer, in use, 1 disk lost", new Scope(3, 1, 2, 1, 1, true));
    }
}
