package io.lockstep.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The same random JDBC calls against H2 in this process and against Lockstep's driver and engine: results, update counts,
 * generated keys, errors and their texts are equal. A seed that once found a difference becomes a test of its own.
 */
@Timeout(300)
class DifferentialTest {
    private static final int CALLS = 120;

    /** One random call; the same random numbers make the same call on both sides. */
    private interface Call {
        void run(Side side, List<String> heard) throws SQLException;
    }

    /** One connection and what the calls keep of it. */
    private static final class Side implements AutoCloseable {
        final Connection connection;
        final Map<String, PreparedStatement> prepared = new HashMap<>();
        final List<Savepoint> savepoints = new ArrayList<>();

        Side(Connection connection) {
            this.connection = connection;
        }

        PreparedStatement prepare(String sql) throws SQLException {
            PreparedStatement known = prepared.get(sql);
            if (known == null) {
                known = connection.prepareStatement(sql, Statement.RETURN_GENERATED_KEYS);
                prepared.put(sql, known);
            }
            return known;
        }

        @Override
        public void close() throws SQLException {
            connection.close();
        }
    }

    @Test
    void givesTheSameAsH2() throws Exception {
        long first = Long.getLong("differential.seed", 1);
        int sequences = Integer.getInteger("differential.sequences", 25);
        try (SqlServer server = new SqlServer(new EngineSessions())) {
            for (long seed = first; seed < first + sequences; seed++) {
                compare(seed, server);
            }
        }
    }

    private static void compare(long seed, SqlServer server) throws SQLException {
        String schema = "S" + seed;
        try (Side h2 = new Side(DriverManager.getConnection("jdbc:h2:mem:diff" + seed, "app", "app"));
                Side lockstep = new Side(DriverManager.getConnection(server.url(), "app", "app"))) {
            for (Side side : List.of(h2, lockstep)) {
                try (Statement statement = side.connection.createStatement()) {
                    statement.execute("CREATE SCHEMA " + schema);
                    statement.execute("SET SCHEMA " + schema);
                    for (String sql : TABLES) {
                        statement.execute(sql);
                    }
                }
            }
            Random random = new Random(seed);
            for (int i = 0; i < CALLS; i++) {
                Call call = call(random);
                List<String> expected = hear(call, h2);
                List<String> actual = hear(call, lockstep);
                assertThat(actual).as("seed %d, call %d", seed, i).isEqualTo(expected);
                if (random.nextInt(40) == 0) {
                    server.takeOver();
                }
            }
            lockstep.connection.rollback();
            try (Statement statement = lockstep.connection.createStatement()) {
                lockstep.connection.setAutoCommit(true);
                statement.execute("DROP SCHEMA " + schema + " CASCADE");
            }
        }
    }

    private static List<String> hear(Call call, Side side) {
        List<String> heard = new ArrayList<>();
        try {
            call.run(side, heard);
        } catch (BatchUpdateException e) {
            heard.add(Arrays.toString(e.getLargeUpdateCounts()));
            for (SQLException each = e; each != null; each = each.getNextException()) {
                heard.add(each.getErrorCode() + " " + each.getSQLState() + " " + names(each.getMessage()));
            }
        } catch (SQLException e) {
            heard.add(e.getErrorCode() + " " + e.getSQLState() + " "
                    + e.getClass().getSimpleName() + " " + names(e.getMessage()));
        }
        try {
            heard.add("autocommit " + side.connection.getAutoCommit());
        } catch (SQLException e) {
            heard.add("closed");
        }
        return heard;
    }

    /** Names that the database makes up count what was made before in the whole of it. */
    private static String names(@Nullable String message) {
        return String.valueOf(message)
                .replaceAll("(CONSTRAINT_[0-9A-F_]+|PRIMARY_KEY_[0-9A-F]+|[A-Z]+_INDEX_[0-9A-F_]+)", "NAME");
    }

    private static final List<String> TABLES = List.of(
            "CREATE TABLE A(ID BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, N INT, V VARCHAR(12), D DECIMAL(8,2)"
                    + " DEFAULT 1.5, U UUID, B VARBINARY(8), W TIMESTAMP DEFAULT TIMESTAMP '2020-01-02 03:04:05')",
            "CREATE TABLE B(ID INT PRIMARY KEY, A BIGINT REFERENCES A(ID), K INT UNIQUE, CHECK (K < 1000))",
            "CREATE SEQUENCE Q START WITH 10 INCREMENT BY 5",
            "CREATE VIEW AB AS SELECT A.ID, A.N, B.K FROM A LEFT JOIN B ON A.ID = B.A");

    // ---- calls ----------------------------------------------------------------------------------------------------

    private static Call call(Random random) {
        int id = 1 + random.nextInt(20);
        int number = random.nextInt(50);
        int other = random.nextInt(1_100);
        String text = "t" + "x".repeat(random.nextInt(14));
        return switch (random.nextInt(26)) {
            case 0, 1, 2 -> update("INSERT INTO A(N, V) VALUES (" + number + ", '" + text + "')");
            case 3 -> update("INSERT INTO A(ID, N) VALUES (" + id + ", " + number + ")");
            case 4, 5 -> update("INSERT INTO B VALUES (" + id + ", " + (1 + other % 30) + ", " + other + ")");
            case 6 -> update("UPDATE A SET N = N + 1, V = '" + text + "' WHERE ID <= " + id);
            case 7 -> update("DELETE FROM A WHERE ID = " + id);
            case 8 -> update("DELETE FROM B WHERE K > " + other);
            case 9 -> update("MERGE INTO B KEY(ID) VALUES (" + id + ", NULL, " + other + ")");
            case 10 -> query("SELECT * FROM A ORDER BY ID");
            case 11 -> query("SELECT N, COUNT(*), SUM(D) FROM A GROUP BY N ORDER BY N");
            case 12 -> query("SELECT * FROM AB WHERE ID > " + id + " ORDER BY ID, K");
            case 13 -> query("SELECT NEXT VALUE FOR Q");
            case 14 -> query("SELECT ID FROM FINAL TABLE (INSERT INTO A(N) VALUES (" + number + "))");
            case 15 -> query(random.nextBoolean() ? "SELECT * FORM A" : "SELECT NOTHING FROM A");
            case 16 -> insertPrepared(number, text, random.nextLong());
            case 17 -> queryPrepared(number);
            case 18 -> batch(random.nextInt(5) + 1, id, other);
            case 19 ->
                (side, heard) -> {
                    side.connection.setAutoCommit(number % 3 == 0);
                };
            case 20 -> (side, heard) -> side.connection.commit();
            case 21 -> (side, heard) -> side.connection.rollback();
            case 22 ->
                (side, heard) -> {
                    if (!side.connection.getAutoCommit()) {
                        side.savepoints.add(
                                number % 2 == 0
                                        ? side.connection.setSavepoint()
                                        : side.connection.setSavepoint("P" + id));
                    }
                };
            case 23 ->
                (side, heard) -> {
                    if (!side.savepoints.isEmpty()) {
                        side.connection.rollback(side.savepoints.remove(number % side.savepoints.size()));
                    }
                };
            case 24 ->
                number % 4 == 0 ? update("CREATE TABLE IF NOT EXISTS C" + id + "(X INT)") : update("DROP TABLE C" + id);
            default -> throughResult(number);
        };
    }

    private static Call update(String sql) {
        return (side, heard) -> {
            try (Statement statement = side.connection.createStatement()) {
                heard.add(sql + " -> " + statement.executeUpdate(sql, Statement.RETURN_GENERATED_KEYS));
                read(statement.getGeneratedKeys(), heard);
            }
        };
    }

    private static Call query(String sql) {
        return (side, heard) -> {
            try (Statement statement = side.connection.createStatement()) {
                heard.add(sql + " -> " + statement.execute(sql));
                read(statement.getResultSet(), heard);
            }
        };
    }

    private static Call insertPrepared(int number, String text, long bits) {
        return (side, heard) -> {
            PreparedStatement insert = side.prepare("INSERT INTO A(N, V, D, U, B) VALUES (?, ?, ?, ?, ?)");
            insert.setInt(1, number);
            insert.setString(2, text);
            insert.setBigDecimal(3, BigDecimal.valueOf(bits % 100_000_000, 2));
            insert.setObject(4, new UUID(bits, number));
            insert.setBytes(5, text.getBytes(java.nio.charset.StandardCharsets.UTF_8));
            heard.add("inserted " + insert.executeUpdate());
            read(insert.getGeneratedKeys(), heard);
        };
    }

    private static Call queryPrepared(int number) {
        return (side, heard) -> {
            PreparedStatement select = side.prepare("SELECT A.*, ? AS P FROM A WHERE N >= ? ORDER BY ID");
            select.setInt(1, number);
            if (number % 10 != 0) {
                select.setInt(2, number);
            } else {
                select.clearParameters();
            }
            heard.add("parameters " + select.getParameterMetaData().getParameterTypeName(2));
            read(select.executeQuery(), heard);
        };
    }

    private static Call batch(int rows, int id, int other) {
        return (side, heard) -> {
            PreparedStatement insert = side.prepare("INSERT INTO B(ID, K) VALUES (?, ?)");
            for (int i = 0; i < rows; i++) {
                insert.setInt(1, id + i);
                insert.setInt(2, other + i);
                insert.addBatch();
            }
            heard.add(Arrays.toString(insert.executeBatch()));
            read(insert.getGeneratedKeys(), heard);
        };
    }

    private static Call throughResult(int number) {
        return (side, heard) -> {
            try (Statement statement = side.connection.createStatement(
                            ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_UPDATABLE);
                    ResultSet rows = statement.executeQuery("SELECT ID, N FROM A ORDER BY ID")) {
                if (rows.absolute(-1)) {
                    heard.add("last " + rows.getLong(1));
                    rows.updateInt(2, number);
                    rows.updateRow();
                }
                rows.beforeFirst();
                heard.add("any " + rows.next());
            }
        };
    }

    private static void read(@Nullable ResultSet rows, List<String> heard) throws SQLException {
        if (rows == null) {
            heard.add("no result");
            return;
        }
        ResultSetMetaData metadata = rows.getMetaData();
        StringBuilder columns = new StringBuilder();
        for (int i = 1; i <= metadata.getColumnCount(); i++) {
            columns.append(metadata.getColumnLabel(i))
                    .append(' ')
                    .append(metadata.getColumnTypeName(i))
                    .append('(')
                    .append(metadata.getPrecision(i))
                    .append(',')
                    .append(metadata.getScale(i))
                    .append(metadata.isNullable(i))
                    .append(metadata.isAutoIncrement(i))
                    .append(metadata.getTableName(i))
                    .append(") ");
        }
        heard.add(columns.toString());
        while (rows.next()) {
            StringBuilder row = new StringBuilder();
            for (int i = 1; i <= metadata.getColumnCount(); i++) {
                row.append(rows.getString(i)).append('|');
            }
            heard.add(row.toString());
        }
        rows.close();
    }
}
