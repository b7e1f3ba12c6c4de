package io.lockstep.jdbc;

import java.util.ArrayList;
import org.h2.api.ErrorCode;
import org.h2.command.CommandInterface;
import org.h2.expression.ParameterInterface;
import org.h2.message.DbException;
import org.h2.result.BatchResult;
import org.h2.result.ResultInterface;
import org.h2.result.ResultWithGeneratedKeys;
import org.h2.value.Value;
import org.jspecify.annotations.Nullable;

/** COMMIT or ROLLBACK: a message only if there can be anything to end. Safe as its session is. */
record EndCommand(SqlSession session, boolean isCommit) implements CommandInterface {
    @Override
    public int getCommandType() {
        return isCommit ? COMMIT : ROLLBACK;
    }

    @Override
    public boolean isQuery() {
        return false;
    }

    @Override
    @SuppressWarnings("NonApiType") // H2's signature
    public ArrayList<? extends ParameterInterface> getParameters() {
        return new ArrayList<>();
    }

    @Override
    public ResultInterface executeQuery(long maxRows, int fetchSize, boolean scrollable) {
        throw DbException.get(ErrorCode.METHOD_ONLY_ALLOWED_FOR_QUERY);
    }

    @Override
    public ResultWithGeneratedKeys executeUpdate(@Nullable Object generatedKeysRequest) {
        session.end(isCommit);
        return ResultWithGeneratedKeys.of(0);
    }

    @Override
    @SuppressWarnings("NonApiType") // H2's signature
    public BatchResult executeBatchUpdate(ArrayList<Value[]> batch, @Nullable Object generatedKeysRequest) {
        session.end(isCommit);
        return new BatchResult(new long[batch.size()], null, new ArrayList<>());
    }

    @Override
    public void stop(boolean commitIfAutoCommit) {}

    @Override
    public void close() {}

    @Override
    public void cancel() {}

    @Override
    public @Nullable ResultInterface getMetaData() {
        return null;
    }
}
