package io.lockstep.activenode;

import io.lockstep.tsdstore.EffectRunner;
import io.lockstep.tsdstore.EntryBody;
import io.lockstep.tsdstore.Execution;
import io.lockstep.tsdstore.MarkedRequest;
import io.lockstep.tsdstore.Ruling;
import io.lockstep.tsdstore.TsdStore;
import io.lockstep.tsdstore.sql.RunningStatements;
import io.lockstep.wire.Answer;
import io.lockstep.wire.ControlHeader;
import io.lockstep.wire.Decision;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Puts messages into one order and executes them: the only place where positions, header times and seeds are given
 * out. Touched only by the lane; clocks and chance are handed in.
 */
public final class OrderCore {
    private static final byte[] NOTHING = new byte[0];
    private static final long IDLE_NS = 1_000_000_000L;

    private final TsdStore store;
    private final long term;
    private final HeaderClock clock;
    private final LongSupplier seeds;
    /** What runs on the lane; null without SQL sessions. */
    private final @Nullable RunningStatements running;
    /** Of the execution that began last; written before it begins, for those who read beside the lane (R3). */
    private volatile long begunPosition;
    /** Header time of the term's first entry, if there was an active before: that may have died of what was last active then. */
    private long termBeganNs = Long.MIN_VALUE;

    /**
     * Begins a reign over a store that has executed everything that it holds.
     *
     * @param seeds source of the headers' random seeds
     */
    public OrderCore(TsdStore store, long term, HeaderClock clock, LongSupplier seeds) {
        this.store = store;
        this.term = term;
        this.clock = clock;
        this.seeds = seeds;
        this.running = store.running();
        this.begunPosition = store.last().position();
    }

    /**
     * Position of the last execution of which whoever has read until now can have seen something: the one that began last, or
     * the one before while that has shown nothing. Safe from any thread.
     */
    public long seenPosition() {
        RunningStatements statements = running;
        // Asked first: an execution that begins after this has not been seen either.
        boolean isUnseen = statements != null && statements.isLaneUnseen();
        long begun = begunPosition;
        return isUnseen ? begun - 1 : begun;
    }

    /** Whether it is a SQL read that may be answered from the state as it is now. */
    public boolean isFreshRead(Request request) {
        return request.kind() == RequestKind.SQL_READ && store.judge(request) instanceof Ruling.Fresh;
    }

    /**
     * Answers a fresh SQL read that looks up one row by its key; null when it may take longer.
     *
     * @param isBriefOnly only if it takes little time for certain, as was found when it was read before
     */
    public @Nullable Ordered readKey(Request request, boolean isBriefOnly) {
        Answer answer = store.readKey(request, isBriefOnly);
        return answer == null ? null : new Ordered(null, answer, store.last().position(), true);
    }

    /**
     * Whether a request takes little time for certain and leaves nobody to be tried again; then its session is kept for it
     * until {@link #letGo}.
     */
    public boolean holdIfBrief(Request request) {
        return store.holdIfBrief(request);
    }

    /** After {@link #holdIfBrief} and the execution. */
    public void letGo(Request request) {
        store.letGo(request);
    }

    /** A fresh SQL read for another thread than the lane. */
    public Supplier<Answer> readBeside(Request request) {
        return store.readBeside(request);
    }

    /** As {@link #readBeside}, while the lane is kept within a statement; null when the request must wait for its turn. */
    public @Nullable Supplier<Answer> readAmid(Request request) {
        return store.readAmid(request);
    }

    /** Orders and executes one request, or finds the answer that it had. */
    public Ordered onRequest(Request request, long monotonicNs, long wallNs) {
        Ruling ruling = store.judge(request);
        if (ruling instanceof Ruling.Answered answered) {
            return new Ordered(null, answered.answer(), answered.position(), false);
        }
        if (ruling instanceof Ruling.Refused refused) {
            return new Ordered(null, refused.answer(), store.last().position(), true);
        }
        if (ruling instanceof Ruling.Waiting) {
            return new Ordered(null, null, store.last().position(), false);
        }
        long timeNs = clock.now(monotonicNs, wallNs);
        if (!request.kind().isOrdered()) {
            Answer answer = store.read(request, timeNs);
            return new Ordered(null, answer, store.last().position(), true);
        }
        Execution execution = execute(
                request.kind(),
                request.session(),
                request.requestId(),
                request.attach(),
                request.transaction(),
                request.acknowledgedUpTo(),
                request.body(),
                Decision.EXECUTE,
                timeNs);
        return new Ordered(execution, execution.answer(), execution.entry().position(), false);
    }

    /**
     * The first message that waited for a lock and need not any more; null when there is none. It is to be tried again at
     * once, so that those who waited come before those who have just arrived.
     */
    public @Nullable MarkedRequest nextRetry() {
        return store.nextRetry();
    }

    /** Orders another attempt of {@link #nextRetry}. */
    public Execution retry(MarkedRequest waiting, long monotonicNs, long wallNs) {
        return own(
                RequestKind.RETRY,
                waiting.session(),
                waiting.requestId(),
                0,
                NOTHING,
                Decision.EXECUTE,
                monotonicNs,
                wallNs);
    }

    /**
     * Orders the term's first entry.
     *
     * @param view encoded
     */
    public Execution openTerm(byte[] view, long monotonicNs, long wallNs) {
        boolean isFirst = store.last().equals(Identity.NONE);
        Execution opening = own(RequestKind.VIEW, Identity.NONE, 0, 0, view, Decision.EXECUTE, monotonicNs, wallNs);
        if (!isFirst) {
            termBeganNs = opening.entry().header().timeNs();
        }
        return opening;
    }

    /**
     * Orders what has run out of time; null when nothing has. Call again until then. After a second without any entry it
     * orders one that expires nothing, so that a backup knows the header time to a second (R14).
     */
    public @Nullable Execution expireNext(long monotonicNs, long wallNs) {
        long timeNs = clock.now(monotonicNs, wallNs);
        TsdStore.Due due = store.nextDue(timeNs);
        if (due == null && timeNs - store.lastTimeNs() < IDLE_NS) {
            return null;
        }
        return due == null
                ? own(RequestKind.EXPIRE, Identity.NONE, 0, 0, NOTHING, Decision.EXECUTE, monotonicNs, wallNs)
                : expire(due, monotonicNs, wallNs);
    }

    /** What has run out of time, the earliest first; null when nothing has. */
    public TsdStore.@Nullable Due nextDue(long monotonicNs, long wallNs) {
        return store.nextDue(clock.now(monotonicNs, wallNs));
    }

    /** Orders what {@link #nextDue} named. */
    public Execution expire(TsdStore.Due due, long monotonicNs, long wallNs) {
        return own(
                due.kind(),
                due.session(),
                due.requestId(),
                due.transaction(),
                NOTHING,
                Decision.EXECUTE,
                monotonicNs,
                wallNs);
    }

    /**
     * Orders the mark that goes before the end of something's time, which the service is told of, if a former active may
     * have died of it (R17): then nothing of it was active in this term. Null when it needs none. The next that is executed
     * must be what is marked, when the mark is stable.
     */
    public @Nullable Execution markExpiry(TsdStore.Due due, long monotonicNs, long wallNs) {
        MarkedRequest name = due.name();
        return name == null || store.activeNs(due) > termBeganNs ? null : orderMark(name, monotonicNs, wallNs);
    }

    /**
     * Orders the mark that goes before a repeated message (R17), which may be executed only when the mark is stable;
     * null when the message needs none, because it will not be executed.
     */
    public @Nullable Execution mark(Request request, long monotonicNs, long wallNs) {
        if (!mayEndAProcess(request.kind()) || !(store.judge(request) instanceof Ruling.Fresh)) {
            return null;
        }
        return orderMark(new MarkedRequest(request.session(), request.requestId()), monotonicNs, wallNs);
    }

    /** Orders the mark that goes before another attempt of a message that waits (R17). */
    public Execution markRetry(MarkedRequest waiting, long monotonicNs, long wallNs) {
        return orderMark(waiting, monotonicNs, wallNs);
    }

    private Execution orderMark(MarkedRequest of, long monotonicNs, long wallNs) {
        return own(RequestKind.MARK, Identity.NONE, 0, 0, EntryBody.ofMark(of), Decision.EXECUTE, monotonicNs, wallNs);
    }

    /** Whether the service is called for it, so that a repeated one needs a mark. */
    public static boolean mayEndAProcess(RequestKind kind) {
        return switch (kind) {
            case BEGIN, CONTINUE, END, ROLLBACK, READ, CLOSE, SQL, SQL_READ -> true;
            case OPEN,
                    TOUCH,
                    VOID,
                    DIGEST,
                    VIEW,
                    EXPIRE,
                    EXPIRE_SESSION,
                    EFFECT_STARTED,
                    EFFECT_DONE,
                    MARK,
                    RETRY,
                    REPLAN,
                    GIVE_UP -> false;
        };
    }

    /** Bars a message that ended a process (R17); null when it was executed or barred before. */
    public @Nullable Execution quarantine(Identity session, long requestId, long monotonicNs, long wallNs) {
        MarkedRequest message = new MarkedRequest(session, requestId);
        if (!store.mayQuarantine(message)) {
            return null;
        }
        if (message.expiringTransaction() > 0) {
            // It ends, as its time has come; the service is not called for it.
            return own(
                    RequestKind.EXPIRE,
                    session,
                    0,
                    message.expiringTransaction(),
                    NOTHING,
                    Decision.QUARANTINE,
                    monotonicNs,
                    wallNs);
        }
        // Without an id it is a distributor's CLOSE: the session ends, and the service is not called for it.
        RequestKind kind = requestId == 0 ? RequestKind.CLOSE : RequestKind.VOID;
        return own(kind, session, requestId, 0, NOTHING, Decision.QUARANTINE, monotonicNs, wallNs);
    }

    /** Orders what goes before a copy of the state, so that whoever is built from it goes on as all others do. */
    public Execution beforeCopy(long monotonicNs, long wallNs) {
        return own(RequestKind.REPLAN, Identity.NONE, 0, 0, NOTHING, Decision.EXECUTE, monotonicNs, wallNs);
    }

    /** Orders that an effect to the outside is about to be run, or has been. */
    public Execution effect(RequestKind startedOrDone, EffectRunner.Key key, long monotonicNs, long wallNs) {
        return own(startedOrDone, Identity.NONE, 0, 0, EntryBody.ofEffect(key), Decision.EXECUTE, monotonicNs, wallNs);
    }

    private Execution own(
            RequestKind kind,
            Identity session,
            long requestId,
            long transaction,
            byte[] body,
            Decision decision,
            long monotonicNs,
            long wallNs) {
        return execute(kind, session, requestId, 0, transaction, 0, body, decision, clock.now(monotonicNs, wallNs));
    }

    private Execution execute(
            RequestKind kind,
            Identity session,
            long requestId,
            int attach,
            long transaction,
            long acknowledgedUpTo,
            byte[] body,
            Decision decision,
            long timeNs) {
        long position = store.last().position() + 1;
        begunPosition = position;
        return store.execute(
                new ControlHeader(
                        term,
                        position,
                        session,
                        requestId,
                        kind,
                        attach,
                        transaction,
                        acknowledgedUpTo,
                        timeNs,
                        seeds.getAsLong()),
                body,
                decision);
    }
}
