package io.lockstep.tests.simulation;

import io.lockstep.wire.Identity;
import java.sql.SQLException;

/**
 * The records of simulated nodes: accounts, what open transactions hold of them, and a chained digest over all that was
 * ever done to them, so that a change that is lost, doubled or out of order shows in every later answer.
 */
interface Books {
    int ACCOUNTS = 8;
    long BALANCE = 1_000;

    /** Whether an open transaction holds something of that account: a lock that others run into. */
    boolean isHeld(int account) throws SQLException;

    /** Moves an amount from the account to the transaction, and locks the account. */
    void hold(Identity session, long transaction, int account, long amount) throws SQLException;

    /** Ends a transaction: what it holds goes to an account; -1 gives it back. */
    void settle(Identity session, long transaction, int to) throws SQLException;

    /** Something was done. */
    void note(long operation) throws SQLException;

    /** How much was done, and its digest. */
    long[] version() throws SQLException;

    /** Sum of all balances, and sum of all that is held. */
    long[] sums() throws SQLException;

    static long chain(long digest, long operation) {
        long mixed = (digest ^ operation) * 0x9E3779B97F4A7C15L;
        return mixed ^ mixed >>> 29;
    }
}
