package io.lockstep.tsdstore.sql;

import io.lockstep.sqlwire.SqlAction;
import io.lockstep.sqlwire.SqlRequest;
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
import org.h2.value.TypeInfo;
import org.h2.value.Value;
import org.jspecify.annotations.Nullable;

/**
 * Which messages take little time for certain: by what they are, and not by how long they have taken before, since the thread
 * that executes them has heartbeats to send. Prepared statements that change one row by its key, or insert some that are
 * written down, without triggers, checks, functions of users or large objects; and the end of a transaction of some of these.
 * Nothing is kept; touched only by whoever holds the lane.
 */
final class BriefMessages {
    private static final int BODY_MAX_BYTES = 8 << 10;
    private static final long DIGITS_MAX = 38;
    private static final int TEXT_MAX_CHARACTERS = 4 << 10;
    private static final int ROWS_MAX = 16;
    /** Changes of a transaction that are committed or undone: a microsecond or so each. */
    private static final long CHANGES_MAX = 64;

    private BriefMessages() {}

    /** Whether a message is worth being decoded to be judged. */
    static boolean isShort(byte[] body) {
        return body.length <= BODY_MAX_BYTES;
    }

    /** Judges a message that is short. Called with the session locked, when nobody waits for a lock. */
    static boolean isBrief(SqlSession session, SqlRequest request) {
        SessionLocal h2 = session.h2;
        if (h2 == null || session.waiting != null || H2Fields.hasTemporaryTables(h2) || !isEndedBriefly(session, h2)) {
            return false;
        }
        if (request.action() instanceof SqlAction.End) {
            return true;
        }
        SqlStatement statement = request.action() instanceof SqlAction.Execute execute
                        && execute.sql() == null
                        && areSmall(execute.parameters())
                ? session.statements.get(execute.statement())
                : null;
        return statement != null && isBriefAsItIs(h2, statement);
    }

    /** Whether nothing of the transaction, and nothing that was deferred, takes long to be ended. */
    private static boolean isEndedBriefly(SqlSession session, SessionLocal h2) {
        Transaction transaction = H2Fields.transaction(h2);
        for (Deferred each : session.deferred) {
            if (!isBriefAsItIs(h2, each.statement())
                    || !isShort(each.body())
                    || !areSmall(each.parameters())
                    || session.deferred.size() > ROWS_MAX) {
                return false;
            }
        }
        return transaction == null || (!session.isLongTransaction && transaction.setSavepoint() <= CHANGES_MAX);
    }

    /** Whether it is brief, and need not be compiled first. */
    private static boolean isBriefAsItIs(SessionLocal h2, SqlStatement statement) {
        Command command = statement.command;
        return command != null
                && statement.schemaChanges == h2.getDatabase().getModificationMetaId()
                && isBrief(statement, command);
    }

    /** Whether none of a short message's values can take long to be converted or computed with. */
    static boolean areSmall(@Nullable Value[] values) {
        for (Value value : values) {
            TypeInfo type = value == null ? TypeInfo.TYPE_NULL : value.getType();
            if (!isText(type) && !(isSmall(type) && Math.abs((long) type.getScale()) <= DIGITS_MAX)) {
                return false;
            }
        }
        return true;
    }

    private static boolean isText(TypeInfo type) {
        int kind = type.getValueType();
        return kind == Value.VARCHAR
                || kind == Value.CHAR
                || kind == Value.VARCHAR_IGNORECASE
                || kind == Value.VARBINARY
                || kind == Value.BINARY;
    }

    private static boolean isSmall(TypeInfo type) {
        return switch (type.getValueType()) {
            case Value.NULL,
                    Value.BOOLEAN,
                    Value.TINYINT,
                    Value.SMALLINT,
                    Value.INTEGER,
                    Value.BIGINT,
                    Value.REAL,
                    Value.DOUBLE,
                    Value.DATE,
                    Value.TIME,
                    Value.TIME_TZ,
                    Value.TIMESTAMP,
                    Value.TIMESTAMP_TZ,
                    Value.UUID -> true;
            case Value.NUMERIC -> type.getPrecision() <= DIGITS_MAX;
            default -> false;
        };
    }

    /** Judges a look-up by key. */
    static boolean isBriefRead(String sql, @Nullable Prepared prepared) {
        if (!(prepared instanceof Select select)
                || sql.length() > TEXT_MAX_CHARACTERS
                || select.isGroupQuery()
                || select.isWindowQuery()
                || select.getOffset() != null
                || select.getFetch() != null
                || select.getCondition() == null
                || !DeferredUpdates.areKeys(select.getCondition(), new HashSet<>())) {
            return false;
        }
        for (Expression value : select.getExpressions()) {
            Expression shown = value.getNonAliasExpression();
            if (!(shown instanceof ExpressionColumn || isPlain(shown))
                    || DataType.isLargeObject(shown.getType().getValueType())) {
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
            return DeferredUpdates.isOfOneRow(update)
                    && StatementPolicy.isUnique(update.getTableFilter())
                    && isPlain(update.getTable())
                    && setsPlainly(update);
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

    /** Whether it computes with few digits at hand and calls nothing. */
    private static boolean isPlain(Expression value) {
        if (value instanceof Parameter || value instanceof SequenceValue) {
            return true; // what is given is looked at when it is
        }
        if (value instanceof ValueExpression || value instanceof TypedValueExpression) {
            return isSmall(value.getType()) || isText(value.getType());
        }
        if (value instanceof ExpressionColumn || value instanceof CurrentDateTimeValueFunction) {
            return isSmall(value.getType());
        }
        int kind = value.getType().getValueType();
        if (!(value instanceof BinaryOperation || value instanceof UnaryOperation)
                || !(kind == Value.NUMERIC || isSmall(value.getType()))) {
            return false;
        }
        for (int i = 0; i < value.getSubexpressionCount(); i++) {
            Expression each = value.getSubexpression(i);
            if (!isPlain(each) || !(each instanceof Parameter || isSmall(each.getType()))) {
                return false;
            }
        }
        return true;
    }
}
