package io.lockstep.tsdstore.sql;

import io.lockstep.sqlwire.LobReferences;
import org.h2.value.ValueLob;
import org.jspecify.annotations.Nullable;

/** The large objects of whichever session the lane works for. Touched only by the lane. */
final class CurrentLobs implements LobReferences {
    private LobReferences current = LobReferences.INLINE;

    void set(LobReferences lobs) {
        current = lobs;
    }

    @Override
    public long nameOf(ValueLob lob) {
        return current.nameOf(lob);
    }

    @Override
    public @Nullable ValueLob find(long name, int valueType, long bytes, long characters) {
        return current.find(name, valueType, bytes, characters);
    }
}
