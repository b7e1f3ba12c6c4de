package io.lockstep.tests.simulation;

import io.lockstep.distributor.Ending;
import io.lockstep.distributor.LockstepException.Outcome;
import io.lockstep.distributor.SessionConfig;
import io.lockstep.distributor.SessionCore;
import io.lockstep.distributor.SessionState;
import io.lockstep.tests.checkers.Promises;
import io.lockstep.tests.checkers.Violation;
import io.lockstep.tests.simulation.ModelService.Act;
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

/**
 * One client: the shipped session core, several transactions at a time, and what it expects of every answer. Touched only
 * by the schedule's thread.
 */
final class SimClient implements Network.Host, SessionCore.Effects<SimClient.Ticket> {
    private static final int OPEN_TRANSACTIONS = 3;
    private static final Duration TOUCH = Duration.ofMillis(500);
    private static final long SUM = Books.ACCOUNTS * Books.BALANCE;

    private final Simulation simulation;
    private final Scheduler scheduler;
    private final Promises promises;
    private final int index;
    private final String name;
    private final SimClock clock;
    private final long timeoutNs;
    private final SessionCore<Ticket> core;
    private final List<Doing> doing = new ArrayList<>();
    private final @Nullable SqlApplication sql;
    private final Runnable tick = this::tick;
    private View.Member channel;
    private long connection = 1;
    private String distributor = "";
    private boolean isUp;
    private boolean isOver;
    private boolean isDead;
    private long nextOperation;
    private int open;
    private boolean isStopping;
    private boolean isClosed;
    /** Term of the answer that the core is being told. */
    private long replyTerm;
    /** A request whose answer has come, to be used again by somebody who should not. */
    private @Nullable Request settled;

    private @Nullable Request lastSent;

    /** One request: of which transaction, what it does, when it must have ended, what had been answered when it began. */
    record Ticket(
            @Nullable Doing of,
            SqlApplication.@Nullable Asked sql,
            RequestKind kind,
            Act act,
            long operation,
            long deadlineNs,
            long floor) {}

    /** One transaction as the client believes it to be. */
    static final class Doing {
        long transaction;
        ModelService.Fold fold = ModelService.Fold.FIRST;
        boolean isUncertain;
        boolean isOver;
    }

    SimClient(Simulation simulation, int index, String name, SimClock clock, long timeoutNs) {
        this.simulation = simulation;
        this.scheduler = simulation.scheduler;
        this.promises = simulation.promises;
        this.index = index;
        this.name = name;
        this.clock = clock;
        this.timeoutNs = timeoutNs;
        this.channel = new View.Member(name, connection);
        this.sql = simulation.hasSql() ? new SqlApplication(this, simulation) : null;
        this.core = new SessionCore<>(
                new SessionConfig(Duration.ofNanos(timeoutNs), 64, 1024, TOUCH),
                this,
                scheduler.random.nextLong() >>> 1 | 1,
                Duration.ofSeconds(200).toNanos(),
                clock.monotonic());
        scheduler.after(scheduler.between(0, Scheduler.TICK_NS), tick);
        connect();
    }

    private void connect() {
        connection++;
        channel = new View.Member(name, connection);
        long mine = connection;
        scheduler.after(scheduler.between(Scheduler.MS, 20 * Scheduler.MS), () -> {
            if (mine != connection || !isAlive()) {
                return;
            }
            SimDistributor target = simulation.someDistributor();
            if (target == null) {
                connect();
                return;
            }
            distributor = target.member().name();
            isUp = true;
            core.onChannelUp(clock.monotonic());
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
        if (isAlive()) {
            core.tick(clock.monotonic());
            scheduler.afterTick(tick);
        }
    }

    /** Begins no more transactions. */
    void stop() {
        isStopping = true;
    }

    /** The process is killed; what it waited for nobody will ever know. */
    int die() {
        isDead = true;
        isUp = false;
        if (sql != null) {
            sql.over();
        }
        simulation.clientLeft(distributor, channel);
        return open;
    }

    boolean isIdle() {
        return !isAlive() || (core.isIdle() && doing.isEmpty() && (sql == null || sql.isIdle()));
    }

    boolean isStopping() {
        return isStopping;
    }

    /** When idle, ends its session like a good client. */
    void close() {
        if (isAlive() && !isClosed) {
            isClosed = true;
            core.close(timeoutNs, clock.monotonic());
        }
    }

    /** Where it stands, for the report of a schedule that does not end. */
    String describe() {
        return name + (isDead ? " dead " : " ") + core.state() + " session " + core.session() + " term " + core.term()
                + " attach " + core.attach() + " last " + core.lastRequestId()
                + (isUp ? " up at " + distributor : " down") + " transactions " + doing.size()
                + (core.isIdle() ? " idle" : " busy");
    }

    boolean hasSession() {
        return core.state() != SessionState.OPENING;
    }

    @Nullable Request settled() {
        return settled;
    }

    // ---- the application -------------------------------------------------------------------------------------------

    private void begin() {
        if (!isStopping && isAlive() && doing.size() < openTransactions()) {
            Doing next = new Doing();
            doing.add(next);
            submit(next, RequestKind.BEGIN);
        }
    }

    /** One of the transactions is a SQL session's, where there is one. */
    private int openTransactions() {
        return sql == null ? OPEN_TRANSACTIONS : OPEN_TRANSACTIONS - 1;
    }

    /** A message of the SQL session. */
    void submit(SqlApplication.Asked asked, byte[] body) {
        open++;
        simulation.requested();
        Ticket ticket =
                new Ticket(null, asked, asked.kind(), Act.ADD, 0, clock.monotonic() + timeoutNs, promises.begun());
        core.submit(ticket, asked.kind(), 0, body, clock.monotonic());
    }

    private void submit(@Nullable Doing of, RequestKind kind) {
        Act act = kind == RequestKind.ROLLBACK ? Act.ADD : draw();
        long operation = ++nextOperation * 64 + index;
        open++;
        simulation.requested();
        boolean hasBody = of != null && kind != RequestKind.ROLLBACK;
        byte[] body = hasBody
                ? ModelService.message(act, simulation.workRandom.nextInt(Books.ACCOUNTS), operation)
                : new byte[0];
        Ticket ticket = new Ticket(of, null, kind, act, operation, clock.monotonic() + timeoutNs, promises.begun());
        core.submit(
                ticket, kind, of == null || kind == RequestKind.BEGIN ? 0 : of.transaction, body, clock.monotonic());
    }

    private Act draw() {
        int what = simulation.workRandom.nextInt(100);
        if (what < 60) {
            return Act.ADD;
        } else if (what < 70) {
            return Act.SAVE;
        } else if (what < 80) {
            return Act.BACK;
        } else if (what < 90) {
            return Act.HOLD;
        } else if (what < 95) {
            return Act.REFUSE;
        } else if (what < 98) {
            return Act.BREAK;
        }
        return simulation.isPoisoned() ? Act.POISON : Act.ADD;
    }

    private void goOn(Doing of) {
        scheduler.after(simulation.thinkNs(), () -> {
            if (!isAlive() || of.isOver) {
                return;
            }
            int what = simulation.workRandom.nextInt(20);
            submit(
                    of,
                    what < 12 && !isStopping
                            ? RequestKind.CONTINUE
                            : what < 18 ? RequestKind.END : RequestKind.ROLLBACK);
            if (!isStopping && what % 5 == 0) {
                submit(null, what == 5 ? RequestKind.DIGEST : RequestKind.READ);
            }
        });
    }

    private void over(Doing of) {
        of.isOver = true;
        doing.remove(of);
        scheduler.after(simulation.thinkNs() / 4, this::begin);
    }

    // ---- what the core wants ---------------------------------------------------------------------------------------

    @Override
    public void send(Request request) {
        promises.asked(request);
        lastSent = request;
        if (isUp) {
            simulation.network.send(this, distributor, new Frame.Ask(core.term(), request));
        }
    }

    @Override
    public void ended(@Nullable Ticket ticket, Ending ending) {
        if (ticket == null) {
            return;
        }
        open--;
        promises.ended(name, clock.monotonic() - ticket.deadlineNs(), scheduler.now(), ending, simulation.isDark());
        if (replyTerm > 0) {
            promises.taken(name, replyTerm);
        }
        Doing of = ticket.of();
        if (ticket.sql() != null) {
            if (sql != null) {
                sql.ended(ticket.sql(), ending);
            }
        } else if (of == null) {
            onQuestion(ticket, ending);
        } else if (ending.problem() == null) {
            onOk(ticket, of, ending);
        } else if (ending.problem() == Outcome.REFUSED_BY_SERVICE) {
            onRefused(ticket, of, ending);
        } else if (ending.problem() == Outcome.UNKNOWN) {
            of.isUncertain = true;
            over(of);
        } else {
            onNotExecuted(ticket, of, ending);
        }
    }

    private void onQuestion(Ticket ticket, Ending ending) {
        if (ending.problem() == null && ticket.kind() == RequestKind.READ) {
            ByteBuffer in = ByteBuffer.wrap(ending.body());
            long free = in.getLong();
            long commits = in.getLong();
            long digest = in.getLong();
            long held = in.getLong();
            promises.saw(name, ticket.floor(), commits, digest, true);
            promises.inSession(core.session(), ending.requestId(), commits, true);
            if (free + held != SUM) {
                throw new Violation("I11: a read of " + name + " saw " + free + " free and " + held + " held");
            }
        }
    }

    private void onNotExecuted(Ticket ticket, Doing of, Ending ending) {
        AnswerCode code = ending.code();
        if (ending.requestId() > 0 && (code == null || code == AnswerCode.VOIDED || code == AnswerCode.REFUSED)) {
            promises.notExecuted(core.session(), ending.requestId());
        }
        boolean isExpected = isOver
                || of.isUncertain
                || code == null
                || code == AnswerCode.VOIDED
                || code == AnswerCode.QUARANTINED
                || code == AnswerCode.TRANSACTION_ENDED
                || code == AnswerCode.BUSY
                || code == AnswerCode.UNKNOWN_SESSION;
        if (!isExpected) {
            throw new Violation("R9: unexpected ending " + ending + " of " + ticket.kind() + ": " + ending.text());
        }
        if (ticket.kind() == RequestKind.BEGIN
                || code == AnswerCode.TRANSACTION_ENDED
                || code == AnswerCode.UNKNOWN_SESSION
                || simulation.isDark()) {
            over(of);
        } else {
            goOn(of);
        }
    }

    private void onOk(Ticket ticket, Doing of, Ending ending) {
        if (ticket.kind() == RequestKind.BEGIN) {
            of.transaction = ending.requestId();
        }
        if (ticket.kind() != RequestKind.ROLLBACK) {
            of.fold = of.fold.after(ticket.act(), ticket.operation());
            ByteBuffer in = ByteBuffer.wrap(ending.body());
            long actual = in.getLong();
            if (!of.isUncertain && actual != of.fold.value()) {
                throw new Violation("I2, I11: transaction " + of.transaction + " of " + core.session() + " is " + actual
                        + " instead of " + of.fold.value() + " after " + ticket.kind() + " #" + ending.requestId());
            }
            long commits = in.getLong();
            promises.saw(name, ticket.floor(), commits, in.getLong(), false);
            promises.inSession(core.session(), ending.requestId(), commits, false);
        }
        Request sent = lastSent;
        if (sent != null && sent.requestId() == ending.requestId() && sent.kind() == ticket.kind()) {
            settled = sent;
        }
        if (ticket.kind() == RequestKind.END || ticket.kind() == RequestKind.ROLLBACK) {
            over(of);
        } else {
            goOn(of);
        }
    }

    private void onRefused(Ticket ticket, Doing of, Ending ending) {
        boolean isExpected = ending.code() == AnswerCode.SERVICE_FAILED
                ? ticket.act() == Act.BREAK
                : ticket.act() == Act.REFUSE || ticket.act() == Act.HOLD;
        if (!isExpected) {
            throw new Violation("I2: the service refused " + ticket.kind() + " " + ticket.act() + " of " + name + ": "
                    + ending.text());
        }
        if (ticket.kind() == RequestKind.BEGIN) {
            over(of);
        } else {
            goOn(of);
        }
    }

    @Override
    public void opened(Identity session) {
        if (scheduler.isTracing()) {
            scheduler.trace(name + " opened " + session);
        }
        if (sql != null) {
            scheduler.after(simulation.thinkNs() / 2, sql::begin);
        }
        for (int i = 0; i < openTransactions(); i++) {
            scheduler.after(simulation.thinkNs() / 2, this::begin);
        }
    }

    @Override
    public void over(@Nullable Ending problem) {
        if (scheduler.isTracing()) {
            scheduler.trace(name + " is over: " + problem + (problem == null ? "" : ": " + problem.text()));
        }
        isOver = true;
        doing.clear();
        if (sql != null) {
            sql.over();
        }
        if (problem != null) {
            simulation.sessionLost(this);
        }
    }

    @Override
    public void changeChannel(String reason) {
        isUp = false;
        core.onChannelDown();
        simulation.clientLeft(distributor, channel);
        connect();
    }

    @Override
    public void termChanged(long term) {
        if (scheduler.isTracing()) {
            scheduler.trace(name + " hears of term " + term);
        }
    }

    // ---- the process -----------------------------------------------------------------------------------------------

    @Override
    public int index() {
        return index;
    }

    @Override
    public View.Member member() {
        return channel;
    }

    @Override
    public boolean isAlive() {
        return !isOver && !isDead;
    }

    @Override
    public long pausedUntilNs() {
        return 0;
    }

    @Override
    public void receive(View.Member from, Frame frame) {
        if (frame instanceof Frame.Reply reply && isUp && from.name().equals(distributor)) {
            replyTerm = reply.answer().code() == AnswerCode.BUSY ? 0 : reply.term();
            core.onReply(reply.term(), reply.answer(), clock.monotonic());
            replyTerm = 0;
        }
    }
}
