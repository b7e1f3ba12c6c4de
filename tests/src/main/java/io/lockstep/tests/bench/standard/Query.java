package io.lockstep.tests.bench.standard;

import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** One prepared statement of a terminal, with few words to use it. Touched by the terminal's thread. */
final class Query {
    private final PreparedStatement statement;
    private final String sql;

    Query(Connection connection, String sql) throws SQLException {
        this.sql = sql;
        this.statement = connection.prepareStatement(sql);
    }

    /** One row of a result, columns counted from 0. */
    record Row(List<@Nullable Object> values) {
        int integer(int column) {
            return number(column).intValue();
        }

        BigDecimal decimal(int column) {
            Number number = number(column);
            return number instanceof BigDecimal decimal ? decimal : new BigDecimal(number.toString());
        }

        boolean isNull(int column) {
            return values.get(column) == null;
        }

        String text(int column) {
            return String.valueOf(values.get(column)).stripTrailing();
        }

        private Number number(int column) {
            if (values.get(column) instanceof Number number) {
                return number;
            }
            throw new IllegalStateException("column " + column + " of " + values + " is no number");
        }
    }

    /** Changes rows. @return how many */
    int change(Object... parameters) throws SQLException {
        set(parameters);
        return statement.executeUpdate();
    }

    /** Changes one row. @throws SQLException it changed another number */
    void changeOne(Object... parameters) throws SQLException {
        int changed = change(parameters);
        if (changed != 1) {
            throw new SQLException(
                    changed + " rows were changed instead of one by " + sql + " with " + List.of(parameters));
        }
    }

    /** All rows. */
    List<Row> all(Object... parameters) throws SQLException {
        set(parameters);
        List<Row> rows = new ArrayList<>();
        try (ResultSet found = statement.executeQuery()) {
            int columns = found.getMetaData().getColumnCount();
            while (found.next()) {
                List<@Nullable Object> values = new ArrayList<>(columns);
                for (int column = 1; column <= columns; column++) {
                    values.add(found.getObject(column));
                }
                rows.add(new Row(values));
            }
        }
        return rows;
    }

    /** The first row, if there is one. */
    Optional<Row> first(Object... parameters) throws SQLException {
        return all(parameters).stream().findFirst();
    }

    /** The only row. @throws SQLException there is none, or more */
    Row one(Object... parameters) throws SQLException {
        List<Row> rows = all(parameters);
        if (rows.size() != 1) {
            throw new SQLException(rows.size() + " rows instead of one from " + sql + " with " + List.of(parameters));
        }
        return rows.get(0);
    }

    private void set(Object... parameters) throws SQLException {
        for (int i = 0; i < parameters.length; i++) {
            statement.setObject(i + 1, parameters[i]);
        }
    }
}
