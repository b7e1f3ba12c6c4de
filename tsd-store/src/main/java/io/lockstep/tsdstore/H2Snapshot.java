package io.lockstep.tsdstore;

import io.lockstep.wire.Invariant;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.h2.engine.Constants;
import org.h2.engine.Database;
import org.h2.engine.DbObject;
import org.h2.engine.MetaRecord;
import org.h2.engine.SessionLocal;
import org.h2.index.Cursor;
import org.h2.mvstore.WriteBuffer;
import org.h2.mvstore.db.MVPrimaryIndex;
import org.h2.mvstore.db.MVTable;
import org.h2.mvstore.db.ValueDataType;
import org.h2.result.DefaultRow;
import org.h2.result.Row;
import org.h2.schema.Schema;
import org.h2.schema.SchemaObject;
import org.h2.table.Table;
import org.h2.value.Value;
import org.h2.value.ValueLob;
import org.jspecify.annotations.Nullable;

/**
 * Records at one moment: the statements that H2 itself would keep for its objects, with their ids, then the rows by table
 * in the order of their keys. Made by the lane, then touched by one other thread; an H2 transaction in isolation level
 * SNAPSHOT holds the moment.
 */
final class H2Snapshot implements Records.Snapshot {
    /** How a value is written. */
    static final int PLAIN = 0;

    static final int BINARY_OBJECT = 1;
    static final int CHARACTER_OBJECT = 2;

    private static final int ROWS_BYTES = 32 << 10;
    private static final VarHandle LAST_KEY;

    static {
        try {
            LAST_KEY = MethodHandles.privateLookupIn(MVPrimaryIndex.class, MethodHandles.lookup())
                    .findVarHandle(MVPrimaryIndex.class, "lastKey", AtomicLong.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** A table and the last row key that it gave out. */
    private record TableAt(MVTable table, long lastKey) {}

    private final Connection connection;
    private final SessionLocal session;
    private final List<MetaRecord> objects;
    private final List<TableAt> tables = new ArrayList<>();
    private final WriteBuffer encoded = new WriteBuffer();
    private final ValueDataType values = new ValueDataType();
    private int object;
    private int table;
    private @Nullable Cursor rows;
    private boolean isClosed;

    /** @param connection an administrator's, to be closed by this */
    H2Snapshot(Connection connection) throws SQLException {
        this.connection = connection;
        this.session = H2Session.of(connection);
        connection.setTransactionIsolation(Constants.TRANSACTION_SNAPSHOT);
        connection.setAutoCommit(false);
        try (Statement first = connection.createStatement()) {
            first.execute("SELECT 1");
        }
        Database database = session.getDatabase();
        objects = objects(database);
        for (Schema schema : userSchemas(database)) {
            for (Table each : schema.getAllTablesAndViews(null)) {
                if (each instanceof MVTable stored && !each.isTemporary()) {
                    tables.add(new TableAt(stored, lastKey(stored, session).get()));
                }
            }
        }
        tables.sort(Comparator.comparingInt(at -> at.table().getId()));
    }

    /** Those that can have tables, in the order of their ids. */
    static List<Schema> userSchemas(Database database) {
        List<Schema> schemas = new ArrayList<>();
        for (Schema schema : database.getAllSchemasNoMeta()) {
            if (schema.getId() >= Constants.MAIN_SCHEMA_ID) {
                schemas.add(schema);
            }
        }
        schemas.sort(Comparator.comparingInt(Schema::getId));
        return schemas;
    }

    static AtomicLong lastKey(MVTable table, SessionLocal session) {
        return (AtomicLong) LAST_KEY.get((MVPrimaryIndex) table.getScanIndex(session));
    }

    @Override
    public boolean writeNext(StateWriter out) {
        if (object < objects.size()) {
            MetaRecord next = objects.get(object++);
            out.begin(StateTag.SCHEMA_OBJECT);
            out.putInt(next.getId());
            out.putInt(next.getObjectType());
            out.putString(next.getSQL());
            out.end();
            return true;
        }
        if (table == tables.size()) {
            return false;
        }
        session.lock();
        try {
            writeOfTable(out, tables.get(table));
        } finally {
            session.unlock();
        }
        return true;
    }

    @Override
    public void close() {
        if (!isClosed) {
            isClosed = true;
            try {
                connection.close();
            } catch (SQLException e) {
                throw new NodeFailure("this node cannot end a copy: " + e, e);
            }
        }
    }

    private void writeOfTable(StateWriter out, TableAt at) {
        if (rows == null) {
            rows = at.table().getScanIndex(session).find(session, null, null, false);
            out.begin(StateTag.TABLE);
            out.putInt(at.table().getId());
            out.putLong(at.lastKey());
            out.end();
        }
        int start = out.size();
        boolean isLast = false;
        out.begin(StateTag.ROWS);
        while (out.size() - start < ROWS_BYTES && !isLast) {
            isLast = !rows.next();
            if (!isLast) {
                writeRow(out, rows.get());
            }
        }
        out.end();
        if (isLast) {
            rows = null;
            table++;
        }
    }

    private void writeRow(StateWriter out, Row row) {
        out.putLong(row.getKey());
        out.putInt(row.getColumnCount());
        for (int i = 0; i < row.getColumnCount(); i++) {
            writeValue(out, row.getValue(i));
        }
    }

    private void writeValue(StateWriter out, Value value) {
        if (value instanceof ValueLob) {
            boolean isBinary = value.getValueType() == Value.BLOB;
            out.putByte(isBinary ? BINARY_OBJECT : CHARACTER_OBJECT);
            if (isBinary) {
                out.putBytes(value.getBytes());
            } else {
                out.putString(value.getString());
            }
            return;
        }
        encoded.clear();
        values.write(encoded, value);
        ByteBuffer bytes = encoded.getBuffer();
        out.putByte(PLAIN);
        Invariant.check(bytes.arrayOffset() == 0, "H2's write buffer begins where its array does");
        out.putBytes(bytes.array(), bytes.position());
    }

    private static List<MetaRecord> objects(Database database) {
        List<DbObject> all = new ArrayList<>();
        for (Schema schema : userSchemas(database)) {
            if (schema.getId() != Constants.MAIN_SCHEMA_ID) {
                all.add(schema);
            }
            all.addAll(schema.getAll(new ArrayList<SchemaObject>()));
        }
        all.addAll(database.getAllRights());
        all.addAll(database.getAllComments());
        List<MetaRecord> records = new ArrayList<>(all.size());
        for (DbObject each : all) {
            if (!each.isTemporary() && each.getCreateSQLForMeta() != null) {
                DefaultRow row = new DefaultRow(new Value[4]);
                MetaRecord.populateRowFromDBObject(each, row);
                records.add(new MetaRecord(row));
            }
        }
        records.sort(null);
        return records;
    }
}
