package io.lockstep.activenode;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockstep.wire.Invariant;
import io.lockstep.wire.View;
import org.junit.jupiter.api.Test;

/** What can never be said of a backup, whoever says it. */
class FollowerTest {
    private final Follower follower = new Follower(new View.Member("b", 7), FollowerState.AWAITED, 0);

    @Test
    void whoIsGoneNeverComesBack() {
        follower.become(FollowerState.LOST);
        follower.become(FollowerState.LOST);
        assertThatThrownBy(() -> follower.become(FollowerState.FOLLOWING))
                .isInstanceOf(Invariant.InvariantBroken.class)
                .hasMessageContaining("LOST to FOLLOWING");
        assertThatThrownBy(() -> follower.copy(1, 1)).isInstanceOf(Invariant.InvariantBroken.class);
    }

    @Test
    void nobodyExecutesWhatItHasNotReceived() {
        follower.follow(5, 5, 0);
        assertThatThrownBy(() -> follower.onAcknowledged(1, 5, 6, 0, 0))
                .isInstanceOf(Invariant.InvariantBroken.class)
                .hasMessageContaining("executed past received");
    }
}
