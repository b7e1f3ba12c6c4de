package io.lockstep.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLIntegrityConstraintViolationException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** JDBC through the driver, over a real socket. */
@Timeout(60)
abstract class DriverTest {
    /** H2 itself behind the SQL messages. */
    static final class WithH2Test extends DriverTest {
        WithH2Test() {
            super(new PlainSessions(), true);
        }
    }

    /** The nodes' engine behind them. */
    static final class WithEngineTest extends DriverTest {
        WithEngineTest() {
            super(new EngineSessions(), false);
        }
    }

    private final SqlServer server;
    /** Whether the other side can end a statement that runs. */
    private final boolean isInterruptible;

    private Connection connection;

    DriverTest(SqlServer.Sessions sessions, boolean isInterruptible) {
        this.server = new SqlServer(sessions);
        this.isInterruptible = isInterruptible;
    }

    @BeforeEach
    void open() throws SQLException {
        connection = DriverManager.getConnection(server.url(), "app", "app");
    }

    @AfterEach
    void close() throws SQLException {
        connection.close();
        server.close();
    }

    private void execute(String... statements) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    private String one(String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            return rows.next() ? rows.getString(1) : "none";
        }
    }

    @Test
    void executesStatementsAndReadsTheirRows() throws SQLException {
        execute("CREATE TABLE T(ID INT PRIMARY KEY, NAME VARCHAR)", "INSERT INTO T VALUES (1, 'one'), (2, 'two')");
        try (Statement statement = connection.createStatement()) {
            assertThat(statement.executeUpdate("UPDATE T SET NAME = 'zwei' WHERE ID = 2"))
                    .isEqualTo(1);
            assertThat(statement.execute("SELECT * FROM T ORDER BY ID")).isTrue();
            ResultSet rows = statement.getResultSet();
            assertThat(rows.getMetaData().getColumnLabel(2)).isEqualTo("NAME");
            assertThat(rows.next()).isTrue();
            assertThat(rows.getInt("ID")).isEqualTo(1);
            assertThat(rows.next()).isTrue();
            assertThat(rows.getString(2)).isEqualTo("zwei");
            assertThat(rows.next()).isFalse();
        }
    }

    @Test
    void preparesOnceAndReadsWithoutAnOrderedMessage() throws SQLException {
        execute("CREATE TABLE T(ID INT PRIMARY KEY, NAME VARCHAR)", "INSERT INTO T VALUES (1, 'one')");
        for (int i = 0; i < 3; i++) {
            int ordered = server.ordered.get();
            try (PreparedStatement select = connection.prepareStatement("SELECT NAME FROM T WHERE ID = ?")) {
                assertThat(server.ordered.get() - ordered).isEqualTo(i == 0 ? 1 : 0);
                select.setInt(1, 1);
                try (ResultSet rows = select.executeQuery()) {
                    assertThat(rows.next()).isTrue();
                    assertThat(rows.getString(1)).isEqualTo("one");
                }
                assertThat(select.getParameterMetaData().getParameterType(1)).isEqualTo(java.sql.Types.INTEGER);
            }
            assertThat(server.ordered.get() - ordered).isEqualTo(i == 0 ? 1 : 0);
        }
    }

    /** With the engine the first read is refused, since it has to see an update that was deferred. */
    @Test
    void aReadThatWasRefusedIsTriedAgainAfterAWhile() throws SQLException {
        execute("CREATE TABLE T(ID INT PRIMARY KEY, V INT)", "INSERT INTO T VALUES (1, 0)");
        try (Connection deferring = DriverManager.getConnection(server.url() + "?deferUpdates=true", "app", "app");
                PreparedStatement update = deferring.prepareStatement("UPDATE T SET V = V + 1 WHERE ID = ?");
                PreparedStatement select = deferring.prepareStatement("SELECT V FROM T WHERE ID = ?")) {
            deferring.setAutoCommit(false);
            update.setInt(1, 1);
            select.setInt(1, 1);
            int before = server.reads.get();
            for (int i = 1; i <= 40; i++) {
                assertThat(update.executeUpdate()).isEqualTo(1);
                try (ResultSet rows = select.executeQuery()) {
                    assertThat(rows.next()).isTrue();
                    assertThat(rows.getInt(1)).isEqualTo(i);
                }
                deferring.commit();
            }
            assertThat(server.reads.get() - before).isGreaterThan(20);
        }
    }

    @Test
    void failsToPrepareWhatIsWrong() throws SQLException {
        execute("CREATE TABLE T(ID INT PRIMARY KEY)");
        assertThatThrownBy(() -> connection.prepareStatement("SELECT * FROM NOWHERE"))
                .isInstanceOfSatisfying(SQLException.class, e -> {
                    assertThat(e.getErrorCode()).isEqualTo(42102);
                    assertThat(e.getSQLState()).isEqualTo("42S02");
                    assertThat(e.getMessage())
                            .isEqualTo("Table \"NOWHERE\" not found; SQL statement:\n"
                                    + "SELECT * FROM NOWHERE [42102-252]");
                });
    }

    @Test
    void commitsAndRollsBackAndSaysNothingWhenThereIsNothingToEnd() throws SQLException {
        execute("CREATE TABLE T(ID INT PRIMARY KEY)");
        connection.setAutoCommit(false);
        execute("INSERT INTO T VALUES (1)");
        Savepoint savepoint = connection.setSavepoint("here");
        execute("INSERT INTO T VALUES (2)");
        connection.rollback(savepoint);
        connection.commit();
        execute("INSERT INTO T VALUES (3)");
        connection.rollback();
        assertThat(one("SELECT LISTAGG(ID) FROM T")).isEqualTo("1");
        connection.rollback();
        int ordered = server.ordered.get();
        connection.commit();
        connection.rollback();
        connection.setAutoCommit(true);
        connection.setAutoCommit(false);
        assertThat(server.ordered.get()).isEqualTo(ordered);
        connection.setAutoCommit(true);
        assertThat(connection.getAutoCommit()).isTrue();
    }

    @Test
    void givesGeneratedKeysByFlagIndexAndName() throws SQLException {
        execute("CREATE TABLE T(ID BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, V INT DEFAULT 7)");
        try (Statement statement = connection.createStatement()) {
            statement.executeUpdate("INSERT INTO T(V) VALUES (1)", Statement.RETURN_GENERATED_KEYS);
            assertThat(keys(statement)).isEqualTo("1,");
            statement.executeUpdate("INSERT INTO T(V) VALUES (2)", new int[] {2, 1});
            assertThat(keys(statement)).isEqualTo("2,2,");
            statement.executeUpdate("INSERT INTO T DEFAULT VALUES", new String[] {"V"});
            assertThat(keys(statement)).isEqualTo("7,");
        }
        try (PreparedStatement insert =
                connection.prepareStatement("INSERT INTO T(V) VALUES (?)", Statement.RETURN_GENERATED_KEYS)) {
            for (int i = 0; i < 2_500; i++) {
                insert.setInt(1, i);
                insert.addBatch();
            }
            assertThat(insert.executeBatch()).hasSize(2_500).containsOnly(1);
            ResultSet keys = insert.getGeneratedKeys();
            int count = 0;
            while (keys.next()) {
                assertThat(keys.getLong(1)).isEqualTo(4 + count++);
            }
            assertThat(count).isEqualTo(2_500);
        }
    }

    private static String keys(Statement statement) throws SQLException {
        StringBuilder text = new StringBuilder();
        try (ResultSet keys = statement.getGeneratedKeys()) {
            while (keys.next()) {
                for (int i = 1; i <= keys.getMetaData().getColumnCount(); i++) {
                    text.append(keys.getString(i)).append(',');
                }
            }
        }
        return text.toString();
    }

    @Test
    void streamsLargeResultsAndScrollsInThem() throws SQLException {
        try (Statement statement =
                connection.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_READ_ONLY)) {
            statement.setFetchSize(30);
            ResultSet rows = statement.executeQuery("SELECT X FROM SYSTEM_RANGE(1, 1000)");
            for (int i = 1; i <= 1_000; i++) {
                assertThat(rows.next()).isTrue();
                assertThat(rows.getInt(1)).isEqualTo(i);
            }
            assertThat(rows.next()).isFalse();
            assertThat(rows.absolute(500)).isTrue();
            assertThat(rows.getInt(1)).isEqualTo(500);
            assertThat(rows.relative(-499)).isTrue();
            assertThat(rows.getInt(1)).isEqualTo(1);
            assertThat(rows.last()).isTrue();
            assertThat(rows.getInt(1)).isEqualTo(1_000);
        }
        try (Statement statement = connection.createStatement()) {
            statement.setMaxRows(70);
            ResultSet rows = statement.executeQuery("SELECT X FROM SYSTEM_RANGE(1, 1000)");
            int count = 0;
            while (rows.next()) {
                count++;
            }
            assertThat(count).isEqualTo(70);
        }
    }

    @Test
    void updatesThroughAResult() throws SQLException {
        execute("CREATE TABLE T(ID INT PRIMARY KEY, NAME VARCHAR)", "INSERT INTO T VALUES (1, 'one'), (2, 'two')");
        try (Statement statement =
                        connection.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_UPDATABLE);
                ResultSet rows = statement.executeQuery("SELECT ID, NAME FROM T ORDER BY ID")) {
            rows.next();
            rows.updateString("NAME", "eins");
            rows.updateRow();
            rows.moveToInsertRow();
            rows.updateInt(1, 3);
            rows.updateString(2, "drei");
            rows.insertRow();
        }
        assertThat(one("SELECT LISTAGG(NAME) WITHIN GROUP (ORDER BY ID) FROM T"))
                .isEqualTo("eins,two,drei");
    }

    @Test
    void carriesShortAndLongObjects() throws Exception {
        execute("CREATE TABLE T(ID INT PRIMARY KEY, B BLOB, C CLOB)");
        for (int size : new int[] {0, 100, 20_000, 300_000, 2_000_000}) {
            byte[] bytes = new byte[size];
            Arrays.setAll(new int[size], i -> bytes[i] = (byte) (i * 31));
            String text = "äb€𝄞".repeat(size / 5);
            try (PreparedStatement insert = connection.prepareStatement("MERGE INTO T VALUES (1, ?, ?)")) {
                insert.setBinaryStream(1, new java.io.ByteArrayInputStream(bytes));
                insert.setCharacterStream(2, new java.io.StringReader(text));
                assertThat(insert.executeUpdate()).isEqualTo(1);
            }
            try (Statement statement = connection.createStatement();
                    ResultSet rows = statement.executeQuery("SELECT B, C FROM T")) {
                rows.next();
                assertThat(rows.getBlob(1).length()).isEqualTo(size);
                assertThat(Arrays.equals(rows.getBinaryStream(1).readAllBytes(), bytes))
                        .as("bytes of " + size)
                        .isTrue();
                assertThat(rows.getClob(2).length()).isEqualTo(text.length());
                java.io.StringWriter writer = new java.io.StringWriter();
                rows.getCharacterStream(2).transferTo(writer);
                assertThat(writer.toString().equals(text)).as("text of " + size).isTrue();
                if (size > 10) {
                    assertThat(rows.getBlob(1).getBytes(size - 4, 4))
                            .isEqualTo(Arrays.copyOfRange(bytes, size - 5, size - 1));
                }
            }
        }
    }

    @Test
    void mapsErrorsToTheirClasses() throws SQLException {
        execute("CREATE TABLE T(ID INT PRIMARY KEY)", "INSERT INTO T VALUES (1)");
        assertThatThrownBy(() -> execute("INSERT INTO T VALUES (1)"))
                .isInstanceOf(SQLIntegrityConstraintViolationException.class)
                .hasMessageStartingWith("Unique index or primary key violation");
        assertThatThrownBy(() -> connection.createStatement().executeQuery("UPDATE T SET ID = 2"))
                .isInstanceOfSatisfying(
                        SQLException.class, e -> assertThat(e.getErrorCode()).isEqualTo(90002));
        assertThatThrownBy(() -> connection.createStatement().executeUpdate("SELECT 1"))
                .isInstanceOfSatisfying(
                        SQLException.class, e -> assertThat(e.getErrorCode()).isEqualTo(90001));
        assertThat(one("SELECT ID FROM T")).isEqualTo("1");
    }

    @Test
    void showsNoExceptionWhenTheActiveChanges() throws SQLException {
        execute("CREATE TABLE T(ID INT PRIMARY KEY)");
        connection.setAutoCommit(false);
        execute("INSERT INTO T VALUES (1)");
        server.takeOver();
        execute("INSERT INTO T VALUES (2)");
        server.takeOver();
        connection.commit();
        server.cut();
        assertThat(one("SELECT COUNT(*) FROM T")).isEqualTo("2");
        LockstepConnection lockstep = connection.unwrap(LockstepConnection.class);
        assertThat(lockstep.takeoversSurvived()).isEqualTo(2);
        assertThat(lockstep.term()).isEqualTo(3);
        assertThat(lockstep.active()).isEqualTo("node-1");
        assertThat(connection.isValid(1)).isTrue();
    }

    @Test
    void cancelsAStatementThatRunsOrWaits() throws Exception {
        execute("CREATE TABLE T(ID INT PRIMARY KEY)", "INSERT INTO T VALUES (1)");
        Statement statement = connection.createStatement();
        try (Connection other = DriverManager.getConnection(server.url(), "app", "app")) {
            other.setAutoCommit(false);
            other.createStatement().execute("UPDATE T SET ID = 2");
            execute("SET LOCK_TIMEOUT 20000");
            int before = server.reads.get() + server.ordered.get();
            CompletableFuture<Integer> code = CompletableFuture.supplyAsync(() -> {
                try {
                    statement.execute(
                            isInterruptible
                                    ? "SELECT COUNT(*) FROM SYSTEM_RANGE(1, 1000000) A, SYSTEM_RANGE(1, 1000000) B"
                                    : "UPDATE T SET ID = 3");
                    return 0;
                } catch (SQLException e) {
                    return e.getErrorCode();
                }
            });
            while (server.reads.get() + server.ordered.get() == before) {
                Thread.onSpinWait(); // H2's JDBC class forgets a statement whose cancellation came just before it began
            }
            statement.cancel();
            assertThat(code.get()).isEqualTo(57014);
        }
    }

    @Test
    void saysUnknownWhenNobodyAnswersByTheDeadline() throws SQLException {
        execute("CREATE TABLE T(ID INT PRIMARY KEY)");
        connection.setNetworkTimeout(null, 300);
        server.losesAnswers = true;
        assertThatThrownBy(() -> execute("INSERT INTO T VALUES (1)"))
                .isInstanceOfSatisfying(
                        SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("08007"));
        assertThat(connection.isClosed()).isTrue();
        assertThatThrownBy(() -> one("SELECT 1"))
                .isInstanceOfSatisfying(
                        SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("08003"));
        server.losesAnswers = false;
    }

    @Test
    void closesEverythingWithTheConnection() throws SQLException {
        assertThat(server.openSessions()).isEqualTo(1);
        Statement statement = connection.createStatement();
        connection.close();
        assertThat(server.openSessions()).isZero();
        assertThat(connection.isClosed()).isTrue();
        assertThat(connection.isValid(1)).isFalse();
        assertThatThrownBy(() -> statement.executeQuery("SELECT 1"))
                .isInstanceOfSatisfying(
                        SQLException.class, e -> assertThat(e.getErrorCode()).isEqualTo(90007));
        assertThatThrownBy(() -> connection.createStatement())
                .isInstanceOfSatisfying(
                        SQLException.class, e -> assertThat(e.getErrorCode()).isEqualTo(90007));
        connection.close();
    }

    @Test
    void endsTheSessionOfAConnectionThatWasLost() throws SQLException {
        Connection lost = DriverManager.getConnection(server.url(), "app", "app");
        assertThat(lost.isValid(1)).isTrue();
        assertThat(server.openSessions()).isEqualTo(2);
        lost = null;
        while (server.openSessions() > 1) {
            System.gc();
            Thread.onSpinWait();
        }
        assertThat(connection.isValid(1)).isTrue();
    }

    @Test
    void describesTheDatabaseAsH2() throws SQLException {
        execute("CREATE TABLE T(ID INT PRIMARY KEY, NAME VARCHAR(30))");
        DatabaseMetaData metadata = connection.getMetaData();
        assertThat(metadata.getDatabaseProductName()).isEqualTo("H2");
        assertThat(metadata.getDatabaseProductVersion()).startsWith("2.5.252");
        assertThat(metadata.getURL()).isEqualTo(server.url().replace("jdbc:lockstep:", "jdbc:lockstep:h2:"));
        try (ResultSet columns = metadata.getColumns(null, "PUBLIC", "T", "%")) {
            assertThat(columns.next()).isTrue();
            assertThat(columns.getString("COLUMN_NAME")).isEqualTo("ID");
            assertThat(columns.next()).isTrue();
            assertThat(columns.getInt("COLUMN_SIZE")).isEqualTo(30);
        }
        try (ResultSet keys = metadata.getPrimaryKeys(null, null, "T")) {
            assertThat(keys.next()).isTrue();
            assertThat(keys.getString("COLUMN_NAME")).isEqualTo("ID");
        }
    }

    @Test
    void refusesAWrongPassword() {
        assertThatThrownBy(() -> DriverManager.getConnection(server.url(), "app", "wrong"))
                .isInstanceOfSatisfying(
                        SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("28000"));
    }

    @Test
    void servesAPool() throws SQLException {
        LockstepDataSource source = new LockstepDataSource();
        source.setUrl(server.url());
        source.setUser("app");
        source.setPassword("app");
        javax.sql.PooledConnection pooled = source.getPooledConnection();
        int[] closed = {0};
        pooled.addConnectionEventListener(new javax.sql.ConnectionEventListener() {
            @Override
            public void connectionClosed(javax.sql.ConnectionEvent event) {
                closed[0]++;
            }

            @Override
            public void connectionErrorOccurred(javax.sql.ConnectionEvent event) {}
        });
        Connection first = pooled.getConnection();
        first.setAutoCommit(false);
        first.createStatement().execute("CREATE TABLE P(ID INT)");
        first.createStatement().execute("INSERT INTO P VALUES (1)");
        first.close();
        assertThat(closed[0]).isEqualTo(1);
        assertThatThrownBy(first::createStatement).isInstanceOf(SQLException.class);
        try (Connection second = pooled.getConnection();
                ResultSet rows = second.createStatement().executeQuery("SELECT COUNT(*) FROM P")) {
            assertThat(second.getAutoCommit()).isTrue();
            rows.next();
            assertThat(rows.getInt(1)).isZero();
            assertThat(second.unwrap(LockstepConnection.class).term()).isEqualTo(1);
        }
        pooled.close();
        assertThatThrownBy(source::getXAConnection).hasMessageContaining("XA");
    }
}
