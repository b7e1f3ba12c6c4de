package io.lockstep.tsdstore.sql;

import io.lockstep.sqlwire.SqlRequest;
import io.lockstep.wire.Identity;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import org.h2.engine.SessionLocal;
import org.h2.engine.User;
import org.jspecify.annotations.Nullable;

/**
 * What a node remembers of one SQL session between two messages: its TSD. Touched only by whoever holds {@link #lock}: the
 * lane, or for a read another thread.
 *
 * <p>Within {@link #h2}: the open transaction with its locks and savepoints, autocommit, isolation level, schema and
 * search path, time zone, lock timeout, variables, temporary tables, last identity.
 */
final class SqlSession {
    final Identity name;
    final ReentrantLock lock = new ReentrantLock();
    /** Null until the client has proved its password. */
    @Nullable SessionLocal h2;

    /** Of a login that has begun: who, and both nonces. */
    @Nullable String user;

    @Nullable String nonce;

    /** Prepared statements by the client's number. */
    final Map<Integer, SqlStatement> statements = new HashMap<>();

    /** Results whose rows the client may still fetch, by the client's number. */
    final Map<Integer, SqlResult> results = new TreeMap<>();

    /** Memory of {@link #results}, about. */
    long resultBytes;

    final SessionLobs lobs = new SessionLobs();

    /** Milliseconds, 0 for none: {@code SET QUERY_TIMEOUT}. H2 itself never cancels by a clock of its own. */
    int queryTimeoutMillis;
    /** Header time of the message that is executed, or was last. */
    long lastTimeNs;
    /** Header time at which the open transaction began; of no meaning when none is open. */
    long transactionSinceNs;
    /** Whether updates may be answered before they are done, as its login said. */
    boolean defersUpdates;
    /** Updates of the open transaction that were answered and are not done yet, in their order. */
    final Deque<Deferred> deferred = new ArrayDeque<>();
    /** The message that waits for a lock; null when none does. */
    @Nullable SqlMessage waiting;
    /** The message that the lane works at; null between messages. */
    @Nullable SqlMessage executing;
    /** Whether the message that the lane works at has committed something in this attempt. */
    boolean hasCommitted;
    /** Whether an H2 transaction is open, as counted in the engine. */
    boolean isTransactionCounted;

    /** Whether the open transaction has done more than brief statements, so that to end it may take long. */
    boolean isLongTransaction;

    /** The body that was judged last, and what it says: it is executed next, as a rule. */
    byte @Nullable [] judgedBody;

    @Nullable SqlRequest judged;

    SqlSession(Identity name) {
        this.name = name;
    }

    /** The user who is logged in; null when nobody is yet. Safe from any thread. */
    @Nullable User loggedIn() {
        lock.lock();
        try {
            SessionLocal session = h2;
            return session == null ? null : session.getUser();
        } finally {
            lock.unlock();
        }
    }

    /** The message that the lane works at, which must be there. */
    SqlMessage executing() {
        SqlMessage message = executing;
        if (message == null) {
            throw new IllegalStateException("session " + name + " executes nothing");
        }
        return message;
    }

    /** The H2 session of a client that is logged in. */
    SessionLocal h2() {
        SessionLocal session = h2;
        if (session == null) {
            throw new IllegalStateException("session " + name + " is not logged in");
        }
        return session;
    }
}
