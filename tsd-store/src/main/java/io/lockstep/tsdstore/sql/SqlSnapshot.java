package io.lockstep.tsdstore.sql;

import io.lockstep.tsdstore.Records;
import io.lockstep.tsdstore.StateTag;
import io.lockstep.tsdstore.StateWriter;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Invariant;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.h2.constraint.Constraint;
import org.h2.engine.Constants;
import org.h2.engine.Database;
import org.h2.engine.DbObject;
import org.h2.engine.MetaRecord;
import org.h2.engine.SessionLocal;
import org.h2.index.Index;
import org.h2.mvstore.Cursor;
import org.h2.mvstore.MVMap;
import org.h2.mvstore.RootReference;
import org.h2.mvstore.WriteBuffer;
import org.h2.mvstore.db.MVDelegateIndex;
import org.h2.mvstore.db.MVIndex;
import org.h2.mvstore.db.MVPrimaryIndex;
import org.h2.mvstore.db.MVTable;
import org.h2.mvstore.tx.Transaction;
import org.h2.result.DefaultRow;
import org.h2.result.SearchRow;
import org.h2.schema.Schema;
import org.h2.schema.SchemaObject;
import org.h2.schema.Sequence;
import org.h2.schema.TriggerObject;
import org.h2.table.Table;
import org.h2.value.Value;
import org.h2.value.VersionedValue;
import org.jspecify.annotations.Nullable;

/**
 * An H2 database in memory and its open sessions at one moment between two statements, as items: the statements that H2
 * itself would keep for its objects, with their ids; where sequences stand; committed rows by table, with their keys; then,
 * session by session, its settings, local temporary tables, uncommitted changes in their order, locks and savepoints. Made
 * by the lane, then touched by one other thread while the lane goes on.
 *
 * <p>H2's maps never change a page that can be reached from a root, they replace it; so the roots of all maps and undo
 * logs hold the moment, and making this costs a fixed time for each object and session, whatever the number of rows. A
 * transaction that itself reads an older moment (REPEATABLE READ and above) has a root for it that no item describes: see
 * {@link #isFixedInTime}.
 */
public final class SqlSnapshot implements Records.Snapshot {
    /** Flags of an object. */
    static final int IS_TEMPORARY = 1;

    static final int HAS_OWN_MAP = 2;
    static final int IS_DROPPED_AT_END = 4;
    static final int IS_EMPTIED_AT_END = 8;

    /** What a transaction did to an entry of a map. */
    static final int PUT = 0;

    static final int REMOVE = 1;
    static final int LOCK = 2;
    /** The map is gone, or the number missing. */
    static final int NOTHING = 3;

    private static final int ITEM_BYTES = 32 << 10;
    /** Number of a change within its transaction; the bits above are the transaction. */
    private static final long LOG_ID = (1L << 40) - 1;

    /** A session and the name by which it is known on all nodes. */
    record Named(Identity name, SessionLocal session) {}

    /** What one execution of a step of writing does; false when there was nothing left to write. */
    private interface Step {
        boolean writeNext(StateWriter out);
    }

    /** @param place of a trigger among those of its table */
    private record ObjectAt(MetaRecord meta, int table, int flags, int schema, String name, int place) {
        /**
         * As H2 orders them when it opens a database, but for roles, which may own schemas; aggregates, which views may
         * call; and triggers, which fire in the order in which they are made.
         */
        static final Comparator<ObjectAt> ORDER = Comparator.comparing((ObjectAt each) -> !each.is(DbObject.ROLE))
                .thenComparing(each -> !each.is(DbObject.USER))
                .thenComparing(each -> !each.is(DbObject.SCHEMA))
                .thenComparing(each -> !each.is(DbObject.AGGREGATE))
                .thenComparing((one, other) -> one.is(DbObject.TRIGGER) && other.is(DbObject.TRIGGER)
                        ? Integer.compare(one.place, other.place)
                        : 0)
                .thenComparing(ObjectAt::meta);

        private boolean is(int type) {
            return meta.getObjectType() == type;
        }
    }

    private record SequenceAt(int id, long start, long min, long max, Sequence.Cycle cycle, long base, long margin) {}

    /** A map of an index at the moment; its name in items is the index's id, which is the table's for its rows. */
    private record MapAt<K, V>(
            int index, MVMap<K, VersionedValue<V>> map, RootReference<K, VersionedValue<V>> root, boolean isOfRows) {}

    private final ValueWriter values;
    private final Map<Integer, MapAt<Object, Object>> maps = new HashMap<>();
    private final List<Step> steps = new ArrayList<>();
    private int step;

    /**
     * Of a database in which nobody is in the middle of a transaction.
     *
     * @param nodesOwn names of the users that every node has anyway
     */
    public SqlSnapshot(Database database, Set<String> nodesOwn) {
        this(database, new FrozenLobs(database), "", nodesOwn, List.of());
    }

    /**
     * @param lobs of the same moment
     * @param settings what must be equal beside the database's own settings
     * @param nodesOwn names of the users that every node has anyway
     * @param sessions in an order that is equal on all nodes; none is executing
     */
    SqlSnapshot(Database database, FrozenLobs lobs, String settings, Set<String> nodesOwn, List<Named> sessions) {
        values = new ValueWriter(lobs);
        addObjects(database, settings(database) + ' ' + settings, nodesOwn);
        List<MVTable> tables = new ArrayList<>();
        List<SequenceAt> sequences = new ArrayList<>();
        for (Schema schema : userSchemas(database)) {
            for (Table each : schema.getAllTablesAndViews(null)) {
                if (each instanceof MVTable stored) {
                    tables.add(stored);
                }
            }
            for (Sequence each : schema.getAllSequences()) {
                sequences.add(stand(each));
            }
        }
        addTables(tables);
        sequences.sort(Comparator.comparingInt(SequenceAt::id));
        steps.add(once(out -> sequences.forEach(each -> write(out, each))));
        for (Named each : sessions) {
            addSession(each, database);
        }
    }

    /**
     * Whether the session's transaction reads a moment of the past, which a copy could not. It ends with the transaction.
     */
    static boolean isFixedInTime(SessionLocal session) {
        Transaction transaction = H2Internals.transaction(session);
        return transaction != null && !transaction.allowNonRepeatableRead() && transaction.hasStatementDependencies();
    }

    /** Those that can have tables, in the order of their ids. */
    public static List<Schema> userSchemas(Database database) {
        List<Schema> schemas = new ArrayList<>();
        for (Schema schema : database.getAllSchemasNoMeta()) {
            if (schema.getId() >= Constants.MAIN_SCHEMA_ID) {
                schemas.add(schema);
            }
        }
        schemas.sort(Comparator.comparingInt(Schema::getId));
        return schemas;
    }

    @Override
    public boolean writeNext(StateWriter out) {
        while (step < steps.size()) {
            if (steps.get(step).writeNext(out)) {
                return true;
            }
            steps.set(step++, nothing -> false);
        }
        return false;
    }

    @Override
    public void close() {
        // What holds the moment is memory.
    }

    private interface Writing {
        void write(StateWriter out);
    }

    private static Step once(Writing writing) {
        return new Step() {
            private boolean isWritten;

            @Override
            public boolean writeNext(StateWriter out) {
                if (isWritten) {
                    return false;
                }
                isWritten = true;
                int before = out.size();
                writing.write(out);
                return out.size() > before;
            }
        };
    }

    // ---- objects --------------------------------------------------------------------------------------------------

    private void addObjects(Database database, String settings, Set<String> nodesOwn) {
        long[] ids;
        synchronized (H2Internals.objectIds(database)) {
            ids = H2Internals.objectIds(database).toLongArray();
        }
        steps.add(once(out -> {
            out.begin(StateTag.SQL);
            out.putString(settings);
            out.putInt(ids.length);
            for (long each : ids) {
                out.putLong(each);
            }
            out.end();
        }));
        List<DbObject> all = new ArrayList<>();
        for (Schema schema : userSchemas(database)) {
            if (schema.getId() != Constants.MAIN_SCHEMA_ID) {
                all.add(schema);
            }
            all.addAll(schema.getAll(new ArrayList<SchemaObject>()));
        }
        for (DbObject each : database.getAllUsersAndRoles()) {
            if (!nodesOwn.contains(each.getName()) && each.getId() != 0) {
                all.add(each);
            }
        }
        all.addAll(database.getAllRights());
        all.addAll(database.getAllComments());
        addObjects(all, StateTag.SCHEMA_OBJECT);
    }

    private void addObjects(List<? extends DbObject> all, StateTag tag) {
        List<ObjectAt> objects = new ArrayList<>(all.size());
        for (DbObject each : all) {
            if (each.getCreateSQLForMeta() != null) {
                objects.add(at(each));
            }
        }
        objects.sort(ObjectAt.ORDER);
        for (ObjectAt each : objects) {
            steps.add(once(out -> {
                out.begin(tag);
                out.putInt(each.meta().getId());
                out.putInt(each.meta().getObjectType());
                out.putString(each.meta().getSQL());
                out.putInt(each.table());
                out.putByte(each.flags());
                out.putInt(each.schema());
                out.putString(each.name());
                out.end();
            }));
        }
    }

    private static ObjectAt at(DbObject object) {
        DefaultRow row = new DefaultRow(new Value[4]);
        MetaRecord.populateRowFromDBObject(object, row);
        int flags = object.isTemporary() ? IS_TEMPORARY : 0;
        int table = 0;
        if (object instanceof Index index) {
            table = index.getTable().getId();
            flags |= index instanceof MVDelegateIndex ? 0 : HAS_OWN_MAP;
        }
        if (object instanceof Table stored) {
            flags |= stored.getOnCommitDrop() ? IS_DROPPED_AT_END : 0;
            flags |= stored.getOnCommitTruncate() ? IS_EMPTIED_AT_END : 0;
        }
        int schema =
                object instanceof SchemaObject inSchema ? inSchema.getSchema().getId() : 0;
        int place = 0;
        if (object instanceof TriggerObject trigger) {
            List<TriggerObject> fired = H2Internals.triggers(trigger.getTable());
            place = fired == null ? 0 : fired.indexOf(trigger);
        }
        return new ObjectAt(new MetaRecord(row), table, flags, schema, object.getName(), place);
    }

    /** What must be equal for equal statements to have equal results. */
    static String settings(Database database) {
        return database.getMode().getName()
                + ' '
                + database.getCompareMode().getName()
                + ' '
                + database.getCompareMode().getStrength()
                + ' '
                + database.getSettings().databaseToUpper
                + ' '
                + database.getSettings().databaseToLower
                + ' '
                + database.getSettings().caseInsensitiveIdentifiers
                + ' '
                + database.getDefaultNullOrdering()
                + ' '
                + database.getMaxLengthInplaceLob();
    }

    private static SequenceAt stand(Sequence sequence) {
        return new SequenceAt(
                sequence.getId(),
                sequence.getStartValue(),
                sequence.getMinValue(),
                sequence.getMaxValue(),
                sequence.getCycle(),
                sequence.getBaseValue(),
                H2Internals.margin(sequence));
    }

    private static void write(StateWriter out, SequenceAt at) {
        out.begin(StateTag.SEQUENCE);
        out.putInt(at.id());
        out.putLong(at.start());
        out.putLong(at.min());
        out.putLong(at.max());
        out.putByte(at.cycle().ordinal());
        out.putLong(at.base());
        out.putLong(at.margin());
        out.end();
    }

    // ---- tables and rows ------------------------------------------------------------------------------------------

    private void addTables(List<MVTable> tables) {
        tables.sort(Comparator.comparingInt(Table::getId));
        for (MVTable table : tables) {
            int id = table.getId();
            int columns = table.getColumns().length;
            long lastKey = H2Internals.lastKey(table).get();
            List<Index> indexes = table.getIndexes();
            for (Index each : indexes) {
                if (each instanceof MVIndex<?, ?> stored && !(each instanceof MVDelegateIndex)) {
                    addMap(stored, each instanceof MVPrimaryIndex);
                }
            }
            int[] order = ids(indexes);
            List<Constraint> checked = H2Internals.constraints(table);
            int[] constraints = checked == null ? new int[0] : ids(checked);
            List<? extends DbObject> fired = H2Internals.triggers(table);
            int[] triggers = fired == null ? new int[0] : ids(fired);
            MapAt<Object, Object> rows = map(indexes.get(0));
            steps.add(once(out -> {
                out.begin(StateTag.TABLE);
                out.putInt(id);
                out.putLong(lastKey);
                write(out, order);
                write(out, constraints);
                write(out, triggers);
                out.end();
            }));
            steps.add(new RowsStep(rows, columns));
        }
    }

    private static int[] ids(List<? extends DbObject> objects) {
        return objects.stream().mapToInt(DbObject::getId).toArray();
    }

    private static void write(StateWriter out, int[] numbers) {
        out.putInt(numbers.length);
        for (int each : numbers) {
            out.putInt(each);
        }
    }

    @SuppressWarnings("unchecked")
    private void addMap(MVIndex<?, ?> index, boolean isOfRows) {
        MVMap<Object, VersionedValue<Object>> map =
                (MVMap<Object, VersionedValue<Object>>) (MVMap<?, ?>) index.getMVMap();
        maps.put(map.getId(), new MapAt<>(index.getId(), map, map.flushAndGetRoot(), isOfRows));
    }

    private MapAt<Object, Object> map(Index index) {
        MapAt<Object, Object> found =
                maps.get(((MVIndex<?, ?>) index).getMVMap().getId());
        if (found == null) {
            throw new IllegalStateException("an index without its map: " + index);
        }
        return found;
    }

    /** Committed rows of a table. */
    private final class RowsStep implements Step {
        private final Cursor<Object, VersionedValue<Object>> rows;
        private final int columns;

        RowsStep(MapAt<Object, Object> at, int columns) {
            this.rows = at.map().cursor(at.root(), null, null, false);
            this.columns = columns;
        }

        @Override
        public boolean writeNext(StateWriter out) {
            int start = out.size();
            while (out.size() - start < ITEM_BYTES && rows.hasNext()) {
                Object key = rows.next();
                Object row = rows.getValue().getCommittedValue();
                if (row != null) {
                    if (out.size() == start) {
                        out.begin(StateTag.ROWS);
                    }
                    out.putLong((Long) key);
                    Invariant.check(((SearchRow) row).getColumnCount() == columns, "a row with other columns");
                    out.putBytes(values.clear().put((SearchRow) row).toBytes());
                }
            }
            if (out.size() > start) {
                out.end();
            }
            return out.size() > start;
        }
    }

    // ---- sessions -------------------------------------------------------------------------------------------------

    private void addSession(Named named, Database database) {
        SessionLocal session = named.session();
        SessionSettings settings = SessionSettings.of(session);
        String user = session.getUser().getName();
        steps.add(once(out -> {
            out.begin(StateTag.SQL_SESSION);
            out.putIdentity(named.name());
            out.putString(user);
            settings.write(out, values);
            out.end();
        }));
        addTemporaryTables(session);
        Transaction transaction = H2Internals.transaction(session);
        if (transaction != null && transaction.hasChanges()) {
            MVMap<Long, Object> log = H2Internals.undoLog(database.getStore().getTransactionStore(), transaction);
            steps.add(new ChangesStep(log, transaction.setSavepoint()));
        }
        addStanding(session, transaction == null ? -1 : transaction.setSavepoint());
    }

    /** Ids of the tables that the session has locked, in order; negative when nobody else may use them. */
    static int[] locks(SessionLocal session) {
        return session.getLocks().stream()
                .filter(each -> each.getId() > 0)
                .mapToInt(each -> each instanceof MVTable table && table.isLockedExclusivelyBy(session)
                        ? -each.getId()
                        : each.getId())
                .sorted()
                .toArray();
    }

    /** @param logId number of changes of the transaction; -1 when none is open */
    private void addStanding(SessionLocal session, long logId) {
        boolean isCatalogLocked = session.getLocks().stream().anyMatch(each -> each.getId() == 0);
        int[] locks = locks(session);
        Map<String, SessionLocal.Savepoint> savepoints = new TreeMap<>();
        Map<String, SessionLocal.Savepoint> set = H2Internals.savepoints(session);
        if (set != null) {
            savepoints.putAll(set);
        }
        BitSet released = H2Internals.idsToRelease(session);
        int[] ids = released == null ? new int[0] : released.stream().toArray();
        steps.add(once(out -> {
            out.begin(StateTag.SQL_STANDING);
            out.putLong(logId);
            out.putByte(isCatalogLocked ? 1 : 0);
            write(out, locks);
            out.putInt(savepoints.size());
            savepoints.forEach((name, each) -> {
                out.putString(name);
                out.putInt(H2Internals.logIndex(each));
                out.putLong(H2Internals.logId(each));
            });
            write(out, ids);
            out.end();
        }));
    }

    /** What H2 may have left behind of a table that is gone does not count. */
    private void addTemporaryTables(SessionLocal session) {
        List<Table> own = session.getLocalTempTables();
        if (own.isEmpty()) {
            return;
        }
        List<DbObject> objects = new ArrayList<>(own);
        for (Index each : session.getLocalTempTableIndexes().values()) {
            if (own.contains(each.getTable())) {
                objects.add(each);
            }
        }
        for (Constraint each : session.getLocalTempTableConstraints().values()) {
            if (own.contains(each.getTable())) {
                objects.add(each);
            }
        }
        addObjects(objects, StateTag.SQL_SESSION_OBJECT);
        List<MVTable> tables = new ArrayList<>();
        for (Table each : own) {
            if (each instanceof MVTable stored) {
                tables.add(stored);
            }
        }
        addTables(tables);
    }

    /**
     * What an open transaction changed, in its order, with the value that each change left. Numbers may be missing: H2
     * counts on from a savepoint that it was told to roll back to though it had rolled back further before.
     */
    private final class ChangesStep implements Step {
        private final MVMap<Long, Object> log;
        private final RootReference<Long, Object> root;
        private final long count;
        private @Nullable Cursor<Long, Object> changes;
        /** Values that a later change of the same transaction replaced, by the operation that had left them. */
        private final Map<Long, VersionedValue<?>> replaced = new HashMap<>();

        private long written;
        private long operation = -1;

        ChangesStep(MVMap<Long, Object> log, long count) {
            this.log = log;
            this.root = log.flushAndGetRoot();
            this.count = count;
        }

        @Override
        public boolean writeNext(StateWriter out) {
            if (written == count) {
                return false;
            }
            if (changes == null) {
                findReplaced();
                changes = log.cursor(root, null, null, false);
            }
            int start = out.size();
            out.begin(StateTag.SQL_CHANGES);
            while (out.size() - start < ITEM_BYTES && written < count) {
                if (operation < 0 && changes.hasNext()) {
                    operation = changes.next();
                }
                if (operation >= 0 && (operation & LOG_ID) == written) {
                    write(out, changes.getValue());
                    operation = -1;
                } else {
                    out.putByte(NOTHING);
                }
                written++;
            }
            out.end();
            return true;
        }

        private void findReplaced() {
            Cursor<Long, Object> all = log.cursor(root, null, null, false);
            while (all.hasNext()) {
                all.next();
                VersionedValue<?> old = H2Internals.oldValueOf(all.getValue());
                if (old != null && old.getOperationId() != 0) {
                    replaced.put(old.getOperationId(), old);
                }
            }
        }

        private void write(StateWriter out, Object change) {
            MapAt<Object, Object> at = maps.get(H2Internals.mapOf(change));
            if (at == null) {
                out.putByte(NOTHING);
                return;
            }
            Object key = H2Internals.keyOf(change);
            VersionedValue<?> left = replaced.remove(operation);
            if (left == null) {
                VersionedValue<Object> current = at.map().get(at.root().root, key);
                left = current == null || current.getOperationId() != operation ? null : current;
            }
            VersionedValue<?> old = H2Internals.oldValueOf(change);
            Object before = old == null ? null : old.getCurrentValue();
            Object after = left == null ? null : left.getCurrentValue();
            int kind = left == null || (after != null && after == before) ? LOCK : after == null ? REMOVE : PUT;
            out.putByte(kind);
            out.putInt(at.index());
            WriteBuffer encoded = values.clear().out();
            if (at.isOfRows()) {
                encoded.putLong((Long) key);
                if (kind == PUT && after != null) {
                    values.put((SearchRow) after);
                }
            } else {
                at.map().getKeyType().write(encoded, key);
            }
            out.putBytes(values.toBytes());
        }
    }
}
