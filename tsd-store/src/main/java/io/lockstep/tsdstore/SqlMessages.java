package io.lockstep.tsdstore;

import io.lockstep.tsdstore.sql.CopyBlock;
import io.lockstep.tsdstore.sql.GiveUp;
import io.lockstep.tsdstore.sql.Refusals;
import io.lockstep.tsdstore.sql.RunningStatements;
import io.lockstep.tsdstore.sql.SqlSessions;
import io.lockstep.tsdstore.sql.SqlStep;
import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.ControlHeader;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Invariant;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * SQL actions as messages of a session: executed, or waiting for a lock until another entry tries them again or gives
 * them up. Touched only by the lane.
 */
final class SqlMessages {
    private static final String NO_SQL =
            "this database has no SQL sessions: its service keeps everything in its transactions' state";

    private final StoreState state;
    private final @Nullable SqlSessions engine;
    /** What the entry in execution brings of a message that the active cut off; null for any other entry. */
    private byte @Nullable [] adopted;

    SqlMessages(StoreState state, @Nullable SqlSessions engine) {
        this.state = state;
        this.engine = engine;
    }

    /** The next entry's message was cut off on the active, and left that behind; null when it is executed as it is. */
    void adopt(byte @Nullable [] remains) {
        adopted = remains;
    }

    /** What runs now; null without SQL sessions. Safe from any thread. */
    @Nullable RunningStatements running() {
        return engine == null ? null : engine.running();
    }

    /** A fresh message of a session. */
    Step perform(ControlHeader header, byte[] body, Session session) {
        if (engine == null) {
            return Step.of(AnswerCode.REFUSED, NO_SQL);
        }
        byte[] remains = adopted;
        SqlStep done = remains == null
                ? engine.execute(session.name, header.requestId(), body, header.timeNs(), header.seed())
                : engine.executeCut(session.name, header.requestId(), body, header.timeNs(), header.seed(), remains);
        if (done instanceof SqlStep.Answered answered) {
            return Step.of(AnswerCode.OK, answered.reply());
        } else if (done instanceof SqlStep.CutOff cut) {
            Step step = Step.of(AnswerCode.OK, cut.reply());
            step.remains = cut.remains();
            return step;
        } else if (done instanceof SqlStep.Cancelled cancelled) {
            Step step = Step.of(AnswerCode.OK, cancelled.reply());
            step.released = release(header, session, cancelled.cancelledReply());
            return step;
        }
        Invariant.check(session.waitingRequest == 0, "two messages of a session wait", session.waitingRequest, 0);
        return Step.waiting();
    }

    /** Answers a message that changes nothing. */
    Step read(Request request) {
        return engine == null
                ? Step.of(AnswerCode.REFUSED, NO_SQL)
                : Step.of(AnswerCode.OK, engine.read(request.session(), request.requestId(), request.body()));
    }

    /** Body of the answer to a look-up by key; null when it is another read. */
    byte @Nullable [] readKey(Request request, boolean isBriefOnly) {
        return engine == null ? null : engine.readKey(request.session(), isBriefOnly, request.body());
    }

    /** Whether the session is kept for a message that takes little time for certain. */
    boolean holdIfBrief(Request request) {
        return engine != null && engine.holdIfBrief(request.session(), request.body());
    }

    void letGo(Request request) {
        if (engine != null) {
            engine.letGo(request.session());
        }
    }

    /** An entry of the active's own: another attempt of what waits, or the end of its patience. */
    Step again(ControlHeader header) {
        Session session = state.session(header.session());
        if (engine == null || session == null || session.waitingRequest != header.requestId()) {
            return Step.silent();
        }
        state.touch(session, header.timeNs());
        if (header.kind() == RequestKind.GIVE_UP) {
            return Step.old(release(header, session, engine.giveUp(session.name, GiveUp.LOCK_TIMEOUT)));
        }
        byte[] remains = adopted;
        SqlStep done = remains == null
                ? engine.retry(session.name, header.timeNs(), header.seed())
                : engine.retryCut(session.name, header.timeNs(), header.seed(), remains);
        if (done instanceof SqlStep.CutOff cut) {
            Step step = Step.old(release(header, session, cut.reply()));
            step.remains = cut.remains();
            return step;
        }
        return done instanceof SqlStep.Answered answered
                ? Step.old(release(header, session, answered.reply()))
                : Step.waiting();
    }

    /** What waited has its answer now. */
    private static Answer release(ControlHeader header, Session session, byte[] reply) {
        long requestId = session.waitingRequest;
        session.retained.put(new RetainedAnswers.Retained(
                requestId, AnswerCode.OK, reply, header.identity(), session.waitingContent));
        session.waitingRequest = 0;
        session.waitingContent = 0;
        return new Answer(session.name, requestId, header.identity(), AnswerCode.OK, reply);
    }

    /** What waits is voided or quarantined: its answer comes from whoever did that. */
    void abandon(Session session) {
        if (engine != null && session.waitingRequest != 0) {
            engine.giveUp(session.name, GiveUp.VOIDED);
            session.waitingRequest = 0;
            session.waitingContent = 0;
        }
    }

    /** The session ends, and its SQL transaction with it. */
    void close(Session session) {
        if (engine != null) {
            engine.close(session.name);
        }
    }

    /** All statements are planned anew. */
    Step replan() {
        if (engine != null) {
            engine.replan();
        }
        return Step.silent();
    }

    /** What was asked for and refused here; empty without SQL sessions. Safe from any thread. */
    Optional<Refusals> refusals() {
        return engine == null ? Optional.empty() : Optional.of(engine.refusals());
    }

    /** A transaction that no copy could hold; empty without one. */
    Optional<CopyBlock> copyBlockedBy() {
        return engine == null ? Optional.empty() : engine.copyBlockedBy();
    }

    /** Sessions whose message waits. */
    List<Identity> waitingSessions() {
        return engine == null ? List.of() : engine.waitingSessions();
    }

    /** A session whose waiting message may be tried again now; null when there is none. */
    @Nullable Identity nextReady() {
        return engine == null ? null : engine.nextReady();
    }

    /** Header time at which a waiting message must be given up; Long.MAX_VALUE when there is none. */
    long nextGiveUpNs() {
        return engine == null ? Long.MAX_VALUE : engine.nextGiveUpNs();
    }

    /** A session whose waiting message must be given up now; null when there is none. */
    @Nullable Identity nextGiveUp(long nowNs) {
        return engine == null ? null : engine.nextGiveUp(nowNs);
    }
}
