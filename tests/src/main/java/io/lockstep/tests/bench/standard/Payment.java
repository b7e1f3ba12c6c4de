package io.lockstep.tests.bench.standard;

import io.lockstep.tests.bench.standard.Benchmark.Ending;
import java.math.BigDecimal;
import java.sql.SQLException;

/** A customer pays (clause 2.5), 15 of 100 times one of another warehouse. Touched by the terminal's thread. */
final class Payment implements TpccTransaction {
    private static final int DATA_MAX = 500;

    private final Site site;
    private final CustomerChoice choice;
    private final Query toWarehouse;
    private final Query warehouse;
    private final Query toDistrict;
    private final Query district;
    private final Query customer;
    private final Query fromCustomer;
    private final Query fromBadCustomer;
    private final Query history;

    private record Input(int district, CustomerChoice.Who who, BigDecimal amount) {}

    Payment(Site site) throws SQLException {
        this.site = site;
        choice = new CustomerChoice(site.connection());
        toWarehouse = new Query(site.connection(), "UPDATE warehouse SET w_ytd = w_ytd + ? WHERE w_id = ?");
        warehouse = new Query(
                site.connection(),
                "SELECT w_name, w_street_1, w_street_2, w_city, w_state, w_zip FROM warehouse WHERE w_id = ?");
        toDistrict =
                new Query(site.connection(), "UPDATE district SET d_ytd = d_ytd + ? WHERE d_w_id = ? AND d_id = ?");
        district = new Query(
                site.connection(),
                "SELECT d_name, d_street_1, d_street_2, d_city, d_state, d_zip FROM district WHERE d_w_id = ?"
                        + " AND d_id = ?");
        customer = new Query(
                site.connection(),
                "SELECT c_credit, c_data, c_first, c_middle, c_last, c_street_1, c_street_2, c_city, c_state, c_zip,"
                        + " c_phone, c_since, c_credit_lim, c_discount, c_balance FROM customer WHERE c_w_id = ?"
                        + " AND c_d_id = ? AND c_id = ? FOR UPDATE");
        fromCustomer = new Query(
                site.connection(),
                "UPDATE customer SET c_balance = c_balance - ?, c_ytd_payment = c_ytd_payment + ?,"
                        + " c_payment_cnt = c_payment_cnt + 1 WHERE c_w_id = ? AND c_d_id = ? AND c_id = ?");
        fromBadCustomer = new Query(
                site.connection(),
                "UPDATE customer SET c_balance = c_balance - ?, c_ytd_payment = c_ytd_payment + ?,"
                        + " c_payment_cnt = c_payment_cnt + 1, c_data = ? WHERE c_w_id = ? AND c_d_id = ? AND c_id = ?");
        history = new Query(
                site.connection(),
                "INSERT INTO history(h_c_id, h_c_d_id, h_c_w_id, h_d_id, h_w_id, h_date, h_amount, h_data)"
                        + " VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    }

    @Override
    public Benchmark.Job draw() {
        TpccRandom random = site.random();
        int number = site.anyDistrict();
        boolean isHome = random.inPercent(85);
        CustomerChoice.Who who = CustomerChoice.Who.draw(
                random, isHome ? site.warehouse() : site.otherWarehouse(), isHome ? number : site.anyDistrict());
        Input input = new Input(number, who, BigDecimal.valueOf(random.uniform(100, 500_000), 2));
        return () -> perform(input);
    }

    private Ending perform(Input input) throws SQLException {
        int home = site.warehouse();
        toWarehouse.changeOne(input.amount, home);
        Query.Row ofWarehouse = warehouse.one(home);
        toDistrict.changeOne(input.amount, home, input.district);
        Query.Row ofDistrict = district.one(home, input.district);
        int who = choice.find(input.who);
        Query.Row found = customer.one(input.who.warehouse(), input.who.district(), who);
        if (found.text(0).equals("BC")) {
            String data = who + " " + input.who.district() + " " + input.who.warehouse() + " " + input.district + " "
                    + home + " " + input.amount + " " + found.text(1);
            fromBadCustomer.changeOne(
                    input.amount,
                    input.amount,
                    data.substring(0, Math.min(DATA_MAX, data.length())),
                    input.who.warehouse(),
                    input.who.district(),
                    who);
        } else {
            fromCustomer.changeOne(input.amount, input.amount, input.who.warehouse(), input.who.district(), who);
        }
        history.changeOne(
                who,
                input.who.district(),
                input.who.warehouse(),
                input.district,
                home,
                TpccTransaction.now(),
                input.amount,
                ofWarehouse.text(0) + "    " + ofDistrict.text(0));
        site.connection().commit();
        site.books().paid(input.amount);
        return Ending.COMMITTED;
    }
}
