package io.lockstep.tsdstore.sql;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.h2.api.ErrorCode;
import org.h2.command.Prepared;
import org.h2.command.ddl.CreateAggregate;
import org.h2.command.ddl.CreateFunctionAlias;
import org.h2.command.ddl.CreateTrigger;
import org.h2.command.ddl.DropAggregate;
import org.h2.command.ddl.DropFunctionAlias;
import org.h2.engine.Database;
import org.h2.engine.DbObject;
import org.h2.engine.Right;
import org.h2.engine.SessionLocal;
import org.h2.message.DbException;
import org.h2.schema.FunctionAlias;
import org.h2.schema.Schema;
import org.h2.schema.SchemaObject;
import org.h2.schema.Sequence;
import org.h2.table.Table;
import org.h2.table.TableType;
import org.h2.value.ValueNull;
import org.jspecify.annotations.Nullable;

/**
 * What H2 lets only its administrators do, and the owner of a database needs. Touched only by the lane, which has
 * committed the session's transaction before.
 */
final class OwnerCommands {
    private final SqlDatabase database;
    private final Attempts attempts;

    OwnerCommands(SqlDatabase database, Attempts attempts) {
        this.database = database;
        this.attempts = attempts;
    }

    /** Statistics for the planner: as the client wrote it, in the client's schema. */
    void analyze(SqlSession session, String sql) {
        checkOwner(session);
        database.administer(session.h2(), sql, Prepared::update);
    }

    /** Whether a statement makes or drops what is made of the operator's classes, but for triggers, which H2 drops. */
    static boolean isAboutClasses(Prepared prepared) {
        return prepared instanceof CreateFunctionAlias
                || prepared instanceof CreateAggregate
                || prepared instanceof CreateTrigger
                || prepared instanceof DropFunctionAlias
                || prepared instanceof DropAggregate;
    }

    /**
     * Does a statement for which {@link #isAboutClasses} holds, and which is not refused.
     *
     * @param prepared as the client's session has it
     * @throws DbException it fails
     */
    void define(SqlSession session, String sql, Prepared prepared) {
        SessionLocal clients = session.h2();
        if (prepared instanceof CreateTrigger trigger) {
            // As H2 has it for dropping one: who may change the table.
            Table table = H2Fields.schemaOf(trigger).getTableOrView(clients, H2Fields.tableOf(trigger));
            clients.getUser().checkTableRight(table, Right.SCHEMA_OWNER);
        } else {
            checkOwner(session);
        }
        if (prepared instanceof CreateFunctionAlias alias) {
            judge(alias);
        }
        SessionLocal system = database.database().getSystemSession();
        // A trigger gets a connection of H2's own when it is made.
        database.administer(clients, sql, own -> database.userCode().reading(system, null, own::update));
    }

    /** Makes the function beforehand, under no name, to see what it is. */
    private void judge(CreateFunctionAlias statement) {
        String method = H2Fields.methodOf(statement);
        if (method == null) {
            throw DbException.getInternalError("an alias without a method");
        }
        FunctionAlias alias;
        try {
            alias = FunctionAlias.newInstance(H2Fields.schemaOf(statement), 0, "", method, false);
        } catch (DbException e) {
            // Which of two it names is chance.
            throw e.getErrorCode() == ErrorCode.METHODS_MUST_HAVE_DIFFERENT_PARAMETER_COUNTS_2
                    ? DbException.get(e.getErrorCode(), method, method)
                    : e;
        }
        for (FunctionAlias.JavaMethod each : alias.getJavaMethods()) {
            if (H2Fields.isDeterministic(statement) && each.hasConnectionParam()) {
                throw SqlErrors.refused("CREATE ALIAS … DETERMINISTIC of a method with a connection: what it computes"
                        + " depends on more than its arguments");
            }
        }
    }

    /**
     * Drops all tables, views and whatever else the schemas have, and the schemas that can be dropped; the users stay. It
     * follows H2's own order.
     *
     * @return whom it must wait for: who has changed something; null when it is done
     */
    @Nullable Conflict dropAllObjects(SqlSession session) {
        checkOwner(session);
        List<SqlSession> writers = attempts.writers(session);
        if (!writers.isEmpty()) {
            return new Conflict(null, writers, true, null, null);
        }
        SessionLocal h2 = session.h2();
        Database of = database.database();
        h2.lock();
        try {
            of.lockMeta(h2);
            dropTables(of, h2);
            dropOthers(of, h2);
            for (SessionLocal each : of.getSessions(false)) {
                each.setLastIdentity(ValueNull.INSTANCE);
            }
        } finally {
            h2.commit(true);
            h2.unlock();
        }
        return null;
    }

    private void checkOwner(SqlSession session) {
        if (!session.h2().getUser().equals(database.owner())) {
            throw DbException.get(ErrorCode.ADMIN_RIGHTS_REQUIRED);
        }
    }

    /** Tables can depend on each other, so it may take several rounds. */
    private static void dropTables(Database of, SessionLocal h2) {
        boolean isAnyLeft = true;
        while (isAnyLeft) {
            isAnyLeft = false;
            for (Table table : of.getAllTablesAndViews()) {
                // One that was dropped with another has no name any more.
                if (table.getName() != null && table.getTableType() != TableType.SYSTEM_TABLE) {
                    if (of.getDependentTable(table, table) == null) {
                        of.removeSchemaObject(h2, table);
                    } else {
                        isAnyLeft = true;
                    }
                }
            }
        }
    }

    private static void dropOthers(Database of, SessionLocal h2) {
        Collection<Schema> schemas = of.getAllSchemasNoMeta();
        for (Right right : of.getAllRights()) {
            if (right.getGrantedObject() != null) {
                of.removeDatabaseObject(h2, right);
            }
        }
        for (Schema schema : schemas) {
            if (schema.canDrop()) {
                of.removeDatabaseObject(h2, schema);
            }
        }
        ArrayList<SchemaObject> others = new ArrayList<>();
        for (Schema schema : schemas) {
            for (Sequence sequence : schema.getAllSequences()) {
                if (!sequence.getBelongsToTable()) {
                    others.add(sequence);
                }
            }
        }
        for (int type : new int[] {
            DbObject.CONSTRAINT, DbObject.TRIGGER, DbObject.CONSTANT, DbObject.FUNCTION_ALIAS, DbObject.DOMAIN
        }) {
            for (Schema schema : schemas) {
                schema.getAll(type, others);
            }
        }
        for (SchemaObject each : others) {
            if (each.getSchema().isValid()) {
                of.removeSchemaObject(h2, each);
            }
        }
    }
}
