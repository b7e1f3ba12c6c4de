package io.lockstep.server;

import io.lockstep.tsdstore.StateMoment;
import io.lockstep.tsdstore.TsdStore;
import io.lockstep.tsdstore.sql.EntryText;
import io.lockstep.tsdstore.sql.TableSums;
import io.lockstep.wire.Entry;
import io.lockstep.wire.Frame;
import io.lockstep.wire.RowSum;
import io.lockstep.wire.TableSum;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compares this run's tables with the active's while the lane goes on (row 58). Belongs to the node agent, but for
 * {@link #executed}, which is the lane's, and the sums, which the thread 'compare' takes.
 *
 * <p>Both take sums after the same entries: after each whose header time is in another half second than that of the entry
 * before. Who needs more than a twentieth of its time for that takes every second one, every fourth, and so on: so two
 * that differ in speed still meet. The active tells its sums; the backup compares, and if a table differs divides it, part
 * by part with the active, until the rows are found.
 */
final class Comparison {
    private static final long PERIOD_NS = 500_000_000L;
    /** One part of the thread's time. */
    private static final long SHARE = 20;

    private static final int LEVEL_MAX = 6;
    /** Moments whose rows can still be asked for: each keeps alive what was changed since. */
    private static final int KEPT_MAX = 4;

    /** Some ten seconds after the last one to compare with has gone, what was kept goes too. */
    private static final int IDLE_TICKS = 2_000;

    private static final int CLAIMS_MAX = 16;
    /** A part with so few rows is told row by row. */
    private static final int ROWS_MAX = 32;

    private static final int TOLD_MAX = 4;
    private static final int DEPTH_MAX = 8;
    private static final Logger LOG = LoggerFactory.getLogger(Comparison.class);
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    /** What it needs of the node. Called by the node agent, but for {@link #onAgent} and {@link #failed}. */
    interface Port {
        /** Runs something on the node agent's thread. Safe from any thread. */
        void onAgent(Runnable task);

        void send(String node, Frame frame);

        /** Term in which this run leads; 0 while it does not. */
        long leadingTerm();

        /** Those that follow it. */
        Collection<String> followers();

        /** Whom this run follows; empty while it follows nobody. */
        Optional<String> followed();

        /** Term of whom it follows, or followed last. */
        long followedTerm();

        /** This run's tables differ from the active's. */
        void differs(long position, long expected, long actual, String detail);

        /** Which rows of ours and of that node's differ. */
        void found(String node, String report);

        /** That node's tables are equal to ours after that entry. */
        void agreed(String node, long position);

        /** The process cannot go on. Safe from any thread. */
        void failed(Throwable cause);
    }

    /** What was taken after an entry. */
    private record Taken(StateMoment moment, Entry entry, List<TableSum> sums) {
        long position() {
            return entry.position();
        }
    }

    /** The search for the rows that differ. */
    private record Search(Taken taken, String active, long term, String table, int depth, long prefix) {}

    private final Port port;
    private final TableSums tables = new TableSums();
    private final AtomicBoolean isBusy = new AtomicBoolean();
    private final Deque<Taken> kept = new ArrayDeque<>();
    private final Map<Long, Frame.Sums> claims = new LinkedHashMap<>();
    private final ExecutorService thread = Executors.newSingleThreadExecutor(task -> {
        Thread made = new Thread(task, "compare");
        made.setDaemon(true);
        return made;
    });

    /** Every so manieth half second is taken, as a power of two. Written by the thread 'compare'. */
    private volatile int level;
    /** Whether there is somebody to compare with. */
    private volatile boolean isWanted;
    /** Touched by the thread 'compare' only: sums over everything are taken once, whatever they cost. */
    private boolean isFirst = true;

    /** How often {@link #tick} has found nobody to compare with, since there was somebody. */
    private int idleTicks;

    private long agreedPosition;
    /** While this run leads: up to where each that was told our sums has said that its tables are equal; 0: never yet. */
    private final Map<String, Long> agreedBy = new HashMap<>();

    private @Nullable Search search;

    Comparison(Port port) {
        this.port = port;
    }

    // ---- taking ---------------------------------------------------------------------------------------------------

    /** The lane has executed an entry. Called by the lane. */
    void executed(TsdStore store, Entry entry, long previousTimeNs) {
        long periodNs = PERIOD_NS << level;
        if (isWanted
                && entry.header().timeNs() / periodNs != previousTimeNs / periodNs
                && isBusy.compareAndSet(false, true)) {
            StateMoment moment = store.moment();
            if (moment != null) {
                inBackground(() -> take(moment, entry)); // else it stays busy: these records are never compared
            }
        }
    }

    private void inBackground(Runnable task) {
        try {
            thread.execute(() -> {
                try {
                    task.run();
                } catch (RuntimeException failure) {
                    if (!thread.isShutdown()) {
                        LOG.error("tables cannot be compared; this node compares none any more", failure);
                    }
                } catch (Error failure) {
                    port.failed(failure);
                }
            });
        } catch (RejectedExecutionException closed) {
            isBusy.set(true); // the run is over: nothing is compared any more
        }
    }

    private void take(StateMoment moment, Entry entry) {
        long startNs = THREADS.getCurrentThreadCpuTime();
        List<TableSum> sums = tables.of(moment);
        long costNs = THREADS.getCurrentThreadCpuTime() - startNs;
        if (!isFirst) {
            int affordable = 0;
            while (affordable < LEVEL_MAX && costNs * SHARE > PERIOD_NS << affordable) {
                affordable++;
            }
            level = affordable;
        }
        isFirst = false;
        port.onAgent(() -> taken(new Taken(moment, entry, sums)));
        isBusy.set(false);
    }

    /** Looks whether there is somebody to compare with; call it every few milliseconds. */
    void tick() {
        boolean isNeeded = port.leadingTerm() > 0
                ? !port.followers().isEmpty()
                : port.followed().isPresent();
        idleTicks = isNeeded ? 0 : idleTicks + 1;
        if (idleTicks == IDLE_TICKS) { // not at once: who has just left the view may still ask which rows differ
            kept.clear();
            claims.clear();
            inBackground(() -> {
                tables.forget();
                isFirst = true;
            });
        }
        isWanted = isNeeded;
    }

    /** Ends the run: nothing more is taken. What is being read goes on, in pages that nobody changes, for nobody. */
    void close() {
        isWanted = false;
        thread.shutdownNow();
    }

    private void taken(Taken taken) {
        if (search != null) {
            return; // what it is about must stay
        }
        kept.addLast(taken);
        if (kept.size() > KEPT_MAX) {
            kept.removeFirst();
        }
        if (port.leadingTerm() > 0) {
            Frame.Sums told = new Frame.Sums(
                    port.leadingTerm(), taken.position(), taken.moment().chain(), taken.sums());
            port.followers().forEach(each -> {
                agreedBy.putIfAbsent(each, 0L);
                port.send(each, told);
            });
        } else {
            Frame.Sums claim = claims.remove(taken.position());
            if (claim != null) {
                compare(claim, taken);
            }
        }
    }

    // ---- comparing ------------------------------------------------------------------------------------------------

    /** Another node's sums. */
    void onSums(String from, Frame.Sums sums) {
        if (port.leadingTerm() > 0) {
            at(sums.position())
                    .filter(each -> sums.term() == port.leadingTerm()
                            && each.moment().chain() == sums.chain()
                            && each.sums().equals(sums.tables()))
                    .ifPresent(each -> {
                        port.agreed(from, each.position());
                        agreed(from, each.position());
                    });
            return;
        }
        if (search != null || !port.followed().equals(Optional.of(from)) || sums.term() != port.followedTerm()) {
            return;
        }
        Optional<Taken> ours = at(sums.position());
        if (ours.isPresent()) {
            compare(sums, ours.get());
        } else {
            claims.put(sums.position(), sums);
            if (claims.size() > CLAIMS_MAX) {
                claims.remove(claims.keySet().iterator().next());
            }
        }
    }

    /**
     * A follower's tables are equal to ours after that entry. Nobody will ask which rows differ up to where all have said so,
     * those among them that have left since: they may have left because theirs differ.
     */
    private void agreed(String follower, long position) {
        agreedBy.put(follower, position);
        forgetUpTo(Collections.min(agreedBy.values()));
    }

    private void forgetUpTo(long position) {
        kept.removeIf(each -> each.position() <= position);
    }

    private Optional<Taken> at(long position) {
        return kept.stream().filter(each -> each.position() == position).findFirst();
    }

    private void compare(Frame.Sums claim, Taken ours) {
        Optional<String> active = port.followed();
        if (active.isEmpty()
                || claim.term() != port.followedTerm()
                || claim.chain() != ours.moment().chain()) {
            return; // of a reign that is over
        }
        if (claim.tables().equals(ours.sums())) {
            agreedPosition = claim.position();
            forgetUpTo(agreedPosition);
            port.send(active.get(), new Frame.Sums(claim.term(), claim.position(), claim.chain(), ours.sums()));
            return;
        }
        Map<String, TableSum> theirs = new LinkedHashMap<>();
        claim.tables().forEach(each -> theirs.put(each.table(), each));
        Map<String, TableSum> here = new LinkedHashMap<>();
        ours.sums().forEach(each -> here.put(each.table(), each));
        List<String> differing = new ArrayList<>();
        theirs.forEach((table, sum) -> {
            if (!sum.equals(here.get(table))) {
                differing.add(table);
            }
        });
        here.keySet().stream().filter(each -> !theirs.containsKey(each)).forEach(differing::add);
        String table = differing.get(0);
        TableSum nothing = new TableSum(table, 0, 0);
        TableSum expected = theirs.getOrDefault(table, nothing);
        TableSum actual = here.getOrDefault(table, nothing);
        search = new Search(ours, active.get(), claim.term(), table, 0, 0);
        port.differs(
                ours.position(),
                expected.sum(),
                actual.sum(),
                "table " + table + " has other rows: " + expected.rows() + " with sum "
                        + Long.toHexString(expected.sum())
                        + " at " + active.get() + ", " + actual.rows() + " with sum "
                        + Long.toHexString(actual.sum()) + " here"
                        + (differing.size() > 1 ? ", and so have " + (differing.size() - 1) + " more" : "") + "; "
                        + (agreedPosition > 0 ? "all was equal after entry " + agreedPosition + ", " : "")
                        + "the last message was " + EntryText.of(ours.entry()));
        ask();
    }

    // ---- which rows -----------------------------------------------------------------------------------------------

    private void ask() {
        Search of = Objects.requireNonNull(search);
        inBackground(() -> {
            Frame.Narrow question = part(of.term(), of.taken(), of.table(), of.depth(), of.prefix(), true);
            port.onAgent(() -> port.send(of.active(), question));
        });
    }

    /** What a part is: its rows if they are few and wanted, else the parts that it consists of. By the thread 'compare'. */
    private Frame.Narrow part(long term, Taken taken, String table, int depth, long prefix, boolean areRowsWanted) {
        List<RowSum> rows = areRowsWanted ? tables.rows(taken.moment(), table, depth, prefix, ROWS_MAX + 1) : List.of();
        boolean areRows = areRowsWanted && rows.size() <= ROWS_MAX;
        return new Frame.Narrow(
                term,
                taken.position(),
                table,
                depth,
                prefix,
                areRows,
                areRows ? rows : tables.parts(taken.moment(), table, depth, prefix));
    }

    /** Another node's question which rows differ, or the answer to ours. */
    void onNarrow(String from, Frame.Narrow narrow) {
        if (narrow.depth() > DEPTH_MAX) {
            return;
        }
        Search searching = search;
        if (port.leadingTerm() > 0) {
            at(narrow.position())
                    .filter(each -> narrow.term() == port.leadingTerm())
                    .ifPresent(each -> inBackground(() -> answer(from, narrow, each)));
        } else if (searching != null
                && from.equals(searching.active())
                && narrow.position() == searching.taken().position()
                && narrow.table().equals(searching.table())
                && narrow.depth() == searching.depth()
                && narrow.prefix() == searching.prefix()) {
            inBackground(() -> goOn(searching, narrow));
        }
    }

    private void answer(String from, Frame.Narrow question, Taken taken) {
        Frame.Narrow ours =
                part(question.term(), taken, question.table(), question.depth(), question.prefix(), question.isRows());
        port.onAgent(() -> {
            port.send(from, ours);
            if (ours.isRows()) {
                port.found(from, report(taken, question.table(), "here", ours.parts(), "at " + from, question.parts()));
            }
        });
    }

    private void goOn(Search of, Frame.Narrow theirs) {
        Frame.Narrow ours = part(of.term(), of.taken(), of.table(), of.depth(), of.prefix(), theirs.isRows());
        if (theirs.isRows() && ours.isRows()) {
            String report = report(of.taken(), of.table(), "at " + of.active(), theirs.parts(), "here", ours.parts());
            port.onAgent(() -> port.found(of.active(), report));
            return;
        }
        for (int i = 0; i < Math.min(ours.parts().size(), theirs.parts().size()); i++) {
            if (!ours.parts().get(i).equals(theirs.parts().get(i)) && of.depth() < DEPTH_MAX - 1) {
                long prefix = of.prefix() << Byte.SIZE | i;
                port.onAgent(() -> {
                    search = new Search(of.taken(), of.active(), of.term(), of.table(), of.depth() + 1, prefix);
                    ask();
                });
                return;
            }
        }
    }

    private static String report(
            Taken taken, String table, String one, List<RowSum> ones, String other, List<RowSum> others) {
        Map<Long, RowSum> byKey = new TreeMap<>();
        Map<Long, RowSum> othersByKey = new TreeMap<>();
        ones.forEach(each -> byKey.put(each.key(), each));
        others.forEach(each -> othersByKey.put(each.key(), each));
        TreeMap<Long, RowSum> all = new TreeMap<>(byKey);
        all.putAll(othersByKey);
        StringBuilder text = new StringBuilder("table " + table + " after entry " + taken.position());
        int told = 0;
        for (Long key : all.keySet()) {
            RowSum first = byKey.get(key);
            RowSum second = othersByKey.get(key);
            if (told < TOLD_MAX && (first == null || second == null || first.sum() != second.sum())) {
                told++;
                text.append(told == 1 ? ": key " : "; key ")
                        .append(key)
                        .append(": ")
                        .append(one)
                        .append(' ')
                        .append(first == null ? "no row" : first.text())
                        .append(", ")
                        .append(other)
                        .append(' ')
                        .append(second == null ? "no row" : second.text());
            }
        }
        return text.toString();
    }
}
