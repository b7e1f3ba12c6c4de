package io.lockstep.tsdstore.sql;

import io.lockstep.sqlwire.LobReferences;
import io.lockstep.sqlwire.SqlCodec;
import io.lockstep.sqlwire.SqlOutcome;
import io.lockstep.sqlwire.SqlReply;
import org.h2.command.Command;
import org.h2.command.query.Query;
import org.h2.expression.ExpressionVisitor;
import org.jspecify.annotations.Nullable;

/** Messages that are not ordered. Safe from any thread. */
final class Reads implements AutoCloseable {
    Reads(SqlConfig config, SqlDatabase database) {}

    static boolean isReadable(Command command) {
        return H2Fields.prepared(command) instanceof Query query
                && query.getForUpdate() == null
                && query.isEverything(ExpressionVisitor.READONLY_VISITOR)
                && query.isEverything(ExpressionVisitor.DETERMINISTIC_VISITOR);
    }

    byte[] read(@Nullable SqlSession session, byte[] body, long timeNs) {
        return new SqlCodec(LobReferences.INLINE)
                .encode(new SqlReply(true, false, null, null, new SqlOutcome.NotARead()));
    }

    @Override
    public void close() {}
}
