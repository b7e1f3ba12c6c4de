package io.lockstep.sqlwire;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Columns as they were last written and read, so that those of a statement that is executed again and again are encoded
 * and decoded once. Used by one thread at a time.
 */
final class ColumnsCache {
    private static final int READ_MAX = 8;
    /** Longer encodings are not kept: such columns come with many rows. */
    private static final int KEPT_MAX_BYTES = 4_096;

    private @Nullable List<SqlColumn> written;
    private byte[] writtenBytes = new byte[0];
    private final byte[][] readBytes = new byte[READ_MAX][];
    private final List<SqlColumn>[] read = newLists();
    private int next;

    @SuppressWarnings({"unchecked", "rawtypes"}) // Java has no arrays of generic types
    private static List<SqlColumn>[] newLists() {
        return new List[READ_MAX];
    }

    /** How the same list was written before; null when it was another, equal or not: to compare would cost as much. */
    @SuppressWarnings("ReferenceEquality")
    byte @Nullable [] encodingOf(List<SqlColumn> columns) {
        return columns == written ? writtenBytes : null;
    }

    /** @param bytes all of the columns' encoding; neither changes any more */
    void wrote(List<SqlColumn> columns, byte[] bytes) {
        if (bytes.length <= KEPT_MAX_BYTES) {
            written = columns;
            writtenBytes = bytes;
        }
    }

    /** Columns that were read before from the same bytes as come next, which are skipped; null when these are new. */
    @Nullable List<SqlColumn> readAgain(SqlReader in) {
        for (int i = 0; i < READ_MAX; i++) {
            byte[] known = readBytes[i];
            if (known != null && in.skip(known)) {
                return read[i];
            }
        }
        return null;
    }

    void read(List<SqlColumn> columns, byte[] bytes) {
        if (bytes.length <= KEPT_MAX_BYTES) {
            read[next] = columns;
            readBytes[next] = bytes;
            next = (next + 1) % READ_MAX;
        }
    }
}
