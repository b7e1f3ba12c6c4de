package io.lockstep.tsdstore.sql;

import java.io.ByteArrayInputStream;
import java.io.StringReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.h2.engine.SessionLocal;
import org.h2.mvstore.DataUtils;
import org.h2.mvstore.db.ValueDataType;
import org.h2.store.LobStorageInterface;
import org.h2.table.Column;
import org.h2.value.TypeInfo;
import org.h2.value.Value;
import org.h2.value.ValueArray;
import org.h2.value.ValueEnumBase;
import org.h2.value.ValueInteger;
import org.h2.value.ValueLob;
import org.h2.value.ValueRow;
import org.jspecify.annotations.Nullable;

/** Reads what a {@link ValueWriter} wrote, into one database. Touched by one thread at a time. */
final class ValueReader {
    private final ValueDataType values = new ValueDataType();
    private final SessionLocal session;
    private final List<ValueLob> made = new ArrayList<>();

    ValueReader(SessionLocal session) {
        this.session = session;
    }

    /** The values of a row of these columns. */
    @Nullable Value[] row(ByteBuffer in, Column[] columns) {
        @Nullable Value[] row = new Value[columns.length];
        for (int i = 0; i < row.length; i++) {
            TypeInfo type = columns[i].getType();
            Value value = value(in, type);
            row[i] = value == null || isStoredAs(type, value) ? value : value.convertTo(type, session);
        }
        return row;
    }

    private static boolean isStoredAs(TypeInfo type, Value value) {
        return value.getValueType() == Value.NULL
                || (value.getValueType() == type.getValueType() && type.getExtTypeInfo() == null);
    }

    /** A value of no certain type. */
    @Nullable Value value(ByteBuffer in) {
        return value(in, TypeInfo.TYPE_UNKNOWN);
    }

    private @Nullable Value value(ByteBuffer in, TypeInfo type) {
        LobStorageInterface objects = session.getDatabase().getLobStorage();
        int kind = in.get();
        return switch (kind) {
            case ValueWriter.ABSENT -> null;
            case ValueWriter.BINARY_OBJECT -> {
                byte[] bytes = bytes(in);
                yield made(objects.createBlob(new ByteArrayInputStream(bytes), bytes.length));
            }
            case ValueWriter.CHARACTER_OBJECT -> {
                String text = new String(bytes(in), StandardCharsets.UTF_8);
                yield made(objects.createClob(new StringReader(text), text.length()));
            }
            case ValueWriter.ARRAY ->
                ValueArray.get(
                        list(in, type.getExtTypeInfo() instanceof TypeInfo each ? each : TypeInfo.TYPE_UNKNOWN),
                        session);
            case ValueWriter.ROW -> ValueRow.get(list(in, TypeInfo.TYPE_UNKNOWN));
            case ValueWriter.ENUM -> {
                int ordinal = DataUtils.readVarInt(in);
                String label = DataUtils.readString(in);
                yield type.getValueType() == Value.ENUM
                        ? ValueInteger.get(ordinal).convertTo(type, session)
                        : ValueEnumBase.get(label, ordinal);
            }
            case ValueWriter.PLAIN -> values.read(in);
            default -> throw new IllegalArgumentException("unknown kind of value " + kind);
        };
    }

    /** What is of use in the database by now has content of its own. */
    void forgetObjects() {
        made.forEach(ValueLob::remove);
        made.clear();
    }

    private ValueLob made(ValueLob lob) {
        made.add(lob);
        return lob;
    }

    private Value[] list(ByteBuffer in, TypeInfo type) {
        Value[] list = new Value[DataUtils.readVarInt(in)];
        for (int i = 0; i < list.length; i++) {
            Value value = value(in, type);
            if (value == null) {
                throw new IllegalArgumentException("a list without one of its values");
            }
            list[i] = value;
        }
        return list;
    }

    private static byte[] bytes(ByteBuffer in) {
        int length = DataUtils.readVarInt(in);
        if (length < 0 || length > in.remaining()) {
            throw new IllegalArgumentException("length " + length + " of " + in.remaining());
        }
        byte[] bytes = new byte[length];
        in.get(bytes);
        return bytes;
    }
}
