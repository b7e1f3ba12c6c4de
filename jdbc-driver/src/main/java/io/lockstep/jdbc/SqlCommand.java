package io.lockstep.jdbc;

import io.lockstep.sqlwire.GeneratedKeys;
import io.lockstep.sqlwire.SqlAction;
import io.lockstep.sqlwire.SqlColumn;
import io.lockstep.sqlwire.SqlOutcome;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.h2.api.ErrorCode;
import org.h2.command.CommandInterface;
import org.h2.engine.GeneratedKeysMode;
import org.h2.engine.SysProperties;
import org.h2.expression.ParameterInterface;
import org.h2.message.DbException;
import org.h2.result.BatchResult;
import org.h2.result.MergedResult;
import org.h2.result.ResultInterface;
import org.h2.result.ResultWithGeneratedKeys;
import org.h2.value.Value;
import org.h2.value.ValueNull;
import org.jspecify.annotations.Nullable;

/**
 * One statement: of a prepared statement, or text that is executed as it is and prepared only if it must be known what it
 * is. Used by one thread at a time, as the statement that owns it is, but for {@link #cancel}.
 */
final class SqlCommand implements CommandInterface {
    /** Rows of a batch in one message; the lane does nothing else meanwhile. */
    private static final int BATCH_ROWS_MAX = 1_000;

    private static final long BATCH_BYTES_MAX = 1 << 20;
    /** A statement that was refused as a read is an ordered message for so many times. */
    private static final int READS_SKIPPED = 16;

    private static final Value[] NO_VALUES = new Value[0];

    private final SqlSession session;
    private final String sql;
    private StatementCache.@Nullable Entry entry;
    private @Nullable ArrayList<SqlParameter> parameters;
    private boolean isClosed;
    /** Whether the execution of now is to end; set from any thread. */
    private volatile boolean isCancelled;

    SqlCommand(SqlSession session, String sql, StatementCache.@Nullable Entry entry) {
        this.session = session;
        this.sql = sql;
        this.entry = entry;
    }

    private StatementCache.Entry prepared() {
        StatementCache.Entry known = entry;
        if (known == null) {
            session.lock();
            try {
                known = session.statements().open(sql);
                entry = known;
            } finally {
                session.unlock();
            }
        }
        return known;
    }

    private SqlText.Kind kind() {
        StatementCache.Entry known = entry;
        if (known != null) {
            return known.prepared.isQuery() ? SqlText.Kind.QUERY : SqlText.Kind.UPDATE;
        }
        return SqlText.kind(sql);
    }

    // ---- what it is -----------------------------------------------------------------------------------------------

    @Override
    public int getCommandType() {
        return prepared().prepared.commandType();
    }

    @Override
    public boolean isQuery() {
        return switch (kind()) {
            case QUERY -> true;
            case UPDATE -> false;
            case UNKNOWN -> prepared().prepared.isQuery();
        };
    }

    @Override
    @SuppressWarnings("NonApiType") // H2's signature
    public ArrayList<? extends ParameterInterface> getParameters() {
        ArrayList<SqlParameter> known = parameters;
        if (known == null) {
            known = new ArrayList<>();
            for (SqlOutcome.Parameter parameter : prepared().prepared.parameters()) {
                known.add(new SqlParameter(known.size(), parameter));
            }
            parameters = known;
        }
        return known;
    }

    @Override
    public @Nullable ResultInterface getMetaData() {
        List<SqlColumn> columns = prepared().prepared.columns();
        return columns == null ? null : NodeResult.empty(session, columns);
    }

    // ---- executing it ---------------------------------------------------------------------------------------------

    @Override
    public ResultInterface executeQuery(long maxRows, int fetchSize, boolean scrollable) {
        session.begin(this);
        try {
            checkParameters();
            if (!isQuery()) {
                prepared(); // what the text itself is guilty of comes first
                throw DbException.get(ErrorCode.METHOD_ONLY_ALLOWED_FOR_QUERY).addSQL(sql);
            }
            @Nullable Value[] values = values();
            int rows = fetchSize == SysProperties.SERVER_RESULT_SET_FETCH_SIZE ? session.fetchRows() : fetchSize;
            if (mayRead()) {
                SqlOutcome outcome = session.askRead(execute(values, GeneratedKeys.NONE, maxRows, 0, 0));
                noteRead(outcome);
                if (outcome instanceof SqlOutcome.Rows read) {
                    return new NodeResult(session, 0, read, fetchSize);
                }
            }
            int name = session.nextResult();
            SqlOutcome outcome = session.ask(execute(values, GeneratedKeys.NONE, maxRows, name, rows));
            NodeResult result =
                    new NodeResult(session, name, session.expect(SqlOutcome.Rows.class, outcome), fetchSize);
            executed();
            return result;
        } finally {
            isCancelled = false;
            session.finish();
        }
    }

    /** Whether it is asked as a read first, this time; a node looks closer. */
    private boolean mayRead() {
        StatementCache.Entry known = entry;
        if (!session.mayRead()) {
            return false;
        }
        if (known == null) {
            return SqlText.mayBeRead(sql);
        }
        if (known.readsSkipped > 0) {
            known.readsSkipped--;
            return false;
        }
        return known.prepared.isReadable();
    }

    private void noteRead(SqlOutcome outcome) {
        StatementCache.Entry known = entry;
        if (known != null && outcome instanceof SqlOutcome.NotARead) {
            known.readsSkipped = READS_SKIPPED;
        }
    }

    @Override
    public ResultWithGeneratedKeys executeUpdate(@Nullable Object generatedKeysRequest) {
        session.begin(this);
        try {
            checkParameters();
            if (isQuery()) {
                return executeQueryAsUpdate();
            }
            SqlOutcome outcome = session.ask(execute(values(), keys(generatedKeysRequest), 0, 0, 0));
            SqlOutcome.Updated updated = session.expect(SqlOutcome.Updated.class, outcome);
            executed();
            SqlOutcome.Rows keys = updated.keys();
            return keys == null
                    ? ResultWithGeneratedKeys.of(updated.count())
                    : new ResultWithGeneratedKeys.WithKeys(
                            updated.count(), new NodeResult(session, 0, keys, Integer.MAX_VALUE));
        } finally {
            isCancelled = false;
            session.finish();
        }
    }

    /** H2 takes a procedure's call for both; every other query has no count. */
    private ResultWithGeneratedKeys executeQueryAsUpdate() {
        if (getCommandType() != CALL) {
            throw DbException.get(ErrorCode.METHOD_NOT_ALLOWED_FOR_QUERY).addSQL(sql);
        }
        try (ResultInterface result = executeQuery(0, SysProperties.SERVER_RESULT_SET_FETCH_SIZE, false)) {
            boolean hasValue = result.next() && result.getVisibleColumnCount() == 1;
            Value value = hasValue ? result.currentRow()[0] : ValueNull.INSTANCE;
            return ResultWithGeneratedKeys.of(value.getValueType() == Value.NULL ? 0 : value.getInt());
        }
    }

    @Override
    @SuppressWarnings("NonApiType") // H2's signature
    public BatchResult executeBatchUpdate(ArrayList<Value[]> batch, @Nullable Object generatedKeysRequest) {
        session.begin(this);
        try {
            if (isQuery()) {
                return failEach(batch.size());
            }
            GeneratedKeys keys = keys(generatedKeysRequest);
            long[] counts = new long[batch.size()];
            List<SQLException> failures = new ArrayList<>();
            MergedResult allKeys = null;
            for (int from = 0; from < batch.size(); ) {
                int to = endOfPiece(batch, from);
                SqlOutcome.Batched piece =
                        session.expect(SqlOutcome.Batched.class, session.ask(batch(batch.subList(from, to), keys)));
                System.arraycopy(piece.counts(), 0, counts, from, Math.min(to - from, piece.counts().length));
                piece.failures().forEach(failed -> failures.add(SqlSession.toSqlException(failed)));
                SqlOutcome.Rows pieceKeys = piece.keys();
                if (pieceKeys != null) {
                    allKeys = allKeys == null ? new MergedResult() : allKeys;
                    allKeys.add(new NodeResult(session, 0, pieceKeys, Integer.MAX_VALUE));
                }
                from = to;
            }
            executed();
            return new BatchResult(counts, allKeys == null ? null : allKeys.getResult(), failures);
        } finally {
            isCancelled = false;
            session.finish();
        }
    }

    private BatchResult failEach(int size) {
        long[] counts = new long[size];
        Arrays.fill(counts, java.sql.Statement.EXECUTE_FAILED);
        List<SQLException> failures = new ArrayList<>();
        for (int i = 0; i < size; i++) {
            failures.add(DbException.toSQLException(
                    DbException.get(ErrorCode.METHOD_NOT_ALLOWED_FOR_QUERY).addSQL(sql)));
        }
        return new BatchResult(counts, null, failures);
    }

    private static int endOfPiece(List<Value[]> batch, int from) {
        int to = from;
        for (long bytes = 0; to < batch.size() && to - from < BATCH_ROWS_MAX; to++) {
            for (Value value : batch.get(to)) {
                bytes += value.getMemory();
            }
            if (bytes > BATCH_BYTES_MAX && to > from) {
                break;
            }
        }
        return to;
    }

    private SqlAction.Batch batch(List<Value[]> rows, GeneratedKeys keys) {
        List<@Nullable Value[]> values = new ArrayList<>(rows.size());
        for (Value[] row : rows) {
            values.add(session.lobs().portable(row));
        }
        StatementCache.Entry known = entry;
        return new SqlAction.Batch(known == null ? 0 : known.number, known == null ? sql : null, values, keys, 0);
    }

    private SqlAction.Execute execute(
            @Nullable Value[] values, GeneratedKeys keys, long maxRows, int result, int rows) {
        StatementCache.Entry known = entry;
        return new SqlAction.Execute(
                known == null ? 0 : known.number,
                known == null ? sql : null,
                values,
                keys,
                maxRows,
                result,
                rows,
                0,
                false);
    }

    private void executed() {
        StatementCache.Entry known = entry;
        session.executed(sql, known == null ? SqlText.commandType(sql) : known.prepared.commandType());
    }

    private void checkParameters() {
        ArrayList<SqlParameter> known = parameters;
        StatementCache.Entry statement = entry;
        if (known == null
                && statement != null
                && !statement.prepared.parameters().isEmpty()) {
            getParameters();
            known = parameters;
        }
        if (known != null && statement != null && statement.prepared.commandType() != EXPLAIN) {
            try {
                known.forEach(ParameterInterface::checkSet);
            } catch (DbException e) {
                throw e.addSQL(sql);
            }
        }
    }

    private @Nullable Value[] values() {
        ArrayList<SqlParameter> known = parameters;
        if (known == null || known.isEmpty()) {
            return NO_VALUES;
        }
        @Nullable Value[] values = new Value[known.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = known.get(i).getParamValue();
        }
        return session.lobs().portable(values);
    }

    private static GeneratedKeys keys(@Nullable Object request) {
        return switch (GeneratedKeysMode.valueOf(request)) {
            case GeneratedKeysMode.AUTO -> GeneratedKeys.ALL;
            case GeneratedKeysMode.COLUMN_NUMBERS ->
                new GeneratedKeys.ByIndex(
                        request instanceof int[] numbers
                                ? Arrays.stream(numbers).boxed().toList()
                                : List.of());
            case GeneratedKeysMode.COLUMN_NAMES ->
                new GeneratedKeys.ByName(request instanceof String[] names ? List.of(names) : List.of());
            default -> GeneratedKeys.NONE;
        };
    }

    // ---- its end --------------------------------------------------------------------------------------------------

    @Override
    public void stop(boolean commitIfAutoCommit) {}

    /** From any thread: the execution of now ends early, if it still can. */
    @Override
    public void cancel() {
        isCancelled = true; // before looking for a request, so that one that is about to be sent sees it
        session.cancelPending();
    }

    boolean isCancelled() {
        return isCancelled;
    }

    @Override
    public void close() {
        StatementCache.Entry known = entry;
        if (isClosed || session.isClosed()) {
            return;
        }
        isClosed = true;
        if (known != null) {
            session.lock();
            try {
                session.statements().release(known);
            } finally {
                session.unlock();
            }
        }
    }

    @Override
    public String toString() {
        return sql;
    }
}
