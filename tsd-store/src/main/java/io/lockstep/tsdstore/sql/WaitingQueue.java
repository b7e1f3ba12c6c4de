package io.lockstep.tsdstore.sql;

import io.lockstep.wire.Identity;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Who waits for whom: messages that met a lock, first come first served. Touched only by the lane.
 *
 * <p>Those who wait for one row stand in line behind its holder, and only the first of a line is tried when the row is
 * free: so a hot row costs one attempt for each commit, however many wait. Who waits for something else is tried when one
 * of those who could hold it has ended, or, for a table, all of them.
 */
public final class WaitingQueue {
    /** One who waits. */
    public static final class Waiter {
        public final Identity session;
        /** Its place in the order of coming; it keeps it through attempts. */
        public final long place;

        public final @Nullable RowName row;
        /** Whom it waits for, if not in a line. */
        public final TreeSet<Identity> holders;

        public final boolean needsAll;
        public final long giveUpNs;
        public boolean isReady;

        Waiter(
                Identity session,
                long place,
                @Nullable RowName row,
                Collection<Identity> holders,
                boolean needsAll,
                long giveUpNs) {
            this.session = session;
            this.place = place;
            this.row = row;
            this.holders = new TreeSet<>(holders);
            this.needsAll = needsAll;
            this.giveUpNs = giveUpNs;
        }
    }

    /** Those who wait for one row. */
    private static final class Line {
        /** Who has the row, or is to be tried next. */
        @Nullable Identity holder;

        final TreeMap<Long, Waiter> waiters = new TreeMap<>();
    }

    private final Map<Identity, Waiter> bySession = new HashMap<>();
    private final TreeMap<Long, Waiter> ready = new TreeMap<>();
    private final Map<RowName, Line> lines = new HashMap<>();
    /** Rows whose line has this holder. */
    private final Map<Identity, Set<RowName>> rowsByHolder = new HashMap<>();
    /** Those not in a line who wait for this one, by place. */
    private final Map<Identity, TreeMap<Long, Waiter>> looseByHolder = new HashMap<>();
    /** Places by the time when they are given up. */
    private final TreeMap<Long, TreeSet<Long>> giveUps = new TreeMap<>();

    private final TreeMap<Long, Waiter> byPlace = new TreeMap<>();
    private long lastPlace;

    /** Whether nobody waits. */
    public boolean isEmpty() {
        return bySession.isEmpty();
    }

    /** Who waits, in the order of coming. */
    public Collection<Waiter> waiters() {
        return byPlace.values();
    }

    /** The last place that was given out; 0 before the first. */
    public long lastPlace() {
        return lastPlace;
    }

    /**
     * A session waits, for the first time or again.
     *
     * @param place 0 to come last, or the place that it had
     * @param giveUpNs header time
     */
    public void add(
            Identity session,
            long place,
            @Nullable RowName row,
            Collection<Identity> holders,
            boolean needsAll,
            long giveUpNs) {
        long taken = place == 0 ? ++lastPlace : place;
        lastPlace = Math.max(lastPlace, taken);
        Waiter waiter = new Waiter(session, taken, row, holders, needsAll, giveUpNs);
        bySession.put(session, waiter);
        byPlace.put(taken, waiter);
        giveUps.computeIfAbsent(giveUpNs, time -> new TreeSet<>()).add(taken);
        if (row != null) {
            Line line = lines.computeIfAbsent(row, name -> new Line());
            line.waiters.put(taken, waiter);
            setHolder(row, line, waiter.holders.isEmpty() ? null : waiter.holders.first());
        } else {
            for (Identity holder : waiter.holders) {
                looseByHolder.computeIfAbsent(holder, name -> new TreeMap<>()).put(taken, waiter);
            }
        }
    }

    /** The last place that was given out in the source of a copy. */
    public void restoreLastPlace(long place) {
        lastPlace = place;
    }

    /** One who waited in the source of a copy. */
    public void restore(
            Identity session,
            long place,
            @Nullable RowName row,
            Collection<Identity> holders,
            boolean needsAll,
            long giveUpNs,
            boolean isTried) {
        add(session, place, row, holders, needsAll, giveUpNs);
        Waiter waiter = byPlace.get(place);
        if (isTried && waiter != null) {
            setReady(waiter);
        }
    }

    /** Who has a row that somebody waited for in the source of a copy, or is to be tried next. */
    public void restoreLine(RowName row, @Nullable Identity holder) {
        Line line = lines.get(row);
        if (line != null) {
            setHolder(row, line, holder);
        }
    }

    /** Who has the row that this one waits for, or is to be tried next; null when it waits for no row. */
    public @Nullable Identity holderInLine(Waiter waiter) {
        Line line = waiter.row == null ? null : lines.get(waiter.row);
        return line == null ? null : line.holder;
    }

    /** Place of one who waits; 0 when it does not. */
    public long placeOf(Identity session) {
        Waiter waiter = bySession.get(session);
        return waiter == null ? 0 : waiter.place;
    }

    /** A session waits no more, or tries again. */
    public void remove(Identity session) {
        Waiter waiter = bySession.remove(session);
        if (waiter == null) {
            return;
        }
        byPlace.remove(waiter.place);
        ready.remove(waiter.place);
        TreeSet<Long> places = giveUps.get(waiter.giveUpNs);
        if (places != null && places.remove(waiter.place) && places.isEmpty()) {
            giveUps.remove(waiter.giveUpNs);
        }
        if (waiter.row != null) {
            Line line = lines.get(waiter.row);
            if (line != null && line.waiters.remove(waiter.place) != null && line.waiters.isEmpty()) {
                setHolder(waiter.row, line, null);
                lines.remove(waiter.row);
            }
        } else {
            for (Identity holder : waiter.holders) {
                TreeMap<Long, Waiter> loose = looseByHolder.get(holder);
                if (loose != null && loose.remove(waiter.place) != null && loose.isEmpty()) {
                    looseByHolder.remove(holder);
                }
            }
        }
    }

    /** Whether anybody waits for the session. */
    public boolean isAwaited(Identity session) {
        return rowsByHolder.containsKey(session) || looseByHolder.containsKey(session);
    }

    /**
     * A session may have let go of locks, or was tried.
     *
     * @param isEnded whether its transaction has ended, so that it holds nothing
     * @param holderOf who has a row now; null when nobody has
     */
    public void released(Identity session, boolean isEnded, Function<RowName, @Nullable Identity> holderOf) {
        Set<RowName> rows = rowsByHolder.get(session);
        if (rows != null) {
            for (RowName row : new ArrayList<>(rows)) {
                Line line = lines.get(row);
                if (line != null) {
                    advance(row, line, holderOf.apply(row));
                }
            }
        }
        TreeMap<Long, Waiter> loose = looseByHolder.get(session);
        if (loose != null) {
            for (Waiter waiter : new ArrayList<>(loose.values())) {
                if (waiter.needsAll && isEnded) {
                    waiter.holders.remove(session);
                    loose.remove(waiter.place);
                }
                if (!waiter.needsAll || waiter.holders.isEmpty()) {
                    setReady(waiter);
                }
            }
            if (loose.isEmpty()) {
                looseByHolder.remove(session);
            }
        }
    }

    /** The line's next one is tried, or all of it waits for whoever has the row now. */
    private void advance(RowName row, Line line, @Nullable Identity holder) {
        Waiter first = line.waiters.firstEntry().getValue();
        if (holder == null || holder.equals(first.session)) {
            setHolder(row, line, first.session);
            setReady(first);
        } else {
            setHolder(row, line, holder);
        }
    }

    private void setReady(Waiter waiter) {
        waiter.isReady = true;
        ready.put(waiter.place, waiter);
    }

    private void setHolder(RowName row, Line line, @Nullable Identity holder) {
        Identity before = line.holder;
        if (before != null) {
            Set<RowName> rows = rowsByHolder.get(before);
            if (rows != null && rows.remove(row) && rows.isEmpty()) {
                rowsByHolder.remove(before);
            }
        }
        line.holder = holder;
        if (holder != null) {
            rowsByHolder.computeIfAbsent(holder, name -> new HashSet<>()).add(row);
        }
    }

    /** The first who may be tried again; null when there is none. */
    public @Nullable Identity nextReady() {
        return ready.isEmpty() ? null : ready.firstEntry().getValue().session;
    }

    List<Identity> ready() {
        return ready.values().stream().map(waiter -> waiter.session).toList();
    }

    /** Earliest time at which somebody is given up; Long.MAX_VALUE for never. */
    public long nextGiveUpNs() {
        return giveUps.isEmpty() ? Long.MAX_VALUE : giveUps.firstKey();
    }

    /** Who is to be given up now; null when there is none. */
    public @Nullable Identity nextGiveUp(long nowNs) {
        if (giveUps.isEmpty() || giveUps.firstKey() > nowNs) {
            return null;
        }
        Waiter waiter = byPlace.get(giveUps.firstEntry().getValue().first());
        return waiter == null ? null : waiter.session;
    }

    /**
     * Whether a session that is about to wait would wait for itself.
     *
     * @param holders whom it would wait for
     * @param needsAll whether for all of them
     */
    public boolean isDeadlock(Identity session, Collection<Identity> holders, boolean needsAll) {
        return isStuck(session, holders, needsAll, new HashMap<>());
    }

    private boolean isStuck(Identity on, Collection<Identity> holders, boolean needsAll, Map<Identity, Boolean> known) {
        for (Identity holder : holders) {
            if (isStuck(on, holder, known) == needsAll) {
                return needsAll;
            }
        }
        return !needsAll && !holders.isEmpty();
    }

    /**
     * Whether a session waits, directly or not, for the other, and for nobody else who could let it go on. Lines may be
     * long, one behind the other: they are followed without recursion.
     */
    private boolean isStuck(Identity on, Identity session, Map<Identity, Boolean> known) {
        List<Identity> path = new ArrayList<>();
        Identity at = session;
        boolean isStuck;
        while (true) {
            Boolean before = known.get(at);
            if (at.equals(on) || before != null) {
                isStuck = before == null || before;
                break;
            }
            // Whoever is met again on its own path is stuck as far as it depends on itself.
            known.put(at, true);
            path.add(at);
            Waiter waiter = bySession.get(at);
            if (waiter == null || waiter.isReady) {
                isStuck = false;
                break;
            }
            if (waiter.row == null) {
                isStuck = isStuck(on, waiter.holders, waiter.needsAll, known);
                break;
            }
            Line line = lines.get(waiter.row);
            if (line == null || line.holder == null) {
                isStuck = false;
                break;
            }
            at = line.holder;
        }
        for (Identity each : path) {
            known.put(each, isStuck);
        }
        return isStuck;
    }
}
