package io.lockstep.tsdstore.sql;

import io.lockstep.wire.Identity;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** SQL sessions of one node over one H2 database. Touched only by the lane, but for {@link #read}. */
public final class SqlEngine implements AutoCloseable {
    private final SqlConfig config;

    /** A new, empty, private database. */
    public SqlEngine(SqlConfig config) {
        this.config = config;
    }

    /** Executes one message of a session; its first message opens it. */
    public SqlStep execute(Identity session, long requestId, byte[] body, long timeNs, long seed) {
        throw new UnsupportedOperationException(config.toString());
    }

    /** Another attempt of the session's waiting message: same body, new time and seed. */
    public SqlStep retry(Identity session, long timeNs, long seed) {
        throw new UnsupportedOperationException(config.toString());
    }

    /** The waiting message is given up and has had no effect but on sequences. @return the body of its answer */
    public byte[] giveUp(Identity session, GiveUp reason) {
        throw new UnsupportedOperationException(config.toString());
    }

    /** Executes a message that is not ordered and changes nothing. @return the body of the answer; NotARead at times */
    public byte[] read(Identity session, byte[] body, long timeNs) {
        throw new UnsupportedOperationException(config.toString());
    }

    /** The session ends: its transaction is rolled back and everything of it goes. */
    public void close(Identity session) {
        // No session can be open yet.
    }

    /** Sessions whose waiting message may be tried again now, in the order in which they came. */
    public List<Identity> ready() {
        return List.of();
    }

    /** The first of {@link #ready}; null when there is none. */
    public @Nullable Identity nextReady() {
        return null;
    }

    /** Earliest header time at which a waiting message must be given up; Long.MAX_VALUE when there is none. */
    public long nextGiveUpNs() {
        return Long.MAX_VALUE;
    }

    /** A session whose waiting message must be given up now; null when there is none. */
    public @Nullable Identity nextGiveUp(long nowNs) {
        return null;
    }

    /** Request id of the session's waiting message; 0 when none waits. */
    public long waitingRequest(Identity session) {
        return 0;
    }

    @Override
    public void close() {}
}
