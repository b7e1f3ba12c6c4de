package io.lockstep.tests.bench.standard;

import io.lockstep.tests.bench.standard.Benchmark.Audit;
import io.lockstep.tests.bench.standard.Benchmark.Finding;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/**
 * What the terminals of TATP were answered, beside what was there at the beginning. Safe from any thread, because its
 * parts are.
 *
 * <p>It is exact where it counts: no outcome is unknown, so inserted less deleted is what must be there, for each key.
 * Of values that are written over and over it knows all that were answered, and one of them must be there.
 */
final class TatpBooks {
    private static final int EXAMPLES = 5;

    private final Map<Forwarding, AtomicLong> forwardings = new ConcurrentHashMap<>();
    private final Map<Forwarding, Set<String>> numbers = new ConcurrentHashMap<>();
    private final Map<Integer, Values> locations = new ConcurrentHashMap<>();
    private final Map<Facility, Values> facilities = new ConcurrentHashMap<>();
    private final LongAdder accesses = new LongAdder();
    private final LongAdder inserted = new LongAdder();
    private final LongAdder deleted = new LongAdder();
    private final LongAdder updated = new LongAdder();

    /** The key of CALL_FORWARDING. */
    record Forwarding(int subscriber, int facility, int start) {}

    private record Facility(int subscriber, int type) {}

    /** The value at the beginning, and those that were answered since. */
    private record Values(int atFirst, Set<Integer> later) {
        boolean mayBe(int value) {
            return later.isEmpty() ? value == atFirst : later.contains(value);
        }
    }

    void locatedAtFirst(int subscriber, int location) {
        locations.put(subscriber, new Values(location, ConcurrentHashMap.newKeySet()));
    }

    void hasAccess() {
        accesses.increment();
    }

    void hasFacility(int subscriber, int type, int dataA) {
        facilities.put(new Facility(subscriber, type), new Values(dataA, ConcurrentHashMap.newKeySet()));
    }

    void forwardsAtFirst(Forwarding key, String number) {
        count(key).incrementAndGet();
        numbersOf(key).add(number);
    }

    void located(int subscriber, int location) {
        values(locations, subscriber).later.add(location);
        updated.increment();
    }

    void changedFacility(int subscriber, int type, int dataA) {
        values(facilities, new Facility(subscriber, type)).later.add(dataA);
        updated.increment();
    }

    void inserted(Forwarding key, String number) {
        count(key).incrementAndGet();
        numbersOf(key).add(number);
        inserted.increment();
    }

    void deleted(Forwarding key) {
        count(key).decrementAndGet();
        deleted.increment();
    }

    private AtomicLong count(Forwarding key) {
        return forwardings.computeIfAbsent(key, each -> new AtomicLong());
    }

    private Set<String> numbersOf(Forwarding key) {
        return numbers.computeIfAbsent(key, each -> ConcurrentHashMap.newKeySet());
    }

    private static <K> Values values(Map<K, Values> of, K key) {
        Values values = of.get(key);
        if (values == null) {
            throw new IllegalStateException(key + " was changed and is not there");
        }
        return values;
    }

    // ---- afterwards -------------------------------------------------------------------------------------------------

    /** What the tables say of each other. */
    List<Finding> check(Connection connection) throws SQLException {
        return List.of(
                finding(
                        connection,
                        "rows",
                        "SUBSCRIBER, ACCESS_INFO and SPECIAL_FACILITY have as many rows as at the beginning",
                        "SELECT * FROM (SELECT (SELECT COUNT(*) FROM subscriber) s, (SELECT COUNT(*) FROM access_info) a,"
                                + " (SELECT COUNT(*) FROM special_facility) f) t WHERE s <> " + locations.size()
                                + " OR a <> " + accesses.sum() + " OR f <> " + facilities.size()),
                finding(
                        connection,
                        "numbers",
                        "SUB_NBR is S_ID with zeros before it, for each subscriber",
                        "SELECT s_id, sub_nbr FROM subscriber WHERE CHAR_LENGTH(sub_nbr) <> 15"
                                + " OR CAST(sub_nbr AS BIGINT) <> s_id"),
                finding(
                        connection,
                        "facilities",
                        "each row of CALL_FORWARDING has its row of SPECIAL_FACILITY",
                        "SELECT c.s_id, c.sf_type FROM call_forwarding c LEFT JOIN special_facility f"
                                + " ON f.s_id = c.s_id AND f.sf_type = c.sf_type WHERE f.s_id IS NULL"),
                finding(
                        connection,
                        "times",
                        "START_TIME is 0, 8 or 16 and END_TIME 1 to 8 hours later, for each row of CALL_FORWARDING",
                        "SELECT s_id, sf_type, start_time, end_time FROM call_forwarding"
                                + " WHERE start_time NOT IN (0, 8, 16) OR end_time <= start_time"
                                + " OR end_time > start_time + 8"));
    }

    private static Finding finding(Connection connection, String name, String text, String query) throws SQLException {
        List<String> wrong = new Query(connection, query)
                .all().stream().map(row -> row.values().toString()).toList();
        return new Finding(name, text, query, wrong.size(), wrong.subList(0, Math.min(EXAMPLES, wrong.size())));
    }

    /** Compares what was answered with what is there. */
    Audit audit(Connection connection) throws SQLException {
        List<String> lost = new ArrayList<>();
        List<String> doubled = new ArrayList<>();
        Map<Forwarding, String> there = new HashMap<>();
        for (Query.Row row :
                new Query(connection, "SELECT s_id, sf_type, start_time, numberx FROM call_forwarding").all()) {
            there.put(new Forwarding(row.integer(0), row.integer(1), row.integer(2)), row.text(3));
        }
        Set<Forwarding> keys = new HashSet<>(there.keySet());
        keys.addAll(forwardings.keySet());
        for (Forwarding key : keys) {
            long expected = count(key).get();
            String number = there.get(key);
            if (expected > 0 && number == null) {
                lost.add(key + " was inserted and is gone");
            } else if (expected < 1 && number != null) {
                doubled.add(key + " is there, though inserted less deleted is " + expected);
            } else if (expected < 0 || expected > 1) {
                doubled.add(key + ": inserted less deleted is " + expected);
            } else if (number != null && !numbersOf(key).contains(number)) {
                doubled.add(key + " forwards to " + number + ", which nobody was answered for");
            }
        }
        for (Query.Row row : new Query(connection, "SELECT s_id, vlr_location FROM subscriber").all()) {
            if (!values(locations, row.integer(0)).mayBe(row.integer(1))) {
                lost.add("subscriber " + row.integer(0) + " is at " + row.integer(1) + ", not where it was put");
            }
        }
        for (Query.Row row : new Query(connection, "SELECT s_id, sf_type, data_a FROM special_facility").all()) {
            if (!values(facilities, new Facility(row.integer(0), row.integer(1)))
                    .mayBe(row.integer(2))) {
                lost.add("facility " + row.values() + " was changed to something else");
            }
        }
        List<String> lines = new ArrayList<>();
        lines.add(inserted + " inserts, " + deleted + " deletes and " + updated + " updates answered; " + there.size()
                + " call forwardings there");
        lost.stream().limit(EXAMPLES).map(line -> "lost: " + line).forEach(lines::add);
        doubled.stream().limit(EXAMPLES).map(line -> "doubled: " + line).forEach(lines::add);
        return new Audit(lost.size(), doubled.size(), lines);
    }
}
