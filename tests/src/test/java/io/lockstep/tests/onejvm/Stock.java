package io.lockstep.tests.onejvm;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;

/** Functions as an operator would install them. */
public final class Stock {
    private Stock() {}

    /** Takes pieces of a thing, if there are so many. */
    public static int take(Connection connection, int id, int pieces) throws SQLException {
        try (PreparedStatement change =
                connection.prepareStatement("UPDATE STOCK SET PIECES = PIECES - ? WHERE ID = ? AND PIECES >= ?")) {
            change.setInt(1, pieces);
            change.setInt(2, id);
            change.setInt(3, pieces);
            if (change.executeUpdate() == 0) {
                throw new SQLException("not so many pieces", "45000", 45_000);
            }
        }
        try (PreparedStatement query = connection.prepareStatement("SELECT PIECES FROM STOCK WHERE ID = ?")) {
            query.setInt(1, id);
            try (ResultSet left = query.executeQuery()) {
                left.next();
                return left.getInt(1);
            }
        }
    }

    /** From nothing but its argument. */
    public static int dozens(int pieces) {
        return pieces / 12;
    }
}
