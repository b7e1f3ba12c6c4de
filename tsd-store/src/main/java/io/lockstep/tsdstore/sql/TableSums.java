package io.lockstep.tsdstore.sql;

import com.dynatrace.hash4j.hashing.Hasher64;
import com.dynatrace.hash4j.hashing.Hashing;
import io.lockstep.tsdstore.StateMoment;
import io.lockstep.wire.Limits;
import io.lockstep.wire.RowSum;
import io.lockstep.wire.TableSum;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongPredicate;
import java.util.function.Supplier;
import org.h2.mvstore.Page;
import org.h2.mvstore.WriteBuffer;
import org.h2.result.SearchRow;
import org.h2.table.Column;
import org.h2.value.DataType;
import org.h2.value.Value;
import org.h2.value.ValueLob;
import org.h2.value.VersionedValue;
import org.jspecify.annotations.Nullable;

/**
 * What two nodes compare of their tables: for each, the sum of the digests of its rows with their keys, whatever the order
 * and the pages they stand in. A row counts as it is committed, and with what an open transaction made of it. Touched by
 * one thread at a time, which is not the lane.
 *
 * <p>Only what has changed since the moment before is looked at: pages that both moments share are left out, and so are
 * rows within others that are still the same object. So a step costs what was changed, not what there is.
 */
public final class TableSums {
    /** Parts into which a table, or a part of it, is divided. */
    private static final int PARTS = Limits.ROW_SUMS_MAX;

    private static final int PART_BITS = 8;
    private static final int DEPTH_MAX = Long.SIZE / PART_BITS;
    private static final int NAME_MAX = 500;
    private static final int ROW_TEXT_MAX = 1000;
    private static final int VALUE_TEXT_MAX = 100;
    private static final String SEQUENCES = "sequences";
    private static final String OTHERS = "all other tables";
    private static final Hasher64 XXH3 = Hashing.xxh3_64();

    private record Known(TablesMoment.TableAt at, FrozenLobs lobs, long sum, long rows) {}

    private Map<String, Known> known = new HashMap<>();
    private long rowsRead;

    /** Sums at a moment that is no earlier than the one before. In the order of databases and tables. */
    public List<TableSum> of(StateMoment moment) {
        Map<String, Known> next = new HashMap<>();
        List<TableSum> sums = new ArrayList<>();
        for (TablesMoment database : moment.databases()) {
            for (TablesMoment.TableAt table : database.tables()) {
                String name = name(database, table.name());
                Known before = known.get(name);
                Known now = before != null
                                && before.at().map().getId() == table.map().getId()
                        ? changed(before, table, database.lobs())
                        : changed(null, table, database.lobs());
                next.put(name, now);
                add(sums, name, now.sum(), now.rows());
            }
            long sum = 0;
            for (Map.Entry<String, Long> each : database.sequences().entrySet()) {
                sum += digest(each);
            }
            add(sums, name(database, SEQUENCES), sum, database.sequences().size());
        }
        known = next;
        return sums;
    }

    private static void add(List<TableSum> sums, String name, long sum, long rows) {
        if (sums.size() < Limits.TABLE_SUMS_MAX) {
            sums.add(new TableSum(name, sum, rows));
        } else {
            TableSum last = sums.get(sums.size() - 1);
            sums.set(sums.size() - 1, new TableSum(OTHERS, last.sum() * 31 + sum, last.rows() + rows));
        }
    }

    private static String name(TablesMoment database, String table) {
        String name = table + " (" + database.label() + ')';
        return name.length() <= NAME_MAX ? name : name.substring(0, NAME_MAX);
    }

    /** Nothing is compared for a while: what was kept of the last moment goes. */
    public void forget() {
        known = new HashMap<>();
    }

    /** Rows that were read and digested so far: what comparing costs. */
    public long rowsRead() {
        return rowsRead;
    }

    // ---- what has changed -----------------------------------------------------------------------------------------

    private Known changed(@Nullable Known before, TablesMoment.TableAt table, FrozenLobs lobs) {
        if (before != null && before.at().root() == table.root()) {
            return new Known(table, lobs, before.sum(), before.rows());
        }
        List<Page<Object, VersionedValue<Object>>> gone = new ArrayList<>();
        List<Page<Object, VersionedValue<Object>>> come = new ArrayList<>();
        if (before != null) {
            gone.add(before.at().root());
        }
        come.add(table.root());
        keepChangedLeaves(gone, come);
        long sum = before == null ? 0 : before.sum();
        long rows = before == null ? 0 : before.rows();
        Leaves old = new Leaves(gone);
        Leaves now = new Leaves(come);
        ValueWriter oldValues = new ValueWriter(before == null ? lobs : before.lobs());
        ValueWriter values = new ValueWriter(lobs);
        while (old.isThere() || now.isThere()) {
            int order = !old.isThere() ? 1 : !now.isThere() ? -1 : Long.compare(old.key(), now.key());
            boolean isSame = order == 0 && old.value() == now.value();
            if (order <= 0) {
                if (!isSame) {
                    sum -= digest(oldValues, old.key(), old.value());
                    rows--;
                }
                old.next();
            }
            if (order >= 0) {
                if (!isSame) {
                    sum += digest(values, now.key(), now.value());
                    rows++;
                }
                now.next();
            }
        }
        return new Known(table, lobs, sum, rows);
    }

    /** Divides the pages of both until they are leaves, without those that both have; their order stays that of the keys. */
    private static void keepChangedLeaves(
            List<Page<Object, VersionedValue<Object>>> gone, List<Page<Object, VersionedValue<Object>>> come) {
        int goneHeight = gone.isEmpty() ? 0 : height(gone.get(0));
        int comeHeight = height(come.get(0));
        while (hasNodes(gone) || hasNodes(come)) {
            int height = Math.max(goneHeight, comeHeight);
            if (goneHeight == height) {
                divide(gone);
                goneHeight--;
            }
            if (comeHeight == height) {
                divide(come);
                comeHeight--;
            }
            dropShared(gone, come);
        }
    }

    private static int height(Page<?, ?> page) {
        int height = 0;
        for (Page<?, ?> each = page; !each.isLeaf(); each = each.getChildPage(0)) {
            height++;
        }
        return height;
    }

    private static boolean hasNodes(List<Page<Object, VersionedValue<Object>>> pages) {
        return pages.stream().anyMatch(each -> !each.isLeaf());
    }

    private static void divide(List<Page<Object, VersionedValue<Object>>> pages) {
        List<Page<Object, VersionedValue<Object>>> divided = new ArrayList<>();
        for (Page<Object, VersionedValue<Object>> each : pages) {
            if (each.isLeaf()) {
                divided.add(each);
            } else {
                for (int i = 0; i < each.getRawChildPageCount(); i++) {
                    divided.add(each.getChildPage(i));
                }
            }
        }
        pages.clear();
        pages.addAll(divided);
    }

    private static void dropShared(
            List<Page<Object, VersionedValue<Object>>> gone, List<Page<Object, VersionedValue<Object>>> come) {
        Set<Object> inBoth = Collections.newSetFromMap(new IdentityHashMap<>());
        inBoth.addAll(gone);
        Set<Object> shared = Collections.newSetFromMap(new IdentityHashMap<>());
        for (Object each : come) {
            if (inBoth.contains(each)) {
                shared.add(each);
            }
        }
        if (!shared.isEmpty()) {
            gone.removeIf(shared::contains);
            come.removeIf(shared::contains);
        }
    }

    /** The entries of leaves, one after the other. */
    private static final class Leaves {
        private final List<Page<Object, VersionedValue<Object>>> pages;
        private int page;
        private int entry;

        Leaves(List<Page<Object, VersionedValue<Object>>> pages) {
            this.pages = pages;
            skipEmpty();
        }

        boolean isThere() {
            return page < pages.size();
        }

        long key() {
            return (Long) pages.get(page).getKey(entry);
        }

        VersionedValue<Object> value() {
            return pages.get(page).getValue(entry);
        }

        void next() {
            entry++;
            skipEmpty();
        }

        private void skipEmpty() {
            while (page < pages.size() && entry == pages.get(page).getKeyCount()) {
                page++;
                entry = 0;
            }
        }
    }

    // ---- digests --------------------------------------------------------------------------------------------------

    private long digest(ValueWriter values, long key, VersionedValue<Object> entry) {
        rowsRead++;
        WriteBuffer out = values.clear().out();
        out.putLong(key);
        Object committed = entry.getCommittedValue();
        Object current = entry.getCurrentValue();
        put(values, committed);
        if (current != committed) {
            put(values, current);
        }
        ByteBuffer written = out.getBuffer();
        return XXH3.hashBytesToLong(written.array(), written.arrayOffset(), written.position());
    }

    private static void put(ValueWriter values, @Nullable Object row) {
        values.out().put((byte) (row == null ? 0 : 1));
        if (row != null) {
            values.put((SearchRow) row);
        }
    }

    private static long digest(Map.Entry<String, Long> sequence) {
        return XXH3.hashStream()
                .putString(sequence.getKey())
                .putLong(sequence.getValue())
                .getAsLong();
    }

    // ---- which rows -----------------------------------------------------------------------------------------------

    /**
     * The parts of a part of a table; the whole table is the part at depth 0. A row belongs to a part by its key alone.
     *
     * @param depth 0 to 7
     */
    public List<RowSum> parts(StateMoment moment, String table, int depth, long prefix) {
        long[] sums = new long[PARTS];
        long[] rows = new long[PARTS];
        int shift = Long.SIZE - PART_BITS * (Math.min(Math.max(depth, 0), DEPTH_MAX - 1) + 1);
        look(moment, table, key -> isIn(key, depth, prefix), (key, digest, text) -> {
            int part = (int) (mixed(key) >>> shift) & (PARTS - 1);
            sums[part] += digest;
            rows[part]++;
        });
        List<RowSum> parts = new ArrayList<>(PARTS);
        for (int i = 0; i < PARTS; i++) {
            parts.add(new RowSum(i, sums[i], rows[i], ""));
        }
        return parts;
    }

    /** The rows of a part of a table; no more than {@code max}. */
    public List<RowSum> rows(StateMoment moment, String table, int depth, long prefix, int max) {
        List<RowSum> rows = new ArrayList<>();
        look(moment, table, key -> isIn(key, depth, prefix), (key, digest, text) -> {
            if (rows.size() < max) {
                rows.add(new RowSum(key, digest, 1, text.get()));
            }
        });
        return rows;
    }

    private static boolean isIn(long key, int depth, long prefix) {
        return depth <= 0 || mixed(key) >>> (Long.SIZE - PART_BITS * Math.min(depth, DEPTH_MAX)) == prefix;
    }

    /** Spreads neighbouring keys; no two keys give the same. */
    private static long mixed(long key) {
        long mixed = (key ^ key >>> 33) * 0xff51afd7ed558ccdL;
        mixed = (mixed ^ mixed >>> 33) * 0xc4ceb9fe1a85ec53L;
        return mixed ^ mixed >>> 33;
    }

    private interface Looking {
        void row(long key, long digest, Supplier<String> text);
    }

    private void look(StateMoment moment, String table, LongPredicate isWanted, Looking looking) {
        for (TablesMoment database : moment.databases()) {
            for (TablesMoment.TableAt each : database.tables()) {
                if (name(database, each.name()).equals(table)) {
                    look(each, database.lobs(), isWanted, looking);
                }
            }
            if (name(database, SEQUENCES).equals(table)) {
                for (Map.Entry<String, Long> each : database.sequences().entrySet()) {
                    long key = XXH3.hashCharsToLong(each.getKey());
                    if (isWanted.test(key)) {
                        looking.row(key, digest(each), () -> each.getKey() + " stands at " + each.getValue());
                    }
                }
            }
        }
    }

    private void look(TablesMoment.TableAt table, FrozenLobs lobs, LongPredicate isWanted, Looking looking) {
        ValueWriter values = new ValueWriter(lobs);
        List<Page<Object, VersionedValue<Object>>> path = new ArrayList<>();
        path.add(table.root());
        while (!path.isEmpty()) {
            Page<Object, VersionedValue<Object>> page = path.remove(path.size() - 1);
            if (!page.isLeaf()) {
                for (int i = page.getRawChildPageCount() - 1; i >= 0; i--) {
                    path.add(page.getChildPage(i));
                }
                continue;
            }
            for (int i = 0; i < page.getKeyCount(); i++) {
                long key = (Long) page.getKey(i);
                if (isWanted.test(key)) {
                    VersionedValue<Object> entry = page.getValue(i);
                    looking.row(key, digest(values, key, entry), () -> text(table, entry));
                }
            }
        }
    }

    private static String text(TablesMoment.TableAt table, VersionedValue<Object> entry) {
        Object committed = entry.getCommittedValue();
        Object current = entry.getCurrentValue();
        String text = committed == null ? "no row" : text(table.columns(), (SearchRow) committed);
        return committed == current
                ? text
                : text + ", in an open transaction "
                        + (current == null ? "no row" : text(table.columns(), (SearchRow) current));
    }

    private static String text(List<Column> columns, SearchRow row) {
        StringBuilder text = new StringBuilder("(");
        for (int i = 0; i < row.getColumnCount() && text.length() < ROW_TEXT_MAX; i++) {
            text.append(i == 0 ? "" : ", ")
                    .append(i < columns.size() ? columns.get(i).getName() : "?")
                    .append('=')
                    .append(text(row.getValue(i)));
        }
        return text.append(')').toString();
    }

    private static String text(@Nullable Value value) {
        if (value == null) {
            return "absent";
        }
        if (value instanceof ValueLob) {
            return "large object";
        }
        String text =
                DataType.isNumericType(value.getValueType()) ? String.valueOf(value.getString()) : value.getTraceSQL();
        return text.length() <= VALUE_TEXT_MAX ? text : text.substring(0, VALUE_TEXT_MAX) + "...";
    }
}
