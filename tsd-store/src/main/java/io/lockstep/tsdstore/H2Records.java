package io.lockstep.tsdstore;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.lockstep.tsdstore.sql.SqlConfig;
import io.lockstep.tsdstore.sql.SqlEngine;
import io.lockstep.tsdstore.sql.SqlInstaller;
import io.lockstep.tsdstore.sql.SqlSnapshot;
import io.lockstep.tsdstore.sql.TablesMoment;
import io.lockstep.wire.Identity;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.SQLNonTransientException;
import java.sql.Statement;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.UUID;
import org.h2.engine.Database;
import org.h2.schema.Schema;
import org.jspecify.annotations.Nullable;

/**
 * Records in an H2 database in this process's memory, reached through HikariCP. Touched only by the lane; a snapshot by
 * one other thread.
 *
 * <p>Four users, so that no code of a service is an administrator: the administrator (ours), the owner (creates tables,
 * once), the lane (reads and writes rows), the reader (reads rows). Database functions for the time give the header's
 * time, those for chance are seeded by the header: see {@link H2Session}.
 */
public final class H2Records extends Records {
    private static final String ADMINISTRATOR = "LOCKSTEP";
    private static final String OWNER = "OWNER";
    private static final String LANE = "LANE";
    private static final String READER = "READER";
    private static final Set<String> NODES_OWN = Set.of(ADMINISTRATOR, OWNER, LANE, READER);
    /**
     * Statistics change only with entries, and nobody else is there to wait for. No statement outlives its message, since
     * its plan depends on when it was made: a node that joined later would have another (2.4 of 7.8 microseconds for an
     * UPDATE and a SELECT by key).
     */
    private static final String SETTINGS =
            ";DB_CLOSE_ON_EXIT=FALSE;ANALYZE_AUTO=0;LOCK_TIMEOUT=1000;QUERY_CACHE_SIZE=0;TIME ZONE=UTC";

    static {
        H2Properties.set();
    }

    private final String url = "jdbc:h2:mem:lockstep-" + UUID.randomUUID() + SETTINGS;
    private final String password = UUID.randomUUID().toString();
    /** Keeps the database alive, and has the rights to set it up and to copy it. */
    private final Connection administrator;

    private final HikariDataSource lanePool;
    private final HikariDataSource readPool;
    private final SqlEngine sql;
    private final SqlConfig config;
    private final Guarded lane = new Guarded();
    private final Guarded read = new Guarded();
    private @Nullable SqlInstaller installer;
    /** Whether items are the engine's by now: its database is the second in a copy. */
    private boolean isOfSessions;

    private long timeNs;
    private long seed;

    /** As {@link #H2Records(SqlConfig)} with {@link SqlConfig#DEFAULT}. */
    public H2Records() {
        this(SqlConfig.DEFAULT);
    }

    /**
     * New, empty, private databases.
     *
     * @param config of SQL sessions
     * @throws NodeFailure they cannot be made
     */
    public H2Records(SqlConfig config) {
        this.config = config;
        sql = new SqlEngine(config);
        try {
            administrator = connect(ADMINISTRATOR);
            try (Statement statement = administrator.createStatement()) {
                for (String user : new String[] {OWNER, LANE, READER}) {
                    statement.execute("CREATE USER " + user + " PASSWORD '" + password + "'");
                }
                statement.execute("GRANT ALTER ANY SCHEMA TO " + OWNER);
            }
            H2Session.fixTimeWithinTransactions(database());
        } catch (SQLException e) {
            throw new NodeFailure("this node cannot set up an H2 database: " + e, e);
        }
        lanePool = pool(LANE);
        readPool = pool(READER);
    }

    @Override
    String kind() {
        return config.text().isEmpty() ? "h2" : "h2 with " + config.text();
    }

    @Override
    String settings() {
        return config.origin();
    }

    @Override
    void create(TransactionService service) throws SQLException {
        try (Connection owner = connect(OWNER)) {
            owner.setAutoCommit(false);
            H2Session.begin(H2Session.of(owner), timeNs, seed);
            service.createRecords(guard(owner));
            owner.commit();
        } finally {
            H2Session.end();
        }
        try (Statement statement = administrator.createStatement()) {
            for (Schema schema : SqlSnapshot.userSchemas(database())) {
                String name = schema.getSQL(0);
                statement.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON SCHEMA " + name + " TO " + LANE);
                statement.execute("GRANT SELECT ON SCHEMA " + name + " TO " + READER);
            }
        }
    }

    /** A database of its own: a service's messages and SQL sessions cannot lock each other's rows. */
    @Override
    SqlEngine sql() {
        return sql;
    }

    @Override
    void begin(long timeNs, long seed) {
        this.timeNs = timeNs;
        this.seed = seed;
    }

    @Override
    Connection connection() throws SQLException {
        return lane.checkedOut(lanePool, timeNs, seed);
    }

    @Override
    void commit() throws SQLException {
        lane.giveBack(Connection::commit);
    }

    @Override
    void rollback() throws SQLException {
        lane.giveBack(Connection::rollback);
    }

    @Override
    Connection readConnection(long timeNs) throws SQLException {
        return read.checkedOut(readPool, timeNs, timeNs);
    }

    @Override
    void endRead() throws SQLException {
        read.giveBack(Connection::rollback);
    }

    @Override
    Snapshot snapshot() throws SQLException {
        return new Both(new SqlSnapshot(database(), NODES_OWN), sql.snapshot());
    }

    @Override
    StateMoment moment(Identity at, long chain) throws SQLException {
        return new StateMoment(at, chain, List.of(new TablesMoment("service", database()), sql.moment()));
    }

    @Override
    void install(StateTag tag, StateReader item) throws SQLException {
        isOfSessions |= installer != null && tag == StateTag.SQL;
        if (isOfSessions) {
            sql.install(tag, item);
            return;
        }
        if (installer == null) {
            installer = new SqlInstaller(H2Session.of(administrator));
        }
        installer.install(tag, item);
    }

    @Override
    void installed() {
        if (installer != null) {
            installer.finish();
            installer = null;
        }
        isOfSessions = false;
        sql.installed();
    }

    @Override
    public void close() {
        sql.close();
        lanePool.close();
        readPool.close();
        try (Connection last = administrator;
                Statement statement = last.createStatement()) {
            statement.execute("SHUTDOWN IMMEDIATELY");
        } catch (SQLException e) {
            throw new NodeFailure("this node cannot close its H2 database: " + e, e);
        }
    }

    private Database database() throws SQLException {
        return H2Session.of(administrator).getDatabase();
    }

    private Connection connect(String user) throws SQLException {
        return DriverManager.getConnection(url, user, password);
    }

    private HikariDataSource pool(String user) {
        HikariConfig config = new HikariConfig();
        config.setPoolName("lockstep-" + user.toLowerCase(Locale.ROOT));
        config.setJdbcUrl(url);
        config.setUsername(user);
        config.setPassword(password);
        config.setAutoCommit(false);
        config.setMaximumPoolSize(1);
        config.setMinimumIdle(1);
        config.setMaxLifetime(0);
        config.setIdleTimeout(0);
        return new HikariDataSource(config);
    }

    private static Connection guard(Connection target) {
        Guarded guarded = new Guarded();
        guarded.target = target;
        return guarded.proxy;
    }

    /**
     * A connection that the service may use for one message: what would end the message's transaction, or last beyond
     * it, is refused.
     */
    private static final class Guarded {
        private static final Set<String> REFUSED = Set.of(
                "commit",
                "close",
                "abort",
                "setAutoCommit",
                "setTransactionIsolation",
                "setReadOnly",
                "setHoldability",
                "setSchema",
                "setCatalog",
                "setNetworkTimeout",
                "beginRequest",
                "endRequest",
                "unwrap");

        private final Connection proxy = (Connection)
                Proxy.newProxyInstance(Guarded.class.getClassLoader(), new Class<?>[] {Connection.class}, this::invoke);
        private @Nullable Connection target;

        Connection checkedOut(HikariDataSource pool, long timeNs, long seed) throws SQLException {
            if (target == null) {
                Connection connection = pool.getConnection();
                target = connection;
                H2Session.begin(H2Session.of(connection), timeNs, seed);
            }
            return proxy;
        }

        void giveBack(Ending ending) throws SQLException {
            Connection connection = target;
            if (connection != null) {
                target = null;
                H2Session.end();
                ending.end(connection);
                connection.close();
            }
        }

        private @Nullable Object invoke(Object self, Method method, Object @Nullable [] arguments) throws Throwable {
            boolean isWholeRollback = method.getName().equals("rollback") && arguments == null;
            if (isWholeRollback || REFUSED.contains(method.getName())) {
                throw new SQLNonTransientException(
                        method.getName() + " is not the service's: its message is one database transaction", "0A000");
            }
            if (target == null) {
                throw new SQLNonTransientException("this connection was for one message, which is over", "08003");
            }
            try {
                return method.invoke(target, arguments);
            } catch (InvocationTargetException e) {
                throw e.getTargetException();
            }
        }
    }

    /** The service's records, then the SQL engine. */
    private record Both(Snapshot records, Snapshot sql) implements Snapshot {
        @Override
        public boolean writeNext(StateWriter out) {
            return records.writeNext(out) || sql.writeNext(out);
        }

        @Override
        public void close() {
            records.close();
            sql.close();
        }
    }

    /** Commit or rollback. */
    private interface Ending {
        void end(Connection connection) throws SQLException;
    }
}
