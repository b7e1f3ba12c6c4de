package io.lockstep.tests.simulation;

import io.lockstep.distributor.Ending;
import io.lockstep.distributor.LockstepException.Outcome;
import io.lockstep.tests.checkers.Violation;
import io.lockstep.tests.simulation.ModelSql.Act;
import io.lockstep.tests.simulation.ModelSql.Reply;
import io.lockstep.tests.workload.ListHistory;
import io.lockstep.tests.workload.SqlTransaction;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.RequestKind;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * What one client does in its SQL session: one transaction after the other, one message at a time, now and then a
 * cancellation beside one that waits. Touched only by the schedule's thread.
 */
final class SqlApplication {
    private static final long CANCEL_AFTER_NS = 150 * Scheduler.MS;

    private final SimClient client;
    private final Simulation simulation;
    private final Scheduler scheduler;
    private final SplittableRandom random;
    private @Nullable Open open;
    private long asked;
    private boolean isOver;

    /** One message of a transaction. */
    record Asked(Open of, RequestKind kind, Act act, int list, long value, long number, long sentNs) {}

    /** One transaction as the client believes it to be. */
    static final class Open {
        final SqlTransaction end;
        final ListHistory.Transaction history;
        final List<Long> appended = new ArrayList<>();
        int saved;
        boolean isGivenUp;
        boolean isCancelSent;

        Open(SqlTransaction end) {
            this.end = end;
            this.history = new ListHistory.Transaction(end);
        }
    }

    SqlApplication(SimClient client, Simulation simulation) {
        this.client = client;
        this.simulation = simulation;
        this.scheduler = simulation.scheduler;
        this.random = simulation.workRandom;
    }

    /** Begins a transaction, unless the client stops or has one. */
    void begin() {
        if (client.isAlive() && !client.isStopping() && !isOver && open == null) {
            Open next = new Open(new SqlTransaction(simulation.nextTransaction()));
            open = next;
            simulation.began(next.history, next.end);
            step(next);
        }
    }

    boolean isIdle() {
        return open == null;
    }

    /** The session is over, or the client died. */
    void over() {
        isOver = true;
        open = null;
    }

    private void step(Open of) {
        int what = random.nextInt(20);
        int list = random.nextInt(ModelSql.LISTS);
        boolean isEnough = client.isStopping() || of.appended.size() > 4;
        if (of.isGivenUp) {
            ask(of, RequestKind.SQL, Act.ROLLBACK, list);
        } else if (isEnough || what >= 17) {
            ask(of, RequestKind.SQL, what == 19 ? Act.ROLLBACK : Act.COMMIT, list);
        } else if (what < 9) {
            ask(of, RequestKind.SQL, Act.APPEND, list);
        } else if (what < 13) {
            ask(of, what < 11 ? RequestKind.SQL : RequestKind.SQL_READ, Act.READ, list);
        } else {
            ask(
                    of,
                    RequestKind.SQL,
                    what == 13 ? Act.FAIL : what == 14 ? Act.SAVE : what == 15 ? Act.BACK : Act.APPEND,
                    list);
        }
    }

    private void ask(Open of, RequestKind kind, Act act, int list) {
        long value = simulation.nextValue();
        long number = ++asked;
        if (act == Act.COMMIT) {
            of.end.commitSentNs = scheduler.now();
        }
        client.submit(
                new Asked(of, kind, act, list, value, number, scheduler.now()), ModelSql.message(act, list, value));
        if (act == Act.APPEND && random.nextInt(4) == 0) {
            scheduler.after(random.nextLong(CANCEL_AFTER_NS), () -> cancel(of, number));
        }
    }

    /** The message is still unanswered: perhaps it waits. */
    private void cancel(Open of, long number) {
        if (client.isAlive() && !isOver && open == of && asked == number && !of.isGivenUp && !of.isCancelSent) {
            of.isCancelSent = true;
            client.submit(
                    new Asked(of, RequestKind.SQL, Act.CANCEL, 0, 0, number, scheduler.now()),
                    ModelSql.message(Act.CANCEL, 0, 0));
        }
    }

    private void goOn(Open of) {
        if (simulation.isDark()) {
            over();
            return;
        }
        scheduler.after(simulation.thinkNs() / 2, () -> {
            if (client.isAlive() && !isOver && open == of) {
                step(of);
            }
        });
    }

    private void ended(Open of, SqlTransaction.Fate fate) {
        of.end.fate = fate;
        open = null;
        scheduler.after(simulation.thinkNs() / 2, this::begin);
    }

    // ---- answers ---------------------------------------------------------------------------------------------------

    void ended(Asked asked, Ending ending) {
        Open of = asked.of();
        if (asked.act() == Act.CANCEL || open != of) {
            return;
        }
        if (ending.problem() == null) {
            onReply(asked, of, Reply.of(ending.body()));
        } else if (ending.code() == AnswerCode.UNKNOWN_SESSION) {
            over();
        } else if (asked.act() == Act.COMMIT && ending.problem() == Outcome.UNKNOWN) {
            // Whatever came of it: a rollback is ordered behind it, so that the next transaction begins anew.
            of.end.fate = SqlTransaction.Fate.UNCERTAIN;
            of.isGivenUp = true;
            goOn(of);
        } else {
            AnswerCode code = ending.code();
            if (ending.problem() != Outcome.UNKNOWN
                    && code != null
                    && code != AnswerCode.VOIDED
                    && code != AnswerCode.QUARANTINED
                    && code != AnswerCode.BUSY) {
                throw new Violation("R9: unexpected ending " + ending + " of " + asked.act() + ": " + ending.text());
            }
            if (asked.act() == Act.COMMIT) {
                of.end.commitSentNs = Long.MAX_VALUE;
            }
            of.isGivenUp = true;
            goOn(of);
        }
    }

    private void onReply(Asked asked, Open of, Reply reply) {
        boolean isExpected =
                switch (reply.status()) {
                    case DONE -> asked.act() != Act.FAIL;
                    case FAILED -> asked.act() == Act.FAIL || of.isGivenUp;
                    case LOCK_TIMEOUT, DEADLOCK -> asked.act() == Act.APPEND;
                    case CANCELLED -> asked.act() == Act.APPEND && of.isCancelSent;
                };
        if (!isExpected) {
            throw new Violation("I2: " + asked.act() + " of " + client.member() + " was answered with " + reply);
        }
        switch (reply.status()) {
            case DONE -> onDone(asked, of, reply);
            case DEADLOCK -> {
                simulation.met(reply.status());
                ended(of, SqlTransaction.Fate.ROLLED_BACK);
            }
            case LOCK_TIMEOUT, CANCELLED -> {
                simulation.met(reply.status());
                of.isGivenUp = random.nextBoolean();
                goOn(of);
            }
            case FAILED -> goOn(of);
        }
    }

    private void onDone(Asked asked, Open of, Reply reply) {
        switch (asked.act()) {
            case APPEND -> {
                of.appended.add(asked.value());
                of.history.append(asked.list(), asked.value());
            }
            case READ -> of.history.read(asked.list(), reply.values(), asked.sentNs(), scheduler.now());
            case SAVE -> of.saved = of.appended.size();
            case BACK -> {
                of.appended.subList(of.saved, of.appended.size()).clear();
                of.history.backTo(of.saved);
            }
            case COMMIT -> {
                of.end.committedNs = scheduler.now();
                ended(of, SqlTransaction.Fate.COMMITTED);
                return;
            }
            case ROLLBACK -> {
                ended(of, of.end.fate == SqlTransaction.Fate.UNCERTAIN ? of.end.fate : SqlTransaction.Fate.ROLLED_BACK);
                return;
            }
            case FAIL, CANCEL -> {
                // No more to remember.
            }
        }
        goOn(of);
    }
}
