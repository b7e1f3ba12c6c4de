package io.lockstep.tests.simulation;

import io.lockstep.tests.checkers.Waits;
import io.lockstep.tsdstore.Records;
import io.lockstep.tsdstore.SqlRecords;
import io.lockstep.tsdstore.StateReader;
import io.lockstep.tsdstore.StateTag;
import io.lockstep.tsdstore.StateWriter;
import io.lockstep.tsdstore.sql.CopyBlock;
import io.lockstep.tsdstore.sql.GiveUp;
import io.lockstep.tsdstore.sql.Refusals;
import io.lockstep.tsdstore.sql.RowName;
import io.lockstep.tsdstore.sql.RunningStatements;
import io.lockstep.tsdstore.sql.SqlStep;
import io.lockstep.tsdstore.sql.WaitingQueue;
import io.lockstep.wire.Identity;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The SQL sessions of simulated nodes: lists, to which transactions append under a lock for each list, with a savepoint,
 * errors that are equal on all nodes, and the shipped {@link WaitingQueue}. Every reply tells how many attempts there
 * were, so that a node which left one out differs. Touched only by the schedule's thread.
 */
final class ModelSql implements SqlRecords.Engine {
    /** What a message does. */
    enum Act {
        /** Appends its value to a list, whose lock it needs. */
        APPEND,
        /** Tells a list as far as it is committed, and what this transaction appended. */
        READ,
        /** Sets the savepoint. */
        SAVE,
        /** Goes back to the savepoint, and lets go of the locks that were taken since. */
        BACK,
        /** Fails without an effect. */
        FAIL,
        COMMIT,
        ROLLBACK,
        /** Ends the waiting message of its session. */
        CANCEL
    }

    /** What came of it. */
    enum Status {
        DONE,
        FAILED,
        LOCK_TIMEOUT,
        /** Its transaction was rolled back, because it would have waited for itself. */
        DEADLOCK,
        CANCELLED
    }

    static final int LISTS = 3;
    private static final int MESSAGE_BYTES = 10;
    private static final int REPLY_BYTES = 1 + 3 * Long.BYTES;
    private static final Act[] ACTS = Act.values();
    private static final Status[] STATUSES = Status.values();
    private static final String TABLE = "lists";

    /** One value of a list. */
    private record Append(int list, long value) {}

    /** A reply, taken apart. */
    record Reply(Status status, List<Long> values) {
        static Reply of(byte[] body) {
            ByteBuffer in = ByteBuffer.wrap(body);
            Status status = STATUSES[in.get()];
            in.position(REPLY_BYTES);
            List<Long> values = new ArrayList<>();
            while (in.hasRemaining()) {
                values.add(in.getLong());
            }
            return new Reply(status, values);
        }
    }

    /** One session between two of its messages. */
    private static final class Session {
        final Identity name;
        final List<Append> appended = new ArrayList<>();
        int saved;
        byte @Nullable [] waiting;
        /** Number of the attempt with which its message began to wait. */
        long since;

        long giveUpNs;

        Session(Identity name) {
            this.name = name;
        }
    }

    private final long lockTimeoutNs;
    private final TreeMap<Identity, Session> sessions = new TreeMap<>();
    private final List<List<Long>> lists = new ArrayList<>();
    private final @Nullable Identity[] holders = new Identity[LISTS];
    private final WaitingQueue queue = new WaitingQueue();
    private final Refusals refusals = new Refusals();
    private final RunningStatements running = new RunningStatements(Duration.ofSeconds(30));
    private long attempts;
    private long plans;

    ModelSql(long lockTimeoutNs) {
        this.lockTimeoutNs = lockTimeoutNs;
        for (int list = 0; list < LISTS; list++) {
            lists.add(new ArrayList<>());
        }
    }

    static byte[] message(Act act, int list, long value) {
        return ByteBuffer.allocate(MESSAGE_BYTES)
                .put((byte) act.ordinal())
                .put((byte) list)
                .putLong(value)
                .array();
    }

    /** What is committed. */
    List<List<Long>> lists() {
        return lists;
    }

    boolean isAnybodyWaiting() {
        return !queue.isEmpty();
    }

    /** Who waits for what, in the order of coming. */
    List<Waits.Wait> waits() {
        List<Waits.Wait> waits = new ArrayList<>();
        for (WaitingQueue.Waiter waiter : queue.waiters()) {
            RowName row = waiter.row;
            Session session = sessions.get(waiter.session);
            if (row != null && session != null) {
                waits.add(new Waits.Wait(
                        waiter.session, row.key(), session.since, holders[(int) row.key()], session.giveUpNs));
            }
        }
        return waits;
    }

    // ---- messages --------------------------------------------------------------------------------------------------

    @Override
    public SqlStep execute(Identity session, long requestId, byte[] body, long timeNs, long seed) {
        Session of = sessions.computeIfAbsent(session, Session::new);
        if (of.waiting != null) {
            if (ACTS[body[0]] == Act.CANCEL) {
                byte[] cancelled = giveUp(session, GiveUp.CANCELLED);
                return new SqlStep.Cancelled(reply(Status.DONE, seed, List.of()), cancelled);
            }
            return answered(Status.FAILED, seed, List.of());
        }
        of.giveUpNs = timeNs + lockTimeoutNs;
        of.since = attempts + 1;
        return attempt(of, body, seed);
    }

    @Override
    public SqlStep retry(Identity session, long timeNs, long seed) {
        Session of = waiting(session);
        byte[] body = of.waiting;
        if (body == null) {
            throw new IllegalStateException("nothing of session " + session + " waits");
        }
        return attempt(of, body, seed);
    }

    private Session waiting(Identity session) {
        Session of = sessions.get(session);
        if (of == null || of.waiting == null) {
            throw new IllegalStateException("nothing of session " + session + " waits");
        }
        return of;
    }

    private SqlStep attempt(Session of, byte[] body, long seed) {
        attempts++;
        boolean isRetry = of.waiting != null;
        long place = queue.placeOf(of.name);
        if (isRetry) {
            queue.remove(of.name);
            of.waiting = null;
        }
        ByteBuffer in = ByteBuffer.wrap(body);
        Act act = ACTS[in.get()];
        int list = in.get();
        long value = in.getLong();
        boolean wasOpen = isOpen(of);
        Status status = Status.DONE;
        List<Long> values = List.of();
        switch (act) {
            case APPEND -> {
                Identity holder = holders[list];
                if (holder == null || holder.equals(of.name)) {
                    holders[list] = of.name;
                    of.appended.add(new Append(list, value));
                } else if (queue.isDeadlock(of.name, List.of(holder), false)) {
                    end(of, false);
                    status = Status.DEADLOCK;
                } else {
                    of.waiting = body;
                    queue.add(of.name, place, new RowName(TABLE, list), List.of(holder), false, of.giveUpNs);
                    settle(of, wasOpen, isRetry);
                    return new SqlStep.Waiting(List.of(holder));
                }
            }
            case READ -> values = seen(of, list);
            case SAVE -> of.saved = of.appended.size();
            case BACK -> back(of);
            case FAIL -> status = Status.FAILED;
            case COMMIT -> end(of, true);
            case ROLLBACK -> end(of, false);
            case CANCEL -> {
                // Nothing waits any more.
            }
        }
        settle(of, wasOpen, isRetry || act == Act.BACK);
        return answered(status, seed, values);
    }

    private static boolean isOpen(Session of) {
        return !of.appended.isEmpty();
    }

    private List<Long> seen(Session of, int list) {
        List<Long> values = new ArrayList<>(lists.get(list));
        for (Append each : of.appended) {
            if (each.list == list) {
                values.add(each.value);
            }
        }
        return values;
    }

    private void back(Session of) {
        of.appended.subList(of.saved, of.appended.size()).clear();
        for (int list = 0; list < LISTS; list++) {
            int locked = list;
            if (of.name.equals(holders[list]) && of.appended.stream().noneMatch(each -> each.list == locked)) {
                holders[list] = null;
            }
        }
    }

    private void end(Session of, boolean isCommitted) {
        for (Append each : of.appended) {
            holders[each.list] = null;
            if (isCommitted) {
                lists.get(each.list).add(each.value);
            }
        }
        of.appended.clear();
        of.saved = 0;
    }

    /** After a session's turn, those who wait for it may go on. */
    private void settle(Session of, boolean wasOpen, boolean hasLetGo) {
        boolean isEnded = wasOpen && !isOpen(of);
        if ((isEnded || hasLetGo) && !queue.isEmpty() && queue.isAwaited(of.name)) {
            queue.released(of.name, isEnded, row -> holders[(int) row.key()]);
        }
    }

    private SqlStep answered(Status status, long seed, List<Long> values) {
        return new SqlStep.Answered(reply(status, seed, values));
    }

    private byte[] reply(Status status, long seed, List<Long> values) {
        ByteBuffer out = ByteBuffer.allocate(REPLY_BYTES + values.size() * Long.BYTES);
        out.put((byte) status.ordinal()).putLong(attempts).putLong(plans).putLong(seed);
        values.forEach(out::putLong);
        return out.array();
    }

    /** Nothing runs for long in a model. */
    @Override
    public RunningStatements running() {
        return running;
    }

    @Override
    public SqlStep executeCut(Identity session, long requestId, byte[] body, long timeNs, long seed, byte[] remains) {
        throw new IllegalStateException("a model cuts nothing off, and so finds nothing in the log that was");
    }

    @Override
    public SqlStep retryCut(Identity session, long timeNs, long seed, byte[] remains) {
        throw new IllegalStateException("a model cuts nothing off, and so finds nothing in the log that was");
    }

    @Override
    public List<Identity> waitingSessions() {
        return queue.waiters().stream().map(each -> each.session).toList();
    }

    @Override
    public byte[] giveUp(Identity session, GiveUp reason) {
        Session of = waiting(session);
        queue.remove(session);
        of.waiting = null;
        settle(of, isOpen(of), true);
        return reply(reason == GiveUp.LOCK_TIMEOUT ? Status.LOCK_TIMEOUT : Status.CANCELLED, 0, List.of());
    }

    @Override
    public byte[] read(Identity session, long requestId, byte[] body) {
        Session of = sessions.get(session);
        return reply(Status.DONE, 0, seen(of == null ? new Session(session) : of, body[1]));
    }

    /** The first list is read at once, the others by another thread. */
    @Override
    public boolean holdIfBrief(Identity session, byte[] body) {
        return false; // the simulator has one thread
    }

    @Override
    public void letGo(Identity session) {
        throw new IllegalStateException("nothing is held");
    }

    @Override
    public byte @Nullable [] readKey(Identity session, boolean isBriefOnly, byte[] body) {
        return body[1] == 0 ? read(session, 0, body) : null;
    }

    @Override
    public void close(Identity session) {
        Session of = sessions.remove(session);
        if (of != null) {
            queue.remove(session);
            end(of, false);
            settle(of, true, true);
        }
    }

    @Override
    public @Nullable Identity nextReady() {
        return queue.nextReady();
    }

    @Override
    public long nextGiveUpNs() {
        return queue.nextGiveUpNs();
    }

    @Override
    public @Nullable Identity nextGiveUp(long nowNs) {
        return queue.nextGiveUp(nowNs);
    }

    @Override
    public Optional<CopyBlock> copyBlockedBy() {
        return Optional.empty();
    }

    @Override
    public void replan() {
        plans++;
    }

    @Override
    public Refusals refusals() {
        return refusals;
    }

    @Override
    public void close() {}

    // ---- copies ----------------------------------------------------------------------------------------------------

    @Override
    public String kind() {
        return "lists";
    }

    @Override
    public Records.Snapshot snapshot() {
        StateWriter content = new StateWriter();
        write(content);
        return new Records.Snapshot() {
            private boolean isWritten;

            @Override
            public boolean writeNext(StateWriter out) {
                if (isWritten) {
                    return false;
                }
                isWritten = true;
                out.begin(StateTag.SQL);
                out.putBytes(content.buffer(), content.size());
                out.end();
                return true;
            }

            @Override
            public void close() {}
        };
    }

    private void write(StateWriter out) {
        out.putLong(attempts);
        out.putLong(plans);
        out.putLong(queue.lastPlace());
        for (int list = 0; list < LISTS; list++) {
            out.putIdentity(holders[list] == null ? Identity.NONE : holders[list]);
            out.putInt(lists.get(list).size());
            lists.get(list).forEach(out::putLong);
        }
        out.putInt(sessions.size());
        for (Session each : sessions.values()) {
            out.putIdentity(each.name);
            out.putInt(each.saved);
            out.putInt(each.appended.size());
            for (Append append : each.appended) {
                out.putInt(append.list);
                out.putLong(append.value);
            }
        }
        out.putInt(queue.waiters().size());
        for (WaitingQueue.Waiter waiter : queue.waiters()) {
            Session session = waiting(waiter.session);
            Identity holder = queue.holderInLine(waiter);
            out.putIdentity(waiter.session);
            out.putLong(waiter.place);
            out.putInt(waiter.row == null ? 0 : (int) waiter.row.key());
            out.putIdentity(waiter.holders.first());
            out.putIdentity(holder == null ? Identity.NONE : holder);
            out.putByte(waiter.isReady ? 1 : 0);
            out.putLong(session.since);
            out.putLong(session.giveUpNs);
            out.putBytes(session.waiting == null ? new byte[0] : session.waiting);
        }
    }

    @Override
    public void install(StateTag tag, StateReader item) {
        StateReader in = new StateReader(ByteBuffer.wrap(item.getBytes()));
        attempts = in.getLong();
        plans = in.getLong();
        queue.restoreLastPlace(in.getLong());
        for (int list = 0; list < LISTS; list++) {
            Identity holder = in.getIdentity();
            holders[list] = holder.equals(Identity.NONE) ? null : holder;
            for (int left = in.getInt(); left > 0; left--) {
                lists.get(list).add(in.getLong());
            }
        }
        for (int left = in.getInt(); left > 0; left--) {
            Session session = new Session(in.getIdentity());
            sessions.put(session.name, session);
            session.saved = in.getInt();
            for (int appends = in.getInt(); appends > 0; appends--) {
                session.appended.add(new Append(in.getInt(), in.getLong()));
            }
        }
        for (int left = in.getInt(); left > 0; left--) {
            readWaiter(in);
        }
    }

    private void readWaiter(StateReader in) {
        Identity name = in.getIdentity();
        long place = in.getLong();
        RowName row = new RowName(TABLE, in.getInt());
        List<Identity> waitsFor = List.of(in.getIdentity());
        Identity holder = in.getIdentity();
        boolean isReady = in.getByte() == 1;
        Session session = sessions.computeIfAbsent(name, Session::new);
        session.since = in.getLong();
        session.giveUpNs = in.getLong();
        session.waiting = in.getBytes();
        queue.restore(name, place, row, waitsFor, false, session.giveUpNs, isReady);
        queue.restoreLine(row, holder.equals(Identity.NONE) ? null : holder);
    }
}
