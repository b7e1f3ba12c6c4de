package io.lockstep.tsdstore;

import io.lockstep.wire.Identity;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.random.RandomGenerator;

/** One message's transaction, as the service sees it. Valid, and to be used by the lane only, during that message. */
public interface TransactionContext {
    /** Session that the transaction belongs to. */
    Identity session();

    /** The transaction's id within its session: the request id of its first message. */
    long transaction();

    /** The request id of this message; with {@link #session} a key for doing things once. */
    long requestId();

    /** Whether this is the transaction's first message. */
    boolean isFirst();

    /** Whether the client calls this the termination message: the transaction ends unless the service throws. */
    boolean isTermination();

    /** Header time: equal on every node, never falling. */
    Instant time();

    /** A generator seeded by the header: equal on every node. Not for secrets. */
    RandomGenerator random();

    /** A value of the transaction's state. */
    <T> Optional<T> get(StateKey<T> key);

    /** Sets a value of the transaction's state. */
    <T> void put(StateKey<T> key, T value);

    /** Removes a value of the transaction's state. */
    void remove(StateKey<?> key);

    /** The records, within this message's database transaction: never commit, roll back or close it. */
    Connection records() throws SQLException;

    /** Ends the transaction with this message, as if it had been the termination message. */
    void end();

    /**
     * When the transaction expires without another message, from this message's time on. Set by the first message or
     * the configured default; stays until it is set again.
     *
     * @param idle more than zero
     */
    void expireAfter(Duration idle);

    /**
     * Asks for something to be done outside, by the active, after this message's answer is safe; see {@link
     * OutsideEffect}.
     */
    void runOutside(OutsideEffect effect);
}
