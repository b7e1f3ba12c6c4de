package io.lockstep.server;

import io.lockstep.membership.RegisterAcceptor;
import io.lockstep.membership.RegisterProposer;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Peer;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Who may say what to a node. Safe from any thread, because it is immutable: network threads ask it before anything is
 * kept for the node agent, so that strangers cannot fill its inbox.
 */
final class PeerRules {
    private final String self;
    private final Set<String> nodes;
    private final Set<String> voters;

    /**
     * @param self this node's name
     * @param nodes names of all nodes
     * @param voters names of all voters
     */
    PeerRules(String self, List<String> nodes, List<String> voters) {
        this.self = self;
        this.nodes = Set.copyOf(nodes);
        this.voters = Set.copyOf(voters);
    }

    /** Whether the peer hears from this node who is active, and may name a term to it. */
    static boolean isDistributor(Peer peer) {
        return peer.role() == Peer.Role.DISTRIBUTOR;
    }

    /** Whether the node keeps the peer's connection, to speak on it of its own accord. */
    static boolean isListener(Peer peer) {
        return peer.role() == Peer.Role.DISTRIBUTOR || peer.role() == Peer.Role.ARBITER;
    }

    /**
     * Why the peer may not say that; empty when it may. Requests and questions for status are not looked at here.
     *
     * @param frame for the voter, for the proposer, or from node to node
     */
    Optional<String> refusal(Peer from, Frame frame) {
        String what = frame.getClass().getSimpleName();
        if (RegisterProposer.isForProposer(frame)) {
            boolean isVoter = (from.role() == Peer.Role.NODE || isListener(from)) && voters.contains(from.name());
            return isVoter
                    ? Optional.empty()
                    : Optional.of(what + " of " + from + " is refused; the configured voters are " + voters);
        }
        boolean isNode = from.role() == Peer.Role.NODE && nodes.contains(from.name());
        if (!isNode || (from.name().equals(self) && !RegisterAcceptor.isForVoter(frame))) {
            return Optional.of(what + " of " + from + " is refused; the other nodes of this database are "
                    + nodes.stream().filter(node -> !node.equals(self)).sorted().toList());
        }
        return Optional.empty();
    }
}
