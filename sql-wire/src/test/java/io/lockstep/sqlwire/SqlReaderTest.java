package io.lockstep.sqlwire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.h2.value.ExtTypeInfoGeometry;
import org.h2.value.ExtTypeInfoRow;
import org.h2.value.TypeInfo;
import org.h2.value.Value;
import org.h2.value.ValueBlob;
import org.h2.value.ValueClob;
import org.h2.value.ValueInteger;
import org.h2.value.ValueLob;
import org.h2.value.ValueRow;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Field by field: what {@link SqlWriter} writes is read, and what it never writes is refused. */
class SqlReaderTest {
    private static SqlReader written(Consumer<SqlWriter> writing) {
        SqlWriter out = new SqlWriter(LobReferences.INLINE);
        writing.accept(out);
        return new SqlReader(out.toBytes(), LobReferences.INLINE);
    }

    private static SqlReader bytes(int... values) {
        return written(out -> Arrays.stream(values).forEach(out::putByte));
    }

    private static void refused(String why, ThrowingCallable reading) {
        assertThatThrownBy(reading).isInstanceOf(SqlProtocolException.class).hasMessageContaining(why);
    }

    @Test
    void numbersOfEverySizeArriveInAsFewBytesAsTheyNeed() throws Exception {
        for (long number : new long[] {0, 1, -1, 63, -64, 64, 8191, 8192, 1L << 62, Long.MAX_VALUE, Long.MIN_VALUE}) {
            assertThat(written(out -> out.putNumber(number)).getNumber()).isEqualTo(number);
        }
        assertThat(length(-64)).isEqualTo(1);
        assertThat(length(64)).isEqualTo(2);
        assertThat(length(-65)).isEqualTo(2);
        assertThat(length(8191)).isEqualTo(2);
        assertThat(length(8192)).isEqualTo(3);
        assertThat(length(Long.MIN_VALUE)).isEqualTo(10);
    }

    private static int length(long number) {
        SqlWriter out = new SqlWriter(LobReferences.INLINE);
        out.putNumber(number);
        assertThat(out.toBytes()).hasSize(out.length());
        return out.length();
    }

    @Test
    void aNumberOfMoreThan64BitsIsRefused() {
        refused("longer than 64 bits", () -> bytes(128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 1)
                .getNumber());
    }

    @Test
    void aNumberThatDoesNotFitIsRefused() throws Exception {
        assertThat(written(out -> out.putNumber(Integer.MAX_VALUE)).getInt()).isEqualTo(Integer.MAX_VALUE);
        assertThat(written(out -> out.putNumber(Integer.MIN_VALUE)).getInt()).isEqualTo(Integer.MIN_VALUE);
        refused("out of range", () -> written(out -> out.putNumber(1L << 31)).getInt());
        refused("out of range", () -> written(out -> out.putNumber(-(1L << 31) - 1))
                .getInt());
        int[][] bounds = {
            {Value.TINYINT, Byte.MIN_VALUE, Byte.MAX_VALUE}, {Value.SMALLINT, Short.MIN_VALUE, Short.MAX_VALUE}
        };
        for (int[] bound : bounds) {
            assertThat(integer(bound[0], bound[1]).getInt()).isEqualTo(bound[1]);
            assertThat(integer(bound[0], bound[2]).getInt()).isEqualTo(bound[2]);
            refused("out of range", () -> integer(bound[0], bound[1] - 1));
            refused("out of range", () -> integer(bound[0], bound[2] + 1));
        }
    }

    private static Value integer(int type, int number) throws SqlProtocolException {
        return written(out -> {
                    out.putByte(type);
                    out.putNumber(number);
                })
                .getValue();
    }

    @Test
    void aFlagIsZeroOrOne() throws Exception {
        assertThat(bytes(0).getFlag()).isFalse();
        assertThat(bytes(1).getFlag()).isTrue();
        refused("a flag is 2", () -> bytes(2).getFlag());
        refused("a flag is 255", () -> bytes(255).getFlag());
    }

    @Test
    void aCountIsNeverMoreThanTheBytesThatAreLeft() throws Exception {
        assertThat(bytes(2, 7, 7).getCount()).isEqualTo(2);
        assertThat(bytes(0).getCount()).isZero();
        refused("a count of 3, with 2 bytes left", () -> bytes(3, 7, 7).getCount());
        refused("a count of -1", () -> bytes(255, 255, 255, 255, 255, 255, 255, 255, 255, 1)
                .getCount());
    }

    @Test
    void whatIsCutOffSaysHowMuchIsMissing() {
        refused("1 bytes needed, 0 left", () -> bytes().getByte());
        refused("8 bytes needed, 7 left", () -> bytes(1, 2, 3, 4, 5, 6, 7).getBits());
        refused("1 bytes needed, 0 left", () -> bytes(Value.DECFLOAT).getValue());
        refused("1 bytes needed, 0 left", () -> bytes(128).getNumber());
    }

    @Test
    void textsArriveInAnyScriptAndWhatIsNoUtf8IsRefused() throws Exception {
        for (String text : new String[] {"", "a", "äöü €", "x".repeat(10_000), "\uD83D\uDE00"}) {
            SqlReader in = written(out -> {
                out.putText(text);
                out.putByte(9);
            });
            assertThat(in.getText()).isEqualTo(text);
            assertThat(in.position()).isGreaterThan(text.getBytes(StandardCharsets.UTF_8).length);
            assertThat(in.getByte()).isEqualTo(9);
            in.finish();
        }
        refused("not UTF-8", () -> bytes(1, 0xff).getText());
    }

    @Test
    void namesWithTheirTextsArriveInOrder() throws Exception {
        Map<String, String> texts = new LinkedHashMap<>();
        texts.put("z", "1");
        texts.put("a", "");
        assertThat(written(out -> out.putTexts(texts)).getTexts()).containsExactlyEntriesOf(texts);
    }

    @Test
    void bytesThatWereReadCanBeTakenAgainAndKnownOnesSkipped() throws Exception {
        SqlReader in = bytes(1, 2, 3, 4, 5);
        assertThat(in.getByte()).isEqualTo(1);
        assertThat(in.skip(new byte[] {2, 4})).isFalse();
        assertThat(in.skip(new byte[] {2, 3, 4, 5, 6})).isFalse();
        assertThat(in.position()).isEqualTo(1);
        assertThat(in.skip(new byte[] {2, 3})).isTrue();
        assertThat(in.position()).isEqualTo(3);
        assertThat(in.bytesSince(1)).containsExactly(2, 3);
        assertThat(in.skip(new byte[] {4, 5})).as("the last ones").isTrue();
        in.finish();
    }

    @Test
    void aWriterGrowsAndBeginsAnewAsOftenAsItIsTold() {
        SqlWriter out = new SqlWriter(LobReferences.INLINE);
        for (int size : new int[] {0, 10, 256, 257, 5_000, 100_000}) {
            byte[] raw = new byte[size];
            Arrays.fill(raw, (byte) size);
            assertThat(out.clear().length()).isZero();
            out.putBits(0x0102030405060708L);
            out.putRaw(raw);
            out.putByte(size);
            assertThat(out.length()).isEqualTo(size + 9);
            assertThat(out.toBytes()).hasSize(size + 9).startsWith(1, 2, 3, 4, 5, 6, 7, 8);
            assertThat(out.toBytes(8)).hasSize(size + 1).containsOnly(size);
        }
        for (int i = 0; i < 3_000; i++) {
            out.clear();
            for (int each = 0; each < i % 300; each++) {
                out.putByte(each);
            }
            out.putBits(i);
            out.putNumber(Long.MIN_VALUE);
            assertThat(out.length()).isEqualTo(i % 300 + 18);
        }
    }

    @Test
    void aParameterThatIsNotSetArrivesSo() throws Exception {
        Value[] sent = {null, ValueInteger.get(3), null};
        assertThat(written(out -> out.putValues(sent)).getParameters()).containsExactly(sent);
        refused("no value travels with type 255", () -> written(out -> out.putValues(sent))
                .getValues());
        refused("1 bytes needed", () -> bytes(1, Value.INTEGER).getParameters());
    }

    @Test
    void aNumericOfNoDigitsOrNoNumberIsRefused() {
        refused("no number", () -> bytes(Value.NUMERIC, 0).getValue());
        refused("without digits", () -> bytes(Value.NUMERIC, 1, 0, 0).getValue());
        refused("no number: x", () -> written(out -> {
                    out.putByte(Value.DECFLOAT);
                    out.putFlag(false);
                    out.putText("x");
                })
                .getValue());
    }

    @Test
    void aNumericHasAsManyDigitsAsH2AllowsAndNoMore() throws Exception {
        assertThat(numeric(-99_999).getString()).hasSize(100_000);
        refused("100000 digits", () -> numeric(-100_001));
    }

    private static Value numeric(int scale) throws SqlProtocolException {
        return written(out -> {
                    out.putByte(Value.NUMERIC);
                    out.putFlag(true);
                    out.putNumber(scale);
                    out.putBytes(new byte[] {7});
                })
                .getValue();
    }

    @Test
    void typesThatNoValueHasAreRefused() {
        for (int type : new int[] {Value.JAVA_OBJECT, Value.INTERVAL_MINUTE_TO_SECOND + 1, 200}) {
            refused("type " + type, () -> bytes(type, 0, 0, 0).getValue());
        }
        refused("no type 45", () -> type(45, SqlReader.PLAIN_TYPE));
        refused("no type -2", () -> type(-2, SqlReader.PLAIN_TYPE));
        refused("an unknown type with more to it", () -> type(Value.UNKNOWN, SqlReader.ENUM_TYPE));
        refused("has no extension", () -> type(Value.INTEGER, SqlReader.DECIMAL_TYPE));
        refused("has no extension", () -> type(Value.INTEGER, 77));
    }

    private static TypeInfo type(int valueType, int kind) throws SqlProtocolException {
        return written(out -> {
                    out.putNumber(valueType);
                    out.putNumber(-1);
                    out.putNumber(-1);
                    out.putByte(kind);
                })
                .getType();
    }

    @Test
    void everyTypeArrivesWithWhatItExtendsAPlainOneBy() throws Exception {
        LinkedHashMap<String, TypeInfo> fields = new LinkedHashMap<>();
        fields.put("A", TypeInfo.TYPE_INTEGER);
        fields.put("B", TypeInfo.TYPE_VARCHAR);
        for (TypeInfo sent : new TypeInfo[] {
            TypeInfo.TYPE_UNKNOWN,
            TypeInfo.getTypeInfo(Value.GEOMETRY, -1, -1, new ExtTypeInfoGeometry(1, 4326)),
            TypeInfo.getTypeInfo(Value.GEOMETRY, -1, -1, new ExtTypeInfoGeometry(2, null)),
            TypeInfo.getTypeInfo(Value.ROW, -1, -1, new ExtTypeInfoRow(fields)),
            TypeInfo.getTypeInfo(Value.ARRAY, 5, -1, TypeInfo.TYPE_BIGINT),
            TypeInfo.getTypeInfo(Value.NUMERIC, 10, 2, null)
        }) {
            TypeInfo read = written(out -> out.putType(sent)).getType();
            assertThat(read.getTraceSQL()).isEqualTo(sent.getTraceSQL());
            assertThat(read.getValueType()).isEqualTo(sent.getValueType());
            assertThat(read.getDeclaredPrecision()).isEqualTo(sent.getDeclaredPrecision());
            assertThat(read.getDeclaredScale()).isEqualTo(sent.getDeclaredScale());
        }
    }

    @Test
    void valuesAndTypesAreNestedThirtyTwoDeepAndNoDeeper() throws Exception {
        TypeInfo nested = TypeInfo.TYPE_INTEGER;
        for (int depth = 2; depth <= 32; depth++) {
            nested = TypeInfo.getTypeInfo(Value.ARRAY, 1, -1, nested);
        }
        TypeInfo deepest = nested;
        assertThat(written(out -> out.putType(deepest)).getType().getValueType())
                .isEqualTo(Value.ARRAY);
        TypeInfo tooDeep = TypeInfo.getTypeInfo(Value.ARRAY, 1, -1, nested);
        refused("nested more than 32 deep", () -> written(out -> out.putType(tooDeep))
                .getType());
        SqlReader many = written(out -> {
            for (int i = 0; i < 50; i++) {
                out.putType(TypeInfo.TYPE_INTEGER);
            }
        });
        for (int i = 0; i < 50; i++) {
            assertThat(many.getType().getValueType()).as("one beside the other").isEqualTo(Value.INTEGER);
        }
    }

    @Test
    void manyArraysAndRowsBesideEachOtherAreNotDeep() throws Exception {
        Value row = ValueRow.get(new Value[] {ValueInteger.get(1), ValueInteger.get(2)});
        Value[] rows = new Value[40];
        Arrays.fill(rows, row);
        Value[] read = written(out -> out.putValues(rows)).getValues();
        assertThat(read).hasSize(40);
        assertThat(read[39].getTraceSQL()).isEqualTo(row.getTraceSQL());
        Value deep = row;
        for (int depth = 0; depth < 33; depth++) {
            deep = ValueRow.get(new Value[] {deep});
        }
        Value tooDeep = deep;
        refused("nested more than 32 deep", () -> written(out -> out.putValue(tooDeep))
                .getValue());
    }

    @Test
    void aRowOfAnotherTypeAndAnArrayOfNoTypeAreRefused() {
        Value row = ValueRow.get(new Value[] {ValueInteger.get(1), ValueInteger.get(2)});
        refused("a row of another type", () -> written(out -> {
                    out.putByte(Value.ROW);
                    out.putType(row.getType());
                    out.putValues(new Value[] {ValueInteger.get(1)});
                })
                .getValue());
        refused("a row of another type", () -> written(out -> {
                    out.putByte(Value.ROW);
                    out.putType(TypeInfo.TYPE_INTEGER);
                    out.putCount(0);
                })
                .getValue());
        refused("an array of no type", () -> written(out -> {
                    out.putByte(Value.ARRAY);
                    out.putType(TypeInfo.TYPE_INTEGER);
                    out.putCount(0);
                })
                .getValue());
    }

    @Test
    void aLargeObjectTravelsByItsNameWhereTheOtherSideKeepsIt() throws Exception {
        ValueLob blob = ValueBlob.createSmall(new byte[] {1, 2, 3});
        ValueLob clob = ValueClob.createSmall("äb");
        LobReferences named = new LobReferences() {
            @Override
            public long nameOf(ValueLob lob) {
                return lob.getValueType() == Value.BLOB ? 5 : -6;
            }

            @Override
            public @Nullable ValueLob find(long name, int valueType, long bytes, long characters) {
                if (name == 5 && valueType == Value.BLOB && bytes == 3 && characters == -1) {
                    return blob;
                }
                return name == -6 && valueType == Value.CLOB && bytes == -1 && characters == 2 ? clob : null;
            }
        };
        SqlWriter out = new SqlWriter(named);
        out.putValues(new Value[] {blob, clob});
        assertThat(new SqlReader(out.toBytes(), named).getValues()).containsExactly(blob, clob);
        refused("a large object that is not here: 5", () -> new SqlReader(out.toBytes(), LobReferences.INLINE)
                .getValues());
        Value[] inline = written(all -> all.putValues(new Value[] {blob, clob})).getValues();
        assertThat(inline[0].getValueType()).isEqualTo(Value.BLOB);
        assertThat(inline[0].getBytes()).containsExactly(1, 2, 3);
        assertThat(inline[1].getValueType()).isEqualTo(Value.CLOB);
        assertThat(inline[1].getString()).isEqualTo("äb");
    }
}
