package io.lockstep.tsdstore;

import java.io.ByteArrayInputStream;
import java.io.StringReader;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.h2.command.CommandInterface;
import org.h2.command.Prepared;
import org.h2.engine.Database;
import org.h2.engine.DbObject;
import org.h2.engine.SessionLocal;
import org.h2.mvstore.db.MVTable;
import org.h2.mvstore.db.ValueDataType;
import org.h2.result.Row;
import org.h2.schema.Schema;
import org.h2.store.LobStorageInterface;
import org.h2.table.Table;
import org.h2.value.TypeInfo;
import org.h2.value.Value;
import org.h2.value.ValueLob;
import org.jspecify.annotations.Nullable;

/**
 * Counterpart of {@link H2Snapshot}: makes the objects as H2 does when it opens a database, with the ids and names that
 * they had, and puts the rows in under the keys that they had. Touched by one thread at a time.
 */
final class H2Installer {
    private static final VarHandle OBJECT_IDS;

    static {
        try {
            OBJECT_IDS = MethodHandles.privateLookupIn(Database.class, MethodHandles.lookup())
                    .findVarHandle(Database.class, "objectIds", BitSet.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final SessionLocal session;
    private final Database database;
    private final ValueDataType values = new ValueDataType();
    private final List<Prepared> constraints = new ArrayList<>();
    private final List<Runnable> afterConstraints = new ArrayList<>();
    private final Map<Integer, MVTable> tables = new HashMap<>();
    private boolean hasAllObjects;
    private @Nullable MVTable table;
    private long lastKey;

    /** @param session an administrator's, of an empty database */
    H2Installer(SessionLocal session) {
        this.session = session;
        this.database = session.getDatabase();
    }

    void install(StateTag tag, StateReader item) {
        locked(() -> {
            switch (tag) {
                case SCHEMA_OBJECT -> addObject(item.getInt(), item.getInt(), item.getString());
                case TABLE -> beginTable(item.getInt(), item.getLong());
                case ROWS -> addRows(item);
                default -> throw new IllegalArgumentException("no item of the records: " + tag);
            }
        });
    }

    void finish() {
        locked(() -> {
            finishObjects();
            finishTable();
        });
    }

    /**
     * H2 expects its own locks to be held by whoever changes objects or rows, and takes some of the statements that it
     * keeps for its objects only in the mode in which it opens databases and runs scripts.
     */
    private void locked(Runnable work) {
        session.lock();
        session.setQuirksMode(true);
        try {
            synchronized (database) {
                work.run();
            }
        } finally {
            session.setQuirksMode(false);
            session.unlock();
        }
    }

    /** Objects come in the order in which H2 makes them. */
    private void addObject(int id, int type, String sql) {
        if (type == DbObject.CONSTRAINT) {
            constraints.add(prepared(id, sql));
        } else if (isMadeAfterConstraints(type)) {
            afterConstraints.add(() -> prepared(id, sql).update());
        } else {
            prepared(id, sql).update();
        }
    }

    private static boolean isMadeAfterConstraints(int type) {
        return type == DbObject.TRIGGER
                || type == DbObject.SYNONYM
                || type == DbObject.ROLE
                || type == DbObject.RIGHT
                || type == DbObject.AGGREGATE
                || type == DbObject.COMMENT;
    }

    private Prepared prepared(int id, String sql) {
        reserve(id);
        Prepared prepared = session.prepare(sql);
        prepared.setPersistedObjectId(id);
        return prepared;
    }

    /** H2 gives out the lowest free id, and expects that of an object to be taken. */
    private void reserve(int id) {
        BitSet taken = (BitSet) OBJECT_IDS.get(database);
        synchronized (taken) {
            taken.set(id);
        }
    }

    /** What others refer to comes first: primary and unique keys. */
    private void finishObjects() {
        if (hasAllObjects) {
            return;
        }
        hasAllObjects = true;
        for (boolean isKey : new boolean[] {true, false}) {
            for (Prepared constraint : constraints) {
                if (isKey == isKey(constraint)) {
                    constraint.update();
                }
            }
        }
        afterConstraints.forEach(Runnable::run);
        session.commit(true);
        for (Schema schema : H2Snapshot.userSchemas(database)) {
            for (Table each : schema.getAllTablesAndViews(null)) {
                if (each instanceof MVTable stored) {
                    tables.put(each.getId(), stored);
                }
            }
        }
    }

    private static boolean isKey(Prepared constraint) {
        return constraint.getType() == CommandInterface.ALTER_TABLE_ADD_CONSTRAINT_PRIMARY_KEY
                || constraint.getType() == CommandInterface.ALTER_TABLE_ADD_CONSTRAINT_UNIQUE;
    }

    private void beginTable(int id, long lastKeyOfTable) {
        finishObjects();
        finishTable();
        table = tables.get(id);
        if (table == null) {
            throw new IllegalArgumentException("rows of a table that is not in the copy: " + id);
        }
        lastKey = lastKeyOfTable;
    }

    private void finishTable() {
        if (table != null) {
            H2Snapshot.lastKey(table, session).set(lastKey);
            table = null;
        }
    }

    private void addRows(StateReader item) {
        MVTable to = table;
        if (to == null) {
            throw new IllegalArgumentException("rows without a table");
        }
        List<ValueLob> temporary = new ArrayList<>();
        while (item.hasMore()) {
            long key = item.getLong();
            Value[] row = new Value[item.getInt()];
            for (int i = 0; i < row.length; i++) {
                row[i] = readValue(item, to.getColumn(i).getType());
                if (row[i] instanceof ValueLob lob) {
                    temporary.add(lob);
                }
            }
            Row added = to.createRow(row, Row.MEMORY_CALCULATE);
            added.setKey(key);
            to.addRow(session, added);
        }
        session.commit(false);
        temporary.forEach(ValueLob::remove);
    }

    private Value readValue(StateReader item, TypeInfo type) {
        LobStorageInterface objects = database.getLobStorage();
        switch (item.getByte()) {
            case H2Snapshot.BINARY_OBJECT -> {
                byte[] bytes = item.getBytes();
                return objects.createBlob(new ByteArrayInputStream(bytes), bytes.length);
            }
            case H2Snapshot.CHARACTER_OBJECT -> {
                String text = item.getString();
                return objects.createClob(new StringReader(text), text.length());
            }
            default -> {
                Value value = values.read(ByteBuffer.wrap(item.getBytes()));
                boolean isStoredOtherwise =
                        value.getValueType() != type.getValueType() && value.getValueType() != Value.NULL;
                return isStoredOtherwise ? value.convertTo(type, session) : value;
            }
        }
    }
}
