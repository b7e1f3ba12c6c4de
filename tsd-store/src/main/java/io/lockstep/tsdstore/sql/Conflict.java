package io.lockstep.tsdstore.sql;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An attempt met a lock.
 *
 * @param row the row; null when it is not known, or when what is locked is no row
 * @param holders sessions that could have it
 * @param needsAll whether all of them must end (a table lock), not just one (a row)
 * @param table its name; null when H2 would not say it
 * @param lockedTable the table's name where H2's lock timeout would name it
 */
record Conflict(
        @Nullable RowName row,
        List<SqlSession> holders,
        boolean needsAll,
        @Nullable String table,
        @Nullable String lockedTable) {}
