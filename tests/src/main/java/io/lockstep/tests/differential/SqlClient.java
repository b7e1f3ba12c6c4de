package io.lockstep.tests.differential;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.Reader;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.sql.Array;
import java.sql.BatchUpdateException;
import java.sql.Blob;
import java.sql.CallableStatement;
import java.sql.Clob;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.ParameterMetaData;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.regex.Pattern;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/** One session, and what it sees, as text. Owns the thread {@code sql-N}, on which everything is done. */
final class SqlClient implements AutoCloseable {
    /** Drawn by H2 from clock and chance, and told in the text of errors. */
    private static final Pattern DRAWN = Pattern.compile("(TIMESTAMP WITH TIME ZONE|UUID) '[^']*'");

    /** H2 makes such names of the numbers of objects, which go on from sequence to sequence. */
    private static final Pattern NUMBERED =
            Pattern.compile("(_COPY|PRIMARY_KEY|CONSTRAINT_INDEX|CONSTRAINT|SYSTEM_SEQUENCE)(_[-0-9A-F]+)+");

    /** What the catalog only guesses. */
    private static final Set<String> GUESSED = Set.of("CARDINALITY", "PAGES");

    private static final int KEPT_PIECE = 1 << 14;

    private final Connection connection;
    private final String schema;
    private final ExecutorService thread;
    private final Map<String, Savepoint> savepoints = new HashMap<>();
    private final Map<String, PreparedStatement> kept = new HashMap<>();
    private @Nullable Statement opened;
    private @Nullable ResultSet rows;

    SqlClient(int number, Connection connection, String schema) {
        this.connection = connection;
        this.schema = schema;
        this.thread = Executors.newSingleThreadExecutor(work -> {
            Thread made = new Thread(work, "sql-" + number);
            made.setDaemon(true);
            return made;
        });
    }

    Connection connection() {
        return connection;
    }

    /** Does it. @return everything that an application sees of it */
    CompletableFuture<String> ask(SqlStep step) {
        return CompletableFuture.supplyAsync(() -> perform(step), thread);
    }

    private String perform(SqlStep step) {
        try {
            return seen(step);
        } catch (SQLException e) {
            return failure(e);
        } catch (IOException e) {
            return "error " + e.getMessage();
        }
    }

    static String failure(SQLException e) {
        StringBuilder text =
                new StringBuilder("error " + e.getErrorCode() + " " + e.getSQLState() + " " + e.getMessage());
        text.append(" as ").append(e.getClass().getSuperclass().getSimpleName());
        if (e instanceof BatchUpdateException batch) {
            text.append(" after ").append(Arrays.toString(batch.getUpdateCounts()));
            for (SQLException next = e.getNextException(); next != null; next = next.getNextException()) {
                text.append("; ").append(next.getErrorCode()).append(' ').append(next.getMessage());
            }
        }
        return told(text.toString());
    }

    /** Without what H2 draws or numbers. */
    static String told(String text) {
        return NUMBERED.matcher(DRAWN.matcher(text).replaceAll("$1 drawn")).replaceAll("$1_N");
    }

    private String seen(SqlStep step) throws SQLException, IOException {
        if (step instanceof SqlStep.Execute execute) {
            return execute(execute);
        } else if (step instanceof SqlStep.Kept again) {
            return kept(again);
        } else if (step instanceof SqlStep.Batch batch) {
            return batch(batch);
        } else if (step instanceof SqlStep.TextBatch batch) {
            return batch(batch);
        } else if (step instanceof SqlStep.Call call) {
            return call(call);
        } else if (step instanceof SqlStep.Describe describe) {
            return describe(describe.sql());
        } else if (step instanceof SqlStep.Catalog catalog) {
            return catalog(catalog);
        } else if (step instanceof SqlStep.Open open) {
            return open(open);
        } else if (step instanceof SqlStep.Next next) {
            return next(next.rows());
        } else if (step instanceof SqlStep.Move move) {
            return move(move);
        } else if (step instanceof SqlStep.Edited edited) {
            return edit(edited);
        } else if (step instanceof SqlStep.Send send) {
            return send(send);
        } else if (step instanceof SqlStep.Receive receive) {
            return receive(receive);
        }
        return turn(step);
    }

    /** Steps of a transaction. */
    private String turn(SqlStep step) throws SQLException {
        if (step instanceof SqlStep.Commit) {
            connection.commit();
        } else if (step instanceof SqlStep.Rollback) {
            connection.rollback();
        } else if (step instanceof SqlStep.AutoCommit autoCommit) {
            connection.setAutoCommit(autoCommit.isOn());
        } else if (step instanceof SqlStep.Isolation isolation) {
            connection.setTransactionIsolation(isolation.level());
            return "level " + connection.getTransactionIsolation();
        } else if (step instanceof SqlStep.SetSavepoint set) {
            Savepoint made =
                    set.name().startsWith("*") ? connection.setSavepoint() : connection.setSavepoint(set.name());
            savepoints.put(set.name(), made);
            return "savepoint " + (set.name().startsWith("*") ? made.getSavepointId() : made.getSavepointName());
        } else if (step instanceof SqlStep.RollbackTo to) {
            Savepoint savepoint = savepoints.get(to.name());
            if (savepoint == null) {
                return "no savepoint";
            }
            connection.rollback(savepoint);
        } else if (step instanceof SqlStep.Release release) {
            Savepoint savepoint = savepoints.get(release.name());
            if (savepoint == null) {
                return "no savepoint";
            }
            connection.releaseSavepoint(savepoint);
        }
        return "done";
    }

    // ---- statements -------------------------------------------------------------------------------------------------

    private String execute(SqlStep.Execute step) throws SQLException {
        List<@Nullable Object> parameters = step.parameters();
        if (parameters == null) {
            try (Statement statement = connection.createStatement()) {
                statement.setMaxRows(step.rowsMax());
                return result(
                        statement,
                        switch (step.keys()) {
                            case NONE -> statement.execute(step.sql());
                            case FLAG -> statement.execute(step.sql(), Statement.RETURN_GENERATED_KEYS);
                            case INDEX -> statement.execute(step.sql(), new int[] {1});
                            case NAMES -> statement.execute(step.sql(), new String[] {"ID"});
                        },
                        step.keys());
            }
        }
        try (PreparedStatement statement = prepare(step.sql(), step.keys())) {
            statement.setMaxRows(step.rowsMax());
            set(statement, parameters);
            return result(statement, statement.execute(), step.keys());
        }
    }

    private PreparedStatement prepare(String sql, SqlStep.Keys keys) throws SQLException {
        return switch (keys) {
            case NONE -> connection.prepareStatement(sql);
            case FLAG -> connection.prepareStatement(sql, Statement.RETURN_GENERATED_KEYS);
            case INDEX -> connection.prepareStatement(sql, new int[] {1});
            case NAMES -> connection.prepareStatement(sql, new String[] {"ID"});
        };
    }

    private String kept(SqlStep.Kept step) throws SQLException {
        PreparedStatement statement = kept.get(step.sql());
        if (statement == null) {
            statement = connection.prepareStatement(step.sql());
            kept.put(step.sql(), statement);
        }
        set(statement, step.parameters());
        return result(statement, statement.execute(), SqlStep.Keys.NONE);
    }

    private static void set(PreparedStatement statement, List<@Nullable Object> parameters) throws SQLException {
        for (int i = 0; i < parameters.size(); i++) {
            statement.setObject(i + 1, parameters.get(i));
        }
    }

    private String result(Statement statement, boolean isQuery, SqlStep.Keys keys) throws SQLException {
        StringBuilder text = new StringBuilder();
        if (isQuery) {
            try (ResultSet rows = statement.getResultSet()) {
                header(rows.getMetaData(), text);
                take(rows, Integer.MAX_VALUE, text);
            }
        } else {
            text.append("count ").append(statement.getUpdateCount());
        }
        if (keys != SqlStep.Keys.NONE) {
            addKeys(statement, text);
        }
        if (statement.getWarnings() != null) {
            text.append(" warning ").append(statement.getWarnings().getMessage());
        }
        if (connection.getWarnings() != null) {
            text.append(" warning ").append(connection.getWarnings().getMessage());
        }
        text.append(statement.getMoreResults() ? " more" : "");
        return text.toString();
    }

    private void addKeys(Statement statement, StringBuilder text) throws SQLException {
        try (ResultSet keys = statement.getGeneratedKeys()) {
            text.append(" keys ");
            header(keys.getMetaData(), text);
            take(keys, Integer.MAX_VALUE, text);
        }
    }

    private String batch(SqlStep.Batch step) throws SQLException {
        try (PreparedStatement statement = prepare(step.sql(), step.keys())) {
            for (List<@Nullable Object> row : step.rows()) {
                set(statement, row);
                statement.addBatch();
            }
            StringBuilder text = new StringBuilder();
            try {
                text.append("counts ").append(Arrays.toString(statement.executeBatch()));
            } catch (BatchUpdateException e) {
                text.append(failure(e));
            }
            if (step.keys() != SqlStep.Keys.NONE) {
                addKeys(statement, text);
            }
            return text.toString();
        }
    }

    private String batch(SqlStep.TextBatch step) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String sql : step.texts()) {
                statement.addBatch(sql);
            }
            return "counts " + Arrays.toString(statement.executeBatch());
        }
    }

    private String call(SqlStep.Call step) throws SQLException {
        try (CallableStatement statement = connection.prepareCall(step.sql())) {
            statement.registerOutParameter(1, step.type());
            for (int i = 0; i < step.parameters().size(); i++) {
                statement.setObject(i + 2, step.parameters().get(i));
            }
            statement.execute();
            return "gives " + text(statement.getObject(1)) + (statement.wasNull() ? " null" : "");
        }
    }

    private String describe(String sql) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            StringBuilder text = new StringBuilder("takes ");
            ParameterMetaData parameters = statement.getParameterMetaData();
            for (int i = 1; i <= parameters.getParameterCount(); i++) {
                text.append(parameters.getParameterTypeName(i))
                        .append('(')
                        .append(parameters.getPrecision(i))
                        .append(',')
                        .append(parameters.getScale(i))
                        .append(',')
                        .append(parameters.isNullable(i))
                        .append(") ");
            }
            ResultSetMetaData columns = statement.getMetaData();
            text.append("gives ");
            if (columns != null) {
                header(columns, text);
            }
            return text.toString();
        }
    }

    private String catalog(SqlStep.Catalog step) throws SQLException {
        DatabaseMetaData of = connection.getMetaData();
        StringBuilder text = new StringBuilder();
        if (step.about() == SqlStep.About.PRODUCT) {
            return of.getDatabaseProductName() + " " + of.getDatabaseProductVersion() + " " + of.getSQLKeywords() + " "
                    + of.getNumericFunctions() + " " + of.getIdentifierQuoteString() + " " + of.getJDBCMajorVersion();
        }
        try (ResultSet rows =
                switch (step.about()) {
                    case TABLES -> of.getTables(null, schema, step.table(), null);
                    case COLUMNS -> of.getColumns(null, schema, step.table(), null);
                    case PRIMARY_KEYS -> of.getPrimaryKeys(null, schema, step.table());
                    case INDEXES -> of.getIndexInfo(null, schema, step.table(), false, true);
                    case IMPORTED_KEYS -> of.getImportedKeys(null, schema, step.table());
                    case EXPORTED_KEYS -> of.getExportedKeys(null, schema, step.table());
                    case PRODUCT -> throw new IllegalStateException();
                }) {
            header(rows.getMetaData(), text);
            take(rows, Integer.MAX_VALUE, text);
        }
        return withoutCatalog(text.toString());
    }

    /** The catalog is the database's name. */
    private String withoutCatalog(String text) throws SQLException {
        return told(text.replace(connection.getCatalog(), "catalog"));
    }

    // ---- cursors ----------------------------------------------------------------------------------------------------

    private String open(SqlStep.Open step) throws SQLException {
        Statement before = opened;
        if (before != null) {
            before.close();
        }
        opened = null;
        rows = null;
        Statement statement = connection.createStatement(
                step.isScrollable() ? ResultSet.TYPE_SCROLL_INSENSITIVE : ResultSet.TYPE_FORWARD_ONLY,
                step.isUpdatable() ? ResultSet.CONCUR_UPDATABLE : ResultSet.CONCUR_READ_ONLY);
        statement.setFetchSize(step.fetchSize());
        opened = statement;
        ResultSet begun = statement.executeQuery(step.sql());
        rows = begun;
        StringBuilder text = new StringBuilder();
        header(begun.getMetaData(), text);
        return text + next(step.rows());
    }

    private String next(int count) throws SQLException {
        ResultSet open = rows;
        if (open == null) {
            return "nothing is open";
        }
        StringBuilder text = new StringBuilder();
        take(open, count, text);
        return text + " at " + open.getRow();
    }

    private String move(SqlStep.Move step) throws SQLException {
        ResultSet open = rows;
        if (open == null) {
            return "nothing is open";
        }
        boolean isOnRow =
                switch (step.way()) {
                    case ABSOLUTE -> open.absolute(step.row());
                    case RELATIVE -> open.relative(step.row());
                    case PREVIOUS -> open.previous();
                    case FIRST -> open.first();
                    case LAST -> open.last();
                    case BEFORE_FIRST -> {
                        open.beforeFirst();
                        yield false;
                    }
                    case AFTER_LAST -> {
                        open.afterLast();
                        yield false;
                    }
                };
        return isOnRow + " at " + open.getRow() + (isOnRow ? " " + text(open.getObject(1)) : "") + " "
                + open.isBeforeFirst() + " " + open.isAfterLast() + " " + open.isFirst() + " " + open.isLast();
    }

    private String edit(SqlStep.Edited step) throws SQLException {
        ResultSet open = rows;
        if (open == null) {
            return "nothing is open";
        }
        switch (step.edit()) {
            case UPDATE -> {
                open.updateInt(2, step.number());
                open.updateString(3, "edit " + step.number());
                open.updateRow();
            }
            case INSERT -> {
                open.moveToInsertRow();
                open.updateInt(1, step.key());
                open.updateInt(2, step.number());
                open.updateString(3, "edit " + step.number());
                open.insertRow();
                open.moveToCurrentRow();
            }
            case DELETE -> open.deleteRow();
            case REFRESH -> open.refreshRow();
        }
        return "done at " + open.getRow() + (open.rowDeleted() ? " deleted" : "") + (open.rowUpdated() ? " new" : "");
    }

    // ---- large objects ----------------------------------------------------------------------------------------------

    private String send(SqlStep.Send step) throws SQLException, IOException {
        byte[] bytes = new byte[step.length()];
        new SplittableRandom(step.key() * 31L + step.length()).nextBytes(bytes);
        String characters = HexFormat.of().formatHex(bytes, 0, bytes.length / 2) + "äöü€";
        try (PreparedStatement statement = connection.prepareStatement(step.sql())) {
            statement.setInt(1, step.key());
            if (step.isStream()) {
                statement.setBinaryStream(2, new ByteArrayInputStream(bytes));
                statement.setCharacterStream(3, new StringReader(characters));
            } else {
                Blob blob = connection.createBlob();
                try (OutputStream out = blob.setBinaryStream(1)) {
                    for (int at = 0; at < bytes.length; at += KEPT_PIECE) {
                        out.write(bytes, at, Math.min(KEPT_PIECE, bytes.length - at));
                    }
                }
                Clob clob = connection.createClob();
                try (Writer out = clob.setCharacterStream(1)) {
                    out.write(characters);
                }
                statement.setBlob(2, blob);
                statement.setClob(3, clob);
            }
            return "count " + statement.executeUpdate();
        }
    }

    private String receive(SqlStep.Receive step) throws SQLException, IOException {
        StringBuilder text = new StringBuilder();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(step.sql())) {
            header(rows.getMetaData(), text);
            while (rows.next()) {
                text.append("| ").append(rows.getInt(1));
                Blob blob = rows.getBlob(2);
                Clob clob = rows.getClob(3);
                text.append(' ').append(blob == null ? "null" : pieces(blob, step.piece()));
                text.append(' ').append(clob == null ? "null" : pieces(clob, step.piece()));
            }
        }
        return text.toString();
    }

    private static String pieces(Blob blob, int piece) throws SQLException, IOException {
        CRC32 sum = new CRC32();
        long length = blob.length();
        for (long at = 1; at <= Math.min(length, 4L * piece); at += piece) {
            sum.update(blob.getBytes(at, piece));
        }
        try (InputStream in = blob.getBinaryStream()) {
            byte[] buffer = new byte[piece];
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                sum.update(buffer, 0, read);
            }
        }
        return length + " bytes " + sum.getValue();
    }

    private static String pieces(Clob clob, int piece) throws SQLException, IOException {
        CRC32 sum = new CRC32();
        long length = clob.length();
        for (long at = 1; at <= Math.min(length, 4L * piece); at += piece) {
            sum.update(clob.getSubString(at, piece).getBytes(StandardCharsets.UTF_8));
        }
        try (Reader in = clob.getCharacterStream()) {
            char[] buffer = new char[piece];
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                sum.update(new String(buffer, 0, read).getBytes(StandardCharsets.UTF_8));
            }
        }
        return length + " characters " + sum.getValue();
    }

    // ---- rows -------------------------------------------------------------------------------------------------------

    private void header(ResultSetMetaData columns, StringBuilder text) throws SQLException {
        StringBuilder header = new StringBuilder();
        for (int i = 1; i <= columns.getColumnCount(); i++) {
            header.append(columns.getColumnLabel(i))
                    .append(' ')
                    .append(columns.getSchemaName(i))
                    .append('.')
                    .append(columns.getTableName(i))
                    .append('.')
                    .append(columns.getColumnName(i))
                    .append(' ')
                    .append(columns.getColumnTypeName(i))
                    .append('(')
                    .append(columns.getColumnType(i))
                    .append(',')
                    .append(columns.getPrecision(i))
                    .append(',')
                    .append(columns.getScale(i))
                    .append(',')
                    .append(columns.getColumnDisplaySize(i))
                    .append(',')
                    .append(columns.isNullable(i))
                    .append(',')
                    .append(columns.isAutoIncrement(i))
                    .append(") ");
        }
        text.append(withoutCatalog(header.toString()));
    }

    private static void take(ResultSet rows, int count, StringBuilder text) throws SQLException {
        ResultSetMetaData columns = rows.getMetaData();
        for (int left = count; left > 0; left--) {
            if (!rows.next()) {
                text.append("| end");
                return;
            }
            text.append("| ");
            for (int i = 1; i <= columns.getColumnCount(); i++) {
                if (!GUESSED.contains(columns.getColumnLabel(i))) {
                    text.append(text(rows.getObject(i))).append(' ');
                }
            }
        }
    }

    private static String text(@Nullable Object value) throws SQLException {
        if (value instanceof Array array) {
            return text(array.getArray());
        } else if (value instanceof Object[] values) {
            StringBuilder text = new StringBuilder("[");
            for (Object each : values) {
                text.append(text(each)).append(' ');
            }
            return text.append(']').toString();
        } else if (value instanceof byte[] bytes) {
            return HexFormat.of().formatHex(bytes);
        } else if (value instanceof ResultSet nested) {
            StringBuilder text = new StringBuilder("(");
            take(nested, Integer.MAX_VALUE, text);
            return text.append(')').toString();
        } else if (value instanceof Blob || value instanceof Clob) {
            try {
                return value instanceof Blob blob ? pieces(blob, KEPT_PIECE) : pieces((Clob) value, KEPT_PIECE);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return value == null ? "null" : value.getClass().getSimpleName() + " " + value;
    }

    @Override
    public void close() throws SQLException {
        thread.shutdown();
        connection.close();
    }
}
