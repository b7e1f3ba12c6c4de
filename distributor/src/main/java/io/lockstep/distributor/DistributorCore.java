package io.lockstep.distributor;

import io.lockstep.distributor.HeldRequests.Held;
import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Invariant;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import io.lockstep.wire.View;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Knows the sessions, what they wait for, and who is active: holds each request until it is answered, and sends
 * everything held again when another active answers. Touched only by the thread that owns it (in a distributor:
 * {@code distributor}); no thread, clock, socket or random source inside.
 *
 * <p>Two distributors at once are normal, also for one session whose client has moved: the nodes judge duplicates, so
 * sending once more is always harmless, and an answer is always the answer of its request id.
 *
 * @param <C> a client's channel, compared by {@code equals}
 */
public final class DistributorCore<C> {
    /** What the core wants done. Called by the core's owner, from within the method that caused it. */
    public interface Effects<C> {
        /** Hand this to the node's link, which is up. */
        void sendToNode(View.Member node, Frame.Ask ask);

        /** Hand this to the client; lost without harm when its channel breaks. */
        void answerClient(C channel, Frame.Reply reply);

        /** Say goodbye to this client; {@link #onClientGone} is called for it later. */
        void closeClient(C channel, String reason);

        /** Another active is known: its link is wanted at once, if it is not up. */
        void activeNamed(long term, View.Member active);
    }

    /**
     * What a distributor knows, for its status.
     *
     * @param term highest term heard of, 0 for none
     * @param version of the view
     * @param active who is active, null when nobody is known
     * @param isReady whether requests go to it
     * @param sessions known, also those whose client has vanished
     * @param heldRequests not answered yet
     * @param heldBytes bytes of their bodies
     * @param staleFrames frames dropped because they were said in an older term or by another node than the active
     * @param staleAnswers those of them that held an answer, and no refusal: what a former active had let go before it
     *     learned that its reign is over
     * @param busyAnswers requests answered with BUSY here, before they reached a node
     */
    public record Snapshot(
            long term,
            long version,
            View.@Nullable Member active,
            boolean isReady,
            int sessions,
            int heldRequests,
            long heldBytes,
            long staleFrames,
            long staleAnswers,
            long busyAnswers) {}

    private static final Logger LOG = LoggerFactory.getLogger(DistributorCore.class);
    private static final long MS = 1_000_000;
    /** An active that others name, and that has said nothing itself, is asked after this time. */
    private static final long HEARSAY_NS = 50 * MS;
    /** Longest pause after NOT_ACTIVE of the very node that is named active. */
    private static final long HEARSAY_MAX_NS = 1_000 * MS;
    /** A held request is dropped that long after its deadline: its client has given up by then. */
    private static final long DEADLINE_SLACK_NS = 1_000 * MS;

    private static final long SWEEP_NS = 500 * MS;
    private static final int CLOSE_LIMIT_MS = 30_000;
    private static final byte[] EMPTY = new byte[0];

    private final DistributorConfig config;
    private final Effects<C> effects;

    /** By name, and by provisional name while the client may not know the other one yet. In order of arrival. */
    private final Map<Identity, Session<C>> sessions = new LinkedHashMap<>();

    private final Map<C, Set<Session<C>>> sessionsOfChannel = new HashMap<>();
    /** Sessions without a channel, by the time at which they lost it; those attached again are skipped. */
    private final ArrayDeque<Gone<C>> gone = new ArrayDeque<>();

    private final Set<View.Member> linksUp = new HashSet<>();
    /** Highest term in which a node has named itself active on its present link. */
    private final Map<View.Member, Long> ownWord = new HashMap<>();

    private ActiveLinkState state = ActiveLinkState.NOBODY_NAMED;
    private long term;
    private long version;
    private View.@Nullable Member active;
    /** From then on the active is asked even if it has said nothing itself. */
    private long askAnywayAtNs;

    private long hearsayNs = HEARSAY_NS;
    /** Counts the times at which an active became ready. */
    private int epoch;

    private int heldRequests;
    private long heldBytes;
    private long nextSweepNs;
    private long staleFrames;
    private long staleAnswers;
    private long busyAnswers;

    public DistributorCore(DistributorConfig config, Effects<C> effects) {
        this.config = config;
        this.effects = effects;
    }

    // ---- clients --------------------------------------------------------------------------------------------------

    /** A client asks. */
    public void onRequest(C channel, Request request, long nowNs) {
        String fault = faultOf(request);
        if (fault != null) {
            answer(channel, request, AnswerCode.REFUSED, fault);
            return;
        }
        if (request.kind() == RequestKind.CLOSE && request.requestId() == 0) {
            onFarewell(request, nowNs);
            return;
        }
        Session<C> session = attached(channel, request);
        if (session == null) {
            return;
        }
        dropAcknowledged(session, request.acknowledgedUpTo());
        Held held = hold(session, channel, request, nowNs);
        if (held != null && state == ActiveLinkState.READY) {
            send(session, held, nowNs);
        }
    }

    /** Its client has left the session for ever and waits for no answer, though their channel may go on. */
    private void onFarewell(Request request, long nowNs) {
        if (!sessions.containsKey(request.session()) && sessions.size() >= config.sessionsMax()) {
            return; // the nodes end it when its time is over
        }
        Session<C> session = sessions.computeIfAbsent(request.session(), Session::new);
        session.attach = Math.max(session.attach, request.attach());
        detach(session);
        if (!session.isClosing) {
            close(session, "its client has given it up", nowNs);
        }
    }

    /** A client's channel has ended; its sessions may come back on another one. */
    public void onClientGone(C channel, long nowNs) {
        Set<Session<C>> itsSessions = sessionsOfChannel.remove(channel);
        if (itsSessions != null) {
            for (Session<C> session : itsSessions) {
                session.channel = null;
                gone.add(new Gone<>(
                        session, session.attach, nowNs + config.sessionGrace().toNanos()));
            }
        }
    }

    // ---- nodes ----------------------------------------------------------------------------------------------------

    /** The link to a node is up. */
    public void onNodeUp(View.Member node, long nowNs) {
        linksUp.add(node);
        if (node.equals(active)) {
            becomeReadyIfHeard(nowNs);
        }
    }

    /** The link to a node is down; what it was asked goes out again when it or another one is active. */
    public void onNodeDown(View.Member node) {
        linksUp.remove(node);
        ownWord.remove(node);
        if (node.equals(active) && state == ActiveLinkState.READY) {
            become(ActiveLinkState.AWAITED, "link down");
        }
    }

    /** A node says who is active. What is older than what is known is dropped (I4). */
    public void onViewNotice(View.Member from, Frame.ViewNotice notice, long nowNs) {
        if (notice.term() < term || (notice.term() == term && !notice.active().equals(active))) {
            staleFrames++;
            return;
        }
        boolean isOwnWord = from.equals(notice.active());
        if (notice.term() > term) {
            if (state == ActiveLinkState.READY) {
                become(ActiveLinkState.AWAITED, "term " + notice.term() + " has begun");
            }
            term = notice.term();
            version = notice.version();
            active = notice.active();
            askAnywayAtNs = nowNs + HEARSAY_NS;
            hearsayNs = HEARSAY_NS;
            if (state == ActiveLinkState.NOBODY_NAMED) {
                become(ActiveLinkState.AWAITED, "named by " + from);
            }
            effects.activeNamed(term, notice.active());
        } else {
            version = Math.max(version, notice.version());
        }
        if (isOwnWord && linksUp.contains(from)) {
            Long before = ownWord.put(from, notice.term());
            boolean isNews = before == null || before < notice.term();
            if (isNews && state == ActiveLinkState.READY) {
                become(ActiveLinkState.AWAITED, "asked before it was ready"); // it may have refused what it got so far
            }
        }
        becomeReadyIfHeard(nowNs);
    }

    /** A node answers. Only the active of the known term is believed (I4). */
    public void onReply(View.Member from, Frame.Reply reply, long nowNs) {
        Answer answer = reply.answer();
        if (!from.equals(active) || reply.term() < term) {
            staleFrames++;
            if (answer.code().isOrdered()) {
                staleAnswers++;
            }
            return;
        }
        if (answer.code() == AnswerCode.NOT_ACTIVE) {
            onNotActive(from, nowNs);
            return;
        }
        if (reply.term() > term) {
            staleFrames++; // its notice is missing; it comes with the next greeting or change
            return;
        }
        hearsayNs = HEARSAY_NS;
        Session<C> session = sessions.get(answer.session());
        if (session != null) {
            onAnswer(session, reply, answer);
        }
    }

    /** Time passes. Call every few milliseconds. */
    public void tick(long nowNs) {
        becomeReadyIfHeard(nowNs);
        closeAbandoned(nowNs);
        if (nowNs >= nextSweepNs) {
            nextSweepNs = nowNs + SWEEP_NS;
            dropOverdue(nowNs);
        }
    }

    /** What is known now. */
    public Snapshot snapshot() {
        return new Snapshot(
                term,
                version,
                active,
                state == ActiveLinkState.READY,
                sessions.size(),
                heldRequests,
                heldBytes,
                staleFrames,
                staleAnswers,
                busyAnswers);
    }

    // ---- sessions -------------------------------------------------------------------------------------------------

    private @Nullable String faultOf(Request request) {
        boolean isOpen = request.kind() == RequestKind.OPEN;
        Identity name = request.session();
        if (!request.kind().isFromClient()) {
            return "a client may not send " + request.kind();
        }
        if (isOpen != name.isProvisional() || (!isOpen && name.term() < 1)) {
            return isOpen
                    ? "OPEN needs a provisional session name, but got " + name
                    : request.kind() + " needs the name of an open session, but got " + name;
        }
        long least = request.kind() == RequestKind.CLOSE ? 0 : 1; // without a number it is a farewell
        if (isOpen ? request.requestId() != 0 : request.requestId() < least) {
            return "request id " + request.requestId() + " is out of range for " + request.kind();
        }
        if (request.attach() < 1) {
            return "attach number " + request.attach() + " must be 1 or more";
        }
        if (request.body().length > config.heldBytesPerSessionMax()) {
            return "body of " + request.body().length + " bytes is longer than the " + config.heldBytesPerSessionMax()
                    + " bytes held for a session; send smaller messages";
        }
        return null;
    }

    /** The request's session, attached to this channel; null when the channel may not speak for it. */
    private @Nullable Session<C> attached(C channel, Request request) {
        Session<C> session = sessions.get(request.session());
        if (session == null) {
            if (sessions.size() >= config.sessionsMax()) {
                String reason =
                        "this distributor holds " + sessions.size() + " sessions and takes no more; use another one";
                // The channel stays, since it may carry others; a session that moves here comes again by itself.
                boolean isOpening = request.kind() == RequestKind.OPEN;
                answer(channel, request, isOpening ? AnswerCode.REFUSED : AnswerCode.BUSY, reason);
                return null;
            }
            session = new Session<>(request.session());
            sessions.put(request.session(), session);
        } else if (session.provisional != null && !request.session().isProvisional()) {
            sessions.remove(session.provisional);
            session.provisional = null;
        }
        if (channel.equals(session.channel)) {
            if (request.attach() != session.attach) {
                session.attach = Math.max(session.attach, request.attach());
            }
            return session;
        }
        return attach(session, channel, request) ? session : null;
    }

    private boolean attach(Session<C> session, C channel, Request request) {
        if (request.attach() < session.attach || (request.attach() == session.attach && session.channel != null)) {
            effects.closeClient(
                    channel,
                    "session " + request.session() + " has attachment " + session.attach
                            + " already; connect again with a higher number than " + request.attach());
            return false;
        }
        C before = session.channel;
        if (before != null) {
            Set<Session<C>> others = sessionsOfChannel.get(before);
            if (others != null) {
                others.remove(session);
                if (others.isEmpty()) {
                    sessionsOfChannel.remove(before);
                    effects.closeClient(before, "session " + request.session() + " is attached anew");
                }
            }
        }
        session.channel = channel;
        session.attach = request.attach();
        sessionsOfChannel.computeIfAbsent(channel, c -> new HashSet<>()).add(session);
        if (session.isClosing) {
            session.isClosing = false;
            Held close = session.held.find(0);
            if (close != null && close.request.kind() == RequestKind.CLOSE) {
                release(session, close);
            }
        }
        return true;
    }

    /** After the grace a vanished client's session is closed, once; its open transactions roll back with it. */
    private void closeAbandoned(long nowNs) {
        while (!gone.isEmpty() && nowNs >= gone.element().closeAtNs) {
            Gone<C> next = gone.remove();
            Session<C> session = next.session;
            if (session.channel != null || session.attach != next.attach || session.isClosing || session.isForgotten) {
                continue;
            }
            close(session, "its client has been gone for " + config.sessionGrace(), nowNs);
        }
    }

    /** On behalf of a client that does not. What it asked last is not asked any more. */
    private void close(Session<C> session, String reason, long nowNs) {
        releaseAll(session);
        if (session.name.isProvisional()) {
            forget(session);
            return;
        }
        LOG.info("session {} is closed: {}", session.name, reason);
        session.isClosing = true;
        Request close = new Request(
                session.name,
                session.attach,
                0,
                RequestKind.CLOSE,
                0,
                0,
                0,
                Identity.NONE,
                CLOSE_LIMIT_MS,
                false,
                EMPTY);
        Held heldClose = take(session, close, nowNs);
        if (state == ActiveLinkState.READY) {
            send(session, heldClose, nowNs);
        }
    }

    private void forget(Session<C> session) {
        session.isForgotten = true;
        sessions.remove(session.name);
        if (session.provisional != null) {
            sessions.remove(session.provisional);
        }
        detach(session);
        releaseAll(session);
    }

    private void detach(Session<C> session) {
        C channel = session.channel;
        if (channel != null) {
            Set<Session<C>> others = sessionsOfChannel.get(channel);
            if (others != null) {
                others.remove(session);
                if (others.isEmpty()) {
                    sessionsOfChannel.remove(channel);
                }
            }
            session.channel = null;
        }
    }

    // ---- holding --------------------------------------------------------------------------------------------------

    /** Keeps the request until it is answered; null when there is no room, and then it was answered with BUSY. */
    private @Nullable Held hold(Session<C> session, C channel, Request request, long nowNs) {
        Held held = session.held.find(request.requestId());
        if (held != null) {
            boolean isBarred = held.request.kind() == RequestKind.VOID && request.kind() != RequestKind.VOID;
            if (isBarred) {
                return null; // an older copy, overtaken by its VOID
            }
            heldBytes += request.body().length - held.request.body().length;
            session.held.replace(held, request, nowNs);
            return held;
        }
        // A VOID is short, resolves a request that is held elsewhere, and must not be late: it is always taken.
        if (request.kind() != RequestKind.VOID && isFullFor(session, request)) {
            Held newest = session.held.newestUnsentAfter(request.requestId());
            if (newest == null) {
                busy(channel, request);
                return null;
            }
            Request given = newest.request;
            release(session, newest);
            busy(channel, given);
            if (isFullFor(session, request)) {
                busy(channel, request);
                return null;
            }
        }
        return take(session, request, nowNs);
    }

    private boolean isFullFor(Session<C> session, Request request) {
        int bytes = request.body().length;
        return heldRequests >= config.heldRequestsMax()
                || heldBytes + bytes > config.heldBytesMax()
                || session.held.count() >= config.heldRequestsPerSessionMax()
                || session.held.bytes() + bytes > config.heldBytesPerSessionMax();
    }

    private void busy(C channel, Request request) {
        busyAnswers++;
        answer(
                channel,
                request,
                AnswerCode.BUSY,
                "this distributor holds " + heldRequests + " requests with " + heldBytes
                        + " bytes; it is sent again by itself");
    }

    private Held take(Session<C> session, Request request, long nowNs) {
        heldRequests++;
        heldBytes += request.body().length;
        return session.held.insert(request, nowNs);
    }

    private void releaseAll(Session<C> session) {
        for (Held held = session.held.first(); held != null; held = session.held.first()) {
            release(session, held);
        }
    }

    private void release(Session<C> session, Held held) {
        heldRequests--;
        heldBytes -= held.request.body().length;
        session.held.remove(held);
    }

    private void dropAcknowledged(Session<C> session, long acknowledgedUpTo) {
        Held first = session.held.first();
        while (first != null && first.request.requestId() <= acknowledgedUpTo && first.request.requestId() > 0) {
            release(session, first);
            first = session.held.first();
        }
    }

    private void dropOverdue(long nowNs) {
        for (Session<C> session : Set.copyOf(sessions.values())) {
            Held held = session.held.first();
            while (held != null) {
                Held after = held.next();
                if (nowNs - held.deadlineNs() > DEADLINE_SLACK_NS) {
                    release(session, held);
                } else if (session.isClosing && held.sentEpoch != epoch && state == ActiveLinkState.READY) {
                    send(session, held, nowNs); // it was not taken when it was sent before
                }
                held = after;
            }
            boolean isNobodysOpening = session.name.isProvisional() && session.channel != null;
            if ((session.isClosing || isNobodysOpening) && session.held.count() == 0) {
                forget(session);
            }
        }
    }

    // ---- the active -----------------------------------------------------------------------------------------------

    private void becomeReadyIfHeard(long nowNs) {
        View.Member node = active;
        if (state != ActiveLinkState.AWAITED || node == null || !linksUp.contains(node)) {
            return;
        }
        Long word = ownWord.get(node);
        if ((word != null && word == term) || nowNs >= askAnywayAtNs) {
            become(ActiveLinkState.READY, word != null ? "by its own word" : "by hearsay");
            epoch++;
            sendEverythingHeld(nowNs);
        }
    }

    /** The node that is named active says that it is not: asked again after a pause, unless another one is named. */
    private void onNotActive(View.Member from, long nowNs) {
        if (state == ActiveLinkState.READY) {
            ownWord.remove(from);
            askAnywayAtNs = nowNs + hearsayNs;
            hearsayNs = Math.min(hearsayNs * 2, HEARSAY_MAX_NS);
            become(ActiveLinkState.AWAITED, "it says that it is not active");
        }
    }

    private void sendEverythingHeld(long nowNs) {
        for (Session<C> session : sessions.values()) {
            for (Held held = session.held.first(); held != null; held = held.next()) {
                if (held.sentEpoch != epoch) {
                    send(session, held, nowNs);
                }
            }
        }
    }

    /** What a former active may have had is marked as repeated, whichever copy of it this is (R17). */
    private void send(Session<C> session, Held held, long nowNs) {
        Invariant.check(active != null && state == ActiveLinkState.READY, "sent without an active");
        View.Member node = Objects.requireNonNull(active, "checked above");
        Request request = held.request;
        if (session.sentEpoch != epoch) {
            session.sentEpoch = epoch;
            session.formerlySentUpTo = session.sentUpTo;
        }
        if (request.requestId() <= session.formerlySentUpTo) {
            request = again(request, (int) Math.max(0, (held.deadlineNs() - nowNs) / MS));
        }
        session.sentUpTo = Math.max(session.sentUpTo, request.requestId());
        held.sentEpoch = epoch;
        effects.sendToNode(node, new Frame.Ask(term, request));
    }

    private static Request again(Request request, int leftMillis) {
        return new Request(
                request.session(),
                request.attach(),
                request.requestId(),
                request.kind(),
                request.transaction(),
                request.acknowledgedUpTo(),
                request.previousOrdered(),
                request.highestSeen(),
                leftMillis,
                true,
                request.body());
    }

    private void onAnswer(Session<C> session, Frame.Reply reply, Answer answer) {
        Held held = session.held.find(answer.requestId());
        boolean isHint = answer.code() == AnswerCode.BUSY || answer.code() == AnswerCode.GAP;
        if (session.isClosing && answer.requestId() == 0) {
            if (!isHint) {
                forget(session);
            } else if (held != null) {
                held.sentEpoch = 0; // goes out again by and by
            }
            return;
        }
        boolean isClosed = held != null
                && held.request.kind() == RequestKind.CLOSE
                && (answer.code() == AnswerCode.OK || answer.code() == AnswerCode.UNKNOWN_SESSION);
        if (held != null) {
            release(session, held);
        }
        if (answer.code() == AnswerCode.OK && answer.session().isProvisional()) {
            named(session, answer);
        }
        C channel = session.channel;
        if (channel != null) {
            effects.answerClient(channel, reply);
        }
        if (isClosed || (answer.code() == AnswerCode.UNKNOWN_SESSION && session.held.count() == 0)) {
            forget(session);
        }
    }

    private void named(Session<C> session, Answer answer) {
        Identity name = answer.entry();
        if (session.name.isProvisional() && !sessions.containsKey(name)) {
            session.provisional = session.name;
            session.name = name;
            sessions.put(name, session);
        }
    }

    private void answer(C channel, Request request, AnswerCode code, String text) {
        effects.answerClient(
                channel,
                new Frame.Reply(
                        term,
                        new Answer(
                                request.session(),
                                request.requestId(),
                                Identity.NONE,
                                code,
                                text.getBytes(StandardCharsets.UTF_8))));
    }

    private void become(ActiveLinkState next, String reason) {
        Invariant.check(state.successors().contains(next), "link to the active went from " + state + " to " + next);
        LOG.info("link to the active {} -> {} term {} active {}: {}", state, next, term, active, reason);
        state = next;
    }

    /** One client conversation. */
    private static final class Session<C> {
        Identity name;
        /** Its older name, while the client may still use it. */
        @Nullable Identity provisional;

        @Nullable C channel;

        int attach;
        /** Whether its CLOSE on behalf of a vanished client is under way. */
        boolean isClosing;

        boolean isForgotten;
        /** The highest request id that went to a node, the epoch of that, and the highest that went to one before. */
        long sentUpTo = -1;

        int sentEpoch;
        long formerlySentUpTo = -1;
        final HeldRequests held = new HeldRequests();

        Session(Identity name) {
            this.name = name;
        }
    }

    /** A session that lost its channel. */
    private record Gone<C>(Session<C> session, int attach, long closeAtNs) {}
}
