package io.lockstep.tests.differential;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Everything that a schema holds and that an application can see, as lines that can be compared. Has no state. */
final class DatabaseImage {
    /** Drawn by H2 from clock and chance: not the same twice. */
    private static final Set<String> DRAWN = Set.of("AT", "U");

    private DatabaseImage() {}

    static List<String> of(Connection connection, String schema) throws SQLException {
        List<String> lines = new ArrayList<>();
        try (Statement statement = connection.createStatement()) {
            List<String> tables = column(
                    statement,
                    "SELECT TABLE_NAME FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = '" + schema
                            + "' ORDER BY TABLE_NAME");
            for (String table : tables) {
                List<String> columns = column(
                        statement,
                        "SELECT COLUMN_NAME FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_SCHEMA = '" + schema
                                + "' AND TABLE_NAME = '" + table + "' ORDER BY ORDINAL_POSITION");
                columns.removeIf(DRAWN::contains);
                String names = "\"" + String.join("\", \"", columns) + "\"";
                add(
                        lines,
                        table,
                        statement,
                        "SELECT " + names + " FROM " + schema + ".\"" + table + "\" ORDER BY " + names);
            }
            add(
                    lines,
                    "columns",
                    statement,
                    "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_DEFAULT, IS_NULLABLE, IS_IDENTITY, IDENTITY_BASE"
                            + " FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_SCHEMA = '" + schema
                            + "' ORDER BY TABLE_NAME, ORDINAL_POSITION");
            add(
                    lines,
                    "sequences",
                    statement,
                    "SELECT SEQUENCE_NAME, BASE_VALUE, INCREMENT, CACHE FROM INFORMATION_SCHEMA.SEQUENCES WHERE"
                            + " SEQUENCE_SCHEMA = '" + schema + "' ORDER BY SEQUENCE_NAME");
            add(
                    lines,
                    "constraints",
                    statement,
                    "SELECT TABLE_NAME, CONSTRAINT_NAME, CONSTRAINT_TYPE FROM INFORMATION_SCHEMA.TABLE_CONSTRAINTS WHERE"
                            + " TABLE_SCHEMA = '" + schema + "' ORDER BY TABLE_NAME, CONSTRAINT_NAME");
            add(
                    lines,
                    "indexes",
                    statement,
                    "SELECT TABLE_NAME, INDEX_NAME, INDEX_TYPE_NAME FROM INFORMATION_SCHEMA.INDEXES WHERE TABLE_SCHEMA = '"
                            + schema + "' ORDER BY TABLE_NAME, INDEX_NAME");
        }
        return lines;
    }

    private static List<String> column(Statement statement, String sql) throws SQLException {
        List<String> values = new ArrayList<>();
        try (ResultSet rows = statement.executeQuery(sql)) {
            while (rows.next()) {
                values.add(rows.getString(1));
            }
        }
        return values;
    }

    private static void add(List<String> lines, String what, Statement statement, String sql) throws SQLException {
        try (ResultSet rows = statement.executeQuery(sql)) {
            int columns = rows.getMetaData().getColumnCount();
            while (rows.next()) {
                StringBuilder line = new StringBuilder(what);
                for (int i = 1; i <= columns; i++) {
                    line.append(' ').append(rows.getString(i));
                }
                lines.add(line.toString());
            }
        } catch (SQLException e) {
            lines.add(what + " " + SqlClient.failure(e));
        }
    }
}
