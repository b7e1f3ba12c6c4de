package io.lockstep.sqlwire;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.h2.value.ExtTypeInfo;
import org.h2.value.ExtTypeInfoEnum;
import org.h2.value.ExtTypeInfoGeometry;
import org.h2.value.ExtTypeInfoRow;
import org.h2.value.TypeInfo;
import org.h2.value.Value;
import org.h2.value.ValueCollectionBase;
import org.h2.value.ValueDate;
import org.h2.value.ValueDecfloat;
import org.h2.value.ValueInterval;
import org.h2.value.ValueLob;
import org.h2.value.ValueTime;
import org.h2.value.ValueTimeTimeZone;
import org.h2.value.ValueTimestamp;
import org.h2.value.ValueTimestampTimeZone;
import org.h2.value.ValueUuid;
import org.jspecify.annotations.Nullable;

/**
 * Writes SQL messages into an array that it keeps and grows. Used by one thread at a time.
 *
 * <p>Numbers are variable in length: seven bits a byte, lowest first; signed ones have their sign in the lowest bit.
 */
public final class SqlWriter {

    private byte[] bytes = new byte[256];
    private int length;
    private final LobReferences lobs;

    public SqlWriter(LobReferences lobs) {
        this.lobs = lobs;
    }

    /** Starts a new message; what was written is forgotten. */
    SqlWriter clear() {
        length = 0;
        return this;
    }

    /** A copy of what was written. */
    byte[] toBytes() {
        return Arrays.copyOf(bytes, length);
    }

    /** A copy of what was written from there on. */
    byte[] toBytes(int from) {
        return Arrays.copyOfRange(bytes, from, length);
    }

    /** Bytes as they are, without their length. */
    void putRaw(byte[] value) {
        room(value.length);
        System.arraycopy(value, 0, bytes, length, value.length);
        length += value.length;
    }

    /** Bytes written so far. */
    int length() {
        return length;
    }

    private void room(int more) {
        if (more > bytes.length - length) {
            bytes = Arrays.copyOf(bytes, Math.max(Math.addExact(length, more), Math.min(length, 1 << 29) * 2));
        }
    }

    void putByte(int value) {
        room(1);
        bytes[length++] = (byte) value;
    }

    void putFlag(boolean value) {
        putByte(value ? 1 : 0);
    }

    /** 0 or more. */
    void putCount(int value) {
        putUnsigned(value);
    }

    private void putUnsigned(long value) {
        room(10);
        long rest = value;
        while ((rest & ~0x7fL) != 0) {
            bytes[length++] = (byte) (rest | 0x80);
            rest >>>= 7;
        }
        bytes[length++] = (byte) rest;
    }

    void putNumber(long value) {
        putUnsigned((value << 1) ^ (value >> 63));
    }

    void putBits(long value) {
        room(8);
        for (int shift = 56; shift >= 0; shift -= 8) {
            bytes[length++] = (byte) (value >>> shift);
        }
    }

    void putBytes(byte[] value) {
        putCount(value.length);
        putRaw(value);
    }

    void putText(String value) {
        putBytes(value.getBytes(StandardCharsets.UTF_8));
    }

    void putOptionalText(@Nullable String value) {
        putFlag(value != null);
        if (value != null) {
            putText(value);
        }
    }

    void putTexts(Map<String, String> values) {
        putCount(values.size());
        new LinkedHashMap<>(values).forEach((name, value) -> {
            putText(name);
            putText(value);
        });
    }

    void putNumbers(int[] values) {
        putCount(values.length);
        for (int value : values) {
            putNumber(value);
        }
    }

    void putValues(@Nullable Value[] values) {
        putCount(values.length);
        for (Value value : values) {
            if (value == null) {
                putByte(SqlReader.NOT_SET);
            } else {
                putValue(value);
            }
        }
    }

    /** Any value but a Java object. @throws IllegalArgumentException it is one */
    void putValue(Value value) {
        int type = value.getValueType();
        if (type == Value.JAVA_OBJECT || type < 0 || type >= Value.TYPE_COUNT) {
            throw new IllegalArgumentException("a value of type " + type + " does not travel");
        }
        putByte(type);
        switch (type) {
            case Value.NULL -> {}
            case Value.BOOLEAN -> putFlag(value.getBoolean());
            case Value.TINYINT, Value.SMALLINT, Value.INTEGER, Value.BIGINT -> putNumber(value.getLong());
            case Value.NUMERIC, Value.DECFLOAT -> putDecimal(value);
            case Value.REAL -> putBits(Float.floatToRawIntBits(value.getFloat()));
            case Value.DOUBLE -> putBits(Double.doubleToRawLongBits(value.getDouble()));
            case Value.CHAR, Value.VARCHAR, Value.VARCHAR_IGNORECASE -> putText(value.getString());
            case Value.BINARY, Value.VARBINARY, Value.GEOMETRY, Value.JSON -> putBytes(value.getBytesNoCopy());
            case Value.DATE -> putNumber(((ValueDate) value).getDateValue());
            case Value.TIME -> putNumber(((ValueTime) value).getNanos());
            case Value.TIME_TZ -> {
                putNumber(((ValueTimeTimeZone) value).getNanos());
                putNumber(((ValueTimeTimeZone) value).getTimeZoneOffsetSeconds());
            }
            case Value.TIMESTAMP -> {
                putNumber(((ValueTimestamp) value).getDateValue());
                putNumber(((ValueTimestamp) value).getTimeNanos());
            }
            case Value.TIMESTAMP_TZ -> {
                putNumber(((ValueTimestampTimeZone) value).getDateValue());
                putNumber(((ValueTimestampTimeZone) value).getTimeNanos());
                putNumber(((ValueTimestampTimeZone) value).getTimeZoneOffsetSeconds());
            }
            case Value.UUID -> {
                putBits(((ValueUuid) value).getHigh());
                putBits(((ValueUuid) value).getLow());
            }
            case Value.ENUM -> {
                putText(value.getString());
                putNumber(value.getInt());
            }
            case Value.BLOB, Value.CLOB -> putLob((ValueLob) value);
            case Value.ARRAY, Value.ROW -> {
                putType(value.getType());
                putValues(((ValueCollectionBase) value).getList());
            }
            default -> {
                ValueInterval interval = (ValueInterval) value;
                putFlag(interval.isNegative());
                putNumber(interval.getLeading());
                putNumber(interval.getRemaining());
            }
        }
    }

    /** DECFLOAT has three values that are no numbers; their texts travel. */
    private void putDecimal(Value value) {
        boolean isNumber = !(value instanceof ValueDecfloat decfloat) || decfloat.isFinite();
        putFlag(isNumber);
        if (isNumber) {
            BigDecimal number = value.getBigDecimal();
            putNumber(number.scale());
            putBytes(number.unscaledValue().toByteArray());
        } else {
            putText(value.getString());
        }
    }

    private void putLob(ValueLob lob) {
        long name = lobs.nameOf(lob);
        putNumber(name);
        if (name == 0) {
            putBytes(lob.getBytesNoCopy());
        } else {
            putNumber(lob.getValueType() == Value.BLOB ? lob.octetLength() : -1);
            putNumber(lob.getValueType() == Value.BLOB ? -1 : lob.charLength());
        }
    }

    /** Any type; what it extends a plain one by included. */
    void putType(TypeInfo type) {
        putNumber(type.getValueType());
        putNumber(type.getDeclaredPrecision());
        putNumber(type.getDeclaredScale());
        ExtTypeInfo extension = type.getExtTypeInfo();
        if (extension instanceof ExtTypeInfoEnum constants) {
            putByte(SqlReader.ENUM_TYPE);
            putCount(constants.getCount());
            for (int i = 0; i < constants.getCount(); i++) {
                putText(constants.getEnumerator(i));
            }
        } else if (extension instanceof ExtTypeInfoGeometry geometry) {
            putByte(SqlReader.GEOMETRY_TYPE);
            putNumber(geometry.getType());
            Integer reference = geometry.getSrid();
            putFlag(reference != null);
            putNumber(reference == null ? 0 : reference);
        } else if (extension instanceof ExtTypeInfoRow row) {
            putByte(SqlReader.ROW_TYPE);
            putCount(row.getFields().size());
            for (Map.Entry<String, TypeInfo> field : row.getFields()) {
                putText(field.getKey());
                putType(field.getValue());
            }
        } else if (extension instanceof TypeInfo component) {
            putByte(SqlReader.ARRAY_TYPE);
            putType(component);
        } else {
            putByte(extension == null ? SqlReader.PLAIN_TYPE : SqlReader.DECIMAL_TYPE);
        }
    }
}
