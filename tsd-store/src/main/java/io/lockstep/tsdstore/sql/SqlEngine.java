package io.lockstep.tsdstore.sql;

import io.lockstep.sqlwire.SqlAction;
import io.lockstep.sqlwire.SqlCodec;
import io.lockstep.sqlwire.SqlOutcome;
import io.lockstep.sqlwire.SqlProtocolException;
import io.lockstep.sqlwire.SqlReply;
import io.lockstep.sqlwire.SqlRequest;
import io.lockstep.tsdstore.H2Session;
import io.lockstep.tsdstore.Records;
import io.lockstep.tsdstore.StateReader;
import io.lockstep.tsdstore.StateTag;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Invariant;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.h2.api.ErrorCode;
import org.h2.engine.SessionLocal;
import org.h2.engine.User;
import org.h2.message.DbException;
import org.h2.mvstore.tx.Transaction;
import org.h2.schema.Sequence;
import org.h2.util.DateTimeUtils;
import org.h2.util.TimeZoneProvider;
import org.h2.value.ValueTimestampTimeZone;
import org.jspecify.annotations.Nullable;

/**
 * SQL sessions of one node over one H2 database. Touched only by the lane, but for {@link #read}.
 *
 * <p>Each message is tried once ({@link #execute}); one that meets a lock waits in the {@link WaitingQueue} until it is
 * tried again ({@link #retry}) or given up ({@link #giveUp}). What it does is in {@link Statements}.
 */
public final class SqlEngine implements SqlSessions, AutoCloseable {
    private static final long NANOS_PER_SECOND = 1_000_000_000;

    private final SqlConfig config;
    private final SqlDatabase database;
    private final Map<Identity, SqlSession> sessions = new ConcurrentHashMap<>();
    private final Logins logins;
    private final Attempts attempts;
    private final Statements statements;
    private final Reads reads;
    private final WaitingQueue queue = new WaitingQueue();
    private final CurrentLobs lobs = new CurrentLobs();
    private final SqlCodec codec = new SqlCodec(lobs);
    private final Refusals refusals = new Refusals();
    private final RunningStatements running;
    private @Nullable EngineInstaller installer;
    private int openTransactions;

    /** A new, empty, private database. @throws io.lockstep.tsdstore.NodeFailure it cannot be made */
    public SqlEngine(SqlConfig config) {
        this.config = config;
        this.database = new SqlDatabase(config);
        Accounts accounts = new Accounts(database, this::openSessions);
        this.logins = new Logins(config, database, accounts);
        this.running = new RunningStatements(config.statementLimit());
        this.attempts = new Attempts(database, config.settings(), running);
        this.statements = new Statements(config, database, attempts, new OwnerCommands(database, attempts), accounts);
        this.reads = new Reads(config, database, refusals, running);
    }

    // ---- messages --------------------------------------------------------------------------------------------------

    @Override
    public SqlStep execute(Identity session, long requestId, byte[] body, long timeNs, long seed) {
        return execute(session, requestId, body, timeNs, seed, null);
    }

    @Override
    public SqlStep executeCut(Identity session, long requestId, byte[] body, long timeNs, long seed, byte[] remains) {
        return execute(session, requestId, body, timeNs, seed, remains(remains));
    }

    private Remains remains(byte[] bytes) {
        return Remains.of(bytes, new ValueReader(database.administrator()));
    }

    private SqlStep execute(
            Identity session, long requestId, byte[] body, long timeNs, long seed, @Nullable Remains adopted) {
        SqlSession of = sessions.computeIfAbsent(session, SqlSession::new);
        of.lock.lock();
        try {
            SqlRequest request;
            lobs.set(of.lobs);
            try {
                SqlRequest judged = of.judgedBody == body ? of.judged : null;
                request = judged == null ? codec.decodeRequest(body) : judged;
                of.judgedBody = null;
                of.judged = null;
            } catch (SqlProtocolException e) {
                return answered(
                        of,
                        new SqlOutcome.Failed(
                                "08P01", ErrorCode.CONNECTION_BROKEN_1, String.valueOf(e.getMessage()), null));
            }
            if (of.h2 == null) {
                return logIn(of, request.action(), timeNs, seed);
            }
            SqlMessage message = new SqlMessage(requestId, body, request, timeNs);
            message.adopted = adopted;
            if (of.waiting != null) {
                return besideWaiting(of, message);
            }
            return work(of, message, timeNs, seed);
        } finally {
            of.lock.unlock();
        }
    }

    @Override
    public SqlStep retry(Identity session, long timeNs, long seed) {
        return retry(session, timeNs, seed, null);
    }

    @Override
    public SqlStep retryCut(Identity session, long timeNs, long seed, byte[] remains) {
        return retry(session, timeNs, seed, remains(remains));
    }

    private SqlStep retry(Identity session, long timeNs, long seed, @Nullable Remains adopted) {
        SqlSession of = sessions.get(session);
        SqlMessage message = of == null ? null : of.waiting;
        if (of == null || message == null) {
            throw new IllegalStateException("nothing of session " + session + " waits");
        }
        message.adopted = adopted;
        of.lock.lock();
        try {
            lobs.set(of.lobs);
            return work(of, message, timeNs, seed);
        } finally {
            of.lock.unlock();
        }
    }

    @Override
    public byte[] giveUp(Identity session, GiveUp reason) {
        SqlSession of = sessions.get(session);
        SqlMessage message = of == null ? null : of.waiting;
        if (of == null || message == null) {
            throw new IllegalStateException("nothing of session " + session + " waits");
        }
        of.lock.lock();
        try {
            lobs.set(of.lobs);
            return giveUp(of, message, reason);
        } finally {
            of.lock.unlock();
        }
    }

    @Override
    public byte[] read(Identity session, long requestId, byte[] body) {
        return reads.read(sessions.get(session), requestId, body);
    }

    @Override
    public RunningStatements running() {
        return running;
    }

    @Override
    public byte @Nullable [] readKey(Identity session, boolean isBriefOnly, byte[] body) {
        return reads.readKey(sessions.get(session), isBriefOnly, body);
    }

    @Override
    public boolean holdIfBrief(Identity session, byte[] body) {
        SqlSession of = queue.isEmpty() && BriefMessages.isShort(body) ? sessions.get(session) : null;
        if (of == null || !of.lock.tryLock()) {
            return false;
        }
        boolean isBrief = false;
        try {
            lobs.set(of.lobs);
            SqlRequest request = codec.decodeRequest(body);
            isBrief = BriefMessages.isBrief(of, request);
            of.judgedBody = isBrief ? body : null;
            of.judged = isBrief ? request : null;
        } catch (SqlProtocolException e) {
            return false; // it is told in its turn
        } finally {
            if (!isBrief) {
                of.lock.unlock();
            }
        }
        return isBrief;
    }

    @Override
    public void letGo(Identity session) {
        Objects.requireNonNull(sessions.get(session), "held").lock.unlock();
    }

    @Override
    public void close(Identity session) {
        SqlSession of = sessions.remove(session);
        if (of == null) {
            return;
        }
        of.lock.lock();
        try {
            queue.remove(session);
            of.waiting = null;
            SessionLocal h2 = of.h2;
            if (h2 != null) {
                h2.lock();
                try {
                    h2.rollback();
                    attempts.closed(of);
                    h2.close();
                } finally {
                    h2.unlock();
                }
                of.h2 = null;
            }
            of.statements.clear();
            of.deferred.clear();
            of.results.clear();
            of.resultBytes = 0;
            of.lobs.forget();
            if (of.isTransactionCounted) {
                openTransactions--;
            }
            released(of, true);
            running.forget(session);
        } finally {
            of.lock.unlock();
        }
    }

    // ---- waiting ---------------------------------------------------------------------------------------------------

    /** Sessions whose waiting message may be tried again now, in the order in which they came. */
    public List<Identity> ready() {
        return queue.ready();
    }

    @Override
    public List<Identity> waitingSessions() {
        return sessions.values().stream()
                .filter(each -> each.waiting != null)
                .map(each -> each.name)
                .toList();
    }

    @Override
    public @Nullable Identity nextReady() {
        return queue.nextReady();
    }

    @Override
    public long nextGiveUpNs() {
        return queue.nextGiveUpNs();
    }

    @Override
    public @Nullable Identity nextGiveUp(long nowNs) {
        return queue.nextGiveUp(nowNs);
    }

    /** Request id of the session's waiting message; 0 when none waits. */
    public long waitingRequest(Identity session) {
        SqlSession of = sessions.get(session);
        return of == null || of.waiting == null ? 0 : of.waiting.requestId;
    }

    @Override
    public Refusals refusals() {
        return refusals;
    }

    /** The administrator's session. */
    SessionLocal administrator() {
        return database.administrator();
    }

    private int openSessions(User user) {
        return (int) sessions.values().stream()
                .filter(each -> each.h2 != null && each.h2.getUser().equals(user))
                .count();
    }

    /** All sequences of the schemas. */
    List<Sequence> sequences() {
        return SqlSnapshot.userSchemas(database.database()).stream()
                .flatMap(each -> each.getAllSequences().stream())
                .toList();
    }

    /** SQL transactions open now. */
    public int openTransactions() {
        return openTransactions;
    }

    // ---- copies ----------------------------------------------------------------------------------------------------

    /**
     * The whole engine as it is now; call between two messages, with no session for which {@link #copyBlockedBy} is
     * there, but for a digest. Equal on all nodes at equal positions.
     */
    public Records.Snapshot snapshot() {
        return new EngineSnapshot(database, config, sessions.values(), queue);
    }

    /** Tables and sequences as they are now; call between two messages. */
    public TablesMoment moment() {
        return new TablesMoment("sessions", database.database());
    }

    /**
     * Takes one item that a snapshot wrote, in the same order, into an engine that has executed nothing.
     *
     * @throws IllegalArgumentException it does not fit
     */
    public void install(StateTag tag, StateReader item) {
        if (installer == null) {
            installer = new EngineInstaller(database, config, sessions);
        }
        installer.install(tag, item);
    }

    /** All items have been taken. */
    public void installed() {
        EngineInstaller of = installer;
        installer = null;
        if (of != null) {
            of.finish(queue);
            for (SqlSession session : sessions.values()) {
                if (session.h2 != null) {
                    attempts.adopted(session);
                    session.isTransactionCounted = H2Fields.transaction(session.h2) != null;
                    session.isLongTransaction = true; // nobody here knows what it has done
                    openTransactions += session.isTransactionCounted ? 1 : 0;
                }
            }
        }
    }

    @Override
    public Optional<CopyBlock> copyBlockedBy() {
        return sessions.values().stream()
                .filter(each -> each.h2 != null && SqlSnapshot.isFixedInTime(each.h2))
                .map(each -> new CopyBlock(each.name, each.transactionSinceNs))
                .min(Comparator.comparingLong(CopyBlock::sinceNs).thenComparing(CopyBlock::session));
    }

    @Override
    public void replan() {
        for (SqlSession session : sessions.values()) {
            for (SqlStatement statement : session.statements.values()) {
                statement.command = null;
            }
            for (Deferred deferred : session.deferred) {
                deferred.statement().command = null;
            }
            SqlMessage waiting = session.waiting;
            if (waiting != null && waiting.statement != null) {
                waiting.statement.command = null;
            }
        }
    }

    @Override
    public void close() {
        reads.close();
        database.close();
    }

    // ---- one attempt -----------------------------------------------------------------------------------------------

    private SqlStep logIn(SqlSession session, SqlAction action, long timeNs, long seed) {
        String schema = null;
        String timeZone = null;
        SqlOutcome outcome = logins.perform(session, action, seed);
        SessionLocal h2 = session.h2;
        if (h2 != null) {
            attempts.opened(session);
            schema = h2.getCurrentSchemaName();
            timeZone = h2.currentTimeZone().getId();
        }
        Invariant.check(timeNs >= 0, "header time is after 1970");
        return new SqlStep.Answered(codec.encode(new SqlReply(true, false, schema, timeZone, outcome)));
    }

    /** While a message waits, the only other one that its session may send is a cancellation. */
    private SqlStep besideWaiting(SqlSession session, SqlMessage message) {
        SqlMessage waiting = session.waiting;
        if (waiting != null
                && message.request.action() instanceof SqlAction.Cancel cancel
                && (cancel.requestId() == 0 || cancel.requestId() == waiting.requestId)) {
            byte[] cancelled = giveUp(session, waiting, GiveUp.CANCELLED);
            return new SqlStep.Cancelled(reply(session, new SqlOutcome.Done(), null, null), cancelled);
        }
        return answered(
                session,
                message.request.action() instanceof SqlAction.Cancel
                        ? new SqlOutcome.Done()
                        : new SqlOutcome.Failed(
                                "08P01",
                                ErrorCode.CONNECTION_BROKEN_1,
                                "an earlier message of this session still waits for a lock",
                                null));
    }

    private SqlStep work(SqlSession session, SqlMessage message, long timeNs, long seed) {
        session.lastTimeNs = timeNs;
        SessionLocal h2 = session.h2();
        String schema = h2.getCurrentSchemaName();
        TimeZoneProvider timeZone = h2.currentTimeZone();
        Transaction before = H2Fields.transaction(h2);
        boolean isRetry = session.waiting != null;
        long place = queue.placeOf(session.name);
        if (isRetry) {
            queue.remove(session.name);
            session.waiting = null;
        }
        Statements.Progress progress;
        SqlOutcome.Failed cut = null;
        int cutAt = 0;
        session.executing = message;
        session.hasCommitted = false;
        session.isLongTransaction &= before != null || !session.deferred.isEmpty();
        running.begin(running.lane(), message, session.name, statements.timeoutNs(session, message, timeNs));
        H2Session.seed(h2, seed);
        try {
            progress = openTransactions >= config.openTransactionsMax() && isOneMore(session, message)
                    ? Statements.Progress.of(SqlErrors.limit("This would be one SQL transaction more than the "
                            + config.openTransactionsMax()
                            + " that may be open at a time, the setting open-transactions-max"))
                    : statements.perform(session, message, time(timeNs, timeZone));
            Conflict conflict = progress.conflict();
            if (conflict != null) {
                List<Identity> holders =
                        conflict.holders().stream().map(each -> each.name).toList();
                if (!queue.isDeadlock(session.name, holders, conflict.needsAll())) {
                    await(session, message, conflict, holders, place, timeNs);
                    settle(session, before, isRetry);
                    return new SqlStep.Waiting(holders);
                }
                progress = Statements.Progress.of(statements.deadlock(session, message, conflict));
            }
            statements.finish(session, message, progress.outcome());
            count(message.request.action(), progress.outcome());
        } catch (CutOff e) {
            cut = failure(message);
            cutAt = message.done;
            progress = Statements.Progress.of(statements.cutOff(message, cut));
            statements.finish(session, message, progress.outcome());
        } finally {
            running.end(running.lane());
            session.executing = null;
            H2Session.end();
        }
        byte[] remains = cut == null ? null : remains(session, message, cutAt, cut);
        settle(session, before, isRetry || progress.hasRolledBack());
        byte[] reply = reply(session, progress.outcome(), schema, timeZone);
        return remains == null ? new SqlStep.Answered(reply) : new SqlStep.CutOff(reply, remains);
    }

    private SqlOutcome.Failed failure(SqlMessage message) {
        Remains adopted = message.adopted;
        CutReason reason = message.cut;
        return adopted != null
                ? adopted.failure()
                : statements.failure(message, reason == null ? CutReason.CANCELLED : reason);
    }

    /** What a message that was cut off leaves behind: found here on the active, taken over on the others. */
    private byte[] remains(SqlSession session, SqlMessage message, int cutAt, SqlOutcome.Failed failure) {
        Remains adopted = message.adopted;
        if (adopted != null) {
            adopted.applyTo(database.database(), session.h2());
            return new byte[0];
        }
        return Remains.of(database.database(), session.h2(), cutAt, failure).toBytes(database.database());
    }

    /** A statement counts when it has come to an end; one that is only prepared counts when that is its end. */
    private void count(SqlAction action, SqlOutcome outcome) {
        SqlOutcome.Failed refused =
                outcome instanceof SqlOutcome.Failed failed && Refusals.isRefusal(failed) ? failed : null;
        if (refused != null || action instanceof SqlAction.Execute || action instanceof SqlAction.Batch) {
            refusals.asked();
        }
        if (refused != null) {
            refusals.refused(refused);
        }
    }

    private boolean isOneMore(SqlSession session, SqlMessage message) {
        return !session.isTransactionCounted
                && !message.request.isAutoCommit()
                && (message.request.action() instanceof SqlAction.Execute
                        || message.request.action() instanceof SqlAction.Batch);
    }

    private void await(
            SqlSession session,
            SqlMessage message,
            Conflict conflict,
            List<Identity> holders,
            long place,
            long timeNs) {
        session.waiting = message;
        statements.await(session, message, conflict, timeNs);
        queue.add(session.name, place, conflict.row(), holders, conflict.needsAll(), message.giveUpNs);
    }

    private byte[] giveUp(SqlSession session, SqlMessage message, GiveUp reason) {
        SessionLocal h2 = session.h2();
        Transaction before = H2Fields.transaction(h2);
        queue.remove(session.name);
        session.waiting = null;
        SqlOutcome outcome = statements.givenUp(message, reason);
        statements.finish(session, message, outcome);
        settle(session, before, true);
        return reply(session, outcome, h2.getCurrentSchemaName(), h2.currentTimeZone());
    }

    /** After a session's turn: counts its transaction, and those who wait for it may go on. */
    private void settle(SqlSession session, @Nullable Transaction before, boolean hasLetGo) {
        Transaction after = H2Fields.transaction(session.h2());
        boolean isOpen = after != null;
        if (isOpen != session.isTransactionCounted) {
            session.isTransactionCounted = isOpen;
            openTransactions += isOpen ? 1 : -1;
        }
        boolean isEnded = before != after;
        if (isOpen && isEnded) {
            session.transactionSinceNs = session.lastTimeNs;
        }
        if (isEnded || hasLetGo) {
            released(session, isEnded);
        }
    }

    private void released(SqlSession session, boolean isEnded) {
        if (!queue.isEmpty() && queue.isAwaited(session.name)) {
            queue.released(session.name, isEnded, this::holderOf);
        }
    }

    private @Nullable Identity holderOf(RowName row) {
        SqlSession holder = attempts.holderOf(row);
        return holder == null ? null : holder.name;
    }

    // ---- answers ---------------------------------------------------------------------------------------------------

    private SqlStep answered(SqlSession session, SqlOutcome outcome) {
        SessionLocal h2 = session.h2;
        if (h2 == null) {
            return new SqlStep.Answered(codec.encode(new SqlReply(true, false, null, null, outcome)));
        }
        return new SqlStep.Answered(reply(session, outcome, h2.getCurrentSchemaName(), h2.currentTimeZone()));
    }

    /** @param schema and time zone as the client knows them; null when it does not */
    private byte[] reply(
            SqlSession session, SqlOutcome outcome, @Nullable String schema, @Nullable TimeZoneProvider timeZone) {
        SessionLocal h2 = session.h2();
        String newSchema = h2.getCurrentSchemaName();
        TimeZoneProvider newZone = h2.currentTimeZone();
        boolean isInTransaction = H2Fields.transaction(h2) != null || !session.deferred.isEmpty();
        String toldSchema = newSchema.equals(schema) ? null : newSchema;
        String toldZone = newZone.equals(timeZone) ? null : newZone.getId();
        try {
            return codec.encode(new SqlReply(h2.getAutoCommit(), isInTransaction, toldSchema, toldZone, outcome));
        } catch (DbException | IllegalArgumentException e) {
            // A value that does not travel, or a large object that is gone: the statement has been executed all the
            // same.
            SqlOutcome failed = SqlErrors.outcome(e, null);
            return codec.encode(new SqlReply(h2.getAutoCommit(), isInTransaction, toldSchema, toldZone, failed));
        }
    }

    private static ValueTimestampTimeZone time(long timeNs, TimeZoneProvider zone) {
        Instant instant =
                Instant.ofEpochSecond(Math.floorDiv(timeNs, NANOS_PER_SECOND), Math.floorMod(timeNs, NANOS_PER_SECOND));
        return DateTimeUtils.currentTimestamp(zone, instant);
    }

    /** H2's failure as a client sees it. */
    static SqlOutcome.Failed failed(DbException failure) {
        return SqlErrors.outcome(failure, null);
    }
}
