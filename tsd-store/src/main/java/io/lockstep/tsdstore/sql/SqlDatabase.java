package io.lockstep.tsdstore.sql;

import io.lockstep.tsdstore.H2Properties;
import io.lockstep.tsdstore.H2Session;
import io.lockstep.tsdstore.NodeFailure;
import io.lockstep.wire.Identity;
import java.lang.reflect.Field;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Locale;
import java.util.Set;
import java.util.UUID;
import org.h2.command.Prepared;
import org.h2.engine.Database;
import org.h2.engine.SessionLocal;
import org.h2.engine.User;
import org.h2.message.DbException;
import org.h2.util.TimeZoneProvider;

/**
 * The H2 database behind a node's SQL sessions: unnamed, in this process's memory, reached by nobody else. Touched only by
 * the lane; sessions are opened by any thread.
 */
final class SqlDatabase implements AutoCloseable {
    private static final String ADMINISTRATOR = "LOCKSTEP";
    /** Statistics change only with entries; no plan is reused beyond what the client prepared. */
    private static final String URL =
            "jdbc:h2:mem:;DB_CLOSE_ON_EXIT=FALSE;ANALYZE_AUTO=0;QUERY_CACHE_SIZE=0;TIME ZONE=UTC";

    /** The same on all nodes: {@code DATABASE()} and the information schema show it. */
    private static final String NAME = "LOCKSTEP";

    static {
        H2Properties.set();
    }

    /** Keeps the database alive, and has the rights to set it up and to copy it. */
    private final Connection administrator;

    private final Database database;
    private final User owner;
    private final UserCode userCode;

    /** A new one. @throws NodeFailure it cannot be made */
    SqlDatabase(SqlConfig config) {
        try {
            administrator = DriverManager.getConnection(
                    URL + config.settings().url(),
                    ADMINISTRATOR,
                    UUID.randomUUID().toString());
            database = H2Session.of(administrator).getDatabase();
            Field name = Database.class.getDeclaredField("databaseShortName");
            name.setAccessible(true);
            name.set(database, NAME);
            String user = config.owner().toUpperCase(Locale.ROOT);
            try (Statement statement = administrator.createStatement()) {
                if (!config.settings().collation().equals(DatabaseSettings.NO_COLLATION)) {
                    statement.execute("SET COLLATION " + config.settings().collation());
                }
                String quoted = '"' + user.replace("\"", "\"\"") + '"';
                statement.execute("CREATE USER " + quoted + " PASSWORD '" + UUID.randomUUID() + "'");
                statement.execute("GRANT ALTER ANY SCHEMA TO " + quoted);
            }
            owner = database.getUser(user);
            Accounts.setFirst(owner, config);
            if (!config.settings().classes().isEmpty()) {
                // H2 forgets the time at the end of each statement, of those within another, too.
                H2Session.fixTimeWithinTransactions(database);
            }
            userCode = new UserCode(database, config.settings().classes().keySet());
        } catch (SQLException | ReflectiveOperationException e) {
            throw new NodeFailure("this node cannot set up an H2 database: " + e, e);
        }
    }

    Database database() {
        return database;
    }

    /** The administrator's session, for copies. */
    SessionLocal administrator() {
        try {
            return H2Session.of(administrator);
        } catch (SQLException e) {
            throw new NodeFailure("this node's H2 database is gone: " + e, e);
        }
    }

    /** Names of those that are not in copies. */
    Set<String> users() {
        return Set.of(ADMINISTRATOR);
    }

    /** The user to whom the database belongs. */
    User owner() {
        return owner;
    }

    /** What functions, aggregates and triggers of the operator's classes may do. */
    UserCode userCode() {
        return userCode;
    }

    /** What the administrator does with a statement of its own. */
    interface Work {
        void with(Prepared statement);
    }

    /**
     * Does a client's statement as the administrator, in the client's schema, and commits.
     *
     * @throws DbException it failed, and has changed nothing
     */
    void administer(SessionLocal clients, String sql, Work work) {
        SessionLocal session = administrator();
        session.lock();
        try {
            int lockTimeout = session.getLockTimeout();
            H2Fields.setLockTimeout(session, 0);
            session.setCurrentSchemaName(clients.getCurrentSchemaName());
            session.setSchemaSearchPath(clients.getSchemaSearchPath());
            try {
                Prepared statement = H2Fields.prepared(session.prepareLocal(sql));
                if (statement == null) {
                    throw DbException.getInternalError("a list of statements");
                }
                work.with(statement);
                session.commit(true);
            } catch (RuntimeException e) {
                session.rollback();
                throw e;
            } finally {
                H2Fields.setLockTimeout(session, lockTimeout);
            }
        } finally {
            session.unlock();
        }
    }

    /** A new session of the user for reads, with autocommit on, as a client finds it. */
    synchronized SessionLocal open(User user) {
        return begin(H2Fields.createSession(database, user));
    }

    /**
     * A new session of the user for a client. H2's own number for it is in names that H2 makes, of an index for one, and in
     * texts of errors: so it is equal on all nodes, however many read beside their lanes.
     */
    synchronized SessionLocal open(User user, Identity name) {
        int number = (int) (-1 - name.position() % Integer.MAX_VALUE);
        return begin(H2Fields.createSession(database, user, number));
    }

    private static SessionLocal begin(SessionLocal session) {
        session.setTimeZone(TimeZoneProvider.ofId("UTC"));
        return session;
    }

    @Override
    public void close() {
        // Not by the statement, which would wait for what open sessions have locked.
        database.shutdownImmediately();
    }
}
