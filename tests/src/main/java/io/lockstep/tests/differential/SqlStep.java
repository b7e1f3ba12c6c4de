package io.lockstep.tests.differential;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What one session does next. Immutable. */
sealed interface SqlStep {
    /** How generated keys are asked for. */
    enum Keys {
        NONE,
        FLAG,
        INDEX,
        NAMES
    }

    /** Where a cursor goes. */
    enum Way {
        ABSOLUTE,
        RELATIVE,
        PREVIOUS,
        FIRST,
        LAST,
        BEFORE_FIRST,
        AFTER_LAST
    }

    /** What is done through a cursor. */
    enum Edit {
        UPDATE,
        INSERT,
        DELETE,
        REFRESH
    }

    /** What is asked of the catalog. */
    enum About {
        TABLES,
        COLUMNS,
        PRIMARY_KEYS,
        INDEXES,
        IMPORTED_KEYS,
        EXPORTED_KEYS,
        PRODUCT
    }

    /**
     * Executes a statement and takes everything that it gives.
     *
     * @param parameters null: executed as text; else prepared
     * @param rowsMax of a query; 0 for all
     */
    record Execute(String sql, @Nullable List<@Nullable Object> parameters, Keys keys, int rowsMax)
            implements SqlStep {}

    /** Executes a statement that the session has prepared once and keeps. */
    record Kept(String sql, List<@Nullable Object> parameters) implements SqlStep {}

    /** Executes a prepared statement once for each row of parameters. */
    record Batch(String sql, List<List<@Nullable Object>> rows, Keys keys) implements SqlStep {}

    /** Executes texts as one batch. */
    record TextBatch(List<String> texts) implements SqlStep {}

    /**
     * Calls; the first parameter comes back.
     *
     * @param type of the first, see {@link java.sql.Types}
     */
    record Call(String sql, int type, List<@Nullable Object> parameters) implements SqlStep {}

    /** Tells what a statement takes and gives, and does not execute it. */
    record Describe(String sql) implements SqlStep {}

    /** Asks the catalog. */
    record Catalog(About about, String table) implements SqlStep {}

    /** Opens a query, and takes the first rows. */
    record Open(String sql, int fetchSize, int rows, boolean isScrollable, boolean isUpdatable) implements SqlStep {}

    /** Takes more rows of the query that was opened last. */
    record Next(int rows) implements SqlStep {}

    /** Goes somewhere else in the query that was opened last. */
    record Move(Way way, int row) implements SqlStep {}

    /** Changes something through the query that was opened last, whose columns are a key, a number, a text. */
    record Edited(Edit edit, int key, int number) implements SqlStep {}

    /**
     * Sends a binary and a character object in pieces.
     *
     * @param sql has three parameters: a number, the binary object, the character object
     * @param isStream whether they are sent as streams; else they are made by the connection
     */
    record Send(String sql, int key, int length, boolean isStream) implements SqlStep {}

    /** Reads the binary and the character objects of a query, in pieces of so many bytes or characters. */
    record Receive(String sql, int piece) implements SqlStep {}

    record Commit() implements SqlStep {}

    record Rollback() implements SqlStep {}

    record AutoCommit(boolean isOn) implements SqlStep {}

    /**
     * Sets the level of isolation.
     *
     * @param level see {@link java.sql.Connection}
     */
    record Isolation(int level) implements SqlStep {}

    /** JDBC's own savepoints, as opposed to those of SQL; one whose name begins with a star has none in SQL. */
    record SetSavepoint(String name) implements SqlStep {}

    record RollbackTo(String name) implements SqlStep {}

    record Release(String name) implements SqlStep {}

    /** Asks nothing: what the session was left waiting with is answered by now. */
    record Settled() implements SqlStep {}

    static SqlStep text(String sql) {
        return new Execute(sql, null, Keys.NONE, 0);
    }

    static SqlStep prepared(String sql, @Nullable Object... parameters) {
        return new Execute(sql, Arrays.asList(parameters), Keys.NONE, 0);
    }

    static SqlStep withKeys(String sql, Keys keys, @Nullable Object... parameters) {
        return new Execute(sql, Arrays.asList(parameters), keys, 0);
    }
}
