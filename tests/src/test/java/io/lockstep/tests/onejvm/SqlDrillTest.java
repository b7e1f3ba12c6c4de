package io.lockstep.tests.onejvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.lockstep.jdbc.LockstepConnection;
import io.lockstep.wire.Frame;
import io.lockstep.wire.RequestKind;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** SQL sessions over JDBC, whose active dies at each moment (rows 13, 14, 83, 87, 88). */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
@ExtendWith(Timeline.class)
class SqlDrillTest {
    @TempDir
    private Path folder;

    @Test
    void anOpenTransactionGoesOnWithAllThatItHas() throws SQLException {
        try (Drill drill = Drill.start(folder, Drill.Plan.ordinary())) {
            SqlActor app = drill.application("app");
            app.execute(
                    "CREATE SCHEMA SHOP",
                    "SET SCHEMA SHOP",
                    "CREATE TABLE STOCK(ID INT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, NAME VARCHAR, PIECES INT)",
                    "INSERT INTO STOCK(NAME, PIECES) SELECT 'thing ' || X, X FROM SYSTEM_RANGE(1, 2500)",
                    "SET TIME ZONE 'Asia/Tokyo'",
                    "SET @V = 42",
                    "CREATE LOCAL TEMPORARY TABLE BASKET(ID INT PRIMARY KEY)");
            app.begin();
            Connection connection = app.connection();
            PreparedStatement take = connection.prepareStatement("UPDATE STOCK SET PIECES = PIECES - ? WHERE ID = ?");
            take.setInt(1, 1);
            take.setInt(2, 100);
            assertThat(take.executeUpdate()).isOne();
            app.execute("INSERT INTO BASKET VALUES (1)");
            Savepoint before = connection.setSavepoint("before");
            app.execute("DELETE FROM STOCK WHERE ID > 2250", "INSERT INTO BASKET VALUES (2)");
            Statement reading = connection.createStatement();
            reading.setFetchSize(10);
            ResultSet cursor = reading.executeQuery("SELECT ID, PIECES FROM STOCK ORDER BY ID");
            for (int id = 1; id <= 15; id++) {
                assertThat(cursor.next()).isTrue();
                assertThat(cursor.getInt(1)).isEqualTo(id);
            }

            drill.active().kill();

            for (int id = 16; id <= 2250; id++) {
                assertThat(cursor.next()).isTrue();
                assertThat(cursor.getInt(1)).isEqualTo(id);
                assertThat(cursor.getInt(2)).isEqualTo(id == 100 ? 99 : id);
            }
            assertThat(cursor.next()).isFalse();
            take.setInt(2, 101);
            assertThat(take.executeUpdate()).isOne();
            connection.rollback(before);
            assertThat(app.one("SELECT COUNT(*), SUM(PIECES) FROM STOCK")).isEqualTo("2500,3126249");
            assertThat(app.rows("SELECT ID FROM BASKET")).containsExactly("1");
            assertThat(app.one("SELECT @V, CURRENT_SCHEMA, SESSION_USER")).isEqualTo("42,SHOP,APP");
            assertThat(app.one("SELECT EXTRACT(TIMEZONE_HOUR FROM CURRENT_TIMESTAMP)"))
                    .isEqualTo("9");
            try (Statement insert = connection.createStatement()) {
                insert.executeUpdate("INSERT INTO STOCK(NAME, PIECES) VALUES ('new', 0)", new String[] {"ID"});
                ResultSet keys = insert.getGeneratedKeys();
                assertThat(keys.next()).isTrue();
                assertThat(keys.getInt(1)).isEqualTo(2501);
            }
            connection.commit();

            assertThat(app.one("SELECT COUNT(*), SUM(PIECES) FROM STOCK")).isEqualTo("2501,3126249");
            LockstepConnection lockstep = connection.unwrap(LockstepConnection.class);
            assertThat(lockstep.takeoversSurvived()).isOne();
            drill.check();
        }
    }

    /** What is under way when the node dies. Each begins with rows 1 to 3 in T, 2 of them uncommitted, behind "sp". */
    enum Word {
        UPDATE("1,10 2,21 3,31 4,40") {
            @Override
            void say(Connection connection) throws SQLException {
                count(connection, "UPDATE T SET V = V + 1 WHERE ID IN (2, 3)", 2);
                count(connection, "INSERT INTO T VALUES (4, 40)", 1);
                connection.commit();
            }
        },
        COMMIT("1,10 2,20 3,30") {
            @Override
            void say(Connection connection) throws SQLException {
                connection.commit();
            }
        },
        ROLLBACK("1,10") {
            @Override
            void say(Connection connection) throws SQLException {
                connection.rollback();
            }
        },
        ROLLBACK_TO_SAVEPOINT("1,10 2,20") {
            @Override
            void say(Connection connection) throws SQLException {
                count(connection, "ROLLBACK TO SAVEPOINT SP", 0);
                connection.commit();
            }
        },
        BATCH("1,10 2,20 3,30 5,50 6,60 7,70") {
            @Override
            void say(Connection connection) throws SQLException {
                try (PreparedStatement insert = connection.prepareStatement("INSERT INTO T VALUES (?, ?)")) {
                    for (int id = 5; id <= 7; id++) {
                        insert.setInt(1, id);
                        insert.setInt(2, 10 * id);
                        insert.addBatch();
                    }
                    assertThat(insert.executeBatch()).containsExactly(1, 1, 1);
                }
                connection.commit();
            }
        },
        /** Row 87: what stands before it is committed once, and it is done once. */
        DEFINITION("1,10 2,20 3,30") {
            @Override
            void say(Connection connection) throws SQLException {
                count(connection, "CREATE TABLE U(ID INT PRIMARY KEY)", 0);
                connection.rollback();
                count(connection, "INSERT INTO U VALUES (1)", 1);
                connection.commit();
            }
        },
        ERROR("1,10 2,20 3,30") {
            @Override
            void say(Connection connection) throws SQLException {
                assertThatThrownBy(() -> count(connection, "INSERT INTO T VALUES (1, 1)", 1))
                        .isInstanceOfSatisfying(SQLException.class, e -> assertThat(e.getErrorCode())
                                .isEqualTo(23505));
                connection.commit();
            }
        },
        /** Row 88. */
        FETCH("1,10 2,20 3,30") {
            @Override
            void say(Connection connection) throws SQLException {
                try (Statement statement = connection.createStatement()) {
                    statement.setFetchSize(7);
                    ResultSet rows =
                            statement.executeQuery("SELECT X FROM SYSTEM_RANGE(1, 40), T WHERE ID = 1 FOR UPDATE");
                    for (int i = 1; i <= 40; i++) {
                        assertThat(rows.next()).isTrue();
                        assertThat(rows.getInt(1)).isEqualTo(i);
                    }
                    assertThat(rows.next()).isFalse();
                }
                connection.commit();
            }
        };

        private final String rows;

        Word(String rows) {
            this.rows = rows;
        }

        /** Says it, and checks what is answered. */
        abstract void say(Connection connection) throws SQLException;

        static void count(Connection connection, String sql, int expected) throws SQLException {
            try (Statement statement = connection.createStatement()) {
                assertThat(statement.executeUpdate(sql)).as(sql).isEqualTo(expected);
            }
        }
    }

    static Stream<Arguments> wordsAndMoments() {
        return Arrays.stream(Word.values()).flatMap(word -> Arrays.stream(Moment.values())
                .filter(moment -> moment != Moment.IN_EXECUTION)
                .map(moment -> Arguments.of(word, moment)));
    }

    @ParameterizedTest(name = "rows 13, 14, 87, 88: {0}, {1}")
    @MethodSource("wordsAndMoments")
    void rows13And14And87And88AMessageCountsOnceWhereverItIsWhenTheActiveDies(Word word, Moment moment)
            throws SQLException {
        try (Drill drill = Drill.start(folder, Drill.Plan.ordinary())) {
            SqlActor app = drill.application("app");
            app.execute("CREATE TABLE T(ID INT PRIMARY KEY, V INT)", "INSERT INTO T VALUES (1, 10)");
            app.begin();
            app.execute("INSERT INTO T VALUES (2, 20)", "SAVEPOINT SP", "INSERT INTO T VALUES (3, 30)");
            NodeActor active = drill.active();

            Runnable reached = moment.arrange(drill, active);
            SqlActor.Pending<Boolean> said = app.inBackground(connection -> {
                word.say(connection);
                return true;
            });
            reached.run();
            assertThat(said.isAnswered()).as("answered before it has got there").isFalse();
            active.kill();

            said.await();
            assertThat(app.rows("SELECT ID, V FROM T ORDER BY ID")).containsExactly(word.rows.split(" "));
            if (word == Word.DEFINITION) {
                assertThat(app.rows("SELECT * FROM U")).containsExactly("1");
            }
            assertThat(drill.term()).isEqualTo(2);
            drill.check();
        }
    }

    /** Answered by one node, done by another that has only joined since, once. */
    @ParameterizedTest
    @EnumSource(value = Moment.class, names = "IN_EXECUTION", mode = EnumSource.Mode.EXCLUDE)
    void updatesThatWereAnsweredAndNotDoneAreDoneOnceWhereverTheActiveDies(Moment moment) throws SQLException {
        try (Drill drill = Drill.start(folder, Drill.Plan.ordinary())) {
            SqlActor app = drill.application("app", "deferUpdates=true");
            SqlActor other = drill.application("other");
            app.execute("CREATE TABLE T(ID INT PRIMARY KEY, V INT)", "INSERT INTO T VALUES (1, 10), (2, 20)");
            app.begin();
            try (PreparedStatement add = app.connection().prepareStatement("UPDATE T SET V = V * ? WHERE ID = ?")) {
                add(add, 3, 1);
                assertThat(other.one("SELECT V FROM T WHERE ID = 1 FOR UPDATE"))
                        .as("nobody waits for it")
                        .isEqualTo("10");
                drill.active().kill();
                add(add, 5, 2);
                fillLog(other);
                drill.comeBack();
                add(add, 2, 1);
                Runnable reached = moment.arrange(drill, drill.active());
                SqlActor.Pending<Boolean> said = app.inBackground(connection -> {
                    connection.commit();
                    return true;
                });
                reached.run();
                drill.active().kill();
                said.await();
            }
            assertThat(other.rows("SELECT V FROM T ORDER BY ID")).containsExactly("60", "100");
            assertThat(drill.term()).isEqualTo(3);
            drill.check();
        }
    }

    /** Others see it, and may change it, without another message of the session. */
    @Test
    void toSwitchAutocommitOnCommitsAtOnce() throws SQLException {
        try (Drill drill = Drill.start(folder, Drill.Plan.ordinary())) {
            SqlActor app = drill.application("app", "deferUpdates=true");
            SqlActor other = drill.application("other");
            app.execute("CREATE TABLE T(ID INT PRIMARY KEY, V INT)", "INSERT INTO T VALUES (1, 10)");
            app.begin().execute("UPDATE T SET V = V + 1 WHERE ID = 1");
            app.connection().setAutoCommit(true);
            assertThat(other.one("SELECT V FROM T WHERE ID = 1 FOR UPDATE")).isEqualTo("11");
            app.begin();
            try (PreparedStatement add = app.connection().prepareStatement("UPDATE T SET V = V + ? WHERE ID = ?")) {
                add(add, 5, 1);
            }
            app.connection().setAutoCommit(true);
            assertThat(other.one("SELECT V FROM T WHERE ID = 1 FOR UPDATE")).isEqualTo("16");
            drill.check();
        }
    }

    @Test
    void aRowThatEverybodyWantsHasWhatWasCommittedThoughOneActiveDiesAfterTheOther() throws SQLException {
        try (Drill drill = Drill.start(folder, Drill.Plan.ordinary())) {
            SqlActor owner = drill.application("owner");
            owner.execute(
                    "CREATE TABLE T(ID INT PRIMARY KEY, V INT)",
                    "INSERT INTO T VALUES (1, 0), (2, 0)",
                    "CREATE TABLE H(ID BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, V INT)");
            AtomicBoolean isOver = new AtomicBoolean();
            List<SqlActor.Pending<Integer>> sums = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                String property = "deferUpdates=" + (i < 4);
                sums.add(drill.application("app-" + i, property).begin().inBackground(connection -> {
                    return transferUntil(isOver, connection);
                }));
            }
            for (int kill = 0; kill < 2; kill++) {
                long from = drill.witness().lastPosition();
                await().atMost(Drill.LIMIT)
                        .pollInterval(Drill.LOOK)
                        .until(() -> drill.witness().lastPosition() > from + 500);
                drill.active().kill();
                fillLog(owner);
                drill.comeBack();
            }
            isOver.set(true);
            int sum = 0;
            for (SqlActor.Pending<Integer> each : sums) {
                sum += each.await();
            }
            assertThat(sum).isGreaterThan(100);
            assertThat(owner.one("SELECT SUM(V) FROM H")).isEqualTo("" + sum);
            assertThat(owner.rows("SELECT V FROM T ORDER BY ID")).containsExactly("" + sum, "" + sum);
            assertThat(drill.term()).isEqualTo(3);
            drill.check();
        }
    }

    /** @return how many transactions were committed */
    private static int transferUntil(AtomicBoolean isOver, Connection connection) throws SQLException {
        int committed = 0;
        try (PreparedStatement add = connection.prepareStatement("UPDATE T SET V = V + ? WHERE ID = ?");
                PreparedStatement insert = connection.prepareStatement("INSERT INTO H(V) VALUES (?)")) {
            while (!isOver.get()) {
                boolean isKept = committed % 4 != 3;
                add(add, 1, 1);
                add(add, 1, 2);
                insert.setInt(1, 1);
                assertThat(insert.executeUpdate()).isOne();
                if (!isKept) {
                    connection.rollback();
                    add(add, 1, 1);
                    add(add, 1, 2);
                    assertThat(insert.executeUpdate()).isOne();
                }
                connection.commit();
                committed++;
            }
        }
        return committed;
    }

    /** Until it no more goes back to its beginning, so that whoever joins takes a copy. */
    private static void fillLog(SqlActor app) throws SQLException {
        app.execute("CREATE TABLE IF NOT EXISTS LARGE(C CLOB)");
        try (PreparedStatement insert = app.connection().prepareStatement("INSERT INTO LARGE VALUES (?)")) {
            for (int i = 0; i < 5; i++) {
                insert.setString(1, "c".repeat(300_000));
                assertThat(insert.executeUpdate()).isOne();
            }
        }
    }

    private static void add(PreparedStatement update, int first, int second) throws SQLException {
        update.setInt(1, first);
        update.setInt(2, second);
        assertThat(update.executeUpdate()).isOne();
    }

    /** Row 88: up while the active dies, and down while the next one does. */
    @Test
    void aLargeObjectGoesOnWhereItWas() throws Exception {
        try (Drill drill = Drill.start(folder, Drill.Plan.ordinary())) {
            SqlActor app = drill.application("app");
            app.execute("CREATE TABLE T(ID INT PRIMARY KEY, B BLOB)");
            app.begin();
            byte[] bytes = new byte[1_500_000];
            new Random(1).nextBytes(bytes);
            InputStream dying = new ByteArrayInputStream(bytes) {
                private boolean isKilled;

                @Override
                public synchronized int read(byte[] into, int from, int length) {
                    if (!isKilled && pos > bytes.length / 2) {
                        isKilled = true;
                        drill.active().kill();
                    }
                    return super.read(into, from, length);
                }
            };
            try (PreparedStatement insert = app.connection().prepareStatement("INSERT INTO T VALUES (1, ?)")) {
                insert.setBinaryStream(1, dying);
                assertThat(insert.executeUpdate()).isOne();
            }
            assertThat(drill.term()).isEqualTo(2);
            drill.comeBack();
            try (Statement statement = app.connection().createStatement();
                    ResultSet rows = statement.executeQuery("SELECT B FROM T")) {
                rows.next();
                InputStream read = rows.getBinaryStream(1);
                byte[] first = read.readNBytes(700_000);
                drill.active().kill();
                byte[] rest = read.readAllBytes();
                assertThat(Arrays.equals(first, Arrays.copyOf(bytes, 700_000))).isTrue();
                assertThat(Arrays.equals(rest, Arrays.copyOfRange(bytes, 700_000, bytes.length)))
                        .isTrue();
            }
            app.connection().commit();
            assertThat(app.one("SELECT OCTET_LENGTH(B) FROM T")).isEqualTo("" + bytes.length);
            drill.check();
        }
    }

    @Test
    void whoWaitsForALockGoesOnWhenItsHolderEndsAtTheNextActive() throws SQLException {
        try (Drill drill = Drill.start(folder, Drill.Plan.ordinary())) {
            SqlActor holder = drill.application("holder");
            holder.execute("CREATE TABLE T(ID INT PRIMARY KEY, V INT)", "INSERT INTO T VALUES (1, 10), (2, 20)");
            holder.begin().execute("UPDATE T SET V = V + 1 WHERE ID = 1");
            SqlActor first = drill.application("first").begin();
            SqlActor second = drill.application("second").begin();
            for (SqlActor waiter : List.of(first, second)) {
                waiter.execute("SET LOCK_TIMEOUT 20000");
            }
            SqlActor.Pending<Integer> ofFirst = waits(drill, first, "UPDATE T SET V = V * 2 WHERE ID = 1");
            SqlActor.Pending<Integer> ofSecond = waits(drill, second, "UPDATE T SET V = V + 5 WHERE ID = 1");

            drill.active().kill();

            assertThat(holder.one("SELECT V FROM T WHERE ID = 1")).isEqualTo("11");
            assertThat(ofFirst.isAnswered() || ofSecond.isAnswered()).isFalse();
            holder.connection().commit();
            assertThat(ofFirst.await()).isOne();
            assertThat(ofSecond.isAnswered()).isFalse();
            first.connection().commit();
            assertThat(ofSecond.await()).isOne();
            second.connection().commit();
            assertThat(holder.one("SELECT V FROM T WHERE ID = 1")).isEqualTo("27");
            drill.check();
        }
    }

    /** Asks for it, and returns when both nodes know that it waits. */
    private static SqlActor.Pending<Integer> waits(Drill drill, SqlActor actor, String update) {
        long before = drill.witness().lastPosition();
        SqlActor.Pending<Integer> pending = actor.inBackground(connection -> {
            try (Statement statement = connection.createStatement()) {
                return statement.executeUpdate(update);
            }
        });
        await().atMost(Drill.LIMIT)
                .pollInterval(Drill.LOOK)
                .until(() -> drill.witness().lastPosition() > before
                        && drill.nodes().stream()
                                .allMatch(each -> each.status().executedPosition()
                                        >= drill.witness().lastPosition()));
        assertThat(pending.isAnswered()).isFalse();
        return pending;
    }

    private static final String ENDLESS = "SYSTEM_RANGE(1, 1000000) A, SYSTEM_RANGE(1, 1000000) B";

    /** Waits until the active tells that it executes something of this text. */
    private static void awaitRunning(Drill drill, String text) {
        await().atMost(Drill.LIMIT)
                .pollInterval(Drill.LOOK)
                .until(() -> String.valueOf(drill.active().status().reason()).contains(text));
    }

    /** Row 62: the backup does not execute it, and ends it alike, with what stands before it and behind it. */
    @Test
    void row62AStatementThatNeverEndsIsCancelledWithoutHarmToItsTransaction() throws SQLException {
        try (Drill drill = Drill.start(folder, Drill.Plan.ordinary())) {
            SqlActor app = drill.application("app");
            app.execute(
                    "CREATE TABLE T(ID BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, V BIGINT)",
                    "CREATE SEQUENCE S",
                    "INSERT INTO T(V) VALUES (1)");
            app.begin().execute("UPDATE T SET V = 2");
            try (Statement endless = app.connection().createStatement()) {
                SqlActor.Pending<Integer> pending = app.inBackground(connection ->
                        endless.executeUpdate("INSERT INTO T(V) SELECT NEXT VALUE FOR S FROM " + ENDLESS));
                awaitRunning(drill, "INSERT INTO T(V) SELECT");
                endless.cancel();
                assertThatThrownBy(pending::await)
                        .isInstanceOfSatisfying(SQLException.class, e -> assertThat(e.getErrorCode())
                                .isEqualTo(57014));
            }
            app.execute("INSERT INTO T(V) VALUES (3)");
            app.connection().commit();
            String key = app.one("SELECT MAX(ID) FROM T");

            drill.check();
            drill.active().kill();

            assertThat(app.rows("SELECT V FROM T ORDER BY ID")).containsExactly("2", "3");
            app.execute("INSERT INTO T(V) VALUES (NEXT VALUE FOR S)");
            assertThat(app.one("SELECT MAX(ID) FROM T")).isEqualTo(String.valueOf(Long.parseLong(key) + 1));
            assertThat(Long.parseLong(app.one("SELECT MAX(V) FROM T")))
                    .as("what it drew stays drawn")
                    .isGreaterThan(10);
            app.connection().commit();
            assertThat(drill.term()).isEqualTo(2);
        }
    }

    /** By key and not, with and without a transaction; but not of what it has changed and what it holds. */
    @Test
    void readsGoOnBesideAStatementThatRunsForLong() throws SQLException {
        try (Drill drill = Drill.start(folder, Drill.Plan.ordinary())) {
            SqlActor app = drill.application("app");
            app.execute(
                    "CREATE TABLE T(ID INT PRIMARY KEY, V BIGINT)",
                    "INSERT INTO T VALUES (1, 10), (2, 20)",
                    "CREATE TABLE U(ID BIGINT)");
            SqlActor other = drill.application("other");
            SqlActor reader = drill.application("reader").begin();
            reader.execute("UPDATE T SET V = 21 WHERE ID = 2");
            try (PreparedStatement byKey = reader.connection().prepareStatement("SELECT V FROM T WHERE ID = ?");
                    Statement endless = app.connection().createStatement()) {
                for (SqlActor each : List.of(reader, other)) {
                    each.one("SELECT SUM(V) FROM T"); // has prepared from then on what a result's metadata wants
                }
                assertThat(value(byKey, 1)).isEqualTo(10);
                SqlActor.Pending<Integer> pending = app.inBackground(connection ->
                        endless.executeUpdate("INSERT INTO U SELECT A.X FROM " + ENDLESS + " WHERE A.X + B.X < 0"));
                awaitRunning(drill, "INSERT INTO U SELECT");
                for (int i = 0; i < 3; i++) {
                    assertThat(value(byKey, 1)).isEqualTo(10);
                    assertThat(value(byKey, 2)).isEqualTo(21);
                    assertThat(reader.one("SELECT SUM(V) FROM T")).isEqualTo("31");
                    assertThat(reader.one("SELECT COUNT(*) FROM U")).isEqualTo("0");
                }
                assertThat(other.one("SELECT SUM(V) FROM T")).isEqualTo("30");
                assertThat(pending.isAnswered()).isFalse();
                endless.cancel();
                assertThatThrownBy(pending::await).isInstanceOf(SQLException.class);
                assertThat(value(byKey, 1)).isEqualTo(10);
            }
            reader.connection().commit();
            drill.check();
        }
    }

    private static long value(PreparedStatement byKey, int id) throws SQLException {
        byKey.setInt(1, id);
        try (ResultSet rows = byKey.executeQuery()) {
            assertThat(rows.next()).isTrue();
            return rows.getLong(1);
        }
    }

    /** Row 62: whatever asks for it, the lane or a reader, with the transaction or without. */
    @Test
    void row62AQueryTimeoutEndsWhatRuns() throws SQLException {
        try (Drill drill = Drill.start(folder, Drill.Plan.ordinary())) {
            SqlActor app = drill.application("app");
            app.execute("CREATE TABLE T(ID INT PRIMARY KEY)", "INSERT INTO T VALUES (1)");
            app.begin().execute("INSERT INTO T VALUES (2)");
            for (String sql : List.of(
                    "SELECT COUNT(*) FROM T, " + ENDLESS,
                    "SELECT A.X FROM T, " + ENDLESS + " WHERE A.X + B.X < 0 FOR UPDATE",
                    "CREATE TABLE U AS SELECT A.X FROM " + ENDLESS + " WHERE A.X + B.X < 0")) {
                try (Statement statement = app.connection().createStatement()) {
                    statement.setQueryTimeout(1);
                    assertThatThrownBy(() -> statement.execute(sql))
                            .isInstanceOfSatisfying(SQLException.class, e -> assertThat(e.getErrorCode())
                                    .isEqualTo(57014));
                    statement.setQueryTimeout(0);
                }
                assertThat(app.one("SELECT COUNT(*) FROM T")).isEqualTo("2");
            }
            drill.check();
            drill.active().kill();
            assertThat(app.one("SELECT COUNT(*) FROM T")).isEqualTo("2");
        }
    }

    /** Row 62: the next active executes it again, and whoever asked for it can still cancel it. */
    @Test
    void row62AStatementThatRunsWhenTheActiveDiesRunsAtTheNext() throws SQLException {
        try (Drill drill = Drill.start(folder, Drill.Plan.ordinary())) {
            SqlActor app = drill.application("app");
            app.execute("CREATE TABLE T(ID INT PRIMARY KEY)");
            app.begin().execute("INSERT INTO T VALUES (1)");
            try (Statement endless = app.connection().createStatement()) {
                SqlActor.Pending<Integer> pending = app.inBackground(connection ->
                        endless.executeUpdate("INSERT INTO T SELECT A.X + 1 FROM " + ENDLESS + " WHERE A.X + B.X < 0"));
                awaitRunning(drill, "INSERT INTO T SELECT");
                drill.active().kill();
                awaitRunning(drill, "INSERT INTO T SELECT");
                assertThat(drill.term()).isEqualTo(2);
                endless.cancel();
                assertThatThrownBy(pending::await)
                        .isInstanceOfSatisfying(SQLException.class, e -> assertThat(e.getErrorCode())
                                .isEqualTo(57014));
            }
            drill.comeBack();
            app.connection().commit();
            assertThat(app.rows("SELECT ID FROM T")).containsExactly("1");
            drill.check();
        }
    }

    /** Rule R17: the former active may have died of the attempt. */
    @Test
    void whatWaitedIsTriedBehindAMarkByTheNextActive() throws SQLException {
        try (Drill drill = Drill.start(folder, Drill.Plan.ordinary().withNodes(3))) {
            SqlActor holder = drill.application("holder");
            holder.execute("CREATE TABLE T(ID INT PRIMARY KEY, V INT)", "INSERT INTO T VALUES (1, 10)");
            holder.begin().execute("UPDATE T SET V = V + 1");
            SqlActor waiter = drill.application("waiter").begin();
            waiter.execute("SET LOCK_TIMEOUT 20000");
            SqlActor.Pending<Integer> waiting = waits(drill, waiter, "UPDATE T SET V = V * 2");
            drill.active().kill();
            assertThat(holder.one("SELECT V FROM T")).isEqualTo("11");
            Map<Long, RequestKind> entries = new ConcurrentSkipListMap<>();
            drill.toNodes(drill.active())
                    .forEach(way -> way.observe(frame -> {
                        if (frame instanceof Frame.Forward forward) {
                            forward.entries()
                                    .forEach(each -> entries.put(
                                            each.position(), each.header().kind()));
                        }
                    }));
            holder.connection().commit();
            assertThat(waiting.await()).isOne();
            waiter.connection().commit();
            List<RequestKind> kinds = List.copyOf(entries.values());
            assertThat(kinds).contains(RequestKind.RETRY);
            assertThat(kinds.get(kinds.indexOf(RequestKind.RETRY) - 1)).isEqualTo(RequestKind.MARK);
            assertThat(holder.one("SELECT V FROM T")).isEqualTo("22");
            drill.comeBack();
            drill.check();
        }
    }

    /** Row 67: one of two is told at once, whoever is active, and the other goes on. */
    @Test
    void row67ADeadlockIsFoundAtTheNextActive() throws SQLException {
        try (Drill drill = Drill.start(folder, Drill.Plan.ordinary())) {
            SqlActor one = drill.application("one");
            one.execute("CREATE TABLE T(ID INT PRIMARY KEY, V INT)", "INSERT INTO T VALUES (1, 10), (2, 20)");
            SqlActor other = drill.application("other").begin();
            one.begin().execute("SET LOCK_TIMEOUT 20000", "UPDATE T SET V = 11 WHERE ID = 1");
            other.execute("SET LOCK_TIMEOUT 20000", "UPDATE T SET V = 22 WHERE ID = 2");
            SqlActor.Pending<Integer> waiting = waits(drill, one, "UPDATE T SET V = 12 WHERE ID = 2");

            drill.active().kill();

            assertThatThrownBy(() -> other.execute("UPDATE T SET V = 21 WHERE ID = 1"))
                    .isInstanceOfSatisfying(SQLException.class, e -> assertThat(e.getErrorCode())
                            .isEqualTo(40001));
            assertThat(waiting.await()).isOne();
            one.connection().commit();
            assertThat(other.rows("SELECT V FROM T ORDER BY ID")).containsExactly("11", "12");
            drill.check();
        }
    }

    @Test
    void row83TheTransactionOfAnApplicationThatDiedIsRolledBack() throws SQLException {
        Drill.Plan plan = Drill.Plan.ordinary().withSessionGrace(Duration.ofMillis(200));
        try (Drill drill = Drill.start(folder, plan)) {
            SqlActor heir = drill.application("heir");
            heir.execute("CREATE TABLE T(ID INT PRIMARY KEY, V INT)", "INSERT INTO T VALUES (1, 10)");
            SqlActor dying = drill.application("dying").begin();
            dying.execute("UPDATE T SET V = 11 WHERE ID = 1", "INSERT INTO T VALUES (2, 20)");
            heir.execute("SET LOCK_TIMEOUT 20000");
            SqlActor.Pending<Integer> waiting = waits(drill, heir, "UPDATE T SET V = V * 2 WHERE ID = 1");

            dying.die();

            assertThat(waiting.await()).isOne();
            drill.active().kill();
            assertThat(heir.rows("SELECT ID, V FROM T ORDER BY ID")).containsExactly("1,20");
            drill.check();
        }
    }

    @Test
    void usersKeepTheirPasswordsAndRightsAtTheNextActive() throws SQLException {
        try (Drill drill = Drill.start(folder, Drill.Plan.ordinary())) {
            SqlActor owner = drill.application("owner");
            owner.execute(
                    "CREATE TABLE T(ID INT PRIMARY KEY, V INT)",
                    "INSERT INTO T VALUES (1, 10)",
                    "CREATE TABLE HIDDEN(ID INT)",
                    "CREATE ROLE CLERK",
                    "GRANT SELECT, UPDATE ON T TO CLERK",
                    "CREATE USER BOB PASSWORD 'secret'",
                    "GRANT CLERK TO BOB");
            SqlActor bob = drill.application("bob", "bob", "secret").begin();
            bob.execute("UPDATE T SET V = 11 WHERE ID = 1");

            drill.active().kill();

            assertThat(bob.one("SELECT V, CURRENT_USER FROM T")).isEqualTo("11,BOB");
            assertThatThrownBy(() -> bob.execute("SELECT * FROM HIDDEN"))
                    .isInstanceOfSatisfying(SQLException.class, e -> assertThat(e.getErrorCode())
                            .isEqualTo(90096));
            bob.connection().commit();
            SqlActor again = drill.application("bob again", "bob", "secret");
            assertThat(again.one("SELECT V FROM T")).isEqualTo("11");
            owner.execute("REVOKE CLERK FROM BOB", "ALTER USER BOB SET PASSWORD 'other'");
            assertThatThrownBy(() -> again.one("SELECT V FROM T"))
                    .isInstanceOfSatisfying(SQLException.class, e -> assertThat(e.getErrorCode())
                            .isEqualTo(90096));
            drill.application("bob at last", "bob", "other");
            assertThat(owner.one("SELECT V FROM T")).isEqualTo("11");
            drill.check();
        }
    }

    /** A function and a trigger in the middle of a transaction; then a copy of all that is made of them. */
    @Test
    void whatAFunctionAndATriggerHaveDoneInATransactionGoesOn() throws SQLException {
        try (Drill drill = Drill.start(folder, Drill.Plan.ordinary().withClasses(Stock.class, StockLog.class))) {
            SqlActor app = drill.application("app");
            String log = "CREATE TRIGGER WRITE_DOWN AFTER INSERT, UPDATE ON STOCK FOR EACH ROW CALL '"
                    + StockLog.class.getName() + "'";
            app.execute(
                    "CREATE TABLE STOCK(ID INT PRIMARY KEY, PIECES INT)",
                    "CREATE TABLE STOCK_LOG(N INT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, THING INT, BEFORE_IT INT,"
                            + " AFTER_IT INT, AT TIMESTAMP WITH TIME ZONE, ID UUID)",
                    "CREATE ALIAS TAKE FOR '" + Stock.class.getName() + ".take'",
                    "CREATE ALIAS DOZENS DETERMINISTIC FOR '" + Stock.class.getName() + ".dozens'",
                    "CREATE VIEW DOZENS_OF AS SELECT ID, DOZENS(PIECES) D FROM STOCK",
                    log,
                    "INSERT INTO STOCK VALUES (1, 100), (2, 200)");
            app.begin();
            assertThat(app.one("SELECT TAKE(1, 10)")).isEqualTo("90");
            SqlActor other = drill.application("other");
            other.begin();
            assertThat(other.one("SELECT TAKE(2, 20)")).isEqualTo("180");
            SqlActor.Pending<Integer> waiting = waits(drill, app, "INSERT INTO STOCK SELECT 3, TAKE(2, 1)");

            drill.active().kill();

            assertThat(other.one("SELECT TAKE(2, 30)")).isEqualTo("150");
            other.connection().commit();
            assertThat(waiting.await()).isOne();
            assertThat(app.rows("SELECT THING, BEFORE_IT, AFTER_IT FROM STOCK_LOG ORDER BY N"))
                    .containsExactly(
                            "1,null,100",
                            "2,null,200",
                            "1,100,90",
                            "2,200,180",
                            "2,180,150",
                            "2,150,149",
                            "3,null,149");
            assertThatThrownBy(() -> app.one("SELECT TAKE(1, 91)")).isInstanceOfSatisfying(SQLException.class, e -> {
                assertThat(e.getErrorCode()).isEqualTo(45_000);
                assertThat(e.getMessage()).contains("not so many pieces");
            });
            NodeActor dead = drill.nodes().stream()
                    .filter(each -> !each.isAlive())
                    .findFirst()
                    .orElseThrow();
            dead.start();
            drill.awaitInSync(1);
            assertThat(app.one("SELECT TAKE(1, 5)")).isEqualTo("85");
            drill.active().kill();

            assertThat(app.one("SELECT TAKE(1, 1)")).isEqualTo("84");
            app.connection().commit();
            assertThat(app.rows("SELECT * FROM DOZENS_OF ORDER BY ID")).containsExactly("1,7", "2,12", "3,12");
            assertThat(app.one("SELECT COUNT(*), COUNT(DISTINCT ID) FROM STOCK_LOG"))
                    .isEqualTo("9,9");
            drill.check();
        }
    }

    @Test
    void aNodeWithOtherClassesDoesNotJoinAndSaysWhy() throws SQLException {
        try (Drill drill = Drill.start(folder, Drill.Plan.ordinary())) {
            SqlActor app = drill.application("app");
            app.execute("CREATE TABLE T(ID INT PRIMARY KEY)", "INSERT INTO T VALUES (1)");
            NodeActor backup = drill.backup();
            backup.kill();
            backup.configure("classes: " + Stock.class.getName() + "\n");
            backup.start();

            await().atMost(Drill.LIMIT)
                    .untilAsserted(() -> assertThat(backup.status().reason())
                            .contains("classes " + Stock.class.getName())
                            .contains("make them equal"));
            app.execute("INSERT INTO T VALUES (2)");
            assertThat(backup.status().role()).isEqualTo("NONE");
        }
    }

    @Test
    void aNodeThatIsSetDifferentlyDoesNotJoinAndSaysWhy() throws SQLException {
        try (Drill drill = Drill.start(folder, Drill.Plan.ordinary())) {
            SqlActor app = drill.application("app");
            app.execute("CREATE TABLE T(ID INT PRIMARY KEY)", "INSERT INTO T VALUES (1)");
            NodeActor backup = drill.backup();
            backup.kill();
            backup.configure("databases.lockstep.mode: MySQL\n");
            backup.start();

            await().atMost(Drill.LIMIT)
                    .untilAsserted(() -> assertThat(backup.status().reason())
                            .contains("mode MySQL")
                            .contains("make them equal"));
            app.execute("INSERT INTO T VALUES (2)");
            assertThat(app.rows("SELECT ID FROM T ORDER BY ID")).containsExactly("1", "2");
            assertThat(backup.status().role()).isEqualTo("NONE");
        }
    }
}
