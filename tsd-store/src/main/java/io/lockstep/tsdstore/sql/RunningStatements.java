package io.lockstep.tsdstore.sql;

import io.lockstep.sqlwire.SqlCodec;
import io.lockstep.wire.Identity;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * What runs now, on the lane and beside it, and how that is ended from outside. Safe from any thread, but for {@link
 * #look}, which belongs to one.
 *
 * <p>Whoever works tells only that it works and at what; how long it has been at that is found by looking. So a statement
 * costs no clock and no timer.
 */
public final class RunningStatements {
    /** Most that the time between two looks counts: a process that stood still accuses nobody. */
    private static final long LOOK_MAX_NS = 100_000_000L;
    /** Cancellations of what has not begun yet; beyond, they come too early. */
    private static final int WANTED_MAX = 65_536;

    /** Where somebody works: the lane, or one that reads. */
    static final class Place {
        /** What it works at; null when at nothing. */
        private final AtomicReference<@Nullable Run> run = new AtomicReference<>();
    }

    /**
     * A statement that runs.
     *
     * @param sql shortened; empty when the message is no statement
     * @param isOnLane whether others wait for it
     * @param ranNs for how long it has been seen to run
     */
    public record Running(Identity session, long requestId, String sql, boolean isOnLane, long ranNs) {}

    private final long limitNs;
    private final Place lane = new Place();
    private final List<Place> places = new CopyOnWriteArrayList<>(List.of(lane));
    /** Requests that were cancelled before they began, by session. */
    private final Map<Identity, Long> wanted = new ConcurrentHashMap<>();
    /** Held while the lane is kept where it is. */
    private final Object standing = new Object();
    /** Whether the lane is within a statement. Written by the lane. */
    private volatile boolean isLaneExecuting;

    private volatile boolean isLaneUnseen;
    /** Why everything ends, what begins from now on included; null: it does not. */
    private volatile @Nullable CutReason closing;

    /** @param limit for any statement */
    public RunningStatements(Duration limit) {
        this.limitNs = limit.toNanos();
    }

    Place lane() {
        return lane;
    }

    /** Another place, for as long as the node works. */
    Place newPlace() {
        Place made = new Place();
        places.add(made);
        return made;
    }

    /** Nobody works there any more. */
    void drop(Place place) {
        places.remove(place);
    }

    /** Work begins there. */
    void begin(Place at, Run run, Identity session, long timeoutNs) {
        run.session = session;
        run.timeoutNs = timeoutNs;
        if (run.cut != null) {
            run.cut = null;
        }
        run.seenNs = 0;
        run.ranNs = 0;
        // A full fence: either we see below that it is to end, or whoever wants that sees that it runs.
        at.run.set(run);
        CutReason everything = closing;
        if (everything != null) {
            run.cut(everything);
        }
        if (!wanted.isEmpty()) {
            Long requestId = wanted.get(session);
            if (requestId != null && requestId <= run.requestId) {
                wanted.remove(session, requestId);
                if (requestId == run.requestId) {
                    run.cut(CutReason.CANCELLED);
                }
            }
        }
    }

    void end(Place at) {
        at.run.setRelease(null);
    }

    /** The session is gone. */
    void forget(Identity session) {
        wanted.remove(session);
    }

    // ---- beside the lane -------------------------------------------------------------------------------------------

    /**
     * The lane executes a statement: until {@link #laneGoesOn} it touches nothing but that one's session and the database.
     *
     * @param isUnseen whether nobody else can see anything of its message before then
     */
    void laneExecutes(boolean isUnseen) {
        isLaneUnseen = isUnseen;
        isLaneExecuting = true;
    }

    /** The statement is done or undone; waits for whoever reads the node's state meanwhile. */
    void laneGoesOn() {
        synchronized (standing) {
            isLaneExecuting = false;
        }
        isLaneUnseen = false;
    }

    /**
     * Whether the lane executes a statement of whose message nobody else can have seen anything yet. Who saw something, and
     * asks afterwards, has seen nothing of the execution that begins or goes on then.
     */
    public boolean isLaneUnseen() {
        return isLaneUnseen;
    }

    /**
     * Runs a short task if the lane executes a statement that has run for so long, and keeps the lane at that meanwhile: the
     * task may read the state of all sessions but that one's.
     */
    public void besideStatement(long leastNs, Runnable task) {
        Run run = lane.run.get();
        if (run != null && run.ranNs >= leastNs) {
            synchronized (standing) {
                if (isLaneExecuting) {
                    task.run();
                }
            }
        }
    }

    // ---- from outside ----------------------------------------------------------------------------------------------

    /**
     * Ends a request as soon as it can: now if it runs, else when it begins.
     *
     * @param requestId 0: whatever of the session runs now
     */
    public void cancel(Identity session, long requestId) {
        if (requestId != 0 && wanted.size() < WANTED_MAX) {
            wanted.merge(session, requestId, Math::max);
        }
        for (Place each : places) {
            Run run = each.run.get();
            if (run != null && session.equals(run.session) && (requestId == 0 || requestId == run.requestId)) {
                run.cut(CutReason.CANCELLED);
                wanted.remove(session, requestId);
            }
        }
    }

    /** Cancels what a message asks to cancel, if that is what it asks; its turn on the lane may come much later. */
    public void cancelAsAsked(Identity session, byte[] body) {
        long requestId = SqlCodec.cancelled(body);
        if (requestId >= 0) {
            cancel(session, requestId);
        }
    }

    /** Ends whatever runs now, and from now on whatever begins. */
    public void close() {
        closing = CutReason.DEPOSED;
        cutAll(CutReason.DEPOSED);
    }

    /** Ends whatever runs now. */
    public void cutAll(CutReason reason) {
        for (Place each : places) {
            Run run = each.run.get();
            if (run != null) {
                run.cut(reason);
            }
        }
    }

    /**
     * Ends what has run for longer than its client or the database allows; every few milliseconds, by one thread.
     *
     * @param isHeapShort whether what has run for longest must make room
     */
    public void look(long nowNs, boolean isHeapShort) {
        Run longest = null;
        for (Place each : places) {
            Run run = each.run.get();
            if (run == null) {
                continue;
            }
            // Seen for the first time: counts from here.
            run.ranNs += run.seenNs == 0 ? 0 : Math.min(LOOK_MAX_NS, nowNs - run.seenNs);
            run.seenNs = nowNs;
            CutReason cut = run.cut;
            if (cut != null) {
                run.cut(cut); // it may have been between two statements when it was cut: the next one ends, too
            } else if (run.timeoutNs > 0 && run.ranNs >= run.timeoutNs) {
                run.cut(CutReason.QUERY_TIMEOUT);
            } else if (run.ranNs >= limitNs) {
                run.cut(CutReason.STATEMENT_LIMIT);
            } else if (longest == null || run.ranNs > longest.ranNs) {
                longest = run;
            }
        }
        if (isHeapShort && longest != null && longest.ranNs > 0) {
            longest.cut(CutReason.MEMORY_LIMIT);
        }
    }

    /** What has run for longest; empty when nothing has been seen to run for so long. */
    public Optional<Running> longest(long leastNs) {
        Running found = null;
        for (Place each : places) {
            Run run = each.run.get();
            Identity session = run == null ? null : run.session;
            if (run != null
                    && session != null
                    && run.ranNs >= leastNs
                    && (found == null || run.ranNs > found.ranNs())) {
                found = new Running(session, run.requestId, run.sql(), each == lane, run.ranNs);
            }
        }
        return Optional.ofNullable(found);
    }
}
