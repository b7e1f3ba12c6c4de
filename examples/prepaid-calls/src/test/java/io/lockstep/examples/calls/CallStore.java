package io.lockstep.examples.calls;

import io.lockstep.tsdstore.DivergenceException;
import io.lockstep.tsdstore.Execution;
import io.lockstep.tsdstore.H2Records;
import io.lockstep.tsdstore.ServiceException;
import io.lockstep.tsdstore.TsdStore;
import io.lockstep.tsdstore.TsdStoreConfig;
import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.ControlHeader;
import io.lockstep.wire.Decision;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;

/**
 * The service on a store that leads and one that follows, with one client session and a clock that is moved. Touched
 * by one thread.
 */
final class CallStore implements AutoCloseable {
    /** The session outlives every test, so that only calls expire. */
    private static final TsdStoreConfig CONFIG =
            TsdStoreConfig.defaults().withIdle(Duration.ofDays(365), Duration.ofMinutes(5));

    private final TsdStore active = TsdStore.create(new PrepaidCalls(), new H2Records(), CONFIG);
    private final TsdStore backup = TsdStore.create(new PrepaidCalls(), new H2Records(), CONFIG);
    private Instant now;
    private Identity session = Identity.provisional(17);
    private long position;
    private long requestId;

    CallStore(Instant start) {
        now = start;
        position++;
        ControlHeader view =
                new ControlHeader(1, position, Identity.NONE, 0, RequestKind.VIEW, 0, 0, 0, nowNs(), position);
        follow(active.execute(view, new byte[0], Decision.EXECUTE));
        session = execute(RequestKind.OPEN, 0, 0, new byte[0]).entry();
    }

    Identity session() {
        return session;
    }

    Instant now() {
        return now;
    }

    void pass(Duration time) {
        now = now.plus(time);
    }

    /** The request id of the latest message; of a first message, the call's id. */
    long lastRequestId() {
        return requestId;
    }

    Answer begin(CallMessage message) {
        return begin(message.encode());
    }

    Answer begin(byte[] message) {
        requestId++;
        return execute(RequestKind.BEGIN, requestId, requestId, message);
    }

    Answer send(long call, CallMessage message) {
        return send(call, message.encode());
    }

    Answer send(long call, byte[] message) {
        return execute(RequestKind.CONTINUE, ++requestId, call, message);
    }

    Answer end(long call, CallMessage message) {
        return execute(RequestKind.END, ++requestId, call, message.encode());
    }

    void rollback(long call) {
        execute(RequestKind.ROLLBACK, ++requestId, call, new byte[0]);
    }

    /** Orders what is due by now, as an active does. */
    int expireDue() {
        int count = 0;
        for (TsdStore.Due due = active.nextDue(nowNs()); due != null; due = active.nextDue(nowNs())) {
            ControlHeader header = new ControlHeader(
                    1, ++position, due.session(), 0, due.kind(), 0, due.transaction(), 0, nowNs(), position);
            follow(active.execute(header, new byte[0], Decision.EXECUTE));
            count++;
        }
        return count;
    }

    Answer ask(byte[] question) {
        Request request = new Request(
                session,
                1,
                requestId + 1,
                RequestKind.READ,
                0,
                requestId,
                requestId,
                new Identity(1, position),
                0,
                false,
                question);
        return active.read(request, nowNs());
    }

    CallAnswer.Books audit() {
        return (CallAnswer.Books) decode(ask(new CallQuestion.Audit().encode()));
    }

    CallAnswer.CardState card(long card) {
        return (CallAnswer.CardState) decode(ask(new CallQuestion.AboutCard(card).encode()));
    }

    List<CallRecord> records() {
        return ((CallAnswer.Page) decode(ask(new CallQuestion.Records(session, 0, 500).encode()))).records();
    }

    boolean isEqualToItsBackup() {
        return active.digest() == backup.digest() && active.chain() == backup.chain();
    }

    static CallAnswer decode(Answer answer) {
        if (answer.code() != AnswerCode.OK) {
            throw new AssertionError(answer.code() + ": " + text(answer));
        }
        try {
            return CallAnswer.decode(answer.body());
        } catch (ServiceException e) {
            throw new AssertionError(e);
        }
    }

    static String text(Answer answer) {
        return new String(answer.body(), StandardCharsets.UTF_8);
    }

    private Answer execute(RequestKind kind, long id, long transaction, byte[] body) {
        position++;
        ControlHeader header = new ControlHeader(
                1, position, session, id, kind, 1, transaction, Math.max(0, id - 1), nowNs(), position);
        return Objects.requireNonNull(
                follow(active.execute(header, body, Decision.EXECUTE)).answer());
    }

    private Execution follow(Execution execution) {
        try {
            backup.apply(execution.entry());
        } catch (DivergenceException e) {
            throw new AssertionError(e);
        }
        return execution;
    }

    private long nowNs() {
        return now.getEpochSecond() * 1_000_000_000L + now.getNano();
    }

    @Override
    public void close() {
        active.close();
        backup.close();
    }
}
