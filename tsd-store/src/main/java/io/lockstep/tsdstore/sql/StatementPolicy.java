package io.lockstep.tsdstore.sql;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.h2.api.Trigger;
import org.h2.command.Command;
import org.h2.command.CommandInterface;
import org.h2.command.Prepared;
import org.h2.command.Token;
import org.h2.command.ddl.AlterUser;
import org.h2.command.ddl.CreateAggregate;
import org.h2.command.ddl.CreateFunctionAlias;
import org.h2.command.ddl.CreateTable;
import org.h2.command.ddl.CreateTrigger;
import org.h2.command.ddl.CreateUser;
import org.h2.command.ddl.DropDatabase;
import org.h2.command.dml.DataChangeStatement;
import org.h2.command.dml.Explain;
import org.h2.command.dml.SetTypes;
import org.h2.command.query.Query;
import org.h2.command.query.Select;
import org.h2.engine.DbObject;
import org.h2.engine.SessionLocal;
import org.h2.expression.Expression;
import org.h2.expression.ExpressionVisitor;
import org.h2.expression.Parameter;
import org.h2.expression.ValueExpression;
import org.h2.expression.condition.Comparison;
import org.h2.index.Index;
import org.h2.index.IndexCondition;
import org.h2.message.DbException;
import org.h2.mvstore.db.MVTable;
import org.h2.schema.FunctionAlias;
import org.h2.schema.TriggerObject;
import org.h2.table.DualTable;
import org.h2.table.IndexColumn;
import org.h2.table.MetaTable;
import org.h2.table.QueryExpressionTable;
import org.h2.table.RangeTable;
import org.h2.table.Table;
import org.h2.table.TableFilter;
import org.h2.table.TableView;
import org.h2.util.ParserUtil;
import org.jspecify.annotations.Nullable;

/**
 * What no client may run, whoever it is: what would reach beyond the database, and what could not be equal on all nodes.
 * Safe from any thread, because nothing is kept.
 *
 * <p>Texts are judged by H2's own tokens and its own parsed statements, never by searching in them. What a client lacks
 * the right for is refused by H2 itself: clients are never its administrators.
 */
final class StatementPolicy {
    private static final String DIFFERS = " would not be equal on all nodes";
    private static final String BEYOND = " reaches beyond the database";
    private static final String TWO_PHASES = "transactions in two phases (XA)";
    private static final String NO_ADMINISTRATOR = ": no client is an administrator of H2";

    /** Functions by name, and why not. */
    private static final Map<String, String> FUNCTIONS = Map.ofEntries(
            Map.entry("SESSION_ID", DIFFERS),
            Map.entry("TRANSACTION_ID", DIFFERS),
            Map.entry("DATABASE_PATH", DIFFERS),
            Map.entry("MEMORY_FREE", DIFFERS),
            Map.entry("MEMORY_USED", DIFFERS),
            Map.entry("DISK_SPACE_USED", DIFFERS),
            Map.entry("NEWSEQUENTIALID", DIFFERS),
            Map.entry("SYS_GUID", DIFFERS),
            Map.entry("PG_RELATION_SIZE", DIFFERS),
            Map.entry("PG_TOTAL_RELATION_SIZE", DIFFERS),
            Map.entry("PG_POSTMASTER_START_TIME", DIFFERS),
            Map.entry("ABORT_SESSION", DIFFERS),
            Map.entry("CANCEL_SESSION", DIFFERS),
            Map.entry("FILE_READ", BEYOND),
            Map.entry("FILE_WRITE", BEYOND),
            Map.entry("CSVREAD", BEYOND),
            Map.entry("CSVWRITE", BEYOND),
            Map.entry("LINK_SCHEMA", BEYOND));

    /** Statements by H2's code, and why not. */
    private static final Map<Integer, String> STATEMENTS = Map.ofEntries(
            Map.entry(CommandInterface.CREATE_LINKED_TABLE, "CREATE LINKED TABLE" + BEYOND),
            Map.entry(CommandInterface.RUNSCRIPT, "RUNSCRIPT" + BEYOND),
            Map.entry(CommandInterface.SCRIPT, "SCRIPT" + BEYOND),
            Map.entry(CommandInterface.BACKUP, "BACKUP" + BEYOND),
            Map.entry(CommandInterface.SHUTDOWN, "SHUTDOWN" + BEYOND),
            Map.entry(CommandInterface.SHUTDOWN_IMMEDIATELY, "SHUTDOWN" + BEYOND),
            Map.entry(CommandInterface.SHUTDOWN_COMPACT, "SHUTDOWN" + BEYOND),
            Map.entry(CommandInterface.SHUTDOWN_DEFRAG, "SHUTDOWN" + BEYOND),
            Map.entry(CommandInterface.CHECKPOINT, "CHECKPOINT" + BEYOND),
            Map.entry(CommandInterface.CHECKPOINT_SYNC, "CHECKPOINT" + BEYOND),
            Map.entry(CommandInterface.ALTER_USER_ADMIN, "ALTER USER … ADMIN" + NO_ADMINISTRATOR),
            Map.entry(CommandInterface.ALTER_USER_RENAME, "ALTER USER … RENAME: sessions know their user by the name"),
            Map.entry(CommandInterface.PREPARE_COMMIT, TWO_PHASES),
            Map.entry(CommandInterface.COMMIT_TRANSACTION, TWO_PHASES),
            Map.entry(CommandInterface.ROLLBACK_TRANSACTION, TWO_PHASES),
            Map.entry(CommandInterface.PREPARE, "PREPARE: statements are prepared by the driver"),
            Map.entry(CommandInterface.EXECUTE, "EXECUTE: statements are prepared by the driver"),
            Map.entry(CommandInterface.DEALLOCATE, "DEALLOCATE: statements are prepared by the driver"),
            Map.entry(CommandInterface.EXECUTE_IMMEDIATELY, "EXECUTE IMMEDIATE: its text cannot be judged before"));

    /** Settings of a session that are allowed; each other one is the database's or the node's. */
    private static final Set<Integer> SETTINGS = Set.of(
            SetTypes.VARIABLE,
            SetTypes.QUERY_TIMEOUT,
            SetTypes.LOCK_TIMEOUT,
            SetTypes.SCHEMA,
            SetTypes.SCHEMA_SEARCH_PATH,
            SetTypes.CATALOG,
            SetTypes.NON_KEYWORDS,
            SetTypes.TIME_ZONE,
            SetTypes.VARIABLE_BINARY,
            SetTypes.TRUNCATE_LARGE_LENGTH);

    /** Tables of the information schema that show the node, not the database. */
    private static final Set<String> NODE_TABLES = Set.of("SESSIONS", "LOCKS", "IN_DOUBT", "QUERY_STATISTICS");

    /** With six tables H2's planner begins to look at the clock: once in 128 orders of joining them. */
    private static final int JOINED_TABLES_MAX = 5;

    private StatementPolicy() {}

    /**
     * Judges a text before H2 parses it.
     *
     * @return its statements when there are several; otherwise none
     * @throws DbException it is refused
     */
    static List<String> judge(SessionLocal session, String sql) {
        List<String> parts = new ArrayList<>();
        int start = 0;
        boolean isEmpty = true;
        List<?> tokens = H2Fields.tokens(session, sql);
        for (int i = 0; i < tokens.size(); i++) {
            Token token = (Token) tokens.get(i);
            int type = H2Fields.typeOf(token);
            if (type == H2Fields.SEMICOLON || type == H2Fields.END_OF_INPUT) {
                int end = type == H2Fields.SEMICOLON ? H2Fields.startOf(token) : sql.length();
                if (!isEmpty) {
                    parts.add(sql.substring(start, end).strip());
                }
                start = end + 1;
                isEmpty = true;
                continue;
            }
            isEmpty = false;
            if (type == ParserUtil._ROWID_) {
                throw SqlErrors.refused("_ROWID_" + DIFFERS);
            }
            String name = H2Fields.identifierOf(token);
            if (name != null) {
                judge(name.toUpperCase(Locale.ROOT), typeAt(tokens, i + 1), tokens, i);
            }
        }
        return parts.size() > 1 ? List.copyOf(parts) : List.of();
    }

    /** Where a text's first word begins, behind comments; -1 when it has none. */
    static int startOf(SessionLocal session, String sql) {
        try {
            Token first = (Token) H2Fields.tokens(session, sql).get(0);
            return H2Fields.typeOf(first) == H2Fields.END_OF_INPUT ? -1 : H2Fields.startOf(first);
        } catch (DbException e) {
            // What H2 cannot even take apart begins where it begins.
            return sql.length() - sql.stripLeading().length();
        }
    }

    private static int typeAt(List<?> tokens, int at) {
        return at < tokens.size() ? H2Fields.typeOf((Token) tokens.get(at)) : H2Fields.END_OF_INPUT;
    }

    private static void judge(String name, int next, List<?> tokens, int at) {
        if (name.equals("JAVA_OBJECT")) {
            throw SqlErrors.refused("JAVA_OBJECT: objects would run code of their classes on the nodes");
        }
        if (next != H2Fields.OPEN_PAREN) {
            return;
        }
        String reason = FUNCTIONS.get(name);
        if (reason != null) {
            throw SqlErrors.refused(name + reason);
        }
        if ((name.equals("RANDOM_UUID") || name.equals("UUID"))
                && typeAt(tokens, at + 2) != H2Fields.CLOSE_PAREN
                && !tokens.get(at + 2).toString().equals("4")) {
            throw SqlErrors.refused(name + " of any version but 4" + DIFFERS);
        }
    }

    /**
     * Judges a statement that H2 has parsed, before it runs.
     *
     * @param isOrdered whether it is to be executed on all nodes
     * @param classes what functions, aggregates and triggers may be made of
     * @throws DbException it is refused
     */
    static void judge(Command command, @Nullable Prepared prepared, boolean isOrdered, Set<String> classes) {
        int type = command.getCommandType();
        String reason = STATEMENTS.get(type);
        if (reason != null) {
            throw SqlErrors.refused(reason);
        }
        if (prepared instanceof org.h2.command.dml.Set set) {
            int setting = H2Fields.typeOf(set);
            if (!SETTINGS.contains(setting)) {
                String name = SetTypes.getTypeName(setting);
                throw SqlErrors.refused("SET " + name + ": " + name
                        + " is a setting of the database, see databases.NAME." + settingOf(name));
            }
        }
        if (prepared instanceof DropDatabase drop && H2Fields.deletesFiles(drop)) {
            throw SqlErrors.refused("DROP ALL OBJECTS DELETE FILES" + BEYOND);
        }
        if (prepared instanceof CreateUser create && H2Fields.isForAdministrator(create)) {
            throw SqlErrors.refused("CREATE USER … ADMIN" + NO_ADMINISTRATOR);
        }
        if (prepared instanceof CreateUser create) {
            judgePassword(H2Fields.passwordOf(create));
        } else if (prepared instanceof AlterUser alter) {
            judgePassword(H2Fields.passwordOf(alter));
        }
        if (prepared != null) {
            judgeClass(prepared, classes);
        }
        if (isOrdered && prepared != null) {
            judgeTables(prepared);
        }
    }

    /** Code comes from the operator, who puts it on the class path and names it; never from a statement. */
    private static void judgeClass(Prepared prepared, Set<String> classes) {
        String what;
        String source;
        String named;
        boolean isForced;
        if (prepared instanceof CreateFunctionAlias alias) {
            what = "CREATE ALIAS";
            source = H2Fields.sourceOf(alias);
            named = classOf(H2Fields.methodOf(alias));
            isForced = H2Fields.isForced(alias);
        } else if (prepared instanceof CreateAggregate aggregate) {
            what = "CREATE AGGREGATE";
            source = null;
            named = H2Fields.classOf(aggregate);
            isForced = H2Fields.isForced(aggregate);
        } else if (prepared instanceof CreateTrigger trigger) {
            what = "CREATE TRIGGER";
            source = H2Fields.sourceOf(trigger);
            named = H2Fields.classOf(trigger);
            isForced = H2Fields.isForced(trigger);
            if (H2Fields.isOnRollback(trigger)) {
                throw SqlErrors.refused(what + " … ROLLBACK: what is undone is undone at other moments on other nodes");
            }
        } else {
            return;
        }
        if (source != null || named == null) {
            throw SqlErrors.refused(what + " … AS: source text would run as code on the nodes; name a class of the"
                    + " setting databases.NAME.classes");
        }
        if (!classes.contains(named)) {
            throw SqlErrors.refused(what + ": class " + named + " is not in the setting databases.NAME.classes");
        }
        if (isForced) {
            throw SqlErrors.refused(what + " with FORCE: what cannot be used is not made");
        }
    }

    /** As H2 takes it apart. */
    private static @Nullable String classOf(@Nullable String method) {
        if (method == null) {
            return null;
        }
        int parameters = method.indexOf('(');
        int dot = method.lastIndexOf('.', parameters < 0 ? method.length() : parameters);
        return dot < 0 ? method : method.substring(0, dot);
    }

    /** The setting's name in a process's configuration. */
    private static String settingOf(String name) {
        return name.equals("DEFAULT_NULL_ORDERING")
                ? "null-ordering"
                : name.toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** It is computed by the administrator, who could read what the client must not. */
    private static void judgePassword(@Nullable Expression password) {
        if (password != null && !(password instanceof ValueExpression) && !(password instanceof Parameter)) {
            throw SqlErrors.refused("a password that is no text in quotes and no parameter");
        }
    }

    private static void judgeTables(Prepared prepared) {
        HashSet<DbObject> used = new HashSet<>();
        prepared.collectDependencies(used);
        Query source = prepared instanceof CreateTable create ? H2Fields.queryOf(create) : null;
        if (source != null) {
            source.collectDependencies(used);
        }
        if ((prepared instanceof DataChangeStatement || prepared instanceof Explain || source != null)
                && used.stream().filter(Table.class::isInstance).count() > JOINED_TABLES_MAX) {
            throw SqlErrors.refused("a change that joins more than " + JOINED_TABLES_MAX
                    + " tables: H2 limits its planning by the clock, so it" + DIFFERS);
        }
        for (DbObject each : used) {
            if (each instanceof MetaTable table
                    && NODE_TABLES.contains(table.getName().toUpperCase(Locale.ROOT))) {
                throw SqlErrors.refused("INFORMATION_SCHEMA." + table.getName() + DIFFERS);
            }
        }
    }

    /**
     * Whether a statement is plainly a query: without effect, and equal whenever it runs over equal tables. When in doubt
     * it is none.
     *
     * <p>H2's own visitors do not look into VALUES and LIMIT; so those are left out, or looked at as tokens.
     */
    static boolean isRead(SessionLocal session, String sql, Command command) {
        if (!(H2Fields.prepared(command) instanceof Query query)
                || query.getForUpdate() != null
                || !query.isEverything(ExpressionVisitor.READONLY_VISITOR)
                || !query.isEverything(ExpressionVisitor.DETERMINISTIC_VISITOR)
                || !isPlain(session, sql)) {
            return false;
        }
        for (DbObject each : command.getDependencies()) {
            if (each instanceof Table table && hasTriggerOnSelect(table)) {
                return false;
            }
            if (each instanceof TableView view) {
                if (!isPlain(session, view.getQuerySQL())) {
                    return false;
                }
            } else if (!(each instanceof MVTable)
                    && !(each instanceof MetaTable)
                    && !(each instanceof QueryExpressionTable)
                    && !(each instanceof RangeTable)
                    && !(each instanceof DualTable)
                    && !(each instanceof FunctionAlias)) {
                return false;
            }
        }
        return true;
    }

    /**
     * Whether a read looks up at most one row of one table, by a unique key, and nothing else: its time is bounded.
     *
     * @param command for which {@link #isRead} holds
     */
    static boolean isByKey(SessionLocal session, String sql, Command command) {
        if (!(H2Fields.prepared(command) instanceof Select select)) {
            return false;
        }
        TableFilter filter = select.getTopTableFilter();
        return command.getDependencies().stream().noneMatch(FunctionAlias.class::isInstance)
                && filter.getTable() instanceof MVTable
                && filter.getJoin() == null
                && H2Fields.nestedJoin(filter) == null
                && isUnique(filter)
                && queries(session, sql) == 1;
    }

    private static boolean hasTriggerOnSelect(Table table) {
        List<TriggerObject> triggers = H2Internals.triggers(table);
        if (triggers != null) {
            for (TriggerObject each : triggers) {
                if ((each.getTypeMask() & Trigger.SELECT) != 0) {
                    return true;
                }
            }
        }
        return false;
    }

    /** Whether its plan looks up one row by a unique key. */
    static boolean isUnique(TableFilter filter) {
        Index index = filter.getIndex();
        if (!index.getIndexType().isUnique()) {
            return false;
        }
        for (IndexColumn column : index.getIndexColumns()) {
            boolean isGiven = false;
            for (IndexCondition condition : H2Fields.indexConditions(filter)) {
                isGiven |= condition.getCompareType() == Comparison.EQUAL
                        && !condition.isCompoundColumns()
                        && column.column.equals(condition.getColumn());
            }
            if (!isGiven) {
                return false;
            }
        }
        return true;
    }

    /** How many queries a text has, in each other or not. */
    static int queries(SessionLocal session, String sql) {
        int queries = 0;
        for (Object each : H2Fields.tokens(session, sql)) {
            int type = H2Fields.typeOf((Token) each);
            queries += type == ParserUtil.SELECT || type == ParserUtil.TABLE || type == ParserUtil.WITH ? 1 : 0;
        }
        return queries;
    }

    private static boolean isPlain(SessionLocal session, String sql) {
        List<?> tokens = H2Fields.tokens(session, sql);
        for (int i = 0; i < tokens.size(); i++) {
            Token token = (Token) tokens.get(i);
            int type = H2Fields.typeOf(token);
            String name = H2Fields.identifierOf(token);
            if (type == ParserUtil.VALUES
                    || type == ParserUtil.VALUE
                    || type == H2Fields.AT
                    || (name != null && typeAt(tokens, i + 1) == H2Fields.OPEN_PAREN && isSequence(name))) {
                return false;
            }
        }
        return true;
    }

    private static boolean isSequence(String name) {
        return name.equalsIgnoreCase("NEXTVAL") || name.equalsIgnoreCase("CURRVAL");
    }
}
