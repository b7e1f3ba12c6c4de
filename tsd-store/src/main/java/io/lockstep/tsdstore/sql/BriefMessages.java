package io.lockstep.tsdstore.sql;

import io.lockstep.sqlwire.SqlCodec;
import io.lockstep.sqlwire.SqlProtocolException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.h2.command.Command;
import org.h2.command.Prepared;
import org.h2.command.dml.Insert;
import org.h2.command.dml.Update;
import org.h2.command.query.Select;
import org.h2.constraint.Constraint;
import org.h2.engine.SessionLocal;
import org.h2.expression.Alias;
import org.h2.expression.BinaryOperation;
import org.h2.expression.Expression;
import org.h2.expression.ExpressionColumn;
import org.h2.expression.Parameter;
import org.h2.expression.SequenceValue;
import org.h2.expression.TypedValueExpression;
import org.h2.expression.UnaryOperation;
import org.h2.expression.ValueExpression;
import org.h2.expression.function.CurrentDateTimeValueFunction;
import org.h2.mvstore.db.MVTable;
import org.h2.mvstore.tx.Transaction;
import org.h2.table.Column;
import org.h2.table.Table;
import org.h2.value.DataType;
import org.jspecify.annotations.Nullable;

/**
 * Which messages take little time for certain: by what they are, and not by how long they have taken before, since the thread
 * that executes them has heartbeats to send. Prepared statements that change one row by its key, or insert some that are
 * written down, without triggers, checks, functions of users or large objects; and the end of a transaction of some of these.
 * Nothing is kept; touched only by whoever holds the lane.
 */
final class BriefMessages {
    private static final int BODY_MAX_BYTES = 8 << 10;
    private static final int TEXT_MAX_CHARACTERS = 4 << 10;
    private static final int ROWS_MAX = 16;
    /** Changes of a transaction that are committed or undone: a microsecond or so each. */
    private static final long CHANGES_MAX = 64;

    private BriefMessages() {}

    /** Whether a message that is ordered is brief. Called with the session locked, when nobody waits for a lock. */
    static boolean isBrief(SqlSession session, byte[] body) {
        SessionLocal h2 = session.h2;
        if (h2 == null || session.waiting != null || !isEndedBriefly(session, H2Fields.transaction(h2))) {
            return false;
        }
        int number = executed(body);
        if (number == SqlCodec.TRANSACTION_END) {
            return true;
        }
        SqlStatement statement = session.statements.get(number);
        Command command = statement == null ? null : statement.command;
        return statement != null
                && command != null
                && statement.schemaChanges == h2.getDatabase().getModificationMetaId()
                && isBrief(statement, command);
    }

    /** Whether a message that is not ordered is a look-up by key that is brief. Called with the session locked. */
    static boolean isBriefRead(SqlSession session, byte[] body) {
        SessionLocal h2 = session.h2;
        SqlStatement statement = session.statements.get(executed(body));
        return h2 != null
                && statement != null
                && statement.briefReadAt == h2.getDatabase().getModificationMetaId();
    }

    private static int executed(byte[] body) {
        try {
            return body.length > BODY_MAX_BYTES ? SqlCodec.NOT_PREPARED : SqlCodec.executed(body);
        } catch (SqlProtocolException e) {
            return SqlCodec.NOT_PREPARED; // it is told in its turn
        }
    }

    private static boolean isEndedBriefly(SqlSession session, @Nullable Transaction transaction) {
        if (transaction == null && session.deferred.isEmpty()) {
            return true;
        }
        return !session.isLongTransaction
                && session.deferred.size() <= ROWS_MAX
                && (transaction == null || transaction.setSavepoint() <= CHANGES_MAX);
    }

    /** Judges a look-up by key. */
    static boolean isBriefRead(String sql, @Nullable Prepared prepared) {
        if (!(prepared instanceof Select select)
                || sql.length() > TEXT_MAX_CHARACTERS
                || select.isGroupQuery()
                || select.isWindowQuery()
                || select.getCondition() == null
                || !DeferredUpdates.areKeys(select.getCondition(), new HashSet<>())) {
            return false;
        }
        for (Expression value : select.getExpressions()) {
            if (!isPlain(value) || DataType.isLargeObject(value.getType().getValueType())) {
                return false;
            }
        }
        return true;
    }

    /** Judges a statement once for each time that it is compiled. */
    static boolean isBrief(SqlStatement statement, Command command) {
        if (statement.judgedBrief != command) {
            statement.judgedBrief = command;
            statement.isBrief = statement.sql.length() <= TEXT_MAX_CHARACTERS && isBriefOne(H2Fields.prepared(command));
        }
        return statement.isBrief;
    }

    private static boolean isBriefOne(@Nullable Prepared prepared) {
        if (prepared instanceof Update update) {
            return DeferredUpdates.isOfOneRow(update) && isPlain(update.getTable()) && setsPlainly(update);
        }
        return prepared instanceof Insert insert && isPlain(insert.getTable()) && insertsPlainly(insert);
    }

    /** Whether it sets what no other table refers to, and computes it from what is at hand. */
    private static boolean setsPlainly(Update update) {
        Set<Column> changed = new HashSet<>();
        Object[] actions = H2Fields.actionsOf(update);
        for (Column column : update.getTable().getColumns()) {
            Object action = actions[column.getColumnId()];
            Expression ofItself = column.getEffectiveOnUpdateExpression();
            if (action == null || H2Fields.isDefault(action)) {
                if (ofItself != null && !isPlain(ofItself)) {
                    return false;
                }
            } else {
                Expression value = H2Fields.valueOf(action);
                if (value == null || !isPlain(value)) {
                    return false;
                }
            }
            if (action != null || ofItself != null || column.isGenerated()) {
                changed.add(column);
            }
        }
        return update.getTable() instanceof MVTable table && DeferredUpdates.isFree(table, changed);
    }

    private static boolean insertsPlainly(Insert insert) {
        List<?> rows = H2Fields.rowsOf(insert);
        for (Object row : rows) {
            for (Expression value : (Expression[]) row) {
                if (value != null && !isPlain(value)) {
                    return false;
                }
            }
        }
        return !rows.isEmpty() && rows.size() <= ROWS_MAX;
    }

    /** Whether a row of it is stored without anything else being done but looking up keys. */
    private static boolean isPlain(Table of) {
        if (!(of instanceof MVTable table) || DeferredUpdates.hasTriggers(table)) {
            return false;
        }
        for (Column column : table.getColumns()) {
            Expression value = column.getEffectiveDefaultExpression();
            if (column.getDomain() != null
                    || DataType.isLargeObject(column.getType().getValueType())
                    || (value != null && !isPlain(value))) {
                return false;
            }
        }
        for (Constraint constraint : table.getConstraints()) {
            if (constraint.getConstraintType() == Constraint.Type.CHECK) {
                return false;
            }
        }
        return true;
    }

    /** Whether it computes with values at hand and calls nothing. */
    private static boolean isPlain(Expression value) {
        if (!(value instanceof ValueExpression
                || value instanceof TypedValueExpression
                || value instanceof Parameter
                || value instanceof ExpressionColumn
                || value instanceof Alias
                || value instanceof SequenceValue
                || value instanceof BinaryOperation
                || value instanceof UnaryOperation
                || value instanceof CurrentDateTimeValueFunction)) {
            return false;
        }
        for (int i = 0; i < value.getSubexpressionCount(); i++) {
            if (!isPlain(value.getSubexpression(i))) {
                return false;
            }
        }
        return true;
    }
}
