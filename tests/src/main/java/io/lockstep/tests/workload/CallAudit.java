package io.lockstep.tests.workload;

import io.lockstep.distributor.LockstepException;
import io.lockstep.examples.calls.CallAnswer;
import io.lockstep.examples.calls.CallAnswer.Books;
import io.lockstep.examples.calls.CallAnswer.Charged;
import io.lockstep.examples.calls.CallAnswer.Granted;
import io.lockstep.examples.calls.CallEnding;
import io.lockstep.examples.calls.CallLimits;
import io.lockstep.examples.calls.CallRecord;
import io.lockstep.tests.workload.LoadedCall.Fate;
import io.lockstep.tsdstore.ServiceException;
import io.lockstep.wire.Identity;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Compares the ledger with the database's books: every answer, every call record, every sum. Touched only by whoever
 * judges, when the load has ended.
 */
final class CallAudit {
    private final CallPlan plan;
    private final List<LoadedCall> calls;
    private final Problems problems;
    private final List<String> bookLines = new ArrayList<>();

    private long continued;
    private long lost;
    private long doubled;
    private boolean isBalanced;

    private long foundRecords;

    /** What the ended calls should have been charged, by their answers. */
    private long expectedCharges;

    CallAudit(CallPlan plan, List<LoadedCall> calls, Problems problems) {
        this.plan = plan;
        this.calls = calls;
        this.problems = problems;
    }

    /**
     * @param before the books before the load
     * @param unknown messages whose outcome the client could not learn: what they may have left behind is no defect
     */
    void judge(List<CallDoor> doors, @Nullable Books before, long unknown) {
        if (before == null) {
            problems.add("the load never began, so there is nothing to audit");
            return;
        }
        CallDoor office = doors.get(0);
        try {
            readRecords(office, doors, unknown);
            Books after = office.audit();
            calls.forEach(this::judge);
            balance(before, after, unknown);
        } catch (LockstepException e) {
            problems.add("the books could not be read: " + e);
            bookLines.add("the books could not be read");
        }
    }

    long continued() {
        return continued;
    }

    long lost() {
        return lost;
    }

    long doubled() {
        return doubled;
    }

    boolean isBalanced() {
        return isBalanced;
    }

    List<String> bookLines() {
        return List.copyOf(bookLines);
    }

    private void readRecords(CallDoor office, List<CallDoor> doors, long unknown) {
        long strangers = 0;
        for (int session = 0; session < doors.size(); session++) {
            Map<Long, LoadedCall> byId = new HashMap<>();
            for (LoadedCall call : calls) {
                if (call.session == session && call.answered > 0) {
                    byId.put(call.id(), call);
                }
            }
            Identity name = doors.get(session).session();
            long after = 0;
            List<CallRecord> page;
            do {
                page = office.records(name, after, CallLimits.PAGE_MAX);
                for (CallRecord record : page) {
                    after = record.call();
                    foundRecords++;
                    LoadedCall call = byId.get(record.call());
                    if (call == null) {
                        strangers++;
                        problems.add("a record of a call that was never answered as started: " + record);
                    } else {
                        call.record = record;
                    }
                }
            } while (page.size() == CallLimits.PAGE_MAX);
        }
        // A start whose outcome is unknown may have taken place; beyond those, a call took place that nobody asked for.
        doubled += Math.max(0, strangers - unknown);
    }

    private void judge(LoadedCall call) {
        try {
            int defects = defects(call);
            if (defects < 0) {
                lost++;
            } else if (defects > 0) {
                doubled++;
            } else if (call.wasOpenAtKill && call.fate == Fate.ENDED) {
                continued++;
            }
        } catch (ServiceException e) {
            lost++;
            problems.add(call + " has an answer that cannot be read: " + e.getMessage());
        }
    }

    /** Below zero when something answered is gone, above when something took place twice. */
    private int defects(LoadedCall call) throws ServiceException {
        if (call.fate == Fate.LOST) {
            return -1;
        }
        long spent = 0;
        long reserved = 0;
        int seconds = 0;
        int granted = call.fate == Fate.ENDED ? call.answered - 1 : call.answered;
        for (int stretch = 0; stretch < granted; stretch++) {
            CallAnswer answer = CallAnswer.decode(call.answers[stretch]);
            if (!(answer instanceof Granted grant)) {
                return report(call, -1, "message " + stretch + " was answered " + answer);
            }
            int length = plan.stretchSeconds(call.index, stretch);
            reserved = spent + length * grant.microsPerSecond();
            Granted expected = new Granted(grant.microsPerSecond(), length, spent, reserved);
            if (!grant.equals(expected)) {
                int sign = grant.reserved() > reserved ? 1 : -1;
                return report(call, sign, "message " + stretch + " was answered " + grant + " instead of " + expected);
            }
            spent += plan.usedSeconds(call.index, stretch) * grant.microsPerSecond();
            seconds += plan.usedSeconds(call.index, stretch);
        }
        CallRecord record = call.record;
        if (call.fate == Fate.OPEN && record != null) {
            return report(call, -1, "is open for its client, but has the record " + record);
        }
        if (call.fate != Fate.ENDED) {
            return 0;
        }
        expectedCharges += spent;
        Charged expected = new Charged(seconds, spent, reserved - spent);
        CallAnswer answer = CallAnswer.decode(call.answers[granted]);
        if (!answer.equals(expected)) {
            int sign = answer instanceof Charged charged && charged.charge() > spent ? 1 : -1;
            return report(call, sign, "was answered " + answer + " instead of " + expected);
        }
        if (record == null) {
            return report(call, -1, "was answered as ended, but has no record");
        }
        if (record.ending() != CallEnding.HUNG_UP
                || record.card() != plan.card(call.index)
                || record.seconds() != seconds
                || record.charge() != spent
                || record.contextCheck() != plan.contextCheck(call.index)) {
            return report(call, record.charge() > spent ? 1 : -1, "has a wrong record: " + record);
        }
        return 0;
    }

    private int report(LoadedCall call, int defects, String what) {
        problems.add(call + " " + what);
        return defects;
    }

    private void balance(Books before, Books after, long unknown) {
        long topUps = plan.cards() * CallPlan.TOP_UP;
        long stillOpen = calls.stream().filter(call -> call.fate == Fate.OPEN).count();
        bookLines.add("top-ups " + after.topUps() + " = balances " + after.balances() + " + reserves "
                + after.reserves() + " + charges " + after.charges());
        isBalanced = true;
        check("balances + reserves + charges", after.topUps(), after.balances() + after.reserves() + after.charges());
        check("cards", before.cards() + plan.cards(), after.cards());
        check("top-ups", before.topUps() + topUps, after.topUps());
        if (unknown > 0) {
            bookLines.add(unknown + " messages of unknown outcome: sums of calls are not compared with the ledger");
            return;
        }
        check("charges", before.charges() + expectedCharges, after.charges());
        check("call records", before.records() + foundRecords, after.records());
        check("open calls", before.openCalls() + stillOpen, after.openCalls());
        if (stillOpen == 0) {
            check("reserves", before.reserves(), after.reserves());
        }
        // Each of these is a call that took place beside those that were asked for; a lost end leaves its call open.
        doubled += Math.max(0, after.records() - before.records() - foundRecords);
        doubled += Math.max(0, after.openCalls() - before.openCalls() - stillOpen - lost);
    }

    private void check(String what, long expected, long found) {
        if (expected == found) {
            bookLines.add(what + ": " + found + ", as expected");
        } else {
            isBalanced = false;
            bookLines.add(what + ": " + found + " instead of " + expected);
        }
    }
}
