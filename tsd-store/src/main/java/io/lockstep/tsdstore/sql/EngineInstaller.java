package io.lockstep.tsdstore.sql;

import io.lockstep.sqlwire.LobReferences;
import io.lockstep.sqlwire.SqlAction;
import io.lockstep.sqlwire.SqlCodec;
import io.lockstep.sqlwire.SqlOutcome;
import io.lockstep.sqlwire.SqlProtocolException;
import io.lockstep.tsdstore.StateReader;
import io.lockstep.tsdstore.StateTag;
import io.lockstep.wire.Identity;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.h2.engine.SessionLocal;
import org.h2.engine.User;
import org.h2.value.Value;
import org.h2.value.ValueBlob;
import org.h2.value.ValueClob;
import org.jspecify.annotations.Nullable;

/** Counterpart of {@link EngineSnapshot}. Touched by one thread at a time. */
final class EngineInstaller {
    /** Where a waiting message stood. */
    private record Place(
            Identity session,
            long place,
            @Nullable RowName row,
            List<Identity> holders,
            boolean needsAll,
            long giveUpNs,
            boolean isReady,
            @Nullable Identity holderInLine) {}

    private final Map<Identity, SqlSession> sessions;
    private final SqlInstaller database;
    private final SqlCodec codec = new SqlCodec(LobReferences.INLINE);
    private final Map<Long, Place> places = new TreeMap<>();
    private @Nullable SqlSession session;
    private long lastPlace;
    private int result;

    /** @param sessions of an engine that has none yet */
    EngineInstaller(SqlDatabase into, SqlConfig config, Map<Identity, SqlSession> sessions) {
        this.sessions = sessions;
        this.database = new SqlInstaller(into.administrator(), EngineSnapshot.settings(config), (name, user) -> {
            User known = into.database().findUser(user);
            if (known == null) {
                throw new IllegalArgumentException("a session of a user who is not in the copy: " + user);
            }
            SessionLocal opened = into.open(known, name);
            sessions.computeIfAbsent(name, SqlSession::new).h2 = opened;
            return opened;
        });
    }

    /** Takes the next item. @throws IllegalArgumentException it does not fit */
    void install(StateTag tag, StateReader item) {
        try {
            switch (tag) {
                case SQL_QUEUE -> lastPlace = item.getLong();
                case SQL_CONVERSATION -> begin(new StateReader(ByteBuffer.wrap(item.getBytes())));
                case SQL_STATEMENT -> addStatement(session(), item);
                case SQL_DEFERRED -> addDeferred(session(), item);
                case SQL_OBJECT -> addObject(session(), item);
                case SQL_RESULT -> beginResult(session(), item);
                case SQL_RESULT_ROWS -> addRows(session(), item);
                default -> database.install(tag, item);
            }
        } catch (SqlProtocolException e) {
            throw new IllegalArgumentException("a SQL session in the copy cannot be read", e);
        }
    }

    /** All items have been taken. */
    void finish(WaitingQueue queue) {
        database.finish();
        queue.restoreLastPlace(lastPlace);
        for (Place at : places.values()) {
            queue.restore(at.session(), at.place(), at.row(), at.holders(), at.needsAll(), at.giveUpNs(), at.isReady());
        }
        for (Place at : places.values()) {
            if (at.row() != null) {
                queue.restoreLine(at.row(), at.holderInLine());
            }
        }
    }

    private SqlSession session() {
        if (session == null) {
            throw new IllegalArgumentException("something of a SQL session before its session");
        }
        return session;
    }

    private void begin(StateReader in) throws SqlProtocolException {
        SqlSession begun = sessions.computeIfAbsent(in.getIdentity(), SqlSession::new);
        session = begun;
        boolean isLoggedIn = in.getByte() == 1;
        if (isLoggedIn != (begun.h2 != null)) {
            throw new IllegalArgumentException("a SQL session without its database session: " + begun.name);
        }
        begun.user = optional(in);
        begun.nonce = optional(in);
        begun.queryTimeoutMillis = in.getInt();
        begun.transactionSinceNs = in.getLong();
        begun.defersUpdates = in.getByte() == 1;
        begun.lobs.lastName = in.getLong();
        for (int left = in.getInt(); left > 0; left--) {
            begun.lobs.write(in.getLong(), 0, in.getBytes(), Long.MAX_VALUE);
        }
        if (in.getByte() == 1) {
            begun.waiting = message(in, begun.lobs);
        }
        if (in.getByte() == 1) {
            Place place = place(begun.name, in);
            places.put(place.place(), place);
        }
    }

    private SqlMessage message(StateReader in, LobReferences lobs) throws SqlProtocolException {
        long requestId = in.getLong();
        byte[] body = in.getBytes();
        SqlMessage message = new SqlMessage(requestId, body, new SqlCodec(lobs).decodeRequest(body), in.getLong());
        message.isBegun = in.getByte() == 1;
        message.done = in.getInt();
        message.parametersDone = in.getInt();
        message.changesFound = in.getLong();
        byte[] first = in.getBytes();
        message.first = first.length == 0 ? null : codec.decodeReply(first).outcome();
        if (codec.decodeReply(in.getBytes()).outcome() instanceof SqlOutcome.Batched batched) {
            message.counts = batched.counts();
            message.failures.addAll(batched.failures());
            SqlOutcome.Rows keys = batched.keys();
            if (keys != null) {
                message.keyColumns = keys.columns();
                message.keyRows.addAll(keys.rows());
            }
        }
        message.firstConflictNs = in.getLong();
        message.lockedTable = optional(in);
        message.isCancelledByTime = in.getByte() == 1;
        message.giveUpNs = in.getLong();
        return message;
    }

    private static Place place(Identity session, StateReader in) {
        long place = in.getLong();
        String map = optional(in);
        long key = in.getLong();
        List<Identity> holders = new ArrayList<>();
        for (int left = in.getInt(); left > 0; left--) {
            holders.add(in.getIdentity());
        }
        boolean needsAll = in.getByte() == 1;
        long giveUpNs = in.getLong();
        boolean isReady = in.getByte() == 1;
        boolean hasHolder = in.getByte() == 1;
        Identity holder = in.getIdentity();
        return new Place(
                session,
                place,
                map == null ? null : new RowName(map, key),
                holders,
                needsAll,
                giveUpNs,
                isReady,
                hasHolder ? holder : null);
    }

    private static @Nullable String optional(StateReader in) {
        boolean isThere = in.getByte() == 1;
        String text = in.getString();
        return isThere ? text : null;
    }

    /** What H2 makes of it is made at its next execution, as on all nodes: they forget their plans when one joins. */
    private static void addStatement(SqlSession to, StateReader item) {
        int number = item.getInt();
        String sql = item.getString();
        List<String> parts = new ArrayList<>();
        for (int left = item.getInt(); left > 0; left--) {
            parts.add(item.getString());
        }
        SqlStatement statement = new SqlStatement(sql, parts);
        statement.waitMillis = item.getInt();
        statement.isAtOnce = item.getByte() == 1;
        if (number != 0) {
            to.statements.put(number, statement);
        }
        SqlMessage waiting = to.waiting;
        // One that waits before its own statement looks for that when it goes on.
        if (waiting != null && waiting.isBegun && (number == 0 || number == numberOf(waiting.request.action()))) {
            waiting.statement = statement;
        }
    }

    private static int numberOf(SqlAction action) {
        return action instanceof SqlAction.Execute execute
                ? execute.statement()
                : action instanceof SqlAction.Batch batch ? batch.statement() : -1;
    }

    private static void addDeferred(SqlSession to, StateReader item) throws SqlProtocolException {
        int number = item.getInt();
        String sql = item.getString();
        byte[] body = item.getBytes();
        SqlStatement statement = number == 0 ? new SqlStatement(sql, List.of()) : to.statements.get(number);
        if (statement == null
                || !(new SqlCodec(to.lobs).decodeRequest(body).action() instanceof SqlAction.Execute execute)) {
            throw new IllegalArgumentException("a deferred update without its statement");
        }
        to.deferred.add(new Deferred(number, statement, execute.parameters(), body));
    }

    private static void addObject(SqlSession to, StateReader item) {
        long name = item.getLong();
        boolean isBinary = item.getByte() == 1;
        byte[] content = item.getBytes();
        to.lobs.named.put(name, isBinary ? ValueBlob.createSmall(content) : ValueClob.createSmall(content));
    }

    private void beginResult(SqlSession to, StateReader item) {
        result = item.getInt();
        long bytes = item.getLong();
        to.results.put(result, new SqlResult(new ArrayList<>(), bytes));
        to.resultBytes += bytes;
    }

    private void addRows(SqlSession to, StateReader item) throws SqlProtocolException {
        SqlResult begun = to.results.get(result);
        if (begun == null
                || !(codec.decodeReply(item.getBytes()).outcome() instanceof SqlOutcome.Rows some)
                || some.firstRow() != begun.rows().size()) {
            throw new IllegalArgumentException("rows of another result");
        }
        List<Value[]> rows = begun.rows();
        rows.addAll(some.rows());
    }
}
