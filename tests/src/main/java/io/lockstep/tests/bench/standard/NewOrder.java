package io.lockstep.tests.bench.standard;

import io.lockstep.tests.bench.standard.Benchmark.Ending;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** An order of five to fifteen items (clause 2.4). Touched by the terminal's thread. */
final class NewOrder implements TpccTransaction {
    private final Site site;
    private final Query warehouse;
    private final Query district;
    private final Query nextOrder;
    private final Query customer;
    private final Query order;
    private final Query newOrder;
    private final Query item;
    private final List<Query> stockByDistrict = new ArrayList<>();
    private final Query changeStock;
    private final Query line;

    private record Line(int item, int supplier, int quantity) {}

    private record Input(int district, int customer, List<Line> lines) {}

    NewOrder(Site site) throws SQLException {
        this.site = site;
        warehouse = new Query(site.connection(), "SELECT w_tax FROM warehouse WHERE w_id = ?");
        district = new Query(
                site.connection(), "SELECT d_tax, d_next_o_id FROM district WHERE d_w_id = ? AND d_id = ? FOR UPDATE");
        nextOrder = new Query(
                site.connection(), "UPDATE district SET d_next_o_id = d_next_o_id + 1 WHERE d_w_id = ? AND d_id = ?");
        customer = new Query(
                site.connection(),
                "SELECT c_discount, c_last, c_credit FROM customer WHERE c_w_id = ? AND c_d_id = ? AND c_id = ?");
        order = new Query(
                site.connection(),
                "INSERT INTO orders(o_id, o_d_id, o_w_id, o_c_id, o_entry_d, o_ol_cnt, o_all_local)"
                        + " VALUES (?, ?, ?, ?, ?, ?, ?)");
        newOrder = new Query(site.connection(), "INSERT INTO new_order(no_o_id, no_d_id, no_w_id) VALUES (?, ?, ?)");
        item = new Query(site.connection(), "SELECT i_price, i_name, i_data FROM item WHERE i_id = ?");
        for (int number = 1; number <= TpccScale.DISTRICTS; number++) {
            stockByDistrict.add(new Query(
                    site.connection(),
                    "SELECT s_quantity, s_data, s_dist_" + (number < 10 ? "0" : "") + number
                            + " FROM stock WHERE s_i_id = ? AND s_w_id = ? FOR UPDATE"));
        }
        changeStock = new Query(
                site.connection(),
                "UPDATE stock SET s_quantity = ?, s_ytd = s_ytd + ?, s_order_cnt = s_order_cnt + 1,"
                        + " s_remote_cnt = s_remote_cnt + ? WHERE s_i_id = ? AND s_w_id = ?");
        line = new Query(
                site.connection(),
                "INSERT INTO order_line(ol_o_id, ol_d_id, ol_w_id, ol_number, ol_i_id, ol_supply_w_id, ol_quantity,"
                        + " ol_amount, ol_dist_info) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    }

    /** One of a hundred asks for an item that is not there, as its last one (clause 2.4.1.4). */
    @Override
    public Benchmark.Job draw() {
        TpccRandom random = site.random();
        int number = site.anyDistrict();
        int who = random.customer();
        int count = random.uniform(5, 15);
        boolean isUnknownItem = random.inPercent(1);
        List<Line> lines = new ArrayList<>();
        for (int i = 1; i <= count; i++) {
            int what = isUnknownItem && i == count ? site.scale().items() + 1 : random.item();
            int supplier = random.inPercent(1) ? site.otherWarehouse() : site.warehouse();
            lines.add(new Line(what, supplier, random.uniform(1, 10)));
        }
        Input input = new Input(number, who, lines);
        return () -> perform(input);
    }

    private Ending perform(Input input) throws SQLException {
        int home = site.warehouse();
        BigDecimal warehouseTax = warehouse.one(home).decimal(0);
        Query.Row ofDistrict = district.one(home, input.district);
        int number = ofDistrict.integer(1);
        nextOrder.changeOne(home, input.district);
        BigDecimal discount = customer.one(home, input.district, input.customer).decimal(0);
        boolean isLocal = input.lines.stream().allMatch(each -> each.supplier == home);
        order.changeOne(
                number,
                input.district,
                home,
                input.customer,
                TpccTransaction.now(),
                input.lines.size(),
                isLocal ? 1 : 0);
        newOrder.changeOne(number, input.district, home);
        BigDecimal total = BigDecimal.ZERO;
        for (int i = 0; i < input.lines.size(); i++) {
            Line each = input.lines.get(i);
            Optional<Query.Row> found = item.first(each.item);
            if (found.isEmpty()) {
                site.connection().rollback();
                return Ending.WITHOUT_EFFECT;
            }
            BigDecimal amount = found.get().decimal(0).multiply(BigDecimal.valueOf(each.quantity));
            String distInfo = takeFromStock(each, input.district);
            line.changeOne(
                    number, input.district, home, i + 1, each.item, each.supplier, each.quantity, amount, distInfo);
            total = total.add(amount);
        }
        BigDecimal shown = shown(total, discount, warehouseTax.add(ofDistrict.decimal(0)));
        if (shown.signum() <= 0) {
            throw new SQLException("order " + number + " of district " + input.district + " costs " + shown);
        }
        site.connection().commit();
        site.books().taken(new TpccBooks.Order(home, input.district, number));
        return Ending.COMMITTED;
    }

    /** @return the stock's text for this district */
    private String takeFromStock(Line each, int district) throws SQLException {
        Query.Row stock = stockByDistrict.get(district - 1).one(each.item, each.supplier);
        int quantity = stock.integer(0);
        int left = quantity >= each.quantity + 10 ? quantity - each.quantity : quantity - each.quantity + 91;
        changeStock.changeOne(left, each.quantity, each.supplier == site.warehouse() ? 0 : 1, each.item, each.supplier);
        return stock.text(2);
    }

    /** What the terminal shows: total-amount of clause 2.4.2.2. */
    private static BigDecimal shown(BigDecimal total, BigDecimal discount, BigDecimal taxes) {
        return total.multiply(BigDecimal.ONE.subtract(discount))
                .multiply(BigDecimal.ONE.add(taxes))
                .setScale(2, RoundingMode.HALF_UP);
    }
}
