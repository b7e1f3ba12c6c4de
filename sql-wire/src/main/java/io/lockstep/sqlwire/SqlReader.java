package io.lockstep.sqlwire;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.h2.api.IntervalQualifier;
import org.h2.engine.Constants;
import org.h2.value.ExtTypeInfo;
import org.h2.value.ExtTypeInfoEnum;
import org.h2.value.ExtTypeInfoGeometry;
import org.h2.value.ExtTypeInfoNumeric;
import org.h2.value.ExtTypeInfoRow;
import org.h2.value.TypeInfo;
import org.h2.value.Value;
import org.h2.value.ValueArray;
import org.h2.value.ValueBigint;
import org.h2.value.ValueBinary;
import org.h2.value.ValueBlob;
import org.h2.value.ValueBoolean;
import org.h2.value.ValueChar;
import org.h2.value.ValueClob;
import org.h2.value.ValueDate;
import org.h2.value.ValueDecfloat;
import org.h2.value.ValueDouble;
import org.h2.value.ValueEnumBase;
import org.h2.value.ValueGeometry;
import org.h2.value.ValueInteger;
import org.h2.value.ValueInterval;
import org.h2.value.ValueJson;
import org.h2.value.ValueLob;
import org.h2.value.ValueNull;
import org.h2.value.ValueNumeric;
import org.h2.value.ValueReal;
import org.h2.value.ValueRow;
import org.h2.value.ValueSmallint;
import org.h2.value.ValueTime;
import org.h2.value.ValueTimeTimeZone;
import org.h2.value.ValueTimestamp;
import org.h2.value.ValueTimestampTimeZone;
import org.h2.value.ValueTinyint;
import org.h2.value.ValueUuid;
import org.h2.value.ValueVarbinary;
import org.h2.value.ValueVarchar;
import org.h2.value.ValueVarcharIgnoreCase;
import org.jspecify.annotations.Nullable;

/**
 * Reads what {@link SqlWriter} writes, each field checked before it is believed: nothing is allocated for a length that
 * the bytes at hand do not cover. Used by one thread at a time.
 */
public final class SqlReader {
    static final int NOT_SET = 0xff;
    static final int PLAIN_TYPE = 0;
    static final int ENUM_TYPE = 1;
    static final int GEOMETRY_TYPE = 2;
    static final int ROW_TYPE = 3;
    static final int ARRAY_TYPE = 4;
    static final int DECIMAL_TYPE = 5;
    /** Arrays of rows of arrays …: a reader must not be made to overflow its stack. */
    private static final int DEPTH_MAX = 32;

    private final ByteBuffer in;
    private final LobReferences lobs;
    private int depth;

    public SqlReader(byte[] message, LobReferences lobs) {
        this.in = ByteBuffer.wrap(message);
        this.lobs = lobs;
    }

    private void need(int bytes) throws SqlProtocolException {
        if (bytes > in.remaining()) {
            throw new SqlProtocolException("cut off: " + bytes + " bytes needed, " + in.remaining() + " left");
        }
    }

    /** Bytes read so far. */
    int position() {
        return in.position();
    }

    /** A copy of what was read from there on. */
    byte[] bytesSince(int start) {
        byte[] read = new byte[in.position() - start];
        in.get(start, read);
        return read;
    }

    /** Skips these bytes if they are the next ones. */
    boolean skip(byte[] expected) {
        int at = in.position();
        int end = at + expected.length;
        if (end > in.limit() || !Arrays.equals(in.array(), at, end, expected, 0, expected.length)) {
            return false;
        }
        in.position(end);
        return true;
    }

    int getByte() throws SqlProtocolException {
        need(1);
        return in.get() & 0xff;
    }

    boolean getFlag() throws SqlProtocolException {
        int value = getByte();
        if (value > 1) {
            throw new SqlProtocolException("a flag is " + value + "; it must be 0 or 1");
        }
        return value == 1;
    }

    private long getUnsigned() throws SqlProtocolException {
        long value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            int next = getByte();
            value |= (long) (next & 0x7f) << shift;
            if (next < 0x80) {
                return value;
            }
        }
        throw new SqlProtocolException("a number is longer than 64 bits");
    }

    /** Number of elements that take a byte at least each: never more than there are bytes left. */
    int getCount() throws SqlProtocolException {
        long count = getUnsigned();
        if (count < 0 || count > in.remaining()) {
            throw new SqlProtocolException("a count of " + count + ", with " + in.remaining() + " bytes left");
        }
        return (int) count;
    }

    long getNumber() throws SqlProtocolException {
        long value = getUnsigned();
        return (value >>> 1) ^ -(value & 1);
    }

    int getInt() throws SqlProtocolException {
        long value = getNumber();
        if (value != (int) value) {
            throw new SqlProtocolException("a number is out of range: " + value);
        }
        return (int) value;
    }

    /** A name or length: 0 or more. */
    int getSize() throws SqlProtocolException {
        int value = getInt();
        if (value < 0) {
            throw new SqlProtocolException("a name or length is negative: " + value);
        }
        return value;
    }

    long getBits() throws SqlProtocolException {
        need(8);
        return in.getLong();
    }

    byte[] getBytes() throws SqlProtocolException {
        byte[] value = new byte[getCount()];
        in.get(value);
        return value;
    }

    String getText() throws SqlProtocolException {
        int count = getCount();
        ByteBuffer text = in.slice(in.position(), count);
        in.position(in.position() + count);
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(text).toString();
        } catch (CharacterCodingException e) {
            throw new SqlProtocolException("a text is not UTF-8", e);
        }
    }

    @Nullable String getOptionalText() throws SqlProtocolException {
        return getFlag() ? getText() : null;
    }

    Map<String, String> getTexts() throws SqlProtocolException {
        Map<String, String> texts = new LinkedHashMap<>();
        for (int left = getCount(); left > 0; left--) {
            texts.put(getText(), getText());
        }
        return texts;
    }

    int[] getNumbers() throws SqlProtocolException {
        int[] values = new int[getCount()];
        for (int i = 0; i < values.length; i++) {
            values[i] = getInt();
        }
        return values;
    }

    /** Values of which some may not be set. */
    @Nullable Value[] getParameters() throws SqlProtocolException {
        @Nullable Value[] values = new Value[getCount()];
        for (int i = 0; i < values.length; i++) {
            need(1);
            if ((in.get(in.position()) & 0xff) == NOT_SET) {
                in.get();
            } else {
                values[i] = getValue();
            }
        }
        return values;
    }

    Value[] getValues() throws SqlProtocolException {
        Value[] values = new Value[getCount()];
        for (int i = 0; i < values.length; i++) {
            values[i] = getValue();
        }
        return values;
    }

    void finish() throws SqlProtocolException {
        if (in.hasRemaining()) {
            throw new SqlProtocolException(in.remaining() + " bytes follow that do not belong to the message");
        }
    }

    /**
     * A value. What H2 refuses of it (a malformed geometry, a date beyond its range) is no SQL message either, whatever
     * it throws: it meets an array of constants of no ENUM with a wrong cast or a null.
     */
    Value getValue() throws SqlProtocolException {
        int type = getByte();
        try {
            return getValue(type);
        } catch (RuntimeException e) {
            throw new SqlProtocolException("no value of type " + type + ": " + e.getMessage(), e);
        }
    }

    private Value getValue(int type) throws SqlProtocolException {
        return switch (type) {
            case Value.NULL -> ValueNull.INSTANCE;
            case Value.BOOLEAN -> ValueBoolean.get(getFlag());
            case Value.TINYINT -> ValueTinyint.get((byte) getBetween(Byte.MIN_VALUE, Byte.MAX_VALUE));
            case Value.SMALLINT -> ValueSmallint.get((short) getBetween(Short.MIN_VALUE, Short.MAX_VALUE));
            case Value.INTEGER -> ValueInteger.get(getInt());
            case Value.BIGINT -> ValueBigint.get(getNumber());
            case Value.NUMERIC -> getNumeric();
            case Value.DECFLOAT -> getDecfloat();
            case Value.REAL -> ValueReal.get(Float.intBitsToFloat((int) getBits()));
            case Value.DOUBLE -> ValueDouble.get(Double.longBitsToDouble(getBits()));
            case Value.CHAR -> ValueChar.get(getText());
            case Value.VARCHAR -> ValueVarchar.get(getText());
            case Value.VARCHAR_IGNORECASE -> ValueVarcharIgnoreCase.get(getText());
            case Value.BINARY -> ValueBinary.getNoCopy(getBytes());
            case Value.VARBINARY -> ValueVarbinary.getNoCopy(getBytes());
            case Value.GEOMETRY -> ValueGeometry.getFromEWKB(getBytes());
            case Value.JSON -> ValueJson.fromJson(getBytes());
            case Value.DATE -> ValueDate.fromDateValue(getNumber());
            case Value.TIME -> ValueTime.fromNanos(getNumber());
            case Value.TIME_TZ -> ValueTimeTimeZone.fromNanos(getNumber(), getInt());
            case Value.TIMESTAMP -> ValueTimestamp.fromDateValueAndNanos(getNumber(), getNumber());
            case Value.TIMESTAMP_TZ -> ValueTimestampTimeZone.fromDateValueAndNanos(getNumber(), getNumber(), getInt());
            case Value.UUID -> ValueUuid.get(getBits(), getBits());
            case Value.ENUM -> ValueEnumBase.get(getText(), getInt());
            case Value.BLOB, Value.CLOB -> getLob(type);
            case Value.ARRAY -> {
                TypeInfo of = getType();
                if (of.getValueType() != Value.ARRAY || !(of.getExtTypeInfo() instanceof TypeInfo component)) {
                    throw new SqlProtocolException("an array of no type");
                }
                yield ValueArray.get(component, constantsOf(component, getNested()), null);
            }
            case Value.ROW -> {
                TypeInfo of = getType();
                Value[] fields = getNested();
                if (!(of.getExtTypeInfo() instanceof ExtTypeInfoRow row)
                        || row.getFields().size() != fields.length) {
                    throw new SqlProtocolException("a row of another type");
                }
                yield ValueRow.get(of, fields);
            }
            default -> getInterval(type);
        };
    }

    /** H2 takes a constant of an ENUM into an array only when it knows its constants, which travel with the array's type. */
    private static Value[] constantsOf(TypeInfo component, Value[] values) {
        if (component.getExtTypeInfo() instanceof ExtTypeInfoEnum constants) {
            for (int i = 0; i < values.length; i++) {
                if (values[i].getValueType() == Value.ENUM) {
                    values[i] = constants.getValue(values[i].getString(), null);
                }
            }
        }
        return values;
    }

    private Value[] getNested() throws SqlProtocolException {
        if (++depth > DEPTH_MAX) {
            throw new SqlProtocolException("values are nested more than " + DEPTH_MAX + " deep");
        }
        Value[] values = getValues();
        depth--;
        return values;
    }

    private int getBetween(int least, int most) throws SqlProtocolException {
        int value = getInt();
        if (value < least || value > most) {
            throw new SqlProtocolException("a number is out of range: " + value);
        }
        return value;
    }

    private BigDecimal getDecimal() throws SqlProtocolException {
        if (!getFlag()) {
            throw new SqlProtocolException("a NUMERIC that is no number");
        }
        int scale = getInt();
        byte[] unscaled = getBytes();
        if (unscaled.length == 0) {
            throw new SqlProtocolException("a number without digits");
        }
        return new BigDecimal(new BigInteger(unscaled), scale);
    }

    /** H2 writes out all zeros before the point, which takes minutes where there are millions, and then has too many. */
    private Value getNumeric() throws SqlProtocolException {
        BigDecimal number = getDecimal();
        if (number.scale() < -Constants.MAX_NUMERIC_PRECISION) {
            throw new SqlProtocolException("a NUMERIC of more than " + Constants.MAX_NUMERIC_PRECISION + " digits");
        }
        return ValueNumeric.getAnyScale(number);
    }

    private Value getDecfloat() throws SqlProtocolException {
        need(1);
        if (in.get(in.position()) != 0) {
            return ValueDecfloat.get(getDecimal());
        }
        in.get();
        String name = getText();
        return switch (name) {
            case "Infinity" -> ValueDecfloat.POSITIVE_INFINITY;
            case "-Infinity" -> ValueDecfloat.NEGATIVE_INFINITY;
            case "NaN" -> ValueDecfloat.NAN;
            default -> throw new SqlProtocolException("no number: " + name);
        };
    }

    private Value getLob(int type) throws SqlProtocolException {
        long name = getNumber();
        if (name == 0) {
            byte[] content = getBytes();
            return type == Value.BLOB ? ValueBlob.createSmall(content) : ValueClob.createSmall(content);
        }
        ValueLob found = lobs.find(name, type, getNumber(), getNumber());
        if (found == null) {
            throw new SqlProtocolException("names a large object that is not here: " + name);
        }
        return found;
    }

    private Value getInterval(int type) throws SqlProtocolException {
        if (type < Value.INTERVAL_YEAR || type > Value.INTERVAL_MINUTE_TO_SECOND) {
            throw new SqlProtocolException("no value travels with type " + type);
        }
        boolean isNegative = getFlag();
        return ValueInterval.from(
                IntervalQualifier.valueOf(type - Value.INTERVAL_YEAR), isNegative, getNumber(), getNumber());
    }

    TypeInfo getType() throws SqlProtocolException {
        if (++depth > DEPTH_MAX) {
            throw new SqlProtocolException("types are nested more than " + DEPTH_MAX + " deep");
        }
        int valueType = getInt();
        long precision = getNumber();
        int scale = getInt();
        if (valueType < Value.UNKNOWN || valueType >= Value.TYPE_COUNT) {
            throw new SqlProtocolException("no type " + valueType);
        }
        TypeInfo type = valueType == Value.UNKNOWN ? TypeInfo.TYPE_UNKNOWN : typeOf(valueType, precision, scale);
        if (valueType == Value.UNKNOWN && getByte() != PLAIN_TYPE) {
            throw new SqlProtocolException("an unknown type with more to it");
        }
        depth--;
        return type;
    }

    /** H2 refuses, for example, an ENUM without constants. */
    private TypeInfo typeOf(int valueType, long precision, int scale) throws SqlProtocolException {
        try {
            return new TypeInfo(valueType, precision, scale, getExtension(valueType));
        } catch (RuntimeException e) {
            throw new SqlProtocolException("no type " + valueType + ": " + e.getMessage(), e);
        }
    }

    private @Nullable ExtTypeInfo getExtension(int valueType) throws SqlProtocolException {
        int kind = getByte();
        int fits =
                switch (valueType) {
                    case Value.ENUM -> ENUM_TYPE;
                    case Value.GEOMETRY -> GEOMETRY_TYPE;
                    case Value.ROW -> ROW_TYPE;
                    case Value.ARRAY -> ARRAY_TYPE;
                    case Value.NUMERIC -> DECIMAL_TYPE;
                    default -> PLAIN_TYPE;
                };
        if (kind != PLAIN_TYPE && kind != fits) {
            throw new SqlProtocolException("type " + valueType + " has no extension " + kind);
        }
        return switch (kind) {
            case PLAIN_TYPE -> null;
            case DECIMAL_TYPE -> ExtTypeInfoNumeric.DECIMAL;
            case ENUM_TYPE -> {
                List<String> constants = new ArrayList<>();
                for (int left = getCount(); left > 0; left--) {
                    constants.add(getText());
                }
                yield new ExtTypeInfoEnum(constants.toArray(new String[0]));
            }
            case GEOMETRY_TYPE -> {
                int geometry = getInt();
                boolean isReferenced = getFlag();
                int reference = getInt();
                yield new ExtTypeInfoGeometry(geometry, isReferenced ? Integer.valueOf(reference) : null);
            }
            case ROW_TYPE -> {
                LinkedHashMap<String, TypeInfo> fields = new LinkedHashMap<>();
                for (int left = getCount(); left > 0; left--) {
                    fields.put(getText(), getType());
                }
                yield new ExtTypeInfoRow(fields);
            }
            default -> Objects.requireNonNull(getType());
        };
    }
}
