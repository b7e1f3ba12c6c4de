package io.lockstep.tests.onejvm;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import org.h2.api.Trigger;
import org.jspecify.annotations.Nullable;

/** A trigger that writes down each change of the stock, with H2's own time and chance. */
public final class StockLog implements Trigger {
    @Override
    public void fire(Connection connection, Object @Nullable [] before, Object @Nullable [] after) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement(
                "INSERT INTO STOCK_LOG(THING, BEFORE_IT, AFTER_IT, AT, ID) VALUES (?, ?, ?, CURRENT_TIMESTAMP, RANDOM_UUID())")) {
            insert.setObject(1, after == null ? null : after[0]);
            insert.setObject(2, before == null ? null : before[1]);
            insert.setObject(3, after == null ? null : after[1]);
            insert.executeUpdate();
        }
    }
}
