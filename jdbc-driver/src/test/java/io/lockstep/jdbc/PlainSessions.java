package io.lockstep.jdbc;

import io.lockstep.sqlwire.GeneratedKeys;
import io.lockstep.sqlwire.LobReferences;
import io.lockstep.sqlwire.Scram;
import io.lockstep.sqlwire.SqlAction;
import io.lockstep.sqlwire.SqlCodec;
import io.lockstep.sqlwire.SqlColumn;
import io.lockstep.sqlwire.SqlOutcome;
import io.lockstep.sqlwire.SqlProtocolException;
import io.lockstep.sqlwire.SqlReply;
import io.lockstep.sqlwire.SqlRequest;
import io.lockstep.wire.Identity;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.h2.command.CommandInterface;
import org.h2.engine.SessionLocal;
import org.h2.expression.ParameterInterface;
import org.h2.jdbc.JdbcConnection;
import org.h2.jdbc.JdbcException;
import org.h2.jdbc.meta.DatabaseMetaServer;
import org.h2.message.DbException;
import org.h2.result.BatchResult;
import org.h2.result.ResultInterface;
import org.h2.result.ResultWithGeneratedKeys;
import org.h2.util.TimeZoneProvider;
import org.h2.value.Value;
import org.h2.value.ValueBlob;
import org.h2.value.ValueClob;
import org.h2.value.ValueLob;
import org.jspecify.annotations.Nullable;

/** H2 as it is behind the SQL messages, one embedded session each: what a node's engine must look like from outside. */
final class PlainSessions implements SqlServer.Sessions {
    private static final AtomicLong NAMES = new AtomicLong();
    private static final int FIRST_ROWS = 50;
    private static final int LOB_NAMED_BYTES = 10_000;

    private final String url = "jdbc:h2:mem:plain" + NAMES.incrementAndGet() + ";DB_CLOSE_DELAY=-1";
    private final Map<Identity, One> sessions = new ConcurrentHashMap<>();

    @Override
    public CompletableFuture<byte[]> execute(Identity session, long requestId, byte[] body) {
        One one = sessions.computeIfAbsent(session, name -> new One());
        return CompletableFuture.supplyAsync(() -> one.answer(body, false), task -> new Thread(task).start());
    }

    @Override
    public byte[] read(Identity session, byte[] body) {
        return sessions.computeIfAbsent(session, name -> new One()).answer(body, true);
    }

    @Override
    public void end(Identity session) {
        One one = sessions.remove(session);
        if (one != null) {
            one.session.close();
        }
    }

    @Override
    public void close() {
        try (java.sql.Connection last = DriverManager.getConnection(url, "app", "app")) {
            last.createStatement().execute("SHUTDOWN IMMEDIATELY");
        } catch (SQLException e) {
            assert e.getErrorCode() == org.h2.api.ErrorCode.DATABASE_IS_CLOSED : e;
        }
    }

    /** One session. */
    private final class One implements LobReferences {
        /** Kept, because H2 ends the session of a connection that nobody holds any more. */
        private final JdbcConnection connection;

        private final SessionLocal session;
        private final Map<Integer, CommandInterface> statements = new HashMap<>();
        private final Map<Integer, ResultInterface> results = new HashMap<>();
        private final Map<Long, ByteArrayOutputStream> uploads = new HashMap<>();
        private final Map<Long, ValueLob> named = new HashMap<>();
        private String user = "";
        private String nonce = "";
        private long lastLob;
        private volatile @Nullable CommandInterface running;

        One() {
            try {
                connection = (JdbcConnection) DriverManager.getConnection(url, "app", "app");
                session = (SessionLocal) connection.getSession();
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }

        byte[] answer(byte[] body, boolean isRead) {
            SqlCodec codec = new SqlCodec(this);
            try {
                SqlRequest request = codec.decodeRequest(body);
                if (request.action() instanceof SqlAction.Cancel) {
                    CommandInterface now = running;
                    for (int looks = 0; now == null && looks < 5_000; looks++) {
                        LockSupport.parkNanos(1_000_000); // it may have overtaken what it is to cancel
                        now = running;
                    }
                    if (now != null) {
                        now.cancel();
                    }
                    return codec.encode(reply(new SqlOutcome.Done(), false));
                }
                synchronized (this) {
                    return codec.encode(reply(perform(request, isRead), true));
                }
            } catch (SqlProtocolException e) {
                throw new IllegalStateException(e);
            }
        }

        private SqlReply reply(SqlOutcome outcome, boolean isOwner) {
            return new SqlReply(
                    session.getAutoCommit(),
                    isOwner && session.hasPendingTransaction(),
                    isOwner ? session.getCurrentSchemaName() : null,
                    isOwner ? session.currentTimeZone().getId() : null,
                    outcome);
        }

        private SqlOutcome perform(SqlRequest request, boolean isRead) {
            try {
                if (!isRead) {
                    for (int closed : request.closedStatements()) {
                        Objects.requireNonNull(statements.remove(closed)).close();
                    }
                    for (int closed : request.closedResults()) {
                        Objects.requireNonNull(results.remove(closed)).close();
                    }
                    if (request.isAutoCommit() && !session.getAutoCommit()) {
                        session.commit(false);
                    }
                    session.setAutoCommit(request.isAutoCommit());
                }
                return act(request.action(), isRead);
            } catch (DbException e) {
                return failed(DbException.toSQLException(e));
            }
        }

        private SqlOutcome.Failed failed(SQLException e) {
            JdbcException known = (JdbcException) e;
            return new SqlOutcome.Failed(e.getSQLState(), e.getErrorCode(), known.getOriginalMessage(), known.getSQL());
        }

        private SqlOutcome act(SqlAction action, boolean isRead) {
            if (action instanceof SqlAction.Hello hello) {
                user = hello.user();
                nonce = hello.nonce() + "node";
                return new SqlOutcome.Challenge(new byte[] {1, 2, 3}, Scram.ITERATIONS, nonce);
            } else if (action instanceof SqlAction.Prove prove) {
                return prove(prove);
            } else if (action instanceof SqlAction.Prepare prepare) {
                CommandInterface command = session.prepareCommand(prepare.sql());
                statements.put(prepare.statement(), command);
                return prepared(command);
            } else if (action instanceof SqlAction.Execute execute) {
                return execute(execute, isRead);
            } else if (action instanceof SqlAction.Batch batch) {
                return batch(batch);
            } else if (action instanceof SqlAction.Fetch fetch) {
                return rows(
                        Objects.requireNonNull(results.get(fetch.result())),
                        fetch.fromRow(),
                        fetch.rows(),
                        false,
                        false);
            } else if (action instanceof SqlAction.End end) {
                if (end.isCommit()) {
                    session.commit(false);
                } else {
                    session.rollback();
                }
                return new SqlOutcome.Done();
            } else if (action instanceof SqlAction.Metadata metadata) {
                ResultInterface result = DatabaseMetaServer.process(session, metadata.method(), metadata.arguments());
                return rows(result, 0, Integer.MAX_VALUE, true, false);
            } else if (action instanceof SqlAction.ReadLob read) {
                return piece(read);
            } else if (action instanceof SqlAction.WriteLob write) {
                ByteArrayOutputStream upload = uploads.computeIfAbsent(write.lob(), lob -> new ByteArrayOutputStream());
                assert upload.size() == write.offset();
                upload.writeBytes(write.bytes());
                return new SqlOutcome.Done();
            }
            return new SqlOutcome.Done();
        }

        private SqlOutcome prove(SqlAction.Prove prove) {
            Scram.Verifier verifier = Scram.verifier("app".toCharArray(), new byte[] {1, 2, 3}, Scram.ITERATIONS);
            String said = Scram.said(user, nonce, verifier.salt(), verifier.iterations());
            if (!user.equals("app") || !Scram.isProved(verifier, said, prove.proof())) {
                return new SqlOutcome.Failed("28000", 28000, "Wrong user name or password", null);
            }
            session.setTimeZone(TimeZoneProvider.ofId(prove.settings().getOrDefault("timeZone", "UTC")));
            String schema = prove.settings().get("schema");
            if (schema != null) {
                session.setCurrentSchemaName(schema);
            }
            return new SqlOutcome.Welcome(Scram.signature(verifier, said), Map.of("mode", "REGULAR"));
        }

        private SqlOutcome.Prepared prepared(CommandInterface command) {
            List<SqlOutcome.Parameter> parameters = new ArrayList<>();
            for (ParameterInterface parameter : command.getParameters()) {
                parameters.add(new SqlOutcome.Parameter(parameter.getType(), parameter.getNullable()));
            }
            return new SqlOutcome.Prepared(
                    command.getCommandType(),
                    command.isQuery(),
                    isReadable(command),
                    parameters,
                    command.isQuery() ? columns(command.getMetaData()) : null);
        }

        private boolean isReadable(CommandInterface command) {
            return command.isQuery() && ((org.h2.command.Command) command).isReadOnly();
        }

        private SqlOutcome execute(SqlAction.Execute execute, boolean isRead) {
            CommandInterface command = command(execute.statement(), execute.sql());
            if (isRead && !isReadable(command)) {
                return new SqlOutcome.NotARead();
            }
            running = command;
            session.lock();
            try {
                set(command, execute.parameters());
                if (command.isQuery()) {
                    ResultInterface result = command.executeQuery(execute.maxRows(), 0, false);
                    if (isRead && result.getRowCount() > FIRST_ROWS) {
                        return new SqlOutcome.NotARead();
                    }
                    int count = execute.fetchRows() == 0 ? FIRST_ROWS : execute.fetchRows();
                    if (result.getRowCount() > count) {
                        results.put(execute.result(), result);
                    }
                    return rows(result, 0, count, true, result.getRowCount() > count);
                }
                ResultWithGeneratedKeys result = command.executeUpdate(keys(execute.keys()));
                ResultInterface keys = result.getGeneratedKeys();
                return new SqlOutcome.Updated(
                        result.getUpdateCount(), keys == null ? null : rows(keys, 0, Integer.MAX_VALUE, true, false));
            } finally {
                running = null;
                session.unlock();
            }
        }

        private SqlOutcome batch(SqlAction.Batch batch) {
            ArrayList<Value[]> rows = new ArrayList<>(batch.parameters());
            BatchResult result = command(batch.statement(), batch.sql()).executeBatchUpdate(rows, keys(batch.keys()));
            ResultInterface keys = result.getGeneratedKeys();
            return new SqlOutcome.Batched(
                    result.getUpdateCounts(),
                    result.getExceptions().stream().map(this::failed).toList(),
                    keys == null ? null : rows(keys, 0, Integer.MAX_VALUE, true, false));
        }

        private CommandInterface command(int number, @Nullable String sql) {
            return sql == null ? Objects.requireNonNull(statements.get(number)) : session.prepareCommand(sql);
        }

        private void set(CommandInterface command, @Nullable Value[] values) {
            for (int i = 0; i < values.length; i++) {
                command.getParameters().get(i).setValue(values[i], false);
            }
        }

        private Object keys(GeneratedKeys keys) {
            if (keys instanceof GeneratedKeys.ByIndex byIndex) {
                return byIndex.columns().stream().mapToInt(Integer::intValue).toArray();
            } else if (keys instanceof GeneratedKeys.ByName byName) {
                return byName.columns().toArray(new String[0]);
            }
            return keys instanceof GeneratedKeys.All;
        }

        private List<SqlColumn> columns(ResultInterface result) {
            List<SqlColumn> columns = new ArrayList<>();
            for (int i = 0; i < result.getVisibleColumnCount(); i++) {
                columns.add(new SqlColumn(
                        result.getAlias(i),
                        result.getSchemaName(i),
                        result.getTableName(i),
                        result.getColumnName(i),
                        result.getColumnType(i),
                        result.isIdentity(i),
                        result.getNullable(i)));
            }
            return columns;
        }

        private SqlOutcome.Rows rows(
                ResultInterface result, long from, int count, boolean withColumns, boolean isOpen) {
            List<Value[]> rows = new ArrayList<>();
            result.reset();
            int limit = count == 0 ? FIRST_ROWS : count;
            for (long row = 0; rows.size() < limit && result.next(); row++) {
                if (row >= from) {
                    Value[] values = new Value[result.getVisibleColumnCount()];
                    System.arraycopy(result.currentRow(), 0, values, 0, values.length);
                    rows.add(values);
                }
            }
            return new SqlOutcome.Rows(withColumns ? columns(result) : null, rows, from, result.getRowCount(), isOpen);
        }

        private SqlOutcome piece(SqlAction.ReadLob read) {
            ValueLob lob = Objects.requireNonNull(named.get(read.lob()));
            try {
                byte[] all = lob.getValueType() == Value.BLOB
                        ? lob.getInputStream().readAllBytes()
                        : lob.getString().getBytes(java.nio.charset.StandardCharsets.UTF_8);
                int from = (int) Math.min(all.length, read.offset());
                int to = Math.min(all.length, from + read.length());
                return new SqlOutcome.Piece(java.util.Arrays.copyOfRange(all, from, to), to == all.length);
            } catch (IOException e) {
                throw DbException.convertIOException(e, null);
            }
        }

        @Override
        public long nameOf(ValueLob lob) {
            if (lob.octetLength() <= LOB_NAMED_BYTES) {
                return 0;
            }
            named.put(++lastLob, lob);
            return lastLob;
        }

        @Override
        public @Nullable ValueLob find(long name, int valueType, long bytes, long characters) {
            ByteArrayOutputStream upload = uploads.get(name);
            if (upload == null) {
                return null;
            }
            return valueType == Value.BLOB
                    ? ValueBlob.createSmall(upload.toByteArray())
                    : ValueClob.createSmall(upload.toByteArray());
        }
    }
}
