package io.lockstep.tsdstore.sql;

import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.h2.command.Command;
import org.h2.command.Prepared;
import org.h2.command.Token;
import org.h2.command.dml.Insert;
import org.h2.command.dml.Update;
import org.h2.constraint.Constraint;
import org.h2.engine.DbObject;
import org.h2.engine.Right;
import org.h2.engine.Session;
import org.h2.engine.SessionLocal;
import org.h2.expression.Expression;
import org.h2.expression.ExpressionColumn;
import org.h2.expression.ExpressionVisitor;
import org.h2.expression.Parameter;
import org.h2.expression.ValueExpression;
import org.h2.expression.condition.Comparison;
import org.h2.index.Index;
import org.h2.message.DbException;
import org.h2.mvstore.db.MVTable;
import org.h2.result.LocalResult;
import org.h2.schema.Schema;
import org.h2.schema.Sequence;
import org.h2.table.Column;
import org.h2.table.Table;
import org.h2.table.TableFilter;

/**
 * Which updates are answered before they are done, and what may be done before them: field calls, as IMS Fast Path had them
 * for rows that everybody wants (J. Gray, A. Reuter, Transaction Processing, 1993). Nothing is kept; touched only by the
 * lane.
 *
 * <p>An UPDATE that finds one row by a unique key and computes its new values from them, from parameters and from nothing
 * else has one answer, whoever has the row. So it locks nothing until its transaction ends, or asks for something that
 * could see it; and a row that everybody wants is held for the time of a COMMIT, not of the round trips before it.
 */
final class DeferredUpdates {
    /** What a statement is to the deferred ones. */
    enum Kind {
        DEFERRABLE,
        /** An INSERT that can neither see them nor make anybody wait. */
        APART,
        OTHER
    }

    /**
     * A statement as it was compiled, judged.
     *
     * @param of what was judged
     * @param tables that it uses, of one that is {@link Kind#APART}
     */
    record Form(Command of, Kind kind, Set<Table> tables) {}

    private DeferredUpdates() {}

    /** Judges a statement once for each time that it is compiled. */
    static Form form(SessionLocal session, SqlStatement statement, Command command) {
        Form known = statement.form;
        if (known != null && known.of() == command) {
            return known;
        }
        Prepared prepared = H2Fields.prepared(command);
        Form form;
        if (prepared instanceof Update update && isDeferrable(session, statement.sql, update)) {
            form = new Form(command, Kind.DEFERRABLE, Set.of(update.getTable()));
        } else if (prepared instanceof Insert insert && !H2Fields.overridesSystemValues(insert)) {
            Set<Table> tables = tablesOf(insert);
            form = new Form(command, tables.isEmpty() ? Kind.OTHER : Kind.APART, tables);
        } else {
            form = new Form(command, Kind.OTHER, Set.of());
        }
        statement.form = form;
        return form;
    }

    // ---- by its form -----------------------------------------------------------------------------------------------

    private static boolean isDeferrable(SessionLocal session, String sql, Update update) {
        if (!isOfOneRow(update)
                || !(update.getTable() instanceof MVTable table)
                || table.isTemporary()
                || !isFromItselfOnly(session, sql, update)) {
            return false;
        }
        Set<Column> changed = new HashSet<>();
        Object[] actions = H2Fields.actionsOf(update);
        for (Column column : table.getColumns()) {
            if (column.isGenerated() || column.getEffectiveOnUpdateExpression() != null) {
                return false;
            }
            Object action = actions[column.getColumnId()];
            if (action != null) {
                if (H2Fields.isDefault(action)) {
                    return false;
                }
                changed.add(column);
            }
        }
        return isFree(table, changed);
    }

    /** Whether it changes the one row that a unique key names, and fires nothing. */
    static boolean isOfOneRow(Update update) {
        Set<Column> keys = new HashSet<>();
        Expression condition = update.getCondition();
        return update.getTable() instanceof MVTable table
                && update.getOnDuplicateKeyInsert() == null
                && !H2Fields.hasFetch(update)
                && !hasTriggers(table)
                && condition != null
                && areKeys(condition, keys)
                && isUniqueKey(table, keys);
    }

    static boolean hasTriggers(Table table) {
        List<?> triggers = table.getTriggers(); // null where there never was one
        return triggers != null && !triggers.isEmpty();
    }

    /** Whether its new values come from the row, parameters and constants, whenever it is executed. */
    private static boolean isFromItselfOnly(SessionLocal session, String sql, Update update) {
        if (!H2Fields.isEverything(update, ExpressionVisitor.DETERMINISTIC_VISITOR)
                || !H2Fields.isEverything(update, ExpressionVisitor.READONLY_VISITOR)
                || StatementPolicy.queries(session, sql) != 0
                || namesADomain(session, sql)) {
            return false;
        }
        HashSet<DbObject> used = new HashSet<>();
        H2Fields.isEverything(update, ExpressionVisitor.getDependenciesVisitor(used));
        used.remove(update.getTable());
        return used.isEmpty();
    }

    /** Whether a value may be cast to a domain, whose check may be anything; H2's visitors do not look there. */
    private static boolean namesADomain(SessionLocal session, String sql) {
        Collection<Schema> schemas = session.getDatabase().getAllSchemasNoMeta();
        for (Object token : H2Fields.tokens(session, sql)) {
            String name = H2Fields.identifierOf((Token) token);
            if (name != null && schemas.stream().anyMatch(schema -> schema.findDomain(name) != null)) {
                return true;
            }
        }
        return false;
    }

    /** Whether it is columns equal to parameters or constants, all of them at once. */
    static boolean areKeys(Expression condition, Set<Column> keys) {
        if (condition instanceof Comparison comparison) {
            Expression left = comparison.getSubexpression(0);
            Expression right = comparison.getSubexpressionCount() > 1 ? comparison.getSubexpression(1) : null;
            Expression column = left instanceof ExpressionColumn ? left : right;
            Expression value = column == left ? right : left;
            return H2Fields.typeOf(comparison) == Comparison.EQUAL
                    && column instanceof ExpressionColumn key
                    && (value instanceof Parameter || value instanceof ValueExpression)
                    && key.getColumn() != null
                    && keys.add(key.getColumn());
        }
        if (!H2Fields.isAnd(condition)) {
            return false;
        }
        for (int i = 0; i < condition.getSubexpressionCount(); i++) {
            if (!areKeys(condition.getSubexpression(i), keys)) {
                return false;
            }
        }
        return true;
    }

    private static boolean isUniqueKey(MVTable table, Set<Column> keys) {
        for (Index index : table.getIndexes()) {
            if (index.getIndexType().isUnique() && Set.of(index.getColumns()).equals(keys)) {
                return true;
            }
        }
        return false;
    }

    /** Whether nothing but their own types forbids or replaces values of these columns. */
    static boolean isFree(MVTable table, Set<Column> changed) {
        for (Column column : changed) {
            if (column.isIdentity() || column.isDefaultOnNull() || column.getDomain() != null) {
                return false;
            }
        }
        for (Index index : table.getIndexes()) {
            if (index.getIndexType().isUnique() && !Collections.disjoint(List.of(index.getColumns()), changed)) {
                return false;
            }
        }
        for (Constraint constraint : table.getConstraints()) {
            if (constraint.getConstraintType() == Constraint.Type.CHECK
                    || !Collections.disjoint(constraint.getReferencedColumns(table), changed)) {
                return false;
            }
        }
        return true;
    }

    /** Tables that an INSERT uses; none when it could see others, or make somebody wait for its row. */
    private static Set<Table> tablesOf(Insert insert) {
        if (!(insert.getTable() instanceof MVTable into) || hasTriggers(into)) {
            return Set.of();
        }
        for (Index index : into.getIndexes()) {
            if (index.getIndexType().isUnique() && !isGivenByIdentity(index)) {
                return Set.of();
            }
        }
        for (Constraint constraint : into.getConstraints()) {
            if (constraint.getConstraintType() == Constraint.Type.CHECK) {
                return Set.of();
            }
        }
        HashSet<DbObject> used = new HashSet<>();
        insert.collectDependencies(used);
        ExpressionVisitor visitor = ExpressionVisitor.getDependenciesVisitor(used);
        for (Column column : into.getColumns()) {
            Expression value = column.getEffectiveDefaultExpression();
            if (column.getDomain() != null || (value != null && !value.isEverything(visitor))) {
                return Set.of();
            }
        }
        Set<Table> tables = new HashSet<>();
        tables.add(into);
        for (DbObject each : used) {
            if (each instanceof MVTable table) {
                tables.add(table);
            } else if (!(each instanceof Sequence)) {
                return Set.of();
            }
        }
        return tables;
    }

    private static boolean isGivenByIdentity(Index index) {
        for (Column column : index.getColumns()) {
            if (column.isIdentity() && column.isGeneratedAlways()) {
                return true;
            }
        }
        return false;
    }

    /** Whether a statement may be done before one that is deferred: it uses another table. */
    static boolean isApart(Form form, Form deferred) {
        return form.kind() == Kind.APART && Collections.disjoint(form.tables(), deferred.tables());
    }

    // ---- as it is now ----------------------------------------------------------------------------------------------

    /**
     * Whether it would change one row if it were done now, as everybody sees the row that others have changed. It does all
     * that H2 does but the change; a failure is not told from here.
     *
     * @param command of kind {@link Kind#DEFERRABLE}, with its parameters
     */
    static boolean changesOneRow(SessionLocal session, Command command) {
        if (!(H2Fields.prepared(command) instanceof Update update)) {
            return false;
        }
        session.lock();
        try {
            session.getTransaction();
            session.startStatementWithinTransaction(command);
            Session outer = session.setThreadLocalSession();
            try {
                return findsOne(session, update);
            } catch (DbException e) {
                if (SqlErrors.isNodesOwn(e)) {
                    throw e; // the others find the row
                }
                return false;
            } finally {
                session.resetThreadLocalSession(outer);
                session.endStatement();
            }
        } finally {
            session.unlock();
        }
    }

    private static boolean findsOne(SessionLocal session, Update update) {
        TableFilter filter = update.getTableFilter();
        Expression condition = update.getCondition();
        session.getUser().checkTableRight(update.getTable(), Right.UPDATE);
        filter.startQuery(session);
        filter.reset();
        if (condition == null || !filter.next() || !condition.getBooleanValue(session)) {
            return false;
        }
        try (LocalResult rows = LocalResult.forTable(session, update.getTable())) {
            // A key that is given in another type may be that of several rows.
            return H2Fields.computes(update, session, rows, filter.get()) && !filter.next();
        }
    }
}
