package io.lockstep.jdbc;

import io.lockstep.sqlwire.SqlAction;
import io.lockstep.sqlwire.SqlOutcome;
import java.time.Duration;
import org.h2.jdbc.meta.DatabaseMeta;
import org.h2.message.DbException;
import org.h2.mode.DefaultNullOrdering;
import org.h2.result.ResultInterface;
import org.h2.value.TypeInfo;
import org.h2.value.Value;
import org.h2.value.ValueArray;
import org.h2.value.ValueBoolean;
import org.h2.value.ValueInteger;
import org.h2.value.ValueNull;
import org.h2.value.ValueVarchar;
import org.jspecify.annotations.Nullable;

/** {@code DatabaseMetaData}'s questions, answered by the nodes. Safe from any thread, as its session is. */
final class NodeMetadata extends DatabaseMeta {
    /** In the order of H2's codes, see {@code org.h2.jdbc.meta.DatabaseMetaServer}. */
    private enum Question {
        DEFAULT_NULL_ORDERING,
        PRODUCT_VERSION,
        SQL_KEYWORDS,
        NUMERIC_FUNCTIONS,
        STRING_FUNCTIONS,
        SYSTEM_FUNCTIONS,
        TIME_DATE_FUNCTIONS,
        SEARCH_STRING_ESCAPE,
        PROCEDURES,
        PROCEDURE_COLUMNS,
        TABLES,
        ALL_SCHEMAS,
        CATALOGS,
        TABLE_TYPES,
        COLUMNS,
        COLUMN_PRIVILEGES,
        TABLE_PRIVILEGES,
        BEST_ROW_IDENTIFIER,
        VERSION_COLUMNS,
        PRIMARY_KEYS,
        IMPORTED_KEYS,
        EXPORTED_KEYS,
        CROSS_REFERENCE,
        TYPE_INFO,
        INDEX_INFO,
        UDTS,
        SUPER_TYPES,
        SUPER_TABLES,
        ATTRIBUTES,
        MAJOR_VERSION,
        MINOR_VERSION,
        SCHEMAS,
        FUNCTIONS,
        FUNCTION_COLUMNS,
        PSEUDO_COLUMNS
    }

    private final SqlSession session;

    NodeMetadata(SqlSession session) {
        this.session = session;
    }

    /** Asks for next to nothing. @throws DbException no active answered in time */
    static void probe(SqlSession session, long limitNs) {
        SqlOutcome unused = session.askRead(
                new SqlAction.Metadata(Question.MAJOR_VERSION.ordinal(), new Value[0], 0, 0),
                Duration.ofNanos(limitNs));
    }

    private ResultInterface ask(Question question, Value... arguments) {
        session.lock();
        try {
            int code = question.ordinal();
            SqlOutcome outcome = session.askRead(new SqlAction.Metadata(code, arguments, 0, 0));
            int name = 0;
            if (outcome instanceof SqlOutcome.NotARead) {
                name = session.nextResult();
                outcome = session.ask(new SqlAction.Metadata(code, arguments, name, 0));
            }
            return new NodeResult(session, name, session.expect(SqlOutcome.Rows.class, outcome), Integer.MAX_VALUE);
        } finally {
            session.unlock();
        }
    }

    private Value askOne(Question question) {
        try (ResultInterface result = ask(question)) {
            if (!result.next()) {
                throw DbException.getInternalError("no answer to " + question);
            }
            return result.currentRow()[0];
        }
    }

    private static Value text(@Nullable String text) {
        return text == null ? ValueNull.INSTANCE : ValueVarchar.get(text);
    }

    private Value texts(String @Nullable [] texts) {
        if (texts == null) {
            return ValueNull.INSTANCE;
        }
        Value[] values = new Value[texts.length];
        for (int i = 0; i < texts.length; i++) {
            values[i] = text(texts[i]);
        }
        return ValueArray.get(TypeInfo.TYPE_VARCHAR, values, session);
    }

    private Value numbers(int @Nullable [] numbers) {
        if (numbers == null) {
            return ValueNull.INSTANCE;
        }
        Value[] values = new Value[numbers.length];
        for (int i = 0; i < numbers.length; i++) {
            values[i] = ValueInteger.get(numbers[i]);
        }
        return ValueArray.get(TypeInfo.TYPE_INTEGER, values, session);
    }

    @Override
    public DefaultNullOrdering defaultNullOrdering() {
        return DefaultNullOrdering.valueOf(
                askOne(Question.DEFAULT_NULL_ORDERING).getInt());
    }

    @Override
    public String getDatabaseProductVersion() {
        return askOne(Question.PRODUCT_VERSION).getString();
    }

    @Override
    public String getSQLKeywords() {
        return askOne(Question.SQL_KEYWORDS).getString();
    }

    @Override
    public String getNumericFunctions() {
        return askOne(Question.NUMERIC_FUNCTIONS).getString();
    }

    @Override
    public String getStringFunctions() {
        return askOne(Question.STRING_FUNCTIONS).getString();
    }

    @Override
    public String getSystemFunctions() {
        return askOne(Question.SYSTEM_FUNCTIONS).getString();
    }

    @Override
    public String getTimeDateFunctions() {
        return askOne(Question.TIME_DATE_FUNCTIONS).getString();
    }

    @Override
    public String getSearchStringEscape() {
        return askOne(Question.SEARCH_STRING_ESCAPE).getString();
    }

    @Override
    public ResultInterface getProcedures(
            @Nullable String catalog, @Nullable String schemas, @Nullable String procedures) {
        return ask(Question.PROCEDURES, text(catalog), text(schemas), text(procedures));
    }

    @Override
    public ResultInterface getProcedureColumns(
            @Nullable String catalog, @Nullable String schemas, @Nullable String procedures, @Nullable String columns) {
        return ask(Question.PROCEDURE_COLUMNS, text(catalog), text(schemas), text(procedures), text(columns));
    }

    @Override
    public ResultInterface getTables(
            @Nullable String catalog, @Nullable String schemas, @Nullable String tables, String @Nullable [] types) {
        return ask(Question.TABLES, text(catalog), text(schemas), text(tables), texts(types));
    }

    @Override
    public ResultInterface getSchemas() {
        return ask(Question.ALL_SCHEMAS);
    }

    @Override
    public ResultInterface getCatalogs() {
        return ask(Question.CATALOGS);
    }

    @Override
    public ResultInterface getTableTypes() {
        return ask(Question.TABLE_TYPES);
    }

    @Override
    public ResultInterface getColumns(
            @Nullable String catalog, @Nullable String schemas, @Nullable String tables, @Nullable String columns) {
        return ask(Question.COLUMNS, text(catalog), text(schemas), text(tables), text(columns));
    }

    @Override
    public ResultInterface getColumnPrivileges(
            @Nullable String catalog, @Nullable String schema, @Nullable String table, @Nullable String columns) {
        return ask(Question.COLUMN_PRIVILEGES, text(catalog), text(schema), text(table), text(columns));
    }

    @Override
    public ResultInterface getTablePrivileges(
            @Nullable String catalog, @Nullable String schemas, @Nullable String tables) {
        return ask(Question.TABLE_PRIVILEGES, text(catalog), text(schemas), text(tables));
    }

    @Override
    public ResultInterface getBestRowIdentifier(
            @Nullable String catalog, @Nullable String schema, @Nullable String table, int scope, boolean nullable) {
        return ask(
                Question.BEST_ROW_IDENTIFIER,
                text(catalog),
                text(schema),
                text(table),
                ValueInteger.get(scope),
                ValueBoolean.get(nullable));
    }

    @Override
    public ResultInterface getVersionColumns(
            @Nullable String catalog, @Nullable String schema, @Nullable String table) {
        return ask(Question.VERSION_COLUMNS, text(catalog), text(schema), text(table));
    }

    @Override
    public ResultInterface getPrimaryKeys(@Nullable String catalog, @Nullable String schema, @Nullable String table) {
        return ask(Question.PRIMARY_KEYS, text(catalog), text(schema), text(table));
    }

    @Override
    public ResultInterface getImportedKeys(@Nullable String catalog, @Nullable String schema, @Nullable String table) {
        return ask(Question.IMPORTED_KEYS, text(catalog), text(schema), text(table));
    }

    @Override
    public ResultInterface getExportedKeys(@Nullable String catalog, @Nullable String schema, @Nullable String table) {
        return ask(Question.EXPORTED_KEYS, text(catalog), text(schema), text(table));
    }

    @Override
    public ResultInterface getCrossReference(
            @Nullable String primaryCatalog,
            @Nullable String primarySchema,
            @Nullable String primaryTable,
            @Nullable String foreignCatalog,
            @Nullable String foreignSchema,
            @Nullable String foreignTable) {
        return ask(
                Question.CROSS_REFERENCE,
                text(primaryCatalog),
                text(primarySchema),
                text(primaryTable),
                text(foreignCatalog),
                text(foreignSchema),
                text(foreignTable));
    }

    @Override
    public ResultInterface getTypeInfo() {
        return ask(Question.TYPE_INFO);
    }

    @Override
    public ResultInterface getIndexInfo(
            @Nullable String catalog,
            @Nullable String schema,
            @Nullable String table,
            boolean unique,
            boolean approximate) {
        return ask(
                Question.INDEX_INFO,
                text(catalog),
                text(schema),
                text(table),
                ValueBoolean.get(unique),
                ValueBoolean.get(approximate));
    }

    @Override
    public ResultInterface getUDTs(
            @Nullable String catalog, @Nullable String schemas, @Nullable String types, int @Nullable [] codes) {
        return ask(Question.UDTS, text(catalog), text(schemas), text(types), numbers(codes));
    }

    @Override
    public ResultInterface getSuperTypes(@Nullable String catalog, @Nullable String schemas, @Nullable String types) {
        return ask(Question.SUPER_TYPES, text(catalog), text(schemas), text(types));
    }

    @Override
    public ResultInterface getSuperTables(@Nullable String catalog, @Nullable String schemas, @Nullable String tables) {
        return ask(Question.SUPER_TABLES, text(catalog), text(schemas), text(tables));
    }

    @Override
    public ResultInterface getAttributes(
            @Nullable String catalog, @Nullable String schemas, @Nullable String types, @Nullable String attributes) {
        return ask(Question.ATTRIBUTES, text(catalog), text(schemas), text(types), text(attributes));
    }

    @Override
    public int getDatabaseMajorVersion() {
        return askOne(Question.MAJOR_VERSION).getInt();
    }

    @Override
    public int getDatabaseMinorVersion() {
        return askOne(Question.MINOR_VERSION).getInt();
    }

    @Override
    public ResultInterface getSchemas(@Nullable String catalog, @Nullable String schemas) {
        return ask(Question.SCHEMAS, text(catalog), text(schemas));
    }

    @Override
    public ResultInterface getFunctions(
            @Nullable String catalog, @Nullable String schemas, @Nullable String functions) {
        return ask(Question.FUNCTIONS, text(catalog), text(schemas), text(functions));
    }

    @Override
    public ResultInterface getFunctionColumns(
            @Nullable String catalog, @Nullable String schemas, @Nullable String functions, @Nullable String columns) {
        return ask(Question.FUNCTION_COLUMNS, text(catalog), text(schemas), text(functions), text(columns));
    }

    @Override
    public ResultInterface getPseudoColumns(
            @Nullable String catalog, @Nullable String schemas, @Nullable String tables, @Nullable String columns) {
        return ask(Question.PSEUDO_COLUMNS, text(catalog), text(schemas), text(tables), text(columns));
    }
}
