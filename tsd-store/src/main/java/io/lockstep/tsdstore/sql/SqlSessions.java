package io.lockstep.tsdstore.sql;

import io.lockstep.wire.Identity;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a store needs of the SQL sessions of its database. Touched only by the lane, but for {@link #read}; equal calls
 * in equal order have equal results on every node.
 */
public interface SqlSessions {
    /**
     * Executes one message of a session; its first message opens it.
     *
     * @param timeNs header time, nanoseconds since 1970
     * @param seed of all that is random
     */
    SqlStep execute(Identity session, long requestId, byte[] body, long timeNs, long seed);

    /** Another attempt of the session's waiting message: same body, new time and seed. */
    SqlStep retry(Identity session, long timeNs, long seed);

    /**
     * Executes a message that the active has cut off, as far as the active has executed it, and takes over what the rest
     * left behind.
     *
     * @param remains of {@link SqlStep.CutOff}
     */
    SqlStep executeCut(Identity session, long requestId, byte[] body, long timeNs, long seed, byte[] remains);

    /** As {@link #executeCut}, for another attempt of the session's waiting message. */
    SqlStep retryCut(Identity session, long timeNs, long seed, byte[] remains);

    /** What runs now, and how to end it. Safe from any thread. */
    RunningStatements running();

    /** The waiting message is given up and has had no effect but on sequences. @return the body of its answer */
    byte[] giveUp(Identity session, GiveUp reason);

    /**
     * Executes a message that is not ordered and changes nothing. Safe from any thread: a session works for one at a
     * time.
     *
     * @return the body of the answer; NotARead when it must be ordered
     */
    byte[] read(Identity session, long requestId, byte[] body);

    /**
     * As {@link #read}, on the lane, if it looks up one row by its key with a prepared statement: that is done sooner than
     * another thread is woken.
     *
     * @param isBriefOnly only if it takes little time for certain, as was found when it was read before
     * @return null when it is another read, or the session is being read by somebody
     */
    byte @Nullable [] readKey(Identity session, boolean isBriefOnly, byte[] body);

    /**
     * Whether {@link #execute} of a message takes little time for certain, and no message waits for a lock: then the session
     * is locked for the calling thread, until {@link #letGo}.
     */
    boolean holdIfBrief(Identity session, byte[] body);

    /** After {@link #holdIfBrief} and the execution. */
    void letGo(Identity session);

    /** The session ends: its transaction is rolled back and everything of it goes. */
    void close(Identity session);

    /** Sessions whose message waits, in no order. */
    List<Identity> waitingSessions();

    /** The first session whose waiting message may be tried again now; null when there is none. */
    @Nullable Identity nextReady();

    /** Earliest header time at which a waiting message must be given up; Long.MAX_VALUE when there is none. */
    long nextGiveUpNs();

    /** A session whose waiting message must be given up now; null when there is none. */
    @Nullable Identity nextGiveUp(long nowNs);

    /** The session that has kept copies waiting for longest; empty when one can be taken now. */
    Optional<CopyBlock> copyBlockedBy();

    /** What this node was asked for and refused since it began. Safe from any thread. */
    Refusals refusals();

    /**
     * Forgets how statements are executed, so that each is planned anew at its next execution. A copy has no plans; where
     * all nodes forget theirs at the position of the copy, they go on to plan alike.
     */
    void replan();
}
