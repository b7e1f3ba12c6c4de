package io.lockstep.tsdstore;

import java.sql.Connection;
import java.sql.SQLException;

/**
 * What an application does with the messages of its transactions. Written by the user, found by {@link
 * java.util.ServiceLoader} on a node's class path, executed by the active and, with equal results, by every backup.
 *
 * <p>Called by the lane only, one message at a time, so an implementation needs no locks. It must not use a clock, a
 * random source, threads, files, sockets or static state of its own: time and chance come with the context, what it
 * remembers goes into the transaction's state and the records.
 *
 * <p>All changes of one message (state, records, effects) take place together or, when the method throws, not at all.
 * "Wholly or not at all" for a whole transaction is the service's: it gets {@link #onRollback} or {@link #onExpire}
 * once, and undoes there what the transaction's earlier messages reserved.
 */
public interface TransactionService {
    /** Name by which the configuration chooses it: letters, digits and hyphens. */
    String name();

    /**
     * Creates the tables of a new, empty database. Called once in a database's life.
     *
     * @param records connection within the transaction of the first entry
     */
    default void createRecords(Connection records) throws SQLException {}

    /**
     * Executes one message of a transaction: its first, a further one, or its termination message.
     *
     * @param context the transaction, its state, the records, time and chance
     * @param message the client's bytes, never changed
     * @return the answer, never null, may be empty
     * @throws ServiceException the service refuses; the client gets the text, and the message has changed nothing
     * @throws SQLException likewise, with the database's own text, unless the cause is the node's own (disk, memory)
     */
    byte[] handle(TransactionContext context, byte[] message) throws ServiceException, SQLException;

    /**
     * Answers a question without effect. It runs on the active only and must change nothing.
     *
     * @return the answer, never null
     */
    default byte[] read(ReadContext context, byte[] question) throws ServiceException, SQLException {
        throw new ServiceException("service " + name() + " answers no reads");
    }

    /** Undoes what an open transaction reserved: the client, or the end of its session, rolls it back. */
    void onRollback(TransactionContext context) throws SQLException;

    /** Undoes what an open transaction reserved: its time is over. */
    void onExpire(TransactionContext context) throws SQLException;
}
