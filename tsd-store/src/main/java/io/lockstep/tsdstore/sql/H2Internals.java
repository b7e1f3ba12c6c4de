package io.lockstep.tsdstore.sql;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.h2.api.Trigger;
import org.h2.constraint.Constraint;
import org.h2.engine.Database;
import org.h2.engine.SessionLocal;
import org.h2.mvstore.MVMap;
import org.h2.mvstore.StreamStore;
import org.h2.mvstore.db.LobStorageMap;
import org.h2.mvstore.db.MVPrimaryIndex;
import org.h2.mvstore.db.MVTable;
import org.h2.mvstore.tx.Transaction;
import org.h2.mvstore.tx.TransactionStore;
import org.h2.schema.Schema;
import org.h2.schema.SchemaObject;
import org.h2.schema.Sequence;
import org.h2.schema.TriggerObject;
import org.h2.table.Table;
import org.h2.value.Value;
import org.h2.value.VersionedValue;
import org.jspecify.annotations.Nullable;

/**
 * Fields of H2 {@code 2.5.252} that a copy needs and that are not public; fails at class loading where they are gone.
 * Called by whichever thread owns the H2 objects that it hands in.
 */
final class H2Internals {
    private static final VarHandle OBJECT_IDS = field(Database.class, "objectIds", BitSet.class);
    private static final VarHandle LAST_KEY = field(MVPrimaryIndex.class, "lastKey", AtomicLong.class);
    private static final VarHandle CONSTRAINTS = field(Table.class, "constraints", ArrayList.class);
    private static final VarHandle TRIGGERS = field(Table.class, "triggers", ArrayList.class);
    private static final VarHandle TRIGGER_CALLBACK = field(TriggerObject.class, "triggerCallback", Trigger.class);
    private static final VarHandle LOBS = field(LobStorageMap.class, "lobMap", MVMap.class);
    private static final VarHandle TEMPORARY_LOBS = field(LobStorageMap.class, "tempLobMap", MVMap.class);
    private static final VarHandle LOB_STREAMS = field(LobStorageMap.class, "streamStore", StreamStore.class);

    private static final VarHandle TRANSACTION = field(SessionLocal.class, "transaction", Transaction.class);
    private static final VarHandle SAVEPOINTS = field(SessionLocal.class, "savepoints", HashMap.class);
    private static final VarHandle SAVEPOINT_LOG_INDEX = field(SessionLocal.Savepoint.class, "logIndex", int.class);
    private static final VarHandle SAVEPOINT_LOG_ID =
            field(SessionLocal.Savepoint.class, "transactionSavepoint", long.class);
    private static final VarHandle CURRENT_VALUES = field(SessionLocal.class, "currentValueFor", WeakHashMap.class);
    private static final VarHandle SYSTEM_IDENTIFIER = field(SessionLocal.class, "systemIdentifier", int.class);

    private static final VarHandle IDS_TO_RELEASE = field(SessionLocal.class, "idsToRelease", BitSet.class);

    private static final VarHandle UNDO_LOGS = field(TransactionStore.class, "undoLogs", MVMap[].class);
    private static final MethodHandle OBJECTS_BY_NAME;
    private static final MethodHandle RECOMPILE_INVALID_VIEWS;
    private static final MethodHandle LOG;
    private static final MethodHandle RECORD_MAP;
    private static final MethodHandle RECORD_KEY;
    private static final MethodHandle RECORD_OLD_VALUE;

    private static final VarHandle BASE_VALUE = field(Sequence.class, "baseValue", long.class);
    private static final VarHandle MARGIN = field(Sequence.class, "margin", long.class);
    private static final VarHandle START_VALUE = field(Sequence.class, "startValue", long.class);
    private static final VarHandle MIN_VALUE = field(Sequence.class, "minValue", long.class);
    private static final VarHandle MAX_VALUE = field(Sequence.class, "maxValue", long.class);
    private static final VarHandle CYCLE = field(Sequence.class, "cycle", Sequence.Cycle.class);

    static {
        try {
            OBJECTS_BY_NAME = MethodHandles.privateLookupIn(Schema.class, MethodHandles.lookup())
                    .findVirtual(Schema.class, "getMap", MethodType.methodType(Map.class, int.class));
            RECOMPILE_INVALID_VIEWS = MethodHandles.privateLookupIn(Database.class, MethodHandles.lookup())
                    .findVirtual(Database.class, "recompileInvalidViews", MethodType.methodType(void.class));
            MethodHandles.Lookup lookup = MethodHandles.privateLookupIn(Transaction.class, MethodHandles.lookup());
            LOG = lookup.findVirtual(
                    Transaction.class,
                    "log",
                    MethodType.methodType(long.class, int.class, Object.class, VersionedValue.class));
            Class<?> change = Class.forName("org.h2.mvstore.tx.Record");
            RECORD_MAP = lookup.findGetter(change, "mapId", int.class)
                    .asType(MethodType.methodType(int.class, Object.class));
            RECORD_KEY = lookup.findGetter(change, "key", Object.class)
                    .asType(MethodType.methodType(Object.class, Object.class));
            RECORD_OLD_VALUE = lookup.findGetter(change, "oldValue", VersionedValue.class)
                    .asType(MethodType.methodType(VersionedValue.class, Object.class));
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private H2Internals() {}

    // ---- the database ---------------------------------------------------------------------------------------------

    /** Ids in use; to be synchronized on. */
    static BitSet objectIds(Database database) {
        return (BitSet) OBJECT_IDS.get(database);
    }

    /** Makes whole views that were made before what they show, as H2 does when it has opened a database. */
    static void recompileInvalidViews(Database database) {
        try {
            RECOMPILE_INVALID_VIEWS.invoke(database);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    /** A schema's objects of one type, by name. */
    @SuppressWarnings("unchecked")
    static Map<String, SchemaObject> objects(Schema schema, int type) {
        try {
            return (Map<String, SchemaObject>) (Map<?, ?>) OBJECTS_BY_NAME.invoke(schema, type);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    static AtomicLong lastKey(MVTable table) {
        return (AtomicLong) LAST_KEY.get((MVPrimaryIndex) table.getIndexes().get(0));
    }

    /** In the order in which H2 checks them; null: none. */
    @SuppressWarnings("unchecked")
    static @Nullable List<Constraint> constraints(Table table) {
        return (List<Constraint>) CONSTRAINTS.get(table);
    }

    /** In the order in which H2 fires them; null: none. */
    @SuppressWarnings("unchecked")
    static @Nullable List<TriggerObject> triggers(Table table) {
        return (List<TriggerObject>) TRIGGERS.get(table);
    }

    /** Whether its class has been loaded and its object made. */
    static boolean isMade(TriggerObject trigger) {
        return TRIGGER_CALLBACK.get(trigger) != null;
    }

    @SuppressWarnings("unchecked")
    static MVMap<Long, LobStorageMap.BlobMeta> lobs(LobStorageMap storage) {
        return (MVMap<Long, LobStorageMap.BlobMeta>) LOBS.get(storage);
    }

    @SuppressWarnings("unchecked")
    static MVMap<Long, byte[]> temporaryLobs(LobStorageMap storage) {
        return (MVMap<Long, byte[]>) TEMPORARY_LOBS.get(storage);
    }

    static MVMap<Long, byte[]> lobBlocks(LobStorageMap storage) {
        return (MVMap<Long, byte[]>) ((StreamStore) LOB_STREAMS.get(storage)).getMap();
    }

    // ---- sequences ------------------------------------------------------------------------------------------------

    static long margin(Sequence sequence) {
        return (long) MARGIN.get(sequence);
    }

    /** How far it has got. */
    static void stand(Sequence sequence, long base, long margin) {
        synchronized (sequence) {
            BASE_VALUE.set(sequence, base);
            MARGIN.set(sequence, margin);
        }
    }

    static void stand(Sequence sequence, long start, long min, long max, Sequence.Cycle cycle, long base, long margin) {
        synchronized (sequence) {
            START_VALUE.set(sequence, start);
            MIN_VALUE.set(sequence, min);
            MAX_VALUE.set(sequence, max);
            CYCLE.set(sequence, cycle);
            BASE_VALUE.set(sequence, base);
            MARGIN.set(sequence, margin);
        }
    }

    // ---- sessions -------------------------------------------------------------------------------------------------

    /** The session's transaction; null when none is open. */
    static @Nullable Transaction transaction(SessionLocal session) {
        return (Transaction) TRANSACTION.get(session);
    }

    /** By name; null: none. */
    @SuppressWarnings("unchecked")
    static @Nullable Map<String, SessionLocal.Savepoint> savepoints(SessionLocal session) {
        return (Map<String, SessionLocal.Savepoint>) SAVEPOINTS.get(session);
    }

    static int logIndex(SessionLocal.Savepoint savepoint) {
        return (int) SAVEPOINT_LOG_INDEX.get(savepoint);
    }

    static long logId(SessionLocal.Savepoint savepoint) {
        return (long) SAVEPOINT_LOG_ID.get(savepoint);
    }

    static void place(SessionLocal.Savepoint savepoint, int logIndex, long logId) {
        SAVEPOINT_LOG_INDEX.set(savepoint, logIndex);
        SAVEPOINT_LOG_ID.set(savepoint, logId);
    }

    /** What CURRENT VALUE FOR gives in this session; null: nothing. */
    @SuppressWarnings("unchecked")
    static @Nullable Map<Sequence, Value> currentValues(SessionLocal session) {
        return (Map<Sequence, Value>) CURRENT_VALUES.get(session);
    }

    static void setCurrentValues(SessionLocal session, WeakHashMap<Sequence, Value> values) {
        CURRENT_VALUES.set(session, values);
    }

    /** Number of the next alias that H2 gives to a derived table without one; views keep such names. */
    static int systemIdentifier(SessionLocal session) {
        return (int) SYSTEM_IDENTIFIER.get(session);
    }

    static void setSystemIdentifier(SessionLocal session, int number) {
        SYSTEM_IDENTIFIER.set(session, number);
    }

    /** Ids of objects that are free again when the session's transaction ends; null: none. */
    static @Nullable BitSet idsToRelease(SessionLocal session) {
        return (BitSet) IDS_TO_RELEASE.get(session);
    }

    static void setIdsToRelease(SessionLocal session, BitSet ids) {
        IDS_TO_RELEASE.set(session, ids);
    }

    // ---- undo logs ------------------------------------------------------------------------------------------------

    /** Records of what the transaction changed, by operation id, in order. */
    @SuppressWarnings("unchecked")
    static MVMap<Long, Object> undoLog(TransactionStore store, Transaction transaction) {
        MVMap<?, ?>[] logs = (MVMap<?, ?>[]) UNDO_LOGS.get(store);
        return (MVMap<Long, Object>) logs[transaction.getId()];
    }

    /** Number of the map that a record of an undo log is about. */
    static int mapOf(Object change) {
        try {
            return (int) RECORD_MAP.invokeExact(change);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    static Object keyOf(Object change) {
        try {
            return (Object) RECORD_KEY.invokeExact(change);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    /** What stood there before; null: nothing. */
    static @Nullable VersionedValue<?> oldValueOf(Object change) {
        try {
            return (VersionedValue<?>) RECORD_OLD_VALUE.invokeExact(change);
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    /** Adds a record about a map that is gone: it counts, and changes nothing however the transaction ends. */
    static void logNothing(Transaction transaction) {
        try {
            Object nothing = null;
            VersionedValue<?> absent = null;
            long operation = (long) LOG.invoke(transaction, -1, nothing, absent);
            if (operation < 0) {
                throw new IllegalStateException("no place in the undo log: " + operation);
            }
        } catch (Throwable e) {
            throw failed(e);
        }
    }

    private static RuntimeException failed(Throwable cause) {
        if (cause instanceof RuntimeException unchecked) {
            return unchecked;
        }
        if (cause instanceof Error error) {
            throw error;
        }
        return new IllegalStateException("H2 is not as expected", cause);
    }

    private static VarHandle field(Class<?> owner, String name, Class<?> type) {
        try {
            return MethodHandles.privateLookupIn(owner, MethodHandles.lookup()).findVarHandle(owner, name, type);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }
}
