package io.lockstep.sqlwire;

import java.util.ArrayList;
import java.util.List;
import org.h2.value.Value;
import org.jspecify.annotations.Nullable;

/** Encodes and decodes the messages of one SQL session, one side of it. Used by one thread at a time. */
public final class SqlCodec {
    private static final int HELLO = 1;
    private static final int PROVE = 2;
    private static final int PREPARE = 3;
    private static final int EXECUTE = 4;
    private static final int BATCH = 5;
    private static final int FETCH = 6;
    private static final int END = 7;
    private static final int APPLY = 8;
    private static final int METADATA = 9;
    private static final int READ_LOB = 10;
    private static final int WRITE_LOB = 11;
    private static final int CANCEL = 12;
    /** Where a request's action begins that closes nothing. */
    private static final int CANCEL_AT = 3;

    private static final int CHALLENGE = 1;
    private static final int WELCOME = 2;
    private static final int PREPARED = 3;
    private static final int UPDATED = 4;
    private static final int ROWS = 5;
    private static final int BATCHED = 6;
    private static final int PIECE = 7;
    private static final int DONE = 8;
    private static final int NOT_A_READ = 9;
    private static final int FAILED = 10;

    private final LobReferences lobs;
    private final SqlWriter out;
    private final ColumnsCache cache = new ColumnsCache();

    /** @param lobs how large objects travel in either direction */
    public SqlCodec(LobReferences lobs) {
        this.lobs = lobs;
        this.out = new SqlWriter(lobs);
    }

    // ---- requests --------------------------------------------------------------------------------------------------

    /** The body of a request. @throws IllegalArgumentException a parameter is a Java object */
    public byte[] encode(SqlRequest request) {
        out.clear();
        out.putFlag(request.isAutoCommit());
        out.putNumbers(request.closedStatements());
        out.putNumbers(request.closedResults());
        put(request.action());
        return out.toBytes();
    }

    /**
     * Which request a body cancels, without decoding anything else: whoever hands messages on must know at once.
     *
     * @return 0 for whatever runs; -1 when it is no {@link SqlAction.Cancel} as a driver sends it
     */
    public static long cancelled(byte[] body) {
        boolean isCancel = body.length > CANCEL_AT + 1
                && body[CANCEL_AT] == CANCEL
                && body[CANCEL_AT - 1] == 0
                && body[CANCEL_AT - 2] == 0;
        if (!isCancel) {
            return -1;
        }
        long number = 0;
        int shift = 0;
        for (int i = CANCEL_AT + 1; i < body.length && shift < Long.SIZE; i++, shift += 7) {
            number |= (body[i] & 0x7fL) << shift;
        }
        long requestId = (number >>> 1) ^ -(number & 1);
        return requestId < 0 ? -1 : requestId;
    }

    private void put(SqlAction action) {
        if (action instanceof SqlAction.Execute execute) {
            out.putByte(EXECUTE);
            out.putNumber(execute.statement());
            out.putOptionalText(execute.sql());
            out.putValues(execute.parameters());
            put(execute.keys());
            out.putNumber(execute.maxRows());
            out.putNumber(execute.result());
            out.putNumber(execute.fetchRows());
            out.putNumber(execute.timeoutMillis());
            out.putFlag(execute.isCommitted());
        } else if (action instanceof SqlAction.End end) {
            out.putByte(END);
            out.putFlag(end.isCommit());
        } else if (action instanceof SqlAction.Fetch fetch) {
            out.putByte(FETCH);
            out.putNumber(fetch.result());
            out.putNumber(fetch.fromRow());
            out.putNumber(fetch.rows());
        } else if (action instanceof SqlAction.Prepare prepare) {
            out.putByte(PREPARE);
            out.putNumber(prepare.statement());
            out.putText(prepare.sql());
        } else if (action instanceof SqlAction.Batch batch) {
            out.putByte(BATCH);
            out.putNumber(batch.statement());
            out.putOptionalText(batch.sql());
            out.putCount(batch.parameters().size());
            batch.parameters().forEach(out::putValues);
            put(batch.keys());
            out.putNumber(batch.timeoutMillis());
        } else if (action instanceof SqlAction.Metadata metadata) {
            out.putByte(METADATA);
            out.putNumber(metadata.method());
            out.putValues(metadata.arguments());
            out.putNumber(metadata.result());
            out.putNumber(metadata.fetchRows());
        } else if (action instanceof SqlAction.ReadLob read) {
            out.putByte(READ_LOB);
            out.putNumber(read.lob());
            out.putNumber(read.offset());
            out.putNumber(read.length());
        } else if (action instanceof SqlAction.WriteLob write) {
            out.putByte(WRITE_LOB);
            out.putNumber(write.lob());
            out.putNumber(write.offset());
            out.putBytes(write.bytes());
        } else if (action instanceof SqlAction.Cancel cancel) {
            out.putByte(CANCEL);
            out.putNumber(cancel.requestId());
        } else if (action instanceof SqlAction.Hello hello) {
            out.putByte(HELLO);
            out.putText(hello.user());
            out.putText(hello.nonce());
        } else if (action instanceof SqlAction.Prove prove) {
            out.putByte(PROVE);
            out.putBytes(prove.proof());
            out.putTexts(prove.settings());
        } else {
            out.putByte(APPLY);
        }
    }

    private void put(GeneratedKeys keys) {
        if (keys instanceof GeneratedKeys.ByIndex byIndex) {
            out.putByte(2);
            out.putCount(byIndex.columns().size());
            byIndex.columns().forEach(out::putNumber);
        } else if (keys instanceof GeneratedKeys.ByName byName) {
            out.putByte(3);
            out.putCount(byName.columns().size());
            byName.columns().forEach(out::putText);
        } else {
            out.putByte(keys instanceof GeneratedKeys.All ? 1 : 0);
        }
    }

    /** What a request's body says. @throws SqlProtocolException it is no SQL message */
    public SqlRequest decodeRequest(byte[] body) throws SqlProtocolException {
        SqlReader in = new SqlReader(body, lobs);
        SqlRequest request = new SqlRequest(in.getFlag(), in.getNumbers(), in.getNumbers(), getAction(in));
        in.finish();
        return request;
    }

    private static SqlAction getAction(SqlReader in) throws SqlProtocolException {
        int code = in.getByte();
        return switch (code) {
            case HELLO -> new SqlAction.Hello(in.getText(), in.getText());
            case PROVE -> new SqlAction.Prove(in.getBytes(), in.getTexts());
            case PREPARE -> new SqlAction.Prepare(in.getSize(), in.getText());
            case EXECUTE ->
                new SqlAction.Execute(
                        in.getSize(),
                        in.getOptionalText(),
                        in.getParameters(),
                        getKeys(in),
                        notNegative(in.getNumber()),
                        in.getSize(),
                        in.getSize(),
                        in.getSize(),
                        in.getFlag());
            case BATCH ->
                new SqlAction.Batch(in.getSize(), in.getOptionalText(), getBatch(in), getKeys(in), in.getSize());
            case FETCH -> new SqlAction.Fetch(in.getSize(), notNegative(in.getNumber()), in.getSize());
            case END -> new SqlAction.End(in.getFlag());
            case APPLY -> new SqlAction.Apply();
            case METADATA -> new SqlAction.Metadata(in.getInt(), in.getValues(), in.getSize(), in.getSize());
            case READ_LOB -> new SqlAction.ReadLob(in.getNumber(), notNegative(in.getNumber()), in.getSize());
            case WRITE_LOB ->
                new SqlAction.WriteLob(notNegative(in.getNumber()), notNegative(in.getNumber()), in.getBytes());
            case CANCEL -> new SqlAction.Cancel(notNegative(in.getNumber()));
            default -> throw new SqlProtocolException("no action " + code);
        };
    }

    private static long notNegative(long value) throws SqlProtocolException {
        if (value < 0) {
            throw new SqlProtocolException("a number is negative: " + value);
        }
        return value;
    }

    private static List<@Nullable Value[]> getBatch(SqlReader in) throws SqlProtocolException {
        List<@Nullable Value[]> batch = new ArrayList<>();
        for (int left = in.getCount(); left > 0; left--) {
            batch.add(in.getParameters());
        }
        return batch;
    }

    private static GeneratedKeys getKeys(SqlReader in) throws SqlProtocolException {
        int code = in.getByte();
        return switch (code) {
            case 0 -> GeneratedKeys.NONE;
            case 1 -> GeneratedKeys.ALL;
            case 2 -> {
                List<Integer> numbers = new ArrayList<>();
                for (int left = in.getCount(); left > 0; left--) {
                    numbers.add(in.getInt());
                }
                yield new GeneratedKeys.ByIndex(numbers);
            }
            case 3 -> {
                List<String> names = new ArrayList<>();
                for (int left = in.getCount(); left > 0; left--) {
                    names.add(in.getText());
                }
                yield new GeneratedKeys.ByName(names);
            }
            default -> throw new SqlProtocolException("no kind of generated keys: " + code);
        };
    }

    // ---- replies ---------------------------------------------------------------------------------------------------

    /** The body of an answer. @throws IllegalArgumentException a value is a Java object */
    public byte[] encode(SqlReply reply) {
        out.clear();
        out.putFlag(reply.isAutoCommit());
        out.putFlag(reply.isInTransaction());
        out.putOptionalText(reply.schema());
        out.putOptionalText(reply.timeZone());
        put(reply.outcome());
        return out.toBytes();
    }

    private void put(SqlOutcome outcome) {
        if (outcome instanceof SqlOutcome.Rows rows) {
            out.putByte(ROWS);
            putRows(rows);
        } else if (outcome instanceof SqlOutcome.Updated updated) {
            out.putByte(UPDATED);
            out.putNumber(updated.count());
            putOptionalRows(updated.keys());
        } else if (outcome instanceof SqlOutcome.Prepared prepared) {
            out.putByte(PREPARED);
            out.putNumber(prepared.commandType());
            out.putFlag(prepared.isQuery());
            out.putFlag(prepared.isReadable());
            out.putCount(prepared.parameters().size());
            for (SqlOutcome.Parameter parameter : prepared.parameters()) {
                out.putType(parameter.type());
                out.putNumber(parameter.nullable());
            }
            putColumns(prepared.columns());
        } else if (outcome instanceof SqlOutcome.Failed failed) {
            out.putByte(FAILED);
            putFailure(failed);
        } else if (outcome instanceof SqlOutcome.Batched batched) {
            out.putByte(BATCHED);
            out.putCount(batched.counts().length);
            for (long count : batched.counts()) {
                out.putNumber(count);
            }
            out.putCount(batched.failures().size());
            batched.failures().forEach(this::putFailure);
            putOptionalRows(batched.keys());
        } else if (outcome instanceof SqlOutcome.Piece piece) {
            out.putByte(PIECE);
            out.putBytes(piece.bytes());
            out.putFlag(piece.isLast());
        } else if (outcome instanceof SqlOutcome.Challenge challenge) {
            out.putByte(CHALLENGE);
            out.putBytes(challenge.salt());
            out.putNumber(challenge.iterations());
            out.putText(challenge.nonce());
        } else if (outcome instanceof SqlOutcome.Welcome welcome) {
            out.putByte(WELCOME);
            out.putBytes(welcome.signature());
            out.putTexts(welcome.facts());
        } else {
            out.putByte(outcome instanceof SqlOutcome.NotARead ? NOT_A_READ : DONE);
        }
    }

    private void putFailure(SqlOutcome.Failed failed) {
        out.putText(failed.sqlState());
        out.putNumber(failed.code());
        out.putText(failed.message());
        out.putOptionalText(failed.sql());
    }

    private void putOptionalRows(SqlOutcome.@Nullable Rows rows) {
        out.putFlag(rows != null);
        if (rows != null) {
            putRows(rows);
        }
    }

    private void putRows(SqlOutcome.Rows rows) {
        putColumns(rows.columns());
        out.putNumber(rows.firstRow());
        out.putNumber(rows.totalRows());
        out.putFlag(rows.isOpen());
        out.putCount(rows.rows().size());
        for (Value[] row : rows.rows()) {
            out.putValues(row);
        }
    }

    private void putColumns(@Nullable List<SqlColumn> columns) {
        out.putFlag(columns != null);
        if (columns == null) {
            return;
        }
        byte[] before = cache.encodingOf(columns);
        if (before != null) {
            out.putRaw(before);
            return;
        }
        int start = out.length();
        out.putCount(columns.size());
        for (SqlColumn column : columns) {
            out.putText(column.alias());
            out.putOptionalText(column.schema());
            out.putOptionalText(column.table());
            out.putOptionalText(column.column());
            out.putType(column.type());
            out.putFlag(column.isIdentity());
            out.putNumber(column.nullable());
        }
        cache.wrote(columns, out.toBytes(start));
    }

    /** What an answer's body says. @throws SqlProtocolException it is no SQL reply */
    public SqlReply decodeReply(byte[] body) throws SqlProtocolException {
        SqlReader in = new SqlReader(body, lobs);
        SqlReply reply =
                new SqlReply(in.getFlag(), in.getFlag(), in.getOptionalText(), in.getOptionalText(), getOutcome(in));
        in.finish();
        return reply;
    }

    private SqlOutcome getOutcome(SqlReader in) throws SqlProtocolException {
        int code = in.getByte();
        return switch (code) {
            case CHALLENGE -> new SqlOutcome.Challenge(in.getBytes(), in.getInt(), in.getText());
            case WELCOME -> new SqlOutcome.Welcome(in.getBytes(), in.getTexts());
            case PREPARED ->
                new SqlOutcome.Prepared(in.getInt(), in.getFlag(), in.getFlag(), getParameters(in), getColumns(in));
            case UPDATED -> new SqlOutcome.Updated(in.getNumber(), getOptionalRows(in));
            case ROWS -> getRows(in);
            case BATCHED -> {
                long[] counts = new long[in.getCount()];
                for (int i = 0; i < counts.length; i++) {
                    counts[i] = in.getNumber();
                }
                List<SqlOutcome.Failed> failures = new ArrayList<>();
                for (int left = in.getCount(); left > 0; left--) {
                    failures.add(getFailure(in));
                }
                yield new SqlOutcome.Batched(counts, failures, getOptionalRows(in));
            }
            case PIECE -> new SqlOutcome.Piece(in.getBytes(), in.getFlag());
            case DONE -> new SqlOutcome.Done();
            case NOT_A_READ -> new SqlOutcome.NotARead();
            case FAILED -> getFailure(in);
            default -> throw new SqlProtocolException("no outcome " + code);
        };
    }

    private static SqlOutcome.Failed getFailure(SqlReader in) throws SqlProtocolException {
        return new SqlOutcome.Failed(in.getText(), in.getInt(), in.getText(), in.getOptionalText());
    }

    private static List<SqlOutcome.Parameter> getParameters(SqlReader in) throws SqlProtocolException {
        List<SqlOutcome.Parameter> parameters = new ArrayList<>();
        for (int left = in.getCount(); left > 0; left--) {
            parameters.add(new SqlOutcome.Parameter(in.getType(), in.getInt()));
        }
        return parameters;
    }

    private SqlOutcome.@Nullable Rows getOptionalRows(SqlReader in) throws SqlProtocolException {
        return in.getFlag() ? getRows(in) : null;
    }

    private SqlOutcome.Rows getRows(SqlReader in) throws SqlProtocolException {
        List<SqlColumn> columns = getColumns(in);
        long firstRow = notNegative(in.getNumber());
        long totalRows = notNegative(in.getNumber());
        boolean isOpen = in.getFlag();
        List<Value[]> rows = new ArrayList<>();
        for (int left = in.getCount(); left > 0; left--) {
            rows.add(in.getValues());
        }
        return new SqlOutcome.Rows(columns, rows, firstRow, totalRows, isOpen);
    }

    private @Nullable List<SqlColumn> getColumns(SqlReader in) throws SqlProtocolException {
        if (!in.getFlag()) {
            return null;
        }
        List<SqlColumn> before = cache.readAgain(in);
        if (before != null) {
            return before;
        }
        int start = in.position();
        List<SqlColumn> columns = new ArrayList<>();
        for (int left = in.getCount(); left > 0; left--) {
            columns.add(new SqlColumn(
                    in.getText(),
                    in.getOptionalText(),
                    in.getOptionalText(),
                    in.getOptionalText(),
                    in.getType(),
                    in.getFlag(),
                    in.getInt()));
        }
        List<SqlColumn> all = List.copyOf(columns);
        cache.read(all, in.bytesSince(start));
        return all;
    }
}
