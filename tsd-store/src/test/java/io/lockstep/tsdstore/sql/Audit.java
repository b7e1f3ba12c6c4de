package io.lockstep.tsdstore.sql;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import org.h2.api.Trigger;
import org.jspecify.annotations.Nullable;

/** A trigger that writes down in LOG what was done, with time and chance of H2's. */
public final class Audit implements Trigger {
    private String name = "";

    @Override
    public void init(Connection connection, String schema, String trigger, String table, boolean before, int type) {
        name = trigger;
    }

    @Override
    public void fire(Connection connection, Object @Nullable [] before, Object @Nullable [] after) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement(
                "insert into log(who, what, at, id) values(?, ?, current_timestamp, random_uuid())")) {
            insert.setString(1, name);
            insert.setString(2, (before == null ? "-" : before[0]) + ">" + (after == null ? "-" : after[0]));
            insert.executeUpdate();
        }
        if (after != null && after.length > 1 && Integer.valueOf(-1).equals(after[1])) {
            throw new IllegalStateException("negative");
        }
    }
}
