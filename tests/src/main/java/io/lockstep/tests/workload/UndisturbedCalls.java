package io.lockstep.tests.workload;

import io.lockstep.examples.calls.CallAnswer;
import io.lockstep.examples.calls.CallLimits;
import io.lockstep.examples.calls.CallQuestion;
import io.lockstep.examples.calls.CallRecord;
import io.lockstep.examples.calls.PrepaidCalls;
import io.lockstep.tests.workload.LoadedCall.Fate;
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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongBiFunction;

/**
 * The same calls once more, where nothing can go wrong: the shipped service on a fresh store in this process, fed from
 * the plan and not from the log, each message at the header time that it had. Touched by one thread.
 *
 * <p>Messages run in the order of those times, since a store's time never falls; calls do not depend on each other, so
 * how they interleave must not show.
 */
final class UndisturbedCalls {
    private static final Identity PROVISIONAL = Identity.provisional(1);

    private final CallPlan plan;
    private final List<LoadedCall> calls;
    private final List<CallDoor> doors;
    private final ToLongBiFunction<Long, Long> timeNs;
    private final List<String> differences = new ArrayList<>();

    private Identity session = PROVISIONAL;
    private long position;
    private long requestId;
    private long lastTimeNs;

    UndisturbedCalls(CallPlan plan, List<LoadedCall> calls, List<CallDoor> doors, ToLongBiFunction<Long, Long> timeNs) {
        this.plan = plan;
        this.calls = calls;
        this.doors = doors;
        this.timeNs = timeNs;
    }

    private record Step(LoadedCall call, int message, long timeNs) {}

    List<String> differences() {
        List<Step> steps = steps();
        if (steps.isEmpty()) {
            return List.of();
        }
        try (TsdStore store = TsdStore.create(new PrepaidCalls(), new H2Records(), TsdStoreConfig.defaults())) {
            lastTimeNs = steps.get(0).timeNs();
            store.execute(header(Identity.NONE, RequestKind.VIEW, 0), new byte[0], Decision.EXECUTE);
            session = execute(store, RequestKind.OPEN, 0, new byte[0]).entry();
            issueCards(store);
            Map<Long, LoadedCall> byId = new HashMap<>();
            Map<LoadedCall, Long> ids = new HashMap<>();
            for (Step step : steps) {
                lastTimeNs = step.timeNs();
                Answer answer = execute(store, step, ids);
                if (step.message() == 0) {
                    ids.put(step.call(), requestId);
                    byId.put(requestId, step.call());
                }
                compare(step, answer);
            }
            compareRecords(store, byId);
        }
        return differences;
    }

    /** Every answered message of the calls that went through, by header time. */
    private List<Step> steps() {
        List<Step> steps = new ArrayList<>();
        for (LoadedCall call : calls) {
            if (call.fate == Fate.ENDED) {
                long sessionPosition = doors.get(call.session).session().position();
                for (int message = 0; message < call.answered; message++) {
                    long time = timeNs.applyAsLong(sessionPosition, call.requestIds[message]);
                    steps.add(new Step(call, message, time));
                }
            }
        }
        steps.sort(Comparator.comparingLong(Step::timeNs)
                .thenComparingInt(step -> step.call().index)
                .thenComparingInt(Step::message));
        return steps;
    }

    private void issueCards(TsdStore store) {
        for (int issued = 0; issued < plan.cards(); issued += CallLimits.ISSUE_MAX) {
            int count = Math.min(CallLimits.ISSUE_MAX, plan.cards() - issued);
            byte[] issue = plan.issue(issued, count).encode();
            Answer answer = execute(store, RequestKind.BEGIN, requestId + 1, issue);
            if (answer.code() != AnswerCode.OK) {
                throw new IllegalStateException("cards could not be issued: " + answer);
            }
        }
    }

    private Answer execute(TsdStore store, Step step, Map<LoadedCall, Long> ids) {
        LoadedCall call = step.call();
        if (step.message() == 0) {
            byte[] start = plan.message(call.index, 0).encode();
            return execute(store, RequestKind.BEGIN, requestId + 1, start);
        }
        long transaction = ids.getOrDefault(call, 0L);
        if (step.message() == call.answered - 1) {
            byte[] hangUp = plan.hangUp(call.index, step.message()).encode();
            return execute(store, RequestKind.END, transaction, hangUp);
        }
        byte[] extend = plan.message(call.index, step.message()).encode();
        return execute(store, RequestKind.CONTINUE, transaction, extend);
    }

    private Answer execute(TsdStore store, RequestKind kind, long transaction, byte[] body) {
        if (kind != RequestKind.OPEN) {
            requestId++;
        }
        ControlHeader header = header(session, kind, transaction);
        Answer answer = store.execute(header, body, Decision.EXECUTE).answer();
        if (answer == null) {
            throw new IllegalStateException("a client's message must have an answer: " + header);
        }
        return answer;
    }

    private ControlHeader header(Identity asker, RequestKind kind, long transaction) {
        position++;
        long acknowledgedUpTo = Math.max(0, requestId - 1);
        return new ControlHeader(
                1, position, asker, requestId, kind, 1, transaction, acknowledgedUpTo, lastTimeNs, position);
    }

    private void compare(Step step, Answer undisturbed) {
        byte[] answer = step.call().answers[step.message()];
        if (undisturbed.code() != AnswerCode.OK || !Arrays.equals(undisturbed.body(), answer)) {
            differ(
                    step.call() + ", message " + step.message(),
                    HexFormat.of().formatHex(answer),
                    undisturbed.code() + " " + HexFormat.of().formatHex(undisturbed.body()));
        }
    }

    private void compareRecords(TsdStore store, Map<Long, LoadedCall> byId) {
        long after = 0;
        List<CallRecord> page;
        do {
            page = page(store, after);
            for (CallRecord undisturbed : page) {
                after = undisturbed.call();
                LoadedCall call = byId.remove(undisturbed.call());
                if (call == null) {
                    throw new IllegalStateException("a record of no call of ours: " + undisturbed);
                }
                CallRecord expected = new CallRecord(
                        doors.get(call.session).session(),
                        call.id(),
                        undisturbed.card(),
                        undisturbed.startedNs(),
                        undisturbed.endedNs(),
                        undisturbed.seconds(),
                        undisturbed.charge(),
                        undisturbed.ending(),
                        undisturbed.contextCheck());
                if (!expected.equals(call.record)) {
                    differ(call + ", record", String.valueOf(call.record), expected.toString());
                }
            }
        } while (page.size() == CallLimits.PAGE_MAX);
        byId.values().forEach(call -> differ(call + ", record", String.valueOf(call.record), "none"));
    }

    private List<CallRecord> page(TsdStore store, long after) {
        byte[] question = new CallQuestion.Records(session, after, CallLimits.PAGE_MAX).encode();
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
        Answer answer = store.read(request, lastTimeNs);
        try {
            if (answer.code() == AnswerCode.OK && CallAnswer.decode(answer.body()) instanceof CallAnswer.Page page) {
                return page.records();
            }
        } catch (ServiceException e) {
            throw new IllegalStateException("the records cannot be read: " + e.getMessage(), e);
        }
        throw new IllegalStateException("the records cannot be read: " + answer);
    }

    private void differ(String what, String disturbed, String undisturbed) {
        differences.add(what + ": " + disturbed + " with the fault, " + undisturbed + " without");
    }
}
