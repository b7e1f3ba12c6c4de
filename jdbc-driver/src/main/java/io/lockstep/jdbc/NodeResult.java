package io.lockstep.jdbc;

import io.lockstep.sqlwire.SqlAction;
import io.lockstep.sqlwire.SqlColumn;
import io.lockstep.sqlwire.SqlOutcome;
import java.util.List;
import org.h2.api.ErrorCode;
import org.h2.engine.Session;
import org.h2.message.DbException;
import org.h2.result.ResultInterface;
import org.h2.value.TypeInfo;
import org.h2.value.Value;
import org.jspecify.annotations.Nullable;

/**
 * Rows of a result that a node may keep the rest of: what is not at hand is asked for by its row number, so that a
 * takeover in the middle changes nothing. Used by one thread at a time, as its statement is.
 */
final class NodeResult implements ResultInterface {
    private final SqlSession session;
    private final List<SqlColumn> columns;
    private final long totalRows;
    /** What the nodes call it; 0 when they keep nothing of it. */
    private int name;

    private int fetchSize;
    /** Some rows in order; null when closed. */
    private @Nullable List<Value[]> rows;
    /** Number of the first of them, from 0. */
    private long firstRow;
    /** -1 before the first row, {@code totalRows} after the last. */
    private long rowId = -1;

    NodeResult(SqlSession session, int name, SqlOutcome.Rows first, int fetchSize) {
        this.session = session;
        this.columns = first.columns() == null ? List.of() : first.columns();
        this.totalRows = first.totalRows();
        this.rows = first.rows();
        this.firstRow = first.firstRow();
        this.fetchSize = fetchSize;
        this.name = first.isOpen() ? name : 0;
    }

    private NodeResult(SqlSession session, List<SqlColumn> columns, List<Value[]> rows) {
        this(session, 0, new SqlOutcome.Rows(columns, rows, 0, rows.size(), false), Integer.MAX_VALUE);
    }

    /** Columns without rows. */
    static NodeResult empty(SqlSession session, List<SqlColumn> columns) {
        return new NodeResult(session, columns, List.of());
    }

    @Override
    public void reset() {
        rowId = -1;
    }

    @Override
    public Value @Nullable [] currentRow() {
        return rowId < 0 || rowId >= totalRows ? null : row(rowId);
    }

    @Override
    public boolean next() {
        if (rowId < totalRows) {
            rowId++;
        }
        if (rowId >= totalRows) {
            return false;
        }
        row(rowId);
        return true;
    }

    private Value[] row(long number) {
        List<Value[]> now = rows;
        if (now == null) {
            throw DbException.get(ErrorCode.OBJECT_CLOSED);
        }
        long index = number - firstRow;
        if (index < 0 || index >= now.size()) {
            now = fetch(number);
            index = number - firstRow;
        }
        return now.get((int) index);
    }

    private List<Value[]> fetch(long from) {
        if (name == 0) {
            throw DbException.getInternalError("row " + from + " of " + totalRows + " is not here");
        }
        SqlAction.Fetch action = new SqlAction.Fetch(name, from, fetchSize == Integer.MAX_VALUE ? 0 : fetchSize);
        SqlOutcome.Rows more = session.expect(SqlOutcome.Rows.class, session.askReadFirst(action, action));
        if (more.rows().isEmpty() || more.firstRow() != from) {
            throw DbException.getInternalError("asked for row " + from + ", got " + more.firstRow());
        }
        rows = more.rows();
        firstRow = from;
        return more.rows();
    }

    @Override
    public long getRowId() {
        return rowId;
    }

    @Override
    public boolean isAfterLast() {
        return rowId >= totalRows;
    }

    @Override
    public boolean hasNext() {
        return rowId < totalRows - 1;
    }

    @Override
    public int getVisibleColumnCount() {
        return columns.size();
    }

    @Override
    public long getRowCount() {
        return totalRows;
    }

    @Override
    public boolean needToClose() {
        return true;
    }

    /** The nodes forget it with the next ordered message. */
    @Override
    public void close() {
        rows = null;
        int left = name;
        name = 0;
        if (left != 0 && !session.isClosed()) {
            session.giveUpResult(left);
        }
    }

    @Override
    public String getAlias(int column) {
        return columns.get(column).alias();
    }

    @Override
    public @Nullable String getSchemaName(int column) {
        return columns.get(column).schema();
    }

    @Override
    public @Nullable String getTableName(int column) {
        return columns.get(column).table();
    }

    @Override
    public @Nullable String getColumnName(int column) {
        return columns.get(column).column();
    }

    @Override
    public TypeInfo getColumnType(int column) {
        return columns.get(column).type();
    }

    @Override
    public boolean isIdentity(int column) {
        return columns.get(column).isIdentity();
    }

    @Override
    public int getNullable(int column) {
        return columns.get(column).nullable();
    }

    @Override
    public void setFetchSize(int rows) {
        fetchSize = rows;
    }

    @Override
    public int getFetchSize() {
        return fetchSize;
    }

    @Override
    public boolean isLazy() {
        return false;
    }

    @Override
    public boolean isClosed() {
        return rows == null;
    }

    @Override
    public @Nullable ResultInterface createShallowCopy(Session targetSession) {
        return null;
    }
}
