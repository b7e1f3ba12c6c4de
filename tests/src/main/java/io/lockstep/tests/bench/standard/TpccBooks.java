package io.lockstep.tests.bench.standard;

import io.lockstep.tests.bench.standard.Benchmark.Audit;
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/**
 * What the terminals of TPC-C were answered. Safe from any thread, because its parts are.
 *
 * <p>It is exact: no outcome is unknown, and what is booked was answered by COMMIT.
 */
final class TpccBooks {
    private static final int EXAMPLES = 5;

    private final TpccScale scale;
    private final Set<Order> taken = ConcurrentHashMap.newKeySet();
    private final Set<Order> delivered = ConcurrentHashMap.newKeySet();
    private final Map<Integer, LongAdder> deliveredByDistrict = new ConcurrentHashMap<>();
    private final AtomicLong twice = new AtomicLong();
    private final LongAdder payments = new LongAdder();
    private final LongAdder paidHundredths = new LongAdder();

    /** The key of an order. */
    record Order(int warehouse, int district, int number) {}

    TpccBooks(TpccScale scale) {
        this.scale = scale;
    }

    void taken(Order order) {
        if (!taken.add(order)) {
            twice.incrementAndGet();
        }
    }

    void delivered(List<Order> orders) {
        for (Order order : orders) {
            if (!delivered.add(order)) {
                twice.incrementAndGet();
            }
            deliveredByDistrict
                    .computeIfAbsent(district(order.warehouse, order.district), key -> new LongAdder())
                    .increment();
        }
    }

    void paid(BigDecimal amount) {
        payments.increment();
        paidHundredths.add(amount.unscaledValue().longValueExact());
    }

    /** Orders of a district that are delivered: at the beginning, and by terminals since. */
    long deliveredIn(int warehouse, int district) {
        LongAdder since = deliveredByDistrict.get(district(warehouse, district));
        return scale.deliveredAtFirst() + (since == null ? 0 : since.sum());
    }

    private static int district(int warehouse, int district) {
        return warehouse * 100 + district;
    }

    /** Compares orders, deliveries and payments with what the database holds. */
    Audit audit(Connection connection) throws SQLException {
        List<String> lines = new ArrayList<>();
        Set<Order> ordersThere = new HashSet<>();
        Set<Order> deliveriesThere = new HashSet<>();
        for (Query.Row row : new Query(
                        connection, "SELECT o_w_id, o_d_id, o_id, o_carrier_id FROM orders WHERE o_id > ?")
                .all(scale.deliveredAtFirst())) {
            Order order = new Order(row.integer(0), row.integer(1), row.integer(2));
            if (order.number > scale.customers()) {
                ordersThere.add(order);
            }
            if (!row.isNull(3)) {
                deliveriesThere.add(order);
            }
        }
        long lost = compare("orders answered and gone", taken, ordersThere, lines);
        long doubled = twice.get() + compare("orders nobody was answered for", ordersThere, taken, lines);
        lost += compare("deliveries answered and gone", delivered, deliveriesThere, lines);
        doubled += compare("deliveries nobody was answered for", deliveriesThere, delivered, lines);
        Query.Row found = new Query(connection, "SELECT COUNT(*), SUM(h_amount) FROM history").one();
        long rowsAtFirst = (long) scale.warehouses() * TpccScale.DISTRICTS * scale.customers();
        long paymentsThere = found.integer(0) - rowsAtFirst;
        lost += Math.max(0, payments.sum() - paymentsThere);
        doubled += Math.max(0, paymentsThere - payments.sum());
        BigDecimal expected = BigDecimal.valueOf(rowsAtFirst * 10).add(BigDecimal.valueOf(paidHundredths.sum(), 2));
        if (expected.compareTo(found.decimal(1)) != 0) {
            lost += 1;
            lines.add("paid are " + found.decimal(1) + " instead of " + expected);
        }
        lines.add(taken.size() + " orders answered, " + ordersThere.size() + " there; " + delivered.size()
                + " deliveries answered, " + deliveriesThere.size() + " there; " + payments.sum()
                + " payments answered, " + paymentsThere + " there; " + twice + " keys answered twice");
        return new Audit(lost, doubled, lines);
    }

    private static long compare(String what, Set<Order> one, Set<Order> other, List<String> lines) {
        List<Order> missing =
                one.stream().filter(order -> !other.contains(order)).toList();
        if (!missing.isEmpty()) {
            lines.add(what + ": " + missing.size() + ", as " + missing.subList(0, Math.min(EXAMPLES, missing.size())));
        }
        return missing.size();
    }
}
