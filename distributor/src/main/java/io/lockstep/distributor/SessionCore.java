package io.lockstep.distributor;

import io.lockstep.distributor.LockstepException.Outcome;
import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Invariant;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The client's half of the session protocol: numbers requests, sends them, sends them again, and ends every one of them
 * by its deadline. Touched only by the thread that owns it (in a client: {@code client}); no thread, clock, socket or
 * random source inside.
 *
 * <p>It is a go-back-N sender: ids are given at the first sending and rise by one, every ordered request names the
 * ordered one before it, and a hint that a copy was not taken ({@code BUSY}, {@code GAP}, {@code NOT_ACTIVE}) has
 * everything unanswered sent again, in order, after a short pause. Shortly before its deadline a request is replaced by
 * {@code VOID} under the same id (design R10). A request whose outcome stayed unknown keeps its place as a {@code VOID}
 * until that is answered, since the ones after it name it as their predecessor.
 *
 * @param <T> what the caller knows a request by
 */
public final class SessionCore<T> {
    /** What the core wants done. Called by the core's owner, from within the method that caused it. */
    public interface Effects<T> {
        /** Hand this to today's channel; lost without harm when it breaks. */
        void send(Request request);

        /** The request goes out for the first time, under this number. */
        default void numbered(T ticket, long requestId) {}

        /** The request has ended; said once. */
        void ended(T ticket, Ending ending);

        /** The session has its name. */
        void opened(Identity session);

        /**
         * The session is over and nothing is pending; said once.
         *
         * @param problem null when it was closed as asked
         */
        void over(@Nullable Ending problem);

        /** This channel leads nowhere: leave it, and call {@link #onChannelUp} when another one is there. */
        void changeChannel(String reason);

        /** A new active was heard from for the first time. */
        void termChanged(long term);
    }

    private static final Logger LOG = LoggerFactory.getLogger(SessionCore.class);
    private static final long NEVER = Long.MAX_VALUE;

    private final SessionConfig config;
    private final Effects<T> effects;
    private final Identity provisional;
    private final Pending<T> opening;

    private SessionState state = SessionState.OPENING;
    private Identity session;
    private Identity highestSeen = Identity.NONE;
    private long term;
    private int attach;
    private boolean isChannelUp;

    /** Requests without a number, in the order in which they came. */
    private final ArrayDeque<Pending<T>> waiting = new ArrayDeque<>();
    /** Sent and unanswered; request id n is in slot n modulo length. */
    private final @Nullable Pending<T>[] window;

    /** Always: firstUnanswered <= nextId <= firstUnanswered + window. */
    private long firstUnanswered = 1;

    private long nextId = 1;
    private long lastOrderedId;
    private int orderedPending;
    private long lastOrderedSentNs;
    private boolean isTouchDue;

    /** When everything unanswered goes out again because of a hint; NEVER without one. */
    private long resendAtNs = NEVER;

    private long backOffNs;
    private long silenceNs;
    private long silentSinceNs;
    private long stallNs;
    private long stalledSinceNs;
    /** No request becomes void or ends before then. */
    private long nextDeadlineNs = NEVER;

    /**
     * @param nonce random and not 0; names the session until its opening is answered
     * @param openingTimeoutNs the opening is given up after that
     */
    @SuppressWarnings({"unchecked", "rawtypes"})
    public SessionCore(SessionConfig config, Effects<T> effects, long nonce, long openingTimeoutNs, long nowNs) {
        Invariant.check(nonce != 0, "a session's nonce is not 0");
        this.config = config;
        this.effects = effects;
        this.provisional = Identity.provisional(nonce & Long.MAX_VALUE);
        this.session = provisional;
        this.window = new Pending[Integer.highestOneBit(Math.max(1, config.windowRequests() - 1)) * 2];
        this.opening = new Pending<>(
                null, RequestKind.OPEN, 0, new byte[0], openingTimeoutNs, nowNs + openingTimeoutNs, NEVER);
        this.backOffNs = config.backOffMinNs();
        this.silenceNs = config.silenceNs();
        this.stallNs = config.stallNs();
        this.nextDeadlineNs = opening.deadlineNs;
        this.lastOrderedSentNs = nowNs;
    }

    // ---- the application's side -----------------------------------------------------------------------------------

    /**
     * Takes a request; it is sent when there is a place in the window.
     *
     * @param transaction id of its transaction, 0 outside of one and for BEGIN
     */
    public void submit(T ticket, RequestKind kind, long transaction, byte[] body, long nowNs) {
        submit(ticket, kind, transaction, body, config.timeoutNs(), nowNs);
    }

    /**
     * The same for a request that has a timeout of its own.
     *
     * @param timeoutNs 100 ms to 1 hour
     */
    public void submit(T ticket, RequestKind kind, long transaction, byte[] body, long timeoutNs, long nowNs) {
        if (state == SessionState.CLOSING || state == SessionState.ENDED) {
            effects.ended(
                    ticket,
                    Ending.failed(
                            0,
                            Outcome.NOT_EXECUTED,
                            AnswerCode.UNKNOWN_SESSION,
                            "not sent: the session is closed or lost; open a new client"));
            return;
        }
        long deadlineNs = nowNs + timeoutNs;
        Pending<T> pending = new Pending<>(
                ticket,
                kind,
                transaction,
                body,
                timeoutNs,
                deadlineNs,
                deadlineNs - SessionConfig.voidMarginNs(timeoutNs));
        if (waiting.isEmpty() && maySend()) {
            sendFirst(pending, nowNs);
        } else if (waiting.size() < config.queueMax()) {
            waiting.add(pending);
            nextDeadlineNs = Math.min(nextDeadlineNs, deadlineNs);
        } else {
            effects.ended(
                    ticket,
                    Ending.failed(
                            0,
                            Outcome.NOT_EXECUTED,
                            AnswerCode.BUSY,
                            "not sent: " + waiting.size()
                                    + " requests wait already and " + (nextId - firstUnanswered)
                                    + " are unanswered; send slower, or widen the window"));
        }
    }

    /**
     * Ends the session: what waits is ended unsent, what was sent is still answered, then {@link Effects#over}.
     *
     * @param limitNs after that the session is over in any case
     */
    public void close(long limitNs, long nowNs) {
        if (state == SessionState.OPENING) {
            end(null, nowNs);
        } else if (state == SessionState.OPEN) {
            become(SessionState.CLOSING, "asked to close");
            endWaiting(Ending.failed(0, Outcome.NOT_EXECUTED, null, "not sent: the client was closed"));
            long deadlineNs = nowNs + limitNs;
            waiting.add(new Pending<>(null, RequestKind.CLOSE, 0, new byte[0], limitNs, deadlineNs, NEVER));
            nextDeadlineNs = Math.min(nextDeadlineNs, deadlineNs);
            pump(nowNs);
        }
    }

    /** Ends the session and everything in it at once, without asking anybody: what was sent stays unknown. */
    public void abort(Ending problem) {
        if (state != SessionState.ENDED) {
            end(problem, 0);
        }
    }

    // ---- the channel's side ---------------------------------------------------------------------------------------

    /** A channel to a distributor is there: counts the attachment and sends everything unanswered again. */
    public void onChannelUp(long nowNs) {
        if (state == SessionState.ENDED) {
            return;
        }
        attach++;
        isChannelUp = true;
        stalledSinceNs = nowNs;
        isTouchDue = attach > 1;
        resendAll(nowNs);
        pump(nowNs);
    }

    /** The channel broke; requests wait for the next one. */
    public void onChannelDown() {
        isChannelUp = false;
        resendAtNs = NEVER;
    }

    /** An answer arrived; late, doubled and unasked ones do nothing. */
    public void onReply(long replyTerm, Answer answer, long nowNs) {
        if (state == SessionState.ENDED) {
            return;
        }
        if (replyTerm < term) {
            onHint(nowNs); // said in an older reign: not believed, and asked again
            return;
        }
        if (replyTerm > term) {
            term = replyTerm;
            effects.termChanged(term);
        }
        if (state == SessionState.OPENING) {
            onOpenAnswer(answer, nowNs);
        } else if (answer.session().equals(session)) {
            Pending<T> pending = pending(answer.requestId());
            if (pending != null) {
                onAnswer(pending, answer, nowNs);
                pump(nowNs);
            }
        }
    }

    /** Time passes: deadlines, repeats, signs of life. Call every few milliseconds. */
    public void tick(long nowNs) {
        if (state == SessionState.ENDED) {
            return;
        }
        if (nowNs >= nextDeadlineNs) {
            passDeadlines(nowNs);
        }
        if (state == SessionState.ENDED || !isChannelUp) {
            return;
        }
        if (nowNs >= resendAtNs) {
            resendAll(nowNs);
        } else if (isAnythingUnanswered()) {
            repeatAfterSilence(nowNs);
        }
        if (isChannelUp && state == SessionState.OPEN) {
            touchWhenIdle(nowNs);
        }
        pump(nowNs);
    }

    /** When {@link #tick} has something to do at the latest, if nothing else happens; in the past when it is due. */
    public long nextTickNs() {
        long next = nextDeadlineNs;
        if (isChannelUp && state != SessionState.ENDED) {
            if (resendAtNs != NEVER) {
                next = Math.min(next, resendAtNs);
            } else if (isAnythingUnanswered()) {
                next = Math.min(next, Math.min(silentSinceNs + silenceLimitNs(), stalledSinceNs + stallNs));
            } else {
                next = Math.min(next, lastOrderedSentNs + config.touchInterval().toNanos());
            }
        }
        return next;
    }

    // ---- what is known --------------------------------------------------------------------------------------------

    /** The session's name; provisional until it is open. */
    public Identity session() {
        return session;
    }

    /** Highest term heard of; 0 before the first answer. */
    public long term() {
        return term;
    }

    /** What the session is doing. */
    public SessionState state() {
        return state;
    }

    /** How many channels there have been. */
    public int attach() {
        return attach;
    }

    /** Ids given so far. */
    public long lastRequestId() {
        return nextId - 1;
    }

    /** Whether nothing waits and nothing is unanswered. */
    public boolean isIdle() {
        return waiting.isEmpty() && !isAnythingUnanswered();
    }

    // ---- opening --------------------------------------------------------------------------------------------------

    private void onOpenAnswer(Answer answer, long nowNs) {
        if (!answer.session().equals(provisional) || answer.requestId() != 0) {
            return;
        }
        switch (answer.code()) {
            case OK -> {
                session = answer.entry();
                see(answer.entry());
                become(SessionState.OPEN, "named " + session);
                progress(nowNs);
                effects.opened(session);
                nextDeadlineNs = nowNs; // looked at anew: requests that waited for the opening have deadlines
                pump(nowNs);
            }
            case BUSY, GAP, NOT_ACTIVE -> onHint(nowNs);
            default ->
                end(
                        Ending.failed(
                                0,
                                Outcome.NOT_EXECUTED,
                                answer.code(),
                                "the session could not be opened: " + text(answer)),
                        nowNs);
        }
    }

    // ---- sending --------------------------------------------------------------------------------------------------

    private boolean maySend() {
        return isChannelUp
                && (state == SessionState.OPEN || state == SessionState.CLOSING)
                && resendAtNs == NEVER
                && nextId - firstUnanswered < config.windowRequests();
    }

    private void pump(long nowNs) {
        while (!waiting.isEmpty() && maySend()) {
            sendFirst(waiting.remove(), nowNs);
        }
        if (isTouchDue && state == SessionState.OPEN && maySend()) {
            isTouchDue = false;
            if (orderedPending == 0) {
                touch(nowNs);
            }
        }
    }

    private void sendFirst(Pending<T> pending, long nowNs) {
        if (!isAnythingUnanswered()) {
            silentSinceNs = nowNs;
            stalledSinceNs = nowNs;
        }
        pending.id = nextId++;
        pending.previousOrdered = lastOrderedId;
        if (pending.kind.isOrdered()) {
            lastOrderedId = pending.id;
            orderedPending++;
            isTouchDue = false;
        }
        window[slot(pending.id)] = pending;
        T ticket = pending.ticket;
        if (ticket != null) {
            effects.numbered(ticket, pending.id);
        }
        nextDeadlineNs = Math.min(nextDeadlineNs, Math.min(pending.voidAtNs, pending.deadlineNs));
        send(pending, nowNs);
    }

    private void send(Pending<T> pending, long nowNs) {
        if (pending.copies == 0) {
            pending.firstSentNs = nowNs;
            pending.firstTerm = term;
            pending.firstAttach = attach;
        }
        // What goes again to the same active costs it nothing. Only what another one may have died of is to be marked
        // before it is executed (R17), and within one attachment the distributor knows that better.
        boolean isRepeated = pending.firstTerm != term || pending.firstAttach != attach;
        pending.copies++;
        if (pending.kind.isOrdered()) {
            lastOrderedSentNs = nowNs;
        }
        long leftNs = pending.hasEnded ? config.timeoutNs() : pending.deadlineNs - nowNs;
        effects.send(new Request(
                session,
                attach,
                pending.id,
                pending.isVoid ? RequestKind.VOID : pending.kind,
                pending.transaction,
                firstUnanswered - 1,
                pending.previousOrdered,
                highestSeen,
                (int) Math.max(0, leftNs / 1_000_000),
                isRepeated,
                pending.isVoid ? EMPTY : pending.body));
    }

    private static final byte[] EMPTY = new byte[0];

    private void resendAll(long nowNs) {
        resendAtNs = NEVER;
        silentSinceNs = nowNs;
        if (state == SessionState.OPENING) {
            send(opening, nowNs);
            return;
        }
        for (long id = firstUnanswered; id < nextId && isChannelUp; id++) {
            Pending<T> pending = window[slot(id)];
            if (pending != null) {
                send(pending, nowNs);
            }
        }
    }

    /** Not this copy: everything unanswered goes out again after a pause that grows while nothing is answered. */
    private void onHint(long nowNs) {
        if (isChannelUp && resendAtNs == NEVER) {
            resendAtNs = nowNs + backOffNs;
            backOffNs = Math.min(backOffNs * 2, config.backOffMaxNs());
        }
    }

    private void repeatAfterSilence(long nowNs) {
        if (nowNs - stalledSinceNs >= stallNs) {
            long silentMs = (nowNs - stalledSinceNs) / 1_000_000;
            stallNs = Math.min(stallNs * 2, Math.max(stallNs, config.timeoutNs() / 2));
            stalledSinceNs = nowNs;
            effects.changeChannel("no answer for " + silentMs + " ms");
        } else if (nowNs - silentSinceNs >= silenceLimitNs()) {
            silenceNs = Math.min(silenceNs * 2, 4 * config.silenceNs());
            resendAll(nowNs);
        }
    }

    /** While a request is being barred there is no time to lose. */
    private long silenceLimitNs() {
        Pending<T> first = state == SessionState.OPENING ? null : window[slot(firstUnanswered)];
        return first != null && first.isVoid ? Math.min(silenceNs, config.voidMarginNs() / 4) : silenceNs;
    }

    private void touchWhenIdle(long nowNs) {
        if (orderedPending == 0
                && nowNs - lastOrderedSentNs >= config.touchInterval().toNanos()
                && maySend()) {
            touch(nowNs);
        }
    }

    private void touch(long nowNs) {
        long deadlineNs = nowNs + config.timeoutNs();
        sendFirst(
                new Pending<>(
                        null,
                        RequestKind.TOUCH,
                        0,
                        EMPTY,
                        config.timeoutNs(),
                        deadlineNs,
                        deadlineNs - config.voidMarginNs()),
                nowNs);
    }

    // ---- answers --------------------------------------------------------------------------------------------------

    private void onAnswer(Pending<T> pending, Answer answer, long nowNs) {
        switch (answer.code()) {
            case OK -> {
                if (pending.kind == RequestKind.CLOSE) {
                    end(null, nowNs);
                } else {
                    settle(pending, new Ending(pending.id, answer.entry(), null, answer.code(), answer.body()), nowNs);
                }
            }
            case SERVICE_ERROR, SERVICE_FAILED -> settle(pending, answer, Outcome.REFUSED_BY_SERVICE, nowNs);
            case QUARANTINED, TRANSACTION_UNKNOWN, TRANSACTION_ENDED, ID_REUSED ->
                settle(pending, answer, Outcome.NOT_EXECUTED, nowNs);
            case VOIDED -> settle(pending, voided(pending, answer), nowNs);
            case EXPIRED -> settle(pending, answer, Outcome.UNKNOWN, nowNs);
            case BUSY, GAP, NOT_ACTIVE -> onHint(nowNs);
            case REFUSED -> onRefused(pending, answer, nowNs);
            case UNKNOWN_SESSION -> {
                if (pending.kind == RequestKind.CLOSE) {
                    end(null, nowNs);
                } else {
                    end(lost(pending, answer, nowNs), nowNs);
                }
            }
            case LOG_LACKS_SEEN -> end(lost(pending, answer, nowNs), nowNs);
        }
    }

    /** A refusal leaves no entry, but the next request names this one: its id is barred before it is given up. */
    private void onRefused(Pending<T> pending, Answer answer, long nowNs) {
        if (!pending.kind.isOrdered()) {
            settle(pending, answer, Outcome.NOT_EXECUTED, nowNs);
        } else if (pending.isVoid) {
            onHint(nowNs);
        } else {
            pending.refusal = text(answer);
            pending.isVoid = true;
            send(pending, nowNs);
        }
    }

    private Ending voided(Pending<T> pending, Answer answer) {
        String refusal = pending.refusal;
        String text = refusal != null
                ? refusal
                : "not executed: it was barred because its deadline came before its turn; send it again as a new request";
        return new Ending(
                pending.id,
                answer.entry(),
                Outcome.NOT_EXECUTED,
                refusal != null ? AnswerCode.REFUSED : answer.code(),
                text.getBytes(StandardCharsets.UTF_8));
    }

    private void settle(Pending<T> pending, Answer answer, Outcome problem, long nowNs) {
        settle(pending, new Ending(pending.id, answer.entry(), problem, answer.code(), answer.body()), nowNs);
    }

    /** The request's id is done with: frees its place, moves the window, tells the application. */
    private void settle(Pending<T> pending, Ending ending, long nowNs) {
        see(ending.entry());
        remove(pending);
        progress(nowNs);
        tell(pending, ending);
    }

    private void remove(Pending<T> pending) {
        window[slot(pending.id)] = null;
        if (pending.kind.isOrdered()) {
            orderedPending--;
        }
        while (firstUnanswered < nextId && window[slot(firstUnanswered)] == null) {
            firstUnanswered++;
        }
    }

    private void tell(Pending<T> pending, Ending ending) {
        T ticket = pending.ticket;
        if (ticket != null && !pending.hasEnded) {
            pending.hasEnded = true;
            effects.ended(ticket, ending);
        }
    }

    private void progress(long nowNs) {
        backOffNs = config.backOffMinNs();
        silenceNs = config.silenceNs();
        stallNs = config.stallNs();
        silentSinceNs = nowNs;
        stalledSinceNs = nowNs;
    }

    private void see(Identity entry) {
        if (entry.compareTo(highestSeen) > 0) {
            highestSeen = entry;
        }
    }

    // ---- deadlines ------------------------------------------------------------------------------------------------

    private void passDeadlines(long nowNs) {
        nextDeadlineNs = NEVER;
        if (state == SessionState.OPENING) {
            if (nowNs >= opening.deadlineNs) {
                end(openingTimedOut(), nowNs);
                return;
            }
            nextDeadlineNs = opening.deadlineNs;
        }
        for (long id = firstUnanswered; id < nextId && state != SessionState.ENDED; id++) {
            Pending<T> pending = window[slot(id)];
            if (pending != null && !pending.hasEnded) {
                passDeadline(pending, nowNs);
            }
        }
        while (state != SessionState.ENDED && !waiting.isEmpty()) {
            Pending<T> first = waiting.element();
            if (nowNs < first.deadlineNs) {
                nextDeadlineNs = Math.min(nextDeadlineNs, first.deadlineNs);
                break;
            }
            if (first.kind == RequestKind.CLOSE) {
                end(closeTimedOut(), nowNs);
            } else {
                waiting.remove();
                tell(
                        first,
                        Ending.failed(
                                0,
                                Outcome.NOT_EXECUTED,
                                null,
                                "not sent within " + first.timeoutNs / 1_000_000 + " ms: " + whyNotSent()));
            }
        }
    }

    private void passDeadline(Pending<T> pending, long nowNs) {
        boolean isOrdered = pending.kind.isOrdered();
        if (nowNs >= pending.deadlineNs) {
            if (pending.kind == RequestKind.CLOSE) {
                end(closeTimedOut(), nowNs);
            } else if (isOrdered) {
                tell(
                        pending,
                        Ending.failed(
                                pending.id,
                                Outcome.UNKNOWN,
                                null,
                                "no active could be reached within "
                                        + pending.timeoutNs / 1_000_000
                                        + " ms; the request may or may not have been executed, and is barred if it was not as soon as"
                                        + " one can be reached"));
                pending.hasEnded = true;
                pending.isVoid = true; // also where time jumped over the moment for it: it must not run after this
            } else {
                remove(pending);
                tell(
                        pending,
                        Ending.failed(
                                pending.id,
                                Outcome.NOT_EXECUTED,
                                null,
                                "no answer within " + pending.timeoutNs / 1_000_000
                                        + " ms; a read changes nothing, so ask again"));
            }
            return;
        }
        nextDeadlineNs = Math.min(nextDeadlineNs, pending.deadlineNs);
        if (isOrdered && !pending.isVoid) {
            if (nowNs < pending.voidAtNs) {
                nextDeadlineNs = Math.min(nextDeadlineNs, pending.voidAtNs);
            } else {
                pending.isVoid = true;
                if (isChannelUp) {
                    send(pending, nowNs);
                }
            }
        }
    }

    private String whyNotSent() {
        if (!isChannelUp) {
            return "no distributor can be reached; check the addresses, or start one";
        }
        return nextId - firstUnanswered >= config.windowRequests()
                ? "the window of " + config.windowRequests() + " requests is full; send slower, or widen it"
                : "no active takes requests; see lockstep status";
    }

    private Ending openingTimedOut() {
        String text = opening.copies == 0
                ? "no distributor could be reached; check the addresses, or start one"
                : "a distributor was reached, but no active answered; see lockstep status";
        return Ending.failed(0, Outcome.NOT_EXECUTED, null, "the session could not be opened in time: " + text);
    }

    private static Ending closeTimedOut() {
        return Ending.failed(
                0,
                Outcome.UNKNOWN,
                null,
                "the session's end was not confirmed in time; the nodes end it when its time is over");
    }

    // ---- the end --------------------------------------------------------------------------------------------------

    private Ending lost(Pending<T> cause, Answer answer, long nowNs) {
        LOG.warn("session {} lost at request {}: {}", session, cause.id, answer);
        return new Ending(cause.id, Identity.NONE, outcomeWhenLost(cause, nowNs), answer.code(), answer.body());
    }

    /**
     * The session is gone, and its retained answers with it. A request of which one copy only was sent, and that
     * recently, was definitely not executed: it would have kept the session alive.
     */
    private Outcome outcomeWhenLost(Pending<T> pending, long nowNs) {
        boolean isDefinite = !pending.kind.isOrdered()
                || pending.copies == 0
                || (pending.copies == 1
                        && nowNs - pending.firstSentNs < config.touchInterval().toNanos());
        return isDefinite ? Outcome.NOT_EXECUTED : Outcome.UNKNOWN;
    }

    private void end(@Nullable Ending problem, long nowNs) {
        become(SessionState.ENDED, problem == null ? "closed" : problem.text());
        String why = problem == null ? "the session was closed" : problem.text();
        AnswerCode code = problem == null ? null : problem.code();
        for (long id = firstUnanswered; id < nextId; id++) {
            Pending<T> pending = window[slot(id)];
            window[slot(id)] = null;
            if (pending != null && pending.ticket != null) {
                Outcome outcome = code == AnswerCode.UNKNOWN_SESSION || code == AnswerCode.LOG_LACKS_SEEN
                        ? outcomeWhenLost(pending, nowNs)
                        : pending.kind.isOrdered() ? Outcome.UNKNOWN : Outcome.NOT_EXECUTED;
                tell(pending, Ending.failed(id, outcome, code, "the session is over: " + why));
            }
        }
        firstUnanswered = nextId;
        endWaiting(Ending.failed(0, Outcome.NOT_EXECUTED, code, "not sent, since the session is over: " + why));
        effects.over(problem);
    }

    private void endWaiting(Ending ending) {
        while (!waiting.isEmpty()) {
            tell(waiting.remove(), ending);
        }
    }

    // ---- small parts ----------------------------------------------------------------------------------------------

    private void become(SessionState next, String reason) {
        if (!state.successors().contains(next)) {
            throw Invariant.broken("session went from " + state + " to " + next);
        }
        LOG.debug("session {} {} -> {} term {} attach {}: {}", session, state, next, term, attach, reason);
        state = next;
    }

    private boolean isAnythingUnanswered() {
        return state == SessionState.OPENING || firstUnanswered < nextId;
    }

    private @Nullable Pending<T> pending(long id) {
        return id >= firstUnanswered && id < nextId ? window[slot(id)] : null;
    }

    private int slot(long id) {
        return (int) (id & (window.length - 1));
    }

    private static String text(Answer answer) {
        return new String(answer.body(), StandardCharsets.UTF_8);
    }

    /** One request between the application's call and its answer. */
    private static final class Pending<T> {
        /** Null for the session's own requests. */
        final @Nullable T ticket;

        final RequestKind kind;
        final long transaction;
        final byte[] body;
        final long timeoutNs;
        final long deadlineNs;
        final long voidAtNs;
        /** 0 until it is sent. */
        long id;

        long previousOrdered;
        int copies;
        long firstSentNs;

        /** Term and attachment of the first copy. */
        long firstTerm;

        int firstAttach;
        boolean isVoid;
        /** Whether the application has been told. */
        boolean hasEnded;

        @Nullable String refusal;

        Pending(
                @Nullable T ticket,
                RequestKind kind,
                long transaction,
                byte[] body,
                long timeoutNs,
                long deadlineNs,
                long voidAtNs) {
            this.ticket = ticket;
            this.kind = kind;
            this.transaction = transaction;
            this.body = body;
            this.timeoutNs = timeoutNs;
            this.deadlineNs = deadlineNs;
            this.voidAtNs = voidAtNs;
        }
    }
}
