package io.lockstep.distributor;

import io.lockstep.tsdstore.Execution;
import io.lockstep.tsdstore.NoRecords;
import io.lockstep.tsdstore.ReadContext;
import io.lockstep.tsdstore.Ruling;
import io.lockstep.tsdstore.TransactionContext;
import io.lockstep.tsdstore.TransactionService;
import io.lockstep.tsdstore.TsdStore;
import io.lockstep.tsdstore.TsdStoreConfig;
import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.ControlHeader;
import io.lockstep.wire.Decision;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The server's half of the session protocol, as small as it can be: a log, and what executing it gives. Two stores with
 * equal logs are equal. At every step the shipped {@link TsdStore} does the same, and must come to the same answer.
 */
final class ModelStore {
    /** One executed message. */
    record Logged(Identity identity, @Nullable Request request) {}

    private record Retained(RequestKind kind, int content, Answer answer) {}

    private static final class Session {
        final TreeMap<Long, Retained> answers = new TreeMap<>();
        final Set<Long> everOpened = new HashSet<>();
        final Set<Long> open = new HashSet<>();
        long lastOrdered;
        long prunedUpTo;
        int attach;
    }

    private final List<Logged> log = new ArrayList<>();
    private final Map<Identity, Session> sessions = new HashMap<>();
    private final Map<Identity, Answer> openings = new HashMap<>();

    private final TsdStore shipped = TsdStore.create(new Echo(), new NoRecords(), TsdStoreConfig.defaults());

    List<Logged> log() {
        return log;
    }

    int sessionCount() {
        return sessions.size();
    }

    int openTransactions() {
        return sessions.values().stream().mapToInt(s -> s.open.size()).sum();
    }

    /** The first {@code length} entries, executed again. */
    ModelStore replayed(int length) {
        ModelStore copy = new ModelStore();
        for (Logged logged : log.subList(0, length)) {
            copy.execute(logged);
        }
        return copy;
    }

    /** An answer without executing anything; null when the request is to be executed. */
    @Nullable Answer judge(Request request) {
        Answer ours = rule(request);
        Ruling ruling = shipped.judge(request);
        Answer theirs = ruling instanceof Ruling.Answered answered
                ? answered.answer()
                : ruling instanceof Ruling.Refused refused
                        ? refused.answer()
                        : request.kind() == RequestKind.READ ? shipped.read(request, log.size() * 1_000L) : null;
        checkEqual(request, ours, theirs);
        return theirs;
    }

    private static void checkEqual(@Nullable Request request, @Nullable Answer ours, @Nullable Answer theirs) {
        if (!key(ours).equals(key(theirs))) {
            throw new AssertionError(
                    "the store answers " + theirs + " where the model answers " + ours + " to " + request);
        }
    }

    private static List<Object> key(@Nullable Answer answer) {
        return answer == null
                ? List.of()
                : List.of(answer.code(), answer.entry(), answer.session(), answer.requestId());
    }

    private @Nullable Answer rule(Request request) {
        if (request.kind() == RequestKind.OPEN) {
            return openings.get(request.session());
        }
        Session session = sessions.get(request.session());
        if (session == null) {
            return refusal(request, AnswerCode.UNKNOWN_SESSION);
        }
        if (!hasSeen(request.highestSeen())) {
            return refusal(request, AnswerCode.LOG_LACKS_SEEN);
        }
        if (request.kind() == RequestKind.CLOSE && request.requestId() == 0) {
            return session.attach <= request.attach() ? null : refusal(request, AnswerCode.REFUSED);
        }
        if (request.kind() == RequestKind.READ) {
            return session.lastOrdered >= request.previousOrdered()
                    ? answerRead(request)
                    : refusal(request, AnswerCode.GAP);
        }
        if (request.requestId() <= session.lastOrdered) {
            return judgeDuplicate(session, request);
        }
        return session.lastOrdered == request.previousOrdered() ? null : refusal(request, AnswerCode.GAP);
    }

    private Answer judgeDuplicate(Session session, Request request) {
        Retained retained = session.answers.get(request.requestId());
        if (retained == null) {
            return refusal(
                    request, request.requestId() <= session.prunedUpTo ? AnswerCode.EXPIRED : AnswerCode.ID_REUSED);
        }
        boolean isSame = request.kind() == RequestKind.VOID
                || retained.kind == RequestKind.VOID
                || retained.content == content(request);
        return isSame ? retained.answer : refusal(request, AnswerCode.ID_REUSED);
    }

    /** Executes the message as the next entry; the answer, null for an entry of the active's own. */
    @Nullable Answer execute(Logged logged) {
        Answer ours = perform(logged);
        Request request = logged.request;
        Execution theirs =
                shipped.execute(header(logged), request == null ? new byte[0] : request.body(), Decision.EXECUTE);
        checkEqual(request, ours, theirs.answer());
        return theirs.answer();
    }

    private static ControlHeader header(Logged logged) {
        Identity at = logged.identity;
        Request request = logged.request;
        return request == null
                ? new ControlHeader(
                        at.term(), at.position(), Identity.NONE, 0, RequestKind.VIEW, 0, 0, 0, at.position() * 1_000, 7)
                : new ControlHeader(
                        at.term(),
                        at.position(),
                        request.session(),
                        request.requestId(),
                        request.kind(),
                        request.attach(),
                        request.transaction(),
                        request.acknowledgedUpTo(),
                        at.position() * 1_000,
                        7);
    }

    private @Nullable Answer perform(Logged logged) {
        log.add(logged);
        Request request = logged.request;
        if (request == null) {
            return null;
        }
        Identity at = logged.identity;
        if (request.kind() == RequestKind.OPEN) {
            Session session = new Session();
            session.attach = request.attach();
            sessions.put(at, session);
            Answer answer = new Answer(request.session(), 0, at, AnswerCode.OK, new byte[0]);
            openings.put(request.session(), answer);
            return answer;
        }
        Session session = Objects.requireNonNull(sessions.get(request.session()), "judged before");
        Answer answer = run(session, request, at);
        session.attach = Math.max(session.attach, request.attach());
        if (request.kind() == RequestKind.CLOSE) {
            sessions.remove(request.session());
            openings.values().removeIf(opening -> opening.entry().equals(request.session()));
            return answer;
        }
        session.lastOrdered = request.requestId();
        session.prunedUpTo = Math.max(session.prunedUpTo, request.acknowledgedUpTo());
        session.answers.headMap(session.prunedUpTo, true).clear();
        session.answers.put(request.requestId(), new Retained(request.kind(), content(request), answer));
        return answer;
    }

    private Answer run(Session session, Request request, Identity at) {
        AnswerCode code = AnswerCode.OK;
        byte[] body = new byte[0];
        switch (request.kind()) {
            case BEGIN -> {
                session.everOpened.add(request.requestId());
                session.open.add(request.requestId());
                body = echo(request);
            }
            case CONTINUE, END, ROLLBACK -> {
                if (!session.everOpened.contains(request.transaction())) {
                    code = AnswerCode.TRANSACTION_UNKNOWN;
                } else if (!session.open.contains(request.transaction())) {
                    code = AnswerCode.TRANSACTION_ENDED;
                } else {
                    body = echo(request);
                    if (request.kind() != RequestKind.CONTINUE) {
                        session.open.remove(request.transaction());
                    }
                }
            }
            case VOID -> code = AnswerCode.VOIDED;
            case DIGEST -> body = ByteBuffer.allocate(8).putLong(at.position()).array();
            default -> body = new byte[0];
        }
        return new Answer(request.session(), request.requestId(), at, code, body);
    }

    private boolean hasSeen(Identity seen) {
        return seen.equals(Identity.NONE)
                || (seen.position() <= log.size()
                        && log.get((int) seen.position() - 1).identity.equals(seen));
    }

    private Answer answerRead(Request request) {
        return new Answer(request.session(), request.requestId(), Identity.NONE, AnswerCode.OK, echo(request));
    }

    private static byte[] echo(Request request) {
        return did(request.body());
    }

    private static int content(Request request) {
        return 31 * (31 * request.kind().ordinal() + Long.hashCode(request.transaction()))
                + java.util.Arrays.hashCode(request.body());
    }

    /** Answers every message with itself. */
    private static final class Echo implements TransactionService {
        @Override
        public String name() {
            return "echo";
        }

        @Override
        public byte[] handle(TransactionContext context, byte[] message) {
            return did(message);
        }

        @Override
        public byte[] read(ReadContext context, byte[] question) {
            return did(question);
        }

        @Override
        public void onRollback(TransactionContext context) {}

        @Override
        public void onExpire(TransactionContext context) {}
    }

    private static byte[] did(byte[] message) {
        return ("did " + new String(message, StandardCharsets.UTF_8)).getBytes(StandardCharsets.UTF_8);
    }

    static Answer refusal(Request request, AnswerCode code) {
        return new Answer(
                request.session(),
                request.requestId(),
                Identity.NONE,
                code,
                ("model: " + code).getBytes(StandardCharsets.UTF_8));
    }
}
