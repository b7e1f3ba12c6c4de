package io.lockstep.tsdstore.sql;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.h2.command.Command;
import org.h2.command.CommandContainer;
import org.h2.command.Prepared;
import org.h2.command.Token;
import org.h2.command.Tokenizer;
import org.h2.command.ddl.AlterUser;
import org.h2.command.ddl.CreateAggregate;
import org.h2.command.ddl.CreateFunctionAlias;
import org.h2.command.ddl.CreateTable;
import org.h2.command.ddl.CreateTrigger;
import org.h2.command.ddl.CreateUser;
import org.h2.command.ddl.DropDatabase;
import org.h2.command.ddl.DropUser;
import org.h2.command.ddl.GrantRevoke;
import org.h2.command.ddl.SchemaCommand;
import org.h2.command.dml.CommandWithValues;
import org.h2.command.dml.Insert;
import org.h2.command.dml.SetClauseList;
import org.h2.command.dml.Update;
import org.h2.command.query.Query;
import org.h2.engine.CastDataProvider;
import org.h2.engine.Database;
import org.h2.engine.DbObject;
import org.h2.engine.RightOwner;
import org.h2.engine.Session;
import org.h2.engine.SessionLocal;
import org.h2.engine.User;
import org.h2.expression.Expression;
import org.h2.expression.ExpressionVisitor;
import org.h2.expression.condition.Comparison;
import org.h2.expression.condition.ConditionAndOr;
import org.h2.expression.condition.ConditionAndOrN;
import org.h2.index.IndexCondition;
import org.h2.message.DbException;
import org.h2.mvstore.db.MVTable;
import org.h2.mvstore.tx.Transaction;
import org.h2.result.LocalResult;
import org.h2.result.ResultTarget;
import org.h2.result.Row;
import org.h2.schema.Schema;
import org.h2.table.DataChangeDeltaTable;
import org.h2.table.DualTable;
import org.h2.table.Table;
import org.h2.table.TableFilter;
import org.h2.util.JdbcUtils;
import org.h2.util.NetworkConnectionInfo;
import org.h2.value.Value;
import org.h2.value.ValueNull;
import org.h2.value.ValueTimestampTimeZone;
import org.jspecify.annotations.Nullable;

/**
 * Fields and methods of H2 {@code 2.5.252} that are not public; fails at class loading where they are gone. Safe from
 * any thread as far as the objects are that it reaches into.
 */
final class H2Fields {
    /** Set in {@code Transaction.statusAndLogId} by a rollback to a savepoint: bit 45, to wake those who wait. */
    private static final long HAS_ROLLBACK = 1L << 45;

    private static final VarHandle STATUS_AND_LOG_ID;
    private static final VarHandle TIMEOUT_MILLIS;
    private static final VarHandle LOCK_TIMEOUT;
    private static final VarHandle QUERY_TIMEOUT;
    private static final VarHandle CANCEL_AT;
    private static final VarHandle CURRENT_TIMESTAMP;
    private static final VarHandle SAVEPOINTS;
    private static final VarHandle VARIABLES;
    private static final VarHandle LOCAL_TEMPORARY_TABLES;
    private static final VarHandle UPDATES;
    private static final VarHandle TRANSACTION;
    private static final VarHandle PREPARED;
    private static final VarHandle SET_TYPE;
    private static final VarHandle DELETE_FILES;
    private static final VarHandle LOCK_SHARED_SESSIONS;
    private static final VarHandle LOCK_EXCLUSIVE_SESSION;
    private static final VarHandle CREATED_FROM;
    private static final VarHandle ALIAS_METHOD;
    private static final VarHandle ALIAS_SOURCE;
    private static final VarHandle ALIAS_FORCED;
    private static final VarHandle ALIAS_DETERMINISTIC;
    private static final VarHandle AGGREGATE_CLASS;
    private static final VarHandle AGGREGATE_FORCED;
    private static final VarHandle TRIGGER_CLASS;
    private static final VarHandle TRIGGER_SOURCE;
    private static final VarHandle TRIGGER_FORCED;
    private static final VarHandle TRIGGER_ON_ROLLBACK;
    private static final VarHandle TRIGGER_TABLE;
    private static final MethodHandle SCHEMA;
    private static final MethodHandle SESSION_OF_THREAD;
    private static final VarHandle SESSION_LOCKS;
    private static final VarHandle ALLOWED_CLASSES;
    private static final VarHandle OBJECT_ID;
    private static final VarHandle USER_SALT;
    private static final VarHandle USER_HASH;
    private static final VarHandle CREATED_ADMIN;
    private static final VarHandle CREATED_PASSWORD;
    private static final VarHandle CREATED_SALT;
    private static final VarHandle CREATED_HASH;
    private static final VarHandle ALTERED_USER;
    private static final VarHandle ALTERED_PASSWORD;
    private static final VarHandle ALTERED_SALT;
    private static final VarHandle ALTERED_HASH;
    private static final VarHandle DROPPED_NAME;
    private static final VarHandle GRANTED_ROLES;
    private static final VarHandle GRANTED_RIGHTS;
    private static final VarHandle GRANTEE;
    private static final VarHandle INDEX_CONDITIONS;
    private static final VarHandle NESTED_JOIN;
    private static final VarHandle SET_CLAUSES;
    private static final VarHandle FETCHED;
    private static final VarHandle ACTIONS;
    private static final Class<?> SIMPLE_ACTION;
    private static final VarHandle ACTION_VALUE;
    private static final VarHandle ACTION_PLACES;
    private static final VarHandle INSERTED_FROM;
    private static final VarHandle INSERTED_ROWS;
    private static final VarHandle ON_DUPLICATE;
    private static final VarHandle OVERRIDING;
    private static final VarHandle COMPARE_TYPE;
    private static final VarHandle AND_OR;
    private static final VarHandle AND_OR_OF_MANY;
    private static final MethodHandle SET_IS_EVERYTHING;
    private static final MethodHandle PREPARE_UPDATE;
    private static final MethodHandle CREATE_SESSION;
    private static final VarHandle NEXT_SESSION;
    private static final VarHandle NEXT_TEMPORARY_NAME;
    private static final MethodHandle NEW_TOKENIZER;
    private static final MethodHandle TOKENIZE;
    private static final MethodHandle TOKEN_TYPE;
    private static final MethodHandle AS_IDENTIFIER;
    private static final MethodHandle START;
    static final int OPEN_PAREN;
    static final int CLOSE_PAREN;
    static final int AT;
    static final int SEMICOLON;
    static final int END_OF_INPUT;

    static {
        try {
            MethodHandles.Lookup own = MethodHandles.lookup();
            MethodHandles.Lookup in = MethodHandles.privateLookupIn(Transaction.class, own);
            STATUS_AND_LOG_ID = in.findVarHandle(Transaction.class, "statusAndLogId", AtomicLong.class);
            TIMEOUT_MILLIS = in.findVarHandle(Transaction.class, "timeoutMillis", int.class);
            in = MethodHandles.privateLookupIn(SessionLocal.class, own);
            LOCK_TIMEOUT = in.findVarHandle(SessionLocal.class, "lockTimeout", int.class);
            QUERY_TIMEOUT = in.findVarHandle(SessionLocal.class, "queryTimeout", int.class);
            CANCEL_AT = in.findVarHandle(SessionLocal.class, "cancelAtNs", long.class);
            CURRENT_TIMESTAMP = in.findVarHandle(SessionLocal.class, "currentTimestamp", ValueTimestampTimeZone.class);
            SAVEPOINTS = in.findVarHandle(SessionLocal.class, "savepoints", HashMap.class);
            VARIABLES = in.findVarHandle(SessionLocal.class, "variables", HashMap.class);
            LOCAL_TEMPORARY_TABLES = in.findVarHandle(SessionLocal.class, "localTempTables", HashMap.class);
            UPDATES = in.findVarHandle(SessionLocal.class, "updates", Set.class);
            TRANSACTION = in.findVarHandle(SessionLocal.class, "transaction", Transaction.class);
            PREPARED = MethodHandles.privateLookupIn(CommandContainer.class, own)
                    .findVarHandle(CommandContainer.class, "prepared", Prepared.class);
            SET_TYPE = MethodHandles.privateLookupIn(org.h2.command.dml.Set.class, own)
                    .findVarHandle(org.h2.command.dml.Set.class, "type", int.class);
            DELETE_FILES = MethodHandles.privateLookupIn(DropDatabase.class, own)
                    .findVarHandle(DropDatabase.class, "deleteFiles", boolean.class);
            in = MethodHandles.privateLookupIn(MVTable.class, own);
            LOCK_SHARED_SESSIONS = in.findVarHandle(MVTable.class, "lockSharedSessions", ConcurrentHashMap.class);
            LOCK_EXCLUSIVE_SESSION = in.findVarHandle(MVTable.class, "lockExclusiveSession", SessionLocal.class);
            CREATED_FROM = MethodHandles.privateLookupIn(CreateTable.class, own)
                    .findVarHandle(CreateTable.class, "asQuery", Query.class);
            in = MethodHandles.privateLookupIn(CreateFunctionAlias.class, own);
            ALIAS_METHOD = in.findVarHandle(CreateFunctionAlias.class, "javaClassMethod", String.class);
            ALIAS_SOURCE = in.findVarHandle(CreateFunctionAlias.class, "source", String.class);
            ALIAS_FORCED = in.findVarHandle(CreateFunctionAlias.class, "force", boolean.class);
            ALIAS_DETERMINISTIC = in.findVarHandle(CreateFunctionAlias.class, "deterministic", boolean.class);
            in = MethodHandles.privateLookupIn(CreateAggregate.class, own);
            AGGREGATE_CLASS = in.findVarHandle(CreateAggregate.class, "javaClassMethod", String.class);
            AGGREGATE_FORCED = in.findVarHandle(CreateAggregate.class, "force", boolean.class);
            in = MethodHandles.privateLookupIn(CreateTrigger.class, own);
            TRIGGER_CLASS = in.findVarHandle(CreateTrigger.class, "triggerClassName", String.class);
            TRIGGER_SOURCE = in.findVarHandle(CreateTrigger.class, "triggerSource", String.class);
            TRIGGER_FORCED = in.findVarHandle(CreateTrigger.class, "force", boolean.class);
            TRIGGER_ON_ROLLBACK = in.findVarHandle(CreateTrigger.class, "onRollback", boolean.class);
            TRIGGER_TABLE = in.findVarHandle(CreateTrigger.class, "tableName", String.class);
            SCHEMA = MethodHandles.privateLookupIn(SchemaCommand.class, own)
                    .findVirtual(SchemaCommand.class, "getSchema", MethodType.methodType(Schema.class));
            in = MethodHandles.privateLookupIn(SessionLocal.class, own);
            SESSION_OF_THREAD =
                    in.findStatic(SessionLocal.class, "getThreadLocalSession", MethodType.methodType(Session.class));
            SESSION_LOCKS = in.findVarHandle(SessionLocal.class, "locks", ArrayList.class);
            OBJECT_ID =
                    MethodHandles.privateLookupIn(DbObject.class, own).findVarHandle(DbObject.class, "id", int.class);
            ALLOWED_CLASSES = MethodHandles.privateLookupIn(JdbcUtils.class, own)
                    .findStaticVarHandle(JdbcUtils.class, "allowedClassNames", HashSet.class);
            in = MethodHandles.privateLookupIn(User.class, own);
            USER_SALT = in.findVarHandle(User.class, "salt", byte[].class);
            USER_HASH = in.findVarHandle(User.class, "passwordHash", byte[].class);
            in = MethodHandles.privateLookupIn(CreateUser.class, own);
            CREATED_ADMIN = in.findVarHandle(CreateUser.class, "admin", boolean.class);
            CREATED_PASSWORD = in.findVarHandle(CreateUser.class, "password", Expression.class);
            CREATED_SALT = in.findVarHandle(CreateUser.class, "salt", Expression.class);
            CREATED_HASH = in.findVarHandle(CreateUser.class, "hash", Expression.class);
            in = MethodHandles.privateLookupIn(AlterUser.class, own);
            ALTERED_USER = in.findVarHandle(AlterUser.class, "user", User.class);
            ALTERED_PASSWORD = in.findVarHandle(AlterUser.class, "password", Expression.class);
            ALTERED_SALT = in.findVarHandle(AlterUser.class, "salt", Expression.class);
            ALTERED_HASH = in.findVarHandle(AlterUser.class, "hash", Expression.class);
            DROPPED_NAME = MethodHandles.privateLookupIn(DropUser.class, own)
                    .findVarHandle(DropUser.class, "userName", String.class);
            in = MethodHandles.privateLookupIn(GrantRevoke.class, own);
            GRANTED_ROLES = in.findVarHandle(GrantRevoke.class, "roleNames", ArrayList.class);
            GRANTED_RIGHTS = in.findVarHandle(GrantRevoke.class, "rightMask", int.class);
            GRANTEE = in.findVarHandle(GrantRevoke.class, "grantee", RightOwner.class);
            in = MethodHandles.privateLookupIn(TableFilter.class, own);
            INDEX_CONDITIONS = in.findVarHandle(TableFilter.class, "indexConditions", ArrayList.class);
            NESTED_JOIN = in.findVarHandle(TableFilter.class, "nestedJoin", TableFilter.class);
            in = MethodHandles.privateLookupIn(Update.class, own);
            SET_CLAUSES = in.findVarHandle(Update.class, "setClauseList", SetClauseList.class);
            FETCHED = in.findVarHandle(Update.class, "fetchExpr", Expression.class);
            in = MethodHandles.privateLookupIn(SetClauseList.class, own);
            Class<?> actions = Class.forName("[Lorg.h2.command.dml.SetClauseList$UpdateAction;");
            ACTIONS = in.findVarHandle(SetClauseList.class, "actions", actions);
            SET_IS_EVERYTHING = in.findVirtual(
                    SetClauseList.class, "isEverything", MethodType.methodType(boolean.class, ExpressionVisitor.class));
            PREPARE_UPDATE = in.findVirtual(
                    SetClauseList.class,
                    "prepareUpdate",
                    MethodType.methodType(
                            boolean.class,
                            Table.class,
                            SessionLocal.class,
                            ResultTarget.class,
                            DataChangeDeltaTable.ResultOption.class,
                            LocalResult.class,
                            Row.class,
                            boolean.class));
            SIMPLE_ACTION = Class.forName("org.h2.command.dml.SetClauseList$SetSimple");
            ACTION_VALUE = MethodHandles.privateLookupIn(SIMPLE_ACTION, own)
                    .findVarHandle(SIMPLE_ACTION, "expression", Expression.class);
            Class<?> action = SIMPLE_ACTION.getSuperclass();
            ACTION_PLACES = MethodHandles.privateLookupIn(action, own)
                    .findVarHandle(action, "arrayIndexes", Expression[].class);
            in = MethodHandles.privateLookupIn(Insert.class, own);
            OVERRIDING = in.findVarHandle(Insert.class, "overridingSystem", Boolean.class);
            INSERTED_FROM = in.findVarHandle(Insert.class, "query", Query.class);
            ON_DUPLICATE = in.findVarHandle(Insert.class, "duplicateKeyAssignmentMap", HashMap.class);
            INSERTED_ROWS = MethodHandles.privateLookupIn(CommandWithValues.class, own)
                    .findVarHandle(CommandWithValues.class, "valuesExpressionList", ArrayList.class);
            COMPARE_TYPE = MethodHandles.privateLookupIn(Comparison.class, own)
                    .findVarHandle(Comparison.class, "compareType", int.class);
            AND_OR = MethodHandles.privateLookupIn(ConditionAndOr.class, own)
                    .findVarHandle(ConditionAndOr.class, "andOrType", int.class);
            AND_OR_OF_MANY = MethodHandles.privateLookupIn(ConditionAndOrN.class, own)
                    .findVarHandle(ConditionAndOrN.class, "andOrType", int.class);
            in = MethodHandles.privateLookupIn(Database.class, own);
            CREATE_SESSION = in.findVirtual(
                    Database.class,
                    "createSession",
                    MethodType.methodType(SessionLocal.class, User.class, NetworkConnectionInfo.class));
            NEXT_SESSION = in.findVarHandle(Database.class, "nextSessionId", int.class);
            NEXT_TEMPORARY_NAME = in.findVarHandle(Database.class, "nextTempTableId", AtomicInteger.class);
            in = MethodHandles.privateLookupIn(Tokenizer.class, own);
            NEW_TOKENIZER = in.findConstructor(
                    Tokenizer.class,
                    MethodType.methodType(
                            void.class, CastDataProvider.class, boolean.class, boolean.class, BitSet.class));
            TOKENIZE = in.findVirtual(
                    Tokenizer.class,
                    "tokenize",
                    MethodType.methodType(ArrayList.class, String.class, boolean.class, BitSet.class));
            TOKEN_TYPE = in.findVirtual(Token.class, "tokenType", MethodType.methodType(int.class));
            AS_IDENTIFIER = in.findVirtual(Token.class, "asIdentifier", MethodType.methodType(String.class));
            START = in.findVirtual(Token.class, "start", MethodType.methodType(int.class));
            OPEN_PAREN = constant(in, "OPEN_PAREN");
            CLOSE_PAREN = constant(in, "CLOSE_PAREN");
            AT = constant(in, "AT");
            SEMICOLON = constant(in, "SEMICOLON");
            END_OF_INPUT = constant(in, "END_OF_INPUT");
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private H2Fields() {}

    private static int constant(MethodHandles.Lookup in, String name) throws ReflectiveOperationException {
        return (int) in.findStaticVarHandle(Token.class, name, int.class).get();
    }

    /** From here on the transaction waits for no row. */
    static void waitForNothing(Transaction transaction) {
        TIMEOUT_MILLIS.set(transaction, 0);
    }

    /**
     * Forgets that the transaction has rolled back to a savepoint. While H2 remembers it, whoever meets one of the
     * transaction's rows tries again at once and for ever; on a lane nobody waits who would have to be woken.
     */
    static void forgetRollback(Transaction transaction) {
        AtomicLong status = (AtomicLong) STATUS_AND_LOG_ID.get(transaction);
        long value = status.get();
        while ((value & HAS_ROLLBACK) != 0 && !status.compareAndSet(value, value & ~HAS_ROLLBACK)) {
            value = status.get();
        }
    }

    /** The session's lock timeout, and nothing else: the transaction's stays. */
    static void setLockTimeout(SessionLocal session, int millis) {
        LOCK_TIMEOUT.set(session, millis);
    }

    static void setQueryTimeout(SessionLocal session, int millis) {
        QUERY_TIMEOUT.set(session, millis);
    }

    /** A cancellation that has hit nothing yet will hit nothing; H2 keeps it for the next statement. */
    static void forgetCancel(SessionLocal session) {
        CANCEL_AT.setVolatile(session, 0L);
    }

    static void setTime(SessionLocal session, ValueTimestampTimeZone time) {
        CURRENT_TIMESTAMP.set(session, time);
    }

    /** What the time functions give until the transaction ends; NULL when that is not settled. */
    static Value timeOf(SessionLocal session) {
        Object time = CURRENT_TIMESTAMP.get(session);
        return time instanceof ValueTimestampTimeZone settled ? settled : ValueNull.INSTANCE;
    }

    static boolean isTimeSet(SessionLocal session) {
        return CURRENT_TIMESTAMP.get(session) != null;
    }

    static boolean hasSavepoints(SessionLocal session) {
        HashMap<?, ?> savepoints = (HashMap<?, ?>) SAVEPOINTS.get(session);
        return savepoints != null && !savepoints.isEmpty();
    }

    static boolean hasVariables(SessionLocal session) {
        HashMap<?, ?> variables = (HashMap<?, ?>) VARIABLES.get(session);
        return variables != null && !variables.isEmpty();
    }

    static boolean hasTemporaryTables(SessionLocal session) {
        HashMap<?, ?> tables = (HashMap<?, ?>) LOCAL_TEMPORARY_TABLES.get(session);
        return tables != null && !tables.isEmpty();
    }

    @SuppressWarnings("unchecked")
    static Set<Table> updates(SessionLocal session) {
        return (Set<Table>) UPDATES.get(session);
    }

    /** The session's transaction; null when none has begun. */
    static @Nullable Transaction transaction(SessionLocal session) {
        return (Transaction) TRANSACTION.get(session);
    }

    static void setTransaction(SessionLocal session, @Nullable Transaction transaction) {
        TRANSACTION.set(session, transaction);
    }

    /** What H2 has made of a command's text; null for a list of statements. */
    static @Nullable Prepared prepared(Command command) {
        return command instanceof CommandContainer one ? (Prepared) PREPARED.get(one) : null;
    }

    static int typeOf(org.h2.command.dml.Set statement) {
        return (int) SET_TYPE.get(statement);
    }

    static boolean deletesFiles(DropDatabase statement) {
        return (boolean) DELETE_FILES.get(statement);
    }

    /** The query whose rows a new table takes; null when it begins empty. */
    static @Nullable Query queryOf(CreateTable statement) {
        return (Query) CREATED_FROM.get(statement);
    }

    // ---- classes ---------------------------------------------------------------------------------------------------

    /** The class and the method, perhaps with the types of its parameters; null when there is source in its place. */
    static @Nullable String methodOf(CreateFunctionAlias statement) {
        return (String) ALIAS_METHOD.get(statement);
    }

    static @Nullable String sourceOf(CreateFunctionAlias statement) {
        return (String) ALIAS_SOURCE.get(statement);
    }

    static boolean isForced(CreateFunctionAlias statement) {
        return (boolean) ALIAS_FORCED.get(statement);
    }

    static boolean isDeterministic(CreateFunctionAlias statement) {
        return (boolean) ALIAS_DETERMINISTIC.get(statement);
    }

    static String classOf(CreateAggregate statement) {
        return (String) AGGREGATE_CLASS.get(statement);
    }

    static boolean isForced(CreateAggregate statement) {
        return (boolean) AGGREGATE_FORCED.get(statement);
    }

    /** Null when there is source in its place. */
    static @Nullable String classOf(CreateTrigger statement) {
        return (String) TRIGGER_CLASS.get(statement);
    }

    static @Nullable String sourceOf(CreateTrigger statement) {
        return (String) TRIGGER_SOURCE.get(statement);
    }

    static boolean isForced(CreateTrigger statement) {
        return (boolean) TRIGGER_FORCED.get(statement);
    }

    static boolean isOnRollback(CreateTrigger statement) {
        return (boolean) TRIGGER_ON_ROLLBACK.get(statement);
    }

    static String tableOf(CreateTrigger statement) {
        return (String) TRIGGER_TABLE.get(statement);
    }

    static Schema schemaOf(SchemaCommand statement) {
        try {
            return (Schema) SCHEMA.invokeExact(statement);
        } catch (Throwable e) {
            throw sneaky(e);
        }
    }

    /** From here on H2 loads these classes, too; which statement may name which is for others to judge. */
    static synchronized void allowClasses(Set<String> names) {
        if (ALLOWED_CLASSES.get() == null) {
            try {
                JdbcUtils.loadUserClass("");
            } catch (DbException e) {
                // There is no such class; by now H2 has read what it allows.
                if (ALLOWED_CLASSES.get() == null) {
                    throw e;
                }
            }
        }
        HashSet<Object> allowed = new HashSet<>((HashSet<?>) ALLOWED_CLASSES.get());
        allowed.addAll(names);
        ALLOWED_CLASSES.setVolatile(allowed);
    }

    // ---- sessions --------------------------------------------------------------------------------------------------

    /** Whose command this thread executes; null when nobody's. */
    static @Nullable Session sessionOfThread() {
        try {
            return (Session) SESSION_OF_THREAD.invokeExact();
        } catch (Throwable e) {
            throw sneaky(e);
        }
    }

    /** A table that is none, for being locked: it equals no other, and nobody finds it. */
    static Table nobodysTable(Database database) {
        DualTable table = new DualTable(database);
        OBJECT_ID.set(table, Integer.MIN_VALUE); // H2's tables are equal when their ids are
        return table;
    }

    /** What the session's transaction has locked, as H2 itself keeps it. */
    @SuppressWarnings("unchecked")
    static List<Table> locks(SessionLocal session) {
        return (List<Table>) SESSION_LOCKS.get(session);
    }

    // ---- users -----------------------------------------------------------------------------------------------------

    static byte @Nullable [] saltOf(User user) {
        return (byte[]) USER_SALT.get(user);
    }

    static byte @Nullable [] hashOf(User user) {
        return (byte[]) USER_HASH.get(user);
    }

    static boolean isForAdministrator(CreateUser statement) {
        return (boolean) CREATED_ADMIN.get(statement);
    }

    static @Nullable Expression passwordOf(CreateUser statement) {
        return (Expression) CREATED_PASSWORD.get(statement);
    }

    static @Nullable Expression saltOf(CreateUser statement) {
        return (Expression) CREATED_SALT.get(statement);
    }

    static @Nullable Expression hashOf(CreateUser statement) {
        return (Expression) CREATED_HASH.get(statement);
    }

    static User userOf(AlterUser statement) {
        return (User) ALTERED_USER.get(statement);
    }

    static @Nullable Expression passwordOf(AlterUser statement) {
        return (Expression) ALTERED_PASSWORD.get(statement);
    }

    static @Nullable Expression saltOf(AlterUser statement) {
        return (Expression) ALTERED_SALT.get(statement);
    }

    static @Nullable Expression hashOf(AlterUser statement) {
        return (Expression) ALTERED_HASH.get(statement);
    }

    static String nameOf(DropUser statement) {
        return (String) DROPPED_NAME.get(statement);
    }

    /** Roles that are granted or revoked; null when it is about rights. */
    static @Nullable List<?> rolesOf(GrantRevoke statement) {
        return (ArrayList<?>) GRANTED_ROLES.get(statement);
    }

    static int rightsOf(GrantRevoke statement) {
        return (int) GRANTED_RIGHTS.get(statement);
    }

    static RightOwner granteeOf(GrantRevoke statement) {
        return (RightOwner) GRANTEE.get(statement);
    }

    // ---- tables ----------------------------------------------------------------------------------------------------

    /** Sessions that have written to the table in their open transactions. */
    @SuppressWarnings("unchecked")
    static Set<SessionLocal> writersOf(MVTable table) {
        return ((ConcurrentHashMap<SessionLocal, SessionLocal>) LOCK_SHARED_SESSIONS.get(table)).keySet();
    }

    static @Nullable SessionLocal exclusiveOwnerOf(MVTable table) {
        return (SessionLocal) LOCK_EXCLUSIVE_SESSION.get(table);
    }

    @SuppressWarnings("unchecked")
    static List<IndexCondition> indexConditions(TableFilter filter) {
        return (List<IndexCondition>) INDEX_CONDITIONS.get(filter);
    }

    static @Nullable TableFilter nestedJoin(TableFilter filter) {
        return (TableFilter) NESTED_JOIN.get(filter);
    }

    // ---- changes ---------------------------------------------------------------------------------------------------

    static int typeOf(Comparison comparison) {
        return (int) COMPARE_TYPE.get(comparison);
    }

    /** Whether it holds when all that it consists of do. */
    static boolean isAnd(Expression condition) {
        return (condition instanceof ConditionAndOr two && (int) AND_OR.get(two) == ConditionAndOr.AND)
                || (condition instanceof ConditionAndOrN many && (int) AND_OR_OF_MANY.get(many) == ConditionAndOr.AND);
    }

    /** Whether it takes a value for a column that is always generated. */
    static boolean overridesSystemValues(Insert statement) {
        return OVERRIDING.get(statement) != null;
    }

    /** Whether it says how many rows it changes at most. */
    static boolean hasFetch(Update statement) {
        return FETCHED.get(statement) != null;
    }

    /** By the column's number; null for one that it does not name. */
    static @Nullable Object[] actionsOf(Update statement) {
        return (Object[]) ACTIONS.get((SetClauseList) SET_CLAUSES.get(statement));
    }

    /** Whether one of {@link #actionsOf} sets the column's default. */
    static boolean isDefault(Object action) {
        return action.getClass() == ACTIONS.varType().getComponentType(); // those with an expression have other classes
    }

    /** What one of {@link #actionsOf} sets the whole column to; null when it does something else. */
    static @Nullable Expression valueOf(Object action) {
        return SIMPLE_ACTION.isInstance(action) && ACTION_PLACES.get(action) == null
                ? (Expression) ACTION_VALUE.get(action)
                : null;
    }

    /** Rows as they are written, null for a default; empty when it takes them from a query, or what it does depends on them. */
    static List<?> rowsOf(Insert statement) {
        return INSERTED_FROM.get(statement) == null && ON_DUPLICATE.get(statement) == null
                ? (List<?>) INSERTED_ROWS.get(statement)
                : List.of();
    }

    /** Asks the values that it sets, not its condition. */
    static boolean isEverything(Update statement, ExpressionVisitor visitor) {
        try {
            return (boolean) SET_IS_EVERYTHING.invokeExact((SetClauseList) SET_CLAUSES.get(statement), visitor);
        } catch (Throwable e) {
            throw sneaky(e);
        }
    }

    /** Computes a changed row and checks it. @return whether there is one @throws org.h2.message.DbException it may not be */
    static boolean computes(Update statement, SessionLocal session, LocalResult into, Row row) {
        try {
            return (boolean) PREPARE_UPDATE.invokeExact(
                    (SetClauseList) SET_CLAUSES.get(statement),
                    statement.getTable(),
                    session,
                    (ResultTarget) null,
                    (DataChangeDeltaTable.ResultOption) null,
                    into,
                    row,
                    false);
        } catch (Throwable e) {
            throw sneaky(e);
        }
    }

    // ---- sessions --------------------------------------------------------------------------------------------------

    /** One that H2 will call by this number; call it while nobody else opens one. */
    static SessionLocal createSession(Database database, User user, int number) {
        int next = (int) NEXT_SESSION.get(database);
        NEXT_SESSION.set(database, number - 1);
        try {
            return createSession(database, user);
        } finally {
            NEXT_SESSION.set(database, next);
        }
    }

    /** H2 numbers the tables from now on that it makes to change others. */
    static void numberTemporaryNames(Database database) {
        ((AtomicInteger) NEXT_TEMPORARY_NAME.get(database)).set(0);
    }

    static SessionLocal createSession(Database database, User user) {
        try {
            return (SessionLocal) CREATE_SESSION.invokeExact(database, user, (NetworkConnectionInfo) null);
        } catch (Throwable e) {
            throw sneaky(e);
        }
    }

    /** The tokens of a text. @throws DbException it has none */
    static List<?> tokens(SessionLocal session, String sql) {
        try {
            boolean isUpper = session.getDatabase().getSettings().databaseToUpper;
            boolean isLower = session.getDatabase().getSettings().databaseToLower;
            Tokenizer tokenizer = (Tokenizer) NEW_TOKENIZER.invokeExact(
                    (CastDataProvider) session.getDatabase(), isUpper, isLower, session.getNonKeywords());
            return (ArrayList<?>) TOKENIZE.invokeExact(tokenizer, sql, false, new BitSet());
        } catch (Throwable e) {
            throw sneaky(e);
        }
    }

    static int typeOf(Token token) {
        try {
            return (int) TOKEN_TYPE.invokeExact(token);
        } catch (Throwable e) {
            throw sneaky(e);
        }
    }

    static int startOf(Token token) {
        try {
            return (int) START.invokeExact(token);
        } catch (Throwable e) {
            throw sneaky(e);
        }
    }

    /** An identifier's name; null when the token is none. */
    static @Nullable String identifierOf(Token token) {
        try {
            return (String) AS_IDENTIFIER.invokeExact(token);
        } catch (Throwable e) {
            throw sneaky(e);
        }
    }

    /** None of the methods behind the handles declares a checked exception. */
    private static RuntimeException sneaky(Throwable e) {
        if (e instanceof Error error) {
            throw error;
        }
        throw (RuntimeException) e;
    }
}
