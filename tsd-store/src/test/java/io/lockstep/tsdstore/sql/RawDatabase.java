package io.lockstep.tsdstore.sql;

import com.dynatrace.hash4j.hashing.HashStream64;
import com.dynatrace.hash4j.hashing.Hashing;
import io.lockstep.tsdstore.H2Session;
import io.lockstep.tsdstore.StateReader;
import io.lockstep.tsdstore.StateTag;
import io.lockstep.tsdstore.StateWriter;
import io.lockstep.wire.Identity;
import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.h2.command.Command;
import org.h2.engine.Database;
import org.h2.engine.Session;
import org.h2.engine.SessionLocal;
import org.h2.jdbc.JdbcConnection;
import org.h2.message.DbException;
import org.h2.mvstore.tx.Transaction;
import org.h2.result.ResultInterface;
import org.h2.result.ResultWithGeneratedKeys;
import org.h2.value.Value;

/** An H2 database with sessions that one thread drives, each statement tried once: what waits elsewhere fails here. */
final class RawDatabase implements AutoCloseable {
    static final Set<String> USERS = Set.of("ADMIN", "APP");
    private static final long HAS_ROLLBACK = 1L << 45;
    private static final Field STATE = field(Transaction.class, "statusAndLogId");
    private static final Field TIMEOUT = field(Transaction.class, "timeoutMillis");
    private static final Field LOCK_TIMEOUT = field(SessionLocal.class, "lockTimeout");

    private final String url = "jdbc:h2:mem:" + UUID.randomUUID()
            + ";DB_CLOSE_ON_EXIT=FALSE;ANALYZE_AUTO=0;QUERY_CACHE_SIZE=0;TIME ZONE=UTC";
    private final List<Connection> connections = new ArrayList<>();
    final Map<Identity, SessionLocal> sessions = new TreeMap<>();
    final SessionLocal administrator;

    RawDatabase() {
        try {
            administrator = connect("ADMIN");
            try (Statement statement = connections.get(0).createStatement()) {
                statement.execute("CREATE USER APP PASSWORD 'x'");
                statement.execute("GRANT ALTER ANY SCHEMA TO APP");
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    Database database() {
        return administrator.getDatabase();
    }

    SessionLocal open(Identity name) {
        try {
            SessionLocal session = connect("APP");
            sessions.put(name, session);
            return session;
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    SessionLocal open(int number) {
        SessionLocal session = open(new Identity(1, number));
        session.setAutoCommit(false);
        return session;
    }

    private SessionLocal connect(String user) throws SQLException {
        Connection connection = DriverManager.getConnection(url, user, user.equals("APP") ? "x" : "y");
        connections.add(connection);
        return (SessionLocal) connection.unwrap(JdbcConnection.class).getSession();
    }

    @Override
    public void close() {
        // SHUTDOWN waits for sessions that hold locks on H2's own tables.
        database().shutdownImmediately();
    }

    // ---- copies ---------------------------------------------------------------------------------------------------

    SqlSnapshot snapshot() {
        List<SqlSnapshot.Named> named = new ArrayList<>();
        sessions.forEach((name, session) -> named.add(new SqlSnapshot.Named(name, session)));
        return new SqlSnapshot(database(), new FrozenLobs(database()), "test", USERS, named);
    }

    static byte[] items(SqlSnapshot snapshot) {
        StateWriter out = new StateWriter();
        while (snapshot.writeNext(out)) {
            // Written.
        }
        byte[] items = new byte[out.size()];
        System.arraycopy(out.buffer(), 0, items, 0, items.length);
        return items;
    }

    /** Digest as a copy has it, piece by piece. */
    static long digest(SqlSnapshot snapshot) {
        HashStream64 hash = Hashing.xxh3_64().hashStream();
        StateWriter out = new StateWriter();
        while (snapshot.writeNext(out)) {
            hash.putBytes(out.buffer(), 0, out.size());
            out.drop(out.size());
        }
        return hash.getAsLong();
    }

    static void install(byte[] items, RawDatabase to) {
        SqlInstaller installer = new SqlInstaller(to.administrator, "test", (name, user) -> to.open(name));
        ByteBuffer in = ByteBuffer.wrap(items);
        while (in.hasRemaining()) {
            int length = in.getInt();
            StateTag tag = StateTag.values()[in.get()];
            StateReader item = new StateReader(in.slice(in.position(), length));
            installer.install(tag, item);
            if (item.hasMore()) {
                throw new IllegalStateException(tag + " is longer than its content");
            }
            in.position(in.position() + length);
        }
        installer.finish();
    }

    static RawDatabase copyOf(RawDatabase from) {
        RawDatabase copy = new RawDatabase();
        install(items(from.snapshot()), copy);
        return copy;
    }

    // ---- statements -----------------------------------------------------------------------------------------------

    String run(int session, String sql) {
        return run(Objects.requireNonNull(sessions.get(new Identity(1, session))), sql);
    }

    /** What the statement gave: rows, a count with generated keys, or an error. */
    static String run(SessionLocal session, String sql) {
        session.lock();
        H2Session.seed(session, sql.hashCode());
        try {
            LOCK_TIMEOUT.setInt(session, 0);
            Command command = session.prepareLocal(sql);
            if (!command.isTransactional()) {
                session.commit(true);
            }
            SessionLocal.Savepoint before = session.setSavepoint();
            session.startStatementWithinTransaction(command);
            TIMEOUT.setInt(session.getTransaction(), 0);
            Session old = session.setThreadLocalSession();
            try {
                return command.isQuery() ? rows(command.query(0)) : count(command.update(true));
            } catch (DbException e) {
                session.rollbackTo(before);
                throw e;
            } finally {
                session.resetThreadLocalSession(old);
                session.endStatement();
                if (!command.isTransactional()) {
                    session.commit(true);
                }
            }
        } catch (DbException e) {
            return e.getErrorCode() + " " + e.getMessage();
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        } finally {
            H2Session.end();
            clear(session);
            // H2 keeps its own tables locked for temporary ones that are not in them.
            session.getDatabase().unlockMeta(session);
            session.unlock();
        }
    }

    private static void clear(SessionLocal session) {
        Transaction transaction = H2Internals.transaction(session);
        if (transaction != null) {
            try {
                ((AtomicLong) STATE.get(transaction)).updateAndGet(state -> state & ~HAS_ROLLBACK);
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private static String count(ResultWithGeneratedKeys result) {
        ResultInterface keys = result.getGeneratedKeys();
        return result.getUpdateCount() + (keys == null ? "" : " " + rows(keys));
    }

    private static String rows(ResultInterface result) {
        StringBuilder text = new StringBuilder();
        while (result.next()) {
            for (Value value : result.currentRow()) {
                String shown = value.getString();
                text.append(shown == null || shown.length() < 100 ? shown : shown.length() + "#" + shown.hashCode())
                        .append(',');
            }
            text.append(' ');
        }
        result.close();
        return text.toString();
    }

    private static Field field(Class<?> owner, String name) {
        try {
            Field field = owner.getDeclaredField(name);
            field.setAccessible(true);
            return field;
        } catch (NoSuchFieldException e) {
            throw new ExceptionInInitializerError(e);
        }
    }
}
