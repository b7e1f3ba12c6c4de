package io.lockstep.jdbc;

import io.lockstep.distributor.DirectSession;
import io.lockstep.distributor.Ending;
import io.lockstep.sqlwire.LobReferences;
import io.lockstep.sqlwire.Scram;
import io.lockstep.sqlwire.SqlAction;
import io.lockstep.sqlwire.SqlCodec;
import io.lockstep.sqlwire.SqlOutcome;
import io.lockstep.sqlwire.SqlProtocolException;
import io.lockstep.sqlwire.SqlReply;
import io.lockstep.sqlwire.SqlRequest;
import io.lockstep.wire.RequestKind;
import java.security.SecureRandom;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.h2.api.ErrorCode;
import org.h2.api.JavaObjectSerializer;
import org.h2.command.CommandInterface;
import org.h2.engine.ForeignSession;
import org.h2.engine.IsolationLevel;
import org.h2.engine.Mode;
import org.h2.jdbc.JdbcException;
import org.h2.jdbc.meta.DatabaseMeta;
import org.h2.message.DbException;
import org.h2.message.Trace;
import org.h2.message.TraceSystem;
import org.h2.store.DataHandler;
import org.h2.util.DateTimeUtils;
import org.h2.util.NetworkConnectionInfo;
import org.h2.util.StringUtils;
import org.h2.util.TimeZoneProvider;
import org.h2.value.ValueLob;
import org.h2.value.ValueTimestampTimeZone;
import org.jspecify.annotations.Nullable;

/**
 * What H2's JDBC classes take for a session: turns their calls into SQL messages of one Lockstep session. Safe from any
 * thread, because each message is exchanged under H2's session lock; {@link #cancel} and {@link #abort} go past it.
 *
 * <p>What the nodes know is theirs; kept here is only what saves a question: the flags of the latest reply, isolation,
 * schema and time zone as last said, and the names of prepared statements.
 */
final class SqlSession extends ForeignSession {
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final Duration TOUCH_INTERVAL = Duration.ofSeconds(20);
    private static final TraceSystem NO_TRACE = new TraceSystem(null);
    /** Names that were given up and wait for an ordered message to ride with; more than this go by themselves. */
    private static final int CLOSED_MOST = 256;

    private static final Pattern ISOLATION =
            Pattern.compile("(READ\\s+UNCOMMITTED|READ\\s+COMMITTED|REPEATABLE\\s+READ|SNAPSHOT|SERIALIZABLE)");

    static {
        NO_TRACE.setLevelFile(TraceSystem.OFF);
        NO_TRACE.setLevelSystemOut(TraceSystem.OFF);
    }

    private final DirectSession session;
    private final NodeLobs lobs;
    private final SqlCodec codec;
    private final StatementCache statements;
    private final int fetchRows;
    private volatile long timeoutNs;
    private volatile boolean isClosed;

    /** The request that is being waited for; null between requests. */
    private volatile DirectSession.@Nullable Call pending;

    /** What is being executed; null between executions. */
    private volatile @Nullable SqlCommand executing;

    // Touched only under the session's lock.
    private boolean isAutoCommit = true;
    /** Whether the nodes may have something that a commit or rollback would end. */
    private boolean isTouched;

    /** Whether the command asked for is a prepared statement's. */
    private boolean isPreparing;

    private int lastResult;
    private final Names closedStatements = new Names();
    private final Names closedResults = new Names();
    private IsolationLevel isolation = IsolationLevel.READ_COMMITTED;
    private @Nullable String schema;
    private volatile DynamicSettings dynamicSettings =
            new DynamicSettings(Mode.getRegular(), DateTimeUtils.getTimeZone());
    private Map<String, String> facts = Map.of();

    private SqlSession(DirectSession session, LockstepUrl url) {
        this.session = session;
        this.timeoutNs = TimeUnit.SECONDS.toNanos(url.getNumber(DriverProperty.SOCKET_TIMEOUT));
        this.lobs = new NodeLobs(this);
        this.codec = new SqlCodec(lobs);
        this.statements = new StatementCache(url.getNumber(DriverProperty.PREPARED_STATEMENT_CACHE_QUERIES), this);
        this.fetchRows = url.getNumber(DriverProperty.DEFAULT_ROW_FETCH_SIZE);
    }

    /** Opens a session and logs in. @throws SQLException it could not be opened; the text says why */
    static SqlSession open(LockstepUrl url, String user, char[] password) throws SQLException {
        int login = url.getNumber(DriverProperty.LOGIN_TIMEOUT);
        int connect = url.getNumber(DriverProperty.CONNECT_TIMEOUT);
        Duration limit = Duration.ofSeconds(login == 0 ? connect : Math.min(login, connect));
        DirectSession channel;
        try {
            channel = channel(url, limit);
        } catch (io.lockstep.distributor.LockstepException e) {
            throw SqlState.ofOpening(e);
        }
        SqlSession session = new SqlSession(channel, url);
        try {
            session.logIn(url, user, password);
            Housekeeper.add(channel, session);
            return session;
        } catch (DbException e) {
            session.close();
            throw DbException.toSQLException(e);
        } catch (RuntimeException e) {
            channel.abort("the opening failed");
            throw e;
        }
    }

    private static DirectSession channel(LockstepUrl url, Duration limit) {
        String cluster = url.get(DriverProperty.CLUSTER);
        String label = url.get(DriverProperty.APPLICATION_NAME);
        Duration timeout = Duration.ofSeconds(url.getNumber(DriverProperty.SOCKET_TIMEOUT));
        return url.isNodes()
                ? DirectSession.openAtNodes(url.addresses(), cluster, label, timeout, TOUCH_INTERVAL, limit)
                : DirectSession.open(url.addresses(), cluster, label, timeout, TOUCH_INTERVAL, limit);
    }

    private void logIn(LockstepUrl url, String user, char[] password) {
        byte[] random = new byte[18];
        RANDOM.nextBytes(random);
        String nonce = Base64.getEncoder().encodeToString(random);
        SqlOutcome.Challenge challenge = expect(SqlOutcome.Challenge.class, ask(new SqlAction.Hello(user, nonce)));
        if (!challenge.nonce().startsWith(nonce) || challenge.iterations() < Scram.ITERATIONS) {
            throw broken("the database did not take up our challenge, or asks for too little");
        }
        String said = Scram.said(user, challenge.nonce(), challenge.salt(), challenge.iterations());
        byte[] proof = Scram.proof(password, challenge.salt(), challenge.iterations(), said);
        SqlOutcome.Welcome welcome = expect(SqlOutcome.Welcome.class, ask(new SqlAction.Prove(proof, settings(url))));
        if (!Scram.isSigned(password, challenge.salt(), challenge.iterations(), said, welcome.signature())) {
            throw broken("the database could not prove that it knows the password of user " + user);
        }
        facts = Map.copyOf(welcome.facts());
        dynamicSettings = new DynamicSettings(mode(), dynamicSettings.timeZone);
    }

    private static Map<String, String> settings(LockstepUrl url) {
        Map<String, String> settings = new LinkedHashMap<>();
        settings.put("database", url.database());
        String zone = url.get(DriverProperty.TIME_ZONE);
        settings.put("timeZone", zone.isEmpty() ? DateTimeUtils.getTimeZone().getId() : zone);
        String schema = url.get(DriverProperty.CURRENT_SCHEMA);
        if (!schema.isEmpty()) {
            settings.put("schema", schema);
        }
        if (Boolean.parseBoolean(url.get(DriverProperty.DEFER_UPDATES))) {
            settings.put("deferUpdates", "true");
        }
        return settings;
    }

    private Mode mode() {
        Mode mode = Mode.getInstance(facts.getOrDefault("mode", "REGULAR"));
        return mode == null ? Mode.getRegular() : mode;
    }

    // ---- messages -------------------------------------------------------------------------------------------------

    /** An ordered message and its outcome. @throws DbException it failed */
    SqlOutcome ask(SqlAction action) {
        lock();
        try {
            SqlRequest request = new SqlRequest(isAutoCommit, closedStatements.take(), closedResults.take(), action);
            SqlReply reply = exchange(RequestKind.SQL, codec.encode(request), timeoutNs);
            isAutoCommit = reply.isAutoCommit();
            isTouched = reply.isInTransaction() || (!reply.isAutoCommit() && mayHaveTouched(action));
            note(reply);
            return good(reply);
        } finally {
            unlock();
        }
    }

    /** A savepoint, say, is no change yet, but ends with the transaction. */
    private boolean mayHaveTouched(SqlAction action) {
        return !(action instanceof SqlAction.End)
                && (isTouched || action instanceof SqlAction.Execute || action instanceof SqlAction.Batch);
    }

    /** A message without effect and its outcome, {@link SqlOutcome.NotARead} among them. @throws DbException it failed */
    SqlOutcome askRead(SqlAction action) {
        return askRead(action, timeoutNs);
    }

    private SqlOutcome askRead(SqlAction action, long limitNs) {
        lock();
        try {
            byte[] body = codec.encode(SqlRequest.of(isAutoCommit, action));
            return good(exchange(RequestKind.SQL_READ, body, limitNs));
        } finally {
            unlock();
        }
    }

    /** A read if the node takes it for one, else an ordered message. */
    SqlOutcome askReadFirst(SqlAction read, SqlAction ordered) {
        SqlOutcome outcome = askRead(read);
        return outcome instanceof SqlOutcome.NotARead ? ask(ordered) : outcome;
    }

    private SqlReply exchange(RequestKind kind, byte[] body, long limitNs) {
        checkOpen();
        SqlCommand command = executing;
        if (command != null && command.isCancelled()) {
            throw DbException.get(ErrorCode.STATEMENT_WAS_CANCELED);
        }
        DirectSession.Call call = session.submit(kind, body, limitNs);
        pending = call;
        Ending ending;
        try {
            if (command != null && command.isCancelled()) {
                sendCancel(call); // it came between the look above and the request
            }
            ending = session.await(call);
        } finally {
            pending = null;
        }
        if (ending.problem() != null) {
            throw failed(ending);
        }
        try {
            return codec.decodeReply(ending.body());
        } catch (SqlProtocolException e) {
            throw broken("an answer is not what this driver understands: " + e.getMessage());
        }
    }

    private DbException failed(Ending ending) {
        SqlState state = SqlState.of(ending);
        if (state.endsConnection()) {
            abort(state.code() + ": " + ending.text());
        }
        return DbException.convert(state.exception(ending.text()));
    }

    private DbException broken(String text) {
        abort(text);
        return DbException.convert(SqlState.PROTOCOL.exception(text));
    }

    private void checkOpen() {
        if (isClosed) {
            throw DbException.convert(SqlState.CLOSED.exception("the connection is closed"));
        }
    }

    private void note(SqlReply reply) {
        String newSchema = reply.schema();
        if (newSchema != null) {
            schema = newSchema;
        }
        String newZone = reply.timeZone();
        if (newZone != null) {
            dynamicSettings = new DynamicSettings(dynamicSettings.mode, TimeZoneProvider.ofId(newZone));
        }
    }

    private SqlOutcome good(SqlReply reply) {
        if (reply.outcome() instanceof SqlOutcome.Failed failed) {
            throw DbException.convert(toSqlException(failed));
        }
        return reply.outcome();
    }

    static SQLException toSqlException(SqlOutcome.Failed failed) {
        return DbException.getJdbcSQLException(
                failed.message(), failed.sql(), failed.sqlState(), failed.code(), null, null);
    }

    <T extends SqlOutcome> T expect(Class<T> type, SqlOutcome outcome) {
        if (!type.isInstance(outcome)) {
            throw broken("an answer is " + outcome.getClass().getSimpleName() + ", not " + type.getSimpleName());
        }
        return type.cast(outcome);
    }

    // ---- statements and results -----------------------------------------------------------------------------------

    @Override
    public CommandInterface prepareCommand(String sql) {
        checkOpen();
        return switch (sql) {
            case "COMMIT" -> new EndCommand(this, true);
            case "ROLLBACK" -> new EndCommand(this, false);
            default ->
                new SqlCommand(this, sql, isLockedByCurrentThread() && isPreparing ? statements.open(sql) : null);
        };
    }

    /** Calls what makes a prepared statement, so that its command is prepared at once. */
    <T> T preparing(SqlSupplier<T> maker) throws SQLException {
        lock();
        try {
            isPreparing = true;
            return maker.get();
        } finally {
            isPreparing = false;
            unlock();
        }
    }

    /** Makes something or fails as JDBC does. */
    interface SqlSupplier<T> {
        T get() throws SQLException;
    }

    StatementCache statements() {
        return statements;
    }

    int nextResult() {
        return ++lastResult;
    }

    void giveUpStatement(int number) {
        lock();
        try {
            closedStatements.add(number);
            applyWhenMany();
        } finally {
            unlock();
        }
    }

    void giveUpResult(int number) {
        lock();
        try {
            closedResults.add(number);
            applyWhenMany();
        } finally {
            unlock();
        }
    }

    private void applyWhenMany() {
        if (closedStatements.size() + closedResults.size() > CLOSED_MOST && !isClosed) {
            ask(new SqlAction.Apply());
        }
    }

    /** Rows in a first answer where a statement does not say; 0: the node's choice. */
    int fetchRows() {
        return fetchRows;
    }

    NodeLobs lobs() {
        return lobs;
    }

    /** Whether what is committed so far is all that a statement may see, so that a read need not be ordered. */
    boolean mayRead() {
        return isolation == IsolationLevel.READ_COMMITTED;
    }

    /** Commits or rolls back, if there can be anything to end. */
    void end(boolean isCommit) {
        lock();
        try {
            checkOpen();
            if (isTouched) {
                ask(new SqlAction.End(isCommit));
            }
        } finally {
            unlock();
        }
    }

    /** After a statement that succeeded: what it may have changed of that which is kept here. */
    void executed(String sql, int commandType) {
        if (isDefinition(commandType)) {
            statements.forget();
        }
        if (commandType == CommandInterface.SET || commandType == CommandInterface.BEGIN || commandType == 0) {
            Matcher matcher = ISOLATION.matcher(sql.toUpperCase(Locale.ROOT));
            if (startsWithSet(sql) && matcher.find()) {
                isolation = IsolationLevel.fromSql(matcher.group(1).replaceAll("\\s+", " "));
            }
        }
    }

    private static boolean startsWithSet(String sql) {
        return sql.stripLeading().regionMatches(true, 0, "SET ", 0, 4);
    }

    private static boolean isDefinition(int commandType) {
        return switch (commandType) {
            case CommandInterface.SELECT,
                    CommandInterface.INSERT,
                    CommandInterface.UPDATE,
                    CommandInterface.DELETE,
                    CommandInterface.MERGE,
                    CommandInterface.REPLACE,
                    CommandInterface.CALL,
                    CommandInterface.EXPLAIN,
                    CommandInterface.EXPLAIN_ANALYZE,
                    CommandInterface.SAVEPOINT,
                    CommandInterface.ROLLBACK_TO_SAVEPOINT,
                    CommandInterface.COMMIT,
                    CommandInterface.ROLLBACK,
                    CommandInterface.BEGIN,
                    CommandInterface.SET_AUTOCOMMIT_TRUE,
                    CommandInterface.SET_AUTOCOMMIT_FALSE -> false;
            default -> true;
        };
    }

    /** A command's execution begins; {@link #finish} ends it. What follows on this thread is its. */
    void begin(SqlCommand command) {
        lock();
        executing = command;
    }

    void finish() {
        executing = null;
        unlock();
    }

    /** Cancels the request that is being waited for, if there is one; from any thread. */
    void cancelPending() {
        DirectSession.Call call = pending;
        if (call != null && !isClosed) {
            session.await(sendCancel(call));
        }
    }

    private DirectSession.Call sendCancel(DirectSession.Call call) {
        // A codec of its own: the session's belongs to the thread that waits.
        byte[] body = new SqlCodec(LobReferences.INLINE)
                .encode(SqlRequest.of(isAutoCommit, new SqlAction.Cancel(call.requestId())));
        return session.submit(RequestKind.SQL, body, timeoutNs);
    }

    /** Whether an active answers within the time. */
    boolean answers(Duration limit) {
        lock();
        try {
            long limitNs = limit.isZero() ? timeoutNs : Math.max(100_000_000L, Math.min(timeoutNs, limit.toNanos()));
            NodeMetadata.probe(this, limitNs);
            return true;
        } catch (DbException e) {
            return false;
        } finally {
            unlock();
        }
    }

    SqlOutcome askRead(SqlAction action, Duration limit) {
        return askRead(action, limit.toNanos());
    }

    // ---- what H2's JDBC classes ask -------------------------------------------------------------------------------

    @Override
    public boolean getAutoCommit() {
        return isAutoCommit;
    }

    /** Travels with the next message, which commits first when it is switched on. */
    @Override
    public void setAutoCommit(boolean autoCommit) {
        lock();
        try {
            isAutoCommit = autoCommit;
        } finally {
            unlock();
        }
    }

    @Override
    public boolean hasPendingTransaction() {
        return isTouched;
    }

    @Override
    public void cancel() {
        cancelPending();
    }

    /** Ends the session; the nodes roll back what is open. */
    @Override
    public void close() {
        if (!isClosed) {
            isClosed = true;
            Housekeeper.remove(session);
            session.close();
        }
    }

    /** Ends it at once and from any thread, without asking anybody. */
    void abort(String reason) {
        isClosed = true;
        Housekeeper.remove(session);
        session.abort(reason);
    }

    @Override
    public boolean isClosed() {
        return isClosed || session.isOver();
    }

    DirectSession channel() {
        return session;
    }

    Map<String, String> facts() {
        return facts;
    }

    int timeoutMillis() {
        return (int) TimeUnit.NANOSECONDS.toMillis(timeoutNs);
    }

    void timeoutMillis(int millis) {
        timeoutNs = TimeUnit.MILLISECONDS.toNanos(millis);
    }

    @Override
    public IsolationLevel getIsolationLevel() {
        return isolation;
    }

    @Override
    public void setIsolationLevel(IsolationLevel level) {
        if (level != isolation) {
            execute("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL " + level.getSQL());
            isolation = level;
        }
    }

    private void execute(String sql) {
        try (SqlCommand command = new SqlCommand(this, sql, null)) {
            command.executeUpdate(false);
        }
    }

    @Override
    public String getCurrentSchemaName() {
        String known = schema;
        return known == null ? "PUBLIC" : known;
    }

    @Override
    public void setCurrentSchemaName(String name) {
        try {
            execute(StringUtils.quoteIdentifier(new StringBuilder("SET SCHEMA "), name)
                    .toString());
        } catch (DbException e) {
            throw withoutStatement(e);
        }
        schema = name;
    }

    /** The application has not written the statement, so the text does not show it. */
    private static DbException withoutStatement(DbException failure) {
        SQLException inner = failure.getSQLException();
        return inner instanceof JdbcException known
                ? DbException.convert(DbException.getJdbcSQLException(
                        known.getOriginalMessage(), null, inner.getSQLState(), inner.getErrorCode(), null, null))
                : failure;
    }

    @Override
    public StaticSettings getStaticSettings() {
        return new StaticSettings(
                Boolean.parseBoolean(facts.getOrDefault("databaseToUpper", "true")),
                Boolean.parseBoolean(facts.getOrDefault("databaseToLower", "false")),
                Boolean.parseBoolean(facts.getOrDefault("caseInsensitiveIdentifiers", "false")));
    }

    @Override
    public DynamicSettings getDynamicSettings() {
        return dynamicSettings;
    }

    @Override
    public DatabaseMeta getDatabaseMeta() {
        return new NodeMetadata(this);
    }

    @Override
    public DataHandler getDataHandler() {
        return lobs;
    }

    @Override
    public ValueLob addTemporaryLob(ValueLob lob) {
        return lob;
    }

    @Override
    @SuppressWarnings("NonApiType") // H2's signature
    public ArrayList<String> getClusterServers() {
        return new ArrayList<>();
    }

    @Override
    public Trace getTrace() {
        return NO_TRACE.getTrace(Trace.JDBC);
    }

    @Override
    public boolean isRemote() {
        return true;
    }

    @Override
    public boolean isOldInformationSchema() {
        return false;
    }

    @Override
    public void setNetworkConnectionInfo(NetworkConnectionInfo info) {
        throw DbException.getUnsupportedException("setNetworkConnectionInfo");
    }

    @Override
    public ValueTimestampTimeZone currentTimestamp() {
        return DateTimeUtils.currentTimestamp(dynamicSettings.timeZone);
    }

    @Override
    public TimeZoneProvider currentTimeZone() {
        return dynamicSettings.timeZone;
    }

    @Override
    public Mode getMode() {
        return dynamicSettings.mode;
    }

    @Override
    public @Nullable JavaObjectSerializer getJavaObjectSerializer() {
        return null;
    }

    @Override
    public boolean zeroBasedEnums() {
        return false;
    }

    /** Names that were given up. Touched only under the session's lock. */
    private static final class Names {
        private static final int[] NONE = new int[0];
        private final List<Integer> names = new ArrayList<>();

        void add(int name) {
            names.add(name);
        }

        int size() {
            return names.size();
        }

        int[] take() {
            if (names.isEmpty()) {
                return NONE;
            }
            int[] taken = names.stream().mapToInt(Integer::intValue).toArray();
            names.clear();
            return taken;
        }
    }
}
