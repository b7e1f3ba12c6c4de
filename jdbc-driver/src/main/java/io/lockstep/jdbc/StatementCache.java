package io.lockstep.jdbc;

import io.lockstep.sqlwire.SqlAction;
import io.lockstep.sqlwire.SqlOutcome;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Statements that the nodes keep prepared for this session, by their text, so that preparing one again costs nothing.
 * Touched only under the session's lock.
 */
final class StatementCache {
    /** One statement as the nodes have prepared it. */
    static final class Entry {
        final int number;
        final SqlOutcome.Prepared prepared;
        /** Commands that use it. */
        private int users = 1;
        /** Whether it is still found by its text. */
        private boolean isKept = true;
        /** How often it is an ordered message still, since it was refused as a read. */
        int readsSkipped;

        private Entry(int number, SqlOutcome.Prepared prepared) {
            this.number = number;
            this.prepared = prepared;
        }
    }

    private final int most;
    private final SqlSession session;
    private final Map<String, Entry> kept = new LinkedHashMap<>(16, 0.75f, true);
    private int lastNumber;

    StatementCache(int most, SqlSession session) {
        this.most = most;
        this.session = session;
    }

    /** The statement of that text, prepared now if it is not yet. @throws DbException the nodes refused it */
    Entry open(String sql) {
        Entry found = kept.get(sql);
        if (found != null) {
            found.users++;
            return found;
        }
        int number = ++lastNumber;
        SqlOutcome.Prepared prepared =
                session.expect(SqlOutcome.Prepared.class, session.ask(new SqlAction.Prepare(number, sql)));
        Entry entry = new Entry(number, prepared);
        kept.put(sql, entry);
        return entry;
    }

    /** What is known of the statement of that text; null when nothing is. */
    @Nullable Entry find(String sql) {
        return kept.get(sql);
    }

    /** A command uses it no more. */
    void release(Entry entry) {
        entry.users--;
        if (entry.users == 0 && !entry.isKept) {
            session.giveUpStatement(entry.number);
        }
        shrink();
    }

    private void shrink() {
        for (Iterator<Entry> eldest = kept.values().iterator(); kept.size() > most && eldest.hasNext(); ) {
            Entry entry = eldest.next();
            if (entry.users == 0) {
                eldest.remove();
                drop(entry);
            }
        }
    }

    /** A definition changed: what is prepared from now on is looked at anew. */
    void forget() {
        for (Entry entry : kept.values()) {
            drop(entry);
        }
        kept.clear();
    }

    private void drop(Entry entry) {
        entry.isKept = false;
        if (entry.users == 0) {
            session.giveUpStatement(entry.number);
        }
    }
}
