package io.lockstep.sqlwire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.h2.engine.SessionLocal;
import org.h2.jdbc.JdbcConnection;
import org.h2.result.ResultInterface;
import org.h2.value.ExtTypeInfoEnum;
import org.h2.value.TypeInfo;
import org.h2.value.Value;
import org.h2.value.ValueEnumBase;
import org.h2.value.ValueInteger;
import org.h2.value.ValueJavaObject;
import org.h2.value.ValueVarchar;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class SqlCodecTest {
    private static final String EVERY_TYPE = """
            SELECT NULL, TRUE, CAST(-7 AS TINYINT), CAST(300 AS SMALLINT), 2147483647, -9223372036854775808,
            123.4500, CAST(-1E40 AS DECFLOAT), CAST('Infinity' AS DECFLOAT), CAST('-Infinity' AS DECFLOAT),
            CAST('NaN' AS DECFLOAT), CAST(1.5 AS REAL), CAST('NaN' AS DOUBLE PRECISION), CAST('a ' AS CHAR(4)), 'äöü €',
            CAST('Abc' AS VARCHAR_IGNORECASE), CAST(X'00ff' AS BINARY(4)), X'0102', X'', DATE '-2000-02-29',
            TIME '23:59:59.123456789', TIME WITH TIME ZONE '10:00:00-18:00', TIMESTAMP '2026-11-21 12:00:00.5',
            TIMESTAMP WITH TIME ZONE '2026-11-21 12:00:00+05:30', UUID '12345678-1234-4678-9234-567812345678',
            JSON '{"a":[1,2,null]}', CAST('b' AS ENUM('a', 'b')), GEOMETRY 'SRID=4326;POINT (1 2)',
            ARRAY[1, NULL, 3], ARRAY[ARRAY['x'], ARRAY[]], ROW (1, 'two', ROW (3)),
            CAST('long text' AS CLOB), CAST(X'cafe' AS BLOB),
            INTERVAL '1' YEAR, INTERVAL '-2' MONTH, INTERVAL '3' DAY, INTERVAL '4' HOUR, INTERVAL '5' MINUTE,
            INTERVAL '6.123456789' SECOND, INTERVAL '1-2' YEAR TO MONTH, INTERVAL '1 2' DAY TO HOUR,
            INTERVAL '1 2:03' DAY TO MINUTE, INTERVAL '1 2:03:04.5' DAY TO SECOND, INTERVAL '1:02' HOUR TO MINUTE,
            INTERVAL '-1:02:03' HOUR TO SECOND, INTERVAL '1:02' MINUTE TO SECOND""";

    private final SqlCodec codec = new SqlCodec(LobReferences.INLINE);

    /** One row of every type. */
    record Result(List<SqlColumn> columns, Value[] row) {}

    static Result everyType() throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:h2:mem:")) {
            SessionLocal session =
                    (SessionLocal) connection.unwrap(JdbcConnection.class).getSession();
            ResultInterface result = session.prepareCommand(EVERY_TYPE).executeQuery(0, 0, false);
            List<SqlColumn> columns = new ArrayList<>();
            for (int i = 0; i < result.getVisibleColumnCount(); i++) {
                columns.add(new SqlColumn(
                        result.getAlias(i),
                        result.getSchemaName(i),
                        result.getTableName(i),
                        result.getColumnName(i),
                        result.getColumnType(i),
                        result.isIdentity(i),
                        result.getNullable(i)));
            }
            assertThat(result.next()).isTrue();
            return new Result(columns, result.currentRow());
        }
    }

    @Test
    void everyTypeArrivesAsItWasSent() throws Exception {
        Result sent = everyType();
        SqlReply reply = new SqlReply(
                false,
                true,
                "PUBLIC",
                null,
                new SqlOutcome.Rows(sent.columns(), List.<Value[]>of(sent.row()), 0, 1, false));
        SqlReply read = codec.decodeReply(codec.encode(reply));
        assertThat(read.isInTransaction()).isTrue();
        assertThat(read.schema()).isEqualTo("PUBLIC");
        SqlOutcome.Rows rows = (SqlOutcome.Rows) read.outcome();
        List<SqlColumn> columns = Objects.requireNonNull(rows.columns());
        Value[] row = rows.rows().get(0);
        for (int i = 0; i < row.length; i++) {
            assertThat(row[i].getValueType()).as("column %s", i).isEqualTo(sent.row()[i].getValueType());
            // A constant of an ENUM knows its constants only in the database; its column names them.
            boolean isConstant = row[i].getValueType() == Value.ENUM;
            assertThat(isConstant ? row[i].getString() : row[i].getTraceSQL())
                    .as("column %s", i)
                    .isEqualTo(isConstant ? sent.row()[i].getString() : sent.row()[i].getTraceSQL());
            assertThat(columns.get(i).type().getTraceSQL())
                    .as("column %s", i)
                    .isEqualTo(sent.columns().get(i).type().getTraceSQL());
        }
        assertThat(codec.encode(read)).isEqualTo(codec.encode(reply));
    }

    @Test
    void columnsThatComeAgainAreWrittenAndReadAsTheFirstTime() throws Exception {
        List<SqlColumn> all = everyType().columns();
        SqlColumn[] read = new SqlColumn[2];
        for (int round = 0; round < 3; round++) {
            for (int count = 0; count <= all.size(); count++) {
                List<SqlColumn> some = all.subList(0, count);
                SqlReply reply =
                        new SqlReply(true, false, null, null, new SqlOutcome.Rows(some, List.of(), 0, 0, false));
                byte[] bytes = new SqlCodec(LobReferences.INLINE).encode(reply);
                for (int i = 0; i < read.length; i++) {
                    assertThat(codec.encode(reply)).isEqualTo(bytes);
                    SqlReply again = codec.decodeReply(bytes);
                    assertThat(new SqlCodec(LobReferences.INLINE).encode(again)).isEqualTo(bytes);
                    List<SqlColumn> columns = Objects.requireNonNull(((SqlOutcome.Rows) again.outcome()).columns());
                    read[i] = columns.isEmpty() ? all.get(0) : columns.get(0);
                }
                assertThat(read[1]).isSameAs(read[0]);
            }
        }
    }

    private static List<SqlRequest> everyRequest() {
        Value[] values = {ValueInteger.get(4), null, ValueVarchar.get("x")};
        List<SqlAction> actions = List.of(
                new SqlAction.Hello("app", "nonce"),
                new SqlAction.Prove(new byte[32], Map.of("schema", "S")),
                new SqlAction.Prepare(1, "SELECT ?"),
                new SqlAction.Execute(1, null, values, GeneratedKeys.NONE, 5, 2, 100, 1000, true),
                new SqlAction.Execute(0, "X", new Value[0], new GeneratedKeys.ByIndex(List.of(1)), 0, 0, 0, 0, false),
                new SqlAction.Batch(3, "Y", List.of(values, values), new GeneratedKeys.ByName(List.of("ID")), 7),
                new SqlAction.Batch(3, null, List.of(), GeneratedKeys.ALL, 0),
                new SqlAction.Fetch(2, 1L << 40, 50),
                new SqlAction.End(true),
                new SqlAction.Apply(),
                new SqlAction.Metadata(14, new Value[] {ValueVarchar.get("%")}, 4, 10),
                new SqlAction.ReadLob(-9, 3, 4096),
                new SqlAction.WriteLob(9, 0, new byte[] {1, 2}),
                new SqlAction.Cancel(77));
        return actions.stream()
                .map(action -> new SqlRequest(true, new int[] {1, 2}, new int[] {3}, action))
                .toList();
    }

    static List<SqlReply> everyReply() {
        SqlOutcome.Failed failed = new SqlOutcome.Failed("23505", 23505, "Unique", null);
        SqlOutcome.Rows keys = new SqlOutcome.Rows(List.of(), List.of(), 0, 0, false);
        List<SqlOutcome> outcomes = List.of(
                new SqlOutcome.Challenge(new byte[] {1}, 4096, "n"),
                new SqlOutcome.Welcome(new byte[32], Map.of("a", "b")),
                new SqlOutcome.Prepared(61, false, false, List.of(), null),
                new SqlOutcome.Updated(1L << 33, keys),
                new SqlOutcome.Batched(new long[] {1, -3}, List.of(failed), null),
                new SqlOutcome.Piece(new byte[] {5}, true),
                new SqlOutcome.Done(),
                new SqlOutcome.NotARead(),
                failed);
        return outcomes.stream()
                .map(outcome -> new SqlReply(true, false, null, "UTC", outcome))
                .toList();
    }

    @Test
    void everyRequestAndReplyArrivesAsItWasSent() throws Exception {
        for (SqlRequest request : everyRequest()) {
            SqlRequest read = codec.decodeRequest(codec.encode(request));
            assertThat(read.action()).hasSameClassAs(request.action());
            assertThat(codec.encode(read)).isEqualTo(codec.encode(request));
        }
        for (SqlReply reply : everyReply()) {
            SqlReply read = codec.decodeReply(codec.encode(reply));
            assertThat(read.outcome()).hasSameClassAs(reply.outcome());
            assertThat(codec.encode(read)).isEqualTo(codec.encode(reply));
        }
    }

    private static Value numericRead(int scale) throws SqlProtocolException {
        SqlWriter out = new SqlWriter(LobReferences.INLINE);
        out.putByte(Value.NUMERIC);
        out.putFlag(true);
        out.putNumber(scale);
        out.putBytes(new byte[] {7});
        return new SqlReader(out.toBytes(), LobReferences.INLINE).getValue();
    }

    @Test
    @Timeout(10)
    void aNumericOfMillionsOfDigitsIsRefusedBeforeAnybodyWritesThemOut() throws Exception {
        assertThat(numericRead(-6).getString()).isEqualTo("7000000");
        assertThatThrownBy(() -> numericRead(Integer.MIN_VALUE))
                .isInstanceOf(SqlProtocolException.class)
                .hasMessageContaining("100000 digits");
    }

    @Test
    void anEnumWithoutConstantsIsRefused() {
        SqlWriter out = new SqlWriter(LobReferences.INLINE);
        out.putNumber(Value.ENUM);
        out.putNumber(-1);
        out.putNumber(-1);
        out.putByte(SqlReader.ENUM_TYPE);
        out.putCount(0);
        assertThatThrownBy(() -> new SqlReader(out.toBytes(), LobReferences.INLINE).getType())
                .isInstanceOf(SqlProtocolException.class)
                .hasMessageContaining("no type");
    }

    @Test
    void anArrayOfConstantsArrivesAndOneOfAnotherTypeIsRefused() throws Exception {
        try (Connection connection = DriverManager.getConnection("jdbc:h2:mem:")) {
            SessionLocal session =
                    (SessionLocal) connection.unwrap(JdbcConnection.class).getSession();
            ResultInterface result = session.prepareCommand(
                            "SELECT ARRAY[CAST('b' AS ENUM('a', 'b'))], ARRAY[ARRAY[CAST('b' AS ENUM('a', 'b'))]]")
                    .executeQuery(0, 0, false);
            assertThat(result.next()).isTrue();
            for (Value sent : result.currentRow()) {
                SqlWriter out = new SqlWriter(LobReferences.INLINE);
                out.putValue(sent);
                Value read = new SqlReader(out.toBytes(), LobReferences.INLINE).getValue();
                assertThat(read.getString()).isEqualTo(sent.getString());
            }
        }
        SqlWriter out = new SqlWriter(LobReferences.INLINE);
        out.putByte(Value.ARRAY);
        out.putType(TypeInfo.getTypeInfo(
                Value.ARRAY, 1, 0, TypeInfo.getTypeInfo(Value.ENUM, 1, 0, new ExtTypeInfoEnum(new String[] {"x"}))));
        out.putCount(1);
        out.putValue(ValueEnumBase.get("y", 5));
        assertThatThrownBy(() -> new SqlReader(out.toBytes(), LobReferences.INLINE).getValue())
                .isInstanceOf(SqlProtocolException.class);
    }

    @Test
    void whatIsSaidBesideAnActionArrives() throws Exception {
        for (SqlRequest request : everyRequest()) {
            SqlRequest read = codec.decodeRequest(codec.encode(request));
            assertThat(read.isAutoCommit()).isTrue();
            assertThat(read.closedStatements()).containsExactly(1, 2);
            assertThat(read.closedResults()).containsExactly(3);
        }
        for (SqlReply reply : everyReply()) {
            SqlReply read = codec.decodeReply(codec.encode(reply));
            assertThat(read.isAutoCommit()).isTrue();
            assertThat(read.isInTransaction()).isFalse();
            assertThat(read.schema()).isNull();
            assertThat(read.timeZone()).isEqualTo("UTC");
        }
    }

    @Test
    void nothingMayFollowAMessage() {
        for (SqlRequest request : everyRequest()) {
            byte[] body = codec.encode(request);
            assertThatThrownBy(() -> codec.decodeRequest(Arrays.copyOf(body, body.length + 1)))
                    .isInstanceOf(SqlProtocolException.class)
                    .hasMessageContaining("1 bytes follow");
        }
        for (SqlReply reply : everyReply()) {
            byte[] body = codec.encode(reply);
            assertThatThrownBy(() -> codec.decodeReply(Arrays.copyOf(body, body.length + 2)))
                    .isInstanceOf(SqlProtocolException.class)
                    .hasMessageContaining("2 bytes follow");
        }
    }

    @Test
    void aMessageThatIsCutOffAnywhereIsRefused() {
        for (SqlRequest request : everyRequest()) {
            byte[] body = codec.encode(request);
            for (int length = 0; length < body.length; length++) {
                byte[] cut = Arrays.copyOf(body, length);
                assertThatThrownBy(() -> codec.decodeRequest(cut)).isInstanceOf(SqlProtocolException.class);
            }
        }
    }

    @Test
    void whatIsCountedOrNamedFromZeroIsNeverNegative() {
        Value[] none = new Value[0];
        GeneratedKeys keys = GeneratedKeys.NONE;
        List<SqlAction> actions = List.of(
                new SqlAction.Prepare(-1, "X"),
                new SqlAction.Execute(-1, null, none, keys, 0, 0, 0, 0, false),
                new SqlAction.Execute(1, null, none, keys, -1, 0, 0, 0, false),
                new SqlAction.Execute(1, null, none, keys, 0, -1, 0, 0, false),
                new SqlAction.Execute(1, null, none, keys, 0, 0, -1, 0, false),
                new SqlAction.Execute(1, null, none, keys, 0, 0, 0, -1, false),
                new SqlAction.Batch(-1, null, List.of(), keys, 0),
                new SqlAction.Batch(1, null, List.of(), keys, -1),
                new SqlAction.Fetch(-1, 0, 0),
                new SqlAction.Fetch(1, -1, 0),
                new SqlAction.Fetch(1, 0, -1),
                new SqlAction.Metadata(1, none, -1, 0),
                new SqlAction.Metadata(1, none, 0, -1),
                new SqlAction.ReadLob(1, -1, 0),
                new SqlAction.ReadLob(1, 0, -1),
                new SqlAction.WriteLob(-1, 0, new byte[0]),
                new SqlAction.WriteLob(1, -1, new byte[0]),
                new SqlAction.Cancel(-1));
        for (SqlAction action : actions) {
            assertThatThrownBy(() -> codec.decodeRequest(codec.encode(SqlRequest.of(true, action))))
                    .as("%s", action)
                    .isInstanceOf(SqlProtocolException.class)
                    .hasMessageContaining("negative: -1");
        }
        for (SqlOutcome.Rows rows : List.of(
                new SqlOutcome.Rows(null, List.of(), -1, 0, false),
                new SqlOutcome.Rows(null, List.of(), 0, -1, false))) {
            assertThatThrownBy(() -> codec.decodeReply(codec.encode(new SqlReply(true, false, null, null, rows))))
                    .isInstanceOf(SqlProtocolException.class)
                    .hasMessageContaining("negative: -1");
        }
    }

    @Test
    void zeroIsANameAndACountLikeAnyOther() throws Exception {
        for (SqlAction action : List.of(
                new SqlAction.Prepare(0, ""),
                new SqlAction.Fetch(0, 0, 0),
                new SqlAction.ReadLob(0, 0, 0),
                new SqlAction.WriteLob(0, 0, new byte[0]),
                new SqlAction.Cancel(0))) {
            assertThat(codec.decodeRequest(codec.encode(SqlRequest.of(false, action)))
                            .action())
                    .usingRecursiveComparison()
                    .isEqualTo(action);
        }
        SqlOutcome rows = new SqlOutcome.Rows(null, List.of(), 0, 0, true);
        assertThat(codec.decodeReply(codec.encode(new SqlReply(true, false, null, null, rows)))
                        .outcome())
                .isEqualTo(rows);
    }

    @Test
    void actionsOutcomesAndKindsOfKeysThatNobodyKnowsAreRefused() {
        assertThatThrownBy(() -> codec.decodeRequest(new byte[] {1, 0, 0, 99}))
                .isInstanceOf(SqlProtocolException.class)
                .hasMessage("no action 99");
        assertThatThrownBy(() -> codec.decodeReply(new byte[] {1, 0, 0, 0, 99}))
                .isInstanceOf(SqlProtocolException.class)
                .hasMessage("no outcome 99");
        byte[] body = codec.encode(SqlRequest.of(
                true, new SqlAction.Execute(1, null, new Value[0], GeneratedKeys.ALL, 0, 0, 0, 0, false)));
        int keys = body.length - 6;
        assertThat(body[keys]).isEqualTo((byte) 1);
        body[keys] = 4;
        assertThatThrownBy(() -> codec.decodeRequest(body))
                .isInstanceOf(SqlProtocolException.class)
                .hasMessage("no kind of generated keys: 4");
    }

    @Test
    void generatedKeysAndRowsOfParametersArriveAsTheyWereAskedFor() throws Exception {
        for (GeneratedKeys keys : List.of(
                GeneratedKeys.NONE,
                GeneratedKeys.ALL,
                new GeneratedKeys.ByIndex(List.of(3, 1)),
                new GeneratedKeys.ByName(List.of("ID", "X")))) {
            Value[] some = {ValueInteger.get(4), null};
            SqlAction.Batch batch = new SqlAction.Batch(3, null, List.of(some, new Value[] {null}), keys, 7);
            SqlAction.Batch read = (SqlAction.Batch) codec.decodeRequest(codec.encode(SqlRequest.of(true, batch)))
                    .action();
            assertThat(read.keys()).isEqualTo(keys);
            assertThat(read.parameters()).hasSize(2);
            assertThat(read.parameters().get(0)).containsExactly(some);
            assertThat(read.parameters().get(1)).hasSize(1).containsOnlyNulls();
        }
    }

    @Test
    void aStatementsParametersAndColumnsArriveAsTheyWerePrepared() throws Exception {
        List<SqlColumn> columns = everyType().columns();
        SqlOutcome.Prepared prepared = new SqlOutcome.Prepared(
                66,
                true,
                false,
                List.of(
                        new SqlOutcome.Parameter(TypeInfo.TYPE_INTEGER, 1),
                        new SqlOutcome.Parameter(TypeInfo.TYPE_VARCHAR, 2)),
                columns);
        SqlReply reply = new SqlReply(false, true, "S", null, prepared);
        SqlOutcome.Prepared read =
                (SqlOutcome.Prepared) codec.decodeReply(codec.encode(reply)).outcome();
        assertThat(read.commandType()).isEqualTo(66);
        assertThat(read.isQuery()).isTrue();
        assertThat(read.isReadable()).isFalse();
        assertThat(read.parameters()).extracting(SqlOutcome.Parameter::nullable).containsExactly(1, 2);
        assertThat(read.parameters())
                .extracting(parameter -> parameter.type().getValueType())
                .containsExactly(Value.INTEGER, Value.VARCHAR);
        assertThat(read.columns()).hasSameSizeAs(columns);
    }

    @Test
    void whatFailedInABatchAndWhatItGeneratedArriveInOrder() throws Exception {
        SqlOutcome.Failed one = new SqlOutcome.Failed("23505", 23505, "Unique", null);
        SqlOutcome.Failed two = new SqlOutcome.Failed("22001", 22001, "Long", "INSERT");
        SqlOutcome.Rows keys =
                new SqlOutcome.Rows(List.of(), List.<Value[]>of(new Value[] {ValueInteger.get(9)}), 3, 4, true);
        SqlReply reply = new SqlReply(
                false, false, null, null, new SqlOutcome.Batched(new long[] {1, -3}, List.of(one, two), keys));
        SqlOutcome.Batched read =
                (SqlOutcome.Batched) codec.decodeReply(codec.encode(reply)).outcome();
        assertThat(read.counts()).containsExactly(1, -3);
        assertThat(read.failures()).containsExactly(one, two);
        SqlOutcome.Rows generated = Objects.requireNonNull(read.keys());
        assertThat(generated.rows()).hasSize(1);
        assertThat(generated.rows().get(0)).containsExactly(ValueInteger.get(9));
        assertThat(generated.firstRow()).isEqualTo(3);
        assertThat(generated.totalRows()).isEqualTo(4);
        assertThat(generated.isOpen()).isTrue();
    }

    @Test
    void whoeverHandsMessagesOnSeesWhichRequestABodyCancels() {
        for (long requestId : new long[] {0, 1, 63, 64, 77, 1L << 40, Long.MAX_VALUE}) {
            assertThat(SqlCodec.cancelled(codec.encode(SqlRequest.of(true, new SqlAction.Cancel(requestId)))))
                    .isEqualTo(requestId);
        }
        for (SqlRequest request : everyRequest()) {
            assertThat(SqlCodec.cancelled(codec.encode(request)))
                    .as("it closes something beside, which no driver does")
                    .isEqualTo(-1);
            if (!(request.action() instanceof SqlAction.Cancel)) {
                assertThat(SqlCodec.cancelled(codec.encode(SqlRequest.of(true, request.action()))))
                        .as("%s", request.action())
                        .isEqualTo(-1);
            }
        }
    }

    @Test
    void aBodyThatNoDriverSendsAsACancelIsNone() {
        byte[] body = codec.encode(SqlRequest.of(true, new SqlAction.Cancel(5)));
        assertThat(SqlCodec.cancelled(Arrays.copyOf(body, body.length - 1))).isEqualTo(-1);
        assertThat(SqlCodec.cancelled(new byte[0])).isEqualTo(-1);
        assertThat(SqlCodec.cancelled(codec.encode(SqlRequest.of(true, new SqlAction.Cancel(-5)))))
                .isEqualTo(-1);
        for (int place = 1; place <= 2; place++) {
            byte[] closing = body.clone();
            closing[place] = 1;
            assertThat(SqlCodec.cancelled(closing)).isEqualTo(-1);
        }
        byte[] longer = Arrays.copyOf(body, 40);
        longer[39] = 0x7f;
        assertThat(SqlCodec.cancelled(longer)).as("bits beyond 64 say nothing").isEqualTo(5);
    }

    @Test
    void columnsOfManyStatementsThatTakeTurnsAreReadOnceEach() throws Exception {
        SqlColumn column = everyType().columns().get(4);
        List<byte[]> bodies = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            SqlColumn named = new SqlColumn("c" + i, "S", "T", "C", column.type(), false, 1);
            bodies.add(codec.encode(new SqlReply(
                    true, false, null, null, new SqlOutcome.Rows(List.of(named), List.of(), 0, 0, false))));
        }
        List<List<SqlColumn>> first = columnsOf(bodies);
        List<List<SqlColumn>> again = columnsOf(bodies);
        for (int i = 0; i < bodies.size(); i++) {
            assertThat(again.get(i)).isSameAs(first.get(i));
            assertThat(again.get(i).get(0).alias()).isEqualTo("c" + i);
        }
    }

    private List<List<SqlColumn>> columnsOf(List<byte[]> bodies) throws SqlProtocolException {
        List<List<SqlColumn>> columns = new ArrayList<>();
        for (byte[] body : bodies) {
            SqlOutcome.Rows rows = (SqlOutcome.Rows) codec.decodeReply(body).outcome();
            columns.add(Objects.requireNonNull(rows.columns()));
        }
        return columns;
    }

    @Test
    void columnsOfMoreThanFourKilobytesAreNotKept() throws Exception {
        SqlColumn column = everyType().columns().get(4);
        for (int bytes : new int[] {4_000, 5_000}) {
            SqlColumn wide = new SqlColumn("c".repeat(bytes), null, null, null, column.type(), false, 1);
            byte[] body = codec.encode(
                    new SqlReply(true, false, null, null, new SqlOutcome.Rows(List.of(wide), List.of(), 0, 0, false)));
            List<List<SqlColumn>> twice = columnsOf(List.of(body, body));
            assertThat(twice.get(0) == twice.get(1)).isEqualTo(bytes == 4_000);
            assertThat(twice.get(1)).isEqualTo(twice.get(0));
        }
    }

    @Test
    void columnsOfFourKilobytesAreKeptAndLongerOnesLeaveThemInPlace() throws Exception {
        ColumnsCache cache = new ColumnsCache();
        List<SqlColumn> kept = new ArrayList<>();
        List<SqlColumn> longer = new ArrayList<>();
        byte[] most = new byte[4_096];
        most[0] = 1;
        byte[] over = new byte[4_097];
        cache.wrote(kept, most);
        cache.wrote(longer, over);
        assertThat(cache.encodingOf(kept)).isSameAs(most);
        assertThat(cache.encodingOf(longer)).isNull();
        cache.read(kept, most);
        cache.read(longer, over);
        assertThat(cache.readAgain(new SqlReader(most, LobReferences.INLINE))).isSameAs(kept);
        assertThat(cache.readAgain(new SqlReader(over, LobReferences.INLINE))).isNull();
    }

    @Test
    void aJavaObjectDoesNotTravel() {
        Value[] object = {ValueJavaObject.getNoCopy(new byte[] {1})};
        SqlRequest request =
                SqlRequest.of(true, new SqlAction.Execute(1, null, object, GeneratedKeys.NONE, 0, 0, 0, 0, false));
        assertThatThrownBy(() -> codec.encode(request)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aPasswordIsProvedByBothSidesAndNeverSent() {
        byte[] salt = {1, 2, 3};
        Scram.Verifier verifier = Scram.verifier("app".toCharArray(), salt, Scram.ITERATIONS);
        String said = Scram.said("app", "clientnode", salt, Scram.ITERATIONS);
        assertThat(said).isEqualTo("3:app,clientnode,010203,4096");
        byte[] proof = Scram.proof("app".toCharArray(), salt, Scram.ITERATIONS, said);
        assertThat(Scram.isProved(verifier, said, proof)).isTrue();
        assertThat(Scram.isProved(verifier, said + "x", proof)).isFalse();
        assertThat(Scram.isProved(verifier, said, Scram.proof("App".toCharArray(), salt, Scram.ITERATIONS, said)))
                .isFalse();
        assertThat(Scram.isProved(verifier, said, new byte[3])).isFalse();
        byte[] signature = Scram.signature(verifier, said);
        assertThat(Scram.isSigned("app".toCharArray(), salt, Scram.ITERATIONS, said, signature))
                .isTrue();
        assertThat(Scram.isSigned("other".toCharArray(), salt, Scram.ITERATIONS, said, signature))
                .isFalse();
    }
}
