package io.lockstep.tsdstore;

import io.lockstep.tsdstore.sql.CopyBlock;
import io.lockstep.tsdstore.sql.Refusals;
import io.lockstep.tsdstore.sql.RunningStatements;
import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.ControlHeader;
import io.lockstep.wire.Decision;
import io.lockstep.wire.Entry;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Invariant;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One node's replicated state: session table, open transactions with their state, records. Changed only by executing
 * entries, so two stores at equal positions are equal. Touched only by the lane.
 *
 * <p>When a method throws anything but a {@link DivergenceException}, this node's state may be half changed: every later
 * call is refused, and the node stops.
 */
public final class TsdStore implements AutoCloseable {
    private static final int ANSWER_MAX_BYTES = 1 << 20;
    private static final int TEXT_MAX = 4096;
    private static final byte[] EMPTY = new byte[0];

    private final TransactionService service;
    private final Records records;
    private final TsdStoreConfig config;
    private final StoreState state;
    private final Judge judge;
    private final SqlMessages sql;
    /** True while an entry is executed, and for ever when that did not end or differed. */
    private boolean isClosed;

    private boolean isUnusable;

    TsdStore(TransactionService service, Records records, TsdStoreConfig config, StoreState state) {
        this.service = service;
        this.records = records;
        this.config = config;
        this.state = state;
        this.judge = new Judge(state, config);
        this.sql = new SqlMessages(state, records.sql());
    }

    /**
     * An empty store.
     *
     * @param records fresh and empty; the store closes them
     */
    public static TsdStore create(TransactionService service, Records records, TsdStoreConfig config) {
        StoreState empty = new StoreState();
        empty.chain = Digests.firstChain(records.settings());
        return new TsdStore(service, records, config, empty);
    }

    /**
     * Builds a store from a copy.
     *
     * @param records fresh and empty; closed when nothing comes of it
     */
    public static CopyInstaller installer(TransactionService service, Records records, TsdStoreConfig config) {
        return new ChunkInstaller(service, records, config);
    }

    // ---- where it stands ------------------------------------------------------------------------------------------

    /** Last entry executed. */
    public Identity last() {
        return state.last;
    }

    /** Chain digest after the last entry. */
    public long chain() {
        return state.chain;
    }

    /** Header time of the last entry; 0 before the first. */
    public long lastTimeNs() {
        return state.lastTimeNs;
    }

    /** Whether the log that made this store holds that entry; {@link Identity#NONE} is in every log. */
    public boolean hasSeen(Identity identity) {
        return state.terms.has(identity, state.last);
    }

    /** Effects to the outside that are not known to be done, in the order in which they were asked for. */
    public List<PendingEffect> pendingEffects() {
        return state.effects();
    }

    /** The message that the last entry marks, but for view entries; empty when that is no mark. */
    public Optional<MarkedRequest> mark() {
        return Optional.ofNullable(state.marked);
    }

    /** Sessions open now. */
    public int sessionCount() {
        return state.sessionCount();
    }

    /** Transactions open now. */
    public int transactionCount() {
        return state.transactionCount();
    }

    /** What SQL runs now, and how to end it; null without SQL sessions. Safe from any thread. */
    public @Nullable RunningStatements running() {
        return sql.running();
    }

    /** Whether a message that ended a process can still be barred: this store neither executed nor barred it (R17). */
    public boolean mayQuarantine(MarkedRequest message) {
        Session session = state.session(message.session());
        long expiring = message.expiringTransaction();
        if (expiring > 0) {
            return session != null && session.transactions.containsKey(expiring);
        }
        // A distributor's CLOSE has no id of its own; while its session is open, it has not been executed.
        return session != null && (message.requestId() == 0 || Judge.mayBar(session, message.requestId()));
    }

    // ---- executing ------------------------------------------------------------------------------------------------

    /**
     * What the session table says of a request, without executing it. A request that is {@link Ruling.Fresh} is to be
     * executed before the next one is judged.
     */
    public Ruling judge(Request request) {
        checkUsable();
        return judge.judge(request);
    }

    /**
     * Executes a message as the next entry.
     *
     * @param header one position on, its term and time no lower; a higher term begins with a VIEW entry
     * @throws NodeFailure this node cannot go on
     * @throws Invariant.InvariantBroken the header does not follow, or the store is unusable
     */
    public Execution execute(ControlHeader header, byte[] body, Decision decision) {
        checkUsable();
        checkFollows(header);
        isUnusable = true;
        records.begin(header.timeNs(), header.seed());
        Step step =
                switch (decision) {
                    case EXECUTE -> perform(header, body);
                    case QUARANTINE -> quarantine(header, body);
                    case CUT_OFF -> performCut(header, EntryBody.toCutOff(body));
                };
        byte[] remains = step.remains;
        Execution execution = decision == Decision.EXECUTE && remains != null
                ? conclude(header, EntryBody.ofCutOff(body, remains), Decision.CUT_OFF, step)
                : conclude(header, body, decision, step);
        isUnusable = false;
        return execution;
    }

    /**
     * Executes an entry that the active ordered, and compares.
     *
     * @throws DivergenceException its outcome differs; the store is unusable from then on
     */
    public Execution apply(Entry entry) throws DivergenceException {
        Execution ours = execute(entry.header(), entry.body(), entry.decision());
        if (ours.entry().outcome() != entry.outcome()) {
            isUnusable = true;
            throw new DivergenceException(
                    "entry " + entry + " of " + entry.header().session() + "#"
                            + entry.header().requestId() + " gave another outcome here, answered with " + ours.answer(),
                    entry.outcome(),
                    ours.entry().outcome());
        }
        if (ours.entry().chain() != entry.chain()) {
            isUnusable = true;
            throw new DivergenceException(
                    "the log that ends with entry " + entry + " is not ours",
                    entry.chain(),
                    ours.entry().chain());
        }
        return ours;
    }

    /**
     * Answers a read from the present state.
     *
     * @param timeNs header clock of the active, no lower than the last entry's
     */
    public Answer read(Request request, long timeNs) {
        checkUsable();
        Step step = request.kind() == RequestKind.SQL_READ
                ? sql.read(request)
                : guard(() -> service.read(new Reading(timeNs), request.body().clone()), records::endRead);
        return new Answer(request.session(), request.requestId(), Identity.NONE, step.code(), step.body);
    }

    /**
     * A SQL read that another thread may execute while the lane goes on; the session's next message waits for it.
     *
     * @param request judged as {@link Ruling.Fresh}
     */
    public Supplier<Answer> readBeside(Request request) {
        checkUsable();
        return reading(request);
    }

    /**
     * As {@link #readBeside}, in the middle of an execution; null when the request is no SQL read or not fresh. Called by
     * another thread, while the lane is kept within a statement ({@link RunningStatements#besideStatement}).
     */
    public @Nullable Supplier<Answer> readAmid(Request request) {
        return request.kind() == RequestKind.SQL_READ && judge.judge(request) instanceof Ruling.Fresh
                ? reading(request)
                : null;
    }

    private Supplier<Answer> reading(Request request) {
        return () -> {
            Step step = sql.read(request);
            return new Answer(request.session(), request.requestId(), Identity.NONE, step.code(), step.body);
        };
    }

    /**
     * Answers a SQL read at once if it looks up one row by its key; null when it may take longer.
     *
     * @param request judged as {@link Ruling.Fresh}
     * @param isBriefOnly only if it takes little time for certain, as was found when it was read before
     */
    public @Nullable Answer readKey(Request request, boolean isBriefOnly) {
        checkUsable();
        byte[] body = sql.readKey(request, isBriefOnly);
        return body == null
                ? null
                : new Answer(request.session(), request.requestId(), Identity.NONE, AnswerCode.OK, body);
    }

    /**
     * Whether a message of a SQL session takes little time for certain, and nobody waits for a lock that it could give back:
     * then the session is kept for it, which nobody reads from now on.
     */
    public boolean holdIfBrief(Request request) {
        checkUsable();
        return request.kind() == RequestKind.SQL && sql.holdIfBrief(request);
    }

    /** After {@link #holdIfBrief} and the execution. */
    public void letGo(Request request) {
        sql.letGo(request);
    }

    /**
     * What is to be ordered because its time is over, the earliest first; null when nothing is.
     *
     * @param nowNs header clock of the active
     */
    public @Nullable Due nextDue(long nowNs) {
        checkUsable();
        OpenTransaction transaction = state.firstDueTransaction();
        Session session = state.firstDueSession();
        long transactionDueNs = transaction == null ? Long.MAX_VALUE : transaction.dueNs();
        long sessionDueNs = session == null ? Long.MAX_VALUE : session.dueNs();
        if (sql.nextGiveUpNs() <= Math.min(nowNs, Math.min(transactionDueNs, sessionDueNs))) {
            Session waiting = waiting(sql.nextGiveUp(nowNs));
            return waiting == null ? null : new Due(RequestKind.GIVE_UP, waiting.name, 0, waiting.waitingRequest);
        }
        if (transaction != null && transactionDueNs <= nowNs && transactionDueNs <= sessionDueNs) {
            return new Due(RequestKind.EXPIRE, transaction.session(), transaction.id(), 0);
        }
        return session != null && sessionDueNs <= nowNs
                ? new Due(RequestKind.EXPIRE_SESSION, session.name, 0, 0)
                : null;
    }

    /** Header time at which a session or transaction that is due was last active: at the term's first entry or later. */
    public long activeNs(Due due) {
        Session session = Objects.requireNonNull(state.session(due.session()));
        OpenTransaction transaction = session.transactions.get(due.transaction());
        return transaction == null ? session.lastActivityNs : transaction.lastActivityNs;
    }

    /**
     * A SQL message that waited for a lock and may be tried again, because those who held it have ended; null when there
     * is none. To be ordered, as {@link RequestKind#RETRY}, before any message that is not ordered yet.
     */
    public @Nullable MarkedRequest nextRetry() {
        checkUsable();
        Session waiting = waiting(sql.nextReady());
        return waiting == null ? null : new MarkedRequest(waiting.name, waiting.waitingRequest);
    }

    /** SQL messages that wait for a lock, in no order. */
    public List<MarkedRequest> waitingMessages() {
        checkUsable();
        List<MarkedRequest> found = new ArrayList<>();
        for (Identity name : sql.waitingSessions()) {
            Session session = state.session(name);
            if (session != null) {
                found.add(new MarkedRequest(name, session.waitingRequest));
            }
        }
        return found;
    }

    private @Nullable Session waiting(@Nullable Identity name) {
        return name == null ? null : state.session(name);
    }

    /**
     * Something whose time is over.
     *
     * @param transaction its id; 0 for a session or a message
     * @param requestId of a message that waits; 0 for a session or a transaction
     */
    public record Due(RequestKind kind, Identity session, long transaction, long requestId) {
        /** What a mark or a death note calls it; null when the service is not called for it. */
        public @Nullable MarkedRequest name() {
            return kind == RequestKind.GIVE_UP ? null : MarkedRequest.expiryOf(session, transaction);
        }
    }

    /** What this node's SQL sessions asked for and were refused; empty without any. Safe from any thread. */
    public Optional<Refusals> refusals() {
        return sql.refusals();
    }

    // ---- copies ---------------------------------------------------------------------------------------------------

    /** A SQL transaction that no copy could hold, because it reads a moment of the past; empty without one. */
    public Optional<CopyBlock> copyBlockedBy() {
        return sql.copyBlockedBy();
    }

    /**
     * The whole state as it is now, for a joining node. Call between two entries, while {@link #copyBlockedBy} is empty.
     */
    public StateCopy copy() {
        checkUsable();
        return new ChunkedCopy(items(), state.last, state.chain);
    }

    /**
     * The records as they are now, to be compared with another node's beside the lane; null for records that are not
     * compared. Call between two entries.
     */
    public @Nullable StateMoment moment() {
        checkUsable();
        try {
            return records.moment(state.last, state.chain);
        } catch (SQLException e) {
            throw new NodeFailure("this node cannot read its records: " + e, e);
        }
    }

    /** Digest over the whole state; equal on all nodes at equal positions, and to that of a copy. */
    public long digest() {
        return StateItems.digest(items());
    }

    @Override
    public void close() {
        if (!isClosed) {
            isClosed = true;
            isUnusable = true;
            records.close();
        }
    }

    private StateItems items() {
        try {
            return new StateItems(state.snapshot(), records.snapshot(), service.name(), records.kind(), config);
        } catch (SQLException e) {
            throw new NodeFailure("this node cannot read its records: " + e, e);
        }
    }

    // ---- one entry, from the header on ----------------------------------------------------------------------------

    private void checkUsable() {
        Invariant.check(!isUnusable, "this store has failed, differs or is closed");
    }

    private void checkFollows(ControlHeader header) {
        Invariant.check(
                header.position() == state.last.position() + 1,
                "entry out of order",
                header.position(),
                state.last.position());
        Invariant.check(header.timeNs() >= state.lastTimeNs, "time falls", header.timeNs(), state.lastTimeNs);
        Invariant.check(
                header.kind() == RequestKind.VIEW
                        ? header.term() > state.last.term()
                        : header.term() == state.last.term(),
                "a term begins with its view entry",
                header.term(),
                state.last.term());
    }

    private Step perform(ControlHeader header, byte[] body) {
        return switch (header.kind()) {
            case OPEN -> open(header);
            case CLOSE, TOUCH, BEGIN, CONTINUE, END, ROLLBACK, VOID, DIGEST, SQL -> inSession(header, body, false);
            case RETRY, GIVE_UP -> sql.again(header);
            case VIEW -> view(header);
            case EXPIRE -> expire(header, true);
            case EXPIRE_SESSION -> expireSession(header, true);
            case EFFECT_STARTED -> {
                state.start(EntryBody.toEffect(body));
                yield Step.silent();
            }
            case EFFECT_DONE -> {
                state.done(EntryBody.toEffect(body));
                yield Step.silent();
            }
            case MARK -> Step.silent();
            case REPLAN -> sql.replan();
            case READ, SQL_READ -> throw new IllegalArgumentException("a read is not ordered");
        };
    }

    /** A message that the active cut off: what it did not do is not done here either. */
    private Step performCut(ControlHeader header, EntryBody.CutOff cut) {
        sql.adopt(cut.remains());
        try {
            return perform(header, cut.message());
        } finally {
            sql.adopt(null);
        }
    }

    /** What ended a process is not executed; what its time had come for ends all the same, without the service. */
    private Step quarantine(ControlHeader header, byte[] body) {
        return switch (header.kind()) {
            case EXPIRE -> expire(header, false);
            case EXPIRE_SESSION -> expireSession(header, false);
            case OPEN ->
                Step.old(new Answer(
                        header.session(), 0, header.identity(), AnswerCode.QUARANTINED, Judge.text(QUARANTINED)));
            case CLOSE, TOUCH, BEGIN, CONTINUE, END, ROLLBACK, VOID, DIGEST, SQL -> inSession(header, body, true);
            case VIEW, EFFECT_STARTED, EFFECT_DONE, MARK, READ, SQL_READ, RETRY, GIVE_UP, REPLAN ->
                throw new IllegalArgumentException(header.kind() + " is no message that could be quarantined");
        };
    }

    private static final String QUARANTINED =
            "this message ended a process while it was executed, so it is never executed again";

    private Execution conclude(ControlHeader header, byte[] body, Decision decision, Step step) {
        Answer answer = step.answer;
        if (answer == null && step.code != null) {
            answer = new Answer(header.session(), header.requestId(), header.identity(), step.code, step.body);
        }
        int ordinal = 0;
        for (OutsideEffect effect : step.effects) {
            EffectRunner.Key key = new EffectRunner.Key(header.session(), MessageContext.keyId(header), ordinal++);
            state.add(new PendingEffect(key, effect, header.position(), false));
        }
        long outcome = state.outcome(header, answer, step.released, step.effects, step.transactionsEnded);
        state.last = header.identity();
        state.lastTimeNs = header.timeNs();
        state.chain = Digests.chain(state.stream, state.chain, header, body, decision, outcome);
        if (header.kind() != RequestKind.VIEW) {
            // Not a view entry: who wrote it may die before it has barred what the entry before it marks.
            state.marked = header.kind() == RequestKind.MARK ? EntryBody.toMark(body) : null;
        }
        return new Execution(
                new Entry(header, body, decision, outcome, state.chain), answer, step.released, step.effects);
    }

    // ---- entries of the active's own ------------------------------------------------------------------------------

    private Step view(ControlHeader header) {
        state.terms.add(header.term(), header.position());
        if (state.last.equals(Identity.NONE)) {
            try {
                records.create(service);
            } catch (SQLException e) {
                throw new NodeFailure("service " + service.name() + " cannot create its records: " + e, e);
            }
        }
        state.touchAll(header.timeNs());
        return Step.silent();
    }

    private Step expire(ControlHeader header, boolean runsService) {
        Session session = state.session(header.session());
        OpenTransaction transaction = session == null ? null : session.transactions.get(header.transaction());
        // What is quarantined was due in a former reign, and is not in this one that has just begun.
        if (transaction == null || (runsService && transaction.dueNs() > header.timeNs())) {
            return Step.silent();
        }
        Step step = Step.silent();
        if (runsService) {
            MessageContext context = contextOf(header, transaction, false, false);
            Step done = run(context, () -> {
                service.onExpire(context);
                return EMPTY;
            });
            step.effects = done.effects;
            step.transactionsEnded = Digests.of(new byte[] {(byte) done.code().code()});
        }
        state.remove(transaction);
        return step;
    }

    private Step expireSession(ControlHeader header, boolean runsService) {
        Session session = state.session(header.session());
        if (session == null || session.dueNs() > header.timeNs()) {
            return Step.silent();
        }
        Step step = Step.silent();
        end(header, session, runsService, step);
        return step;
    }

    /** Ends a session; its open transactions are rolled back in the order of their ids, one by one. */
    private void end(ControlHeader header, Session session, boolean runsService, Step step) {
        List<OutsideEffect> effects = new ArrayList<>();
        ByteBuffer codes = ByteBuffer.allocate(session.transactions.size() * (Long.BYTES + 1));
        if (runsService) {
            for (OpenTransaction transaction : session.transactions.values()) {
                MessageContext context = contextOf(header, transaction, false, false);
                Step done = run(context, () -> {
                    service.onRollback(context);
                    return EMPTY;
                });
                effects.addAll(done.effects);
                codes.putLong(transaction.id()).put((byte) done.code().code());
            }
        }
        step.effects = effects;
        step.transactionsEnded = Digests.of(codes.array());
        sql.close(session);
        state.remove(session);
    }

    // ---- a client's messages --------------------------------------------------------------------------------------

    private Step open(ControlHeader header) {
        Session existing = state.sessionOpenedWith(header.session().position());
        if (existing != null) {
            return Step.old(Judge.opened(header.session(), existing.name));
        }
        state.add(new Session(
                header.identity(),
                header.session().position(),
                header.attach(),
                header.timeNs(),
                config.sessionIdle().toNanos()));
        return Step.old(Judge.opened(header.session(), header.identity()));
    }

    private Step inSession(ControlHeader header, byte[] body, boolean isQuarantined) {
        Session session = state.session(header.session());
        if (session == null) {
            return Step.of(AnswerCode.UNKNOWN_SESSION, "session " + header.session() + " is not open");
        }
        RequestKind kind = header.kind();
        if (kind == RequestKind.CLOSE && session.attach > header.attach() && !isQuarantined) {
            return Step.of(AnswerCode.REFUSED, Judge.STALE_CLOSE);
        }
        if (kind == RequestKind.CLOSE && header.requestId() == 0) {
            return close(header, session, isQuarantined);
        }
        long contentDigest = Judge.contentDigest(state.stream, kind, header.transaction(), body);
        boolean isActivesOwn = header.attach() == 0;
        if (isQuarantined && isActivesOwn && Judge.mayBar(session, header.requestId())) {
            return bar(header, session, contentDigest);
        }
        if (kind == RequestKind.VOID && header.requestId() == session.waitingRequest) {
            return voidWaiting(header, session, contentDigest);
        }
        if (header.requestId() <= session.lastOrdered) {
            return Step.old(Judge.repeat(session, header.requestId(), kind, contentDigest)
                    .answer());
        }
        boolean isBarred = isQuarantined || session.retained.get(header.requestId()) != null;
        if (kind == RequestKind.CLOSE) {
            return close(header, session, isBarred);
        }
        Step step = isBarred ? Step.of(AnswerCode.QUARANTINED, QUARANTINED) : performFresh(header, body, session);
        remember(header, session, step, contentDigest);
        return step;
    }

    private Step close(ControlHeader header, Session session, boolean isQuarantined) {
        Step step = isQuarantined ? Step.of(AnswerCode.QUARANTINED, QUARANTINED) : Step.of(AnswerCode.OK, EMPTY);
        end(header, session, !isQuarantined, step);
        return step;
    }

    private Step performFresh(ControlHeader header, byte[] body, Session session) {
        return switch (header.kind()) {
            case TOUCH -> Step.of(AnswerCode.OK, EMPTY);
            case VOID -> Step.of(AnswerCode.VOIDED, "voided before it was executed; it never will be");
            case DIGEST ->
                Step.of(
                        AnswerCode.OK,
                        ByteBuffer.allocate(Long.BYTES).putLong(digest()).array());
            case BEGIN -> begin(header, body, session);
            case CONTINUE, END, ROLLBACK -> withinTransaction(header, body, session);
            case SQL -> sql.perform(header, body, session);
            default -> throw new IllegalArgumentException("no message of a session: " + header.kind());
        };
    }

    private void remember(ControlHeader header, Session session, Step step, long contentDigest) {
        session.acknowledge(header.acknowledgedUpTo());
        session.lastOrdered = header.requestId();
        session.attach = Math.max(session.attach, header.attach());
        if (step.isWaiting) {
            session.waitingRequest = header.requestId();
            session.waitingContent = contentDigest;
        } else {
            session.retained.put(new RetainedAnswers.Retained(
                    header.requestId(), step.code(), step.body, header.identity(), contentDigest));
        }
        state.touch(session, header.timeNs());
    }

    private static final String VOIDED_WAITING = "voided while it waited for a lock; it had no effect and never will";

    private Step voidWaiting(ControlHeader header, Session session, long contentDigest) {
        sql.abandon(session);
        Step step = Step.of(AnswerCode.VOIDED, VOIDED_WAITING);
        session.retained.put(new RetainedAnswers.Retained(
                header.requestId(), step.code(), step.body, header.identity(), contentDigest));
        session.attach = Math.max(session.attach, header.attach());
        state.touch(session, header.timeNs());
        return step;
    }

    /**
     * Bars an id whose turn may not have come: the session's order stays as it is, because what the client sent before it
     * may be missing here, and because a read has no place in that order.
     */
    private Step bar(ControlHeader header, Session session, long contentDigest) {
        if (header.requestId() == session.waitingRequest) {
            sql.abandon(session);
        }
        Step step = Step.of(AnswerCode.QUARANTINED, QUARANTINED);
        session.retained.put(new RetainedAnswers.Retained(
                header.requestId(), step.code(), step.body, header.identity(), contentDigest));
        return step;
    }

    private Step begin(ControlHeader header, byte[] body, Session session) {
        long id = header.requestId();
        MessageContext context = new MessageContext(
                header,
                records,
                session.name,
                id,
                true,
                false,
                TransactionState.EMPTY,
                config.transactionIdle().toNanos());
        Step step = run(context, () -> service.handle(context, body.clone()));
        if (step.isOk() && !context.hasEnded()) {
            state.add(new OpenTransaction(session, id, context.state(), header.timeNs(), context.idleNs()));
        }
        return step;
    }

    /**
     * A message of a transaction that should be open. Which ids were transactions once is not kept, since it would grow
     * for ever: any id up to the session's last that is not open counts as ended, any other as unknown.
     */
    private Step withinTransaction(ControlHeader header, byte[] body, Session session) {
        OpenTransaction transaction = session.transactions.get(header.transaction());
        if (transaction == null) {
            return header.transaction() > 0 && header.transaction() <= session.lastOrdered
                    ? Step.of(
                            AnswerCode.TRANSACTION_ENDED,
                            "transaction " + header.transaction() + " has ended, was rolled back or expired")
                    : Step.of(
                            AnswerCode.TRANSACTION_UNKNOWN,
                            "transaction " + header.transaction() + " was never begun in this session");
        }
        RequestKind kind = header.kind();
        MessageContext context = contextOf(header, transaction, false, kind == RequestKind.END);
        Step step = run(context, () -> {
            if (kind == RequestKind.ROLLBACK) {
                service.onRollback(context);
                return EMPTY;
            }
            return service.handle(context, body.clone());
        });
        if (step.isOk() && (kind != RequestKind.CONTINUE || context.hasEnded())) {
            state.remove(transaction);
        } else if (step.isOk()) {
            transaction.state = context.state();
            state.touch(transaction, header.timeNs(), context.idleNs());
        } else {
            state.touch(transaction, header.timeNs(), transaction.idleNs);
        }
        return step;
    }

    private MessageContext contextOf(
            ControlHeader header, OpenTransaction transaction, boolean isFirst, boolean isTermination) {
        return new MessageContext(
                header,
                records,
                transaction.session(),
                transaction.id(),
                isFirst,
                isTermination,
                transaction.state,
                transaction.idleNs);
    }

    // ---- calling the service --------------------------------------------------------------------------------------

    /** A call of the service's code. */
    private interface Call {
        byte[] run() throws ServiceException, SQLException;
    }

    /** Undoes what a call did to the records. */
    private interface Undo {
        void run() throws SQLException;
    }

    /** Runs one message: its changes of the records are committed, or undone when it fails. */
    private Step run(MessageContext context, Call call) {
        Step step = guard(call, () -> {});
        context.finish();
        try {
            if (step.isOk()) {
                records.commit();
                step.effects = context.effects();
            } else {
                records.rollback();
            }
        } catch (SQLException e) {
            throw new NodeFailure("this node cannot end a message: " + e, e);
        }
        return step;
    }

    /** What a call gives, whatever it throws, as long as every node gets the same. */
    private Step guard(Call call, Undo always) {
        Step step;
        try {
            byte[] answer = call.run();
            step = answer.length <= ANSWER_MAX_BYTES
                    ? Step.of(AnswerCode.OK, answer.clone())
                    : Step.of(AnswerCode.SERVICE_FAILED, "the service's answer is longer than " + ANSWER_MAX_BYTES);
        } catch (ServiceException e) {
            step = Step.of(AnswerCode.SERVICE_ERROR, cut(String.valueOf(e.getMessage())));
        } catch (SQLException e) {
            NodeTrouble.check(e);
            step = Step.of(AnswerCode.SERVICE_ERROR, cut(e.getSQLState() + " " + e.getMessage()));
        } catch (NodeFailure | Invariant.InvariantBroken e) {
            throw e;
        } catch (RuntimeException e) {
            NodeTrouble.check(e);
            step = Step.of(
                    AnswerCode.SERVICE_FAILED,
                    "the service failed: " + e.getClass().getName());
        }
        try {
            always.run();
        } catch (SQLException e) {
            throw new NodeFailure("this node cannot end a message: " + e, e);
        }
        return step;
    }

    private static String cut(String text) {
        return text.length() <= TEXT_MAX ? text : text.substring(0, TEXT_MAX);
    }

    /** What a read may use. */
    private final class Reading implements ReadContext {
        private final long timeNs;

        Reading(long timeNs) {
            this.timeNs = timeNs;
        }

        @Override
        public Instant time() {
            return MessageContext.instant(timeNs);
        }

        @Override
        public Connection records() throws SQLException {
            return records.readConnection(timeNs);
        }
    }
}
