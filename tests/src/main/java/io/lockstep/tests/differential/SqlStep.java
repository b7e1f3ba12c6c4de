package io.lockstep.tests.differential;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** What one session does next. Immutable. */
sealed interface SqlStep {
    /**
     * Executes a statement and takes everything that it gives.
     *
     * @param parameters null: executed as text; else prepared
     * @param hasKeys whether generated keys are asked for
     */
    record Execute(String sql, @Nullable List<Object> parameters, boolean hasKeys) implements SqlStep {}

    /** Executes a prepared statement once for each row of parameters. */
    record Batch(String sql, List<List<Object>> rows) implements SqlStep {}

    /** Opens a query, and takes the first rows. */
    record Open(String sql, int fetchSize, int rows) implements SqlStep {}

    /** Takes more rows of the query that was opened last. */
    record Next(int rows) implements SqlStep {}

    record Commit() implements SqlStep {}

    record Rollback() implements SqlStep {}

    record AutoCommit(boolean isOn) implements SqlStep {}

    /** JDBC's own savepoints, as opposed to those of SQL. */
    record SetSavepoint(String name) implements SqlStep {}

    record RollbackTo(String name) implements SqlStep {}

    static SqlStep text(String sql) {
        return new Execute(sql, null, false);
    }

    static SqlStep prepared(String sql, Object... parameters) {
        return new Execute(sql, List.of(parameters), false);
    }
}
