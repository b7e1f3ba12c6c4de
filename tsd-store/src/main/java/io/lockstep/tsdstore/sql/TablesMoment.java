package io.lockstep.tsdstore.sql;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.h2.engine.Database;
import org.h2.mvstore.MVMap;
import org.h2.mvstore.Page;
import org.h2.mvstore.db.MVPrimaryIndex;
import org.h2.mvstore.db.MVTable;
import org.h2.schema.Schema;
import org.h2.schema.Sequence;
import org.h2.table.Column;
import org.h2.table.Table;
import org.h2.value.VersionedValue;

/**
 * Where the tables and sequences of an H2 database in memory stand between two statements. H2 never changes a page that
 * can be reached from a root, it replaces it: so this costs a fixed time for each table, whatever its rows. Made by the
 * lane, then touched by one other thread while the lane goes on.
 */
public final class TablesMoment {
    /** A table of a schema: its rows under their keys. */
    record TableAt(
            String name,
            List<Column> columns,
            MVMap<Object, VersionedValue<Object>> map,
            Page<Object, VersionedValue<Object>> root) {}

    private final List<TableAt> tables = new ArrayList<>();
    private final SortedMap<String, Long> sequences = new TreeMap<>();
    private final FrozenLobs lobs;
    private final String label;

    /** @param label tells this database from others in reports */
    public TablesMoment(String label, Database database) {
        this.label = label;
        lobs = new FrozenLobs(database);
        for (Schema schema : SqlSnapshot.userSchemas(database)) {
            for (Table each : schema.getAllTablesAndViews(null)) {
                if (each instanceof MVTable stored) {
                    tables.add(at(stored));
                }
            }
            for (Sequence each : schema.getAllSequences()) {
                sequences.put(schema.getName() + '.' + each.getName(), each.getBaseValue());
            }
        }
        tables.sort(Comparator.comparing(TableAt::name));
    }

    @SuppressWarnings("unchecked")
    private static TableAt at(MVTable table) {
        MVMap<Object, VersionedValue<Object>> map = (MVMap<Object, VersionedValue<Object>>)
                (MVMap<?, ?>) ((MVPrimaryIndex) table.getIndexes().get(0)).getMVMap();
        return new TableAt(
                table.getSchema().getName() + '.' + table.getName(),
                Arrays.asList(table.getColumns()),
                map,
                map.flushAndGetRoot().root);
    }

    String label() {
        return label;
    }

    /** In the order of their names. */
    List<TableAt> tables() {
        return tables;
    }

    /** Base values by name. */
    SortedMap<String, Long> sequences() {
        return sequences;
    }

    FrozenLobs lobs() {
        return lobs;
    }
}
