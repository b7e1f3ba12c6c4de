package io.lockstep.tests.bench.standard;

import io.lockstep.tests.bench.standard.Benchmark.Ending;
import java.sql.SQLException;
import java.util.List;

/** A customer asks for the last order (clause 2.6). Touched by the terminal's thread. */
final class OrderStatus implements TpccTransaction {
    private final Site site;
    private final CustomerChoice choice;
    private final Query customer;
    private final Query order;
    private final Query lines;

    OrderStatus(Site site) throws SQLException {
        this.site = site;
        choice = new CustomerChoice(site.connection());
        customer = new Query(
                site.connection(),
                "SELECT c_balance, c_first, c_middle, c_last FROM customer WHERE c_w_id = ? AND c_d_id = ?"
                        + " AND c_id = ?");
        order = new Query(
                site.connection(),
                "SELECT o_id, o_entry_d, o_carrier_id, o_ol_cnt FROM orders WHERE o_w_id = ? AND o_d_id = ?"
                        + " AND o_c_id = ? AND o_id = (SELECT MAX(o_id) FROM orders WHERE o_w_id = ? AND o_d_id = ?"
                        + " AND o_c_id = ?)");
        lines = new Query(
                site.connection(),
                "SELECT ol_i_id, ol_supply_w_id, ol_quantity, ol_amount, ol_delivery_d FROM order_line"
                        + " WHERE ol_w_id = ? AND ol_d_id = ? AND ol_o_id = ?");
    }

    @Override
    public Benchmark.Job draw() {
        CustomerChoice.Who who = CustomerChoice.Who.draw(site.random(), site.warehouse(), site.anyDistrict());
        return () -> perform(who);
    }

    /** Each customer has one order at least, and each order the lines that it says. */
    private Ending perform(CustomerChoice.Who who) throws SQLException {
        int number = choice.find(who);
        customer.one(who.warehouse(), who.district(), number);
        Query.Row last = order.one(who.warehouse(), who.district(), number, who.warehouse(), who.district(), number);
        List<Query.Row> found = lines.all(who.warehouse(), who.district(), last.integer(0));
        if (found.size() != last.integer(3)) {
            throw new SQLException("order " + last.values() + " of " + who + " has " + found.size() + " lines");
        }
        site.connection().commit();
        return Ending.COMMITTED;
    }
}
