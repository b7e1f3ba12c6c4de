package io.lockstep.tests.workload;

import io.lockstep.distributor.LockstepException;
import io.lockstep.examples.calls.CallAnswer;
import io.lockstep.examples.calls.CallLimits;
import io.lockstep.server.drill.Workload;
import io.lockstep.tests.workload.LoadedCall.Fate;
import io.lockstep.wire.AnswerCode;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.function.ToLongBiFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One load of prepaid calls. Its thread {@code call-load} owns everything but the inbox and the counters; the public
 * methods, called from any thread, and the clients' callbacks leave a note in the inbox.
 *
 * <p>The load is open-loop: when a message is due is fixed by the plan, and its latency counts from then, whether or
 * not the one before it has been answered. A call's own messages wait for each other, as a caller's do; those that are
 * late go out as soon as they can, with the time at which they were due. It is bounded: with {@link
 * #UNANSWERED_MAX} messages unanswered it halts and says so.
 */
final class CallsRun implements Workload.Run {
    private static final Logger LOG = LoggerFactory.getLogger(CallsRun.class);

    private static final int SESSIONS = 4;

    /** Messages in flight while calls are opened or ended as fast as possible. */
    private static final int IN_FLIGHT_MAX = 1_024;

    private static final int UNANSWERED_MAX = 50_000;
    private static final int RAMP_FAILURES_MAX = 1_000;
    private static final int HANG_UP_TRIES = 3;

    /** A due message goes out at most this late, as timers here wake up some 60 µs late. */
    private static final long LONGEST_PARK_NS = 1_000_000;

    private static final long HEAD_START_NS = 20_000_000;

    private final Supplier<CallDoor> connect;
    private final Workload.Settings settings;
    private final CallPlan plan;
    private final List<CallDoor> doors = new ArrayList<>(SESSIONS);
    private final Queue<Runnable> inbox = new ConcurrentLinkedQueue<>();
    private final CountDownLatch drained = new CountDownLatch(1);
    private final Thread thread = new Thread(this::drive, "call-load");

    /** What the database held before; null until it was asked. */
    private CallAnswer.@Nullable Books booksBefore;

    private volatile LoadState state = LoadState.FILLING;
    private volatile Workload.Phase phase = Workload.Phase.BEFORE;
    private final AtomicInteger openCount = new AtomicInteger();
    private final AtomicLong answeredCount = new AtomicLong();

    /** Every call, by index. */
    private final List<LoadedCall> calls = new ArrayList<>();

    private final LatencyLog latencies = new LatencyLog();
    private final Problems problems = new Problems();

    /** While ramping: open calls that wait for the load to begin. */
    private final List<LoadedCall> ready = new ArrayList<>();

    /** While steady: open calls by the time of their next message. */
    private final PriorityQueue<LoadedCall> schedule =
            new PriorityQueue<>(Comparator.comparingLong((LoadedCall call) -> call.dueNs));

    /** While draining: open calls that are still to be hung up. */
    private final Deque<LoadedCall> leftovers = new ArrayDeque<>();

    /** Open calls that had an error; hung up when draining. */
    private final List<LoadedCall> stranded = new ArrayList<>();

    private int waitingCount;
    private int startsWaiting;

    /** When the first slot begins, by {@link System#nanoTime}. */
    private long beganNs;

    private int nextSlot;
    private long unknown;
    private long clientErrors;

    CallsRun(Supplier<CallDoor> connect, Workload.Settings settings) {
        this.connect = connect;
        this.settings = settings;
        this.plan = new CallPlan(settings);
    }

    // ---- asked from any thread

    @Override
    public void start() {
        for (int i = 0; i < SESSIONS; i++) {
            doors.add(connect.get());
        }
        CallDoor office = doors.get(0);
        booksBefore = office.audit();
        for (int issued = 0; issued < plan.cards(); issued += CallLimits.ISSUE_MAX) {
            int count = Math.min(CallLimits.ISSUE_MAX, plan.cards() - issued);
            office.beginAndWait(plan.issue(issued, count));
        }
        become(LoadState.RAMPING, "cards are issued");
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public boolean isWarm() {
        return state == LoadState.STEADY;
    }

    @Override
    public int openTransactions() {
        return openCount.get();
    }

    @Override
    public long answeredMessages() {
        return answeredCount.get();
    }

    @Override
    public void enter(Workload.Phase next) {
        phase = next;
    }

    @Override
    public void beforeKill() {
        CountDownLatch noted = new CountDownLatch(1);
        tell(() -> {
            for (LoadedCall call : calls) {
                call.wasOpenAtKill |= call.fate == Fate.OPEN;
            }
            noted.countDown();
        });
        try {
            if (!noted.await(10, TimeUnit.SECONDS)) {
                throw new IllegalStateException("the load's thread does not answer: " + problems.lines());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public boolean drain(Duration limit) throws InterruptedException {
        tell(this::beginDraining);
        boolean isOver = drained.await(limit.toMillis(), TimeUnit.MILLISECONDS);
        stop();
        boolean isDrained = isOver && openCount.get() == 0 && waitingCount == 0;
        if (!isDrained) {
            problems.add("after " + limit.toSeconds() + " s " + openCount + " calls were still open and " + waitingCount
                    + " messages unanswered");
            unknown += waitingCount;
        }
        return isDrained;
    }

    @Override
    public Workload.Verdict verdict() {
        if (thread.isAlive()) {
            throw new IllegalStateException("the load must be drained before it is judged");
        }
        CallAudit audit = new CallAudit(plan, calls, problems);
        audit.judge(doors, booksBefore, unknown);
        return new Workload.Verdict(
                count(call -> call.answered > 0),
                count(call -> call.fate == Fate.ENDED),
                audit.continued(),
                audit.lost(),
                audit.doubled(),
                unknown,
                clientErrors,
                audit.isBalanced(),
                audit.bookLines(),
                latencies.byPhase(),
                latencies.timeline(),
                problems.lines());
    }

    @Override
    public List<String> differencesFromUndisturbed(ToLongBiFunction<Long, Long> timeNs) {
        return new UndisturbedCalls(plan, calls, doors, timeNs).differences();
    }

    @Override
    public void close() {
        try {
            stop();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        doors.forEach(CallDoor::close);
    }

    private long count(Predicate<LoadedCall> which) {
        return calls.stream().filter(which).count();
    }

    private void tell(Runnable note) {
        inbox.add(note);
        LockSupport.unpark(thread);
    }

    private void stop() throws InterruptedException {
        if (thread.isAlive()) {
            tell(() -> become(LoadState.STOPPED, "asked to"));
            thread.join();
        }
    }

    // ---- the thread's round

    private void drive() {
        try {
            while (state != LoadState.STOPPED) {
                readInbox();
                switch (state) {
                    case RAMPING -> ramp();
                    case STEADY -> keepRate();
                    case DRAINING -> hangUpLeftovers();
                    case FILLING, HALTED, STOPPED -> {}
                }
                if (inbox.isEmpty() && state != LoadState.STOPPED) {
                    LockSupport.parkNanos(this, untilNextNs());
                }
            }
        } catch (RuntimeException | Error e) {
            LOG.error("the load has failed", e);
            problems.add("the load has failed: " + e);
            clientErrors++;
            state = LoadState.STOPPED;
            drained.countDown();
        }
    }

    private void readInbox() {
        for (Runnable note = inbox.poll(); note != null; note = inbox.poll()) {
            note.run();
        }
    }

    private long untilNextNs() {
        if (state != LoadState.STEADY) {
            return LONGEST_PARK_NS;
        }
        long next = beganNs + plan.startNs(calls.size(), nextSlot);
        LoadedCall head = schedule.peek();
        if (head != null) {
            next = Math.min(next, head.dueNs);
        }
        return Math.max(1, Math.min(LONGEST_PARK_NS, next - System.nanoTime()));
    }

    /** Opens calls and sends what their pretended age says, until the wanted number has caught up with its age. */
    private void ramp() {
        while (openCount.get() + startsWaiting < settings.openTransactions() && waitingCount < IN_FLIGHT_MAX) {
            startCall(0);
        }
        if (calls.size() > 2 * settings.openTransactions() + RAMP_FAILURES_MAX) {
            halt("calls fail as fast as they are opened");
            return;
        }
        if (ready.size() + stranded.size() < settings.openTransactions()) {
            return;
        }
        beganNs = System.nanoTime() + HEAD_START_NS;
        for (LoadedCall call : ready) {
            call.startNs = beganNs - plan.ageNs(call.index);
            long due = call.startNs + plan.offsetNs(call.index, call.answered);
            // A last message that was due in the pretended past is mirrored: as many others are due that much later.
            call.dueNs = due >= beganNs ? due : 2 * beganNs - due;
            schedule.add(call);
        }
        ready.clear();
        become(LoadState.STEADY, settings.openTransactions() + " calls are open");
    }

    private boolean isDueInRamp(LoadedCall call) {
        return call.answered < CallPlan.MESSAGES - 1
                && plan.offsetNs(call.index, call.answered) <= plan.ageNs(call.index);
    }

    private void keepRate() {
        long now = System.nanoTime();
        while (true) {
            long start = beganNs + plan.startNs(calls.size(), nextSlot);
            LoadedCall head = schedule.peek();
            if (head != null && head.dueNs <= now && head.dueNs <= start) {
                send(schedule.remove(), false);
            } else if (start <= now) {
                nextSlot++;
                startCall(start);
            } else {
                return;
            }
            if (waitingCount > UNANSWERED_MAX) {
                halt("more than " + UNANSWERED_MAX
                        + " messages are unanswered: the database does not keep up with the rate");
                return;
            }
        }
    }

    private void halt(String reason) {
        clientErrors++;
        problems.add("the load has halted: " + reason);
        stranded.addAll(ready);
        stranded.addAll(schedule);
        ready.clear();
        schedule.clear();
        become(LoadState.HALTED, reason);
    }

    private void beginDraining() {
        if (state == LoadState.STOPPED) {
            return;
        }
        leftovers.addAll(ready);
        leftovers.addAll(schedule);
        leftovers.addAll(stranded);
        ready.clear();
        schedule.clear();
        stranded.clear();
        become(LoadState.DRAINING, openCount + " calls are open");
    }

    private void hangUpLeftovers() {
        while (waitingCount < IN_FLIGHT_MAX && !leftovers.isEmpty()) {
            send(leftovers.remove(), true);
        }
        if (waitingCount == 0 && leftovers.isEmpty()) {
            drained.countDown();
        }
    }

    // ---- one message

    private void startCall(long startNs) {
        LoadedCall call = new LoadedCall(calls.size(), calls.size() % SESSIONS);
        call.startNs = startNs;
        call.dueNs = startNs;
        calls.add(call);
        startsWaiting++;
        send(call, false);
    }

    private void send(LoadedCall call, boolean isHangUp) {
        call.isWaiting = true;
        waitingCount++;
        boolean isTimed = state == LoadState.STEADY;
        CallDoor.Conversation transaction = call.transaction;
        if (transaction == null) {
            doors.get(call.session).begin(plan.message(call.index, 0)).whenComplete((begun, error) -> {
                long now = System.nanoTime();
                tell(() -> {
                    call.transaction = begun;
                    ended(call, now, isTimed, false, begun == null ? null : begun.firstAnswer(), error);
                });
            });
            return;
        }
        boolean isLast = isHangUp || call.answered == CallPlan.MESSAGES - 1;
        var sent = isLast
                ? transaction.end(plan.hangUp(call.index, call.answered))
                : transaction.send(plan.message(call.index, call.answered));
        sent.whenComplete((answer, error) -> {
            long now = System.nanoTime();
            tell(() -> ended(call, now, isTimed, isLast, answer, error));
        });
    }

    private void ended(
            LoadedCall call,
            long now,
            boolean isTimed,
            boolean isLast,
            byte @Nullable [] answer,
            @Nullable Throwable error) {
        call.isWaiting = false;
        waitingCount--;
        if (call.fate == Fate.STARTING) {
            startsWaiting--;
        }
        if (answer == null) {
            failed(call, error == null ? new IllegalStateException("neither answer nor error") : error);
            return;
        }
        answeredCount.incrementAndGet();
        if (isTimed) {
            latencies.add(phase, call.dueNs - beganNs, now - beganNs);
        }
        answered(call, answer, isLast);
    }

    private void answered(LoadedCall call, byte[] answer, boolean isLast) {
        CallDoor.Conversation transaction = call.transaction;
        if (transaction == null) {
            throw new IllegalStateException(call + " was answered without a transaction");
        }
        call.requestIds[call.answered] = call.answered == 0 ? transaction.id() : transaction.lastRequestId();
        call.answers[call.answered] = answer;
        call.answered++;
        if (isLast) {
            close(call, Fate.ENDED);
            return;
        }
        if (call.fate == Fate.STARTING) {
            call.fate = Fate.OPEN;
            openCount.incrementAndGet();
        }
        switch (state) {
            case RAMPING -> {
                if (isDueInRamp(call)) {
                    send(call, false);
                } else {
                    ready.add(call);
                }
            }
            case STEADY -> {
                call.dueNs = call.startNs + plan.offsetNs(call.index, call.answered);
                schedule.add(call);
            }
            case DRAINING -> leftovers.add(call);
            case HALTED -> stranded.add(call);
            case FILLING, STOPPED -> {}
        }
    }

    private void failed(LoadedCall call, Throwable thrown) {
        Throwable error =
                thrown instanceof CompletionException && thrown.getCause() != null ? thrown.getCause() : thrown;
        clientErrors++;
        problems.add(call + ", message " + call.answered + ": " + error);
        call.failures++;
        if (error instanceof LockstepException lockstep && lockstep.outcome() == LockstepException.Outcome.UNKNOWN) {
            unknown++;
            close(call, Fate.UNCERTAIN);
        } else if (call.fate == Fate.STARTING) {
            close(call, Fate.NEVER_STARTED);
        } else if (error instanceof LockstepException lockstep && isDenial(lockstep.code())) {
            close(call, Fate.LOST);
        } else if (call.failures >= HANG_UP_TRIES) {
            close(call, Fate.UNCERTAIN);
        } else if (state == LoadState.DRAINING) {
            leftovers.add(call);
        } else {
            stranded.add(call);
        }
    }

    /** Whether an answer to a message of an open call says that the database does not have the call. */
    private static boolean isDenial(@Nullable AnswerCode code) {
        return code == AnswerCode.TRANSACTION_UNKNOWN
                || code == AnswerCode.TRANSACTION_ENDED
                || code == AnswerCode.UNKNOWN_SESSION
                || code == AnswerCode.LOG_LACKS_SEEN;
    }

    private void close(LoadedCall call, Fate fate) {
        if (call.fate == Fate.OPEN) {
            openCount.decrementAndGet();
        }
        call.fate = fate;
        call.transaction = null;
    }

    private void become(LoadState next, String reason) {
        LoadState before = state;
        if (!before.successors().contains(next)) {
            throw new IllegalStateException("a load that is " + before + " cannot become " + next);
        }
        LOG.info("load: {} -> {}: {}", before, next, reason);
        state = next;
    }
}
