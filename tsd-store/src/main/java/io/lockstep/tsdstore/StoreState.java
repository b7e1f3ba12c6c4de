package io.lockstep.tsdstore;

import com.dynatrace.hash4j.hashing.HashStream64;
import io.lockstep.wire.Answer;
import io.lockstep.wire.ControlHeader;
import io.lockstep.wire.Identity;
import io.lockstep.wire.RequestKind;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Everything replicated but the records. Touched only by the lane. Sessions are kept in the order of their names and
 * effects in the order in which they were asked for, so that walking them is equal on every node.
 */
final class StoreState {
    private final TreeMap<Identity, Session> sessions = new TreeMap<>();
    /** Looked up only, never walked. */
    private final Map<Long, Session> byNonce = new HashMap<>();

    private final Map<EffectRunner.Key, PendingEffect> effects = new LinkedHashMap<>();
    private final DueQueue<Session> dueSessions = new DueQueue<>();
    private final DueQueue<OpenTransaction> dueTransactions = new DueQueue<>();

    /** For the digests of one message, one after the other: a stream is a kilobyte. */
    final HashStream64 stream = Digests.start();

    final TermTable terms = new TermTable();
    Identity last = Identity.NONE;
    long chain = Digests.FIRST_CHAIN;
    long lastTimeNs;
    /** What the last entry marks, but for view entries; null when that is no mark. */
    @Nullable MarkedRequest marked;

    private final RetainedAnswers.Total retained = new RetainedAnswers.Total();

    Collection<Session> sessions() {
        return sessions.values();
    }

    int sessionCount() {
        return sessions.size();
    }

    /** Bytes of the answers that clients have not acknowledged, of all sessions. */
    long retainedBytes() {
        return retained.bytes();
    }

    int transactionCount() {
        return dueTransactions.size();
    }

    @Nullable Session session(Identity name) {
        return sessions.get(name);
    }

    @Nullable Session sessionOpenedWith(long nonce) {
        return byNonce.get(nonce);
    }

    void add(Session session) {
        sessions.put(session.name, session);
        byNonce.put(session.nonce, session);
        dueSessions.add(session);
        session.retained.countIn(retained);
    }

    void remove(Session session) {
        for (OpenTransaction transaction : session.transactions.values()) {
            dueTransactions.remove(transaction);
        }
        session.transactions.clear();
        dueSessions.remove(session);
        byNonce.remove(session.nonce);
        sessions.remove(session.name);
        session.retained.countOut();
    }

    void add(OpenTransaction transaction) {
        transaction.owner.transactions.put(transaction.id(), transaction);
        dueTransactions.add(transaction);
    }

    void remove(OpenTransaction transaction) {
        dueTransactions.remove(transaction);
        transaction.owner.transactions.remove(transaction.id());
    }

    void touch(Session session, long timeNs) {
        session.lastActivityNs = timeNs;
        dueSessions.moved(session);
    }

    void touch(OpenTransaction transaction, long timeNs, long idleNs) {
        transaction.lastActivityNs = timeNs;
        transaction.idleNs = idleNs;
        dueTransactions.moved(transaction);
    }

    /** Nobody could send anything while there was no active: a new term counts as activity of all (R14). */
    void touchAll(long timeNs) {
        for (Session session : sessions.values()) {
            session.lastActivityNs = timeNs;
            for (OpenTransaction transaction : session.transactions.values()) {
                transaction.lastActivityNs = timeNs;
            }
        }
        dueSessions.reorder();
        dueTransactions.reorder();
    }

    @Nullable Session firstDueSession() {
        return dueSessions.first();
    }

    @Nullable OpenTransaction firstDueTransaction() {
        return dueTransactions.first();
    }

    void add(PendingEffect effect) {
        effects.put(effect.key(), effect);
    }

    void start(EffectRunner.Key key) {
        effects.computeIfPresent(
                key, (same, effect) -> new PendingEffect(key, effect.effect(), effect.position(), true));
    }

    void done(EffectRunner.Key key) {
        effects.remove(key);
    }

    int effectCount() {
        return effects.size();
    }

    List<PendingEffect> effects() {
        return List.copyOf(effects.values());
    }

    /**
     * The outcome: what the answer, the effects, the session and the transaction are after the entry.
     *
     * @param released answer to another message of the session; null without one
     * @param transactionsEnded digest of what ending other transactions gave; 0 without any
     */
    long outcome(
            ControlHeader header,
            @Nullable Answer answer,
            @Nullable Answer released,
            List<OutsideEffect> asked,
            long transactionsEnded) {
        HashStream64 hash = stream.reset();
        Identity name = header.session();
        if (answer == null) {
            hash.putByte((byte) -1);
        } else {
            hash.putByte((byte) answer.code().code()).putByteArray(answer.body());
            Digests.put(hash, answer.entry());
            if (name.isProvisional()) {
                name = answer.entry();
            }
        }
        hash.putBoolean(released != null);
        if (released != null) {
            hash.putLong(released.requestId()).putByteArray(released.body());
        }
        hash.putInt(asked.size());
        for (OutsideEffect effect : asked) {
            hash.putString(effect.name()).putByteArray(effect.payload()).putBoolean(effect.isAtMostOnce());
        }
        hash.putLong(transactionsEnded);
        Session session = sessions.get(name);
        hash.putBoolean(session != null);
        if (session != null) {
            hash.putLong(session.lastOrdered).putLong(session.prunedUpTo).putInt(session.attach);
            hash.putLong(session.waitingRequest);
            OpenTransaction transaction = session.transactions.get(transactionOf(header));
            hash.putBoolean(transaction != null);
            if (transaction != null) {
                hash.putLong(transaction.idleNs);
                transaction.state.digestInto(hash);
            }
        }
        return hash.getAsLong();
    }

    /** Request id of the BEGIN of the transaction that the header is about. */
    static long transactionOf(ControlHeader header) {
        return header.kind() == RequestKind.BEGIN ? header.requestId() : header.transaction();
    }

    /** All of it as it is now, to be read by another thread. */
    Snapshot snapshot() {
        long[] termList = new long[terms.size() * 2];
        for (int i = 0; i < terms.size(); i++) {
            termList[2 * i] = terms.term(i);
            termList[2 * i + 1] = terms.firstPosition(i);
        }
        List<SessionSnapshot> copied = new ArrayList<>(sessions.size());
        for (Session session : sessions.values()) {
            List<TransactionSnapshot> open = new ArrayList<>(session.transactions.size());
            for (OpenTransaction t : session.transactions.values()) {
                open.add(new TransactionSnapshot(t.id(), t.state, t.lastActivityNs, t.idleNs));
            }
            copied.add(new SessionSnapshot(
                    session.name,
                    session.nonce,
                    session.attach,
                    session.lastOrdered,
                    session.prunedUpTo,
                    session.lastActivityNs,
                    session.waitingRequest,
                    session.waitingContent,
                    session.retained.toArray(),
                    open));
        }
        return new Snapshot(last, chain, lastTimeNs, marked, termList, copied, effects());
    }

    /** The state at one moment. Never changes. */
    record Snapshot(
            Identity last,
            long chain,
            long lastTimeNs,
            @Nullable MarkedRequest marked,
            long[] terms,
            List<SessionSnapshot> sessions,
            List<PendingEffect> effects) {}

    /** A session at one moment. */
    record SessionSnapshot(
            Identity name,
            long nonce,
            int attach,
            long lastOrdered,
            long prunedUpTo,
            long lastActivityNs,
            long waitingRequest,
            long waitingContent,
            RetainedAnswers.Retained[] retained,
            List<TransactionSnapshot> transactions) {}

    /** An open transaction at one moment. */
    record TransactionSnapshot(long id, TransactionState state, long lastActivityNs, long idleNs) {}
}
