package io.lockstep.wire;

import java.util.List;
import java.util.Optional;

/**
 * One thing said by one process to another. Every frame travels in an envelope with protocol version, cluster id, the
 * sender's incarnation and a checksum; the frame itself carries the term in which it was said. All are immutable.
 */
public sealed interface Frame {
    /** Term in which the sender said it; 0 where a term means nothing. */
    long term();

    // ---- greeting -------------------------------------------------------------------------------------------------

    /**
     * First frame in both directions.
     *
     * @param sender who speaks
     */
    record Hello(long term, Peer sender) implements Frame {}

    /**
     * Last frame before a connection is closed for a reason.
     *
     * @param reason what is wrong, why, and what to do
     */
    record Goodbye(long term, String reason) implements Frame {}

    // ---- client, distributor, active ------------------------------------------------------------------------------

    /** Client to distributor, distributor to active. */
    record Ask(long term, Request request) implements Frame {}

    /** Active to distributor, distributor to client. */
    record Reply(long term, Answer answer) implements Frame {}

    /**
     * Active to distributors, on greeting too, and to the backups of its view: who is active. Sent at every change, and
     * now and then.
     */
    record ViewNotice(long term, long version, View.Member active) implements Frame {}

    // ---- active, backup -------------------------------------------------------------------------------------------

    /**
     * Backup to every node that may be the active: where it stands.
     *
     * @param joinId rises with every attempt of this incarnation; echoed, so that an answer to an older one is ignored
     * @param last identity of the last entry that it holds
     * @param lastChain chain digest there
     * @param executedPosition last entry that it has executed
     * @param executedChain chain digest there
     */
    record Join(long term, long joinId, Identity last, long lastChain, long executedPosition, long executedChain)
            implements Frame {}

    /** Active to backup: keep what is before {@code fromPosition}, drop the rest, expect entries from there. */
    record Follow(long term, long joinId, long fromPosition) implements Frame {}

    /**
     * Active to backup: drop everything, a copy of the state follows.
     *
     * @param copyId names this copy
     * @param at the copy is the state after this entry
     * @param chain chain digest there
     */
    record CopyBegin(long term, long joinId, long copyId, Identity at, long chain) implements Frame {}

    /**
     * Active to backup: one piece of the copy.
     *
     * @param index counts pieces from 0
     * @param last whether it ends there
     */
    record CopyChunk(long term, long copyId, int index, boolean last, byte[] data) implements Frame {}

    /** Backup to active: it holds that many pieces, so that more may be sent; said again as a sign of life. */
    record CopyAcknowledge(long term, long copyId, int pieces) implements Frame {}

    /**
     * Active to backup: entries in order, or none as a sign of life.
     *
     * @param round rises with every frame to that backup; echoed in its acknowledgement
     * @param stablePosition all entries up to here are held by every backup of the view, so they may be executed
     */
    record Forward(long term, long round, long stablePosition, List<Entry> entries) implements Frame {
        public Forward {
            entries = List.copyOf(entries);
        }
    }

    /**
     * Backup to active: how far it has come.
     *
     * @param round highest round that it has seen
     * @param receivedPosition it holds all entries up to here
     * @param executedPosition it has executed all entries up to here
     */
    record Acknowledge(long term, long round, long receivedPosition, long executedPosition) implements Frame {}

    /** Backup to active: my execution differs. */
    record Diverged(long term, long position, long expected, long actual, String detail) implements Frame {}

    /**
     * Between active and backups: what my tables are after an entry. Both take them at the same entries, beside the lane;
     * the active tells first.
     *
     * @param position of the entry
     * @param chain chain digest there
     */
    record Sums(long term, long position, long chain, List<TableSum> tables) implements Frame {
        public Sums {
            tables = List.copyOf(tables);
        }
    }

    /**
     * Backup to active: this is what part of my table is, what is yours? Active to backup: the answer.
     *
     * @param position of the entry after which the sums differed
     * @param depth how often the table was divided to come to this part
     * @param prefix which part
     * @param isRows whether it is so small that its rows are named one by one
     * @param parts what it consists of
     */
    record Narrow(long term, long position, String table, int depth, long prefix, boolean isRows, List<RowSum> parts)
            implements Frame {
        public Narrow {
            parts = List.copyOf(parts);
        }
    }

    /**
     * Active to a backup that differs: a third copy holds what I hold, so yours is the wrong one.
     *
     * @param position of the entry after which that was seen
     * @param witness node that has the third copy
     */
    record Outvoted(long term, long position, String witness) implements Frame {}

    /** A dying active to everybody: this message is ending me; see rule R17. */
    record DeathNote(long term, Identity session, long requestId, String cause) implements Frame {}

    // ---- view register --------------------------------------------------------------------------------------------

    /** Proposer to voter: first half of a round. */
    record Prepare(long term, Ballot ballot) implements Frame {}

    /**
     * Voter to proposer: I take no lower ballot from now on.
     *
     * @param accepted ballot of the value that it holds, {@link Ballot#ZERO} without one
     * @param value the value that it holds
     * @param diskId of its disk
     * @param voting whether it counts; false on a disk that no committed value has named yet (rule R13)
     */
    record Promise(long term, Ballot ballot, Ballot accepted, Optional<View> value, long diskId, boolean voting)
            implements Frame {}

    /** Proposer to voter: second half of a round. */
    record Accept(long term, Ballot ballot, View value) implements Frame {}

    /**
     * Proposer to a voter that does not vote yet: the others have committed this value, which names your disk; hold it,
     * and vote from now on. Answered with {@link Accepted}.
     */
    record Admit(long term, Ballot ballot, View value) implements Frame {}

    /** Voter to proposer: I hold the value. */
    record Accepted(long term, Ballot ballot, long diskId) implements Frame {}

    /** Voter to proposer: I have promised a higher ballot, or may not vote. */
    record RegisterRefusal(long term, Ballot ballot, Ballot promised, String reason) implements Frame {}

    // ---- administration -------------------------------------------------------------------------------------------

    /**
     * Anybody to any process: how are you?
     *
     * @param question what to tell, for example {@code status}
     */
    record StatusAsk(long term, String question) implements Frame {}

    /**
     * The answer.
     *
     * @param json one JSON document
     */
    record StatusReply(long term, String json) implements Frame {}
}
