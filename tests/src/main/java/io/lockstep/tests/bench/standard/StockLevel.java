package io.lockstep.tests.bench.standard;

import io.lockstep.tests.bench.standard.Benchmark.Ending;
import java.sql.SQLException;

/** How many items of the last twenty orders are low in stock (clause 2.8). Touched by the terminal's thread. */
final class StockLevel implements TpccTransaction {
    private final Site site;
    private final Query district;
    private final Query low;

    StockLevel(Site site) throws SQLException {
        this.site = site;
        district = new Query(site.connection(), "SELECT d_next_o_id FROM district WHERE d_w_id = ? AND d_id = ?");
        low = new Query(
                site.connection(),
                "SELECT COUNT(DISTINCT s_i_id) FROM order_line JOIN stock ON s_w_id = ? AND s_i_id = ol_i_id"
                        + " WHERE ol_w_id = ? AND ol_d_id = ? AND ol_o_id >= ? AND ol_o_id < ? AND s_quantity < ?");
    }

    @Override
    public Benchmark.Job draw() {
        int threshold = site.random().uniform(10, 20);
        return () -> perform(threshold);
    }

    private Ending perform(int threshold) throws SQLException {
        int home = site.warehouse();
        int next = district.one(home, site.district()).integer(0);
        low.one(home, home, site.district(), next - 20, next, threshold);
        site.connection().commit();
        return Ending.COMMITTED;
    }
}
