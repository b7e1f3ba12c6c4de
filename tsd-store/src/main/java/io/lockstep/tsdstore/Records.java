package io.lockstep.tsdstore;

import io.lockstep.tsdstore.sql.SqlSessions;
import io.lockstep.wire.Identity;
import java.sql.Connection;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * The database proper of one node. Touched only by the lane, through its store; whoever makes the store makes these
 * first, and the store closes them.
 */
public abstract sealed class Records implements AutoCloseable permits H2Records, NoRecords, SqlRecords {
    Records() {}

    /** What kind it is; copies fit only the same kind. */
    abstract String kind();

    /** How it is set, for comparing with other nodes'; empty where nobody has said anything. */
    abstract String settings();

    /** Lets the service create its tables; what it creates stays. */
    abstract void create(TransactionService service) throws SQLException;

    /** The SQL sessions of this database; null where it has none. The same object for the life of these records. */
    abstract @Nullable SqlSessions sql();

    /** A message begins: its time and seed are what the database's own functions show. */
    abstract void begin(long timeNs, long seed);

    /** The message's connection; checked out at the first call. */
    abstract Connection connection() throws SQLException;

    /** The message has been executed: its changes stay. */
    abstract void commit() throws SQLException;

    /** The message has failed: its changes are undone. */
    abstract void rollback() throws SQLException;

    /** A connection that cannot change records; for one read. */
    abstract Connection readConnection(long timeNs) throws SQLException;

    /** The read has ended. */
    abstract void endRead() throws SQLException;

    /** All records as they are now; read by one other thread while the lane goes on. */
    abstract Snapshot snapshot() throws SQLException;

    /** All records as they are now, to be compared beside the lane; null where these records are not compared. */
    @Nullable StateMoment moment(Identity at, long chain) throws SQLException {
        return null;
    }

    /** Takes one item that a {@link Snapshot} of the same kind wrote, in the same order. */
    abstract void install(StateTag tag, StateReader item) throws SQLException;

    /** All items have been taken. */
    abstract void installed() throws SQLException;

    @Override
    public abstract void close();

    /** Records at one moment, as items. */
    public interface Snapshot extends AutoCloseable {
        /** Writes one or a few items; false when there are no more and nothing was written. */
        boolean writeNext(StateWriter out);

        @Override
        void close();
    }
}
