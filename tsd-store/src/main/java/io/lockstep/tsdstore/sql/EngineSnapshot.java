package io.lockstep.tsdstore.sql;

import io.lockstep.sqlwire.LobReferences;
import io.lockstep.sqlwire.SqlCodec;
import io.lockstep.sqlwire.SqlColumn;
import io.lockstep.sqlwire.SqlOutcome;
import io.lockstep.sqlwire.SqlReply;
import io.lockstep.tsdstore.Records;
import io.lockstep.tsdstore.StateTag;
import io.lockstep.tsdstore.StateWriter;
import io.lockstep.wire.Identity;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.h2.value.Value;
import org.h2.value.ValueBlob;
import org.h2.value.ValueClob;
import org.h2.value.ValueLob;
import org.h2.value.lob.LobDataInMemory;
import org.jspecify.annotations.Nullable;

/**
 * A SQL engine at one moment: its database with all sessions ({@link SqlSnapshot}), then what the engine itself keeps of
 * each session. Made by the lane, then touched by one other thread.
 */
final class EngineSnapshot implements Records.Snapshot {
    private static final int ROWS_BYTES = 32 << 10;

    /** What is written of one session; a statement without a number is the waiting message's own. */
    private record Conversation(
            byte[] head,
            List<Numbered<SqlStatement>> statements,
            List<Deferred> deferred,
            List<Numbered<SqlResult>> results,
            List<Map.Entry<Long, ValueLob>> objects) {}

    private record Numbered<T>(int number, T value) {}

    private final SqlSnapshot database;
    private final FrozenLobs lobs;
    private final SqlCodec codec = new SqlCodec(LobReferences.INLINE);
    private final List<Conversation> conversations = new ArrayList<>();
    private final long lastPlace;
    private boolean isQueueWritten;
    private int conversation;
    private boolean isHeadWritten;
    private int statement;
    private int deferred;
    private int result;
    private int row;
    private int object;

    EngineSnapshot(SqlDatabase of, SqlConfig config, Collection<SqlSession> sessions, WaitingQueue queue) {
        Map<Identity, SqlSession> inOrder = new TreeMap<>();
        sessions.forEach(each -> inOrder.put(each.name, each));
        List<SqlSnapshot.Named> open = new ArrayList<>();
        for (SqlSession each : inOrder.values()) {
            if (each.h2 != null) {
                open.add(new SqlSnapshot.Named(each.name, each.h2));
            }
        }
        lobs = new FrozenLobs(of.database());
        database = new SqlSnapshot(of.database(), lobs, settings(config), of.users(), open);
        lastPlace = queue.lastPlace();
        Map<Identity, WaitingQueue.Waiter> waiters = new TreeMap<>();
        queue.waiters().forEach(each -> waiters.put(each.session, each));
        for (SqlSession each : inOrder.values()) {
            conversations.add(capture(each, waiters.get(each.name), queue));
        }
    }

    /** What must be equal for equal messages to have equal answers. */
    static String settings(SqlConfig config) {
        return String.join(
                        " ",
                        config.owner(),
                        Integer.toString(config.openTransactionsMax()),
                        Integer.toString(config.openStatementsMax()),
                        Integer.toString(config.openResultsMax()),
                        Integer.toString(config.statementCharactersMax()),
                        Long.toString(config.resultBytesMax()),
                        Integer.toString(config.resultRowsMax()),
                        Integer.toString(config.firstAnswerRowsMax()),
                        Integer.toString(config.firstAnswerBytesMax()))
                + config.settings().classesText();
    }

    @Override
    public boolean writeNext(StateWriter out) {
        if (database.writeNext(out)) {
            return true;
        }
        if (!isQueueWritten) {
            isQueueWritten = true;
            out.begin(StateTag.SQL_QUEUE);
            out.putLong(lastPlace);
            out.end();
            return true;
        }
        if (conversation == conversations.size()) {
            return false;
        }
        Conversation of = conversations.get(conversation);
        if (!isHeadWritten) {
            out.begin(StateTag.SQL_CONVERSATION);
            out.putBytes(of.head());
            out.end();
            isHeadWritten = true;
        } else if (statement < of.statements().size()) {
            writeStatement(out, of.statements().get(statement++));
        } else if (deferred < of.deferred().size()) {
            writeDeferred(out, of.deferred().get(deferred++));
        } else if (result < of.results().size()) {
            writeResult(out, of.results().get(result));
        } else if (object < of.objects().size()) {
            writeObject(out, of.objects().get(object++));
        } else {
            conversations.set(
                    conversation++, new Conversation(new byte[0], List.of(), List.of(), List.of(), List.of()));
            isHeadWritten = false;
            statement = 0;
            deferred = 0;
            result = 0;
            object = 0;
            return writeNext(out);
        }
        return true;
    }

    @Override
    public void close() {
        // What holds the moment is memory.
    }

    // ---- at the moment --------------------------------------------------------------------------------------------

    private Conversation capture(SqlSession session, WaitingQueue.@Nullable Waiter waiter, WaitingQueue queue) {
        StateWriter head = new StateWriter();
        head.putIdentity(session.name);
        head.putByte(session.h2 == null ? 0 : 1);
        putOptional(head, session.user);
        putOptional(head, session.nonce);
        head.putInt(session.queryTimeoutMillis);
        head.putLong(session.transactionSinceNs);
        head.putByte(session.defersUpdates ? 1 : 0);
        head.putLong(session.lobs.lastName);
        head.putInt(session.lobs.uploads.size());
        session.lobs.uploads.forEach((name, content) -> {
            head.putLong(name);
            head.putBytes(content.toByteArray());
        });
        SqlMessage waiting = session.waiting;
        head.putByte(waiting == null ? 0 : 1);
        List<Numbered<SqlStatement>> statements = new ArrayList<>();
        if (waiting != null) {
            put(head, waiting);
            SqlStatement own = waiting.statement;
            if (own != null && !session.statements.containsValue(own)) {
                statements.add(new Numbered<>(0, own));
            }
        }
        head.putByte(waiter == null ? 0 : 1);
        if (waiter != null) {
            put(head, waiter, queue.holderInLine(waiter));
        }
        new TreeMap<>(session.statements).forEach((number, each) -> statements.add(new Numbered<>(number, each)));
        List<Numbered<SqlResult>> results = new ArrayList<>();
        new TreeMap<>(session.results).forEach((number, each) -> results.add(new Numbered<>(number, each)));
        byte[] bytes = new byte[head.size()];
        System.arraycopy(head.buffer(), 0, bytes, 0, bytes.length);
        return new Conversation(
                bytes, statements, captured(session), results, new ArrayList<>(session.lobs.named.entrySet()));
    }

    /** Those whose statement the client has closed since have no number. */
    private static List<Deferred> captured(SqlSession session) {
        return session.deferred.stream()
                .map(each -> session.statements.get(each.number()) == each.statement()
                        ? each
                        : new Deferred(0, each.statement(), each.parameters(), each.body()))
                .toList();
    }

    private void put(StateWriter out, SqlMessage message) {
        out.putLong(message.requestId);
        out.putBytes(message.body);
        out.putLong(message.firstTimeNs);
        out.putByte(message.isBegun ? 1 : 0);
        out.putInt(message.done);
        out.putInt(message.parametersDone);
        out.putLong(message.changesFound);
        SqlOutcome first = message.first;
        out.putBytes(first == null ? new byte[0] : encoded(first));
        List<SqlColumn> columns = message.keyColumns;
        SqlOutcome.Rows keys = new SqlOutcome.Rows(columns, message.keyRows, 0, message.keyRows.size(), false);
        out.putBytes(encoded(new SqlOutcome.Batched(message.counts, List.copyOf(message.failures), keys)));
        out.putLong(message.firstConflictNs);
        putOptional(out, message.lockedTable);
        out.putByte(message.isCancelledByTime ? 1 : 0);
        out.putLong(message.giveUpNs);
    }

    private static void put(StateWriter out, WaitingQueue.Waiter waiter, @Nullable Identity holderInLine) {
        out.putLong(waiter.place);
        RowName row = waiter.row;
        putOptional(out, row == null ? null : row.map());
        out.putLong(row == null ? 0 : row.key());
        out.putInt(waiter.holders.size());
        waiter.holders.forEach(out::putIdentity);
        out.putByte(waiter.needsAll ? 1 : 0);
        out.putLong(waiter.giveUpNs);
        out.putByte(waiter.isReady ? 1 : 0);
        out.putByte(holderInLine == null ? 0 : 1);
        out.putIdentity(holderInLine == null ? Identity.NONE : holderInLine);
    }

    static void putOptional(StateWriter out, @Nullable String text) {
        out.putByte(text == null ? 0 : 1);
        out.putString(text == null ? "" : text);
    }

    private byte[] encoded(SqlOutcome outcome) {
        return codec.encode(new SqlReply(false, false, null, null, outcome));
    }

    // ---- afterwards -----------------------------------------------------------------------------------------------

    private static void writeStatement(StateWriter out, Numbered<SqlStatement> numbered) {
        SqlStatement of = numbered.value();
        out.begin(StateTag.SQL_STATEMENT);
        out.putInt(numbered.number());
        out.putString(of.sql);
        out.putInt(of.parts.size());
        of.parts.forEach(out::putString);
        out.putInt(of.waitMillis);
        out.putByte(of.isAtOnce ? 1 : 0);
        out.end();
    }

    private static void writeDeferred(StateWriter out, Deferred of) {
        out.begin(StateTag.SQL_DEFERRED);
        out.putInt(of.number());
        out.putString(of.statement().sql);
        out.putBytes(of.body());
        out.end();
    }

    private void writeResult(StateWriter out, Numbered<SqlResult> numbered) {
        List<Value[]> rows = numbered.value().rows();
        if (row == 0) {
            out.begin(StateTag.SQL_RESULT);
            out.putInt(numbered.number());
            out.putLong(numbered.value().bytes());
            out.end();
        }
        int count = SqlRows.fitting(rows, row, Integer.MAX_VALUE, ROWS_BYTES);
        List<Value[]> some = new ArrayList<>(count);
        for (Value[] each : rows.subList(row, row + count)) {
            some.add(inMemory(each));
        }
        out.begin(StateTag.SQL_RESULT_ROWS);
        out.putBytes(encoded(new SqlOutcome.Rows(null, some, row, rows.size(), true)));
        out.end();
        row += count;
        if (row == rows.size()) {
            row = 0;
            result++;
        }
    }

    /** One whose row was deleted since is left out: then nobody can read it on the other nodes either. */
    private void writeObject(StateWriter out, Map.Entry<Long, ValueLob> named) {
        byte[] content = lobs.find(named.getValue());
        if (content != null) {
            out.begin(StateTag.SQL_OBJECT);
            out.putLong(named.getKey());
            out.putByte(named.getValue().getValueType() == Value.BLOB ? 1 : 0);
            out.putBytes(content);
            out.end();
        }
    }

    /** A large object may be gone from the database by now, but not from the moment. */
    private Value[] inMemory(Value[] values) {
        Value[] changed = values;
        for (int i = 0; i < values.length; i++) {
            if (values[i] instanceof ValueLob lob && !(lob.getLobData() instanceof LobDataInMemory)) {
                if (changed == values) {
                    changed = values.clone();
                }
                byte[] content = lobs.read(lob);
                changed[i] = lob.getValueType() == Value.BLOB
                        ? ValueBlob.createSmall(content)
                        : ValueClob.createSmall(content);
            }
        }
        return changed;
    }
}
