package io.lockstep.tests.differential;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Everything that a schema holds and that an application can see, as lines that can be compared. Has no state. */
final class DatabaseImage {
    /** Drawn by H2 from clock and chance: not the same twice. */
    private static final Set<String> DRAWN = Set.of("AT", "U");

    private DatabaseImage() {}

    static List<String> of(Connection connection, String schema) throws SQLException {
        List<String> lines = new ArrayList<>();
        try (Statement statement = connection.createStatement()) {
            Map<String, List<String>> tables = new TreeMap<>();
            try (ResultSet columns = statement.executeQuery(
                    "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_DEFAULT, IS_NULLABLE, IS_IDENTITY, IDENTITY_BASE"
                            + " FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_SCHEMA = '" + schema
                            + "' ORDER BY TABLE_NAME, ORDINAL_POSITION")) {
                while (columns.next()) {
                    List<String> names = tables.computeIfAbsent(columns.getString(1), none -> new ArrayList<>());
                    if (!DRAWN.contains(columns.getString(2))) {
                        names.add(columns.getString(2));
                    }
                    lines.add(line("columns", columns));
                }
            }
            for (Map.Entry<String, List<String>> table : tables.entrySet()) {
                String names = "\"" + String.join("\", \"", table.getValue()) + "\"";
                add(
                        lines,
                        table.getKey(),
                        statement,
                        "SELECT " + names + " FROM " + schema + ".\"" + table.getKey() + "\" ORDER BY " + names);
            }
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

    private static void add(List<String> lines, String what, Statement statement, String sql) throws SQLException {
        try (ResultSet rows = statement.executeQuery(sql)) {
            while (rows.next()) {
                lines.add(line(what, rows));
            }
        } catch (SQLException e) {
            lines.add(what + " " + SqlClient.failure(e));
        }
    }

    private static String line(String what, ResultSet rows) throws SQLException {
        StringBuilder line = new StringBuilder(what);
        int columns = rows.getMetaData().getColumnCount();
        for (int i = 1; i <= columns; i++) {
            line.append(' ').append(rows.getString(i));
        }
        return SqlClient.told(line.toString());
    }
}
