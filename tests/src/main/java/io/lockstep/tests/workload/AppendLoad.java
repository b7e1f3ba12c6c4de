package io.lockstep.tests.workload;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Lists to which transactions append unique values, and which they read (after Elle, K. Kingsbury and P. Alvaro, 2020):
 * from the lists' order follows who came before whom. Judged by {@link ListHistory}.
 */
final class AppendLoad implements SqlLoad {
    /** Lists in use at a time; few, so that transactions meet. */
    private static final int SLOTS = 10;

    /** A list that has as many values gives way to another, so that reading one stays cheap. */
    private static final int VALUES = 64;

    private static final int LISTS = 40_000;

    private final Queue<ListHistory.Transaction> transactions = new ConcurrentLinkedQueue<>();
    private final AtomicLongArray appended = new AtomicLongArray(SLOTS);
    private final AtomicLong lastValue = new AtomicLong();

    @Override
    public List<String> setUp() {
        return List.of(
                "CREATE TABLE LIST(ID INT PRIMARY KEY, ITEMS BIGINT ARRAY NOT NULL)",
                "INSERT INTO LIST SELECT X, ARRAY[] FROM SYSTEM_RANGE(0, " + (LISTS - 1) + ")");
    }

    @Override
    public void transact(SqlTeller teller) throws SQLException {
        ListHistory.Transaction story = new ListHistory.Transaction(teller.begin());
        transactions.add(story);
        // In the order of lists, so that nobody waits in a circle.
        TreeMap<Integer, Integer> steps = new TreeMap<>();
        SplittableRandom random = teller.random;
        for (int i = random.nextInt(1, 4); i >= 0; i--) {
            steps.put(list(random.nextInt(SLOTS)), random.nextInt(4));
        }
        for (Map.Entry<Integer, Integer> step : steps.entrySet()) {
            if (step.getValue() != 1) {
                read(teller, story, step.getKey());
            }
            if (step.getValue() != 0) {
                for (int i = step.getValue() == 3 ? 2 : 1; i > 0; i--) {
                    append(teller, story, step.getKey());
                }
            }
            if (step.getValue() == 2) {
                read(teller, story, step.getKey());
            }
        }
        if (random.nextInt(8) == 0) {
            teller.rollback();
        } else {
            teller.commit();
        }
    }

    private int list(int slot) {
        return (int) ((appended.get(slot) / VALUES * SLOTS + slot) % LISTS);
    }

    private static void read(SqlTeller teller, ListHistory.Transaction story, int list) throws SQLException {
        long sentNs = System.nanoTime();
        List<Object[]> rows = teller.query("SELECT ITEMS FROM LIST WHERE ID = ?", list);
        long answeredNs = System.nanoTime();
        story.read(list, values((Object[]) rows.get(0)[0]), sentNs, answeredNs);
    }

    private void append(SqlTeller teller, ListHistory.Transaction story, int list) throws SQLException {
        appended.incrementAndGet(list % SLOTS);
        long value = lastValue.incrementAndGet();
        story.append(list, value);
        int changed = teller.update("UPDATE LIST SET ITEMS = ARRAY_APPEND(ITEMS, ?) WHERE ID = ?", value, list);
        if (changed != 1) {
            throw new SQLException(changed + " lists have the number " + list);
        }
    }

    private static List<Long> values(Object[] items) {
        List<Long> values = new ArrayList<>(items.length);
        for (Object item : items) {
            values.add(((Number) item).longValue());
        }
        return values;
    }

    @Override
    public void audit(Connection database, SqlAudit audit) throws SQLException {
        Map<Integer, List<Long>> lists = new HashMap<>();
        try (Statement statement = database.createStatement();
                ResultSet rows = statement.executeQuery("SELECT ID, ITEMS FROM LIST WHERE CARDINALITY(ITEMS) > 0")) {
            while (rows.next()) {
                lists.put(rows.getInt(1), values((Object[]) rows.getArray(2).getArray()));
            }
        }
        Collection<ListHistory.Transaction> all = List.copyOf(transactions);
        new ListHistory(all, lists).judge(audit);
    }
}
