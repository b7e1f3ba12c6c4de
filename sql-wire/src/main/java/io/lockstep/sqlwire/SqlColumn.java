package io.lockstep.sqlwire;

import org.h2.value.TypeInfo;
import org.jspecify.annotations.Nullable;

/**
 * A column of a result, as {@code ResultSetMetaData} shows it.
 *
 * @param nullable H2's code: {@code java.sql.ResultSetMetaData.columnNullable} and its neighbours
 */
public record SqlColumn(
        String alias,
        @Nullable String schema,
        @Nullable String table,
        @Nullable String column,
        TypeInfo type,
        boolean isIdentity,
        int nullable) {}
