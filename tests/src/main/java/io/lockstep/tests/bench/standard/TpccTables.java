package io.lockstep.tests.bench.standard;

import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The nine tables of TPC-C (clause 1.3) and what is in them at the beginning (4.3.3). Touched by the creating thread. */
final class TpccTables {
    private static final BigDecimal TEN = new BigDecimal("10.00");
    private static final List<String> DEFINITIONS = List.of(
            "CREATE TABLE warehouse(w_id INT PRIMARY KEY, w_name VARCHAR(10), w_street_1 VARCHAR(20),"
                    + " w_street_2 VARCHAR(20), w_city VARCHAR(20), w_state CHAR(2), w_zip CHAR(9),"
                    + " w_tax DECIMAL(4, 4), w_ytd DECIMAL(12, 2))",
            "CREATE TABLE district(d_id INT, d_w_id INT REFERENCES warehouse, d_name VARCHAR(10),"
                    + " d_street_1 VARCHAR(20), d_street_2 VARCHAR(20), d_city VARCHAR(20), d_state CHAR(2),"
                    + " d_zip CHAR(9), d_tax DECIMAL(4, 4), d_ytd DECIMAL(12, 2), d_next_o_id INT,"
                    + " PRIMARY KEY(d_w_id, d_id))",
            "CREATE TABLE customer(c_id INT, c_d_id INT, c_w_id INT, c_first VARCHAR(16), c_middle CHAR(2),"
                    + " c_last VARCHAR(16), c_street_1 VARCHAR(20), c_street_2 VARCHAR(20), c_city VARCHAR(20),"
                    + " c_state CHAR(2), c_zip CHAR(9), c_phone CHAR(16), c_since TIMESTAMP, c_credit CHAR(2),"
                    + " c_credit_lim DECIMAL(12, 2), c_discount DECIMAL(4, 4), c_balance DECIMAL(12, 2),"
                    + " c_ytd_payment DECIMAL(12, 2), c_payment_cnt INT, c_delivery_cnt INT, c_data VARCHAR(500),"
                    + " PRIMARY KEY(c_w_id, c_d_id, c_id), FOREIGN KEY(c_w_id, c_d_id) REFERENCES district(d_w_id, d_id))",
            "CREATE INDEX customer_by_name ON customer(c_w_id, c_d_id, c_last, c_first)",
            "CREATE TABLE history(h_c_id INT, h_c_d_id INT, h_c_w_id INT, h_d_id INT, h_w_id INT, h_date TIMESTAMP,"
                    + " h_amount DECIMAL(6, 2), h_data VARCHAR(24),"
                    + " FOREIGN KEY(h_c_w_id, h_c_d_id, h_c_id) REFERENCES customer(c_w_id, c_d_id, c_id),"
                    + " FOREIGN KEY(h_w_id, h_d_id) REFERENCES district(d_w_id, d_id))",
            "CREATE TABLE orders(o_id INT, o_d_id INT, o_w_id INT, o_c_id INT, o_entry_d TIMESTAMP, o_carrier_id INT,"
                    + " o_ol_cnt INT, o_all_local INT, PRIMARY KEY(o_w_id, o_d_id, o_id),"
                    + " FOREIGN KEY(o_w_id, o_d_id, o_c_id) REFERENCES customer(c_w_id, c_d_id, c_id))",
            "CREATE INDEX orders_of_customer ON orders(o_w_id, o_d_id, o_c_id, o_id)",
            "CREATE TABLE new_order(no_o_id INT, no_d_id INT, no_w_id INT, PRIMARY KEY(no_w_id, no_d_id, no_o_id),"
                    + " FOREIGN KEY(no_w_id, no_d_id, no_o_id) REFERENCES orders(o_w_id, o_d_id, o_id))",
            "CREATE TABLE item(i_id INT PRIMARY KEY, i_im_id INT, i_name VARCHAR(24), i_price DECIMAL(5, 2),"
                    + " i_data VARCHAR(50))",
            "CREATE TABLE stock(s_i_id INT REFERENCES item, s_w_id INT REFERENCES warehouse, s_quantity INT,"
                    + " s_dist_01 CHAR(24), s_dist_02 CHAR(24), s_dist_03 CHAR(24), s_dist_04 CHAR(24),"
                    + " s_dist_05 CHAR(24), s_dist_06 CHAR(24), s_dist_07 CHAR(24), s_dist_08 CHAR(24),"
                    + " s_dist_09 CHAR(24), s_dist_10 CHAR(24), s_ytd INT, s_order_cnt INT, s_remote_cnt INT,"
                    + " s_data VARCHAR(50), PRIMARY KEY(s_w_id, s_i_id))",
            "CREATE TABLE order_line(ol_o_id INT, ol_d_id INT, ol_w_id INT, ol_number INT, ol_i_id INT,"
                    + " ol_supply_w_id INT, ol_delivery_d TIMESTAMP, ol_quantity INT, ol_amount DECIMAL(6, 2),"
                    + " ol_dist_info CHAR(24), PRIMARY KEY(ol_w_id, ol_d_id, ol_o_id, ol_number),"
                    + " FOREIGN KEY(ol_w_id, ol_d_id, ol_o_id) REFERENCES orders(o_w_id, o_d_id, o_id),"
                    + " FOREIGN KEY(ol_supply_w_id, ol_i_id) REFERENCES stock(s_w_id, s_i_id))");

    private final Connection connection;
    private final TpccScale scale;
    private final TpccRandom random;
    private final Timestamp now = Timestamp.from(Instant.now());

    TpccTables(Connection connection, TpccScale scale, TpccRandom random) {
        this.connection = connection;
        this.scale = scale;
        this.random = random;
    }

    void create() throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String definition : DEFINITIONS) {
                statement.execute(definition);
            }
        }
        connection.setAutoCommit(false);
        items();
        for (int warehouse = 1; warehouse <= scale.warehouses(); warehouse++) {
            warehouse(warehouse);
            stock(warehouse);
            districts(warehouse);
            for (int district = 1; district <= TpccScale.DISTRICTS; district++) {
                customers(warehouse, district);
                orders(warehouse, district);
            }
        }
    }

    private void items() throws SQLException {
        try (Filler item = new Filler(connection, "item", 5)) {
            for (int id = 1; id <= scale.items(); id++) {
                item.add(id, random.uniform(1, 10_000), random.text(14, 24), hundredths(100, 10_000), random.data());
            }
        }
    }

    private void warehouse(int id) throws SQLException {
        try (Filler warehouse = new Filler(connection, "warehouse", 9)) {
            warehouse.add(
                    id,
                    random.text(6, 10),
                    random.text(10, 20),
                    random.text(10, 20),
                    random.text(10, 20),
                    random.text(2, 2),
                    zip(),
                    tax(),
                    TEN.multiply(BigDecimal.valueOf((long) scale.customers() * TpccScale.DISTRICTS)));
        }
    }

    private void stock(int warehouse) throws SQLException {
        try (Filler stock = new Filler(connection, "stock", 17)) {
            for (int item = 1; item <= scale.items(); item++) {
                Object[] row = new Object[17];
                row[0] = item;
                row[1] = warehouse;
                row[2] = random.uniform(10, 100);
                for (int district = 1; district <= TpccScale.DISTRICTS; district++) {
                    row[2 + district] = random.text(24, 24);
                }
                row[13] = 0;
                row[14] = 0;
                row[15] = 0;
                row[16] = random.data();
                stock.add(row);
            }
        }
    }

    private void districts(int warehouse) throws SQLException {
        try (Filler district = new Filler(connection, "district", 11)) {
            for (int id = 1; id <= TpccScale.DISTRICTS; id++) {
                district.add(
                        id,
                        warehouse,
                        random.text(6, 10),
                        random.text(10, 20),
                        random.text(10, 20),
                        random.text(10, 20),
                        random.text(2, 2),
                        zip(),
                        tax(),
                        TEN.multiply(BigDecimal.valueOf(scale.customers())),
                        scale.customers() + 1);
            }
        }
    }

    private void customers(int warehouse, int district) throws SQLException {
        try (Filler customer = new Filler(connection, "customer", 21)) {
            for (int id = 1; id <= scale.customers(); id++) {
                customer.add(
                        id,
                        district,
                        warehouse,
                        random.text(8, 16),
                        "OE",
                        random.lastNameAtFirst(id),
                        random.text(10, 20),
                        random.text(10, 20),
                        random.text(10, 20),
                        random.text(2, 2),
                        zip(),
                        random.digits(16),
                        now,
                        random.inPercent(10) ? "BC" : "GC",
                        new BigDecimal("50000.00"),
                        BigDecimal.valueOf(random.uniform(0, 5_000), 4),
                        TEN.negate(),
                        TEN,
                        1,
                        0,
                        random.text(300, 500));
            }
        }
        try (Filler history = new Filler(connection, "history", 8)) {
            for (int id = 1; id <= scale.customers(); id++) {
                history.add(id, district, warehouse, district, warehouse, now, TEN, random.text(12, 24));
            }
        }
    }

    private void orders(int warehouse, int district) throws SQLException {
        int[] customers = random.permutation(scale.customers());
        int[] lineCounts = new int[customers.length];
        try (Filler orders = new Filler(connection, "orders", 8)) {
            for (int id = 1; id <= customers.length; id++) {
                lineCounts[id - 1] = random.uniform(5, 15);
                Integer carrier = id <= scale.deliveredAtFirst() ? random.uniform(1, 10) : null;
                orders.add(id, district, warehouse, customers[id - 1], now, carrier, lineCounts[id - 1], 1);
            }
        }
        try (Filler line = new Filler(connection, "order_line", 10)) {
            for (int id = 1; id <= customers.length; id++) {
                boolean isDelivered = id <= scale.deliveredAtFirst();
                for (int number = 1; number <= lineCounts[id - 1]; number++) {
                    @Nullable Timestamp delivery = isDelivered ? now : null;
                    line.add(
                            id,
                            district,
                            warehouse,
                            number,
                            random.uniform(1, scale.items()),
                            warehouse,
                            delivery,
                            5,
                            isDelivered ? new BigDecimal("0.00") : hundredths(1, 999_999),
                            random.text(24, 24));
                }
            }
        }
        try (Filler newOrder = new Filler(connection, "new_order", 3)) {
            for (int id = scale.deliveredAtFirst() + 1; id <= customers.length; id++) {
                newOrder.add(id, district, warehouse);
            }
        }
    }

    private String zip() {
        return random.digits(4) + "11111";
    }

    private BigDecimal tax() {
        return BigDecimal.valueOf(random.uniform(0, 2_000), 4);
    }

    private BigDecimal hundredths(int least, int most) {
        return BigDecimal.valueOf(random.uniform(least, most), 2);
    }
}
