package io.lockstep.tests.workload;

import io.lockstep.tests.workload.SqlTransaction.Fate;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What transactions appended to lists and read from them, and what the lists hold in the end; says which of it READ
 * COMMITTED does not allow, in the words of A. Adya (1999). Touched only by whoever judges.
 *
 * <p>G0 a circle of writes over writes; G1a a read of what was rolled back, or not committed yet; G1b a read of what its
 * writer had not finished; G1c a circle of writes and reads of them. Beyond Adya, since there is one database and one
 * clock: nothing answered is lost, doubled or out of order, and a read sees all whose commit was answered before it was
 * sent. G-single, a circle with one read that was overtaken, is allowed at this level and only counted.
 */
public final class ListHistory {
    /** Takes what is found. */
    public interface Findings {
        /** Something that was answered is gone. */
        void lost(String what);

        /** Something took place that should not have, or twice. */
        void doubled(String what);

        /** Something is not as it must be. */
        void wrong(String what);

        /** Something to be read by people. */
        void note(String line);
    }

    /** One transaction. Written by its teller. */
    public static final class Transaction {
        final SqlTransaction end;
        private final List<Step> steps = new ArrayList<>();

        /** Begins one; whoever tells its end changes {@code end}. */
        public Transaction(SqlTransaction end) {
            this.end = end;
        }

        /** An append was answered. */
        public void append(int list, long value) {
            steps.add(new Append(list, value));
        }

        /** It went back to a savepoint; so many of its appends were before that. */
        public void backTo(int appends) {
            steps.add(new Back(appends));
        }

        /** A read was answered. */
        public void read(int list, List<Long> values, long sentNs, long answeredNs) {
            steps.add(new Read(list, values, sentNs, answeredNs));
        }

        @Override
        public String toString() {
            return end.toString();
        }
    }

    private sealed interface Step {}

    private record Append(int list, long value) implements Step {}

    private record Back(int appends) implements Step {}

    private record Read(int list, List<Long> values, long sentNs, long answeredNs) implements Step {}

    /** A list as it is in the end, and when each of its values was surely there. */
    private record Final(List<Long> values, Map<Long, Integer> places, long[] knownNs) {}

    private final Collection<Transaction> transactions;
    private final Map<Integer, List<Long>> lists;
    private final Map<Long, Transaction> writers = new HashMap<>();
    private final Map<Integer, Final> finals = new HashMap<>();
    private final Map<String, Integer> kinds = new HashMap<>();
    /** Who must come before whom: writes over writes, then reads of writes, then reads that were overtaken. */
    private final List<Map<Transaction, Set<Transaction>>> edges =
            List.of(new HashMap<>(), new HashMap<>(), new HashMap<>());

    /** What was undone by going back to a savepoint. */
    private final Set<Long> undone = new HashSet<>();

    private int reads;

    /** @param lists as they are in the end */
    public ListHistory(Collection<Transaction> transactions, Map<Integer, List<Long>> lists) {
        this.transactions = transactions;
        this.lists = lists;
    }

    /** Says what is wrong. */
    public void judge(Findings audit) {
        for (Transaction transaction : transactions) {
            List<Append> standing = new ArrayList<>();
            for (Step step : transaction.steps) {
                if (step instanceof Append append) {
                    writers.put(append.value, transaction);
                    standing.add(append);
                } else if (step instanceof Back back) {
                    List<Append> gone = standing.subList(back.appends, standing.size());
                    gone.forEach(each -> undone.add(each.value));
                    gone.clear();
                }
            }
        }
        lists.forEach((list, values) -> judgeList(list, values, audit));
        transactions.forEach(transaction -> judgeAppends(transaction, audit));
        transactions.forEach(transaction -> judgeReads(transaction, audit));
        judgeCircles(audit);
        audit.note(transactions.size() + " transactions, " + reads + " reads and " + writers.size() + " appends to "
                + lists.size() + " lists; anomalies: " + (kinds.isEmpty() ? "none" : kinds));
    }

    private void found(Findings audit, String kind, String what) {
        kinds.merge(kind, 1, Integer::sum);
        switch (kind) {
            case "lost" -> audit.lost(what);
            case "doubled" -> audit.doubled(what);
            default -> audit.wrong(kind + ": " + what);
        }
    }

    // ---- the lists in the end ---------------------------------------------------------------------------------------

    private void judgeList(int list, List<Long> values, Findings audit) {
        Map<Long, Integer> places = new HashMap<>();
        long[] knownNs = new long[values.size()];
        Set<Transaction> over = new HashSet<>();
        Transaction before = null;
        for (int i = 0; i < values.size(); i++) {
            long value = values.get(i);
            Transaction writer = writers.get(value);
            if (places.putIfAbsent(value, i) != null) {
                found(audit, "doubled", "list " + list + " has " + value + " twice");
            }
            if (writer == null) {
                found(audit, "doubled", "list " + list + " has " + value + ", which nobody appended");
                continue;
            }
            if (writer.end.fate == Fate.ROLLED_BACK || undone.contains(value)) {
                found(audit, "doubled", "list " + list + " has " + value + " of the rolled back " + writer);
            }
            if (writer != before) {
                if (!over.add(writer)) {
                    found(audit, "reordered", "list " + list + ": somebody came between two values of " + writer);
                }
                if (before != null) {
                    edges.get(0)
                            .computeIfAbsent(before, same -> new LinkedHashSet<>())
                            .add(writer);
                }
                before = writer;
            }
            knownNs[i] = writer.end.committedNs;
        }
        for (int i = knownNs.length - 2; i >= 0; i--) {
            knownNs[i] = Math.min(knownNs[i], knownNs[i + 1]);
        }
        finals.put(list, new Final(values, places, knownNs));
    }

    private Final of(int list) {
        return finals.computeIfAbsent(list, none -> new Final(List.of(), Map.of(), new long[0]));
    }

    private void judgeAppends(Transaction transaction, Findings audit) {
        int there = 0;
        int all = 0;
        Map<Integer, Integer> lastPlace = new HashMap<>();
        for (Step step : transaction.steps) {
            if (step instanceof Append append && !undone.contains(append.value)) {
                Integer place = of(append.list).places.get(append.value);
                all++;
                if (place != null) {
                    there++;
                    Integer last = lastPlace.put(append.list, place);
                    if (last != null && last > place) {
                        found(audit, "reordered", "list " + append.list + ": values of " + transaction);
                    }
                } else if (transaction.end.isCommitted()) {
                    found(audit, "lost", "list " + append.list + " lacks " + append.value + " of " + transaction);
                }
            }
        }
        if (transaction.end.fate == Fate.UNCERTAIN && there > 0 && there < all) {
            found(audit, "lost", "a part of " + transaction + ": " + there + " of " + all + " appends are there");
        }
    }

    // ---- what was read ----------------------------------------------------------------------------------------------

    private void judgeReads(Transaction transaction, Findings audit) {
        List<Append> own = new ArrayList<>();
        for (Step step : transaction.steps) {
            if (step instanceof Append append) {
                own.add(append);
            } else if (step instanceof Back back) {
                own.subList(back.appends, own.size()).clear();
            } else if (step instanceof Read read) {
                reads++;
                List<Long> values = own.stream()
                        .filter(each -> each.list == read.list)
                        .map(each -> each.value)
                        .toList();
                judgeRead(transaction, read, values, audit);
            }
        }
    }

    private void judgeRead(Transaction reader, Read read, List<Long> own, Findings audit) {
        String what = reader + " read list " + read.list + " as " + read.values;
        int others = read.values.size() - own.size();
        if (others < 0 || !read.values.subList(others, read.values.size()).equals(own)) {
            found(audit, "own appends missing", what + ", having appended " + own);
            return;
        }
        Final list = of(read.list);
        for (int i = 0; i < others; i++) {
            long value = read.values.get(i);
            Transaction writer = writers.get(value);
            if (writer != null && (writer.end.fate == Fate.ROLLED_BACK || undone.contains(value))) {
                found(audit, "G1a", what + ", of which " + value + " was rolled back");
                return;
            }
            if (writer != null && writer.end.commitSentNs > read.answeredNs) {
                found(audit, "G1a", what + ", of which " + value + " was not committed yet");
                return;
            }
            if (i >= list.values.size() || list.values.get(i) != value) {
                found(
                        audit,
                        "reordered",
                        what + ", but in the end it begins "
                                + list.values.subList(0, Math.min(others, list.values.size())));
                return;
            }
        }
        Transaction last = others == 0 ? null : writers.get(list.values.get(others - 1));
        Transaction next = others == list.values.size() ? null : writers.get(list.values.get(others));
        if (last != null && last == next && last != reader) {
            found(audit, "G1b", what + ", in the midst of " + last);
        }
        if (others < list.values.size() && list.knownNs[others] < read.sentNs) {
            found(audit, "stale", what + ", but more was committed before: " + list.values.get(others));
        }
        if (last != null && last != reader) {
            edges.get(1).computeIfAbsent(last, same -> new LinkedHashSet<>()).add(reader);
        }
        if (next != null && next != reader) {
            edges.get(2).computeIfAbsent(reader, same -> new LinkedHashSet<>()).add(next);
        }
    }

    // ---- who came before whom ---------------------------------------------------------------------------------------

    private void judgeCircles(Findings audit) {
        Transaction written = circle(1);
        if (written != null) {
            found(audit, "G0", "a circle of writes through " + written);
        }
        Transaction read = circle(2);
        if (read != null && written == null) {
            found(audit, "G1c", "a circle of writes and reads through " + read);
        }
        if (read == null && circle(3) != null) {
            audit.note("some transactions were overtaken in a circle (G-single, G2), as READ COMMITTED allows");
        }
    }

    /** One that comes before itself by the first so many kinds of edges; null when there is none. */
    private @Nullable Transaction circle(int kindsOfEdges) {
        Set<Transaction> done = new HashSet<>();
        Set<Transaction> onPath = new HashSet<>();
        for (Transaction root : transactions) {
            if (root.end.fate != Fate.COMMITTED || done.contains(root)) {
                continue;
            }
            Deque<Transaction> path = new ArrayDeque<>();
            path.push(root);
            while (!path.isEmpty()) {
                Transaction at = path.peek();
                onPath.add(at);
                Transaction on = null;
                for (Transaction next : after(at, kindsOfEdges)) {
                    if (onPath.contains(next)) {
                        return next;
                    }
                    if (!done.contains(next)) {
                        on = next;
                        break;
                    }
                }
                if (on == null) {
                    path.pop();
                    onPath.remove(at);
                    done.add(at);
                } else {
                    path.push(on);
                }
            }
        }
        return null;
    }

    private List<Transaction> after(Transaction transaction, int kindsOfEdges) {
        List<Transaction> after = new ArrayList<>();
        for (int kind = 0; kind < kindsOfEdges; kind++) {
            for (Transaction next : edges.get(kind).getOrDefault(transaction, Set.of())) {
                if (next.end.isCommitted()) {
                    after.add(next);
                }
            }
        }
        return after;
    }
}
