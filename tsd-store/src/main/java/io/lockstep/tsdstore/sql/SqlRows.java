package io.lockstep.tsdstore.sql;

import io.lockstep.sqlwire.SqlColumn;
import io.lockstep.sqlwire.SqlOutcome;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.h2.result.ResultInterface;
import org.h2.value.Value;
import org.jspecify.annotations.Nullable;

/** H2's results as values of our own. Safe from any thread, because nothing is kept. */
final class SqlRows {
    /** What a row takes beside its values. */
    static final int ROW_BYTES = 32;

    private SqlRows() {}

    /** Columns of a result. @throws org.h2.message.DbException one has a type that does not travel */
    static List<SqlColumn> columns(ResultInterface result) {
        int count = result.getVisibleColumnCount();
        List<SqlColumn> columns = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            if (result.getColumnType(i).getValueType() == Value.JAVA_OBJECT) {
                throw SqlErrors.refused("JAVA_OBJECT: column " + result.getAlias(i));
            }
            columns.add(new SqlColumn(
                    result.getAlias(i),
                    result.getSchemaName(i),
                    result.getTableName(i),
                    result.getColumnName(i),
                    result.getColumnType(i),
                    result.isIdentity(i),
                    result.getNullable(i)));
        }
        return columns;
    }

    /**
     * Columns of a result: those known from before, unless a parameter's value has changed the type of one, or a definition
     * what it takes: H2 does not parse anew for that.
     */
    static List<SqlColumn> columns(ResultInterface result, List<SqlColumn> known) {
        for (int i = 0; i < known.size(); i++) {
            SqlColumn column = known.get(i);
            if (!column.type().equals(result.getColumnType(i)) || column.nullable() != result.getNullable(i)) {
                return columns(result);
            }
        }
        return known;
    }

    /**
     * All rows of a result, which is closed afterwards.
     *
     * @return null when they take more than so many bytes of memory
     */
    static @Nullable SqlResult materialize(ResultInterface result, long bytesMax) {
        int count = result.getVisibleColumnCount();
        List<Value[]> rows = new ArrayList<>((int) Math.min(result.getRowCount(), 1 << 16));
        long bytes = 0;
        try {
            while (result.next()) {
                Value[] row = result.currentRow();
                if (row.length != count) {
                    row = Arrays.copyOf(row, count);
                }
                rows.add(row);
                bytes += ROW_BYTES;
                for (Value value : row) {
                    bytes += value.getMemory();
                }
                if (bytes > bytesMax) {
                    return null;
                }
            }
        } finally {
            result.close();
        }
        return new SqlResult(rows, bytes);
    }

    /** Whether a value in it is too long to travel within an answer. */
    static boolean hasLongObjects(SqlResult result) {
        for (Value[] row : result.rows()) {
            for (Value value : row) {
                if (SessionLobs.isLong(value)) {
                    return true;
                }
            }
        }
        return false;
    }

    /** The number of rows from there on that fit into one answer; 1 at least, where there is one. */
    static int fitting(List<Value[]> rows, int from, int rowsMax, long bytesMax) {
        int count = 0;
        long bytes = 0;
        for (int i = from; i < rows.size() && count < rowsMax; i++) {
            for (Value value : rows.get(i)) {
                bytes += value.getMemory();
            }
            if (count > 0 && bytes > bytesMax) {
                break;
            }
            count++;
        }
        return count;
    }

    /** Rows of an open result. */
    static SqlOutcome.Rows fetch(SqlResult result, long fromRow, int rowsMax, long bytesMax) {
        int total = result.rows().size();
        int from = (int) Math.min(fromRow, total);
        int count = fitting(result.rows(), from, rowsMax, bytesMax);
        return new SqlOutcome.Rows(null, result.rows().subList(from, from + count), from, total, true);
    }
}
