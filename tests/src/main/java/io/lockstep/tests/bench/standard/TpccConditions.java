package io.lockstep.tests.bench.standard;

import io.lockstep.tests.bench.standard.Benchmark.Finding;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * The twelve consistency conditions of TPC-C, clause 3.3.2.1 to 3.3.2.12, each a query that finds the rows that contradict
 * it. Touched by whoever checks, while no terminal works.
 *
 * <p>Most are sums that must be nothing: what one table says with a plus, what the other says with a minus.
 */
final class TpccConditions {
    private static final int EXAMPLES = 5;

    private final List<Condition> conditions;

    /** @param isViolated whether a row that the query found contradicts the condition */
    private record Condition(int number, String text, String query, Predicate<Query.Row> isViolated) {
        Condition(int number, String text, String query) {
            this(number, text, query, row -> true);
        }
    }

    TpccConditions(TpccBooks books) {
        conditions = List.of(
                new Condition(
                        1,
                        "W_YTD = sum(D_YTD) for each warehouse",
                        "SELECT w, SUM(a) FROM (SELECT w_id w, w_ytd a FROM warehouse"
                                + " UNION ALL SELECT d_w_id, -d_ytd FROM district) t GROUP BY w HAVING SUM(a) <> 0"),
                new Condition(
                        2,
                        "D_NEXT_O_ID - 1 = max(O_ID) = max(NO_O_ID) for each district; the last where it has new orders",
                        "SELECT * FROM (SELECT d_w_id, d_id, d_next_o_id - 1 AS last_order,"
                                + " (SELECT MAX(o_id) FROM orders WHERE o_w_id = d_w_id AND o_d_id = d_id) AS max_order,"
                                + " (SELECT MAX(no_o_id) FROM new_order WHERE no_w_id = d_w_id AND no_d_id = d_id)"
                                + " AS max_new FROM district) t WHERE max_order IS NULL OR max_order <> last_order"
                                + " OR max_new <> last_order"),
                new Condition(
                        3,
                        "max(NO_O_ID) - min(NO_O_ID) + 1 = rows of NEW-ORDER for each district",
                        "SELECT no_w_id, no_d_id, MIN(no_o_id), MAX(no_o_id), COUNT(*) FROM new_order"
                                + " GROUP BY no_w_id, no_d_id HAVING MAX(no_o_id) - MIN(no_o_id) + 1 <> COUNT(*)"),
                new Condition(
                        4,
                        "sum(O_OL_CNT) = rows of ORDER-LINE for each district",
                        "SELECT w, d, SUM(a) FROM (SELECT o_w_id w, o_d_id d, o_ol_cnt a FROM orders"
                                + " UNION ALL SELECT ol_w_id, ol_d_id, -1 FROM order_line) t"
                                + " GROUP BY w, d HAVING SUM(a) <> 0"),
                new Condition(
                        5,
                        "O_CARRIER_ID is null if and only if NEW-ORDER has a row for the order",
                        "SELECT w, d, o, SUM(a) FROM (SELECT o_w_id w, o_d_id d, o_id o,"
                                + " CASE WHEN o_carrier_id IS NULL THEN 1 ELSE 0 END a FROM orders"
                                + " UNION ALL SELECT no_w_id, no_d_id, no_o_id, -1 FROM new_order) t"
                                + " GROUP BY w, d, o HAVING SUM(a) <> 0"),
                new Condition(
                        6,
                        "O_OL_CNT = rows of ORDER-LINE for each order",
                        "SELECT w, d, o, SUM(a) FROM (SELECT o_w_id w, o_d_id d, o_id o, o_ol_cnt a FROM orders"
                                + " UNION ALL SELECT ol_w_id, ol_d_id, ol_o_id, -1 FROM order_line) t"
                                + " GROUP BY w, d, o HAVING SUM(a) <> 0"),
                new Condition(
                        7,
                        "OL_DELIVERY_D is null if and only if O_CARRIER_ID is, for each row of ORDER-LINE",
                        "SELECT ol_w_id, ol_d_id, ol_o_id, ol_number FROM order_line LEFT JOIN orders"
                                + " ON o_w_id = ol_w_id AND o_d_id = ol_d_id AND o_id = ol_o_id"
                                + " WHERE o_id IS NULL OR ol_delivery_d IS NULL AND o_carrier_id IS NOT NULL"
                                + " OR ol_delivery_d IS NOT NULL AND o_carrier_id IS NULL"),
                new Condition(
                        8,
                        "W_YTD = sum(H_AMOUNT) for each warehouse",
                        "SELECT w, SUM(a) FROM (SELECT w_id w, w_ytd a FROM warehouse"
                                + " UNION ALL SELECT h_w_id, -h_amount FROM history) t GROUP BY w HAVING SUM(a) <> 0"),
                new Condition(
                        9,
                        "D_YTD = sum(H_AMOUNT) for each district",
                        "SELECT w, d, SUM(a) FROM (SELECT d_w_id w, d_id d, d_ytd a FROM district"
                                + " UNION ALL SELECT h_w_id, h_d_id, -h_amount FROM history) t"
                                + " GROUP BY w, d HAVING SUM(a) <> 0"),
                new Condition(
                        10,
                        "C_BALANCE = sum(OL_AMOUNT of delivered lines) - sum(H_AMOUNT) for each customer",
                        "SELECT w, d, c, SUM(a) FROM (SELECT c_w_id w, c_d_id d, c_id c, c_balance a FROM customer"
                                + " UNION ALL SELECT h_c_w_id, h_c_d_id, h_c_id, h_amount FROM history"
                                + " UNION ALL " + deliveredLines() + ") t GROUP BY w, d, c HAVING SUM(a) <> 0"),
                new Condition(
                        11,
                        "rows of ORDER - rows of NEW-ORDER = orders delivered at the beginning (2,100 at the"
                                + " specification's size) and by Delivery since, for each district",
                        "SELECT w, d, SUM(a) FROM (SELECT o_w_id w, o_d_id d, 1 a FROM orders"
                                + " UNION ALL SELECT no_w_id, no_d_id, -1 FROM new_order) t GROUP BY w, d",
                        row -> row.integer(2) != books.deliveredIn(row.integer(0), row.integer(1))),
                new Condition(
                        12,
                        "C_BALANCE + C_YTD_PAYMENT = sum(OL_AMOUNT of delivered lines) for each customer",
                        "SELECT w, d, c, SUM(a) FROM (SELECT c_w_id w, c_d_id d, c_id c, c_balance + c_ytd_payment a"
                                + " FROM customer UNION ALL " + deliveredLines()
                                + ") t GROUP BY w, d, c HAVING SUM(a) <> 0"));
    }

    private static String deliveredLines() {
        return "SELECT o_w_id, o_d_id, o_c_id, -ol_amount FROM order_line JOIN orders ON o_w_id = ol_w_id"
                + " AND o_d_id = ol_d_id AND o_id = ol_o_id WHERE ol_delivery_d IS NOT NULL";
    }

    List<Finding> check(Connection connection) throws SQLException {
        List<Finding> findings = new ArrayList<>();
        for (Condition condition : conditions) {
            List<String> wrong = new Query(connection, condition.query)
                    .all().stream()
                            .filter(condition.isViolated)
                            .map(row -> row.values().toString())
                            .toList();
            findings.add(new Finding(
                    "3.3.2." + condition.number,
                    condition.text,
                    condition.query,
                    wrong.size(),
                    wrong.subList(0, Math.min(EXAMPLES, wrong.size()))));
        }
        return findings;
    }
}
