package io.lockstep.tsdstore.sql;

import io.lockstep.tsdstore.StateReader;
import io.lockstep.tsdstore.StateTag;
import io.lockstep.wire.Identity;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.h2.command.CommandInterface;
import org.h2.command.Prepared;
import org.h2.engine.Database;
import org.h2.engine.DbObject;
import org.h2.engine.SessionLocal;
import org.h2.engine.User;
import org.h2.index.Index;
import org.h2.mvstore.db.MVDelegateIndex;
import org.h2.mvstore.db.MVIndex;
import org.h2.mvstore.db.MVPrimaryIndex;
import org.h2.mvstore.db.MVSecondaryIndex;
import org.h2.mvstore.db.MVTable;
import org.h2.mvstore.tx.Transaction;
import org.h2.mvstore.tx.TransactionMap;
import org.h2.result.Row;
import org.h2.result.SearchRow;
import org.h2.schema.Schema;
import org.h2.schema.SchemaObject;
import org.h2.schema.Sequence;
import org.h2.schema.TriggerObject;
import org.h2.table.Table;
import org.h2.value.Value;
import org.h2.value.ValueLob;
import org.h2.value.ValueNull;
import org.jspecify.annotations.Nullable;

/**
 * Counterpart of {@link SqlSnapshot}: makes the objects as H2 does when it opens a database, with the ids and names that
 * they had; puts committed rows in under the keys that they had; then does again, in order, what each open transaction
 * had done, so that its undo log, its locks and its savepoints are those of the source. Touched by one thread at a time.
 */
public final class SqlInstaller {
    /** What of an object's index tells where its entries are. */
    private record IndexOf(MVTable table, MVIndex<?, ?> index) {}

    private final SessionLocal administrator;
    private final Database database;
    private final String settings;
    private final BiFunction<Identity, String, SessionLocal> sessions;
    private final ValueReader values;
    private final List<Prepared> constraints = new ArrayList<>();
    private final List<Prepared> afterConstraints = new ArrayList<>();
    private final Map<Integer, MVTable> tables = new HashMap<>();
    private final Map<Integer, IndexOf> indexes = new HashMap<>();
    private final Map<MVTable, Long> lastKeys = new HashMap<>();
    private final Map<SessionLocal, SessionSettings> settingsBySession = new HashMap<>();
    private BitSet objectIds = new BitSet();
    /** Objects of schemas that a session's own objects must not meet while they are made. */
    private final List<SchemaObject> hidden = new ArrayList<>();

    /** The session that holds H2's lock on its own tables, which the making of other sessions' objects needs. */
    private @Nullable SessionLocal lockedCatalog;

    private boolean hasUnfinishedObjects;
    private @Nullable MVTable table;
    private @Nullable SessionLocal session;

    /**
     * For a copy without sessions.
     *
     * @param administrator of an empty database
     */
    public SqlInstaller(SessionLocal administrator) {
        this(administrator, "", (name, user) -> {
            throw new IllegalArgumentException("a session in a copy that has none: " + name);
        });
    }

    /**
     * @param administrator of an empty database
     * @param settings as of the snapshot
     * @param sessions opens the session of that name for that user, fresh
     */
    SqlInstaller(SessionLocal administrator, String settings, BiFunction<Identity, String, SessionLocal> sessions) {
        this.administrator = administrator;
        this.database = administrator.getDatabase();
        this.settings = SqlSnapshot.settings(database) + ' ' + settings;
        this.sessions = sessions;
        this.values = new ValueReader(administrator);
    }

    /** Takes the next item that a {@link SqlSnapshot} wrote. @throws IllegalArgumentException it does not fit */
    public void install(StateTag tag, StateReader item) {
        switch (tag) {
            case SQL -> begin(item);
            case SCHEMA_OBJECT -> locked(administrator, () -> addObject(administrator, item));
            case SEQUENCE -> stand(item);
            case TABLE -> beginTable(item);
            case ROWS -> locked(administrator, () -> addRows(item));
            case SQL_SESSION -> openSession(item);
            case SQL_SESSION_OBJECT -> locked(session(), () -> addObject(session(), item));
            case SQL_CHANGES -> locked(session(), () -> change(session(), item));
            case SQL_STANDING -> locked(session(), () -> stand(session(), item));
            default -> throw new IllegalArgumentException("no item of a SQL database: " + tag);
        }
    }

    /** All items have been taken. */
    public void finish() {
        finishObjects();
        checkTriggers();
        lastKeys.forEach((each, key) -> H2Internals.lastKey(each).set(key));
        BitSet taken = H2Internals.objectIds(database);
        synchronized (taken) {
            taken.clear();
            taken.or(objectIds);
        }
        values.forgetObjects();
        SessionLocal holder = lockedCatalog;
        if (holder != null) {
            locked(holder, () -> database.lockMeta(holder));
        }
        settingsBySession.forEach((each, its) -> its.settleTime(each));
    }

    /** H2 makes a trigger's object later where it cannot now; at the source it could. */
    private void checkTriggers() {
        for (Schema schema : SqlSnapshot.userSchemas(database)) {
            for (TriggerObject each : schema.getAllTriggers()) {
                if (!H2Internals.isMade(each)) {
                    throw new IllegalArgumentException("a trigger whose object cannot be made here: " + each.getName()
                            + " of class " + each.getTriggerClassName());
                }
            }
        }
    }

    private SessionLocal session() {
        if (session == null) {
            throw new IllegalArgumentException("an item of a session before its session");
        }
        return session;
    }

    /**
     * H2 expects its own locks to be held by whoever changes objects or rows, and takes some of the statements that it
     * keeps for its objects only in the mode in which it opens databases and runs scripts.
     */
    private void locked(SessionLocal by, Runnable work) {
        by.lock();
        boolean isQuirks = by.isQuirksMode();
        by.setQuirksMode(true);
        try {
            synchronized (database) {
                work.run();
            }
        } finally {
            by.setQuirksMode(isQuirks);
            by.unlock();
        }
    }

    // ---- objects --------------------------------------------------------------------------------------------------

    private void begin(StateReader item) {
        String theirs = item.getString();
        if (!theirs.equals(settings)) {
            throw new IllegalArgumentException("the database is set to " + settings + " here and to " + theirs
                    + " where the copy was made; make them equal");
        }
        long[] ids = new long[item.getInt()];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = item.getLong();
        }
        objectIds = BitSet.valueOf(ids);
    }

    /** Objects come in the order in which H2 makes them. */
    private void addObject(SessionLocal by, StateReader item) {
        int id = item.getInt();
        int type = item.getInt();
        String sql = item.getString();
        int tableId = item.getInt();
        int flags = item.getByte();
        int schemaId = item.getInt();
        String name = item.getString();
        hasUnfinishedObjects = true;
        if (by == session) {
            hide(schemaId, type, name);
        }
        reserve(id);
        Prepared prepared = by.prepare(sql);
        prepared.setPersistedObjectId(id);
        if (type == DbObject.CONSTRAINT) {
            constraints.add(prepared);
        } else if (type > DbObject.INDEX && isMadeAfterConstraints(type)) {
            afterConstraints.add(prepared);
        } else if (type == DbObject.INDEX && (flags & SqlSnapshot.HAS_OWN_MAP) != 0) {
            addIndex(by, prepared, tableId);
        } else {
            User known = type == DbObject.USER ? database.findUser(name) : null;
            if (known == null) {
                prepared.update();
            } else {
                Accounts.adopt(by, prepared, known);
            }
        }
        if (type == DbObject.TABLE_OR_VIEW) {
            takeTable(by, id, flags);
        } else if (type == DbObject.SEQUENCE && (flags & SqlSnapshot.IS_TEMPORARY) != 0) {
            sequence(id).setTemporary(true);
            database.removeMeta(by, id);
        }
    }

    /**
     * A session's own object keeps its name though an object of the schema has taken the same name since, which H2 would
     * find first.
     */
    private void hide(int schemaId, int type, String name) {
        for (Schema schema : SqlSnapshot.userSchemas(database)) {
            if (schema.getId() == schemaId) {
                SchemaObject found = H2Internals.objects(schema, type).remove(name);
                if (found != null) {
                    hidden.add(found);
                }
            }
        }
    }

    private static boolean isMadeAfterConstraints(int type) {
        return type == DbObject.TRIGGER
                || type == DbObject.SYNONYM
                || type == DbObject.RIGHT
                || type == DbObject.COMMENT;
    }

    /** H2 gives out the lowest free id, and expects that of an object to be taken. */
    private void reserve(int id) {
        BitSet taken = H2Internals.objectIds(database);
        synchronized (taken) {
            taken.set(id);
        }
    }

    /**
     * An index that could be the table itself is one of its own where the table had rows when it was made. H2 looks for
     * that only in a table that has no such index yet.
     */
    private void addIndex(SessionLocal by, Prepared prepared, int tableId) {
        MVTable to = table(tableId);
        MVPrimaryIndex rows = (MVPrimaryIndex) to.getScanIndex(by);
        int mainColumn = rows.getMainIndexColumn();
        rows.setMainIndexColumn(0);
        prepared.update();
        rows.setMainIndexColumn(mainColumn);
    }

    private void takeTable(SessionLocal by, int id, int flags) {
        for (Table each : by.getLocalTempTables()) {
            if (each.getId() == id && each instanceof MVTable stored) {
                stored.setOnCommitDrop((flags & SqlSnapshot.IS_DROPPED_AT_END) != 0);
                stored.setOnCommitTruncate((flags & SqlSnapshot.IS_EMPTIED_AT_END) != 0);
                tables.put(id, stored);
                return;
            }
        }
        for (Schema schema : SqlSnapshot.userSchemas(database)) {
            for (Table each : schema.getAllTablesAndViews(null)) {
                if (each.getId() == id && each instanceof MVTable stored) {
                    tables.put(id, stored);
                    return;
                }
            }
        }
    }

    private MVTable table(int id) {
        MVTable found = tables.get(id);
        if (found == null) {
            throw new IllegalArgumentException("something of a table that is not in the copy: " + id);
        }
        return found;
    }

    private Sequence sequence(int id) {
        for (Schema schema : SqlSnapshot.userSchemas(database)) {
            for (Sequence each : schema.getAllSequences()) {
                if (each.getId() == id) {
                    return each;
                }
            }
        }
        throw new IllegalArgumentException("a sequence that is not in the copy: " + id);
    }

    /** What others refer to comes first: primary and unique keys. What H2 keeps locked until the end of a statement goes. */
    private void finishObjects() {
        if (!hasUnfinishedObjects) {
            return;
        }
        hasUnfinishedObjects = false;
        SessionLocal by = session == null ? administrator : session;
        locked(by, () -> {
            for (boolean isKey : new boolean[] {true, false}) {
                for (Prepared each : constraints) {
                    if (isKey == isKey(each)) {
                        each.update();
                    }
                }
            }
            constraints.clear();
            if (by == administrator) {
                H2Internals.recompileInvalidViews(database);
            }
            afterConstraints.forEach(Prepared::update);
            afterConstraints.clear();
            by.getTransaction(); // without one H2 does not let go of what its statements locked
            by.commit(true);
            for (SchemaObject each : hidden) {
                H2Internals.objects(each.getSchema(), each.getType()).put(each.getName(), each);
            }
            hidden.clear();
        });
    }

    private static boolean isKey(Prepared constraint) {
        return constraint.getType() == CommandInterface.ALTER_TABLE_ADD_CONSTRAINT_PRIMARY_KEY
                || constraint.getType() == CommandInterface.ALTER_TABLE_ADD_CONSTRAINT_UNIQUE;
    }

    private void stand(StateReader item) {
        H2Internals.stand(
                sequence(item.getInt()),
                item.getLong(),
                item.getLong(),
                item.getLong(),
                Sequence.Cycle.values()[item.getByte()],
                item.getLong(),
                item.getLong());
    }

    // ---- tables and rows ------------------------------------------------------------------------------------------

    private void beginTable(StateReader item) {
        finishObjects();
        MVTable begun = table(item.getInt());
        table = begun;
        lastKeys.put(begun, item.getLong());
        order(begun.getIndexes(), item);
        order(H2Internals.constraints(begun), item);
        order(H2Internals.triggers(begun), item);
        for (Index each : begun.getIndexes()) {
            if (each instanceof MVIndex<?, ?> stored && !(each instanceof MVDelegateIndex)) {
                indexes.put(each.getId(), new IndexOf(begun, stored));
            }
        }
    }

    /** H2 checks and fires in the order in which the objects were made, which that of their ids need not be. */
    private static <T extends DbObject> void order(@Nullable List<T> objects, StateReader item) {
        int[] ids = numbers(item);
        if (ids.length != (objects == null ? 0 : objects.size())) {
            throw new IllegalArgumentException("other indexes, constraints or triggers than the table had");
        }
        if (objects == null) {
            return;
        }
        Map<Integer, T> byId = new HashMap<>();
        objects.forEach(each -> byId.put(each.getId(), each));
        for (int i = 0; i < ids.length; i++) {
            T each = byId.get(ids[i]);
            if (each == null) {
                throw new IllegalArgumentException("an object that is not in the copy: " + ids[i]);
            }
            objects.set(i, each);
        }
    }

    /** Nobody else is there, and the source has checked what there is to check: rows go straight to where they stay. */
    private void addRows(StateReader item) {
        MVTable to = table;
        if (to == null) {
            throw new IllegalArgumentException("rows without a table");
        }
        Transaction none = administrator.getTransaction();
        while (item.hasMore()) {
            long key = item.getLong();
            Row row = row(to, key, ByteBuffer.wrap(item.getBytes()));
            keepObjects(administrator, to, row);
            for (Index each : to.getIndexes()) {
                if (each instanceof MVPrimaryIndex rows) {
                    none.openMapX(rows.getMVMap()).putCommitted(key, row);
                } else if (each instanceof MVSecondaryIndex entries) {
                    SearchRow entry = entries.getRowFactory().createRow();
                    entry.copyFrom(row);
                    none.openMapX(entries.getMVMap()).putCommitted(entry, ValueNull.INSTANCE);
                } else {
                    each.add(administrator, row);
                }
            }
        }
        administrator.commit(true);
        values.forgetObjects();
    }

    private Row row(MVTable of, long key, ByteBuffer in) {
        Row row = of.createRow(values.row(in, of.getColumns()), Row.MEMORY_CALCULATE);
        row.setKey(key);
        return row;
    }

    // ---- sessions -------------------------------------------------------------------------------------------------

    private void openSession(StateReader item) {
        finishObjects();
        SessionLocal opened = sessions.apply(item.getIdentity(), item.getString());
        session = opened;
        SessionSettings read = SessionSettings.read(item, values);
        settingsBySession.put(opened, read);
        opened.lock();
        try {
            read.applyTo(opened, this::sequence);
        } finally {
            opened.unlock();
        }
        values.forgetObjects();
    }

    private void change(SessionLocal of, StateReader item) {
        Transaction transaction = of.getTransaction();
        while (item.hasMore()) {
            int kind = item.getByte();
            if (kind == SqlSnapshot.NOTHING) {
                H2Internals.logNothing(transaction);
                continue;
            }
            int id = item.getInt();
            IndexOf at = indexes.get(id);
            if (at == null) {
                throw new IllegalArgumentException("a change of something that is not in the copy: " + id);
            }
            ByteBuffer in = ByteBuffer.wrap(item.getBytes());
            if (at.index() instanceof MVPrimaryIndex rows) {
                changeRow(of, at.table(), transaction.openMapX(rows.getMVMap()), kind, in);
            } else {
                changeEntry(at.index(), transaction, kind, in);
            }
            of.registerTableAsUpdated(at.table());
        }
        transaction.markStatementEnd();
        values.forgetObjects();
    }

    private void changeRow(
            SessionLocal of, MVTable table, TransactionMap<Long, SearchRow> map, int kind, ByteBuffer in) {
        long key = in.getLong();
        switch (kind) {
            case SqlSnapshot.PUT -> {
                Row row = row(table, key, in);
                keepObjects(of, table, row);
                dropObjects(of, table, map.put(key, row));
            }
            case SqlSnapshot.REMOVE -> dropObjects(of, table, map.remove(key));
            case SqlSnapshot.LOCK -> map.lock(key);
            default -> throw new IllegalArgumentException("unknown change " + kind);
        }
    }

    @SuppressWarnings("unchecked")
    private static void changeEntry(MVIndex<?, ?> index, Transaction transaction, int kind, ByteBuffer in) {
        MVIndex<Object, Value> of = (MVIndex<Object, Value>) index;
        TransactionMap<Object, Value> map = transaction.openMapX(of.getMVMap());
        Object key = of.getMVMap().getKeyType().read(in);
        switch (kind) {
            case SqlSnapshot.PUT -> map.put(key, ValueNull.INSTANCE);
            case SqlSnapshot.REMOVE -> map.remove(key);
            case SqlSnapshot.LOCK -> map.lock(key);
            default -> throw new IllegalArgumentException("unknown change " + kind);
        }
    }

    /** As H2 does when it adds a row: the row has large objects of its own, which stay when the transaction commits. */
    private void keepObjects(SessionLocal of, MVTable table, Row row) {
        if (table.getContainsLargeObject()) {
            for (int i = 0; i < row.getColumnCount(); i++) {
                if (row.getValue(i) instanceof ValueLob lob) {
                    ValueLob kept = lob.copy(database, table.getId());
                    of.removeAtCommitStop(kept);
                    row.setValue(i, kept);
                }
            }
        }
    }

    private static void dropObjects(SessionLocal of, MVTable table, @Nullable SearchRow row) {
        if (row != null && table.getContainsLargeObject()) {
            for (int i = 0; i < row.getColumnCount(); i++) {
                if (row.getValue(i) instanceof ValueLob lob) {
                    of.removeAtCommit(lob);
                }
            }
        }
    }

    private void stand(SessionLocal of, StateReader item) {
        long logId = item.getLong();
        if (logId >= 0 && logId != of.getTransaction().setSavepoint()) {
            throw new IllegalArgumentException("a transaction with "
                    + of.getTransaction().setSavepoint() + " changes here and " + logId + " at the source");
        }
        if (item.getByte() == 1) {
            lockedCatalog = of;
        }
        for (int id : numbers(item)) {
            table(Math.abs(id)).lock(of, id < 0 ? Table.EXCLUSIVE_LOCK : Table.WRITE_LOCK);
        }
        for (int left = item.getInt(); left > 0; left--) {
            String name = item.getString();
            of.addSavepoint(name);
            Map<String, SessionLocal.Savepoint> savepoints = H2Internals.savepoints(of);
            SessionLocal.Savepoint added = savepoints == null ? null : savepoints.get(name);
            if (added == null) {
                throw new IllegalArgumentException("a savepoint that cannot be set: " + name);
            }
            H2Internals.place(added, item.getInt(), item.getLong());
        }
        int[] released = numbers(item);
        if (released.length > 0) {
            BitSet ids = new BitSet();
            for (int id : released) {
                ids.set(id);
            }
            H2Internals.setIdsToRelease(of, ids);
        }
        of.endStatement();
    }

    private static int[] numbers(StateReader item) {
        int[] numbers = new int[item.getInt()];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = item.getInt();
        }
        return numbers;
    }
}
