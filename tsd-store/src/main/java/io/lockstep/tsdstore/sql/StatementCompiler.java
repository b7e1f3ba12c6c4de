package io.lockstep.tsdstore.sql;

import java.util.List;
import org.h2.api.ErrorCode;
import org.h2.command.Command;
import org.h2.command.Prepared;
import org.h2.command.query.ForUpdate;
import org.h2.command.query.Query;
import org.h2.engine.SessionLocal;
import org.h2.expression.ParameterInterface;
import org.h2.message.DbException;
import org.h2.value.Value;
import org.jspecify.annotations.Nullable;

/** Makes H2's statements of texts, judges them, and makes them anew when the schema has changed. Touched only by the lane. */
final class StatementCompiler {
    private final SqlConfig config;
    private final UserCode userCode;

    StatementCompiler(SqlConfig config, UserCode userCode) {
        this.config = config;
        this.userCode = userCode;
    }

    /** The session's statement of this number; with a text it is made, and kept under its number unless that is 0. */
    SqlStatement statement(SqlSession session, int number, @Nullable String sql) {
        if (sql != null) {
            return prepared(session, number, sql);
        }
        SqlStatement statement = session.statements.get(number);
        if (statement == null) {
            throw DbException.get(ErrorCode.OBJECT_CLOSED);
        }
        return statement;
    }

    /** Makes a statement, and keeps it under its number unless that is 0. */
    SqlStatement prepared(SqlSession session, int number, String sql) {
        if (sql.length() > config.statementCharactersMax()) {
            throw new LimitException("A statement of " + sql.length() + " characters is longer than the "
                    + config.statementCharactersMax() + " of the setting statement-max-characters");
        }
        if (number != 0 && session.statements.size() >= config.openStatementsMax()) {
            throw new LimitException("This would be one prepared statement more than the " + config.openStatementsMax()
                    + " that a session may have open, the setting open-statements-max");
        }
        SqlStatement statement = parse(session.h2(), sql);
        if (number != 0) {
            Command command = statement.command;
            if (command != null && Accounts.hasPasswordInText(H2Fields.prepared(command))) {
                throw SqlErrors.refused("a password in a prepared statement, unless as a parameter: its text is kept");
            }
            session.statements.put(number, statement);
        }
        return statement;
    }

    /** A statement of this text, or a list of statements, judged; one that stands alone is compiled. */
    SqlStatement parse(SessionLocal h2, String sql) {
        SqlStatement statement = new SqlStatement(sql, StatementPolicy.judge(h2, sql));
        if (statement.parts.isEmpty()) {
            compile(h2, statement);
        }
        return statement;
    }

    private Command compile(SessionLocal h2, SqlStatement statement) {
        h2.lock();
        try {
            long schemaChanges = h2.getDatabase().getModificationMetaId();
            // H2 keeps plans of views for ten seconds by the clock; a plan must not depend on that.
            h2.clearViewIndexCache();
            Command command = userCode.reading(h2, null, () -> h2.prepareLocal(statement.sql));
            Prepared prepared = H2Fields.prepared(command);
            StatementPolicy.judge(command, prepared, true, userCode.classes());
            if (prepared instanceof Query query && query.getForUpdate() != null) {
                ForUpdate wait = query.getForUpdate();
                statement.waitMillis =
                        wait.getType() == ForUpdate.Type.DEFAULT ? SqlStatement.AS_SESSION : wait.getTimeoutMillis();
            }
            statement.command = command;
            statement.schemaChanges = schemaChanges;
            return command;
        } finally {
            h2.unlock();
        }
    }

    /** The statement as H2 has it, made anew when the schema has changed since. */
    Command command(SessionLocal h2, SqlStatement statement) {
        Command command = statement.command;
        return command == null || statement.schemaChanges != h2.getDatabase().getModificationMetaId()
                ? compile(h2, statement)
                : command;
    }

    /** Gives a statement its parameters, those from an index on; where there are not enough the rest is not set. */
    static void setParameters(Command command, @Nullable Value[] values, int from) {
        List<? extends ParameterInterface> parameters = command.getParameters();
        for (int i = 0; i < parameters.size(); i++) {
            parameters.get(i).setValue(from + i < values.length ? values[from + i] : null, true);
        }
    }
}
