package io.lockstep.tsdstore.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockstep.sqlwire.GeneratedKeys;
import io.lockstep.sqlwire.SqlAction;
import io.lockstep.sqlwire.SqlOutcome;
import io.lockstep.sqlwire.SqlRequest;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.h2.value.Value;
import org.h2.value.ValueBlob;
import org.h2.value.ValueClob;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What one session can do, and what it finds again with its next message. */
class SqlEngineTest {
    private static final long MILLI = 1_000_000;

    private SqlEngine engine = new SqlEngine(SqlConfig.DEFAULT);
    private long nowNs = 1_700_000_000_000_000_000L;
    private long names;

    @BeforeEach
    void table() {
        open().run("create table t(id int primary key, v int, k int unique)");
    }

    @AfterEach
    void close() {
        engine.close();
    }

    private SqlClient open() {
        return new SqlClient(engine, ++names, () -> nowNs += MILLI).open();
    }

    @Test
    void opensASessionOnlyForWhoKnowsThePassword() {
        SqlClient client = new SqlClient(engine, 77, () -> nowNs);
        assertThat(client.run("select 1")).isEqualTo("error 28000");
        client.say(new SqlAction.Hello("app", "0123456789abcdefghijklmn"));
        assertThat(SqlClient.text(client.say(new SqlAction.Prove(new byte[32], Map.of()))))
                .isEqualTo("error 28000");
        assertThat(client.run("select 1")).isEqualTo("error 28000");
        assertThat(client.open().run("select 1")).isEqualTo("1");
    }

    @Test
    void executesAndCommitsByItself() {
        SqlClient client = open();
        assertThat(client.run("insert into t values(?, ?, ?)", 1, 10, 100)).isEqualTo("1");
        assertThat(open().run("select * from t")).isEqualTo("1,10,100");
        assertThat(client.last).isNotNull();
        assertThat(engine.openTransactions()).isZero();
    }

    @Test
    void keepsATransactionOpenBetweenMessages() {
        SqlClient client = open().manual();
        client.run("insert into t values(1, 10, 100)");
        assertThat(engine.openTransactions()).isEqualTo(1);
        assertThat(open().run("select * from t")).isEmpty();
        assertThat(client.run("select * from t")).isEqualTo("1,10,100");
        client.commit();
        assertThat(open().run("select * from t")).isEqualTo("1,10,100");
        client.run("delete from t");
        client.rollback();
        assertThat(open().run("select * from t")).isEqualTo("1,10,100");
    }

    @Test
    void endsATransactionThatHoldsNothing() {
        SqlClient client = open().manual();
        client.run("select * from t");
        assertThat(engine.openTransactions()).isZero();
        client.run("update t set v = 1 where id = 99");
        assertThat(engine.openTransactions()).isZero();
    }

    @Test
    void preparesOnceAndExecutesOften() {
        SqlClient client = open();
        SqlOutcome.Prepared prepared =
                (SqlOutcome.Prepared) client.say(new SqlAction.Prepare(1, "select v from t where id = ?"));
        assertThat(prepared).isNotNull();
        assertThat(prepared.isQuery()).isTrue();
        assertThat(prepared.isReadable()).isTrue();
        assertThat(prepared.parameters()).hasSize(1);
        assertThat(prepared.columns()).hasSize(1);
        client.run("insert into t values(1, 10, 100)");
        client.run("alter table t alter column v bigint");
        assertThat(SqlClient.text(client.say(
                        new SqlAction.Execute(1, null, SqlClient.values(1), GeneratedKeys.NONE, 0, 0, 0, 0, false))))
                .isEqualTo("10");
        client.say(new SqlRequest(true, new int[] {1}, new int[0], new SqlAction.Apply()));
        assertThat(SqlClient.text(client.say(
                        new SqlAction.Execute(1, null, SqlClient.values(1), GeneratedKeys.NONE, 0, 0, 0, 0, false))))
                .isEqualTo("error 90007");
    }

    @Test
    void returnsGeneratedKeysByFlagIndexAndName() {
        SqlClient client = open();
        client.run("create table g(id bigint generated always as identity primary key, v int default 7)");
        assertThat(keys(client, GeneratedKeys.ALL)).isEqualTo("1 keys 1");
        assertThat(keys(client, new GeneratedKeys.ByIndex(List.of(2, 1)))).isEqualTo("1 keys 7,2");
        assertThat(keys(client, new GeneratedKeys.ByName(List.of("id")))).isEqualTo("1 keys 3");
        assertThat(keys(client, new GeneratedKeys.ByName(List.of("nowhere")))).isEqualTo("error 42122");
    }

    private static String keys(SqlClient client, GeneratedKeys keys) {
        return SqlClient.text(client.say(new SqlAction.Execute(
                0, "insert into g(v) values(default)", SqlClient.values(), keys, 0, 0, 0, 0, false)));
    }

    @Test
    void keepsALargeResultForFetching() {
        SqlClient client = open();
        SqlOutcome.Rows first = (SqlOutcome.Rows) client.say(new SqlAction.Execute(
                0, "select x from system_range(1, 25)", SqlClient.values(), GeneratedKeys.NONE, 0, 5, 10, 0, false));
        assertThat(first).isNotNull();
        assertThat(first.rows()).hasSize(10);
        assertThat(first.totalRows()).isEqualTo(25);
        assertThat(first.isOpen()).isTrue();
        SqlOutcome.Rows next = (SqlOutcome.Rows) client.say(new SqlAction.Fetch(5, 20, 10));
        assertThat(next).isNotNull();
        assertThat(SqlClient.text(next)).isEqualTo("21 22 23 24 25");
        assertThat(SqlClient.text(client.say(new SqlAction.Fetch(5, 3, 2)))).isEqualTo("4 5");
        client.say(new SqlRequest(true, new int[0], new int[] {5}, new SqlAction.Apply()));
        assertThat(SqlClient.text(client.say(new SqlAction.Fetch(5, 0, 1)))).isEqualTo("error 90007");
    }

    @Test
    void goesOnInABatchAfterARowThatFails() {
        SqlClient client = open();
        SqlOutcome outcome = client.say(new SqlAction.Batch(
                0,
                "insert into t values(?, ?, ?)",
                List.of(SqlClient.values(1, 1, 1), SqlClient.values(1, 2, 2), SqlClient.values(3, 3, 3)),
                GeneratedKeys.NONE,
                0));
        assertThat(SqlClient.text(outcome)).isEqualTo("batch 1 -3 1");
        assertThat(outcome).isInstanceOfSatisfying(SqlOutcome.Batched.class, batched -> assertThat(batched.failures())
                .hasSize(1));
        assertThat(open().run("select id from t order by id")).isEqualTo("1 3");
    }

    @Test
    void keepsSavepointsVariablesSchemaAndTimeZone() {
        SqlClient client = open().manual();
        client.run("insert into t values(1, 1, 1)");
        client.run("savepoint a");
        client.run("insert into t values(2, 2, 2)");
        client.run("rollback to savepoint a");
        assertThat(client.run("select id from t")).isEqualTo("1");
        client.run("set @x = 42");
        assertThat(client.run("call @x")).isEqualTo("42");
        client.run("create schema s");
        client.run("set schema s");
        assertThat(client.last).isNotNull().extracting(last -> last.schema()).isEqualTo("S");
        client.run("set time zone '+03:00'");
        assertThat(client.last).extracting(last -> last.timeZone()).isEqualTo("GMT+03:00");
        assertThat(client.run("select current_timestamp")).contains("+03");
        client.run("set lock_timeout 1234");
        assertThat(client.run("call lock_timeout()")).isEqualTo("1234");
    }

    @Test
    void takesTimeAndChanceFromTheHeader() {
        SqlClient client = open();
        nowNs = 1_700_000_000_000_000_000L;
        assertThat(client.run("select current_timestamp")).isEqualTo("2023-11-14 22:13:20.001+00");
        String first = client.run("select rand(), random_uuid(), secure_rand(8)");
        assertThat(client.run("select rand(), random_uuid(), secure_rand(8)")).isNotEqualTo(first);
        SqlEngine other = new SqlEngine(SqlConfig.DEFAULT);
        SqlClient twin = new SqlClient(other, client.name.position(), () -> nowNs).open();
        twin.run("select current_timestamp");
        assertThat(twin.run("select rand(), random_uuid(), secure_rand(8)")).isEqualTo(first);
        other.close();
    }

    @Test
    void executesEveryStatementOfAText() {
        SqlClient client = open();
        assertThat(client.run("insert into t values(1, ?, 1); insert into t values(2, ?, 2);", 8, 9))
                .isEqualTo("1");
        assertThat(client.run("select id, v from t order by id")).isEqualTo("1,8 2,9");
    }

    /** Plain H2 is asked the same; both are looked at before and after a rollback of what is open then. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "insert into l values(2); insert into l values(2)",
                "insert into l values(2); insert into l values(1)",
                "insert into l values(2); insert into l values(3); select * from nowhere",
                "insert into l values(2); create table l(id int)",
                "insert into l values(2); commit; insert into l values(3); insert into l values(3)",
                "commit; insert into l values(2); insert into l values(3); insert into l values(4); insert into l values(3)",
                "insert into l values(2); rollback; insert into l values(3); insert into l values(3)",
                "savepoint s; insert into l values(2); rollback to savepoint s; insert into l values(3);"
                        + " insert into l values(3)",
                "insert into l values(2); savepoint s; insert into l values(3); insert into l values(3)"
            })
    void leavesOfATextThatFailsWhatH2Leaves(String text) throws SQLException {
        for (boolean isAutoCommit : new boolean[] {false, true}) {
            List<String> theirs = new ArrayList<>();
            try (Connection h2 = DriverManager.getConnection("jdbc:h2:mem:");
                    Statement statement = h2.createStatement()) {
                statement.execute("create table l(id int primary key)");
                h2.setAutoCommit(isAutoCommit);
                statement.execute("insert into l values(1)");
                assertThatThrownBy(() -> statement.execute(text)).isInstanceOf(SQLException.class);
                theirs.add(ids(statement));
                statement.execute("rollback");
                theirs.add(ids(statement));
            }
            SqlClient client = open();
            client.run("drop table if exists l");
            client.run("create table l(id int primary key)");
            client.isAutoCommit = isAutoCommit;
            client.run("insert into l values(1)");
            assertThat(client.run(text)).startsWith("error");
            List<String> ours = new ArrayList<>();
            ours.add(client.run("select listagg(id, ',') within group (order by id) from l"));
            client.run("rollback");
            ours.add(client.run("select listagg(id, ',') within group (order by id) from l"));
            assertThat(ours).as("autocommit %s", isAutoCommit).isEqualTo(theirs);
            client.commit();
        }
    }

    private static String ids(Statement statement) throws SQLException {
        try (ResultSet rows = statement.executeQuery("select listagg(id, ',') within group (order by id) from l")) {
            rows.next();
            return String.valueOf(rows.getString(1));
        }
    }

    @Test
    void followsAutocommitAsSqlChangesIt() {
        SqlClient client = open();
        client.run("begin");
        assertThat(client.isAutoCommit).isFalse();
        client.run("insert into t values(1, 1, 1)");
        assertThat(open().run("select count(*) from t")).isEqualTo("0");
        client.run("commit");
        assertThat(client.isAutoCommit).isTrue();
        assertThat(open().run("select count(*) from t")).isEqualTo("1");
        client.run("set autocommit false");
        assertThat(client.isAutoCommit).isFalse();
        client.run("delete from t");
        client.run("set autocommit true");
        assertThat(open().run("select count(*) from t")).isEqualTo("0");
    }

    @Test
    void tellsErrorsAsH2Does() {
        SqlClient client = open();
        client.run("insert into t values(1, 1, 1)");
        SqlOutcome.Failed failed = (SqlOutcome.Failed) client.say(SqlClient.statement("insert into t values(1, 1, 2)"));
        assertThat(failed).isNotNull();
        assertThat(failed.sqlState()).isEqualTo("23505");
        assertThat(failed.message()).contains("PRIMARY KEY ON PUBLIC.T(ID)");
        assertThat(failed.sql()).isEqualTo("insert into t values(1, 1, 2)");
        assertThat(client.run("select nothing from t")).isEqualTo("error 42122");
        assertThat(client.run("selec")).isEqualTo("error 42001");
    }

    @Test
    void answersMetadata() {
        SqlClient client = open();
        int getTableTypes = 13;
        SqlOutcome outcome = client.say(new SqlAction.Metadata(getTableTypes, SqlClient.values(), 0, 0));
        assertThat(SqlClient.text(outcome)).contains("BASE TABLE");
    }

    @Test
    void refusesWhatItCannotMakeSenseOf() {
        SqlClient client = open();
        assertThat(SqlClient.text(client.say(new SqlAction.Metadata(9_999, SqlClient.values(), 0, 0))))
                .startsWith("error");
        int getTables = 26;
        assertThat(SqlClient.text(client.say(new SqlAction.Metadata(getTables, SqlClient.values(1), 0, 0))))
                .startsWith("error");
        assertThat(SqlClient.text(client.read(new SqlAction.Metadata(getTables, SqlClient.values(1), 0, 0))))
                .isEqualTo("NotARead");
        assertThat(client.run("select cast(x'00' as other)")).startsWith("error");
        assertThat(engine.execute(client.name, 99, new byte[] {1, 2, 3}, nowNs, 1))
                .isNotNull();
        assertThat(client.run("select 1")).isEqualTo("1");
    }

    @Test
    void endsAResultThatIsTooLarge() {
        SqlConfig d = SqlConfig.DEFAULT;
        SqlConfig small = new SqlConfig(
                d.settings(),
                d.owner(),
                d.ownerPassword(),
                10,
                2,
                2,
                200,
                100_000,
                50,
                d.firstAnswerRowsMax(),
                d.firstAnswerBytesMax(),
                d.statementLimit(),
                d.heapMaxPercent());
        try (SqlEngine limited = new SqlEngine(small)) {
            SqlClient client = new SqlClient(limited, 1, () -> nowNs).open();
            assertThat(limit(client, SqlClient.statement("select x from system_range(1, 1000000000000)")))
                    .contains("50 rows", "result-max-rows");
            assertThat(limit(client, SqlClient.statement("select repeat('x', 5000) from system_range(1, 50)")))
                    .contains("100000 bytes", "result-max-bytes");
            assertThat(limit(client, SqlClient.statement("select '" + "x".repeat(200) + "'")))
                    .contains("200", "statement-max-characters");
            client.say(new SqlAction.Prepare(1, "select 1"));
            client.say(new SqlAction.Prepare(2, "select 2"));
            assertThat(limit(client, new SqlAction.Prepare(3, "select 3")))
                    .contains("the 2 that", "open-statements-max");
            for (int i = 1; i <= 2; i++) {
                client.say(opened(i));
            }
            assertThat(limit(client, opened(3))).contains("the 2 that", "open-results-max");
            assertThat(limit(client, new SqlAction.WriteLob(1, 0, new byte[100_001])))
                    .contains("result-max-bytes");
            assertThat(client.run("select 1")).isEqualTo("1");
        }
    }

    private static String limit(SqlClient client, SqlAction action) {
        assertThat(client.say(action)).isInstanceOf(SqlOutcome.Failed.class);
        SqlOutcome.Failed failed =
                (SqlOutcome.Failed) Objects.requireNonNull(client.last).outcome();
        assertThat(failed.code()).isEqualTo(54000);
        return failed.message();
    }

    private static SqlAction opened(int result) {
        return new SqlAction.Execute(
                0, "select x from system_range(1, 9)", SqlClient.values(), GeneratedKeys.NONE, 0, result, 2, 0, false);
    }

    @Test
    void takesLargeObjectsInPiecesAndGivesThemInPieces() {
        SqlClient client = open();
        client.run("create table l(id int primary key, b blob, c clob)");
        byte[] content = new byte[300_000];
        new Random(1).nextBytes(content);
        byte[] text = "äö€".repeat(40_000).getBytes(StandardCharsets.UTF_8);
        upload(client, 1, content);
        upload(client, 2, text);
        Value[] named = {
            new ValueBlob(SqlClient.named(1), content.length), new ValueClob(SqlClient.named(2), text.length, 120_000)
        };
        assertThat(SqlClient.text(client.say(new SqlAction.Execute(
                        0, "insert into l values(1, ?, ?)", named, GeneratedKeys.NONE, 0, 0, 0, 0, false))))
                .isEqualTo("1");
        assertThat(SqlClient.text(client.read(SqlClient.statement("select b, c from l"))))
                .isEqualTo("NotARead");
        assertThat(client.run("select length(b), length(c) from l")).isEqualTo("300000,120000");
        SqlOutcome.Rows rows = (SqlOutcome.Rows) client.say(SqlClient.statement("select b, c from l"));
        assertThat(rows).isNotNull();
        assertThat(download(client, SqlClient.nameOf(rows.rows().get(0)[0]))).isEqualTo(content);
        assertThat(download(client, SqlClient.nameOf(rows.rows().get(0)[1]))).isEqualTo(text);
    }

    /** The differential test, seed 20143: who reads a moment of the past asks for nothing beside the lane. */
    @Test
    void givesPiecesOfLargeObjectsInOrderToo() {
        SqlClient client = open();
        client.run("create table l(id int primary key, c clob)");
        client.run("insert into l values(1, repeat('long', 50000))");
        client.run("set session characteristics as transaction isolation level serializable");
        SqlOutcome.Rows rows = (SqlOutcome.Rows) client.say(SqlClient.statement("select c from l"));
        assertThat(rows).isNotNull();
        SqlAction.ReadLob piece =
                new SqlAction.ReadLob(SqlClient.nameOf(rows.rows().get(0)[0]), 4, 4);
        assertThat(SqlClient.text(client.read(piece))).isEqualTo("NotARead");
        assertThat(client.say(piece)).isInstanceOfSatisfying(SqlOutcome.Piece.class, given -> assertThat(given.bytes())
                .asString()
                .isEqualTo("long"));
    }

    /** The differential test, seed 20123: the columns were told as they had been before. */
    @Test
    void tellsOfAColumnWhatItTakesNow() {
        SqlClient client = open();
        client.run("create table nulls(n int not null)");
        for (boolean isRead : new boolean[] {true, false}) {
            client.run("alter table nulls alter column n set not null");
            SqlAction query = SqlClient.statement("select n from nulls");
            assertThat(nullable(isRead ? client.read(query) : client.say(query)))
                    .isZero();
            client.run("alter table nulls alter column n set null");
            assertThat(nullable(isRead ? client.read(query) : client.say(query)))
                    .isOne();
        }
    }

    private static int nullable(@Nullable SqlOutcome outcome) {
        return outcome instanceof SqlOutcome.Rows rows && rows.columns() != null
                ? rows.columns().get(0).nullable()
                : -1;
    }

    private static void upload(SqlClient client, long name, byte[] content) {
        for (int at = 0; at < content.length; at += 70_000) {
            byte[] piece = Arrays.copyOfRange(content, at, Math.min(content.length, at + 70_000));
            assertThat(SqlClient.text(client.say(new SqlAction.WriteLob(name, at, piece))))
                    .isEqualTo("Done");
        }
    }

    private static byte[] download(SqlClient client, long name) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        boolean isLast = false;
        while (!isLast) {
            SqlOutcome.Piece piece = (SqlOutcome.Piece) client.read(new SqlAction.ReadLob(name, all.size(), 50_000));
            all.writeBytes(piece.bytes());
            isLast = piece.isLast();
        }
        return all.toByteArray();
    }
}
