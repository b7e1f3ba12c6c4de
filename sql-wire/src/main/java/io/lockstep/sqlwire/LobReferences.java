package io.lockstep.sqlwire;

import org.h2.value.ValueLob;
import org.jspecify.annotations.Nullable;

/**
 * Large objects that travel by name instead of by content. One for each direction of a session; used by one thread at a
 * time.
 */
public interface LobReferences {
    /** Every large object travels with its message. */
    LobReferences INLINE = new LobReferences() {
        @Override
        public long nameOf(ValueLob lob) {
            return 0;
        }

        @Override
        public @Nullable ValueLob find(long name, int valueType, long bytes, long characters) {
            return null;
        }
    };

    /** The name under which the other side can ask for a large object; 0 when its content is to travel with it. */
    long nameOf(ValueLob lob);

    /**
     * The large object that the other side named; null when there is none.
     *
     * @param valueType {@code Value.BLOB} or {@code Value.CLOB}
     * @param bytes its length in bytes, -1 when unknown
     * @param characters its length in characters, -1 when unknown or a BLOB
     */
    @Nullable ValueLob find(long name, int valueType, long bytes, long characters);
}
