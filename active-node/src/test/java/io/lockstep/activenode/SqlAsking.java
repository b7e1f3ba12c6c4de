package io.lockstep.activenode;

import io.lockstep.sqlwire.GeneratedKeys;
import io.lockstep.sqlwire.LobReferences;
import io.lockstep.sqlwire.Scram;
import io.lockstep.sqlwire.SqlAction;
import io.lockstep.sqlwire.SqlCodec;
import io.lockstep.sqlwire.SqlOutcome;
import io.lockstep.sqlwire.SqlProtocolException;
import io.lockstep.sqlwire.SqlRequest;
import io.lockstep.wire.Answer;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import java.util.Map;
import org.h2.value.Value;
import org.h2.value.ValueInteger;

/** Plays one client's SQL session: counts its ids, knows how to log in. */
final class SqlAsking {
    final Identity session;
    private final SqlCodec codec = new SqlCodec(LobReferences.INLINE);
    private long last;

    SqlAsking(Identity session) {
        this.session = session;
    }

    Request hello() {
        return ask(new SqlAction.Hello("app", "0123456789abcdefghijklmn"));
    }

    Request prove(Answer challenged) {
        SqlOutcome.Challenge challenge = (SqlOutcome.Challenge) outcome(challenged);
        String said = Scram.said("app", challenge.nonce(), challenge.salt(), challenge.iterations());
        byte[] proof = Scram.proof("app".toCharArray(), challenge.salt(), challenge.iterations(), said);
        return ask(new SqlAction.Prove(proof, Map.of("timeZone", "UTC")));
    }

    /** By autocommit, unless it ends a transaction. */
    Request ask(SqlAction action) {
        return ask(!(action instanceof SqlAction.End), action);
    }

    Request ask(boolean isAutoCommit, SqlAction action) {
        long previous = last++;
        return request(last, RequestKind.SQL, previous, isAutoCommit, action);
    }

    Request read(SqlAction action) {
        return request(last + 1, RequestKind.SQL_READ, last, true, action);
    }

    private Request request(long id, RequestKind kind, long previous, boolean isAutoCommit, SqlAction action) {
        byte[] body = codec.encode(SqlRequest.of(isAutoCommit, action));
        return new Request(session, 1, id, kind, 0, 0, previous, Identity.NONE, 1000, false, body);
    }

    static SqlAction statement(String sql) {
        return new SqlAction.Execute(0, sql, new Value[0], GeneratedKeys.NONE, 0, 0, 0, 0, false);
    }

    /** A statement that was prepared under that number. */
    static SqlAction prepared(int number, int... parameters) {
        Value[] values = new Value[parameters.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = ValueInteger.get(parameters[i]);
        }
        return new SqlAction.Execute(number, null, values, GeneratedKeys.NONE, 0, 0, 0, 0, false);
    }

    SqlOutcome outcome(Answer answer) {
        try {
            return codec.decodeReply(answer.body()).outcome();
        } catch (SqlProtocolException e) {
            throw new AssertionError(e);
        }
    }
}
