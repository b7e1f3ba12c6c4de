package io.lockstep.tsdstore.sql;

import java.nio.ByteBuffer;
import org.h2.mvstore.WriteBuffer;
import org.h2.mvstore.db.ValueDataType;
import org.h2.result.SearchRow;
import org.h2.value.Value;
import org.h2.value.ValueCollectionBase;
import org.h2.value.ValueEnumBase;
import org.h2.value.ValueLob;
import org.jspecify.annotations.Nullable;

/**
 * Writes values so that {@link ValueReader} finds them equal, large objects with their content. Touched by one thread at
 * a time.
 */
final class ValueWriter {
    static final int PLAIN = 0;
    static final int BINARY_OBJECT = 1;
    static final int CHARACTER_OBJECT = 2;
    static final int ENUM = 3;
    static final int ARRAY = 4;
    static final int ROW = 5;
    /** No value at all, which is not NULL. */
    static final int ABSENT = 6;

    private final ValueDataType values = new ValueDataType();
    private final WriteBuffer out = new WriteBuffer();
    private final FrozenLobs lobs;

    ValueWriter(FrozenLobs lobs) {
        this.lobs = lobs;
    }

    ValueWriter clear() {
        out.clear();
        return this;
    }

    byte[] toBytes() {
        ByteBuffer written = out.getBuffer();
        byte[] bytes = new byte[written.position()];
        System.arraycopy(written.array(), written.arrayOffset(), bytes, 0, bytes.length);
        return bytes;
    }

    WriteBuffer out() {
        return out;
    }

    ValueWriter put(SearchRow row) {
        for (int i = 0; i < row.getColumnCount(); i++) {
            put(row.getValue(i));
        }
        return this;
    }

    ValueWriter put(@Nullable Value value) {
        if (value == null) {
            out.put((byte) ABSENT);
        } else if (value instanceof ValueLob lob) {
            byte[] content = lobs.read(lob);
            out.put((byte) (value.getValueType() == Value.BLOB ? BINARY_OBJECT : CHARACTER_OBJECT));
            out.putVarInt(content.length).put(content);
        } else if (value instanceof ValueCollectionBase collection) {
            Value[] list = collection.getList();
            out.put((byte) (value.getValueType() == Value.ARRAY ? ARRAY : ROW));
            out.putVarInt(list.length);
            for (Value each : list) {
                put(each);
            }
        } else if (value instanceof ValueEnumBase) {
            String label = value.getString();
            out.put((byte) ENUM);
            out.putVarInt(value.getInt()).putVarInt(label.length()).putStringData(label, label.length());
        } else {
            out.put((byte) PLAIN);
            values.write(out, value);
        }
        return this;
    }
}
