package io.lockstep.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.wire.Ballot;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Peer;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Who may say what to node n1. */
class PeerRulesTest {
    private static final Peer NODE = new Peer("n2", Peer.Role.NODE, 2);
    private static final Peer VOTING_DISTRIBUTOR = new Peer("d1", Peer.Role.DISTRIBUTOR, 3);
    private static final Frame PREPARE = new Frame.Prepare(0, new Ballot(1, 1));
    private static final Frame ACCEPTED = new Frame.Accepted(0, new Ballot(1, 1), 9);
    private static final Frame ACKNOWLEDGE = new Frame.Acknowledge(1, 1, 1, 1);

    private final PeerRules rules = new PeerRules("n1", List.of("n1", "n2"), List.of("n1", "n2", "d1"));

    @Test
    void aConfiguredNodeMaySayWhatNodesSay() {
        assertThat(rules.refusal(NODE, PREPARE)).isEmpty();
        assertThat(rules.refusal(NODE, ACCEPTED)).isEmpty();
        assertThat(rules.refusal(NODE, ACKNOWLEDGE)).isEmpty();
    }

    @Test
    void aVoterThatIsNoNodeMayOnlyReply() {
        assertThat(rules.refusal(VOTING_DISTRIBUTOR, ACCEPTED)).isEmpty();
        assertThat(rules.refusal(VOTING_DISTRIBUTOR, PREPARE)).isPresent();
        assertThat(rules.refusal(VOTING_DISTRIBUTOR, ACKNOWLEDGE)).isPresent();
    }

    @Test
    void nobodyElseMaySayAnythingOfThis() {
        for (Frame frame : List.of(PREPARE, ACCEPTED, ACKNOWLEDGE)) {
            assertThat(rules.refusal(new Peer("n2", Peer.Role.CLIENT, 4), frame))
                    .isPresent();
            assertThat(rules.refusal(new Peer("n2", Peer.Role.ADMIN, 4), frame)).isPresent();
            assertThat(rules.refusal(new Peer("n3", Peer.Role.NODE, 4), frame)).isPresent();
            assertThat(rules.refusal(new Peer("d2", Peer.Role.DISTRIBUTOR, 4), frame))
                    .isPresent();
        }
    }

    @Test
    void aRefusalNamesWhoMayAndWhoDid() {
        assertThat(rules.refusal(new Peer("n3", Peer.Role.NODE, 4), ACKNOWLEDGE).orElseThrow())
                .contains("Acknowledge of node n3/4")
                .contains("[n2]");
    }
}
