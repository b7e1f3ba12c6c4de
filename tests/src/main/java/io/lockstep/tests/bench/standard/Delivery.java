package io.lockstep.tests.bench.standard;

import io.lockstep.tests.bench.standard.Benchmark.Ending;
import java.math.BigDecimal;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.util.ArrayList;
import java.util.List;

/** Delivers the oldest new order of each district (clause 2.7). Touched by the terminal's thread. */
final class Delivery implements TpccTransaction {
    private final Site site;
    private final Query oldest;
    private final Query takeOff;
    private final Query customer;
    private final Query carrier;
    private final Query lines;
    private final Query amount;
    private final Query toCustomer;

    Delivery(Site site) throws SQLException {
        this.site = site;
        oldest = new Query(site.connection(), "SELECT MIN(no_o_id) FROM new_order WHERE no_w_id = ? AND no_d_id = ?");
        takeOff =
                new Query(site.connection(), "DELETE FROM new_order WHERE no_w_id = ? AND no_d_id = ? AND no_o_id = ?");
        customer =
                new Query(site.connection(), "SELECT o_c_id FROM orders WHERE o_w_id = ? AND o_d_id = ? AND o_id = ?");
        carrier = new Query(
                site.connection(), "UPDATE orders SET o_carrier_id = ? WHERE o_w_id = ? AND o_d_id = ? AND o_id = ?");
        lines = new Query(
                site.connection(),
                "UPDATE order_line SET ol_delivery_d = ? WHERE ol_w_id = ? AND ol_d_id = ? AND ol_o_id = ?");
        amount = new Query(
                site.connection(),
                "SELECT SUM(ol_amount) FROM order_line WHERE ol_w_id = ? AND ol_d_id = ? AND ol_o_id = ?");
        toCustomer = new Query(
                site.connection(),
                "UPDATE customer SET c_balance = c_balance + ?, c_delivery_cnt = c_delivery_cnt + 1"
                        + " WHERE c_w_id = ? AND c_d_id = ? AND c_id = ?");
    }

    @Override
    public Benchmark.Job draw() {
        int by = site.random().uniform(1, 10);
        return () -> perform(by);
    }

    private Ending perform(int by) throws SQLException {
        int home = site.warehouse();
        Timestamp now = TpccTransaction.now();
        List<TpccBooks.Order> delivered = new ArrayList<>();
        for (int district = 1; district <= TpccScale.DISTRICTS; district++) {
            int number = takeOldest(home, district);
            if (number > 0) {
                int who = customer.one(home, district, number).integer(0);
                carrier.changeOne(by, home, district, number);
                lines.change(now, home, district, number);
                BigDecimal sum = amount.one(home, district, number).decimal(0);
                toCustomer.changeOne(sum, home, district, who);
                delivered.add(new TpccBooks.Order(home, district, number));
            }
        }
        site.connection().commit();
        site.books().delivered(delivered);
        return Ending.COMMITTED;
    }

    /** Whoever deletes it has it; somebody else may have been first. @return 0 when the district has none */
    private int takeOldest(int home, int district) throws SQLException {
        while (true) {
            Query.Row found = oldest.one(home, district);
            if (found.isNull(0)) {
                return 0;
            }
            if (takeOff.change(home, district, found.integer(0)) == 1) {
                return found.integer(0);
            }
        }
    }
}
