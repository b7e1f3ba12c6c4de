package io.lockstep.sqlwire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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

    private record Result(List<SqlColumn> columns, Value[] row) {}

    private static Result everyType() throws SQLException {
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

    private static List<SqlReply> everyReply() {
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

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void damagedMessagesAreRefusedWithoutAllocatingForThem(long seed) throws Exception {
        Result sent = everyType();
        List<byte[]> bodies = new ArrayList<>();
        everyReply().forEach(reply -> bodies.add(codec.encode(reply)));
        bodies.add(codec.encode(new SqlReply(
                false,
                false,
                null,
                null,
                new SqlOutcome.Rows(sent.columns(), List.<Value[]>of(sent.row()), 0, 1, true))));
        Random random = new Random(seed);
        for (int i = 0; i < 20_000; i++) {
            byte[] body = bodies.get(random.nextInt(bodies.size())).clone();
            for (int flips = 1 + random.nextInt(3); flips > 0; flips--) {
                body[random.nextInt(body.length)] = (byte) random.nextInt();
            }
            byte[] damaged = random.nextInt(4) == 0 ? Arrays.copyOf(body, random.nextInt(body.length)) : body;
            assertThatCode(() -> {
                        try {
                            codec.decodeReply(damaged);
                        } catch (SqlProtocolException refused) {
                            assertThat(refused).hasMessageMatching("(?s).+");
                        }
                    })
                    .as("seed %s, message %s", seed, i)
                    .doesNotThrowAnyException();
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
