package io.lockstep.tests.bench.standard;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How Payment and Order-Status find a customer: 60 of 100 times by last name (clause 2.5.1.2). Touched by one thread. */
final class CustomerChoice {
    private final Query byName;

    /**
     * Who is looked for.
     *
     * @param lastName null when the number is known
     * @param number 0 when it is not
     */
    record Who(int warehouse, int district, @Nullable String lastName, int number) {
        static Who draw(TpccRandom random, int warehouse, int district) {
            return random.inPercent(60)
                    ? new Who(warehouse, district, random.lastName(), 0)
                    : new Who(warehouse, district, null, random.customer());
        }
    }

    CustomerChoice(Connection connection) throws SQLException {
        byName = new Query(
                connection,
                "SELECT c_id FROM customer WHERE c_w_id = ? AND c_d_id = ? AND c_last = ? ORDER BY c_first, c_id");
    }

    /** The customer's number; of several with that name the one in the middle, counted by first name, rounded up. */
    int find(Who who) throws SQLException {
        if (who.lastName == null) {
            return who.number;
        }
        List<Query.Row> found = byName.all(who.warehouse, who.district, who.lastName);
        if (found.isEmpty()) {
            throw new SQLException("nobody is called " + who.lastName);
        }
        return found.get((found.size() + 1) / 2 - 1).integer(0);
    }
}
