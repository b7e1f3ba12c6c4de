package io.lockstep.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.time.Duration;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** One corner of JDBC each: what H2 in this process says and what Lockstep says. */
@Timeout(60)
class SameAsH2Test {
    private static final AtomicInteger NAMES = new AtomicInteger();

    private final SqlServer server = new SqlServer(new EngineSessions());

    private interface Scene {
        void play(Connection connection, List<Object> heard) throws SQLException;
    }

    @AfterEach
    void close() {
        server.close();
    }

    private void isSame(Scene scene) throws SQLException {
        List<Object> expected;
        try (Connection h2 = DriverManager.getConnection("jdbc:h2:mem:same" + NAMES.incrementAndGet(), "app", "app")) {
            expected = play(scene, h2);
        }
        try (Connection lockstep = DriverManager.getConnection(server.url(), "app", "app")) {
            assertThat(play(scene, lockstep)).isEqualTo(expected);
        }
    }

    private static List<Object> play(Scene scene, Connection connection) {
        List<Object> heard = new ArrayList<>();
        try {
            scene.play(connection, heard);
        } catch (SQLException e) {
            heard.add(e.getClass().getSimpleName() + " " + e.getErrorCode() + " " + e.getSQLState() + " "
                    + e.getMessage());
        }
        return heard;
    }

    private static void failing(List<Object> heard, Scene scene, Connection connection) {
        heard.addAll(play(scene, connection));
    }

    @Test
    void carriesEveryType() throws SQLException {
        isSame((connection, heard) -> {
            Statement statement = connection.createStatement();
            statement.execute(
                    "CREATE TABLE T(A INT ARRAY, U UUID, J JSON, I INTERVAL DAY TO SECOND, G GEOMETRY,"
                            + " E ENUM('a', 'b'), D DATE, T TIME(3), Z TIMESTAMP(9) WITH TIME ZONE, F DECFLOAT(20), N NUMERIC(20, 4),"
                            + " R REAL, L BOOLEAN, C CHAR(4), V VARCHAR_IGNORECASE, Y TIME WITH TIME ZONE, W ROW(P INT, Q VARCHAR))");
            PreparedStatement insert = connection.prepareStatement(
                    "INSERT INTO T VALUES (?, ?, ? FORMAT JSON, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, (1, 'x'))");
            insert.setArray(1, connection.createArrayOf("INTEGER", new Object[] {1, null, 3}));
            insert.setObject(2, new UUID(1, 2));
            insert.setString(3, "{\"a\":[1,2]}");
            insert.setObject(4, Duration.ofMinutes(77));
            insert.setString(5, "POINT (1 2)");
            insert.setString(6, "b");
            insert.setObject(7, LocalDate.of(2020, 2, 29));
            insert.setObject(8, LocalTime.of(1, 2, 3, 4_000_000));
            insert.setObject(9, OffsetDateTime.parse("2021-03-04T05:06:07.123456789+05:30"));
            insert.setBigDecimal(10, new BigDecimal("1E+30"));
            insert.setBigDecimal(11, new BigDecimal("-12.3400"));
            insert.setFloat(12, 1.25f);
            insert.setBoolean(13, true);
            insert.setString(14, "ab");
            insert.setString(15, "MiXed");
            insert.setObject(16, java.time.OffsetTime.parse("10:11:12+02:00"));
            heard.add(insert.executeUpdate());
            for (int i = 1; i <= 16; i++) {
                insert.setNull(i, Types.NULL);
            }
            heard.add(insert.executeUpdate());
            ResultSet rows = statement.executeQuery("SELECT * FROM T WHERE V = 'mixed' OR V IS NULL ORDER BY L");
            ResultSetMetaData metadata = rows.getMetaData();
            while (rows.next()) {
                for (int i = 1; i <= metadata.getColumnCount(); i++) {
                    Object value = rows.getObject(i);
                    heard.add(metadata.getColumnName(i) + " " + metadata.getColumnTypeName(i) + " "
                            + metadata.getColumnType(i) + " " + metadata.getColumnClassName(i) + " "
                            + metadata.getPrecision(i) + " " + metadata.getScale(i) + " "
                            + metadata.getColumnDisplaySize(i) + " " + rows.getString(i) + " "
                            + (value == null ? null : value.getClass().getName()) + " " + rows.wasNull());
                }
            }
            rows = statement.executeQuery("SELECT A, I, Z, U, D, J FROM T WHERE U IS NOT NULL");
            rows.next();
            heard.add(Arrays.toString((Object[]) rows.getArray(1).getArray()));
            heard.add(rows.getObject(2, Duration.class));
            heard.add(rows.getObject(3, java.time.Instant.class));
            heard.add(rows.getTimestamp(3));
            heard.add(rows.getObject(4, UUID.class));
            heard.add(rows.getDate(5));
            heard.add(new String(rows.getBytes(6), java.nio.charset.StandardCharsets.UTF_8));
        });
    }

    @Test
    void callsProcedures() throws SQLException {
        isSame((connection, heard) -> {
            CallableStatement call = connection.prepareCall("{? = call ABS(?)}");
            call.registerOutParameter(1, Types.INTEGER);
            call.setInt(2, -5);
            heard.add(call.execute());
            heard.add(call.getInt(1));
            CallableStatement query = connection.prepareCall("CALL 1 + ?");
            query.setInt(1, 41);
            ResultSet rows = query.executeQuery();
            rows.next();
            heard.add(rows.getInt(1));
            heard.add(connection.createStatement().executeUpdate("CALL 7"));
            heard.add(connection.createStatement().execute("CALL 7"));
            failing(heard, (c, h) -> h.add(c.createStatement().executeUpdate("VALUES 1")), connection);
            failing(heard, (c, h) -> h.add(c.prepareStatement("VALUES 1").executeUpdate()), connection);
            failing(heard, (c, h) -> h.add(c.prepareStatement("SET @X = 1").executeQuery()), connection);
        });
    }

    @Test
    void keepsItsSettings() throws SQLException {
        isSame((connection, heard) -> {
            Statement statement = connection.createStatement();
            statement.execute("CREATE SCHEMA OTHER");
            heard.add(connection.getSchema());
            connection.setSchema("OTHER");
            heard.add(connection.getSchema());
            statement.execute("SET SCHEMA PUBLIC");
            heard.add(connection.getSchema());
            failing(heard, (c, h) -> c.setSchema("NONE"), connection);
            heard.add(connection.getSchema());
            for (int level : new int[] {
                Connection.TRANSACTION_SERIALIZABLE,
                Connection.TRANSACTION_REPEATABLE_READ,
                Connection.TRANSACTION_READ_COMMITTED
            }) {
                connection.setTransactionIsolation(level);
                heard.add(connection.getTransactionIsolation());
            }
            statement.execute("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ");
            heard.add(connection.getTransactionIsolation());
            failing(heard, (c, h) -> c.setTransactionIsolation(17), connection);
            statement.setQueryTimeout(3);
            heard.add(statement.getQueryTimeout());
            heard.add(connection.createStatement().getQueryTimeout());
            statement.execute("SET @X = 5");
            ResultSet rows = statement.executeQuery("SELECT @X");
            rows.next();
            heard.add(rows.getInt(1));
            statement.execute("SET TIME ZONE '+3:00'");
            rows = statement.executeQuery("SELECT EXTRACT(TIMEZONE_HOUR FROM CURRENT_TIMESTAMP)");
            rows.next();
            heard.add(rows.getInt(1));
            statement.execute("SET AUTOCOMMIT FALSE");
            heard.add(connection.getAutoCommit());
            connection.setHoldability(ResultSet.CLOSE_CURSORS_AT_COMMIT);
            heard.add(connection.getHoldability());
            heard.add(connection.getWarnings());
            heard.add(connection.getTypeMap());
            heard.add(connection.nativeSQL("{fn ABS(1)}"));
            failing(heard, (c, h) -> c.setClientInfo("ApplicationName", "me"), connection);
            failing(heard, (c, h) -> h.add(c.getClientInfo("numServers")), connection);
            heard.add(connection.isWrapperFor(Connection.class));
            heard.add(connection.getCatalog() != null);
        });
    }

    @Test
    void describesParametersAndResults() throws SQLException {
        isSame((connection, heard) -> {
            connection.createStatement().execute("CREATE TABLE T(ID BIGINT PRIMARY KEY, N DECIMAL(7, 2) NOT NULL)");
            PreparedStatement statement =
                    connection.prepareStatement("SELECT ID, N AS M FROM T WHERE N > ? AND ID = ?");
            heard.add(statement.getMetaData().getColumnCount());
            heard.add(statement.getMetaData().getColumnLabel(2));
            heard.add(statement.getMetaData().isNullable(2));
            heard.add(statement.getParameterMetaData().getParameterCount());
            heard.add(statement.getParameterMetaData().getPrecision(1));
            heard.add(statement.getParameterMetaData().getParameterTypeName(2));
            PreparedStatement update = connection.prepareStatement("UPDATE T SET N = ? WHERE ID = ?");
            heard.add(update.getMetaData() == null);
            heard.add(update.getParameterMetaData().isNullable(1));
            heard.add(update.toString().replaceFirst("^[a-z0-9]+", "name"));
            failing(heard, (c, h) -> update.setInt(3, 1), connection);
            failing(heard, (c, h) -> h.add(update.executeUpdate()), connection);
        });
    }

    @Test
    void runsTextsOfSeveralStatementsAndBatchesOfTexts() throws SQLException {
        isSame((connection, heard) -> {
            Statement statement = connection.createStatement();
            heard.add(
                    statement.execute("CREATE TABLE T(ID INT PRIMARY KEY); INSERT INTO T VALUES (1); SELECT * FROM T"));
            heard.add(statement.getUpdateCount());
            heard.add(statement.getMoreResults());
            statement.addBatch("INSERT INTO T VALUES (2)");
            statement.addBatch("INSERT INTO T VALUES (1)");
            statement.addBatch("INSERT INTO T VALUES (3)");
            try {
                statement.executeBatch();
            } catch (java.sql.BatchUpdateException e) {
                heard.add(Arrays.toString(e.getUpdateCounts()));
            }
            heard.add(statement.executeLargeUpdate("DELETE FROM T"));
            failing(
                    heard,
                    (c, h) -> c.prepareStatement("INSERT INTO T VALUES (?)").addBatch(),
                    connection);
        });
    }

    @Test
    void answersMetadata() throws SQLException {
        isSame((connection, heard) -> {
            Statement statement = connection.createStatement();
            statement.execute("CREATE TABLE P(ID INT PRIMARY KEY, NAME VARCHAR(20) UNIQUE)");
            statement.execute("CREATE TABLE C(ID INT PRIMARY KEY, P INT REFERENCES P(ID) ON DELETE CASCADE)");
            var metadata = connection.getMetaData();
            heard.add(metadata.getDatabaseProductName());
            heard.add(metadata.getDatabaseMajorVersion() + "." + metadata.getDatabaseMinorVersion());
            heard.add(metadata.getDriverName());
            heard.add(metadata.getNumericFunctions());
            heard.add(metadata.getTimeDateFunctions());
            heard.add(metadata.storesUpperCaseIdentifiers());
            heard.add(metadata.nullsAreSortedLow());
            heard.add(metadata.getSearchStringEscape());
            rows(metadata.getTables(null, "PUBLIC", null, new String[] {"BASE TABLE"}), 3, 5, heard);
            rows(metadata.getColumns(null, "PUBLIC", "%", "%"), 3, 18, heard);
            rows(metadata.getPrimaryKeys(null, null, "P"), 3, 5, heard);
            rows(metadata.getImportedKeys(null, null, "C"), 3, 11, heard);
            rows(metadata.getExportedKeys(null, null, "P"), 3, 11, heard);
            rows(metadata.getIndexInfo(null, null, "P", true, false), 3, 4, heard);
            rows(metadata.getTypeInfo(), 1, 18, heard);
            rows(metadata.getTableTypes(), 1, 1, heard);
            rows(metadata.getSchemas(), 1, 1, heard);
            rows(metadata.getBestRowIdentifier(null, "PUBLIC", "P", 0, true), 1, 8, heard);
            rows(metadata.getUDTs(null, null, null, new int[] {Types.STRUCT}), 1, 3, heard);
        });
    }

    private static void rows(ResultSet rows, int from, int to, List<Object> heard) throws SQLException {
        while (rows.next()) {
            StringBuilder row = new StringBuilder();
            for (int i = from; i <= to; i++) {
                // The catalog is the database's name, which differs.
                row.append(Objects.toString(rows.getObject(i)).replaceAll("SAME[0-9]+|LOCKSTEP", "DATABASE"))
                        .append('|');
            }
            heard.add(row.toString());
        }
    }
}
