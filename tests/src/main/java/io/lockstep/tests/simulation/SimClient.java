package io.lockstep.tests.simulation;

import io.lockstep.distributor.Ending;
import io.lockstep.distributor.LockstepException.Outcome;
import io.lockstep.distributor.SessionConfig;
import io.lockstep.distributor.SessionCore;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import io.lockstep.wire.View;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One client: the shipped session core, several transactions at a time, and what it expects of every answer. */
final class SimClient implements Network.Host, SessionCore.Effects<SimClient.Ticket> {
    private static final long TICK_NS = 5 * Scheduler.MS;
    private static final int OPEN_TRANSACTIONS = 3;
    private static final Duration TIMEOUT = Duration.ofSeconds(4);

    private final Simulation simulation;
    private final Scheduler scheduler;
    private final String name;
    private final SessionCore<Ticket> core;
    private final List<Doing> doing = new ArrayList<>();
    private long connection = 1;
    private String distributor = "";
    private boolean isUp;
    private boolean isOver;
    private long nextOperation;
    private long requests;
    private long unknown;
    private boolean isStopping;

    /** One request: of which transaction, with which operation, when it must have ended. */
    record Ticket(Doing of, RequestKind kind, long operation, long deadlineNs) {}

    /** One transaction as the client believes it to be. */
    static final class Doing {
        long transaction;
        long fold = 1;
        boolean isUncertain;
        boolean isOver;
    }

    SimClient(Simulation simulation, String name) {
        this.simulation = simulation;
        this.scheduler = simulation.scheduler;
        this.name = name;
        this.core = new SessionCore<>(
                new SessionConfig(TIMEOUT, 64, 1024, Duration.ofMillis(500)),
                this,
                scheduler.random.nextLong() >>> 1 | 1,
                Duration.ofSeconds(60).toNanos(),
                scheduler.now());
        scheduler.after(scheduler.between(0, TICK_NS), this::tick);
        connect();
    }

    private void connect() {
        connection++;
        long mine = connection;
        scheduler.after(scheduler.between(Scheduler.MS, 20 * Scheduler.MS), () -> {
            if (mine != connection || isOver) {
                return;
            }
            SimDistributor target = simulation.someDistributor();
            if (target == null) {
                connect();
                return;
            }
            distributor = target.name();
            isUp = true;
            core.onChannelUp(scheduler.now());
        });
    }

    /** The distributor that this client was connected to is gone, or sent it away. */
    void channelLost(String of, long connectionLost) {
        if (isUp && of.equals(distributor) && (connectionLost == 0 || connectionLost == connection)) {
            isUp = false;
            core.onChannelDown();
            connect();
        }
    }

    private void tick() {
        core.tick(scheduler.now());
        if (!isOver) {
            scheduler.after(TICK_NS, this::tick);
        }
    }

    /** Begins no more transactions. */
    void stop() {
        isStopping = true;
    }

    boolean isIdle() {
        return isOver || (core.isIdle() && doing.isEmpty());
    }

    /** Where it stands, for the report of a schedule that does not end. */
    String describe() {
        return name + " " + core.state() + " session " + core.session() + " term " + core.term() + " attach "
                + core.attach() + " last " + core.lastRequestId() + (isUp ? " up at " + distributor : " down")
                + " transactions " + doing.size() + (core.isIdle() ? " idle" : " busy");
    }

    long requests() {
        return requests;
    }

    long unknown() {
        return unknown;
    }

    boolean isSessionOver() {
        return isOver;
    }

    // ---- the application -------------------------------------------------------------------------------------------

    private void begin() {
        if (!isStopping && !isOver && doing.size() < OPEN_TRANSACTIONS) {
            Doing next = new Doing();
            doing.add(next);
            submit(next, RequestKind.BEGIN);
        }
    }

    private void submit(Doing of, RequestKind kind) {
        long operation = ++nextOperation;
        requests++;
        byte[] body = kind == RequestKind.ROLLBACK
                ? new byte[0]
                : ByteBuffer.allocate(8).putLong(operation).array();
        Ticket ticket = new Ticket(of, kind, operation, scheduler.now() + TIMEOUT.toNanos());
        core.submit(ticket, kind, kind == RequestKind.BEGIN ? 0 : of.transaction, body, scheduler.now());
    }

    private void goOn(Doing of) {
        scheduler.after(scheduler.between(0, 60 * Scheduler.MS), () -> {
            if (isOver || of.isOver) {
                return;
            }
            int what = scheduler.random.nextInt(10);
            submit(
                    of,
                    what < 6 && !isStopping ? RequestKind.CONTINUE : what < 9 ? RequestKind.END : RequestKind.ROLLBACK);
        });
    }

    private void over(Doing of) {
        of.isOver = true;
        doing.remove(of);
        scheduler.after(scheduler.between(0, 10 * Scheduler.MS), this::begin);
    }

    // ---- what the core wants ---------------------------------------------------------------------------------------

    @Override
    public void send(Request request) {
        if (isUp) {
            simulation.network.send(this, distributor, new Frame.Ask(core.term(), request));
        }
    }

    @Override
    public void ended(@Nullable Ticket ticket, Ending ending) {
        if (ticket == null) {
            return;
        }
        check(
                scheduler.now() <= ticket.deadlineNs() + Duration.ofMillis(50).toNanos(),
                "I8: " + ticket.kind() + " ended " + (scheduler.now() - ticket.deadlineNs()) / Scheduler.MS
                        + " ms after its deadline");
        Doing of = ticket.of();
        if (ending.problem() == null) {
            onOk(ticket, of, ending);
        } else if (ending.problem() == Outcome.REFUSED_BY_SERVICE) {
            onRefused(ticket, of, ending);
        } else if (ending.problem() == Outcome.UNKNOWN) {
            unknown++;
            of.isUncertain = true;
            over(of);
        } else if (ticket.kind() == RequestKind.BEGIN) {
            over(of);
        } else {
            check(
                    isOver
                            || of.isUncertain
                            || ending.code() == AnswerCode.VOIDED
                            || ending.code() == null
                            || ending.code() == AnswerCode.QUARANTINED
                            || ending.code() == AnswerCode.TRANSACTION_ENDED
                            || ending.code() == AnswerCode.BUSY
                            || ending.code() == AnswerCode.UNKNOWN_SESSION,
                    "unexpected ending " + ending + " of " + ticket.kind() + ": " + ending.text());
            if (ending.code() == AnswerCode.TRANSACTION_ENDED || ending.code() == AnswerCode.UNKNOWN_SESSION) {
                over(of);
            } else {
                goOn(of);
            }
        }
    }

    private void onOk(Ticket ticket, Doing of, Ending ending) {
        if (ticket.kind() == RequestKind.BEGIN) {
            of.transaction = ending.requestId();
        }
        if (ticket.kind() != RequestKind.ROLLBACK) {
            of.fold = FoldService.fold(of.fold, ticket.operation());
            long actual = ByteBuffer.wrap(ending.body()).getLong();
            check(
                    of.isUncertain || actual == of.fold,
                    "I2: transaction " + of.transaction + " of " + core.session() + " is " + actual + " instead of "
                            + of.fold + " after " + ticket.kind() + " #" + ending.requestId());
        }
        if (ticket.kind() == RequestKind.END || ticket.kind() == RequestKind.ROLLBACK) {
            over(of);
        } else {
            goOn(of);
        }
    }

    private void onRefused(Ticket ticket, Doing of, Ending ending) {
        check(
                ticket.operation() % 17 == 0,
                "the service refused " + ticket.kind() + " " + ticket.operation() + ": " + ending.text());
        if (ticket.kind() == RequestKind.BEGIN) {
            over(of);
        } else {
            goOn(of);
        }
    }

    @Override
    public void opened(Identity session) {
        scheduler.trace(name + " opened " + session);
        for (int i = 0; i < OPEN_TRANSACTIONS; i++) {
            begin();
        }
    }

    @Override
    public void over(@Nullable Ending problem) {
        scheduler.trace(name + " is over: " + problem + (problem == null ? "" : ": " + problem.text()));
        isOver = true;
    }

    @Override
    public void changeChannel(String reason) {
        isUp = false;
        core.onChannelDown();
        simulation.clientLeft(distributor, new View.Member(name, connection));
        connect();
    }

    @Override
    public void termChanged(long term) {
        scheduler.trace(name + " hears of term " + term);
    }

    private static void check(boolean condition, String what) {
        if (!condition) {
            throw new Violation(what);
        }
    }

    // ---- the process -----------------------------------------------------------------------------------------------

    @Override
    public String name() {
        return name;
    }

    @Override
    public long incarnation() {
        return connection;
    }

    @Override
    public boolean isAlive() {
        return !isOver;
    }

    @Override
    public long pausedUntilNs() {
        return 0;
    }

    @Override
    public void receive(View.Member from, Frame frame) {
        if (frame instanceof Frame.Reply reply && isUp && from.name().equals(distributor)) {
            core.onReply(reply.term(), reply.answer(), scheduler.now());
        }
    }
}
