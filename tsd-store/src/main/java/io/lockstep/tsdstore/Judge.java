package io.lockstep.tsdstore;

import com.dynatrace.hash4j.hashing.HashStream64;
import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Rules on requests by the session table, changing nothing (rules R9 and R10). Touched only by the lane. */
final class Judge {
    private static final int EFFECTS_MAX = 65_536;

    private final StoreState state;
    private final TsdStoreConfig config;

    Judge(StoreState state, TsdStoreConfig config) {
        this.state = state;
        this.config = config;
    }

    Ruling judge(Request request) {
        String malformed = malformed(request);
        if (malformed != null) {
            return refused(request, AnswerCode.REFUSED, malformed);
        }
        if (!state.terms.has(request.highestSeen(), state.last)) {
            return refused(
                    request,
                    AnswerCode.LOG_LACKS_SEEN,
                    "the client has seen entry " + request.highestSeen() + ", which is not in this log up to "
                            + state.last + "; ask the operator which copy is the right one");
        }
        if (request.kind() == RequestKind.OPEN) {
            return judgeOpen(request);
        }
        Session session = state.session(request.session());
        if (session == null) {
            return refused(
                    request,
                    AnswerCode.UNKNOWN_SESSION,
                    "session " + request.session() + " was closed, has expired or never was; open a new one");
        }
        return request.kind().isOrdered() ? judgeOrdered(session, request) : judgeRead(session, request);
    }

    private Ruling judgeOpen(Request request) {
        Session session = state.sessionOpenedWith(request.session().position());
        if (session != null) {
            return new Ruling.Answered(opened(request.session(), session.name), session.name.position());
        }
        if (state.sessionCount() >= config.sessionsMax()) {
            return refused(
                    request,
                    AnswerCode.BUSY,
                    config.sessionsMax() + " sessions are open; close some or raise sessionsMax");
        }
        if (state.retainedBytes() >= config.retainedTotalMaxBytes()) {
            return refused(request, AnswerCode.BUSY, tooMuchRetained());
        }
        return Ruling.Fresh.INSTANCE;
    }

    private Ruling judgeRead(Session session, Request request) {
        RetainedAnswers.Retained barred = session.retained.get(request.requestId());
        if (barred != null && barred.code() == AnswerCode.QUARANTINED) {
            return new Ruling.Answered(
                    new Answer(session.name, request.requestId(), barred.entry(), barred.code(), barred.body()),
                    barred.entry().position());
        }
        return session.lastOrdered >= request.previousOrdered() ? Ruling.Fresh.INSTANCE : gap(session, request);
    }

    private Ruling judgeOrdered(Session session, Request request) {
        if (request.kind() == RequestKind.CLOSE && session.attach > request.attach()) {
            return refused(request, AnswerCode.REFUSED, STALE_CLOSE);
        }
        if (request.requestId() == 0) {
            return Ruling.Fresh.INSTANCE;
        }
        if (request.requestId() == session.waitingRequest) {
            return judgeWaiting(session, request);
        }
        if (request.requestId() <= session.lastOrdered) {
            return judgeRepeated(session, request);
        }
        if (session.lastOrdered != request.previousOrdered()) {
            return gap(session, request);
        }
        return judgeRoom(session, request);
    }

    private static Ruling judgeWaiting(Session session, Request request) {
        if (request.kind() == RequestKind.VOID) {
            return Ruling.Fresh.INSTANCE;
        }
        return session.waitingContent == contentDigest(request.kind(), request.transaction(), request.body())
                ? Ruling.Waiting.INSTANCE
                : new Ruling.Refused(reused(session, request.requestId()));
    }

    private static Ruling judgeRepeated(Session session, Request request) {
        Repeat repeat = repeat(
                session,
                request.requestId(),
                request.kind(),
                contentDigest(request.kind(), request.transaction(), request.body()));
        return repeat.isRetained
                ? new Ruling.Answered(repeat.answer, repeat.answer.entry().position())
                : new Ruling.Refused(repeat.answer);
    }

    private Ruling judgeRoom(Session session, Request request) {
        long upTo = Math.min(request.acknowledgedUpTo(), session.lastOrdered);
        if (session.retained.sizeAfter(upTo) >= config.retainedMax()
                || session.retained.bytesAfter(upTo) >= config.retainedMaxBytes()) {
            return refused(
                    request,
                    AnswerCode.BUSY,
                    "session " + session.name + " has " + session.retained.sizeAfter(upTo)
                            + " answers that its client has not acknowledged; acknowledge them first");
        }
        long retained = state.retainedBytes();
        boolean isAnyRetained = session.retained.sizeAfter(upTo) > 0;
        if (retained >= (isAnyRetained ? 1 : 2) * config.retainedTotalMaxBytes() && !isShortAnswered(request.kind())) {
            return refused(request, AnswerCode.BUSY, tooMuchRetained());
        }
        if (request.kind() == RequestKind.BEGIN && state.transactionCount() >= config.transactionsMax()) {
            return refused(
                    request,
                    AnswerCode.BUSY,
                    config.transactionsMax() + " transactions are open; end some or raise transactionsMax");
        }
        if (state.effectCount() >= EFFECTS_MAX && !request.kind().equals(RequestKind.TOUCH)) {
            return refused(
                    request, AnswerCode.BUSY, EFFECTS_MAX + " effects to the outside wait to be run; try again later");
        }
        return Ruling.Fresh.INSTANCE;
    }

    /** What a client can always do about it: say what it has, end what it has no more use for. */
    private static boolean isShortAnswered(RequestKind kind) {
        return kind == RequestKind.TOUCH || kind == RequestKind.CLOSE || kind == RequestKind.VOID;
    }

    private String tooMuchRetained() {
        return "answers that their clients have not acknowledged have " + state.retainedBytes()
                + " bytes in all sessions,"
                + " and this node keeps " + config.retainedTotalMaxBytes()
                + ", a quarter of its heap; acknowledge answers,"
                + " close sessions, or give the nodes more heap; try again later";
    }

    private static @Nullable String malformed(Request request) {
        RequestKind kind = request.kind();
        if (!kind.isFromClient()) {
            return "a client may not send " + kind;
        }
        if (request.attach() < 1) {
            return "attach counts from 1, was " + request.attach();
        }
        if (kind == RequestKind.OPEN) {
            return request.session().isProvisional() && request.requestId() == 0 && request.body().length == 0
                    ? null
                    : "OPEN needs a provisional session, request id 0 and an empty body";
        }
        if (request.session().isProvisional() || request.session().equals(Identity.NONE)) {
            return kind + " needs the name of a session that was opened";
        }
        if (kind == RequestKind.CLOSE && request.requestId() == 0) {
            return null;
        }
        if (request.requestId() < 1) {
            return "request ids count from 1, was " + request.requestId();
        }
        if (request.acknowledgedUpTo() < 0 || request.acknowledgedUpTo() >= request.requestId()) {
            return "acknowledged up to " + request.acknowledgedUpTo() + " is not before " + request.requestId();
        }
        if (request.previousOrdered() < 0 || request.previousOrdered() >= request.requestId()) {
            return "previous ordered " + request.previousOrdered() + " is not before " + request.requestId();
        }
        return null;
    }

    private static Ruling gap(Session session, Request request) {
        return refused(
                request,
                AnswerCode.GAP,
                "request " + request.requestId() + " follows " + request.previousOrdered()
                        + ", but the last one here is " + session.lastOrdered + "; send again from there");
    }

    private static Ruling refused(Request request, AnswerCode code, String text) {
        return new Ruling.Refused(new Answer(request.session(), request.requestId(), Identity.NONE, code, text(text)));
    }

    /** Whether a message that ended a process can still be barred (R17): it was neither executed nor acknowledged. */
    static boolean mayBar(Session session, long requestId) {
        return requestId > session.prunedUpTo && session.retained.get(requestId) == null;
    }

    // ---- shared with execution, which judges again (rule R9) ------------------------------------------------------

    static final String STALE_CLOSE = "a later connection of this session is attached, so it stays open";

    /**
     * What a request with an id that was taken before gets.
     *
     * @param isRetained whether it is the first one's answer
     */
    record Repeat(Answer answer, boolean isRetained) {}

    static Repeat repeat(Session session, long requestId, RequestKind kind, long contentDigest) {
        if (requestId <= session.prunedUpTo) {
            return new Repeat(
                    refusal(session, requestId, AnswerCode.EXPIRED, "the answer was acknowledged and is gone"), false);
        }
        RetainedAnswers.Retained retained = session.retained.get(requestId);
        if (retained == null) {
            return new Repeat(
                    refusal(
                            session,
                            requestId,
                            AnswerCode.ID_REUSED,
                            "id " + requestId + " was passed over or used for a read; ids only rise"),
                    false);
        }
        boolean isSame = kind == RequestKind.VOID
                || retained.code() == AnswerCode.VOIDED
                || retained.code() == AnswerCode.QUARANTINED
                || retained.contentDigest() == contentDigest;
        return isSame
                ? new Repeat(
                        new Answer(session.name, requestId, retained.entry(), retained.code(), retained.body()), true)
                : new Repeat(reused(session, requestId), false);
    }

    private static Answer reused(Session session, long requestId) {
        return refusal(
                session,
                requestId,
                AnswerCode.ID_REUSED,
                "id " + requestId + " was used for another message; nothing was executed");
    }

    static Answer opened(Identity provisional, Identity name) {
        return new Answer(provisional, 0, name, AnswerCode.OK, new byte[0]);
    }

    static long contentDigest(RequestKind kind, long transaction, byte[] body) {
        return contentDigest(Digests.start(), kind, transaction, body);
    }

    /** @param stream may have been used before */
    static long contentDigest(HashStream64 stream, RequestKind kind, long transaction, byte[] body) {
        return stream.reset()
                .putByte((byte) kind.code())
                .putLong(transaction)
                .putByteArray(body)
                .getAsLong();
    }

    static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static Answer refusal(Session session, long requestId, AnswerCode code, String text) {
        return new Answer(session.name, requestId, Identity.NONE, code, text(text));
    }
}
